"""The same prompt to a base and to its adapters, side by side. Knows columns; what batches them is the comparer's."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from models.engine import Comparer, GenOptions, Message, Reply
from models.errors import BadInput
from models.prompted.writing import NOTES, visible
from models.task import Task

Replies = tuple[Reply, ...]


def compare(comparer: Comparer, messages: Sequence[Message], options: GenOptions, task: Task) -> Iterator[Replies]:
    """All columns as they grow, one reply for each of the comparer's origins.

    Raises BadInput("empty_text"), ModelUnavailable, Cancelled.
    """
    if not messages or not messages[-1].text.strip():
        raise BadInput("empty_text")
    texts = [""] * len(comparer.origins)
    replies = [Reply("", origin) for origin in comparer.origins]
    yield tuple(replies)
    task.check()
    with closing(comparer.columns(messages, options, task=task)) as deltas:  # type: ignore[type-var]
        for column, delta in deltas:
            task.check()
            texts[column] += delta
            replies[column] = replace(replies[column], text=visible(texts[column]))
            yield tuple(replies)
        finishes = getattr(deltas, "finishes", None) or [None] * len(replies)
    yield tuple(
        replace(reply, note=NOTES.get(finish or "stop", "")) for reply, finish in zip(replies, finishes, strict=True)
    )
