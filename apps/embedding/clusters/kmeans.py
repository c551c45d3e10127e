"""k-means: every text in one of k groups, k chosen by the silhouette or given. Knows nothing of texts or positions."""

import warnings
from typing import TYPE_CHECKING

from apps.embedding.clusters.ranks import by_size
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MOST = 12  # clusters that are chosen automatically at most: so many colours with marks can be told apart
_SAMPLE = 1_000  # texts on which their number is chosen
_ENOUGH = 0.9  # share of the best silhouette that the smallest acceptable number must reach
_RUNS = 3
_MANY = 20_000  # rows from which on they are taken in batches: a third of the time, a few points less agreement


def kmeans(vectors: "np.ndarray", count: int, seed: int, task: Task) -> "np.ndarray":
    """(n, dim) unit rows → (n,) int32 numbers 0 … k−1, the largest cluster first. `count` 0 means `best_count`.

    Raises Cancelled.
    """
    import numpy as np

    count = min(count or best_count(vectors, seed, task), distinct(vectors))
    if count <= 1:
        return np.zeros(len(vectors), np.int32)
    best, best_inertia = np.zeros(len(vectors), np.int32), np.inf
    for run in range(_RUNS):  # one by one instead of n_init, so that stop comes through in between
        task.step(0.5 + run / _RUNS / 2)
        labels, inertia = _run(vectors, count, seed + run)
        if inertia < best_inertia:
            best, best_inertia = labels, inertia
    return by_size(best)


def best_count(vectors: "np.ndarray", seed: int, task: Task) -> int:
    """The smallest number of clusters whose silhouette (by cosine, on a sample) reaches 90 % of the best one.

    From 2 to 12, at least three texts a cluster; 1 for fewer than six texts or when no division is better than none.
    The silhouette of short texts creeps upwards with the number, so that the bare maximum would be 12 nearly always.
    """
    import numpy as np
    from sklearn.metrics import silhouette_score

    random = np.random.RandomState(seed)
    some = vectors[random.choice(len(vectors), _SAMPLE, replace=False)] if len(vectors) > _SAMPLE else vectors
    scores = {}
    for count in range(2, min(MOST, len(some) // 3, distinct(some) - 1) + 1):
        task.step(0.5 * (count - 2) / MOST)
        labels = min((_run(some, count, seed + run) for run in range(_RUNS)), key=lambda found: found[1])[0]
        scores[count] = silhouette_score(some, labels, metric="cosine")
    best = max(scores.values(), default=0.0)
    return next((count for count, score in scores.items() if score >= _ENOUGH * best), 1) if best > 0 else 1


def distinct(vectors: "np.ndarray") -> int:
    """How many rows differ, told by where they fall on one oblique line: a thousand times quicker than row by row."""
    import numpy as np

    line = np.random.RandomState(0).normal(size=vectors.shape[1])
    return len(np.unique((vectors @ line).round(5)))


def _run(vectors: "np.ndarray", count: int, seed: int) -> "tuple[np.ndarray, float]":
    from sklearn.cluster import KMeans, MiniBatchKMeans

    kind = KMeans if len(vectors) <= _MANY else MiniBatchKMeans
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about fewer distinct points than clusters: nearly equal texts
        found = kind(count, n_init=1, random_state=seed).fit(vectors)
    return found.labels_, found.inertia_
