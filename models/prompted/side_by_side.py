"""The same prompt to a base and to its adapters, side by side. Knows columns; what batches them is the comparer's."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from models.engine import Comparer, GenOptions, Message, Reply
from models.errors import BadInput
from models.prompted.writing import NOTES, visible
from models.task import Task

MAX_COLUMNS = 4


def compare(
    comparer: Comparer, messages: Sequence[Message], options: GenOptions, adapters: Sequence[str | None], task: Task
) -> Iterator[tuple[Reply, ...]]:
    """All columns as they grow, one reply for each of `adapters` (None is the base).

    Raises BadInput("empty_text"), BadInput("bad_option") for no column, too many or one twice, ModelUnavailable,
    Cancelled.
    """
    if not messages or not messages[-1].text.strip():
        raise BadInput("empty_text")
    if not 1 <= len(adapters) <= MAX_COLUMNS or len(set(adapters)) < len(adapters):
        raise BadInput("bad_option")
    texts = [""] * len(adapters)
    replies = [Reply("", comparer.origin_of(adapter)) for adapter in adapters]
    yield tuple(replies)
    task.check()
    with closing(comparer.columns(messages, options, adapters, task=task)) as deltas:  # type: ignore[type-var]
        for column, delta in deltas:
            task.check()
            texts[column] += delta
            replies[column] = replace(replies[column], text=visible(texts[column]))
            yield tuple(replies)
        finishes = getattr(deltas, "finishes", None) or [None] * len(adapters)
    yield tuple(
        replace(reply, note=NOTES.get(finish or "stop", "")) for reply, finish in zip(replies, finishes, strict=True)
    )
