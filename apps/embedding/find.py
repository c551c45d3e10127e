"""Search in a map: which texts are like a query, how much, and which of their characters say so.

Knows cosines and words; knows nothing of positions or of markup.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.embedding.atlas import Atlas
from models import engine_for
from models.embedded.text import tagged
from models.embedded.variants import simplify
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOOR = 0.15  # of the score, below which a text has nothing to do with the query
MAX_QUERY = 500  # characters that are read
_MOST_SPANS = 50  # marks in one text
_CONTENT = tuple("navsijltmgz")  # first letters of jieba's tags for words that carry meaning
_SHARE = 0.5  # of the score that is the cosine; the rest is the share of the query's words that stand in the text


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found."""

    row: int
    score: float  # 0 … 1: mean of cosine and share of the query's words
    spans: tuple[tuple[int, int], ...]  # offsets of the query's words in the text, sorted, not overlapping


def search(atlas: Atlas, query: str, count: int, task: Task) -> list[Hit]:
    """Up to `count` texts, best first; empty if nothing is like the query. Raises BadInput for an empty query.

    The score is the mean of two figures: the engine's cosine, and the share of the query's words (by length) that the
    text holds. The cosine alone prefers short texts, the words alone know no likeness.
    """
    import numpy as np

    query = query[:MAX_QUERY]
    if not query.strip():
        raise BadInput("empty_question")
    embedder = engine_for("embed")
    row = embedder.sparse([query], task) if hasattr(embedder, "sparse") else embedder.embed([query], task)
    cosine = atlas.rows @ row.T
    cosine = np.asarray(cosine.todense() if hasattr(cosine, "todense") else cosine).ravel()
    wanted = terms(query)
    shown = [comparable(text) for text in atlas.corpus.texts]
    task.check()
    held = np.array([sum(len(term) for term in wanted if term in text) for text in shown], np.float32)
    score = _SHARE * cosine + (1 - _SHARE) * held / max(1, sum(map(len, wanted)))
    best = np.argsort(-score, kind="stable")[:count]
    return [Hit(int(at), float(score[at]), spans(shown[at], wanted)) for at in best if score[at] >= FLOOR]


def terms(query: str) -> tuple[str, ...]:
    """The query's words that carry meaning; all its words if none does, or itself if it has no words; none is empty.

    >>> terms("快递为什么这么慢")
    ('快递', '慢')
    """
    words = [word for word in tagged(comparable(query)) if word.text.strip() and word.text.isalnum()]
    content = [word.text for word in words if word.tag.startswith(_CONTENT) or word.tag == "eng"]
    return tuple(dict.fromkeys(content or [word.text for word in words] or comparable(query).split()))


def comparable(text: str) -> str:
    """Lower case, simplified characters, character for character, so that offsets stay those of the text."""
    lowered = text.lower()
    return simplify(lowered if len(lowered) == len(text) else text)


def spans(text: str, wanted: "Sequence[str]") -> tuple[tuple[int, int], ...]:
    """Where the terms stand in a comparable text; longer terms win where two overlap."""
    taken: list[tuple[int, int]] = []
    for term in sorted(wanted, key=len, reverse=True):
        at = text.find(term)
        while at >= 0 and len(taken) < _MOST_SPANS:
            end = at + len(term)
            if all(end <= low or high <= at for low, high in taken):
                taken.append((at, end))
            at = text.find(term, end)
    return tuple(sorted(taken))
