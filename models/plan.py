"""What must be unloaded so that a model fits, and in which precision it fits at all.

Pure: no torch, no clock, no lock, no I/O. It knows models only as parts (a base in one precision, or an adapter on
it) with their bytes, whether they are pinned or in use, when they were last used and what loading them again costs.
It does not know who waits, nor in which order: that is models.schedule.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["EMBEDDED", "Misfit", "Part", "Plan", "Resident", "Rung", "choose", "fits_ever", "ladder", "plan", "regret"]

PRIOR_S = 60.0  # idle seconds after which a part counts as half as likely to be wanted as one just used


class Part(NamedTuple):
    """Names what is loaded and unloaded as one: a base model in one precision, or one adapter on it."""

    model: str
    precision: str
    adapter: str = ""  # "" is the base itself

    @property
    def base(self) -> "Part":
        """The base that this part is, or lies on."""
        return Part(self.model, self.precision) if self.adapter else self


@dataclass(frozen=True, slots=True)
class Rung:
    """One acceptable way to serve a request; a ladder of rungs is tried from the best to the last resort."""

    part: Part  # with an adapter when the request wants one
    n_bytes: int  # of the base at the peak of loading, with what is reserved beside the weights (KV cache)
    adapter_bytes: int = 0
    slots: int = 8  # leases that may hold the base at once


EMBEDDED = Rung(Part("embedded", "none"), 0, slots=1_000_000)  # the engine that needs no room: a ladder may end on it


@dataclass(frozen=True, slots=True)
class Resident:
    """A part that is loaded, being loaded, or promised to somebody who came earlier."""

    part: Part
    n_bytes: int
    in_use: bool
    pinned: bool
    last_use: float  # seconds on the caller's clock
    load_s: float  # what loading it again would take
    slice_end: float = 0.0  # while in use: when it may be told to take no new work; infinite while it loads


@dataclass(frozen=True, slots=True)
class Plan:
    """How a rung gets its room: `evict` can be unloaded now, `drain` only when those who use it are done."""

    rung: Rung
    evict: tuple[Part, ...]
    drain: tuple[Part, ...]
    reason: Literal["room", "evict", "drain"]  # nothing has to go; idle parts have to; parts in use have to

    @property
    def victims(self) -> tuple[Part, ...]:
        """All that will be gone."""
        return self.evict + self.drain


@dataclass(frozen=True, slots=True)
class Misfit:
    """No rung fits, whatever is unloaded. `need_bytes` is the least that would have to fit beside the pinned."""

    need_bytes: int
    budget_bytes: int
    pinned_bytes: int


class _Choice(NamedTuple):
    cost: tuple[float, int]  # regret in seconds, number of parts: nothing is evicted that need not be
    freed: int
    parts: tuple[Part, ...]


_NOTHING = _Choice((0.0, 0), 0, ())


def ladder(
    models: Sequence[tuple[str, Mapping[str, int]]],
    precisions: Sequence[str],
    *,
    adapter: str = "",
    adapter_bytes: int = 0,
    slots: int = 8,
) -> tuple[Rung, ...]:
    """Every precision of the wanted model, best first, then of each smaller one.

    `models` are (key, bytes per precision), the wanted model first. The adapter belongs to the wanted model only.
    """
    rungs = []
    for place, (key, n_bytes) in enumerate(models):
        name, extra = (adapter, adapter_bytes) if place == 0 else ("", 0)
        rungs += [Rung(Part(key, p, name), n_bytes[p], extra, slots) for p in precisions if p in n_bytes]
    return tuple(rungs)


def plan(wanted: Iterable[Rung], resident: Collection[Resident], budget: int, now: float) -> Plan | Misfit:
    """The first rung that fits beside what is pinned, and the least regretted parts that must go for it.

    Models in use make a rung wait (`drain`), never step down: their users leave, a pin does not.
    """
    rungs = tuple(wanted)
    for rung in rungs:
        if fits_ever(rung, resident, budget):
            return _room_for(rung, resident, budget, now)
    fixed = _held(resident, _pinned(resident))
    needs = [_missing(rung, resident) for rung in rungs]
    return Misfit(min(needs, default=0), budget, fixed)


def fits_ever(rung: Rung, resident: Collection[Resident], budget: int) -> bool:
    """Whether a rung would fit if everything went that is not pinned."""
    missing = _missing(rung, resident)
    return missing == 0 or missing + _held(resident, _pinned(resident) | {rung.part, rung.part.base}) <= budget


def regret(part: Resident, now: float) -> float:
    """Seconds of reloading to expect from evicting a part: LRU weighted by the cost to load again.

    load_s times the rate of reuse, 1 / (1 + idle / PRIOR_S): after idle seconds without use the rate of a Poisson
    visitor is estimated as about 1 / idle. In the family of GreedyDual-Size (Cao and Irani 1997); sizes need no
    place in the formula because `choose` solves the covering problem over whole sets.
    """
    idle_s = 0.0 if part.in_use else max(0.0, now - part.last_use)
    return part.load_s / (1.0 + idle_s / PRIOR_S)


def choose(
    resident: Collection[Resident], to_free: int, now: float, keep: Collection[Part] = ()
) -> tuple[Resident, ...] | None:
    """The set with the least regret that frees `to_free` bytes; None when even all of it is too little.

    Pinned parts and `keep` stay; a base takes its adapters with it. Idle parts come first; parts in use join in the
    order in which their time slices end, so that the choice does not flicker while they drain. For a base that is
    its own slice: adapters that come and go on it do not prolong it.
    """
    fixed = _pinned(resident) | {name for part in keep for name in (part, part.base)}
    loose = [part for part in resident if part.part not in fixed]
    ends = sorted({part.slice_end for part in loose if part.in_use})
    for end in (float("-inf"), *ends):
        allowed = [part for part in loose if not part.in_use or part.slice_end <= end]
        found = _cheapest(allowed, resident, to_free, now)
        if found is not None:
            return tuple(part for part in resident if part.part in found.parts)
    return None


def _room_for(rung: Rung, resident: Collection[Resident], budget: int, now: float) -> Plan:
    missing = _missing(rung, resident)
    to_free = missing + sum(part.n_bytes for part in resident) - budget
    if missing == 0 or to_free <= 0:
        return Plan(rung, (), (), "room")
    victims = choose(resident, to_free, now, {rung.part, rung.part.base})
    assert victims is not None, "fits_ever promised room"
    drain = tuple(part.part for part in victims if part.in_use)
    return Plan(rung, tuple(part.part for part in victims if not part.in_use), drain, "drain" if drain else "evict")


def _missing(rung: Rung, resident: Collection[Resident]) -> int:
    """Bytes of a rung that are not there yet."""
    there = {part.part for part in resident}
    base = 0 if rung.part.base in there else rung.n_bytes
    return base + (rung.adapter_bytes if rung.part.adapter and rung.part not in there else 0)


def _pinned(resident: Collection[Resident]) -> set[Part]:
    """What pins hold: a pinned adapter holds its base too."""
    return {name for part in resident if part.pinned for name in (part.part, part.part.base)}


def _held(resident: Collection[Resident], parts: set[Part]) -> int:
    return sum(part.n_bytes for part in resident if part.part in parts)


def _cheapest(allowed: Sequence[Resident], resident: Collection[Resident], to_free: int, now: float) -> _Choice | None:
    """Exact minimum-cost cover by the Pareto frontier of (cost, freed), Nemhauser and Ullmann 1969.

    Exponential at worst, polynomial in expectation (Beier and Vöcking 2004); a hub holds tens of parts.
    """
    frontier = [_NOTHING]
    for base in sorted({part.part.base for part in allowed}):
        frontier = _combine(frontier, _ways(base, allowed, resident, to_free, now), to_free)
    best = frontier[-1]  # costs rise along the frontier, and so do the bytes
    return best if best.freed >= to_free else None


def _ways(
    base: Part, allowed: Sequence[Resident], resident: Collection[Resident], to_free: int, now: float
) -> list[_Choice]:
    """What can go of one base: nothing, some of its adapters, or all of it."""
    ways, whole = [_NOTHING], _NOTHING
    for part in allowed:
        if part.part.adapter and part.part.base == base:
            ways = _combine(ways, [_NOTHING, _alone(part, now)], to_free)
    if any(part.part == base for part in allowed):
        for part in resident:
            if part.part.base == base:
                whole = _joined(whole, _alone(part, now), to_free)
        ways = _combine([_NOTHING], [*ways, whole], to_free)
    return ways


def _alone(part: Resident, now: float) -> _Choice:
    return _Choice((regret(part, now), 1), part.n_bytes, (part.part,))


def _combine(some: Sequence[_Choice], others: Sequence[_Choice], to_free: int) -> list[_Choice]:
    """All pairs without those that another beats: at least as many bytes for no more cost."""
    pairs = sorted((_joined(a, b, to_free) for a in some for b in others), key=lambda c: (c.cost, -c.freed))
    frontier: list[_Choice] = []
    for pair in pairs:
        if not frontier or pair.freed > frontier[-1].freed:
            frontier.append(pair)
    return frontier


def _joined(a: _Choice, b: _Choice, to_free: int) -> _Choice:
    cost = (a.cost[0] + b.cost[0], a.cost[1] + b.cost[1])
    return _Choice(cost, min(to_free, a.freed + b.freed), a.parts + b.parts)
