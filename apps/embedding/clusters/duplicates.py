"""Texts that say nearly the same: groups linked by cosines above a threshold, exact, without looking at every pair.

Sparse rows: two that are alike must share one of the rarest features of each (prefix filter, Bayardo et al. 2007).
Dense rows: projecting shortens distances, so that only pairs that are close in few dimensions need a second look.
Knows matrices; knows nothing of texts.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from apps.embedding.vectors import Vectors
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    Pairs = tuple[np.ndarray, np.ndarray]

LEAST = 0.6  # threshold below which texts are no duplicates and the filters let everything pass
_MOST_PAIRS = 20_000_000
_BLOCK = 512
_AXES = 48
_SLACK = 1e-4  # of the filters, which must never miss a pair
_ROUNDING = 1e-6  # of a cosine in float32


def near_duplicates(vectors: Vectors, threshold: float, task: Task) -> list[tuple[int, ...]]:
    """Vectors of texts → groups of at least two rows, largest first, each rising.

    A group hangs together by pairs with a cosine of at least `threshold`, so its ends may be less alike than that.
    Raises BadInput (bad_option for a threshold outside 0.6 … 1, too_many_pairs), Cancelled.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, issparse
    from scipy.sparse.csgraph import connected_components

    if not LEAST <= threshold <= 1:
        raise BadInput("bad_option")
    rows = vectors.rows
    n = rows.shape[0]
    found: list[Pairs] = []
    size = 0
    for one, other in (_sparse if issparse(rows) else _dense)(rows, threshold, task):
        found.append((one, other))
        size += len(one)
        if size > _MOST_PAIRS:
            raise BadInput("too_many_pairs")
    one, other = (np.concatenate([np.zeros(0, np.int64), *side]) for side in zip(*found, ([], []), strict=True))
    _, group = connected_components(csr_matrix((np.ones(len(one), bool), (one, other)), (n, n)), directed=False)
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return sorted((tuple(part.tolist()) for part in parts if len(part) > 1), key=lambda part: (-len(part), part))


def _sparse(rows: "csr_matrix", threshold: float, task: Task) -> "Iterator[Pairs]":
    """Pairs of sparse rows, checked exactly."""
    import numpy as np
    from scipy.sparse import triu

    rare = _prefixes(rows, threshold)
    others = rare.T.tocsr()
    for start in range(0, rows.shape[0], _BLOCK):
        task.step(start / rows.shape[0])
        shared = (rare[start : start + _BLOCK] @ others).tocsr()
        if shared.nnz > _MOST_PAIRS:
            raise BadInput("too_many_pairs")
        pairs = triu(shared, k=start + 1, format="coo")
        one, other = pairs.row + start, pairs.col
        cosines = np.asarray(rows[one].multiply(rows[other]).sum(axis=1)).ravel()
        alike = cosines >= threshold - _ROUNDING
        yield one[alike], other[alike]


def _prefixes(rows: "csr_matrix", threshold: float) -> "csr_matrix":
    """Of each row the rarest features, as many as must be left out for the others' length to fall below the threshold.

    Two rows that share none of these share only features whose product is smaller than the threshold.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    frequency = np.bincount(rows.indices, minlength=rows.shape[1])
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((rows.indices, -frequency[rows.indices], row))  # commonest first within a row
    squares = np.cumsum(rows.data[order].astype(np.float64) ** 2)
    before = np.concatenate([[0.0], squares])[rows.indptr[:-1]]
    kept = order[squares - before[row] >= (threshold - _SLACK) ** 2]
    shape = (np.ones(len(kept), np.float32), (row[kept], rows.indices[kept]))
    return csr_matrix(shape, shape=rows.shape)


def _dense(rows: "np.ndarray", threshold: float, task: Task) -> "Iterator[Pairs]":
    """Pairs of dense rows: in order along the first axis, so that only a stretch of them has to be looked at."""
    import numpy as np

    from apps.embedding.space import principal_axes

    reach = 2 - 2 * threshold + _SLACK  # squared distance of unit rows
    centre = rows.mean(axis=0)
    flat = (rows - centre) @ principal_axes(rows[:: max(1, len(rows) // 20_000)], centre, min(_AXES, rows.shape[1]))
    order = np.argsort(flat[:, 0], kind="stable")
    flat = flat[order]
    half = np.einsum("ij,ij->i", flat, flat)[:, None] / 2
    one = np.ones_like(half)
    left, right = np.hstack([flat, reach / 2 - half, one]), np.hstack([flat, one, -half])  # product: (reach − d²) / 2
    for start in range(0, len(rows), _BLOCK):
        task.step(start / len(rows))
        end = int(np.searchsorted(flat[:, 0], flat[min(start + _BLOCK, len(rows)) - 1, 0] + reach**0.5, "right"))
        near = np.flatnonzero(left[start : start + _BLOCK] @ right[start:end].T >= 0)
        first, second = np.divmod(near, end - start)
        once = second > first
        yield from _checked(rows, order[start + first[once]], order[start + second[once]], threshold)


def _checked(rows: "np.ndarray", one: "np.ndarray", other: "np.ndarray", threshold: float) -> "Iterator[Pairs]":
    """Those of the pairs whose cosine in all dimensions reaches the threshold."""
    import numpy as np

    if len(one) > _MOST_PAIRS:
        raise BadInput("too_many_pairs")
    for start in range(0, len(one), 100 * _BLOCK):
        part = slice(start, start + 100 * _BLOCK)
        alike = np.einsum("ij,ij->i", rows[one[part]], rows[other[part]]) >= threshold - _ROUNDING
        yield one[part][alike], other[part][alike]
