"""Leases, and the scheduler behind them: events go in under one lock, effects are performed as they come out."""

import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from models import schedule
from models.device import Choice
from models.errors import Busy, DoesNotFit, HubError, ModelUnavailable
from models.metrics import Metrics
from models.modelspec import AdapterSpec, ModelSpec
from models.opening import Opener
from models.plan import Misfit, Part, Plan, Rung
from models.pool.ladders import adapter_of, fetched, rungs
from models.pool.rooms import EngineRoom
from models.rows import Catalogue
from models.schedule import Effect, Event, Policy, Scheduler, Snapshot
from models.task import Task

POLL_S = 0.1  # how often one who waits looks whether he was told to stop
RELIEF_S = 60.0  # an answer that ran out of memory waits so long for others to go
GIB = 1 << 30


@dataclass(slots=True)
class _Request:
    """Somebody who waits."""

    name: str
    task: Task
    since: float
    rung: Rung | None = None
    error: HubError | None = None


class Lease:
    """The right to use one engine, until `release`. One that is forgotten is released when it is collected."""

    def __init__(self, pool: "ModelPool", request: str, part: Part, spec: ModelSpec, *, lowered: bool) -> None:
        self.part, self.spec = part, spec
        self.lowered = lowered  # a lower precision or a smaller model than the first choice
        self.engine: Any = pool.engine(part)
        self._pool, self._request = pool, request
        # a collection may come while this very thread is inside the scheduler: it only leaves a note there
        self._forgotten = weakref.finalize(self, pool.forgotten.append, request)

    def release(self) -> None:
        """Gives the engine back. Saying it twice does no harm."""
        self.engine = None
        if self._forgotten.detach():
            self._pool.release(self._request)


class ModelPool:
    """All neural models of one hub. Safe to use from any thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        opener: Opener,
        decide: Callable[[str], Choice],
        *,
        policy: Policy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`decide(role)` says what this machine loads models of a role with; it is asked at the first lease."""
        self.catalogue, self.metrics = catalogue, Metrics()
        self.forgotten: deque[str] = deque()  # leases that nobody holds any more and nobody has given back
        self._opener, self._decide, self._clock = opener, decide, clock
        self._room = EngineRoom(opener, self._handle, self._relieve, self.metrics, clock)
        self._scheduler = Scheduler(0, policy or Policy())
        self._changed = threading.Condition(threading.RLock())
        self._numbers = itertools.count(1)
        self._requests: dict[str, _Request] = {}
        self._freed: set[str] = set()
        self._choices: dict[str, Choice] = {}
        self._ceiling: int | None = None
        self._timer: threading.Timer | None = None

    # ---- leases ----

    @contextmanager
    def lease(self, key: str, task: Task, *, adapter: str = "", exact: bool = False) -> Iterator[Lease]:
        """An engine for as long as the block lasts, loaded first if need be, with progress on `task`.

        `exact` refuses a lower precision or a smaller model than the first choice. Raises UnknownModel,
        ModelUnavailable, DoesNotFit, Busy, Cancelled.
        """
        lease = self.acquire(key, task, adapter=adapter, exact=exact)
        try:
            yield lease
        finally:
            lease.release()

    def acquire(self, key: str, task: Task, *, adapter: str = "", exact: bool = False) -> Lease:
        """As `lease`, for those who release it themselves."""
        ladder = self._ladder(key, adapter, task, exact=exact)
        request = _Request(f"r{next(self._numbers)}", task, self._clock())
        with self._changed:
            there = any(rung.part.base in self._room.engines for rung in ladder)
            self._requests[request.name] = request
            self._handle(schedule.Asked(request.name, ladder))
        rung = self._wait(request)
        self.metrics.granted(self._clock() - request.since, hit=there)
        spec = self.catalogue.model(rung.part.model)
        return Lease(self, request.name, rung.part, spec, lowered=rung.part != ladder[0].part or spec.key != key)

    def engine(self, part: Part) -> Any:  # noqa: ANN401  (what the row's loader makes)
        """The engine behind a part; only a lease may keep it."""
        return self._room.engines[part.base]

    def release(self, request: str) -> None:
        """Ends a lease by its name; `Lease.release` calls it."""
        self._handle(schedule.Released(request))

    def _ladder(self, key: str, adapter: str, task: Task, *, exact: bool) -> tuple[Rung, ...]:
        spec = self.catalogue.model(key)
        row = adapter_of(self.catalogue, key, adapter) if adapter else None
        with self._changed:
            self._look()
        choice = self.choice(spec.role)
        return fetched(self.catalogue, self._opener, choice, spec, row, task, self._preview, exact=exact)

    def _wait(self, request: _Request) -> Rung:
        """Blocks until granted; raises what it was denied with, or Cancelled."""
        request.task.fraction = 0.0  # the download, if there was one, is another piece of work
        try:
            with self._changed:
                while request.rung is None and request.error is None:
                    self._report(request)
                    self._changed.wait(POLL_S)
                if request.error is not None:
                    raise request.error
                assert request.rung is not None
                request.task.check()
                request.task.fraction, request.task.note = 0.0, ""  # what follows is the app's own work
                return request.rung
        except BaseException:
            with self._changed:
                name = request.name
                self._handle(schedule.Released(name) if request.rung else schedule.Cancelled(name))
            raise
        finally:
            self._requests.pop(request.name, None)

    def _report(self, request: _Request) -> None:
        """The progress of what is being loaded for a request, or that it stands in line. Raises Cancelled."""
        for row in self._scheduler.snapshot().queue:
            if row.request == request.name:
                load = self._room.loads.get(row.part.base) or self._room.loads.get(row.part)
                request.task.step(load.fraction if load else 0.0, (load.note if load else "") or "bar.queued")
        request.task.check()

    # ---- what the page asks for ----

    def pin(self, part: Part, pinned: bool = True) -> None:
        """Keeps a part in memory, or lets it go again."""
        self._handle(schedule.Pinned(part) if pinned else schedule.Unpinned(part))

    def unload(self, part: Part) -> None:
        """Asks a part to leave as soon as nobody uses it; nothing happens while it is pinned."""
        self._handle(schedule.UnloadAsked(part))

    def snapshot(self) -> tuple[Snapshot, dict[Part, Task]]:
        """The ledger, and the progress of the loads in it."""
        with self._changed:
            self._handle(schedule.Tick())
            return self._scheduler.snapshot(), dict(self._room.loads)

    def preview(self, key: str, adapter: str = "") -> tuple[Plan | Misfit, bool]:
        """What asking for a model would do now, and whether its files are here. No network; nothing happens.

        Raises UnknownModel, and BadInput where its size is not known yet.
        """
        spec = self._opener.ready(self.catalogue.model(key))
        row = adapter_of(self.catalogue, key, adapter) if adapter else None
        with self._changed:
            self._look()
        return self._preview(rungs(self._opener, self.choice(spec.role), [spec], row)), spec.folder is not None

    def is_here(self, key: str) -> bool:
        """Whether the files of a model are on this machine. No network. Raises UnknownModel."""
        return self._opener.ready(self.catalogue.model(key)).folder is not None

    def choice(self, role: str) -> Choice:
        """What this machine loads models of a role with, and why."""
        if role not in self._choices:
            self._choices[role] = self._decide(role)
        return self._choices[role]

    def add(self, row: ModelSpec | AdapterSpec) -> None:
        """One row more. Raises BadInput."""
        with self._changed:
            self.catalogue = self.catalogue.plus(row)

    def close(self) -> None:
        """Unloads everything as soon as it is idle; for tests and for the end of a hub."""
        with self._changed:
            for holding in self._scheduler.snapshot().holdings:
                self._handle(schedule.Unpinned(holding.part))
                self._handle(schedule.UnloadAsked(holding.part))
            self._changed.wait_for(lambda: not self._scheduler.snapshot().holdings, RELIEF_S)
            if self._timer is not None:
                self._timer.cancel()

    def _preview(self, ladder: tuple[Rung, ...]) -> Plan | Misfit:
        with self._changed:
            return self._scheduler.preview(ladder)

    def _look(self) -> None:
        """Looks how much memory is free: what others took since the start is not the pool's to give."""
        choice = self._choices["generate"] = self._decide("generate")
        if self._ceiling is None:
            self._ceiling = choice.budget_bytes
        snapshot = self._scheduler.snapshot()
        budget = min(self._ceiling, snapshot.used + choice.budget_bytes)
        if budget != snapshot.budget:
            self._handle(schedule.BudgetChanged(budget))

    # ---- events and effects ----

    def _handle(self, event: Event) -> None:
        with self._changed:
            events: list[Event] = [event]
            while self.forgotten:
                events.append(schedule.Released(self.forgotten.popleft()))
            for each in events:
                for effect in self._scheduler.handle(each, self._clock()):
                    self._perform(effect)
            self._arm()
            self._changed.notify_all()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case schedule.StartLoad(part, _):
                spec = self.catalogue.model(part.model)
                row = self.catalogue.adapters[part.adapter] if part.adapter else None
                self._room.load(part, spec, row, self.choice(spec.role))
            case schedule.CancelLoad(part):
                self._room.stop(part)
            case schedule.StartUnload(part):
                self._room.unload(part, sum(row.n_bytes for row in self._holdings(part)))
            case schedule.Grant(name, rung):
                self._requests[name].rung = rung
            case schedule.Deny(name, code, values):
                self._requests[name].error = self._told(code, dict(values))
            case schedule.Freed(name, _):
                self._freed.add(name)

    def _holdings(self, part: Part) -> list[schedule.Holding]:
        """The rows of a part: of a base with its adapters."""
        return [row for row in self._scheduler.snapshot().holdings if part in (row.part, row.part.base)]

    def _told(self, code: str, values: dict[str, object]) -> HubError:
        """What a denial is to the one who asked."""
        key = str(values["model"])
        title = self.catalogue.model(key).title
        if code == "does_not_fit":
            sizes = {name: f"{int(str(values[name])) / GIB:.2f} GiB" for name in values if name.endswith("_bytes")}
            return DoesNotFit(code, model=title, **sizes)
        if code == "busy":
            return Busy(code)
        failed = [e for part, e in self._room.errors.items() if part.model == key and e.code == values["reason"]]
        return failed[-1] if failed else ModelUnavailable(code, **{**values, "model": title})

    def _arm(self) -> None:
        """Sets the clock for when time alone will change something."""
        if self._timer is not None:
            self._timer.cancel()
        due = self._scheduler.wake_at()
        self._timer = None
        if due is not None:
            self._timer = threading.Timer(max(0.0, due - self._clock()) + 0.01, self._handle, [schedule.Tick()])
            self._timer.daemon = True
            self._timer.start()

    def _relieve(self, part: Part) -> None:
        """An answer on `part` ran out of memory: everything idle goes; returns when it is gone."""
        with self._changed:
            name = next((name for row in self._holdings(part) for name in row.holders), None)
            if name is None:
                return
            self._handle(schedule.OutOfMemory(name))
            self._changed.wait_for(lambda: name in self._freed, RELIEF_S)
            self._freed.discard(name)
