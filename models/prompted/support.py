"""Which sentences of a text speak for what a model wrote about it: shared characters and words, nothing cleverer.

Knows the n-gram vectors of the embedded engine. A sentence without a likeness in the text gets no evidence, which is
what a visitor should look at twice.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from models.embedded.text import sentences
from models.embedded.variants import simplify
from models.embedded.vectors import HashedEmbedder
from models.spec import Evidence
from models.task import Task

FLOOR = 0.2  # cosine below which two sentences have little more in common than their commonest characters
_INNER = re.compile(r"[\W_]+")


def support(text: str, written: str, task: Task) -> tuple[Evidence, ...]:
    """For every sentence of `written` the likest sentence of the text, in the order of the text, none twice.

    Raises Cancelled.
    """
    source, lines = sentences(text), sentences(written)
    if not source or not lines:
        return ()
    embedder = HashedEmbedder()
    likeness = embedder.sparse([line.text for line in lines], task) @ embedder.sparse([p.text for p in source], task).T
    best: dict[int, float] = {}
    for row in likeness.toarray():
        at = int(np.argmax(row))
        if row[at] >= FLOOR:
            best[at] = max(best.get(at, 0.0), float(row[at]))
    return tuple(
        Evidence(source[at].text, round(score, 4), start=source[at].start, end=source[at].end)
        for at, score in sorted(best.items())
    )


def locate(passage: str, answer: str, near: Sequence[Evidence] = ()) -> tuple[int, int]:
    """Where an answer stands in a passage, word for word or but for width, case, script, blanks and marks.

    Of several places the first inside one of `near`, else the first; (-1, -1) for none.
    """
    wanted, _ = _plain(answer)
    if not wanted:
        return -1, -1
    plain, places = _plain(passage)
    found, at = [], plain.find(wanted)
    while at >= 0 and len(found) < 1000:
        found.append((places[at], places[at + len(wanted) - 1] + 1))
        at = plain.find(wanted, at + 1)
    inside = [
        (start, end) for piece in near for start, end in found if piece.start <= start and end <= piece.end
    ]  # best piece first
    return (inside or found or [(-1, -1)])[0]


def _plain(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text in one form, and for each the offset of the character it comes from."""
    letters: list[str] = []
    places: list[int] = []
    for at, char in enumerate(simplify(text)):
        for letter in _INNER.sub("", unicodedata.normalize("NFKC", char)).lower():
            letters.append(letter)
            places.append(at)
    return "".join(letters), places
