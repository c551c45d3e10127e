"""HDBSCAN (Campello et al. 2013) on a map: groups of any form where points lie densely, the rest is noise.

scikit-learn's own search for neighbours takes minutes on 200,000 points. In the plane and in space the shortest tree
through all points runs along the edges of their Delaunay triangulation; with the nearest neighbours for the core
distances added, a sparse graph holds all that HDBSCAN needs, and seconds are enough.
"""

from typing import TYPE_CHECKING

from apps.embedding.clusters.ranks import by_size
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

_NEAR = 5  # neighbours whose distance says how dense it is at a point
_FEWEST = 8  # points below which density means nothing


def hdbscan(positions: "np.ndarray", smallest: int, seed: int, task: Task) -> "np.ndarray":
    """(n, 2 or 3) positions → (n,) int32: 0 for the largest cluster, −1 for noise. Raises Cancelled.

    `smallest` is the least number of points of a cluster; 0 chooses √n / 2, at least 3.
    """
    import numpy as np
    from sklearn.cluster import HDBSCAN

    n = len(positions)
    smallest = min(max(2, smallest or max(3, round(n**0.5 / 2))), max(2, n // 2))
    if n < _FEWEST:
        return np.zeros(n, np.int32)
    task.step(0.1)
    graph = _graph(_apart(positions, seed))
    task.step(0.5)
    found = HDBSCAN(min_cluster_size=smallest, min_samples=min(_NEAR, n - 2), metric="precomputed", copy=False).fit(
        graph
    )
    task.step(1.0)
    return by_size(found.labels_) if (found.labels_ >= 0).any() else np.zeros(n, np.int32)


def _apart(positions: "np.ndarray", seed: int) -> "np.ndarray":
    """The positions, moved by a hundred-thousandth of the map: a triangulation leaves out points that lie on others."""
    import numpy as np

    size = np.ptp(positions, axis=0).max() or 1.0
    noise = np.random.RandomState(seed).normal(scale=1e-5 * size, size=positions.shape)
    return positions.astype(np.float64) + noise


def _graph(points: "np.ndarray") -> "csr_matrix":
    """Symmetric (n, n) distances along the edges of the triangulation and to the nearest neighbours."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from scipy.spatial import Delaunay, KDTree

    n, dimensions = points.shape
    corners = Delaunay(points, qhull_options="QJ Qbb" if dimensions == 2 else "QJ").simplices
    sides = [corners[:, [i, j]] for i in range(dimensions + 1) for j in range(i)]
    near = KDTree(points).query(points, k=min(2 * _NEAR + 1, n))[1][:, 1:]
    sides.append(np.column_stack([np.repeat(np.arange(n), near.shape[1]), near.ravel()]))
    pairs = np.unique(np.sort(np.concatenate(sides), axis=1), axis=0)
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    one = csr_matrix((np.maximum(lengths, 1e-12), (pairs[:, 0], pairs[:, 1])), (n, n))
    return (one + one.T).tocsr()
