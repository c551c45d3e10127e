"""Few-shot labels: a few texts are labelled, the rest follow, with confidence and accuracy on examples held out.

scikit-learn's logistic regression, or the class whose mean is closest. Knows vectors; knows nothing of Gradio.
"""

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from apps.embedding.atlas import Atlas
from apps.embedding.export import rows_as_csv
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

    from apps.embedding.vectors import Matrix

Method = Literal["logistic", "prototype"]
MOST_EXAMPLES = 5_000  # that are learnt from; an even spread of more
MOST_CLASSES = 200
_FOLDS = 5
_STRENGTH = 10.0  # inverse of the regularisation: unit rows are small
_SHARPNESS = 12.0  # of the soft maximum over cosines with the classes' means
_BLOCK = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Labels of all texts and how far they can be trusted."""

    labels: tuple[str, ...]  # (n,); examples keep theirs
    confidence: "np.ndarray"  # (n,) float32, 0 … 1; 1 for examples
    classes: tuple[str, ...]  # commonest among the examples first
    accuracy: float | None  # on examples held out; None when a class has only one
    baseline: float  # share of the commonest class among the examples: what guessing it would reach
    folds: int  # in how many parts the examples were held out; 0 without accuracy
    confusion: "np.ndarray | None"  # (true class, told class) counts of the examples held out
    examples: Mapping[int, str]  # that were given


def classified(atlas: Atlas, examples: Mapping[int, str], task: Task, *, method: Method = "logistic") -> Classified:
    """Labels for all texts of the atlas after examples (row → label).

    Raises BadInput (bad_option for unknown rows or methods, few_classes for fewer than two labels), Cancelled.
    """
    import numpy as np

    given = {row: label for row, label in sorted(examples.items()) if label}
    counts = Counter(given.values())
    if method not in ("logistic", "prototype") or not all(0 <= row < len(atlas.labels) for row in given):
        raise BadInput("bad_option")
    if not 2 <= len(counts) <= MOST_CLASSES:
        raise BadInput("few_classes", most=MOST_CLASSES)
    classes = tuple(label for label, _ in counts.most_common())
    number = {label: at for at, label in enumerate(classes)}
    rows = _spread(np.array(list(given)), MOST_EXAMPLES)
    truth = np.array([number[given[row]] for row in rows.tolist()])
    features = _features(atlas, rows)
    task.step(0.1)
    accuracy, folds, confusion = _held_out(features[rows], truth, len(classes), method, task)
    shares = _told(features, _learnt(features[rows], truth, len(classes), method), task)
    labels, confidence = [classes[at] for at in shares.argmax(axis=1)], shares.max(axis=1).astype(np.float32)
    for row, label in given.items():
        labels[row], confidence[row] = label, 1.0
    baseline = max(counts.values()) / len(given)
    return Classified(tuple(labels), confidence, classes, accuracy, baseline, folds, confusion, given)


def as_csv(atlas: Atlas, made: Classified) -> str:
    """Line, text, the label that came with it, the learnt label, its confidence, whether it was an example."""
    corpus = atlas.corpus
    rows = (
        (corpus.lines[row], text, corpus.labels[row], made.labels[row], f"{made.confidence[row]:.4f}",
         "1" if row in made.examples else "")
        for row, text in enumerate(corpus.texts)
    )  # fmt: skip
    return rows_as_csv(("line", "text", "label", "learnt_label", "confidence", "example"), rows)


def _spread(rows: "np.ndarray", most: int) -> "np.ndarray":
    import numpy as np

    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def _features(atlas: Atlas, rows: "np.ndarray") -> "Matrix":
    """(n, f) what is learnt from. Sparse rows: the features that examples hold, and all texts' few dimensions, which
    know which features keep company in this corpus."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack, issparse

    if not issparse(atlas.rows):
        return atlas.rows
    used = np.unique(atlas.rows[rows].indices)
    return hstack([atlas.rows[:, used], csr_matrix(atlas.space.vectors)], format="csr", dtype=np.float32)


class _Learnt:
    """A classifier: weights of every class, and how scores become shares."""

    def __init__(self, weights: "np.ndarray", offsets: "np.ndarray", sharpness: float) -> None:
        self.weights, self.offsets, self.sharpness = weights, offsets, sharpness  # (f, classes), (classes,)

    def shares(self, features: "Matrix") -> "np.ndarray":
        """(n, classes), rows sum to 1."""
        import numpy as np

        scores = self.sharpness * np.asarray(features @ self.weights + self.offsets)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)


def _learnt(features: "Matrix", truth: "np.ndarray", count: int, method: Method) -> _Learnt:
    """Learns from examples; classes that do not occur among them are never told."""
    import numpy as np

    there = np.unique(truth)
    offsets = np.full(count, -1e3)
    weights = np.zeros((features.shape[1], count), np.float32)
    if method == "prototype" or len(there) < 2:
        for at in there:
            mean = np.asarray(features[truth == at].mean(axis=0)).ravel()
            weights[:, at] = mean / (np.linalg.norm(mean) or 1)
        offsets[there] = 0
        return _Learnt(weights, offsets, _SHARPNESS)
    found = _regression(features, truth)
    if len(there) == 2:  # one line of coefficients tells two classes apart
        weights[:, there[1]], offsets[there] = found.coef_[0], (0, found.intercept_[0])
    else:
        weights[:, there], offsets[there] = found.coef_.T, found.intercept_
    return _Learnt(weights, offsets, 1.0)


def _regression(features: "Matrix", truth: "np.ndarray") -> "object":
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about an optimum that is near enough after 300 steps
        return LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=300).fit(features, truth)


def _held_out(
    features: "Matrix", truth: "np.ndarray", count: int, method: Method, task: Task
) -> "tuple[float | None, int, np.ndarray | None]":
    """Accuracy, folds and confusion when each part of the examples in turn is told from the others."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    folds = min(_FOLDS, int(np.bincount(truth, minlength=count).min()))
    if folds < 2:
        return None, 0, None
    confusion = np.zeros((count, count), np.int64)
    for done, (known, held) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=0).split(truth, truth)):
        task.step(0.1 + 0.6 * done / folds)
        told = _learnt(features[known], truth[known], count, method).shares(features[held]).argmax(axis=1)
        np.add.at(confusion, (truth[held], told), 1)
    return float(np.trace(confusion) / confusion.sum()), folds, confusion


def _told(features: "Matrix", learnt: _Learnt, task: Task) -> "np.ndarray":
    import numpy as np

    parts = []
    for start in range(0, features.shape[0], _BLOCK):
        task.step(0.8 + 0.2 * start / features.shape[0])
        parts.append(learnt.shares(features[start : start + _BLOCK]))
    return np.concatenate(parts)
