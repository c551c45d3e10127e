"""Positions in the plane: PCA, UMAP, t-SNE, all seeded, all repeatable, all to be stopped at any moment.

Knows numpy, scikit-learn and umap-learn, imported when they are needed. Knows nothing of texts or of drawing.
"""

from typing import TYPE_CHECKING, Literal

from apps.embedding.stage import Stage
from apps.embedding.tsne import tsne
from models.errors import Cancelled
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import coo_matrix

Method = Literal["umap", "pca", "tsne"]
FEWEST = {"pca": 1, "umap": 5, "tsne": 8}  # texts below which neighbourhoods mean nothing; PCA is drawn instead
_BLOCK = 1_000  # rows whose distances are computed at a time
_SMALL = 10_000  # from here on umap-learn itself takes 200 epochs instead of 500


def pca(vectors: "np.ndarray") -> "np.ndarray":
    """(n, dim) → (n, 2) float32, centred, the longer axis first, signs fixed; zeros where there is no variance."""
    import numpy as np

    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    axes = axes[:, ::-1][:, :2]  # eigenvalues come in rising order
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    flat = np.zeros((len(vectors), 2), np.float32)
    flat[:, : axes.shape[1]] = centred @ axes
    return flat


def neighbours(vectors: "np.ndarray", count: int, task: Task) -> "tuple[np.ndarray, np.ndarray]":
    """Exact nearest neighbours by cosine: (indices, distances), both (n, count), each row begins with itself.

    Blocked matrix products beat approximate search up to some 50,000 rows. Raises Cancelled.
    """
    import numpy as np

    indices = np.empty((len(vectors), count), np.int32)
    distances = np.empty((len(vectors), count), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = 1 - vectors[start : start + _BLOCK] @ vectors.T
        rows = np.arange(len(block))
        block[rows, start + rows] = -1  # itself first, even among identical rows
        nearest = np.argpartition(block, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(block, nearest, 1).argsort(axis=1, kind="stable")
        indices[start : start + _BLOCK] = np.take_along_axis(nearest, order, 1)
        distances[start : start + _BLOCK] = np.take_along_axis(block, indices[start : start + _BLOCK], 1)
        task.step(min(1.0, (start + _BLOCK) / len(vectors)))
    return indices, np.maximum(distances, 0)


def umap(vectors: "np.ndarray", count: int, seed: int, task: Task) -> "np.ndarray":
    """(n, dim) unit rows → (n, 2) by UMAP (McInnes et al. 2018), started from PCA so that the map unfolds from it.

    `count` is the number of neighbours. Only umap-learn's optimisation is called: its estimator would search for the
    neighbours by itself, compile 15 s more, and could not be stopped; its graph builder runs on numba's thread pool,
    which is unsafe when two visitors come at once. Raises Cancelled.
    """
    import numpy as np

    count = min(count, len(vectors))
    graph = fuzzy_graph(*neighbours(vectors, count, Stage(task, 0, 0.1)))
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    random = np.random.RandomState(seed)
    a, b = find_ab_params(1.0, 0.1)  # spread and least distance: umap-learn's defaults
    epochs = 500 if len(vectors) < _SMALL else 200
    ticks = {"file": _Epochs(Stage(task, 0.1, 1), epochs), "mininterval": 0, "miniters": 1, "disable": False}
    positions, _ = simplicial_set_embedding(
        vectors, graph, 2, 1.0, a, b, 1.0, 5, epochs, _spread(pca(vectors), random), random, "cosine", {},
        densmap=False, densmap_kwds={}, output_dens=False, parallel=False, tqdm_kwds=ticks,
    )  # fmt: skip
    return positions.astype(np.float32)


def fuzzy_graph(indices: "np.ndarray", distances: "np.ndarray") -> "coo_matrix":
    """Nearest neighbours, both (n, k), each row beginning with itself → UMAP's symmetric graph, (n, n), 0 … 1.

    A neighbour weighs exp(−(d − ρ) / σ): ρ is the distance to the closest distinct one, σ is bisected until a row's
    weights sum to log2 k. Two weights a, b of one edge become a + b − ab.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    n, k = indices.shape
    apart = distances[:, 1:].astype(np.float64)
    closest = np.where(apart > 0, apart, np.inf).min(axis=1, keepdims=True)
    beyond = np.maximum(apart - np.where(np.isinf(closest), 0, closest), 0)
    low, high, sigma = np.zeros((n, 1)), np.full((n, 1), np.inf), np.ones((n, 1))
    for _ in range(64):
        wide = np.exp(-beyond / sigma).sum(axis=1, keepdims=True) > np.log2(k)
        low, high = np.where(wide, low, sigma), np.where(wide, sigma, high)
        sigma = np.where(np.isinf(high), sigma * 2, (low + high) / 2)
    sigma = np.maximum(sigma, 1e-3 * apart.mean() + 1e-12)  # umap-learn's floor, for rows of equal distances
    weights = np.exp(-beyond / np.minimum(sigma, 1e12))
    given = csr_matrix((weights.ravel(), indices[:, 1:].ravel(), np.arange(n + 1) * (k - 1)), (n, n))
    return (given + given.T - given.multiply(given.T)).tocoo()


def _spread(positions: "np.ndarray", random: "np.random.RandomState") -> "np.ndarray":
    """Distinct starting points even where PCA has put several texts on one spot or all on a line."""
    import numpy as np

    size = np.abs(positions).max() or 1.0
    return (10 * positions / size + random.normal(scale=1e-3, size=positions.shape)).astype(np.float32)


class _Epochs:
    """The file that umap-learn's progress bar writes to, once per epoch: the one door into its loop.

    tqdm's `refresh` holds a lock of the whole process while it writes, and lets go of it only if nothing is raised
    (4.67 to 4.70); left held, every later bar would wait for ever, those of loading models included.
    """

    def __init__(self, task: Task, epochs: int) -> None:
        self.task, self.epochs, self.done, self.stopped = task, epochs, 0, False

    def write(self, _: str) -> None:
        if self.stopped:  # the bar is closing, under a lock that it does let go of
            return
        self.done += 1
        try:
            self.task.step(self.done / self.epochs)
        except Cancelled:
            from tqdm import tqdm

            self.stopped = True
            tqdm.get_lock().release()
            raise

    def flush(self) -> None:
        """Part of what a progress bar expects of a file."""


def arrange(
    vectors: "np.ndarray", method: Method, *, count: int, perplexity: float, seed: int, task: Task
) -> "np.ndarray":
    """(n, dim) unit rows → (n, 2) float32 in −1 … 1; PCA where there are too few texts for `method`.

    Raises Cancelled.
    """
    import numpy as np

    if len(vectors) < FEWEST[method] or method == "pca":
        return scaled(pca(vectors))
    if method == "umap":
        return scaled(umap(vectors, count, seed, task))
    near = neighbours(vectors, min(len(vectors), int(3 * perplexity) + 1), Stage(task, 0, 0.05))
    return scaled(tsne(*near, _spread(pca(vectors), np.random.RandomState(seed)), perplexity, Stage(task, 0.05, 1)))


def scaled(positions: "np.ndarray") -> "np.ndarray":
    """Centred, one scale for both axes, so that distances stay comparable; a single point lies at the origin."""
    import numpy as np

    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    size = np.abs(positions - middle).max()
    return ((positions - middle) / (size or 1)).astype(np.float32)


def warm() -> None:
    """Imports and compiles what the first UMAP of a process would otherwise wait for, 3–20 s."""
    import numpy as np

    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    umap(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 15, 0, Task())
