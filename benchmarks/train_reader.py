"""Trains the reader's weights and writes assets/embedded/reader.npz: `python -m benchmarks.train_reader [data folder]`.

Data: CMRC-2018 trial and DRCD dev (see benchmarks.reader_data); what is kept are numbers for abstract features (part
of speech, position, length, overlap), none for a word. First K-fold scorers read the passages they have not seen, which
gives the held-out figures and the readings that the two logistic models of confidence are fitted to; then scorers of
several seeds are fitted to everything and shipped as one. Deterministic.
"""

import io
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.quality import DATA
from benchmarks.reader_data import Asked, Example, example, folds, grade, load, mismatched, without_answer
from benchmarks.reader_fit import Net, fit
from models.assets import ROOT
from models.embedded.reader import confidence, ranker
from models.embedded.reader.answer import read_closely
from models.embedded.reader.table import FIRST_ROW, N_BASE, SIZES
from models.task import Task

SEEDS: Final = (0, 1, 2)
K: Final = 3
# 1: answers as long as in CMRC trial (one annotator, often whole clauses), 0: as short as in DRCD; CMRC dev is between
STYLE: Final = 0.5
N_ODD: Final = 1500  # questions put to a wrong passage, and to their own without its answer, for the logistic models


def merged(nets: Sequence[Net], style: float) -> ranker.Weights:
    """The mean of several scorers as one with a wider hidden layer, and its length of answer fixed to a style."""
    n = len(nets)
    zeros = np.append(np.zeros(confidence.N_MEASURES), 20.0)
    weights = ranker.Weights(
        sum(net.linear for net in nets) / n,
        sum(net.linear_dense for net in nets) / n,
        *(np.concatenate([getattr(net, name) for net in nets], axis=-1) for name in ("hidden", "hidden_dense", "bias")),
        np.concatenate([net.output for net in nets]) / n,
        zeros,
        zeros,
    )
    for name, size in SIZES.items():
        if name.startswith("source"):
            low, half = FIRST_ROW[name], size // 2
            for table in (weights.linear, weights.hidden) if low + size <= N_BASE else (weights.linear,):
                table[low : low + half] = style * table[low : low + half] + (1 - style) * table[low + half : low + size]
                table[low + half : low + size] = 0.0
    return weights


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reading came to: the chosen text whatever its confidence, the measures, the best sentence's place."""

    text: str
    expected: float
    measures: np.ndarray | None
    sentence: tuple[int, int]


def read_all(asked: Sequence[Asked], numbers: np.ndarray, weights: Sequence[ranker.Weights]) -> list[Outcome]:
    """Each question read with the weights of its fold."""
    return [outcome(row, weights[n]) for row, n in zip(asked, numbers, strict=True)]


def outcome(row: Asked, weights: ranker.Weights) -> Outcome:
    """One question read as at run time."""
    reading = read_closely(row.passage, row.question, weights, Task())
    best = (reading.ranked[0].piece.start, reading.ranked[0].piece.end) if reading.ranked else (0, 0)
    if reading.choice is None or reading.page is None or reading.candidates is None:
        return Outcome("", 0.0, None, best)
    first, last = reading.candidates.first[reading.choice.index], reading.candidates.last[reading.choice.index]
    text = row.passage[reading.page.start[first] : reading.page.end[last]]
    return Outcome(text, reading.choice.expected, reading.measures, best)


def odd_ones(asked: Sequence[Asked], numbers: np.ndarray) -> tuple[list[Asked], np.ndarray, int]:
    """Questions without an answer in their passage, fold numbers, and how many are wrong passages: they come first."""
    few = np.random.default_rng(1).permutation(len(asked))[:N_ODD]
    wrong = mismatched(list(asked), seed=2)
    rows, at = [wrong[n] for n in few], list(few)
    for n in few:
        shorter = without_answer(asked[n])
        if shorter is not None:
            rows.append(shorter)
            at.append(n)
    return rows, numbers[np.array(at)], len(few)


def logistics(right: list[tuple[Outcome, float]], wrong: list[Outcome]) -> tuple[np.ndarray, np.ndarray]:
    """Weights of `found` (an answer is there) and of `confidence` (the span overlaps it by half, given it is there)."""
    held = [(reading.measures, f1) for reading, f1 in right if reading.measures is not None]
    lacking = [reading.measures for reading in wrong if reading.measures is not None]
    x = np.array([values for values, _ in held])
    f1 = np.array([value for _, value in held])
    found = _logistic(np.concatenate([x, np.array(lacking)]), np.append(np.ones(len(x)), np.zeros(len(lacking))))
    return found, _logistic(x, (f1 >= 0.5).astype(float))


def _logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    scale = x.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.3, max_iter=1000).fit(x / scale, y)
    return np.append(model.coef_[0] / scale, model.intercept_[0]).astype(np.float32)


def rates(groups: Sequence[list[Outcome]], found: np.ndarray) -> str:
    """A table: at each threshold of `found`, the share of every group that is turned away."""
    chances = [
        np.array([confidence.logistic(r.measures, found) for r in group if r.measures is not None]) for group in groups
    ]
    lines = ["threshold  answerable  wrong passage  answer cut out"]
    for threshold in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6):
        shares = "  ".join(f"{100 * float((values < threshold).mean()):10.1f}" for values in chances)
        lines.append(f"{threshold:9.2f} {shares}")
    return "\n".join(lines)


def with_logistics(weights: ranker.Weights, found: np.ndarray, sure: np.ndarray) -> ranker.Weights:
    """The same weights with other logistic models."""
    fields = {name: getattr(weights, name) for name in ranker.NAMES}
    return ranker.Weights(**{**fields, "found": found, "confidence": sure})


def crossed(
    asked: list[Asked], examples: list[Example], k: int, seeds: Sequence[int]
) -> tuple[np.ndarray, list[list[Net]]]:
    """Fold numbers, and for each fold the scorers that were fitted to the others."""
    numbers = folds(asked, k)
    nets = [[fit([examples[n] for n in np.flatnonzero(numbers != held)], seed) for seed in seeds] for held in range(k)]
    return numbers, nets


def stored(weights: ranker.Weights) -> dict[str, np.ndarray]:
    """Half precision, the hidden layer's table in 8 bits with one scale for each unit."""
    arrays = {name: getattr(weights, name).astype(np.float16) for name in ranker.NAMES}
    scale = (np.abs(weights.hidden).max(axis=0) / 127.0).astype(np.float16)
    levels = np.round(weights.hidden / np.maximum(scale.astype(np.float32), 1e-7))
    return arrays | {"hidden": np.clip(levels, -127, 127).astype(np.int8), "hidden_scale": scale}


def save(weights: ranker.Weights, path: Path) -> None:
    """Writes atomically; the same weights give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **stored(weights))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_bytes(buffer.getvalue())
    os.replace(draft, path)


def main() -> None:
    """Held-out figures, then the shipped file."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    began = time.process_time()
    asked = load(data)
    examples = [example(row) for row in asked]
    print(f"{len(asked)} questions, features {time.process_time() - began:.0f} CPU s", flush=True)
    numbers, nets = crossed(asked, examples, K, SEEDS[:2])
    weights = [merged(group, STYLE) for group in nets]
    readings = read_all(asked, numbers, weights)
    marks = [grade(r.text, [t for t, _ in row.answers]) for row, r in zip(asked, readings, strict=True)]
    for source in ("cmrc", "drcd"):
        part = np.array([mark for mark, row in zip(marks, asked, strict=True) if row.source == source]) * 100
        print(f"{source} held out: EM {part[:, 0].mean():.1f} F1 {part[:, 1].mean():.1f}", flush=True)
    odd, odd_numbers, n_wrong = odd_ones(asked, numbers)
    wrong = read_all(odd, odd_numbers, weights)
    found, sure = logistics([(r, f1) for r, (_, f1) in zip(readings, marks, strict=True)], wrong)
    print(rates((readings, wrong[:n_wrong], wrong[n_wrong:]), found), flush=True)
    final = merged([fit(examples, seed) for seed in SEEDS], STYLE)
    save(with_logistics(final, found, sure), ROOT / "embedded" / "reader.npz")
    print(f"written after {time.process_time() - began:.0f} CPU s")


if __name__ == "__main__":
    main()
