"""The plane, or the space, in which texts differ most: PCA. Knows numpy; knows nothing of texts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def pca(vectors: "np.ndarray", dimensions: int = 2) -> "np.ndarray":
    """(n, d) → (n, dimensions) float32, centred, longest axis first, signs fixed; zeros without variance."""
    import numpy as np

    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    axes = axes[:, ::-1][:, :dimensions]  # eigenvalues come in rising order
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    flat = np.zeros((len(vectors), dimensions), np.float32)
    flat[:, : axes.shape[1]] = centred @ axes
    return flat


def spread(positions: "np.ndarray", seed: int) -> "np.ndarray":
    """A start for UMAP and t-SNE: distinct points even where PCA has put several texts on one spot or all on a line."""
    import numpy as np

    size = np.abs(positions).max() or 1.0
    noise = np.random.RandomState(seed).normal(scale=1e-3, size=positions.shape)
    return (10 * positions / size + noise).astype(np.float32)
