"""How good the embedded reader is: CMRC-2018 trial and DRCD dev, questions without an answer, speed.

    python -m benchmarks.quality_reader [number of questions of each set]

The shipped weights were trained on these questions, so every figure comes from scorers and logistic models that had
not seen the passage (grouped k-fold by passage; one scorer per fold where the shipped file is the mean of three).
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.quality import DATA, Row
from benchmarks.reader_data import Asked, example, grade, load
from benchmarks.reader_fit import Net
from benchmarks.train_reader import STYLE, Outcome, crossed, logistics, merged, odd_ones, read_all
from models.embedded.reader import confidence

K: Final = 4
LONG, SHORT = 1.0, 17  # the style of CMRC trial; characters: answers up to this length are as long as those of CMRC dev
FOLDED: Final = f"{K}-fold by passage"


def measure(data: Path, limit: int | None) -> list[Row]:
    """All figures; `limit` keeps the first so many questions of each set."""
    asked = load(data, limit)
    examples = [example(row) for row in asked]
    numbers, nets = crossed(asked, examples, K, (0,))
    del examples
    began = time.process_time()
    readings = _read(asked, numbers, nets, STYLE)
    spent = 1000 * (time.process_time() - began) / len(asked)
    marks = _marks(asked, readings)
    cmrc = np.array([row.source == "cmrc" for row in asked])
    rows = _long_style(asked, numbers, nets, cmrc)
    rows += _accuracy("CMRC trial", marks[cmrc], "as shipped: answers shorter than this annotator's")
    short = cmrc & np.array([len(row.answers[0][0]) <= SHORT for row in asked])
    rows += _accuracy(
        f"CMRC trial, answers up to {SHORT} characters", marks[short], "as shipped; the likest to CMRC dev"
    )
    rows += _accuracy("DRCD dev", marks[~cmrc], "as shipped")
    rows.append(Row("reader: sentence hit rate, CMRC trial", None, _sentence_hits(asked, readings, cmrc), FOLDED))
    rows += _trust(asked, readings, marks, numbers, nets)
    return [*rows, Row("reader: CPU ms per question", 60.0, spent, "passages of about 450 characters", ceiling=True)]


def _read(asked: list[Asked], numbers: np.ndarray, nets: list[list[Net]], style: float) -> list[Outcome]:
    return read_all(asked, numbers, [merged(group, style) for group in nets])


def _marks(asked: Sequence[Asked], readings: Sequence[Outcome]) -> np.ndarray:
    """(n, 2) exact match and F1 in percent, whatever the confidence."""
    pairs = zip(asked, readings, strict=True)
    return 100 * np.array([grade(reading.text, [text for text, _ in row.answers]) for row, reading in pairs])


def _accuracy(name: str, marks: np.ndarray, note: str) -> list[Row]:
    return [
        Row(f"reader: {name}, {what}", None, float(marks[:, at].mean()), f"{note}; {FOLDED}")
        for at, what in ((0, "EM"), (1, "F1"))
    ]


def _long_style(asked: list[Asked], numbers: np.ndarray, nets: list[list[Net]], cmrc: np.ndarray) -> list[Row]:
    """The same scorers set to answer at the length of CMRC trial, which is what its answers can be compared with."""
    some = [row for row, chosen in zip(asked, cmrc, strict=True) if chosen]
    readings = _read(some, numbers[cmrc], nets, LONG)
    marks = _marks(some, readings)
    expected = np.array([reading.expected for reading in readings])
    half = marks[np.argsort(-expected)[: len(marks) // 2]]
    note = f"one answer each, often a whole clause; set to that length; {FOLDED}"
    return [
        Row("reader: CMRC trial, length of trial, EM", 29.0, float(marks[:, 0].mean()), note),
        Row("reader: CMRC trial, length of trial, F1", 50.0, float(marks[:, 1].mean()), note),
        Row("reader: CMRC trial, length of trial, F1 of the surest half", 67.0, float(half[:, 1].mean()), note),
    ]


def _sentence_hits(asked: list[Asked], readings: list[Outcome], chosen: np.ndarray) -> float:
    """Percent of questions whose best ranked sentence holds the start of an answer."""
    hits = [
        any(reading.sentence[0] <= start < reading.sentence[1] for _, start in row.answers)
        for row, reading, wanted in zip(asked, readings, chosen, strict=True)
        if wanted
    ]
    return 100 * float(np.mean(hits))


def _trust(
    asked: list[Asked], readings: list[Outcome], marks: np.ndarray, numbers: np.ndarray, nets: list[list[Net]]
) -> list[Row]:
    """How well the reader knows what it does not know; the logistic models are cross-fitted over the same folds."""
    odd, odd_numbers, n_wrong = odd_ones(asked, numbers)
    wrong = _read(odd, odd_numbers, nets, STYLE)
    sure, sure_odd = np.zeros(len(asked)), np.zeros(len(odd))
    for held in range(K):
        inner = [(readings[n], marks[n, 1] / 100) for n in np.flatnonzero(numbers != held)]
        models = logistics(inner, [wrong[n] for n in np.flatnonzero(odd_numbers != held)])
        for n in np.flatnonzero(numbers == held):
            sure[n] = _sure(readings[n], models)
        for n in np.flatnonzero(odd_numbers == held):
            sure_odd[n] = _sure(wrong[n], models)
    rows = _unanswerable("another passage", sure, sure_odd[:n_wrong])
    rows += _unanswerable("the answer's sentence cut out", sure, sure_odd[n_wrong:])
    return rows + _answerable(sure, marks)


def _unanswerable(name: str, sure: np.ndarray, odd: np.ndarray) -> list[Row]:
    from sklearn.metrics import roc_auc_score

    truth = np.append(np.ones(len(sure)), np.zeros(len(odd)))
    area = 100 * float(roc_auc_score(truth, np.append(sure, odd)))
    turned = 100 * float((odd < confidence.THRESHOLD).mean())
    return [
        Row(f"reader: unanswerable ({name}), AUC", None, area, FOLDED),
        Row(f"reader: unanswerable ({name}), said so", None, turned, f"% at {confidence.THRESHOLD}"),
    ]


def _answerable(sure: np.ndarray, marks: np.ndarray) -> list[Row]:
    lost = sure < confidence.THRESHOLD
    half = np.argsort(-sure)[: len(sure) // 2]
    bias = 100 * float(sure.mean() - (marks[:, 1] >= 50).mean())
    of_lost = float(marks[lost, 1].mean()) if lost.any() else 0.0
    return [
        Row("reader: answerable, yet turned away", None, 100 * float(lost.mean()), "%; lower is better"),
        Row("reader: F1 of the spans turned away", None, of_lost, "lower is better"),
        Row("reader: both sets, F1 of the surest half", None, float(marks[half, 1].mean()), "by Answer.confidence"),
        Row("reader: confidence minus share right", None, bias, "points; right: F1 of 50 or more"),
    ]


def _sure(outcome: Outcome, models: tuple[np.ndarray, np.ndarray]) -> float:
    return 0.0 if outcome.measures is None else confidence.judge(outcome.measures, *models)


def main() -> None:
    """Prints the table."""
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else None
    for row in measure(DATA, limit):
        print(f"{row.name:62s} {row.value:7.1f}  floor {row.floor}  {row.note}")


if __name__ == "__main__":
    main()
