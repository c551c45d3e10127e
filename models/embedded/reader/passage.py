"""The few sentences of a passage that a question is about, and their words with all that can be said of each.

Knows sentence ranking, and how words are coded (part of speech, function word, match with the question). Knows
nothing of spans, weights or answers.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.embedded import text
from models.embedded.reader.question import Question
from models.embedded.reader.script import plain

if TYPE_CHECKING:
    from models.task import Task

TOP_SENTENCES = 7  # sentences that are read closely


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence with its likeness to the question."""

    piece: text.Piece
    plain: str  # simplified, lower case, as long as piece.text
    score: float
    coverage: float  # share of the question's word weight that the sentence holds, 0 … 1
    order: int  # number of the sentence in the passage


def rank(passage: str, question: Question, task: "Task") -> list[Ranked]:
    """All sentences that share something with the question, and the first few; best first, at most TOP_SENTENCES.

    A sentence scores the idf of the question's words and the weight of its character pairs that it holds, both
    discounted by how many sentences of this passage hold them.
    """
    pieces = text.sentences(passage)
    plains = []
    for at, piece in enumerate(pieces):
        if at % 500 == 0:
            task.check()
        plains.append(plain(piece.text))
    weights = _weights(question, plains, task)
    total = sum(weights.values()) or 1.0
    scored = []
    for at, (piece, low) in enumerate(zip(pieces, plains, strict=True)):
        if at % 500 == 0:
            task.check()
        held = sum(weight for cue, weight in weights.items() if cue in low)
        scored.append(Ranked(piece, low, held / total - 0.0004 * len(low), held / total, at))
    scored.sort(key=lambda row: (-row.score, row.order))
    return scored[:TOP_SENTENCES]


def _weights(question: Question, plains: list[str], task: "Task") -> dict[str, float]:
    """What the question gives to look for (words, character pairs) and how much each is worth."""
    cues = {word.text: word.idf for word in question.content}
    for side in (question.left, question.right):
        for gram in set(text.ngrams(side, 2, 2)):
            if gram.isalnum():
                cues[gram] = cues.get(gram, 0.0) + 3.0
    n_all = len(plains) + 1
    weights = {}
    for cue, value in cues.items():
        task.check()
        n_with = sum(cue in low for low in plains)
        weights[cue] = value * math.log(1.0 + n_all / (n_with + 0.5)) / math.log(1.0 + n_all / 0.5)
    return weights
