"""What the pool has done so far: counters and waits, for the page and as JSON. Knows numbers only."""

from collections import deque
from dataclasses import dataclass, field

KEPT = 512  # latest waits that the percentiles are of


@dataclass
class Metrics:
    """Counts since the hub started."""

    loads: int = 0
    failures: int = 0
    unloads: int = 0
    leases: int = 0
    hits: int = 0  # leases whose model was in memory already
    _waits_s: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    def granted(self, wait_s: float, *, hit: bool) -> None:
        """One lease was given after so many seconds."""
        self.leases += 1
        self.hits += hit
        self._waits_s.append(wait_s)

    def wait_s(self, share: float) -> float:
        """The wait that `share` (0 … 1) of the latest leases did not exceed; 0 before the first."""
        ordered = sorted(self._waits_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def as_dict(self) -> dict[str, float]:
        """The figures by name; waits in seconds."""
        counts = {name: getattr(self, name) for name in ("loads", "failures", "unloads", "leases", "hits")}
        return {**counts, "wait_p50_s": round(self.wait_s(0.5), 3), "wait_p95_s": round(self.wait_s(0.95), 3)}
