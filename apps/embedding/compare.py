"""Two embedders on the same texts: how much of each text's neighbourhood they share, and which pairs moved most.

Knows rows of vectors; knows nothing of texts, maps or drawing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.embedding.atlas import Atlas
from apps.embedding.layout.neighbours import Near, neighbours
from apps.embedding.space import spaced
from apps.embedding.stage import Stage
from apps.embedding.vectors import Vectors
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

    from apps.embedding.vectors import Matrix

_EXACT = 20_000  # texts up to which whole vectors are compared; beyond that those of few dimensions
_MOVED = 200  # pairs that are told
_SAMPLE = 2_000  # texts against which a pair's rank is taken


@dataclass(frozen=True, slots=True)
class Moved:
    """A pair that one embedder finds close and the other does not."""

    row: int
    other: int
    before: float  # cosine by the first embedder
    after: float  # cosine by the second


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What two embedders agree on."""

    overlap: "np.ndarray"  # (n,) float32, 0 … 1: share of the nearest texts that are the same
    mean: float
    chance: float  # what two embedders that know nothing of one another would share
    moved: tuple[Moved, ...]  # the greatest change of rank first


def compared(one: Atlas | Vectors, two: Atlas | Vectors, task: Task, *, count: int = 15) -> Comparison:
    """The same texts by two embedders, each with its `count` nearest, fewer where those would be half of all texts.

    Raises BadInput other_texts, Cancelled.
    """
    import numpy as np

    n = _rows(one).shape[0]
    same = not (isinstance(one, Atlas) and isinstance(two, Atlas)) or one.corpus.texts == two.corpus.texts
    if n != _rows(two).shape[0] or not same:
        raise BadInput("other_texts")
    count = min(count, max(1, n // 4))
    if n < 2:
        return Comparison(np.ones(n, np.float32), 1.0, 1.0, ())
    first = _near(_rows(one), count, Stage(task, 0.0, 0.4, "embedding.comparing"))
    second = _near(_rows(two), count, Stage(task, 0.4, 0.8, "embedding.comparing"))
    overlap = _shared(first.rows[:, 1:], second.rows[:, 1:])
    moved = _moved(_rows(one), _rows(two), first, second, Stage(task, 0.8, 1.0, "embedding.comparing"))
    return Comparison(overlap, float(overlap.mean()), count / (n - 1), moved)


def _rows(made: Atlas | Vectors) -> "Matrix":
    return made.vectors.rows if isinstance(made, Atlas) else made.rows


def _near(rows: "Matrix", count: int, task: Task) -> Near:
    from scipy.sparse import issparse

    flat = spaced(rows, 0).vectors if issparse(rows) or rows.shape[0] > _EXACT else rows
    return neighbours(flat, count + 1, task)


def _shared(one: "np.ndarray", other: "np.ndarray") -> "np.ndarray":
    """(n, k) and (n, k) neighbours → (n,) share that stands in both."""
    import numpy as np

    both = np.sort(np.concatenate([one, other], axis=1), axis=1)
    return ((both[:, 1:] == both[:, :-1]).sum(axis=1) / one.shape[1]).astype(np.float32)


def _moved(one: "Matrix", two: "Matrix", first: Near, second: Near, task: Task) -> tuple[Moved, ...]:
    """Pairs that are neighbours by one embedder, whose rank among a sample of texts changed most."""
    import numpy as np

    n, width = first.rows.shape
    close = min(4, width)  # the nearest three of each side are enough to find what moved
    rows = np.repeat(np.arange(n), 2 * (close - 1))
    others = np.concatenate([first.rows[:, 1:close], second.rows[:, 1:close]], axis=1).ravel()
    pairs = np.unique(np.sort(np.column_stack([rows, others]), axis=1), axis=0)
    before, after = cosine_of(one, pairs, task), cosine_of(two, pairs, task)
    change = np.abs(_share_below(one, before) - _share_below(two, after))
    best = np.argsort(-change, kind="stable")[:_MOVED]
    return tuple(Moved(int(pairs[at, 0]), int(pairs[at, 1]), float(before[at]), float(after[at])) for at in best)


def cosine_of(rows: "Matrix", pairs: "np.ndarray", task: Task) -> "np.ndarray":
    """(m, 2) pairs of rows → (m,) float32 cosines."""
    import numpy as np
    from scipy.sparse import issparse

    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), 8_192):
        left, right = (rows[pairs[start : start + 8_192, side]] for side in (0, 1))
        some = left.multiply(right).sum(axis=1) if issparse(rows) else np.einsum("ij,ij->i", left, right)
        found[start : start + 8_192] = np.asarray(some).ravel()
        task.step(start / len(pairs))
    return found


def _share_below(rows: "Matrix", cosines: "np.ndarray") -> "np.ndarray":
    """(m,) cosines → the share of all pairs in a sample that are less alike, 0 … 1: embedders' scales differ."""
    import numpy as np

    n = rows.shape[0]
    random = np.random.RandomState(0)
    pairs = np.column_stack([random.randint(0, n, 10 * _SAMPLE), random.randint(0, n, 10 * _SAMPLE)])
    usual = np.sort(cosine_of(rows, pairs[pairs[:, 0] != pairs[:, 1]], Task()))
    return np.searchsorted(usual, cosines) / max(1, len(usual))
