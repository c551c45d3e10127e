"""How well clusters agree with the labels that came with the texts. Knows nothing of texts or of vectors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.errors import BadInput

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Two divisions of the same texts side by side."""

    nmi: float  # normalised mutual information, 0 … 1
    ari: float  # adjusted Rand index, 0 for chance, 1 for the same division
    classes: tuple[str, ...]  # the given labels, commonest first
    clusters: tuple[int, ...]  # −1 (noise) last, if there is any
    counts: "np.ndarray"  # (classes, clusters) int: texts of this label in this cluster
    texts: int  # how many have a label


def agreement(given: Sequence[str], labels: "np.ndarray") -> Agreement:
    """Labels ("" for none: left out) against clusters; noise counts as a cluster. Raises BadInput no_labels."""
    import numpy as np
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    rows = [row for row, label in enumerate(given) if label]
    if not rows:
        raise BadInput("no_labels")
    classes = tuple(label for label, _ in Counter(given[row] for row in rows).most_common())
    found = labels[rows]
    clusters = (*range(int(labels.max()) + 1), *([-1] if (found < 0).any() else ()))
    place = {label: at for at, label in enumerate(classes)}
    truth = np.array([place[given[row]] for row in rows])
    counts = np.zeros((len(classes), len(clusters)), np.int64)
    np.add.at(counts, (truth, np.where(found < 0, len(clusters) - 1, found)), 1)
    return Agreement(
        float(normalized_mutual_info_score(truth, found)),
        float(adjusted_rand_score(truth, found)),
        classes, clusters, counts, len(rows),
    )  # fmt: skip
