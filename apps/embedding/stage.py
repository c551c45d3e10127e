"""A step of a longer computation as a Task of its own.

Knows only the arithmetic: the step's 0 … 1 is a stretch of the whole's, and the whole's stop is the step's stop.
"""

from models.task import Task


class Stage(Task):
    """What an engine is given that reports 0 … 1 although it is one step of several."""

    def __init__(self, whole: Task, low: float, high: float, note: str = "") -> None:
        super().__init__(note=note)
        self.whole, self.low, self.high = whole, low, high
        whole.step(low, note)

    def step(self, fraction: float, note: str = "") -> None:
        """Reports progress of this step to the whole, under the step's own name. Raises Cancelled."""
        self.whole.step(self.low + (self.high - self.low) * min(1.0, max(0.0, fraction)), self.note)

    def tell(self, *, rate: float, left_s: float) -> None:
        """Reports the pace of this step as the whole's."""
        self.whole.tell(rate=rate, left_s=left_s)

    def aside(self) -> Task:
        """A task that stops with the whole and keeps its progress to itself."""
        return self.whole.aside()

    def check(self) -> None:
        """Raises Cancelled once the whole was told to stop."""
        self.whole.check()

    def stop(self) -> None:
        """Stops the whole."""
        self.whole.stop()

    @property
    def stopped(self) -> bool:
        """Whether the whole was told to stop."""
        return self.whole.stopped
