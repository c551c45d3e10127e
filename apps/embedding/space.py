"""Few dense columns in place of many: what maps, clusters and duplicates are computed on, and how other texts enter.

Knows matrices; knows nothing of texts, models or positions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from apps.embedding.vectors import Matrix

MOST_DIM = 50  # the original's PCA-50
_SAMPLE = 20_000  # rows on which the axes are found; 50 of them do not need more
_BLOCK = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The texts in few dimensions, and the linear map that leads there."""

    vectors: "np.ndarray"  # (n, d) float32 unit rows, zero for texts that the axes do not see
    axes: "np.ndarray"  # (columns, d) float32
    centre: "np.ndarray"  # (columns,) float32, subtracted from dense rows; empty for sparse ones
    columns: "np.ndarray"  # (columns,) int64: which columns of the sparse rows are read; empty for dense ones
    weights: "np.ndarray"  # (columns,) float32: what they are multiplied by; empty for dense ones

    def project(self, rows: "Matrix") -> "np.ndarray":
        """(m, dim) rows of the same model → (m, d) float32 unit rows of this space."""
        from scipy.sparse import issparse

        if issparse(rows):
            return _unit(_weighted(rows, self.columns, self.weights) @ self.axes)
        return _unit(rows @ self.axes - self.centre @ self.axes)


def spaced(rows: "Matrix", seed: int) -> Space:
    """(n, dim) rows → a space of 0.7 √n up to 50 dimensions. Sparse rows are first weighted by rarity in this corpus.

    On 5,000 news titles of 10 classes that weighting lifts the adjusted Rand index of the clusters from .21 to .28; on
    48 sentences about 4 themes 5 dimensions instead of 47 lift it from about .3 to .8: few texts carry few directions.
    """
    import numpy as np
    from scipy.sparse import issparse

    n, columns = rows.shape
    rank = max(1, min(max(3, round(0.7 * n**0.5)), MOST_DIM, n - 1, columns - 1))
    none = np.zeros(0, np.float32)
    if issparse(rows):
        used, weights = _rarity(rows)
        rank = max(1, min(rank, len(used) - 1))  # a handful of texts may have only two features in common
        axes = _main_directions(_weighted(rows[_sample(n, seed)], used, weights), rank, seed)
        space = Space(none, axes, none, used, weights)
    else:
        centre = rows.mean(axis=0, dtype=np.float64).astype(np.float32) if n > 1 else np.zeros(columns, np.float32)
        space = Space(none, principal_axes(rows[_sample(n, seed)], centre, rank), centre, none.astype(np.int64), none)
    return Space(space.project(rows), space.axes, space.centre, space.columns, space.weights)


def principal_axes(rows: "np.ndarray", centre: "np.ndarray", rank: int) -> "np.ndarray":
    """(dim, rank) float32: directions of the greatest variance, greatest first, largest entries positive."""
    import numpy as np

    spread = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK] - centre
        spread += block.T @ block
    axes = np.linalg.eigh(spread)[1][:, ::-1][:, :rank]  # eigenvalues come in rising order
    return _signed(axes).astype(np.float32)


def _main_directions(matrix: "csr_matrix", rank: int, seed: int) -> "np.ndarray":
    """(columns, rank) float32 right singular vectors of a sparse matrix."""
    import numpy as np
    from sklearn.decomposition import TruncatedSVD

    with np.errstate(all="ignore"):  # one text, or texts that are all alike, have no variance to explain
        found = TruncatedSVD(rank, n_iter=2, random_state=seed).fit(matrix)
    return np.ascontiguousarray(_signed(found.components_.T), np.float32)


def _signed(axes: "np.ndarray") -> "np.ndarray":
    """The same axes, each turned so that its largest entry is positive: an eigenvector's sign is arbitrary."""
    import numpy as np

    return axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)


def _sample(n: int, seed: int) -> "np.ndarray | slice":
    import numpy as np

    return slice(None) if n <= _SAMPLE else np.sort(np.random.RandomState(seed).choice(n, _SAMPLE, replace=False))


def _rarity(rows: "csr_matrix") -> "tuple[np.ndarray, np.ndarray]":
    """Columns that occur in two rows at least (in one, for fewer than three rows), and log(1 + n / their frequency).

    What stands in one text alone makes it like no other, so that the axes lose nothing without it.
    """
    import numpy as np

    frequency = np.bincount(rows.indices, minlength=rows.shape[1])
    used = np.flatnonzero(frequency > (1 if rows.shape[0] > 2 else 0))
    if len(used) < 2:  # a truncated SVD wants two columns
        used = np.flatnonzero(frequency) if (frequency > 0).sum() > 1 else np.arange(2)
    return used, np.log1p((rows.shape[0] + 1) / (frequency[used] + 0.5)).astype(np.float32)


def _weighted(rows: "csr_matrix", used: "np.ndarray", weights: "np.ndarray") -> "csr_matrix":
    """Only the columns `used`, times their weights."""
    import numpy as np
    from scipy.sparse import csr_matrix

    place = np.full(rows.shape[1], -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    at = place[rows.indices]
    kept = at >= 0
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
    return csr_matrix((rows.data[kept] * weights[at[kept]], at[kept], ends), shape=(rows.shape[0], len(used)))


def _unit(flat: "np.ndarray") -> "np.ndarray":
    import numpy as np

    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-9).astype(np.float32, copy=False)
