"""Which parts are held, in what state, by whom, and how many bytes that makes.

Knows nothing of queues and fairness; `Snapshot` is what the page shows.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from math import inf

from models.plan import Part, Resident


class State(str, Enum):
    """Where a part is in its life; a part that is not on the ledger is not in memory."""

    LOADING = "loading"
    CANCELLING = "cancelling"
    READY = "ready"
    UNLOADING = "unloading"


IN_TRANSIT = frozenset({State.LOADING, State.CANCELLING, State.UNLOADING})


@dataclass(slots=True)
class Unit:
    """One part on the ledger."""

    part: Part
    n_bytes: int
    last_use: float
    state: State = State.LOADING
    load_s: float = 0.0
    slice_end: float = inf  # until then it serves undisturbed; known once it is ready
    holders: dict[str, None] = field(default_factory=dict)  # requests, in order of their leases
    closed_for: Part | None = None  # takes no new work, because this part needs its room
    leaving: bool = False  # takes no new work and goes as soon as nobody holds it

    @property
    def live(self) -> bool:
        """Whether it is, or will be, there to be used."""
        return self.state in (State.READY, State.LOADING) and not self.leaving


@dataclass(frozen=True, slots=True)
class Holding:
    """One row of the ledger on the page."""

    part: Part
    state: State
    n_bytes: int
    holders: tuple[str, ...]
    pinned: bool
    last_use: float  # seconds on the caller's clock
    load_s: float  # cost to reload
    closing: bool  # will go when its holders are done


@dataclass(frozen=True, slots=True)
class Queued:
    """One waiting request on the page."""

    request: str
    part: Part
    position: int  # 1 is next, among those that wait for this part's base
    since: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the page shows, at one moment."""

    budget: int
    used: int  # with what is being loaded or unloaded, and what was lost
    lost: int
    holdings: tuple[Holding, ...]
    queue: tuple[Queued, ...]


class Ledger:
    """The parts in memory. Bytes count from the start of a load to the proof of the unload."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.lost = 0
        self.units: dict[Part, Unit] = {}
        self.pins: set[Part] = set()

    @property
    def limit(self) -> int:
        """What the parts together may hold."""
        return self.budget - self.lost

    @property
    def held(self) -> int:
        """What they hold, in whatever state."""
        return sum(unit.n_bytes for unit in self.units.values())

    def live(self, part: Part) -> bool:
        """Whether a part is there or on its way."""
        return part in self.units and self.units[part].live

    def ready(self, part: Part) -> bool:
        """Whether a part can be used now."""
        return self.live(part) and self.units[part].state is State.READY

    def over(self, part: Part) -> list[Unit]:
        """A part's units: of a base the base and its adapters, of an adapter itself."""
        return [unit for unit in self.units.values() if unit.part == part or unit.part.base == part]

    def under(self, part: Part) -> list[Unit]:
        """What a lease on a part holds: the base, and the adapter if it names one."""
        return [self.units[name] for name in dict.fromkeys((part.base, part)) if name in self.units]

    def pinned(self, part: Part) -> bool:
        """Whether a pin keeps a part: its own, or that of an adapter on it that is there."""
        return part in self.pins or any(unit.part in self.pins for unit in self.over(part))

    def held_by_somebody(self, part: Part) -> bool:
        """Whether a lease holds a part, or something is being done to one of its adapters."""
        units = self.over(part)
        return any(u.holders for u in units) or any(u.part != part and u.state in IN_TRANSIT for u in units)

    def residents(self, wanted: Collection[Part], started: Collection[Part], now: float) -> list[Resident]:
        """What the planner sees: all that is live. `wanted` parts are spared until their time slice ends, `started`
        ones until those who began their load were served."""
        return [self._resident(unit, wanted, started, now) for unit in self.units.values() if unit.live]

    def _resident(self, unit: Unit, wanted: Collection[Part], started: Collection[Part], now: float) -> Resident:
        busy = unit.state is State.LOADING or self.held_by_somebody(unit.part) or unit.part in started
        spared = unit.part in wanted and now < unit.slice_end
        return Resident(
            part=unit.part,
            n_bytes=unit.n_bytes,
            in_use=busy or spared,
            pinned=unit.part in self.pins,
            last_use=unit.last_use,
            load_s=unit.load_s,
            slice_end=unit.slice_end,
        )

    def holdings(self) -> tuple[Holding, ...]:
        """Rows for the page, bases before their adapters."""
        return tuple(
            Holding(
                part=unit.part,
                state=unit.state,
                n_bytes=unit.n_bytes,
                holders=tuple(unit.holders),
                pinned=unit.part in self.pins,
                last_use=unit.last_use,
                load_s=unit.load_s,
                closing=unit.leaving or unit.closed_for is not None,
            )
            for _, unit in sorted(self.units.items())
        )
