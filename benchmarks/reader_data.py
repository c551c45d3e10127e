"""Questions with marked answers, and what the trainer of the reader needs of them.

Reads CMRC-2018 trial (CC BY-SA 4.0) and DRCD dev (CC BY-SA 3.0, converted to simplified characters with OpenCC) and
scores answers as the CMRC-2018 evaluation does. Knows nothing of weights.
"""

import json
import random
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.embedded.reader.page import Page, read
from models.embedded.reader.passage import rank
from models.embedded.reader.question import parse
from models.embedded.reader.spans import Candidates, describe
from models.task import Task

SOURCES: Final = ("cmrc", "drcd")  # in the order of the `source` feature
_UNITS: Final = re.compile(r"[a-z0-9]+|[^\W_]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a passage, with (text, start) of every accepted answer."""

    source: str
    passage_id: str
    passage: str
    question: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """The candidates of a question and how well each would do."""

    asked: Asked
    candidates: Candidates
    overlap: np.ndarray  # (n,) F1 by position with the best marked answer
    exact: np.ndarray  # (n,) whether it covers one


def load(data: Path, limit: int | None = None) -> list[Asked]:
    """All questions of both sets, or the first `limit` of each."""
    cmrc = _squad("cmrc", data / "qa" / "cmrc2018" / "trial.json", lambda text: text)
    drcd = _squad("drcd", data / "qa" / "drcd" / "dev.json", _to_simplified())
    return cmrc[:limit] + drcd[:limit]


def _to_simplified() -> Callable[[str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import opencc

        return opencc.OpenCC("t2s").convert


def _squad(source: str, path: Path, convert: Callable[[str], str]) -> list[Asked]:
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    return [
        Asked(
            source,
            str(paragraph["id"]),
            convert(paragraph["context"]),
            convert(asked["question"]),
            tuple(sorted({(convert(answer["text"]), answer["answer_start"]) for answer in asked["answers"]})),
        )
        for paragraph in paragraphs
        for asked in paragraph["qas"]
        if asked["question"].strip()
    ]


def folds(asked: list[Asked], k: int) -> np.ndarray:
    """(n,) number of the fold; questions of one passage share it."""
    names = sorted({row.passage_id for row in asked})
    random.Random(7).shuffle(names)
    number = {name: at % k for at, name in enumerate(names)}
    return np.array([number[row.passage_id] for row in asked])


def example(asked: Asked) -> Example:
    """Candidates with their targets; the passage is read as at run time."""
    task, question = Task(), parse(asked.question)
    ranked = rank(asked.passage, question, task)
    page = read(ranked, question, task)
    found = describe(page, question, ranked, SOURCES.index(asked.source))
    overlap, exact = _targets(asked, page, found)
    small = Candidates(
        found.first.astype(np.int16),
        found.last.astype(np.int16),
        *(rows.astype(np.int16) for rows in (found.start_rows, found.end_rows, found.span_rows)),
        *(dense.astype(np.float32) for dense in (found.start_dense, found.end_dense, found.span_dense)),
    )
    return Example(asked, small, overlap, exact)


def _targets(asked: Asked, page: Page, found: Candidates) -> tuple[np.ndarray, np.ndarray]:
    sums = np.concatenate([[0], np.cumsum([char.isalnum() for char in asked.passage])])
    low, high = sums[page.start[found.first]], sums[page.end[found.last]]
    overlap, exact = np.zeros(len(low), np.float32), np.zeros(len(low), bool)
    for start, end in _places(asked):
        a, b = sums[start], sums[end]
        common = np.maximum(0, np.minimum(high, b) - np.maximum(low, a))
        overlap = np.maximum(overlap, (2 * common / np.maximum(1, (high - low) + (b - a))).astype(np.float32))
        exact |= (low == a) & (high == b)
    return overlap, exact


def _places(asked: Asked) -> Iterable[tuple[int, int]]:
    """Where the answers stand: as marked, and at most ten more times the same text occurs."""
    for text, _ in asked.answers:
        for n, found in enumerate(re.finditer(re.escape(text), asked.passage)):
            if n < 10:
                yield found.start(), found.end()


def grade(predicted: str, answers: Iterable[str]) -> tuple[float, float]:
    """(exact match, F1), 0 or 1 and 0 … 1, the best over the answers, as the CMRC-2018 evaluation defines them.

    Punctuation is removed; F1 counts the longest common substring in characters (in words for Latin script).
    """
    units = _UNITS.findall(predicted.lower())
    exact, best = 0.0, 0.0
    for answer in answers:
        other = _UNITS.findall(answer.lower())
        common = _longest_common(units, other)
        exact = max(exact, float(units == other))
        best = max(best, 2 * common / (len(units) + len(other)) if common else 0.0)
    return exact, best


def _longest_common(a: list[str], b: list[str]) -> int:
    best, row = 0, [0] * (len(b) + 1)
    for x in a:
        row = [0] + [row[at] + 1 if x == y else 0 for at, y in enumerate(b)]
        best = max(best, *row)
    return best


def without_answer(asked: Asked) -> Asked | None:
    """The same question about the passage without the sentences that hold an answer; None if nothing is left."""
    from models.embedded.text import sentences

    kept = [
        p.text for p in sentences(asked.passage) if not any(answer.strip("。") in p.text for answer, _ in asked.answers)
    ]
    shorter = "".join(kept)
    gone = len(shorter) < len(asked.passage) and all(answer not in shorter for answer, _ in asked.answers)
    return Asked(asked.source, asked.passage_id, shorter, asked.question, ()) if gone and len(kept) > 1 else None


def mismatched(asked: list[Asked], seed: int) -> list[Asked]:
    """Every question put to a random other passage of the same set."""
    chance = random.Random(seed)
    out = []
    for row in asked:
        other = row
        while other.passage_id == row.passage_id or other.source != row.source:
            other = chance.choice(asked)
        out.append(Asked(row.source, row.passage_id, other.passage, row.question, ()))
    return out
