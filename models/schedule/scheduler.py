"""The scheduler itself: queueing, single flight, fairness, back-off, out-of-memory.

Fairness. A ready model serves its visitors without a pause while nobody else needs its room. Once somebody does, it
keeps serving until its time slice, a few times its own load time counted from when it became ready, is over; then it
takes no new work, drains and goes. So whoever waits for room is served after at most: the load in progress, the
longest slice, the longest lease, one unload and one load, for each older claim on the same room. Plain FIFO reloads
for every visitor, and serving whoever is ready starves the rest; the slice is the trade between them. Claims are
settled in the order in which their models came to be missing, not by the age of their visitors: a busy model that
gave way always has older visitors, and would come back first.
"""

from math import inf

from models.plan import Misfit, Part, Plan, Resident, Rung, choose, plan
from models.schedule.events import (
    Asked,
    BudgetChanged,
    Cancelled,
    CancelLoad,
    Effect,
    Event,
    Freed,
    Grant,
    Loaded,
    LoadFailed,
    OutOfMemory,
    Pinned,
    Released,
    StartLoad,
    StartUnload,
    UnloadAsked,
    Unloaded,
    Unpinned,
    Warn,
)
from models.schedule.ledger import Ledger, Snapshot, State, Unit
from models.schedule.queue import Policy, Queue, Waiting
from models.schedule.room import Claim, Room

DEFAULT = Policy()


class Scheduler:
    """See the package. Not thread-safe: the caller holds a lock around every call."""

    def __init__(self, budget: int, policy: Policy = DEFAULT) -> None:
        self._policy, self._now = policy, -inf
        self._ledger = Ledger(budget)
        self._queue = Queue(self._ledger, policy)
        self._leases: dict[str, Part] = {}
        self._missing: dict[Part, None] = {}  # wanted but not there, in the order in which they came to be so
        self._retrying: set[Part] = set()  # ran out of memory once; tried again when all idle parts are gone
        self._short: dict[str, int] = {}  # leases that ran out of memory, and the bytes being freed for them
        self._warned: dict[Part, frozenset[Part]] = {}
        self._effects: list[Effect] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Takes one event; returns what must be done, in order. `now` in seconds, never goes back.

        Raises ValueError for a request that was asked before, for an empty ladder, and for the end of a load or
        unload that was not begun: bugs of the caller.
        """
        self._now, self._effects = max(self._now, now), []
        self._apply(event)
        self._effects += self._queue.settle(self._residents(), self._now)
        self._forget_what_nobody_wants()
        self._shrink()
        self._make_room()
        self._grant()
        self._unload_what_is_done()
        self._tell_freed()
        return self._effects

    def preview(self, ladder: tuple[Rung, ...]) -> Plan | Misfit:
        """What asking for this ladder would do now, without doing it."""
        return plan(map(self._queue.sized, ladder), self._residents(), self._ledger.limit, self._now)

    def wake_at(self) -> float | None:
        """When a Tick is due if nothing else happens before; None when time alone changes nothing."""
        units = [unit for unit in self._ledger.units.values() if unit.state is State.READY]
        slices = [unit.slice_end for unit in units] if self._queue.waiting else []
        idle = [unit.last_use + self._policy.idle_s for unit in units if not unit.holders]
        return min((time for time in slices + idle if self._now < time < inf), default=None)

    def snapshot(self) -> Snapshot:
        """Everything the page shows."""
        ledger = self._ledger
        used = ledger.held + ledger.lost
        return Snapshot(ledger.budget, used, ledger.lost, ledger.holdings(), self._queue.rows())

    # ---- events ----

    def _apply(self, event: Event) -> None:
        match event:
            case Asked():
                self._asked(event)
            case Cancelled(request):
                self._queue.waiting.pop(request, None)
            case Released(request):
                self._released(request)
            case Loaded():
                self._loaded(event)
            case LoadFailed():
                self._load_failed(event)
            case Unloaded():
                self._unloaded(event)
            case OutOfMemory(request) if request in self._leases:
                self._short[request] = self._unload_idle()
            case BudgetChanged(n_bytes):
                self._ledger.budget = n_bytes
            case Pinned(part) | Unpinned(part) | UnloadAsked(part):
                self._mark(event, part)
            case _:
                pass  # Tick, and what came too late

    def _asked(self, event: Asked) -> None:
        if not event.ladder or event.request in self._queue.waiting or event.request in self._leases:
            raise ValueError(f"request {event.request!r} is not new, or asks for nothing")
        self._effects += self._queue.ask(event, self._now)

    def _released(self, request: str) -> None:
        part = self._leases.pop(request, None)
        self._short.pop(request, None)
        for unit in self._ledger.under(part) if part else ():
            unit.holders.pop(request, None)
            unit.last_use = self._now

    def _loaded(self, event: Loaded) -> None:
        unit = self._in_state(event.part, State.LOADING, State.CANCELLING)
        unit.state, unit.n_bytes, unit.load_s, unit.last_use = State.READY, event.n_bytes, event.load_s, self._now
        unit.slice_end = self._now + max(self._policy.slice_loads * event.load_s, self._policy.slice_floor_s)
        self._queue.remember_loaded(event.part, event.n_bytes)
        self._retrying.discard(event.part)

    def _load_failed(self, event: LoadFailed) -> None:
        unit = self._in_state(event.part, State.LOADING, State.CANCELLING)
        del self._ledger.units[event.part]
        if unit.state is State.CANCELLING:
            return
        if event.out_of_memory and event.part not in self._retrying and self._unload_idle():
            self._retrying.add(event.part)
            return
        self._retrying.discard(event.part)
        self._queue.remember_failed(event.part, event.code, event.out_of_memory, self._now)

    def _unloaded(self, event: Unloaded) -> None:
        self._in_state(event.part, State.UNLOADING)
        for unit in self._ledger.over(event.part):
            del self._ledger.units[unit.part]
        self._ledger.lost += event.lost_bytes

    def _in_state(self, part: Part, *states: State) -> Unit:
        unit = self._ledger.units.get(part)
        if unit is None or unit.state not in states:
            raise ValueError(f"{part} is {unit.state.value if unit else 'absent'}, not {states[0].value}")
        return unit

    def _mark(self, event: Pinned | Unpinned | UnloadAsked, part: Part) -> None:
        if isinstance(event, Pinned):
            self._ledger.pins.add(part)
            for unit in self._ledger.under(part):
                unit.leaving = False
        elif isinstance(event, Unpinned):
            self._ledger.pins.discard(part)
        elif self._ledger.ready(part) and not self._ledger.pinned(part):
            self._let_leave(part)

    # ---- after every event ----

    def _residents(self) -> list[Resident]:
        return self._ledger.residents(self._queue.wanted(), self._queue.started(), self._now)

    def _forget_what_nobody_wants(self) -> None:
        """Cancels loads whose visitors left; reopens parts that closed for a claim which is settled or gone."""
        wanted, targets = self._queue.wanted(), self._queue.targets()
        missing = [part for part in targets if not (self._ledger.live(part) and self._ledger.live(part.base))]
        # a model that had its turn and must come back stands behind those it gave way to, however old its visitors
        older = [part for part in self._missing if part in missing]
        self._missing = dict.fromkeys([*older, *missing])
        self._retrying &= wanted
        self._warned = {part: evicts for part, evicts in self._warned.items() if part in self._missing}
        for unit in self._ledger.units.values():
            if unit.closed_for not in self._missing:
                unit.closed_for = None
            if unit.state is State.LOADING and unit.part not in wanted and not self._ledger.pinned(unit.part):
                self._cancel_load(unit)

    def _cancel_load(self, unit: Unit) -> None:
        unit.state = State.CANCELLING
        self._effects.append(CancelLoad(unit.part))

    def _shrink(self) -> None:
        """After the budget fell, or a model proved larger than predicted: what is too much leaves."""
        residents = self._residents()
        too_much = sum(resident.n_bytes for resident in residents) - self._ledger.limit
        if too_much <= 0:
            return
        loose = [resident for resident in residents if resident.n_bytes and not self._ledger.pinned(resident.part)]
        for victim in choose(residents, too_much, self._now) or loose:
            unit = self._ledger.units[victim.part]
            if unit.state is State.LOADING:
                self._cancel_load(unit)
            else:
                self._let_leave(victim.part)

    def _let_leave(self, part: Part) -> None:
        for unit in self._ledger.over(part):
            unit.leaving = True

    def _make_room(self) -> None:
        room = Room(self._residents(), self._ledger.limit, self._ledger.pins)
        unloading = any(unit.state is State.UNLOADING for unit in self._ledger.units.values())
        hold = unloading and bool(self._retrying or self._short)  # first everything idle must be gone
        targets = self._queue.targets()
        for part in self._missing:
            waiting = targets[part]
            claim = room.claim(waiting.target, self._now)
            if claim is None:
                continue
            if claim.plan.victims:
                self._warn(claim)
            if claim.due:
                self._close(claim)
            elif claim.fits and not hold and claim.n_bytes <= max(0, self._ledger.limit - self._ledger.held):
                self._start_load(waiting, claim.first)

    def _warn(self, claim: Claim) -> None:
        part, evicts = claim.rung.part, frozenset(filter(self._ledger.live, claim.plan.victims))
        if evicts and self._warned.get(part) != evicts:
            self._warned[part] = evicts
            requests = tuple(w.request for w in self._queue.waiting.values() if w.target.part == part)
            self._effects.append(Warn(requests, part, tuple(sorted(evicts))))

    def _close(self, claim: Claim) -> None:
        """The victims take no new work; those that nobody holds go at once, a base together with its adapters."""
        victims = claim.plan.victims
        for part in victims:
            self._ledger.units[part].closed_for = claim.rung.part
        for part in claim.plan.evict:
            alone = not part.adapter or part.base not in victims
            if alone and not self._ledger.held_by_somebody(part):  # an older claim may have begun with its adapters
                self._unload(part)

    def _unload(self, part: Part) -> None:
        for unit in self._ledger.over(part):
            unit.state = State.UNLOADING
        self._effects.append(StartUnload(part))

    def _start_load(self, waiting: Waiting, part: Part) -> None:
        """Begins a load, unless the part is still on its way out, or its base is not there or about to go."""
        units, base = self._ledger.units, part.base
        if part in units or (part != base and not (self._ledger.ready(base) and units[base].closed_for is None)):
            return
        n_bytes = waiting.target.adapter_bytes if part.adapter else waiting.target.n_bytes
        units[part] = Unit(part, n_bytes, self._now)
        waiting.started = part == waiting.target.part
        self._effects.append(StartLoad(part, n_bytes))

    def _grant(self) -> None:
        for waiting in list(self._queue.waiting.values()):
            rung = waiting.target
            held = self._ledger.under(rung.part)
            there = self._ledger.ready(rung.part) and self._ledger.ready(rung.part.base)
            is_open = waiting.started or not any(unit.closed_for for unit in held)
            if there and is_open and len(held[0].holders) < rung.slots:
                self._lease(waiting, held)

    def _lease(self, waiting: Waiting, held: list[Unit]) -> None:
        del self._queue.waiting[waiting.request]
        self._leases[waiting.request] = waiting.target.part
        for unit in held:
            unit.holders[waiting.request] = None
            unit.last_use = self._now
        self._effects.append(Grant(waiting.request, waiting.target))

    def _unload_what_is_done(self) -> None:
        """Parts that were told to leave, and those that nobody used for long."""
        wanted = self._queue.wanted()
        for part, unit in sorted(self._ledger.units.items()):
            free = unit.state is State.READY and not self._ledger.held_by_somebody(part)
            stale = part not in wanted and unit.last_use + self._policy.idle_s <= self._now
            if free and not self._ledger.pinned(part) and (unit.leaving or stale):
                self._unload(part)

    def _unload_idle(self) -> int:
        """Unloads all that nobody needs at this moment. Returns its bytes."""
        idle = [r for r in self._residents() if not r.in_use and not self._ledger.pinned(r.part)]
        bases = {resident.part for resident in idle if not resident.part.adapter}
        for resident in idle:
            if resident.part in bases or resident.part.base not in bases:
                self._unload(resident.part)
        return sum(resident.n_bytes for resident in idle)

    def _tell_freed(self) -> None:
        if not any(unit.state is State.UNLOADING for unit in self._ledger.units.values()):
            self._effects += [Freed(request, n_bytes) for request, n_bytes in self._short.items()]
            self._short.clear()
