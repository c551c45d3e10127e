"""Shows a finished reply little by little. Knows nothing of clocks: the app sets the pace."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

from models.engine import Reply

_STEPS = (2, 4, 3, 6, 5)  # characters; uneven, so that it does not tick like a machine


def growing(reply: Reply) -> Iterator[Reply]:
    """The reply, its text growing by 2–6 characters; the last one is whole, an empty one comes once."""
    end, steps = 0, cycle(_STEPS)
    while True:
        end += next(steps)
        if end >= len(reply.text):
            yield reply
            return
        yield replace(reply, text=reply.text[:end])
