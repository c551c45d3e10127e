"""Positions on a map of two or three dimensions: PCA, UMAP, t-SNE; all seeded, repeatable, stopped at any moment.

Knows which method wants how many texts, and how new points come onto a map. Knows nothing of texts or of drawing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from apps.embedding.layout.neighbours import Near, nearest, neighbours
from apps.embedding.layout.pca import pca, spread
from apps.embedding.layout.tsne import tsne
from apps.embedding.layout.umap import umap
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FEWEST", "Method", "Shape", "arrange", "nearest", "needed", "neighbours", "pca", "place", "scaled"]

Method = Literal["umap", "pca", "tsne"]
FEWEST = {"pca": 1, "umap": 5, "tsne": 8}  # texts below which neighbourhoods mean nothing; PCA is drawn instead
_AROUND = 8  # texts between which a new one is placed


@dataclass(frozen=True, slots=True)
class Shape:
    """How a map is made."""

    method: Method = "umap"
    dimensions: int = 2
    neighbours: int = 15  # of UMAP
    min_dist: float = 0.1  # of UMAP: how close two points may come, 0 … 1
    perplexity: float = 30.0  # of t-SNE
    seed: int = 42


def needed(shape: Shape, n: int) -> int:
    """How many nearest rows, itself included, `arrange` wants for n texts; 0 for PCA."""
    if shape.method == "pca" or n < FEWEST[shape.method]:
        return 0
    return min(n, shape.neighbours if shape.method == "umap" else int(3 * shape.perplexity) + 1)


def arrange(vectors: "np.ndarray", near: Near | None, shape: Shape, task: Task) -> "np.ndarray":
    """(n, d) unit rows and `needed` neighbours of each → (n, dimensions) float32 in −1 … 1.

    PCA where there are too few texts for the method. Raises Cancelled.
    """
    count = needed(shape, len(vectors))
    start = pca(vectors, shape.dimensions)
    if not count or near is None:
        return scaled(start)
    start = spread(start, shape.seed)
    if shape.method == "umap":
        return scaled(umap(near.closest(count), start, shape.min_dist, shape.seed, task))
    return scaled(tsne(near.rows[:, :count], near.distances[:, :count], start, shape.perplexity, task))


def scaled(positions: "np.ndarray") -> "np.ndarray":
    """Centred, one scale for all axes, so that distances stay comparable; a single point lies at the origin."""
    import numpy as np

    middle = (positions.max(axis=0) + positions.min(axis=0)) / 2
    size = np.abs(positions - middle).max()
    return ((positions - middle) / (size or 1)).astype(np.float32)


def place(vectors: "np.ndarray", old: "np.ndarray", positions: "np.ndarray", task: Task) -> "tuple[np.ndarray, Near]":
    """Where (m, d) new unit rows belong on a map of (n, d) old ones, (m, dimensions) float32, and their neighbours.

    The mean of the nearest old positions, each weighted by its kernel exp(−(d − ρ) / σ) as UMAP weighs an edge, of
    which only those near the heaviest count: between two far islands nothing is placed. Raises Cancelled.
    """
    import numpy as np

    near = nearest(vectors, old, min(_AROUND, len(old)), task)
    apart = near.distances - near.distances[:, :1]
    weights = np.exp(-apart / np.maximum(apart.mean(axis=1, keepdims=True), 1e-6))
    around = positions[near.rows]  # (m, k, dimensions)
    middle = np.median(around, axis=1, keepdims=True)
    stray = np.linalg.norm(around - middle, axis=2)
    weights *= stray <= 2 * np.median(stray, axis=1, keepdims=True) + 1e-6
    return (np.einsum("mk,mkd->md", weights, around) / weights.sum(axis=1, keepdims=True)).astype(np.float32), near
