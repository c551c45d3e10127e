"""The reader: a question and a passage in, an answer with its sentence, its confidence and a whole statement out."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.embedded.reader import confidence, ranker
from models.embedded.reader.complete import complete
from models.embedded.reader.page import Page, read
from models.embedded.reader.passage import Ranked, rank
from models.embedded.reader.question import Question, parse
from models.embedded.reader.spans import Candidates, describe
from models.engine import Answer
from models.errors import BadInput
from models.spec import Evidence, Origin
from models.task import Task

MAX_PASSAGE: Final = 1_000_000  # characters that are read; what follows is left out
N_EVIDENCE: Final = 3
COMPLETE_FROM: Final = 0.25  # confidence; a doubtful answer is not made into a statement
_STOPS: Final = frozenset("。.，,；;：:、！!？?…")
_WORDY: Final = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was worked out about a question and a passage; `choice` is None when there was nothing to choose."""

    question: Question
    ranked: list[Ranked]
    page: Page | None = None
    candidates: Candidates | None = None
    choice: ranker.Choice | None = None
    measures: np.ndarray | None = None


def read_closely(passage: str, question: str, weights: ranker.Weights, task: Task) -> Reading:
    """Ranks the sentences, scores the spans of the best and chooses one. Raises Cancelled."""
    parsed = parse(question)
    ranked = rank(passage, parsed, task)
    task.step(0.5, "qa.reading")
    if not ranked:
        return Reading(parsed, ranked)
    page = read(ranked, parsed, task)
    task.step(0.8)
    candidates = describe(page, parsed, ranked, 0)
    if not len(candidates.first):
        return Reading(parsed, ranked)
    scores = ranker.score(candidates, weights)
    choice = ranker.choose(scores, *extents(page, candidates))
    task.check()
    values = confidence.measures(parsed, ranked, page, candidates, scores, choice)
    return Reading(parsed, ranked, page, candidates, choice, values)


def extents(page: Page, candidates: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each span counted in letters and digits along the page, each (n,)."""
    sums = np.concatenate([[0], np.cumsum(page.n_chars)])
    return sums[candidates.first], sums[candidates.last + 1]


class EmbeddedReader:
    """Answers a question with a span of the passage. Implements models.engine.Reader; safe to share between threads."""

    def answer(self, passage: str, question: str, task: Task) -> Answer:
        """The span, or an empty text when the passage does not seem to hold the answer.

        Raises BadInput ("empty_text", "empty_question"), Cancelled.
        """
        if not _WORDY.search(passage):
            raise BadInput("empty_text")
        if not _WORDY.search(question):
            raise BadInput("empty_question")
        weights = ranker.shipped()
        reading = read_closely(passage[:MAX_PASSAGE], question, weights, task)
        task.step(1.0)
        return _answer(passage, question, reading, weights)


def _answer(passage: str, question: str, reading: Reading, weights: ranker.Weights) -> Answer:
    origin = Origin(how="extractive", fingerprint=weights.fingerprint)
    if reading.choice is None or reading.page is None or reading.candidates is None or reading.measures is None:
        return Answer("", -1, -1, 0.0, "", origin, _evidence(reading.ranked, None))
    sure = confidence.judge(reading.measures, weights.found, weights.confidence)
    if confidence.untold(reading.question, reading.ranked):
        sure = min(sure, confidence.THRESHOLD / 2)
    first, last = (int(places[reading.choice.index]) for places in (reading.candidates.first, reading.candidates.last))
    start, end = _trimmed(passage, int(reading.page.start[first]), int(reading.page.end[last]))
    if start == end:
        sure = 0.0
    if sure < confidence.THRESHOLD:
        return Answer("", -1, -1, sure, "", origin, _evidence(reading.ranked, None))
    text = passage[start:end]
    evidence = _evidence(reading.ranked, int(reading.page.sentence[first]))
    statement = complete(question, reading.question, text) if sure >= COMPLETE_FROM else ""
    return Answer(text, start, end, sure, statement, origin, evidence)


def _trimmed(passage: str, start: int, end: int) -> tuple[int, int]:
    """Without white space and stops at the ends."""
    while end > start and (passage[end - 1].isspace() or passage[end - 1] in _STOPS):
        end -= 1
    while start < end and (passage[start].isspace() or passage[start] in _STOPS):
        start += 1
    return start, end


def _evidence(ranked: list[Ranked], own: int | None) -> tuple[Evidence, ...]:
    """The best sentences; the one that holds the span goes first."""
    rows = sorted(range(len(ranked)), key=lambda at: (at != own, at))[:N_EVIDENCE]
    return tuple(
        Evidence(row.piece.text, round(row.score, 4), "", row.piece.start, row.piece.end)
        for row in (ranked[at] for at in rows)
    )
