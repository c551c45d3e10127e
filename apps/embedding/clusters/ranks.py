"""Numbers of clusters in the order in which people read them. Knows nothing of how clusters are found."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def by_size(labels: "np.ndarray") -> "np.ndarray":
    """(n,) numbers → the same clusters as int32, the largest 0, without gaps; −1 (in no cluster) stays.

    >>> import numpy as np
    >>> by_size(np.array([7, 3, -1, 3]))
    array([ 1,  0, -1,  0], dtype=int32)
    """
    import numpy as np

    found, at, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    sizes = np.where(found < 0, 0, sizes)
    rank = np.empty(len(found), np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(found))
    rank[found < 0] = -1
    return rank[at.ravel()]
