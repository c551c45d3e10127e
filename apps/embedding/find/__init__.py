"""Search in a map: which texts are like a query, how much, and which of their characters say so.

query holds what is looked for and its direction, matching the shared words. Exact: every text is compared. Knows
nothing of positions or of markup.
"""

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from apps.embedding.atlas import Atlas
from apps.embedding.corpus import Corpus
from apps.embedding.find.matching import comparable, spans, terms
from apps.embedding.find.query import MAX_QUERY, Query, direction
from apps.embedding.vectors import asked
from models.embedded.retrieve import Index
from models.embedded.text import sentences
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FLOOR", "MAX_QUERY", "Hit", "Query", "comparable", "scores", "search", "spans", "terms"]

FLOOR = 0.15  # of the score, below which a text has nothing to do with the words of a query
_SHARE = 0.5  # of the score that is the cosine when shared words count as well
_EXPLAINED = 10  # hits whose most alike sentence is told: each costs the model a few sentences
_SENTENCES = 12  # of one hit that are compared
_indexes: "WeakKeyDictionary[Corpus, Index]" = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found."""

    row: int
    score: float  # 0 … 1: of words the mean of cosine and coverage, else the cosine
    spans: tuple[tuple[int, int], ...]  # offsets of the query's words in the text, sorted, not overlapping
    cosine: float = 0.0
    words: float = 0.0  # 0 … 1: how much of the query's words the text covers, by BM25 on characters and bigrams
    sentence: tuple[int, int] | None = None  # offsets of the sentence most like the query; None for a single sentence


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Figures of all texts, each (n,) float32; None where they play no part."""

    score: "np.ndarray"
    cosine: "np.ndarray | None"
    words: "np.ndarray | None"
    direction: "np.ndarray | None"  # (dim,) of the query


def search(atlas: Atlas, query: Query | str, count: int, task: Task) -> list[Hit]:
    """Up to `count` texts, best first; empty if nothing is like the query.

    Raises BadInput (empty_question, bad_option, other_encoder), what the model's lease raises, Cancelled.
    """
    query = Query(query) if isinstance(query, str) else query
    found = _scored(atlas, query, task)
    named, floor = set(query.named), FLOOR if query.said else 0.0
    rows = _best(found.score, count + len(named))
    kept = [row for row in rows if row not in named and found.score[row] > floor][:count]
    wanted = terms(query.said) if query.said else ()
    hits = [_hit(atlas, row, found, wanted) for row in kept]
    return hits if found.direction is None else _explained(atlas, found.direction, hits, task)


def scores(atlas: Atlas, query: Query | str, task: Task) -> "np.ndarray":
    """(n,) float32: how like the query every text is, for colours. Raises as `search` does."""
    return _scored(atlas, Query(query) if isinstance(query, str) else query, task).score


def _scored(atlas: Atlas, query: Query, task: Task) -> _Scored:
    """The score is the mean of two figures: the cosine, and the share of the query's words that a text covers.

    The cosine alone prefers short texts, the words alone know no likeness.
    """
    toward = direction(atlas.vectors, query, task)
    cosine = None if toward is None else atlas.rows @ toward
    task.check()
    if cosine is not None and not (query.said and query.hybrid):
        return _Scored(cosine, cosine, None, toward)
    words = _index(atlas.corpus, task).coverage(" ".join(terms(query.said)) or query.said)
    task.check()
    if cosine is None:
        return _Scored(words, None, words, None)
    return _Scored(_SHARE * cosine + (1 - _SHARE) * words, cosine, words, toward)


def _index(corpus: Corpus, task: Task) -> Index:
    """Words of the corpus, collected at its first search and kept as long as the corpus is."""
    with _lock:
        found = _indexes.get(corpus)
    if found is None:
        found = Index(corpus.texts, task.aside())
        with _lock:
            _indexes[corpus] = found
    return found


def _best(score: "np.ndarray", count: int) -> list[int]:
    """Rows of the `count` highest scores, best first, ties in the order of the texts."""
    import numpy as np

    n = len(score)
    least = score.min() if count >= n else np.partition(score, n - count)[n - count]
    some = np.flatnonzero(score >= least)
    return some[np.argsort(-score[some], kind="stable")[:count]].tolist()


def _hit(atlas: Atlas, row: int, found: _Scored, wanted: tuple[str, ...]) -> Hit:
    return Hit(
        row,
        min(1.0, float(found.score[row])),
        spans(comparable(atlas.corpus.texts[row]), wanted) if wanted else (),
        0.0 if found.cosine is None else float(found.cosine[row]),
        0.0 if found.words is None else float(found.words[row]),
    )


def _explained(atlas: Atlas, toward: "np.ndarray", hits: list[Hit], task: Task) -> list[Hit]:
    """The first hits with the sentence that carries their likeness."""
    cut = {hit.row: sentences(atlas.corpus.texts[hit.row])[:_SENTENCES] for hit in hits[:_EXPLAINED]}
    parts = [(row, piece) for row, pieces in cut.items() if len(pieces) > 1 for piece in pieces]
    if not parts:
        return hits
    rows = asked([piece.text for _, piece in parts], atlas.vectors, task.aside(), query=False)
    if rows is None:
        return hits
    like = rows @ toward
    best: dict[int, tuple[float, tuple[int, int]]] = {}
    for (row, piece), cosine in zip(parts, like.tolist(), strict=True):
        best[row] = max(best.get(row, (-2.0, (0, 0))), (cosine, (piece.start, piece.end)))
    return [replace(hit, sentence=best[hit.row][1]) if hit.row in best else hit for hit in hits]
