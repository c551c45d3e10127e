"""What can happen to the pool, and what it must do about it: plain frozen values, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.plan import Part, Rung

# ---- events: what the pool reports ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants a model. `request` is new and unique; it names the lease once granted."""

    request: str
    ladder: tuple[Rung, ...]  # acceptable ways, best first; not empty


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A waiting request is withdrawn. Ignored once granted: then the holder must say Released when it stopped."""

    request: str


@dataclass(frozen=True, slots=True)
class Released:
    """A lease ended. Saying it twice does no harm."""

    request: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A StartLoad is done, or outran its CancelLoad."""

    part: Part
    n_bytes: int  # what it really holds
    load_s: float  # what loading it again will take: measured, less what is cached from now on


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A StartLoad ended without a model, and nothing of it is left in memory; also the answer to a CancelLoad."""

    part: Part
    code: str
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A StartUnload is done and proved. Bytes that did not come back stay on the ledger as lost."""

    part: Part
    lost_bytes: int = 0


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The holder of a lease ran out of memory while it worked; answered by Freed."""

    request: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """A part must stay once it is loaded; loads nothing."""

    part: Part


@dataclass(frozen=True, slots=True)
class Unpinned:
    """A part may go again."""

    part: Part


@dataclass(frozen=True, slots=True)
class UnloadAsked:
    """Somebody pressed unload: no new leases, and it goes when the last one ends. Ignored while pinned."""

    part: Part


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """From now on so many bytes may be held."""

    n_bytes: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Only time has passed; due at `Scheduler.wake_at()`."""


Event = (
    Asked
    | Cancelled
    | Released
    | Loaded
    | LoadFailed
    | Unloaded
    | OutOfMemory
    | Pinned
    | Unpinned
    | UnloadAsked
    | BudgetChanged
    | Tick
)

# ---- effects: what the pool must do, in this order ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartLoad:
    """Load a base, or an adapter onto its base; answer Loaded or LoadFailed."""

    part: Part
    n_bytes: int  # reserved for it


@dataclass(frozen=True, slots=True)
class CancelLoad:
    """Nobody waits for this load any more; answer LoadFailed, or Loaded if it was too late."""

    part: Part


@dataclass(frozen=True, slots=True)
class StartUnload:
    """Unload a part that nobody holds, a base together with its adapters; answer Unloaded."""

    part: Part


@dataclass(frozen=True, slots=True)
class Grant:
    """The request holds a lease on `rung.part` until Released. Below the first rung of its ladder: tell the visitor."""

    request: str
    rung: Rung


@dataclass(frozen=True, slots=True)
class Deny:
    """The request is over. `code` names the sentence in errors.json, `values` fill it in.

    does_not_fit: model, need_bytes, budget_bytes, pinned_bytes. load_failed: model, reason, retry_s. busy: limit.
    """

    request: str
    code: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Warn:
    """Loading a part for these requests will evict others, now or when their users are done."""

    requests: tuple[str, ...]
    part: Part
    evicts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Freed:
    """All that was idle is gone after OutOfMemory. Retry once if `n_bytes` is more than 0."""

    request: str
    n_bytes: int


Effect = StartLoad | CancelLoad | StartUnload | Grant | Deny | Warn | Freed
