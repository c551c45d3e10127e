"""Who gets which model when: a pure state machine. Events in, effects out; the clock comes with every event.

    scheduler = Scheduler(budget=12 << 30)
    for effect in scheduler.handle(Asked("r1", ladder), now): ...

No torch, no threads, no clock of its own: the pool calls `handle` under one lock, performs the effects outside of it
and reports their completion as further events. `wake_at` says when a Tick is due. What must go for what is decided
by models.plan; what a model is, nobody here knows.
"""

from models.schedule.events import (
    Asked,
    BudgetChanged,
    Cancelled,
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
    Released,
    StartLoad,
    StartUnload,
    Tick,
    UnloadAsked,
    Unloaded,
    Unpinned,
    Warn,
)
from models.schedule.ledger import Holding, Queued, Snapshot
from models.schedule.queue import Policy
from models.schedule.scheduler import Scheduler

__all__ = [
    "Asked",
    "BudgetChanged",
    "CancelLoad",
    "Cancelled",
    "Deny",
    "Effect",
    "Event",
    "Freed",
    "Grant",
    "Holding",
    "LoadFailed",
    "Loaded",
    "OutOfMemory",
    "Pinned",
    "Policy",
    "Queued",
    "Released",
    "Scheduler",
    "Snapshot",
    "StartLoad",
    "StartUnload",
    "Tick",
    "UnloadAsked",
    "Unloaded",
    "Unpinned",
    "Warn",
]
