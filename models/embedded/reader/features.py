"""What can be said of a span in view of the question: length, class, head noun, what it leaves outside, its sentence.

Gives small codes and a few real numbers per span; knows nothing of the weights they will meet.
"""

import numpy as np

from models.embedded.reader.page import Page
from models.embedded.reader.passage import Ranked
from models.embedded.reader.question import Question
from models.embedded.reader.shape import CLAUSE_END, CLOSE, OPEN, PAUSE, VERB, Runs, classes
from models.embedded.reader.table import CHAR_EDGES, N_SHARE, SHARE_EDGES, WORD_BINS
from models.embedded.reader.words import FUNCTIONS


def span_codes(runs: Runs, question: Question, ranked: list[Ranked]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Codes (n,) for every name in table.SPAN, and the real-valued features (n, 8)."""
    page = runs.page
    n_words, n_chars = runs.last - runs.first + 1, runs.count(page.n_chars)
    commas, pauses = runs.count(CLAUSE_END[page.tag]), runs.count(PAUSE[page.tag])
    verbs = runs.count(VERB[page.tag])
    inside, outside = _shares(runs, question)
    opens, closes = CLAUSE_END[page.tag[runs.first - 1]], CLAUSE_END[page.tag[runs.last + 1]]
    codes = {
        "words": WORD_BINS[np.minimum(n_words, 60)],
        "chars": np.searchsorted(CHAR_EDGES, n_chars),
        "class": classes(runs, commas == 0, pauses, opens & closes),
        "clause": np.minimum(commas, 2) * 4 + opens * 2 + closes,
        "pauses": np.minimum(pauses, 3),
        "verbs": np.minimum(verbs, 3),
        "inside": np.searchsorted(SHARE_EDGES, inside),
        "outside": np.searchsorted(SHARE_EDGES, outside),
        "balance": _balance(runs),
        "uj": np.minimum(runs.count(page.function == FUNCTIONS["的"]), 2),
        **_compared(runs, question),
    }
    of_sentence, cover, gap = _sentence_codes(page.sentence[runs.first], ranked)
    parts = (np.log1p(n_chars) / 3.0, inside, outside, cover, gap)
    counts = (np.minimum(commas, 4) / 4.0, np.minimum(pauses, 6) / 6.0, (n_chars > 0) * verbs / n_words)
    return codes | of_sentence, np.stack([*parts, *counts], axis=1)


def _shares(runs: Runs, question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the question's word weight: inside the span, and outside it in the clauses that it touches."""
    page, total = runs.page, sum(word.idf for word in question.content) or 1.0
    inside = runs.count(page.weight)
    by_clause = np.bincount(np.maximum(page.clause, 0), weights=page.weight)
    sums = np.concatenate([[0], np.cumsum(by_clause)])
    touched = sums[page.clause[runs.last] + 1] - sums[page.clause[runs.first]]
    return inside / total, (touched - inside) / total


def _balance(runs: Runs) -> np.ndarray:
    """0 brackets are whole, 1 the span leaves the bracket it began in, 2 one is left open or closed twice."""
    page = runs.page
    net = runs.count(OPEN[page.tag].astype(int) - CLOSE[page.tag].astype(int))
    leaves = (page.depth[runs.last] < page.depth[runs.first]) & ~CLOSE[page.tag[runs.last]]
    return np.where(net == 0, leaves * 1, 2)


def _sentence_codes(sentence: np.ndarray, ranked: list[Ranked]) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Codes of the span's sentence, its coverage and how far its score lies behind the best."""
    scores = np.array([row.score for row in ranked])
    cover = np.array([row.coverage for row in ranked])[sentence]
    order = np.array([row.order for row in ranked])[sentence]
    gap = scores[0] - scores[sentence]
    codes = {
        "rank": np.minimum(sentence, 7),
        "gap": np.where(sentence == 0, N_SHARE, np.searchsorted(SHARE_EDGES, gap)),
        "cover": np.searchsorted(SHARE_EDGES, cover),
        "order": np.minimum(order, 5),
    }
    return codes, cover, gap


def _compared(runs: Runs, question: Question) -> dict[str, np.ndarray]:
    """Codes that compare the words with the head noun, the unit, the question and the rest of the page."""
    words, first, last = runs.page.words, runs.first, runs.last
    exact, alike = _head_flags(words, question.head)
    inner = runs.count(exact) > 0
    unit = question.unit
    units = np.array([bool(unit) and word.endswith(unit) for word in words])
    echo = np.array([bool(word) and word in question.source for word in words])
    return {
        "head": np.select([exact[last], alike[last], exact[last + 1], exact[first - 1], inner], [1, 2, 3, 4, 5], 0),
        "unit": np.select([units[last], units[last + 1]], [1, 2], 0),
        "echo": (runs.count(echo) == last - first + 1).astype(int),
        "repeat": _repeats(runs),
    }


def _head_flags(words: tuple[str, ...], head: str) -> tuple[np.ndarray, np.ndarray]:
    """Which words are the head noun or a part of it, and which only end like it."""
    exact = np.array([bool(head and word) and (head.endswith(word) or word.endswith(head)) for word in words])
    alike = np.array([bool(head and word) and word[-1] == head[-1] for word in words])
    return exact, exact | alike


def _repeats(runs: Runs) -> np.ndarray:
    """How often the rarer of the two end words stands on the page: 0 once, 1 twice, 2 more."""
    page: Page = runs.page
    tally: dict[str, int] = {}
    for word in page.words:
        tally[word] = tally.get(word, 0) + 1
    often = np.array([min(tally[word], 3) - 1 if word else 0 for word in page.words])
    return np.minimum(often[runs.first], often[runs.last])
