"""UMAP (McInnes et al. 2018) by umap-learn's optimisation, on neighbours that are already known.

umap-learn's estimator is not called: it would search for the neighbours by itself, compile 15 s more, and could not be
stopped; its graph builder runs on numba's thread pool, which is unsafe when two visitors come at once.
"""

from typing import TYPE_CHECKING

from apps.embedding.layout.neighbours import Near
from models.errors import Cancelled
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import coo_matrix

_SMALL = 10_000  # from here on umap-learn itself takes 200 epochs instead of 500
_SPREAD = 1.0  # scale of the map, to which the least distance is relative


def umap(near: Near, start: "np.ndarray", min_dist: float, seed: int, task: Task) -> "np.ndarray":
    """Neighbours of n texts and (n, d) distinct starting points → (n, d) float32. Raises Cancelled."""
    import numpy as np

    graph = fuzzy_graph(near)
    from umap import layouts
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    _keep_compiled(layouts)
    a, b = find_ab_params(_SPREAD, min_dist)
    epochs = 500 if len(start) < _SMALL else 200
    ticks = {"file": _Epochs(task, epochs), "mininterval": 0, "miniters": 1, "disable": False}
    positions, _ = simplicial_set_embedding(
        start, graph, start.shape[1], 1.0, a, b, 1.0, 5, epochs, start, np.random.RandomState(seed), "cosine", {},
        densmap=False, densmap_kwds={}, output_dens=False, parallel=False, tqdm_kwds=ticks,
    )  # fmt: skip
    return positions.astype(np.float32)


def _keep_compiled(layouts: object) -> None:
    """Lets numba keep the machine code of the optimisation on disk, which umap-learn forgets to ask for.

    Spares every later process half a second and more. Where a release has renamed the function, it is only slower.
    """
    step = getattr(layouts, "_nb_optimize_layout_euclidean_single_epoch", None)
    if step is not None and not step.signatures:
        step.enable_caching()


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


def fuzzy_graph(near: Near) -> "coo_matrix":
    """Nearest neighbours, each row beginning with itself → UMAP's symmetric graph, (n, n), 0 … 1.

    A neighbour weighs exp(−(d − ρ) / σ): ρ is the distance to the closest distinct one, σ is bisected until a row's
    weights sum to log2 k. Two weights a, b of one edge become a + b − ab.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    n, k = near.rows.shape
    apart = near.distances[:, 1:].astype(np.float64)
    closest = np.where(apart > 0, apart, np.inf).min(axis=1, keepdims=True)
    beyond = np.maximum(apart - np.where(np.isinf(closest), 0, closest), 0)
    sigma = _widths(beyond, np.log2(k))
    sigma = np.maximum(sigma, 1e-3 * apart.mean() + 1e-12)  # umap-learn's floor, for rows of equal distances
    weights = np.exp(-beyond / np.minimum(sigma, 1e12))
    given = csr_matrix((weights.ravel(), near.rows[:, 1:].ravel(), np.arange(n + 1) * (k - 1)), (n, n))
    return (given + given.T - given.multiply(given.T)).tocoo()


def _widths(beyond: "np.ndarray", total: float) -> "np.ndarray":
    """(n, 1): the σ at which each row's weights sum to `total`, by bisection."""
    import numpy as np

    n = len(beyond)
    low, high, sigma = np.zeros((n, 1)), np.full((n, 1), np.inf), np.ones((n, 1))
    for _ in range(40):
        wide = np.exp(-beyond / sigma).sum(axis=1, keepdims=True) > total
        low, high = np.where(wide, low, sigma), np.where(wide, sigma, high)
        sigma = np.where(np.isinf(high), sigma * 2, (low + high) / 2)
    return sigma
