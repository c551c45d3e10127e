"""Fits one scorer of answer spans: a linear model and one hidden layer over table rows, by Adam, with numpy and scipy.

The loss of a question is minus the log of the expected reward under the softmax over its spans; the reward is half
exact match and half squared overlap. Knows nothing of files, folds or confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.reader_data import Example
from models.embedded.reader.table import END, N_BASE, N_BORDER_BASE, N_DENSE, N_ROWS, N_SPAN_BASE, START, WHOLE

HIDDEN: Final = 48
EPOCHS, BATCH, RATE, DROP = 5, 16, 4e-3, 0.3
NEGATIVES: Final = 300  # spans with little overlap that one step looks at, per question
EXACT_SHARE: Final = 0.3  # of the reward; the rest is overlap squared
LINEAR_L2: Final = 4e-6
REPEAT_CMRC: Final = 2


@dataclass
class Net:
    """The trained arrays, as in ranker.Weights."""

    linear: np.ndarray
    linear_dense: np.ndarray
    hidden: np.ndarray
    hidden_dense: np.ndarray
    bias: np.ndarray
    output: np.ndarray


FIELDS: Final = ("linear", "linear_dense", "hidden", "hidden_dense", "bias", "output")


def fit(examples: Sequence[Example], seed: int) -> Net:
    """One scorer."""
    from scipy import sparse

    chance = np.random.default_rng(seed)
    net = Net(
        np.zeros(N_ROWS, np.float32),
        np.zeros(N_DENSE, np.float32),
        (chance.standard_normal((N_BASE, HIDDEN)) * 0.15).astype(np.float32),
        (chance.standard_normal((N_DENSE, HIDDEN)) * 0.3).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        (chance.standard_normal(HIDDEN) * 0.5 / HIDDEN**0.5).astype(np.float32),
    )
    usable = [row for row in examples if len(row.overlap) and row.overlap.max() > 0.3]
    usable += [row for row in usable if row.asked.source == "cmrc"] * (REPEAT_CMRC - 1)
    n_steps = EPOCHS * -(-len(usable) // BATCH)
    moments = {name: (np.zeros_like(getattr(net, name)), np.zeros_like(getattr(net, name))) for name in FIELDS}
    step = 0
    for _ in range(EPOCHS):
        order = chance.permutation(len(usable))
        for low in range(0, len(order), BATCH):
            slopes = _slopes(net, [usable[at] for at in order[low : low + BATCH]], chance, sparse.csr_matrix)
            step += 1
            _adam(net, slopes, moments, step, RATE * (1 - (step - 1) / n_steps) * min(1.0, step / 50))
    return net


def _slopes(net: Net, batch: list[Example], chance: np.random.Generator, csr: type) -> dict[str, np.ndarray]:
    """The gradient of the loss over a batch."""
    rows, dense, joins, segment, reward = _stack(batch, chance)
    n_bases = (N_BORDER_BASE, N_BORDER_BASE, N_SPAN_BASE)
    sets = [_one_hot(csr, part[:, :n], N_BASE) for part, n in zip(rows, n_bases, strict=True)]
    cuts = (START, END, WHOLE)
    layers = [x @ net.hidden + d @ net.hidden_dense[cut] for x, d, cut in zip(sets, dense, cuts, strict=True)]
    lines = [
        net.linear[part].sum(axis=1) + d @ net.linear_dense[cut] for part, d, cut in zip(rows, dense, cuts, strict=True)
    ]
    first, last = joins
    layer = layers[0][first] + layers[1][last] + layers[2] + net.bias
    alive = (layer > 0) * (chance.random(layer.shape, dtype=np.float32) >= DROP) / np.float32(1 - DROP)
    layer *= alive
    scores = lines[0][first] + lines[1][last] + lines[2] + layer @ net.output
    p, q = _softmax(scores, segment), _softmax(scores + np.log(reward + 1e-6), segment)
    slope = ((p - q) / len(batch)).astype(np.float32)
    back = slope[:, None] * net.output * alive
    ends = (np.arange(len(first) + 1), len(first))
    joined = [_picked(csr, at, len(part), ends) for at, part in zip((first, last), rows[:2], strict=True)]
    backs = [join.T @ back for join in joined] + [back]
    slopes_1d = [join.T @ slope for join in joined] + [slope]
    linear = 2 * LINEAR_L2 * net.linear
    for part, s in zip(rows, slopes_1d, strict=True):
        linear += np.bincount(part.ravel(), np.repeat(s, part.shape[1]), N_ROWS).astype(np.float32)
    return {
        "linear": linear,
        "linear_dense": np.concatenate([d.T @ s for d, s in zip(dense, slopes_1d, strict=True)]),
        "hidden": sum(x.T @ b for x, b in zip(sets, backs, strict=True)),
        "hidden_dense": np.concatenate([d.T @ b for d, b in zip(dense, backs, strict=True)]),
        "bias": back.sum(axis=0),
        "output": layer.T @ slope,
    }


def _stack(batch: list[Example], chance: np.random.Generator) -> tuple:
    """Rows, dense values, joins, segment and reward of a batch: all good spans and a sample of the others."""
    rows, dense, joins, segment, reward = ([], [], []), ([], [], []), ([], []), [], []
    offset = 0
    for n, row in enumerate(batch):
        found = row.candidates
        keep = (chance.random(len(row.overlap)) < NEGATIVES / len(row.overlap)) | (row.overlap > 0.3)
        for out, part in zip(rows, (found.start_rows, found.end_rows, found.span_rows[keep]), strict=True):
            out.append(part)
        for out, part in zip(dense, (found.start_dense, found.end_dense, found.span_dense[keep]), strict=True):
            out.append(part)
        for out, part in zip(joins, (found.first, found.last), strict=True):
            out.append(part[keep].astype(np.int64) + offset)
        offset += len(found.start_rows)
        segment.append(np.full(int(keep.sum()), n))
        reward.append(EXACT_SHARE * row.exact[keep] + (1 - EXACT_SHARE) * row.overlap[keep] ** 2)
    whole = tuple(tuple(np.concatenate(part) for part in group) for group in (rows, dense, joins))
    return (*whole, np.concatenate(segment), np.concatenate(reward))


def _one_hot(csr: type, rows: np.ndarray, width: int) -> object:
    n, k = rows.shape
    return csr((np.ones(n * k, np.float32), rows.ravel().astype(np.int32), np.arange(n + 1) * k), shape=(n, width))


def _picked(csr: type, at: np.ndarray, width: int, ends: tuple[np.ndarray, int]) -> object:
    return csr((np.ones(ends[1], np.float32), at, ends[0]), shape=(ends[1], width))


def _softmax(scores: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """Within each segment."""
    top = np.full(segment[-1] + 1, -np.inf)
    np.maximum.at(top, segment, scores)
    raised = np.exp(scores - top[segment])
    return raised / np.bincount(segment, raised)[segment]


def _adam(net: Net, slopes: dict[str, np.ndarray], moments: dict, step: int, rate: float) -> None:
    for name, slope in slopes.items():
        mean, square = moments[name]
        mean += 0.1 * (slope - mean)
        square += 0.01 * (slope * slope - square)
        change = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        getattr(net, name)[...] -= (rate * change).astype(np.float32)
