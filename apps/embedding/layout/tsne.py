"""t-SNE in numpy and scipy: seeded by its start, one core, stopped at any iteration.

scikit-learn's cannot be stopped and takes three times as long on 5,000 texts. Knows nothing of texts.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

EXAGGERATION, EARLY, ITERATIONS = 12.0, 250, 750  # van der Maaten 2008; scikit-learn takes 1,000 iterations
_SPACING = 1 / 3  # of the grid, in units of the map: what FIt-SNE takes
_EXACT = 300  # up to here all pairs are computed
_MOST_NODES = 400  # along one axis; a wider map gets a coarser grid
_PAIRS = 3_000_000  # in three dimensions, where a grid would not fit: pairs that are looked at in one iteration


def tsne(
    indices: "np.ndarray", distances: "np.ndarray", start: "np.ndarray", perplexity: float, task: Task
) -> "np.ndarray":
    """Nearest neighbours, both (n, k), each row beginning with itself, and a start (n, d) → positions (n, d).

    t-SNE; in the plane with interpolated repulsion (FIt-SNE, Linderman et al. 2019), in space with that of a sample
    which changes with every iteration. Raises Cancelled.
    """
    import numpy as np

    likeness = affinities(indices, distances, min(perplexity, (indices.shape[1] - 1) / 3))
    rows = np.repeat(np.arange(len(start), dtype=np.int32), np.diff(likeness.indptr))
    positions = start / (start[:, 0].std() or 1) * 1e-4
    rate = max(len(start) / EXAGGERATION / 4, 50.0)
    speed, gains = np.zeros_like(positions), np.ones_like(positions)
    random = np.random.RandomState(0)  # of the sample; maps differ by their start
    for iteration in range(ITERATIONS):
        early = iteration < EARLY
        gradient = 4 * _gradient(likeness, rows, positions, EXAGGERATION if early else 1.0, random)
        same = speed * gradient > 0
        gains = np.maximum(np.where(same, gains * 0.8, gains + 0.2), 0.01)
        speed = (0.5 if early else 0.8) * speed - rate * gains * gradient
        positions = positions + speed
        positions -= positions.mean(axis=0)
        task.step((iteration + 1) / ITERATIONS)
    return positions


def affinities(indices: "np.ndarray", distances: "np.ndarray", perplexity: float) -> "csr_matrix":
    """Symmetric (n, n), sums to 1: Gaussian likenesses of neighbours, their widths bisected to the perplexity."""
    import numpy as np
    from scipy.sparse import csr_matrix

    n, squared = len(indices), distances[:, 1:].astype(np.float64)
    squared = squared - squared[:, :1]
    low, high = np.zeros((n, 1)), np.full((n, 1), np.inf)
    beta = np.ones((n, 1))
    for _ in range(60):
        weights = np.exp(-squared * beta)
        total = weights.sum(axis=1, keepdims=True)
        entropy = np.log(total) + beta * (squared * weights).sum(axis=1, keepdims=True) / total
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, beta, low), np.where(wide, high, beta)
        beta = np.where(np.isinf(high), beta * 2, (low + high) / 2)
    given = csr_matrix(((weights / total).ravel(), indices[:, 1:].ravel(), np.arange(n + 1) * squared.shape[1]), (n, n))
    return csr_matrix((given + given.T) / (2 * n))


def _gradient(
    likeness: "csr_matrix",
    rows: "np.ndarray",
    positions: "np.ndarray",
    exaggeration: float,
    random: "np.random.RandomState",
) -> "np.ndarray":
    """A quarter of the gradient of the divergence: attraction along the edges minus repulsion by all."""
    import numpy as np
    from scipy.sparse import csr_matrix

    apart = positions[rows] - positions[likeness.indices]
    pull = likeness.data / (1 + np.einsum("ij,ij->i", apart, apart))
    edges = csr_matrix((pull, likeness.indices, likeness.indptr), likeness.shape)
    attraction = positions * np.asarray(edges.sum(axis=1)) - edges @ positions
    return exaggeration * attraction - _repulsion(positions, random)


def _repulsion(positions: "np.ndarray", random: "np.random.RandomState") -> "np.ndarray":
    n, dimensions = positions.shape
    if n <= _EXACT:
        return exact_repulsion(positions)
    return grid_repulsion(positions) if dimensions == 2 else sampled_repulsion(positions, _PAIRS // n, random)


def exact_repulsion(positions: "np.ndarray") -> "np.ndarray":
    """Σ_j k² (y_i − y_j) / Σ k with k = 1 / (1 + |y_i − y_j|²) over all pairs i ≠ j: (n, d)."""
    import numpy as np

    return _repulsion_by(positions, np.arange(len(positions)))


def sampled_repulsion(positions: "np.ndarray", count: int, random: "np.random.RandomState") -> "np.ndarray":
    """An estimate of the same from `count` of the n points, at least a hundred: (n, d)."""
    n = len(positions)
    return _repulsion_by(positions, random.choice(n, min(n, max(100, count)), replace=False))


def _repulsion_by(positions: "np.ndarray", some: "np.ndarray") -> "np.ndarray":
    """The repulsion by the points numbered `some`, which stand for all."""
    import numpy as np

    squared = np.einsum("ij,ij->i", positions, positions)
    others = positions[some]
    k = 1 / (1 + np.maximum(squared[:, None] + squared[some] - 2 * positions @ others.T, 0))
    k[some, np.arange(len(some))] = 0
    total = k.sum()
    k *= k
    return (positions * k.sum(axis=1, keepdims=True) - k @ others) / total


def grid_repulsion(positions: "np.ndarray") -> "np.ndarray":
    """The same within 2 %, over a grid: linear in the number of points.

    Charges are spread over the 3 × 3 nearest nodes by quadratic Lagrange weights, convolved with both kernels by FFT,
    and read back with the same weights.
    """
    import numpy as np
    from scipy.fft import irfft2, rfft2

    span = np.ptp(positions, axis=0).max()
    spacing = (
        _SPACING * max(1.0, np.exp2(np.ceil(2 * np.log2(span / _SPACING / _MOST_NODES)) / 2)) if span else _SPACING
    )
    nodes = 32 * int(span / spacing / 32 + 1.2)  # few different sizes, so that the kernels are mostly kept
    spread = _weights(positions, spacing, nodes)
    charges = spread.T @ np.column_stack([np.ones(len(positions)), positions])
    waves = rfft2(charges.T.reshape(3, nodes, nodes), s=(2 * nodes, 2 * nodes))
    near, far = _kernels(nodes, spacing)
    fields = irfft2(np.concatenate([waves[:1] * near, waves * far]), s=(2 * nodes, 2 * nodes))
    total, k, *ky = (spread @ fields[:, :nodes, :nodes].reshape(4, -1).T).T
    return (positions * k[:, None] - np.column_stack(ky)) / (total.sum() - _own(spread, spacing))


def _own(spread: "csr_matrix", spacing: float) -> float:
    """What the points add to Σ k by meeting themselves on the grid, n but for the error of interpolation."""
    import numpy as np

    x, y = np.divmod(np.arange(9), 3) * np.array(spacing)
    k = 1 / (1 + (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2)
    share = spread.data.reshape(-1, 9)
    return float(np.einsum("ij,ij->", share @ k, share))


def _weights(positions: "np.ndarray", spacing: float, nodes: int) -> "csr_matrix":
    """(n, nodes²): how each point is shared among its nine nearest nodes; the grid is centred on the map."""
    import numpy as np
    from scipy.sparse import csr_matrix

    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    places = (positions - middle) / spacing + (nodes - 1) / 2
    nearest = np.clip(np.rint(places).astype(np.int32), 1, nodes - 2)
    t = places - nearest
    share = np.stack([t * (t - 1) / 2, 1 - t * t, t * (t + 1) / 2], axis=2)  # (n, axis, 3)
    values = share[:, 0, :, None] * share[:, 1, None, :]
    at = nearest[:, :, None] + np.arange(-1, 2)
    columns = at[:, 0, :, None] * nodes + at[:, 1, None, :]
    n = len(positions)
    return csr_matrix((values.ravel(), columns.ravel(), np.arange(0, 9 * n + 1, 9)), (n, nodes * nodes))


@lru_cache(maxsize=8)
def _kernels(nodes: int, spacing: float) -> "tuple[np.ndarray, np.ndarray]":
    """Transforms of k and k² on a grid wrapped around at twice its size."""
    import numpy as np
    from scipy.fft import rfft2

    steps = np.minimum(np.arange(2 * nodes), 2 * nodes - np.arange(2 * nodes)) * spacing
    k = 1 / (1 + steps[:, None] ** 2 + steps[None, :] ** 2)
    return rfft2(k), rfft2(k * k)
