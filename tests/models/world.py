"""An independent account of what a pool holds; it performs effects and checks each against the promises."""

from dataclasses import dataclass, field

from models.plan import EMBEDDED, Part, Rung, ladder
from models.schedule import (
    Asked,
    Cancelled,
    CancelLoad,
    Deny,
    Effect,
    Event,
    Freed,
    Grant,
    Loaded,
    LoadFailed,
    Released,
    Scheduler,
    StartLoad,
    StartUnload,
    Unloaded,
    Warn,
)

BUDGET = 10
SIZES = {"a": {"int8": 6, "nf4": 4}, "b": {"int8": 5, "nf4": 3}, "c": {"int8": 9, "nf4": 7}, "tiny": {"int8": 2}}


def steps(
    model: str, adapter: str = "", *, smaller: bool = True, embedded: bool = False, slots: int = 2
) -> tuple[Rung, ...]:
    """The ladder of a request in these tests."""
    models = [(model, SIZES[model])] + ([("tiny", SIZES["tiny"])] if smaller and model != "tiny" else [])
    rungs = ladder(models, ("int8", "nf4"), adapter=adapter, adapter_bytes=1 if adapter else 0, slots=slots)
    return rungs + ((EMBEDDED,) if embedded else ())


@dataclass
class World:
    """Performs effects in its own books, and fails when one breaks a promise."""

    scheduler: Scheduler
    budget: int = BUDGET
    now: float = 0.0
    held: dict[Part, int] = field(default_factory=dict)  # bytes from the start of a load to the end of the unload
    loading: set[Part] = field(default_factory=set)
    unloading: set[Part] = field(default_factory=set)
    pins: set[Part] = field(default_factory=set)
    leases: dict[str, Rung] = field(default_factory=dict)
    open: dict[str, tuple[Rung, ...]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    short: set[str] = field(default_factory=set)
    seen: list[Effect] = field(default_factory=list)

    def send(self, event: Event) -> list[Effect]:
        """Hands in one event and performs what follows."""
        effects = self.scheduler.handle(event, self.now)
        for effect in effects:
            self.perform(effect)
        self.seen += effects
        return effects

    def ask(self, request: str, rungs: tuple[Rung, ...]) -> list[Effect]:
        self.open[request] = rungs
        return self.send(Asked(request, rungs))

    def cancel(self, request: str) -> None:
        if self.open.pop(request, None):
            self.ended[request] = "cancelled"
        self.send(Cancelled(request))

    def release(self, request: str) -> list[Effect]:
        self.leases.pop(request, None)
        self.short.discard(request)
        return self.send(Released(request))

    def loaded(self, part: Part, load_s: float = 1.0, n_bytes: int | None = None) -> list[Effect]:
        self.loading.remove(part)
        self.held[part] = self.held[part] if n_bytes is None else n_bytes
        return self.send(Loaded(part, self.held[part], load_s))

    def failed(self, part: Part, out_of_memory: bool = False) -> list[Effect]:
        self.loading.remove(part)
        del self.held[part]
        return self.send(LoadFailed(part, "weights_broken", out_of_memory))

    def unloaded(self, part: Part) -> list[Effect]:
        gone = [other for other in self.held if part in (other, other.base)]
        for other in gone:
            del self.held[other]
        self.unloading -= set(gone)
        return self.send(Unloaded(part))

    def used_by_leases(self) -> set[Part]:
        return {part for rung in self.leases.values() for part in (rung.part, rung.part.base)}

    def perform(self, effect: Effect) -> None:
        match effect:
            case StartLoad(part, n_bytes):
                assert part not in self.held, "a second load of the same model"
                assert not part.adapter or (part.base in self.held and part.base not in self.loading | self.unloading)
                self.held[part] = n_bytes
                self.loading.add(part)
                assert n_bytes == 0 or sum(self.held.values()) <= self.budget, "over the budget"
                assert self.wanted(part), "a load that nobody waits for"
            case CancelLoad(part):
                assert part in self.loading
            case StartUnload(part):
                gone = {other for other in self.held if part in (other, other.base)}
                assert part in self.held and not gone & (self.loading | self.unloading)
                assert not gone & self.used_by_leases(), "evicted in use"
                assert not gone & self.pins, "evicted while pinned"
                self.unloading |= gone
            case Grant(request, rung):
                assert rung.part in {r.part for r in self.open.pop(request)}
                parts = {rung.part, rung.part.base}
                assert parts <= self.held.keys() and not parts & (self.loading | self.unloading), "granted, not there"
                assert sum(other.part.base == rung.part.base for other in self.leases.values()) < rung.slots
                self.leases[request], self.ended[request] = rung, "granted"
            case Deny(request):
                del self.open[request]
                self.ended[request] = effect.code
            case Warn(requests, _, evicts):
                assert set(requests) <= self.open.keys() and not set(evicts) & self.pins
            case Freed(request):
                self.short.remove(request)

    def wanted(self, part: Part) -> bool:
        return any(part in (r.part, r.part.base) for rungs in self.open.values() for r in rungs)

    def idle(self) -> bool:
        """Whether nothing will ever happen again by itself."""
        return not (self.loading or self.unloading or self.leases) and self.scheduler.wake_at() is None
