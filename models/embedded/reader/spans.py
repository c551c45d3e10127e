"""Candidate answers: runs of words of one sentence, and what can be said of each as rows of a weight table.

Knows which spans are worth looking at and their features; a feature is a row number of one table. Knows nothing of
the weights themselves.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.embedded.reader.page import Page
from models.embedded.reader.passage import Ranked
from models.embedded.reader.question import HEADS, KINDS, Question
from models.embedded.reader.words import FUNCTIONS, MATCHES, N_FUNCTIONS, TAG, TAGS

MAX_SPAN: Final = 15  # words; longer spans must start or end with a clause
MAX_LONG: Final = 60  # words
N_KINDS, N_TAGS, N_HEADS, N_MATCHES = len(KINDS), len(TAGS), len(HEADS), len(MATCHES)
CLASSES: Final = (
    *("other", "date", "number", "amount", "person", "place", "organisation", "title", "quote", "latin", "nominal"),
    *("phrase", "list", "clause", "clauses", "name"),
)
N_CLASSES: Final = len(CLASSES)
SOURCES: Final = 2


def _codes(*names: str) -> np.ndarray:
    """A truth table over tag codes."""
    table = np.zeros(N_TAGS, bool)
    table[[TAG[name] for name in names]] = True
    return table


_NOT_FIRST: Final = _codes("comma", "pause", "stop", "colon", "semicolon", "close", "close_quote", "close_title", "u", "y", "mark", "percent", "dot", "pad")
_NOT_LAST: Final = _codes("comma", "pause", "stop", "colon", "semicolon", "open", "open_quote", "open_title", "dot", "pad")
_CLAUSE_END: Final = _codes("comma", "stop", "colon", "semicolon", "pad")
_TIME: Final = _codes("date", "digits", "numeral", "t", "dash", "m", "f")
_NUMBER: Final = _codes("digits", "numeral", "m", "percent", "dash")
_UNIT: Final = _codes("q", "percent", "date")
_PERSON: Final = _codes("nr", "nrt", "dot", "x")
_PLACE: Final = _codes("ns", "s", "f")
_ORGANISATION: Final = _codes("nt")
_LATIN: Final = _codes("latin", "digits", "dash", "dot", "mark")
_NAMELIKE: Final = _codes("nr", "nrt", "ns", "nt", "nz", "x", "latin", "dot", "n", "k", "j")
_NOMINAL: Final = _codes("n", "nr", "nrt", "ns", "nt", "nz", "t", "s", "f", "m", "q", "vn", "a", "u", "k", "i", "l", "b", "j", "x", "latin", "digits", "numeral", "date", "dot", "dash", "open_title", "close_title", "open_quote", "close_quote", "mark", "percent", "unit")
_VERB: Final = _codes("v")
_PAUSE: Final = _codes("pause")
_OPEN: Final = _codes("open", "open_quote", "open_title")
_CLOSE: Final = _codes("close", "close_quote", "close_title")
_UJ: Final = FUNCTIONS["的"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """n spans over t places. Rows count from 0 in one table of `N_ROWS`; the first `N_BASE` also feed the hidden layer."""

    first: np.ndarray  # (n,) place of the first word
    last: np.ndarray  # (n,) place of the last word
    start_rows: np.ndarray  # (t, …) features of a place as the first word: base rows, then crossed ones
    end_rows: np.ndarray  # (t, …)
    span_rows: np.ndarray  # (n, …)
    start_dense: np.ndarray  # (t, 8) float
    end_dense: np.ndarray  # (t, 8)
    span_dense: np.ndarray  # (n, 8)


class Layout:
    """Gives every feature its stretch of the weight table: base features first, then crossed ones."""

    def __init__(self) -> None:
        self.base: dict[str, tuple[int, int]] = {}
        self.n_rows = 0

    def take(self, name: str, size: int) -> int:
        """First row of a feature."""
        if name not in self.base:
            self.base[name] = (self.n_rows, size)
            self.n_rows += size
        return self.base[name][0]


LENGTHS: Final = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 11, 11, 12, 12, 12, 12, 12] + [13] * 10 + [14] * 31)
CHAR_EDGES: Final = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38, 50, 70])
N_CHAR_BINS: Final = len(CHAR_EDGES) + 1
FAR_EDGES: Final = np.array([0, 1, 2, 4, 7, 13, 60])  # characters
N_FAR: Final = len(FAR_EDGES) + 1
SHARE_EDGES: Final = np.array([0.001, 0.15, 0.3, 0.45, 0.6, 0.8])
N_SHARE: Final = len(SHARE_EDGES) + 1

_BASE_BORDER: Final = (
    ("tag0", N_TAGS), ("tag-", N_TAGS), ("tag--", N_TAGS), ("tag+", N_TAGS), ("fn-", N_FUNCTIONS), ("fn0", N_FUNCTIONS),
    ("fn--", N_FUNCTIONS), ("m0", N_MATCHES), ("m-", N_MATCHES), ("m--", N_MATCHES), ("fit", 9),
    ("l1", N_FAR), ("r1", N_FAR), ("l2", N_FAR), ("r2", N_FAR), ("depth", 3),
)
_CROSS_BORDER: Final = ("tag0", "tag-", "tag+", "fn-", "fn0", "m-", "m0", "fit", "l1", "r1")
_BASE_SPAN: Final = (
    ("words", 15), ("chars", N_CHAR_BINS), ("class", N_CLASSES), ("head", 6), ("unit", 3), ("clause", 12), ("pauses", 4),
    ("verbs", 4), ("inside", N_SHARE), ("outside", N_SHARE), ("balance", 3), ("echo", 2), ("rank", 8), ("gap", N_SHARE + 1),
    ("cover", N_SHARE), ("order", 6), ("repeat", 3), ("uj", 3),
)
_CROSS_KIND: Final = ("words", "chars", "class", "head", "unit", "clause", "pauses", "verbs", "inside", "outside", "rank", "cover", "balance", "uj", "repeat")
_BASE_QUESTION: Final = (("kind", N_KINDS), ("head_class", N_HEADS), ("source", SOURCES), ("wh_at", 4), ("n_content", 6))


def _layout() -> tuple[Layout, int]:
    layout = Layout()
    for side in "se":
        for name, size in _BASE_BORDER:
            layout.take(side + name, size)
    for name, size in _BASE_SPAN + _BASE_QUESTION:
        layout.take(name, size)
    n_base = layout.n_rows
    sizes = dict(_BASE_BORDER)
    for side in "se":
        for name in _CROSS_BORDER:
            layout.take(f"kind*{side}{name}", N_KINDS * sizes[name])
        layout.take(f"{side}fn-*tag0", N_FUNCTIONS * N_TAGS)
        layout.take(f"{side}head*tag0", N_HEADS * N_TAGS)
    sizes = dict(_BASE_SPAN)
    for name in _CROSS_KIND:
        layout.take(f"kind*{name}", N_KINDS * sizes[name])
    layout.take("head*class", N_HEADS * N_CLASSES)
    layout.take("head*chars", N_HEADS * N_CHAR_BINS)
    layout.take("source*chars", SOURCES * N_CHAR_BINS)
    layout.take("source*clause", SOURCES * 12)
    layout.take("source*kind*chars", SOURCES * N_KINDS * N_CHAR_BINS)
    layout.take("tags", N_TAGS * N_TAGS)
    layout.take("around", N_TAGS * N_TAGS)
    layout.take("class*rank", N_CLASSES * 8)
    return layout, n_base


LAYOUT, N_BASE = _layout()
N_ROWS: Final = LAYOUT.n_rows
N_START_BASE: Final = len(_BASE_BORDER)
N_SPAN_BASE: Final = len(_BASE_SPAN) + len(_BASE_QUESTION)
N_DENSE: Final = 4 + 4 + 8


def enumerate_spans(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """First and last places of all candidate spans, each (n,)."""
    t = len(page.tag)
    starts = np.flatnonzero((page.sentence >= 0) & ~_NOT_FIRST[page.tag])
    first = np.repeat(starts, MAX_SPAN)
    last = first + np.tile(np.arange(MAX_SPAN), len(starts))
    keep = last < t
    first, last = first[keep], last[keep]
    keep = (page.sentence[last] == page.sentence[first]) & ~_NOT_LAST[page.tag[last]]
    first, last = first[keep], last[keep]
    long_first, long_last = _long_spans(page, starts)
    return np.concatenate([first, long_first]), np.concatenate([last, long_last])


def _long_spans(page: Page, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans beyond MAX_SPAN words: from a clause's start to a clause's end, or within one clause to its end."""
    ends = np.flatnonzero((page.sentence >= 0) & ~_NOT_LAST[page.tag] & _CLAUSE_END[np.append(page.tag[1:], 0)])
    if not len(starts) or not len(ends):
        return np.empty(0, int), np.empty(0, int)
    low, high = starts[:, None], ends[None]
    opens = _CLAUSE_END[page.tag[starts - 1]][:, None]
    good = (high - low >= MAX_SPAN) & (high - low < MAX_LONG) & (page.sentence[low] == page.sentence[high])
    good &= opens | (page.clause[low] == page.clause[high])
    at_low, at_high = np.nonzero(good)
    return starts[at_low], ends[at_high]


def describe(page: Page, question: Question, ranked: list[Ranked], source: int) -> Candidates:
    """All candidates of a page with their features."""
    first, last = enumerate_spans(page)
    kind, head = KINDS.index(question.kind), HEADS.index(question.head_class)
    start_rows = _border(page, "s", -1, kind, head)
    end_rows = _border(page, "e", 1, kind, head)
    values = _span_values(page, question, ranked, first, last)
    values |= {
        "kind": np.full(len(first), kind), "head_class": np.full(len(first), head), "source": np.full(len(first), source),
        "wh_at": np.full(len(first), _wh_at(question)), "n_content": np.full(len(first), min(5, len(question.content))),
    }
    rows = [LAYOUT.base[name][0] + values[name] for name, _ in _BASE_SPAN + _BASE_QUESTION]
    sizes = dict(_BASE_SPAN)
    for name in _CROSS_KIND:
        rows.append(LAYOUT.base[f"kind*{name}"][0] + kind * sizes[name] + values[name])
    cross = {
        "head*class": head * N_CLASSES + values["class"], "head*chars": head * N_CHAR_BINS + values["chars"],
        "source*chars": source * N_CHAR_BINS + values["chars"], "source*clause": source * 12 + values["clause"],
        "source*kind*chars": (source * N_KINDS + kind) * N_CHAR_BINS + values["chars"],
        "tags": page.tag[first] * N_TAGS + page.tag[last], "around": page.tag[first - 1] * N_TAGS + page.tag[last + 1],
        "class*rank": values["class"] * 8 + values["rank"],
    }
    rows += [LAYOUT.base[name][0] + value for name, value in cross.items()]
    return Candidates(
        first, last, start_rows, end_rows, np.stack(rows, axis=1).astype(np.int32),
        page.mass_before, page.mass_after, values["dense"],
    )


def _wh_at(question: Question) -> int:
    if question.wh_start == len(question.source):
        return 3
    return 0 if question.wh_start == 0 else 2 if question.wh_end == len(question.source) else 1


def _shift(values: np.ndarray, by: int) -> np.ndarray:
    """values[i + by], zero beyond the ends."""
    out = np.zeros_like(values)
    if by > 0:
        out[:-by] = values[by:]
    else:
        out[-by:] = values[:by]
    return out


def _border(page: Page, side: str, step: int, kind: int, head: int) -> np.ndarray:
    """Rows for each place as the border of a span; `step` points out of the span."""
    distances, fit = (page.before, page.left_fit) if step < 0 else (page.after, page.right_fit)
    far = np.searchsorted(FAR_EDGES, distances, side="left")
    values = {
        "tag0": page.tag, "tag-": _shift(page.tag, step), "tag--": _shift(page.tag, 2 * step), "tag+": _shift(page.tag, -step),
        "fn-": _shift(page.function, step), "fn0": page.function, "fn--": _shift(page.function, 2 * step),
        "m0": page.match, "m-": _shift(page.match, step), "m--": _shift(page.match, 2 * step), "fit": fit,
        "l1": far[:, 0], "r1": far[:, 1], "l2": far[:, 2], "r2": far[:, 3], "depth": np.minimum(page.depth, 2),
    }
    sizes = dict(_BASE_BORDER)
    rows = [LAYOUT.base[side + name][0] + values[name] for name, _ in _BASE_BORDER]
    rows += [LAYOUT.base[f"kind*{side}{name}"][0] + kind * sizes[name] + values[name] for name in _CROSS_BORDER]
    rows.append(LAYOUT.base[f"{side}fn-*tag0"][0] + values["fn-"] * N_TAGS + page.tag)
    rows.append(LAYOUT.base[f"{side}head*tag0"][0] + head * N_TAGS + page.tag)
    return np.stack(rows, axis=1).astype(np.int32)


def _sums(flags: np.ndarray) -> np.ndarray:
    """Prefix sums with a leading zero: the count in [i, j] is s[j + 1] - s[i]."""
    return np.concatenate([[0], np.cumsum(flags)])


def _span_values(page: Page, question: Question, ranked: list[Ranked], first: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    tag, past = page.tag, last + 1

    def count(flags: np.ndarray) -> np.ndarray:
        sums = _sums(flags)
        return sums[past] - sums[first]

    n_words = last - first + 1
    n_chars = count(page.n_chars)
    weight = count(page.weight)
    total = sum(word.idf for word in question.content) or 1.0
    commas, pauses = count(_CLAUSE_END[tag]), count(_PAUSE[tag])
    verbs = count(_VERB[tag])
    clause_weight = np.bincount(np.maximum(page.clause, 0), weights=page.weight)
    clause_sums = _sums(clause_weight)
    outside = clause_sums[page.clause[last] + 1] - clause_sums[page.clause[first]] - weight
    opens, closes = _CLAUSE_END[tag[first - 1]], _CLAUSE_END[tag[last + 1]]
    net = count(_OPEN[tag].astype(int) - _CLOSE[tag].astype(int))
    dip = (page.depth[last] + 0 < page.depth[first]) & ~_CLOSE[tag[last]]
    scores = np.array([row.score for row in ranked])
    covers = np.array([row.coverage for row in ranked])
    orders = np.array([row.order for row in ranked])
    sentence = page.sentence[first]
    gap = scores[0] - scores[sentence]
    texts = _texts(page, question, first, last)
    dense = np.stack([
        np.log1p(n_chars) / 3.0, weight / total, outside / total, covers[sentence], gap,
        np.minimum(commas, 4) / 4.0, np.minimum(pauses, 6) / 6.0, (n_chars > 0) * verbs / n_words,
    ], axis=1)
    return {
        "words": LENGTHS[np.minimum(n_words, 60)], "chars": np.searchsorted(CHAR_EDGES, n_chars, side="left"),
        "class": _classes(page, first, last, count, n_words, commas, pauses, opens & closes),
        "head": texts["head"], "unit": texts["unit"], "clause": np.minimum(commas, 2) * 4 + opens * 2 + closes,
        "pauses": np.minimum(pauses, 3), "verbs": np.minimum(verbs, 3),
        "inside": np.searchsorted(SHARE_EDGES, weight / total), "outside": np.searchsorted(SHARE_EDGES, outside / total),
        "balance": np.where(net == 0, dip * 1, 2), "echo": texts["echo"], "rank": np.minimum(sentence, 7),
        "gap": np.where(sentence == 0, N_SHARE, np.searchsorted(SHARE_EDGES, gap)),
        "cover": np.searchsorted(SHARE_EDGES, covers[sentence]), "order": np.minimum(orders[sentence], 5),
        "repeat": texts["repeat"], "uj": np.minimum(count(page.function == _UJ), 2), "dense": dense,
    }


def _classes(page: Page, first: np.ndarray, last: np.ndarray, count: object, n_words: np.ndarray, commas: np.ndarray, pauses: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The class of each span, by the tags of its words; later rules win."""
    tag = page.tag
    a, b = tag[first], tag[last]

    def all_of(table: np.ndarray) -> np.ndarray:
        return count(table[tag]) == n_words  # type: ignore[operator]

    def any_of(table: np.ndarray) -> np.ndarray:
        return count(table[tag]) > 0  # type: ignore[operator]

    found = np.zeros(len(first), int)
    nominal = all_of(_NOMINAL)
    rules = (
        ("phrase", commas == 0), ("nominal", nominal), ("list", (pauses > 0) & (commas == 0)),
        ("clause", whole & (commas == 0)), ("clauses", commas > 0), ("name", all_of(_NAMELIKE)),
        ("place", all_of(_PLACE) | (nominal & ((b == TAG["ns"]) | (b == TAG["s"])))),
        ("organisation", nominal & (b == TAG["nt"])), ("person", all_of(_PERSON) & any_of(_codes("nr", "nrt"))),
        ("latin", all_of(_LATIN) & any_of(_codes("latin"))), ("number", all_of(_NUMBER) & any_of(_codes("digits", "numeral", "m"))),
        ("amount", _NUMBER[a] & _UNIT[b] & (n_words <= 4)), ("date", all_of(_TIME) & any_of(_codes("date", "t"))),
        ("title", (a == TAG["open_title"]) & (b == TAG["close_title"])), ("quote", (a == TAG["open_quote"]) & (b == TAG["close_quote"])),
    )
    for name, rule in rules:
        found[rule] = CLASSES.index(name)
    return found


def _texts(page: Page, question: Question, first: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """Features that compare words with the head noun, the unit and the question."""
    words, head, unit = page.words, question.head, question.unit
    ends = np.array([bool(head) and bool(w) and (head.endswith(w) or w.endswith(head) or w[-1] == head[-1]) for w in words])
    exact = np.array([bool(head) and bool(w) and (head.endswith(w) or w.endswith(head)) for w in words])
    sums = _sums(exact)
    inner = sums[last + 1] - sums[first] > 0
    heads = np.select([exact[last], ends[last], exact[last + 1], exact[first - 1], inner], [1, 2, 3, 4, 5], 0)
    unit_ends = np.array([bool(unit) and bool(w) and (w == unit or w.endswith(unit)) for w in words])
    units = np.select([unit_ends[last], unit_ends[last + 1]], [1, 2], 0)
    echo_words = np.array([bool(w) and w in question.source for w in words])
    echo_sums = _sums(echo_words)
    echo = (echo_sums[last + 1] - echo_sums[first] == last - first + 1).astype(int)
    tally: dict[str, int] = {}
    for w in words:
        tally[w] = tally.get(w, 0) + 1
    often = np.array([min(tally[w], 3) - 1 if w else 0 for w in words])
    return {"head": heads, "unit": units, "echo": echo, "repeat": np.minimum(often[first], often[last])}
