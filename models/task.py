"""A piece of work that can report how far it is and can be told to stop.

Long computations take a Task and call `step` or `check` every few milliseconds; whoever waits for them holds
the same Task and calls `stop`. Knows nothing of threads' owners, of Gradio, or of what is being computed.
"""

import threading
from dataclasses import dataclass, field

from models.errors import Cancelled


@dataclass
class Task:
    """Progress and stop of one computation; safe to share between the worker and the one who waits."""

    fraction: float = 0.0  # 0 … 1
    note: str = ""  # i18n key of what is being done now
    _stopped: threading.Event = field(default_factory=threading.Event)

    def step(self, fraction: float, note: str = "") -> None:
        """Reports progress. Raises Cancelled once stop was asked for."""
        self.check()
        self.fraction, self.note = min(1.0, max(self.fraction, fraction)), note or self.note

    def aside(self) -> "Task":
        """A task that stops with this one and keeps its progress to itself, for a side step."""
        return Task(_stopped=self._stopped)

    def check(self) -> None:
        """Raises Cancelled once stop was asked for."""
        if self._stopped.is_set():
            raise Cancelled

    def stop(self) -> None:
        """Asks the computation to end at its next step."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether stop was asked for."""
        return self._stopped.is_set()
