"""Who waits for which rung of his ladder, and which loads failed not long ago.

Knows nothing of turns: it says what each request waits for, or why it is denied.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import inf

from models.plan import Part, Resident, Rung, fits_ever
from models.schedule.events import Asked, Deny
from models.schedule.ledger import Ledger, Queued


@dataclass(frozen=True, slots=True)
class Policy:
    """What can be tuned; seconds where not said otherwise."""

    slice_loads: float = 5.0  # a time slice is so many times the model's own load time …
    slice_floor_s: float = 2.0  # … and at least this; more than 0
    idle_s: float = inf  # an unpinned part that nobody used for so long is unloaded
    backoff_s: float = 5.0  # after the first failure of a load; doubles with each further one …
    backoff_cap_s: float = 300.0  # … up to this
    queue_limit: int = 64  # waiting requests for one model: a crowd at one must not shut out another's visitor


@dataclass(slots=True)
class Waiting:
    """A request that is neither granted nor denied yet."""

    request: str
    ladder: tuple[Rung, ...]
    since: float
    target: Rung
    step: int = 0  # first rung of the ladder that may still be tried; only grows
    started: bool = False  # the last load that it needs was begun for it: it will be served before a drained part goes


@dataclass(frozen=True, slots=True)
class Failure:
    """A load that failed, and until when it is not tried again."""

    count: int
    until: float
    code: str
    out_of_memory: bool


class Queue:
    """Waiting requests in order of arrival."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._ledger, self._policy = ledger, policy
        self._failures: dict[Part, Failure] = {}
        self._measured: dict[Part, int] = {}  # bytes that a part really held when last loaded
        self.waiting: dict[str, Waiting] = {}

    def ask(self, event: Asked, now: float) -> list[Deny]:
        """Puts a request at the end, or denies it when too many wait for its model."""
        model, limit = event.ladder[0].part.model, self._policy.queue_limit
        if sum(w.ladder[0].part.model == model for w in self.waiting.values()) >= limit:
            return [Deny(event.request, "busy", {"model": model, "limit": limit})]
        self.waiting[event.request] = Waiting(event.request, event.ladder, now, event.ladder[0])
        return []

    def targets(self) -> dict[Part, Waiting]:
        """What is waited for, each with the request that waits longest for it."""
        oldest: dict[Part, Waiting] = {}
        for waiting in self.waiting.values():
            oldest.setdefault(waiting.target.part, waiting)
        return oldest

    def wanted(self) -> set[Part]:
        """Parts that somebody waits for."""
        return {part for w in self.waiting.values() for part in (w.target.part, w.target.part.base)}

    def started(self) -> set[Part]:
        """Parts whose load was begun for somebody who still waits."""
        return {part for w in self.waiting.values() if w.started for part in (w.target.part, w.target.part.base)}

    def remember_loaded(self, part: Part, n_bytes: int) -> None:
        """A load succeeded: earlier failures are forgotten, its bytes are known."""
        self._failures.pop(part, None)
        self._measured[part] = n_bytes

    def remember_failed(self, part: Part, code: str, out_of_memory: bool, now: float) -> None:
        """A load failed: not again before a pause that doubles each time."""
        count = self._failures[part].count + 1 if part in self._failures else 1
        pause_s = min(self._policy.backoff_cap_s, self._policy.backoff_s * 2.0 ** min(count - 1, 60))
        self._failures[part] = Failure(count, now + pause_s, code, out_of_memory)

    def settle(self, residents: Collection[Resident], now: float) -> list[Deny]:
        """Gives every request the rung it waits for; takes out and denies those that wait in vain."""
        denied: list[Deny] = []
        found: dict[tuple[tuple[Rung, ...], int], tuple[Rung | None, int]] = {}  # a crowd wants the same few ladders
        for waiting in list(self.waiting.values()):
            key = (waiting.ladder, waiting.step)
            if key not in found:
                found[key] = self._rung_for(*key, residents, now)
            rung, waiting.step = found[key]
            failure = self._failure_of(rung, now) if rung else None
            if rung is None:
                denied.append(self._deny(waiting, "does_not_fit", self._numbers(waiting, residents)))
            elif failure:
                retry_s = round(failure.until - now, 1)
                denied.append(self._deny(waiting, "load_failed", {"reason": failure.code, "retry_s": retry_s}))
            else:
                waiting.target = rung
                waiting.started = waiting.started and self._ledger.live(rung.part)
        return denied

    def rows(self) -> tuple[Queued, ...]:
        """The queue as the page shows it."""
        places: dict[Part, int] = {}
        rows = []
        for waiting in self.waiting.values():
            base = waiting.target.part.base
            places[base] = places.get(base, 0) + 1
            rows.append(Queued(waiting.request, waiting.target.part, places[base], waiting.since))
        return tuple(rows)

    def sized(self, rung: Rung) -> Rung:
        """A rung with the bytes it really took, where the prediction was too small."""
        n_bytes = max(rung.n_bytes, self._measured.get(rung.part.base, 0))
        extra = self._measured.get(rung.part, 0) if rung.part.adapter else 0
        return replace(rung, n_bytes=n_bytes, adapter_bytes=max(rung.adapter_bytes, extra))

    def _rung_for(
        self, ladder: tuple[Rung, ...], step: int, residents: Collection[Resident], now: float
    ) -> tuple[Rung | None, int]:
        """The wanted model in a precision that is already there, before any second copy of it; else the best rung
        that fits at all. It only ever steps down, so that no request goes in circles."""
        rungs = [self.sized(rung) for rung in ladder]
        for rung in rungs:
            there = rung.part.model == rungs[0].part.model and self._ledger.live(rung.part.base)
            if there and self._fits(rung, residents, now):
                return rung, step
        while step < len(rungs) and not self._fits(rungs[step], residents, now):
            step += 1
        return (rungs[step] if step < len(rungs) else None), step

    def _fits(self, rung: Rung, residents: Collection[Resident], now: float) -> bool:
        failure = self._failure_of(rung, now)
        return not (failure and failure.out_of_memory) and fits_ever(rung, residents, self._ledger.limit)

    def _failure_of(self, rung: Rung, now: float) -> Failure | None:
        failures = (self._failures.get(part) for part in (rung.part.base, rung.part))
        return next((failure for failure in failures if failure and failure.until > now), None)

    def _deny(self, waiting: Waiting, code: str, values: dict[str, object]) -> Deny:
        del self.waiting[waiting.request]
        return Deny(waiting.request, code, {"model": waiting.ladder[0].part.model, **values})

    def _numbers(self, waiting: Waiting, residents: Collection[Resident]) -> dict[str, object]:
        rungs = [self.sized(rung) for rung in waiting.ladder]
        need = min(rung.n_bytes + rung.adapter_bytes for rung in rungs)
        pinned = sum(part.n_bytes for part in residents if self._ledger.pinned(part.part))
        return {"need_bytes": need, "budget_bytes": self._ledger.limit, "pinned_bytes": pinned}
