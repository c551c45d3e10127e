"""Which texts stand for a cluster, and which stand alone. Knows vectors; knows nothing of texts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from apps.embedding.layout.neighbours import Near


def typical(vectors: "np.ndarray", labels: "np.ndarray", count: int = 3) -> tuple[tuple[int, ...], ...]:
    """For each cluster the rows closest to its centre, best first."""
    found = []
    for number in range(labels.max() + 1):
        rows = (labels == number).nonzero()[0]
        likeness = vectors[rows] @ vectors[rows].mean(axis=0)
        found.append(tuple(rows[(-likeness).argsort(kind="stable")[:count]].tolist()))
    return tuple(found)


def lonely(near: "Near", count: int) -> list[tuple[int, float]]:
    """The `count` rows that are farthest from their nearest neighbours: (row, mean of 1 − cosine), farthest first."""
    if near.rows.shape[1] < 2:
        return []
    apart = near.distances[:, 1:].mean(axis=1)
    return [(int(row), float(apart[row])) for row in (-apart).argsort(kind="stable")[:count]]
