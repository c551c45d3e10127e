"""What tests of loading look at: how far a task was, and what is still in memory."""

import gc

from models.task import Task


class Recorder(Task):
    """Remembers how far it was told to be, and presses stop at a point."""

    def __init__(self, stop_at: float = 2.0) -> None:
        super().__init__()
        self.told: list[tuple[float, str]] = []
        self._stop_at = stop_at

    def step(self, fraction: float, note: str = "") -> None:
        super().step(fraction, note)
        self.told.append((self.fraction, self.note))
        if fraction >= self._stop_at:
            self.stop()


def models_alive() -> int:
    """How many modules live in this process."""
    import torch

    gc.collect()
    return sum(1 for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module))
