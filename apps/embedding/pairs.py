"""Pairs of texts: the cosines of all firsts with all seconds, and how often a first finds its own second.

Knows vectors and tables; knows nothing of drawing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.embedding.cache import VectorCache
from apps.embedding.columns import guessed
from apps.embedding.corpus import flat
from apps.embedding.vectors import UPLOADED, embed
from models.documents import Table
from models.errors import BadInput
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MAX_PAIRS = 1_000  # the matrix of more could neither be sent nor read
_NAMED = (("first", "second"), ("first_embed", "second_embed"))  # columns of the original's files
_SAMPLE = 50  # cells that tell whether a column holds vectors
MAX_DIM = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The n-th of the firsts belongs to the n-th of the seconds."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    matrix: "np.ndarray"  # (n, n) float64 cosines: firsts down, seconds across
    recall: float  # R@1: share of the firsts whose own second is the nearest
    mrr: float  # mean of 1 / rank
    ranks: "np.ndarray"  # (n,) int64, from 1
    origin: Origin  # who made the vectors


def cosine_matrix(first: "np.ndarray", second: "np.ndarray") -> "np.ndarray":
    """(n, dim) and (m, dim) rows of any length → (n, m) float64 cosines; 0 for rows of zeros."""
    import numpy as np

    def unit(rows: "np.ndarray") -> "np.ndarray":
        rows = np.asarray(rows, np.float64)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(length > 0, length, 1)

    return unit(first) @ unit(second).T


def paired(
    first: Sequence[str], second: Sequence[str], task: Task, *, choice: str = "", cache: VectorCache | None = None
) -> Pairs:
    """Pairs by the model of the visitor's choice.

    Raises BadInput (empty_text, pairs_uneven, too_many_pairs), what the model's lease raises, Cancelled.
    """
    from scipy.sparse import issparse

    _check(first, second)
    made = embed([*first, *second], choice, task, cache=cache)
    ones, twos = made.rows[: len(first)], made.rows[len(first) :]
    matrix = (ones @ twos.T).toarray().astype(float) if issparse(ones) else cosine_matrix(ones, twos)
    return _judged(first, second, matrix, made.origin)


def paired_vectors(
    first: Sequence[str], second: Sequence[str], ones: "np.ndarray", twos: "np.ndarray"
) -> Pairs:  # fmt: skip
    """Pairs by vectors from a file, (n, dim) each. Raises BadInput as `paired` does, and vectors_shape."""
    _check(first, second)
    if ones.shape != twos.shape or len(ones) != len(first):
        raise BadInput("vectors_shape")
    return _judged(first, second, cosine_matrix(ones, twos), Origin("neural", UPLOADED, UPLOADED))


def _check(first: Sequence[str], second: Sequence[str]) -> None:
    if not first or not second:
        raise BadInput("empty_text")
    if len(first) != len(second):
        raise BadInput("pairs_uneven", first=len(first), second=len(second))
    if len(first) > MAX_PAIRS:
        raise BadInput("too_long", limit=f"{MAX_PAIRS} × {MAX_PAIRS}")


def _judged(first: Sequence[str], second: Sequence[str], matrix: "np.ndarray", origin: Origin) -> Pairs:
    """Rank 1 when no other second is nearer than the own one."""
    import numpy as np

    ranks = 1 + (matrix > np.diag(matrix)[:, None]).sum(axis=1)
    return Pairs(
        tuple(first), tuple(second), matrix, float((ranks == 1).mean()), float((1 / ranks).mean()), ranks, origin
    )


def read_pairs(
    table: Table,
) -> "tuple[tuple[str, ...], tuple[str, ...], np.ndarray | None, np.ndarray | None]":
    """Two columns of texts, and two of vectors where there are such (cells like [0.1, …], in the order of the texts).

    Rows that lack one of the two texts are left out. Raises BadInput: pairs_columns, vectors_shape, empty_text.
    """
    import numpy as np

    vectors = [at for at in range(len(table.columns)) if _holds_vectors(table, at)]
    first, second = _text_columns(table, vectors)
    rows = [row for row in table.rows if row[first].strip() and row[second].strip()]
    if not rows:
        raise BadInput("empty_text")
    ones, twos = (tuple(flat(row[at]) for row in rows) for at in (first, second))
    if len(vectors) != 2:
        return ones, twos, None, None
    named = [at for name in _NAMED[1] for at in vectors if table.columns[at].strip().lower() == name]
    left, right = ([vector_of(row[at]) for row in rows] for at in (named if len(named) == 2 else vectors))
    if len({len(row) for row in (*left, *right)}) != 1:
        raise BadInput("vectors_shape")
    return ones, twos, np.array(left), np.array(right)


def _text_columns(table: Table, vectors: Sequence[int]) -> tuple[int, int]:
    names = [name.strip().lower() for name in table.columns]
    if all(name in names for name in _NAMED[0]):
        return names.index("first"), names.index("second")
    others = [at for at in range(len(names)) if at not in vectors]
    if len(others) < 2:
        raise BadInput("pairs_columns")
    if len(others) == 2:
        return others[0], others[1]
    text = guessed(Table(tuple(names[at] for at in others), [tuple(row[at] for at in others) for row in table.rows],
                         header=table.header)).text  # fmt: skip
    return (others[text], others[text + 1]) if text + 1 < len(others) else (others[text - 1], others[text])


def _holds_vectors(table: Table, column: int) -> bool:
    cells = [row[column] for row in table.rows[:_SAMPLE] if row[column]]
    return bool(cells) and all(cell.startswith("[") and cell.endswith("]") for cell in cells) and _parses(cells[0])


def _parses(cell: str) -> bool:
    try:
        return len(vector_of(cell)) > 1
    except BadInput:
        return False


def vector_of(cell: str) -> list[float]:
    """A cell like [0.1, -2e-3] as numbers. Raises BadInput vectors_shape."""
    import math

    try:
        found = json.loads(cell)
        numbers = [float(value) for value in found] if isinstance(found, list) and len(found) <= MAX_DIM else []
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise BadInput("vectors_shape") from error
    if not numbers or not all(map(math.isfinite, numbers)):
        raise BadInput("vectors_shape")
    return numbers
