"""The shipped weights, and what they make of candidates: scores, probabilities, the best span.

A score is linear in all features plus one hidden layer over the base features. Because a feature is a row of a table,
the layer is computed once for every place as a first and as a last word, and a span adds up what it needs.
Knows nothing of text.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from models.assets import asset
from models.embedded.reader.spans import Candidates
from models.embedded.reader.table import END, N_BASE, N_BORDER_BASE, N_ROWS, N_SPAN_BASE, START, WHOLE

TOP: Final = 60  # spans between which the expected overlap is computed


@dataclass(frozen=True, slots=True)
class Weights:
    """h hidden units. `confidence` and `found` are logistic: one weight per measure, the bias last."""

    linear: np.ndarray  # (N_ROWS,) float32
    linear_dense: np.ndarray  # (16,) start, end, span
    hidden: np.ndarray  # (N_BASE, h)
    hidden_dense: np.ndarray  # (16, h)
    bias: np.ndarray  # (h,)
    output: np.ndarray  # (h,)
    found: np.ndarray  # (n_measures + 1,)
    confidence: np.ndarray  # (n_measures + 1,)
    fingerprint: str = ""  # first 12 hexadecimal digits of the file's sha256


NAMES: Final = ("linear", "linear_dense", "hidden", "hidden_dense", "bias", "output", "found", "confidence")


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen span among n candidates."""

    index: int
    order: np.ndarray  # (m,) the best candidates, best first, m <= TOP
    probabilities: np.ndarray  # (m,) of those
    expected: float  # expected overlap F1 of the chosen span with the right one, 0 … 1


def load(path: Path) -> Weights:
    """Reads a weights file, in which `hidden` has 8 bits and a scale for every unit.

    Raises ValueError when it was made for other features.
    """
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(np.float32) for name in NAMES}
        arrays["hidden"] *= stored["hidden_scale"].astype(np.float32)
    if len(arrays["linear"]) != N_ROWS or len(arrays["hidden"]) != N_BASE:
        raise ValueError(f"{path.name} was trained for other features; run python -m benchmarks.train_reader")
    return Weights(**arrays, fingerprint=hashlib.sha256(path.read_bytes()).hexdigest()[:12])


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The weights that come with the project."""
    return load(asset("embedded", "reader.npz"))


def score(candidates: Candidates, weights: Weights) -> np.ndarray:
    """(n,) float32, one score per span."""
    first, last = candidates.first, candidates.last
    parts = (
        (candidates.start_rows, candidates.start_dense, N_BORDER_BASE, START),
        (candidates.end_rows, candidates.end_dense, N_BORDER_BASE, END),
        (candidates.span_rows, candidates.span_dense, N_SPAN_BASE, WHOLE),
    )
    linear, hidden = [], []
    for rows, dense, n_base, at in parts:
        linear.append(weights.linear[rows].sum(axis=1) + dense @ weights.linear_dense[at])
        hidden.append(_gathered(weights.hidden, rows[:, :n_base]) + dense @ weights.hidden_dense[at])
    layer = hidden[0][first] + hidden[1][last] + hidden[2] + weights.bias
    np.maximum(layer, 0.0, out=layer)
    return linear[0][first] + linear[1][last] + linear[2] + layer @ weights.output


def _gathered(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum of table rows, column by column: no (n, k, h) array is ever made."""
    out = table[rows[:, 0]]
    for column in range(1, rows.shape[1]):
        out += table[rows[:, column]]
    return out


def choose(scores: np.ndarray, start: np.ndarray, end: np.ndarray) -> Choice:
    """The span with the greatest expected squared overlap with the right answer (minimum Bayes risk).

    `start` and `end` (n,) are offsets of the spans counted in letters and digits; overlap is F1 over them. The square
    keeps spans that are merely near each other from outvoting one that is exact.
    """
    order = np.argsort(-scores, kind="stable")[:TOP]
    probabilities = np.exp(scores[order] - np.logaddexp.reduce(scores.astype(np.float64)))
    low, high = start[order], end[order]
    common = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    sizes = (high - low)[:, None] + (high - low)
    overlap = 2.0 * np.maximum(common, 0) / np.maximum(sizes, 1)
    best = int(np.argmax(overlap**2 @ probabilities))
    return Choice(int(order[best]), order, probabilities, float(min(1.0, overlap[best] @ probabilities)))
