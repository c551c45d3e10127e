"""The chosen sentences as one row of coded words, with a gap between sentences: what features are computed from.

Knows where each word stands (sentence, clause, brackets) and how far it is from the words of the question. Knows
nothing of spans or weights.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from models.embedded import text
from models.embedded.reader.passage import Ranked
from models.embedded.reader.question import Question
from models.embedded.reader.words import FUNCTIONS, MATCH, TAG, match_code, question_sides, tag_code

if TYPE_CHECKING:
    from models.task import Task

GAP: Final = 2  # empty places between sentences, so that looking two words away never crosses one
FAR: Final = 999  # characters; "nowhere in this sentence"
MAX_WORDS: Final = 160  # of one sentence that are read
_CLAUSE_TAGS: Final = tuple(TAG[name] for name in ("comma", "stop", "colon", "semicolon"))
_OPENING: Final = tuple(TAG[name] for name in ("open", "open_quote", "open_title"))
_CLOSING: Final = tuple(TAG[name] for name in ("close", "close_quote", "close_title"))
_NOWHERE: Final = ((FAR,) * 4, (FAR,) * 4, (0.0,) * 4, (0.0,) * 4)
_EMPTY: Final = ("", TAG["pad"], 0, MATCH["pad"], -1, -1, 0, 0, 0, 0, 0.0, *_NOWHERE, 0, 0)  # words, then Page's fields


@dataclass(frozen=True, slots=True)
class Page:
    """n places; a gap has sentence -1. All arrays have shape (n,) unless said otherwise."""

    tag: np.ndarray
    function: np.ndarray
    match: np.ndarray
    sentence: np.ndarray  # rank of the sentence, 0 is best
    clause: np.ndarray  # number of the clause, rising over the page
    depth: np.ndarray  # brackets and quotes open before the word
    start: np.ndarray  # offsets in the passage, characters
    end: np.ndarray
    n_chars: np.ndarray  # letters and digits in the word
    weight: np.ndarray  # idf of a matched question word, else 0
    before: np.ndarray  # (n, 4) characters back to the nearest l1, r1, l2, r2; FAR when there is none
    after: np.ndarray  # (n, 4) the same, forward from the end of the word
    mass_before: (
        np.ndarray
    )  # (n, 4) question weight to the left, fading over 6 and 25 characters: left words, right words
    mass_after: np.ndarray  # (n, 4)
    left_fit: np.ndarray  # characters before the word that equal those before the wh-word, 0 … 8
    right_fit: np.ndarray  # characters after the word that equal those after it
    words: tuple[str, ...]  # simplified, lower case; "" in gaps


def read(ranked: list[Ranked], question: Question, task: "Task") -> Page:
    """Codes the words of the ranked sentences, best first."""
    rows: list[tuple] = [_EMPTY] * GAP
    clause = 0
    for at, sentence in enumerate(ranked):
        task.check()
        found = _sentence_rows(sentence, question, at, clause)
        clause = (found[-1][5] if found else clause) + 1
        rows += found + [_EMPTY] * GAP
    words, *columns = zip(*rows, strict=True)
    return Page(*(np.asarray(column) for column in columns), words=tuple(words))


def _sentence_rows(sentence: Ranked, question: Question, rank: int, clause: int) -> list[tuple]:
    """One row for every word, in the order of _EMPTY."""
    words = [word for word in text.tagged(sentence.plain) if word.text.strip()][:MAX_WORDS]
    distances = _distances(sentence.plain, question, words)
    sides, chars = question_sides(question), frozenset(c for w in question.content for c in w.text)
    idf = {word.text: word.idf for word in question.content}
    rows, depth, base = [], 0, sentence.piece.start
    for word, far in zip(words, zip(*distances, strict=True), strict=True):
        tag = tag_code(word)
        depth = max(0, depth - (tag in _CLOSING))
        match = match_code(word.text, sides, chars, question.head)
        coded = (word.text, tag, FUNCTIONS.get(word.text, 0), match, rank, clause, depth)
        size = sum(char.isalnum() for char in word.text)
        fit = _common_suffix(question.left, sentence.plain, word.start)
        fit_after = _common_prefix(question.right, sentence.plain, word.end)
        place = (base + word.start, base + word.end, size, idf.get(word.text, 0.0))
        rows.append((*coded, *place, *far, fit, fit_after))
        clause += tag in _CLAUSE_TAGS
        depth += tag in _OPENING
    return rows


def _common_suffix(left: str, plain: str, at: int) -> int:
    """How many characters before `at` equal the last ones of `left`, at most 8."""
    n = 0
    while n < 8 and n < at and n < len(left) and left[-1 - n] == plain[at - 1 - n]:
        n += 1
    return n


def _common_prefix(right: str, plain: str, at: int) -> int:
    """How many characters from `at` on equal the first ones of `right`, at most 8."""
    n = 0
    while n < 8 and at + n < len(plain) and n < len(right) and right[n] == plain[at + n]:
        n += 1
    return n


def _distances(plain: str, question: Question, words: list[text.Word]) -> tuple[np.ndarray, ...]:
    """Arrays (n, 4) before, after, mass_before, mass_after; see Page."""
    starts, ends = np.array([word.start for word in words]), np.array([word.end for word in words])
    n = len(words)
    before, after = np.full((n, 4), FAR), np.full((n, 4), FAR)
    mass_before, mass_after = np.zeros((n, 4)), np.zeros((n, 4))
    total = sum(word.idf for word in question.content) or 1.0
    ranks = {-1: 0, 1: 0}
    for word in question.content:
        places = _places(plain, word.text)
        near, ranks[word.side] = ranks[word.side], ranks[word.side] + 1
        if not places:
            continue
        low, high = np.array(places), np.array(places) + len(word.text)
        back = np.where(high[None] <= starts[:, None], starts[:, None] - high[None], FAR).min(axis=1)
        ahead = np.where(low[None] >= ends[:, None], low[None] - ends[:, None], FAR).min(axis=1)
        side = 0 if word.side < 0 else 1
        if near < 2:
            before[:, 2 * near + side], after[:, 2 * near + side] = back, ahead
        for at, fade in enumerate((6.0, 25.0)):
            mass_before[:, 2 * side + at] += word.idf / total * np.exp(-back / fade)
            mass_after[:, 2 * side + at] += word.idf / total * np.exp(-ahead / fade)
    return before, after, mass_before, mass_after


def _places(plain: str, word: str) -> list[int]:
    found, at = [], plain.find(word)
    while at >= 0 and len(found) < 20:
        found.append(at)
        at = plain.find(word, at + 1)
    return found
