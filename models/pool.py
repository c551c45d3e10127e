"""ModelPool: the one place where models come into memory and leave it.

    with pool.lease("qwen3-4b", task, adapter="camelbell-c") as lease:
        lease.engine.generate(...)

Drives models.schedule under one lock: every event goes in there, every effect is performed here, in threads of its own
where it takes long (loads, unloads). Who gets what when is the scheduler's decision, what must go for it the
planner's, how a row becomes an engine models.opening's. Nothing here imports torch.
"""

import itertools
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from models.device import Choice
from models.errors import Busy, Cancelled, DoesNotFit, HubError, ModelUnavailable
from models.metrics import Metrics
from models.modelspec import AdapterSpec, ModelSpec
from models.opening import Opener
from models.plan import Misfit, Part, Plan, Rung, ladder
from models.rows import Catalogue
from models.schedule import (
    Asked,
    BudgetChanged,
    CancelLoad,
    Deny,
    Effect,
    Event,
    Freed,
    Grant,
    Loaded,
    LoadFailed,
    OutOfMemory,
    Pinned,
    Policy,
    Released,
    Scheduler,
    Snapshot,
    StartLoad,
    StartUnload,
    Tick,
    UnloadAsked,
    Unloaded,
    Unpinned,
    Warn,
)
from models.schedule import (
    Cancelled as Withdrawn,
)
from models.spec import Precision
from models.task import Task

__all__ = ["Lease", "ModelPool"]

SLOTS = 16  # leases on one base at once; more wait in line
POLL_S = 0.1  # how often one who waits looks whether he was told to stop
RELIEF_S = 60.0  # an answer that ran out of memory waits so long for others to go
SMALLER = "qwen2.5-0.5b"  # what is offered where a model fits in no precision, beside what is on this disk
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Request:
    """Somebody who waits."""

    name: str
    task: Task
    since: float
    rung: Rung | None = None
    error: HubError | None = None
    warned: tuple[Part, ...] = ()


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
        self._opener, self._decide, self._clock = opener, decide, clock
        self._policy = policy or Policy()
        self._scheduler = Scheduler(0, self._policy)
        self._changed = threading.Condition(threading.RLock())
        self._numbers = itertools.count(1)
        self.forgotten: deque[str] = deque()  # leases that nobody holds any more and nobody has given back
        self._requests: dict[str, _Request] = {}
        self._loads: dict[Part, Task] = {}
        self._engines: dict[Part, Any] = {}
        self._errors: dict[Part, HubError] = {}
        self._freed: dict[str, int] = {}
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
        spec = self.catalogue.model(key)
        if adapter:
            self._adapter(spec, adapter)
        rungs = self._ladder(spec, adapter, task, exact=exact)
        request = _Request(f"r{next(self._numbers)}", task, self._clock())
        with self._changed:
            there = self._is_ready(rungs)
            self._requests[request.name] = request
            self._handle(Asked(request.name, rungs))
        rung = self._wait(request)
        self.metrics.granted(self._clock() - request.since, hit=there)
        spec = self.catalogue.model(rung.part.model)
        return Lease(self, request.name, rung.part, spec, lowered=rung.part != rungs[0].part)

    def engine(self, part: Part) -> Any:  # noqa: ANN401  (what the row's loader makes)
        """The engine behind a part; only a lease may keep it."""
        return self._engines[part.base]

    def release(self, request: str) -> None:
        """Ends a lease by its name; `Lease.release` calls it."""
        self._handle(Released(request))

    def _wait(self, request: _Request) -> Rung:
        """Blocks until granted; raises what it was denied with, or Cancelled."""
        try:
            with self._changed:
                while request.rung is None and request.error is None:
                    self._report(request)
                    self._changed.wait(POLL_S)
                if request.error is not None:
                    raise request.error
                assert request.rung is not None
                request.task.check()
                return request.rung
        except BaseException:
            with self._changed:
                self._handle(Released(request.name) if request.rung else Withdrawn(request.name))
            raise
        finally:
            self._requests.pop(request.name, None)

    def _report(self, request: _Request) -> None:
        """The progress of what is being loaded for a request, or that it stands in line. Raises Cancelled."""
        for row in self._scheduler.snapshot().queue:
            if row.request == request.name:
                load = self._loads.get(row.part.base) or self._loads.get(row.part)
                request.task.step(load.fraction if load else 0.0, (load and load.note) or "pool.queued")
        request.task.check()

    # ---- what the page asks for ----

    def pin(self, part: Part, pinned: bool = True) -> None:
        """Keeps a part in memory, or lets it go again."""
        self._handle(Pinned(part) if pinned else Unpinned(part))

    def unload(self, part: Part) -> None:
        """Asks a part to leave as soon as nobody uses it; nothing happens while it is pinned."""
        self._handle(UnloadAsked(part))

    def snapshot(self) -> tuple[Snapshot, dict[Part, Task]]:
        """The ledger, and the progress of the loads in it."""
        with self._changed:
            self._handle(Tick())
            return self._scheduler.snapshot(), dict(self._loads)

    def preview(self, key: str, adapter: str = "") -> tuple[Plan | Misfit, bool]:
        """What asking for a model would do now, and whether its files are here. No network; nothing happens.

        Raises UnknownModel, and BadInput where its size is not known yet.
        """
        spec = self._opener.ready(self.catalogue.model(key))
        with self._changed:
            self._look()
            rungs = self._rungs([spec], adapter)
            return self._scheduler.preview(rungs), spec.folder is not None

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
        """Unloads everything that is idle; for tests and for the end of a hub."""
        with self._changed:
            for holding in self._scheduler.snapshot().holdings:
                self._handle(Unpinned(holding.part))
                self._handle(UnloadAsked(holding.part))
            while self._scheduler.snapshot().holdings:
                if not self._changed.wait(30.0):
                    break
            if self._timer is not None:
                self._timer.cancel()

    # ---- ladders ----

    def _ladder(self, spec: ModelSpec, adapter: str, task: Task, *, exact: bool) -> tuple[Rung, ...]:
        """What may serve a request, best first, its files fetched. Only what will be used is ever downloaded."""
        ready = self._opener.ready(spec)
        specs = [ready, *(() if exact else self._smaller(spec))]
        with self._changed:
            self._look()
            planned = self._scheduler.preview(self._rungs(specs, adapter))
        if isinstance(planned, Plan) and planned.rung.part.model != spec.key:
            specs = [other for other in specs if other.key == planned.rung.part.model]
        if isinstance(planned, Plan):
            self._opener.fetch(specs[0], task)
            if adapter and specs[0].key == spec.key:
                self._opener.fetch(self.catalogue.adapters[adapter], task)
            specs[0] = self._opener.ready(specs[0])
        local = [other for other in specs[1:] if other.folder is not None]
        rungs = self._rungs([specs[0], *local], adapter if specs[0].key == spec.key else "")
        return rungs[:1] if exact else rungs

    def _rungs(self, specs: list[ModelSpec], adapter: str) -> tuple[Rung, ...]:
        choice = self.choice(specs[0].role)
        models = [(spec.key, {p.value: n for p, n in self._opener.sizes(spec, choice).items()}) for spec in specs]
        extra = self.catalogue.adapters[adapter].n_bytes if adapter else 0
        steps = [precision.value for precision in choice.ladder]
        return ladder(models, steps, adapter=adapter, adapter_bytes=extra, slots=SLOTS)

    def _smaller(self, spec: ModelSpec) -> list[ModelSpec]:
        """Models that may stand in where one does not fit: smaller ones for the same use that are on this disk, and
        one small one that can be fetched. An embedder has no substitute: its vectors are compared with its own."""
        if spec.role == "embed" or not spec.n_bytes:
            return []
        size, use = max(spec.n_bytes.values()), spec.good_for[0]
        rows = [row for row in self.catalogue.models.values() if row.role == spec.role and use in row.good_for]
        rows = [self._opener.ready(row) for row in rows if row.n_bytes and max(row.n_bytes.values()) < size]
        rows = [row for row in rows if row.folder is not None or row.key == SMALLER]
        return sorted(rows, key=lambda row: -max(row.n_bytes.values()))

    def _adapter(self, spec: ModelSpec, adapter: str) -> AdapterSpec:
        for row in self.catalogue.adapters_of(spec.key):
            if row.key == adapter:
                return row
        raise ModelUnavailable("adapter_unknown", name=adapter)

    def _look(self) -> None:
        """Looks how much memory is free: what others took since the start is not the pool's to give."""
        choice = self._choices["generate"] = self._decide("generate")
        self._choices.pop("embed", None)
        if self._ceiling is None:
            self._ceiling = choice.budget_bytes
        snapshot = self._scheduler.snapshot()
        budget = min(self._ceiling, snapshot.used + choice.budget_bytes)
        if budget != snapshot.budget:
            self._handle(BudgetChanged(budget))

    def _is_ready(self, rungs: tuple[Rung, ...]) -> bool:
        return any(rung.part.base in self._engines for rung in rungs)

    # ---- events and effects ----

    def _handle(self, event: Event) -> None:
        with self._changed:
            events: list[Event] = [event]
            while self.forgotten:
                events.append(Released(self.forgotten.popleft()))
            for each in events:
                for effect in self._scheduler.handle(each, self._clock()):
                    self._perform(effect)
            self._arm()
            self._changed.notify_all()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case StartLoad(part, _):
                self._loads[part] = Task()
                self._start(self._load, part)
            case CancelLoad(part):
                self._loads[part].stop()
            case StartUnload(part):
                self.metrics.unloads += 1
                self._start(self._unload, part)
            case Grant(name, rung):
                self._grant(name, rung)
            case Deny(name, code, values):
                if name in self._requests:
                    self._requests[name].error = self._told(code, dict(values))
            case Warn(names, _, evicts):
                for name in names:
                    if name in self._requests:
                        self._requests[name].warned = evicts
            case Freed(name, n_bytes):
                self._freed[name] = n_bytes

    def _grant(self, name: str, rung: Rung) -> None:
        if name in self._requests:
            self._requests[name].rung = rung
        else:  # he left in the same moment
            self._handle(Released(name))

    def _told(self, code: str, values: dict[str, object]) -> HubError:
        """What a denial is to the one who asked."""
        key = str(values["model"])
        title = self.catalogue.models[key].title if key in self.catalogue.models else key
        if code == "does_not_fit":
            sizes = {name: _gib(int(str(values[name]))) for name in ("need_bytes", "budget_bytes", "pinned_bytes")}
            return DoesNotFit(code, model=title, **sizes)
        if code == "busy":
            return Busy(code)
        failed = [error for part, error in self._errors.items() if part.model == key and error.code == values["reason"]]
        return failed[-1] if failed else ModelUnavailable(code, **{**values, "model": title})

    @staticmethod
    def _start(work: Callable[[Part], None], part: Part) -> None:
        threading.Thread(target=work, args=(part,), name=f"pool {part.model}", daemon=True).start()

    def _arm(self) -> None:
        """Sets the clock for when time alone will change something."""
        if self._timer is not None:
            self._timer.cancel()
        due = self._scheduler.wake_at()
        self._timer = None
        if due is not None:
            self._timer = threading.Timer(max(0.0, due - self._clock()) + 0.01, self._handle, [Tick()])
            self._timer.daemon = True
            self._timer.start()

    def _load(self, part: Part) -> None:
        started, task = self._clock(), self._loads[part]
        event: Event
        try:
            n_bytes = self._add(part) if part.adapter else self._open(part, task)
            event = Loaded(part, n_bytes, self._clock() - started)
            self.metrics.loads += 1
            self._errors.pop(part, None)
        except Cancelled:
            event = LoadFailed(part, "cancelled")
        except Exception as error:
            told = _as_hub_error(error, part)
            self._errors[part] = told
            self.metrics.failures += 1
            event = LoadFailed(part, told.code, out_of_memory=told.code == "out_of_memory")
        with self._changed:
            del self._loads[part]
            self._handle(event)

    def _open(self, part: Part, task: Task) -> int:
        spec = self.catalogue.model(part.model)
        engine, n_bytes = self._opener.open(
            spec, Precision(part.precision), self.choice(spec.role), task, lambda: self._relieve(part)
        )
        with self._changed:
            self._engines[part] = engine
        return n_bytes

    def _add(self, part: Part) -> int:
        row = self.catalogue.adapters[part.adapter]
        folder = self._opener.fetch(row, self._loads[part])
        return self._engines[part.base].add_adapter(part.adapter, folder, form=row.prompt).n_bytes

    def _unload(self, part: Part) -> None:
        lost = 0
        try:
            if part.adapter:
                self._engines[part.base].remove_adapter(part.adapter)
            else:
                engine = self._engines.pop(part)
                lost = 0 if engine.unload() else engine.n_bytes
        except Exception:
            log.exception("%s could not be unloaded", part)
            lost = self._bytes_of(part)
        self._handle(Unloaded(part, lost))

    def _bytes_of(self, part: Part) -> int:
        return sum(row.n_bytes for row in self._scheduler.snapshot().holdings if row.part == part)

    def _relieve(self, part: Part) -> None:
        """An answer on `part` ran out of memory: everything idle goes; returns when it is gone."""
        with self._changed:
            holders = [row.holders for row in self._scheduler.snapshot().holdings if row.part == part]
            name = next((name for names in holders for name in names), None)
            if name is None:
                return
            self._handle(OutOfMemory(name))
            self._changed.wait_for(lambda: name in self._freed, RELIEF_S)
            self._freed.pop(name, None)


def _as_hub_error(error: Exception, part: Part) -> HubError:
    """A load that failed, as a sentence; without the frames, which would keep half a model."""
    if isinstance(error, HubError):
        return error.with_traceback(None)
    log.error("loading %s failed: %s: %s", part, type(error).__name__, error)
    return ModelUnavailable("weights_broken", name=part.model)


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / (1 << 30):.2f} GiB"
