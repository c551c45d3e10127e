"""Exact nearest neighbours by cosine, in blocks of matrix products. Knows numpy; knows nothing of maps or of texts.

Blocked products beat approximate search at the sizes of this app, and what is exact is repeatable.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.task import Task

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 4_000_000  # cosines that are held at a time, 16 MB: more leaves the cache
_GROUP = 32  # columns whose best stands for them in the first round


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """The nearest rows of every row."""

    rows: "np.ndarray"  # (n, k) int32; the first is the row itself where a set is compared with itself
    distances: "np.ndarray"  # (n, k) float32, 1 − cosine, 0 … 2, rising

    def closest(self, count: int) -> "Near":
        """Only the first `count`."""
        return Near(self.rows[:, :count], self.distances[:, :count])


def neighbours(vectors: "np.ndarray", count: int, task: Task) -> Near:
    """The `count` nearest among (n, d) unit rows, each with itself first, even among equal ones. Raises Cancelled."""
    return _nearest(vectors, vectors, count, task, own=True)


def nearest(queries: "np.ndarray", vectors: "np.ndarray", count: int, task: Task) -> Near:
    """For each of (m, d) unit rows the `count` nearest of (n, d) others. Raises Cancelled."""
    return _nearest(queries, vectors, count, task, own=False)


def _nearest(queries: "np.ndarray", vectors: "np.ndarray", count: int, task: Task, *, own: bool) -> Near:
    import numpy as np

    n, m, count = len(vectors), len(queries), min(count, len(vectors))
    width = -(-n // _GROUP) * _GROUP
    height = max(1, min(m, _BLOCK // width))
    cosines = np.full((height, width), -4, np.float32)  # what fills up the last group is never among the nearest
    found, apart = np.empty((m, count), np.int32), np.empty((m, count), np.float32)
    for start in range(0, m, height):
        some = cosines[: min(height, m - start)]
        np.matmul(queries[start : start + height], vectors.T, out=some[:, :n])
        at = np.arange(len(some))
        if own:
            some[at, start + at] = 3  # itself first
        best = largest(some, count)
        found[start : start + height] = best
        apart[start : start + height] = 1 - np.take_along_axis(some, best, 1)
        task.step((start + len(some)) / m)
    return Near(found, np.maximum(apart, 0))


def largest(block: "np.ndarray", count: int) -> "np.ndarray":
    """(m, width) float32, width a multiple of the group → (m, count) columns of the largest entries, largest first.

    Columns that lie a fixed distance apart form a group. It holds one of the `count` largest only if its own largest
    is among the `count` largest of all groups'; so one quick pass for the maxima spares the selection over whole rows.
    """
    import numpy as np

    m, width = block.shape
    groups = width // _GROUP
    if groups <= 2 * count:
        return best_of(block, count)
    best = best_of(block.reshape(m, _GROUP, groups).max(axis=1), count)
    columns = (best[:, :, None] + groups * np.arange(_GROUP)).reshape(m, -1)
    return np.take_along_axis(columns, best_of(np.take_along_axis(block, columns, 1), count), 1)


def best_of(block: "np.ndarray", count: int) -> "np.ndarray":
    """(m, width) → (m, count) columns of the largest entries, largest first."""
    import numpy as np

    width = block.shape[1]
    some = np.argpartition(block, width - count, axis=1)[:, width - count :]
    order = (-np.take_along_axis(block, some, 1)).argsort(axis=1, kind="stable")
    return np.take_along_axis(some, order, 1)
