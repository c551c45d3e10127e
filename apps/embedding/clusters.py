"""Groups of texts that lie close together: how many, which, what they are about, which texts stand for them.

Knows k-means and the silhouette; the names come from the engine's key phrases. Knows nothing of positions on a map.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.embedded.keyphrases import class_phrases
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MOST = 12  # clusters that are chosen automatically at most: so many colours with marks can be told apart
_SAMPLE = 1_000  # texts on which their number is chosen
_ENOUGH = 0.9  # share of the best silhouette that the smallest acceptable number must reach
_RUNS = 3
_NAMES = 3  # phrases in a cluster's name


def cluster(vectors: "np.ndarray", count: int, seed: int, task: Task) -> "np.ndarray":
    """(n, dim) unit rows → (n,) numbers 0 … k−1, the largest cluster first. `count` 0 means `best_count`.

    Raises Cancelled.
    """
    import numpy as np

    distinct = len(np.unique(vectors.round(5), axis=0))
    count = min(count or best_count(vectors, seed, task), distinct)
    if count <= 1:
        return np.zeros(len(vectors), np.int32)
    best, best_inertia = None, np.inf
    for run in range(_RUNS):  # one by one instead of n_init, so that stop comes through in between
        task.step(0.5 + run / _RUNS / 2)
        labels, inertia = _kmeans(vectors, count, seed + run)
        if inertia < best_inertia:
            best, best_inertia = labels, inertia
    sizes = np.bincount(best, minlength=count)
    rank = np.argsort(np.argsort(-sizes, kind="stable"))
    return rank[best].astype(np.int32)


def best_count(vectors: "np.ndarray", seed: int, task: Task) -> int:
    """The smallest number of clusters whose silhouette (by cosine, on a sample) reaches 90 % of the best one.

    From 2 to 12, at least three texts a cluster; 1 for fewer than six texts or when no division is better than none.
    The silhouette of short texts creeps upwards with the number, so that the bare maximum would be 12 nearly always.
    """
    import numpy as np
    from sklearn.metrics import silhouette_score

    random = np.random.RandomState(seed)
    some = vectors[random.choice(len(vectors), _SAMPLE, replace=False)] if len(vectors) > _SAMPLE else vectors
    distinct = len(np.unique(some.round(5), axis=0))
    scores = {}
    for count in range(2, min(MOST, len(some) // 3, distinct - 1) + 1):
        task.step(0.5 * (count - 2) / MOST)
        labels = min((_kmeans(some, count, seed + run) for run in range(_RUNS)), key=lambda found: found[1])[0]
        scores[count] = silhouette_score(some, labels, metric="cosine")
    best = max(scores.values(), default=0.0)
    return next((count for count, score in scores.items() if score >= _ENOUGH * best), 1) if best > 0 else 1


def _kmeans(vectors: "np.ndarray", count: int, seed: int) -> "tuple[np.ndarray, float]":
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about fewer distinct points than clusters: nearly equal texts
        found = KMeans(count, n_init=1, random_state=seed).fit(vectors)
    return found.labels_, found.inertia_


def named(texts: Sequence[str], labels: "np.ndarray", task: Task) -> tuple[tuple[str, ...], ...]:
    """For each cluster up to three phrases that it holds and the others do not. Raises Cancelled."""
    groups = [[texts[row] for row in (labels == number).nonzero()[0]] for number in range(labels.max() + 1)]
    found = class_phrases(groups, 3 * _NAMES, task)
    return tuple(_shared(phrases, group) for phrases, group in zip(found, groups, strict=True))


def _shared(phrases: Sequence[str], group: Sequence[str]) -> tuple[str, ...]:
    """The first phrases that stand in several texts of the group, since one text's wording names no group."""
    lowered = [text.lower() for text in group]
    common = [phrase for phrase in phrases if sum(phrase in text for text in lowered) > 1]
    return tuple((common or phrases[:1])[:_NAMES])


def typical(vectors: "np.ndarray", labels: "np.ndarray", count: int = 3) -> tuple[tuple[int, ...], ...]:
    """For each cluster the rows closest to its centre, best first."""
    found = []
    for number in range(labels.max() + 1):
        rows = (labels == number).nonzero()[0]
        likeness = vectors[rows] @ vectors[rows].mean(axis=0)
        found.append(tuple(rows[(-likeness).argsort(kind="stable")[:count]].tolist()))
    return tuple(found)
