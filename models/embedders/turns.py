"""A lock that is had in the order of asking. With `threading.Lock`, whoever lets go and asks again at once gets it
again, and a visitor with one text would wait for another's ten thousand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Turns"]


class Turns:
    """Hands out turns, first come, first served. A turn is short, so waiting for one is never given up."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked = self._served = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for its turn and ends it with the block."""
        with self._changed:
            mine, self._asked = self._asked, self._asked + 1
            self._changed.wait_for(lambda: self._served == mine)
        try:
            yield
        finally:
            with self._changed:
                self._served += 1
                self._changed.notify_all()
