"""Which stretches of a text may serve as its headline, and what each looks like from outside.

A candidate is a run of tokens inside one sentence (up to four clauses, token-aligned at both ends): of such runs the
best one has a character ROUGE of 66 against the true titles of abstracts, the best run of whole clauses only 54. Its
features are abstract: kinds of tokens around both ends, length, place, repetition. Knows no content word and no weight.

They come in three parts, so that a thousand candidates cost three small matrices: what stands around the first token,
what stands around the last, and what the run holds.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from models.embedded.shapes import BREAKS, CONTENT, KINDS, LISTS, MARKS, kind
from models.embedded.text import Piece, Word, idf, sentences, tagged

MIN_CHARS, MAX_CHARS = 5, 48
MAX_CROSSED = 3  # marks inside a headline that end a clause

_COLUMN = {name: at for at, name in enumerate((*KINDS, *(f"list {name}" for name in LISTS)))}
_AROUND = (-2, -1, 0, 1)  # the tokens looked at, relative to the first of the run (mirrored for the last)
_LENGTHS = (7, 9, 11, 13, 15, 17, 19, 21, 24, 27, 30, 34, 40)
_COUNTED = (
    "verb",
    "of",
    "number",
    "comma",
    "enumeration",
    "particle",
    "preposition",
    "conjunction",
    "adverb",
    "pronoun",
)
_COUNTED_LISTS = ("show", "here", "this", "is", "done", "matter", "linker", "study")
_CONTENTS = ("weight", "mean weight", "repeated words", "repeated bigrams", "spread", "nouns", "rarity")
_RANKS = ("rank", "lowest quarter", "third quarter", "high", "top")
_PLACES = ("first", "second", "third", "last", "last but one", "only")
_SECTIONS = ("aim", "method", "result")  # of a structured abstract: «目的 … 方法 … 结果 …»
_NO_FIRST = (MARKS - {"open"}) | {"of", "particle", "symbol", "blank", "measure", "affix", "conjunction"}
_NO_LAST_WORDS = LISTS["is"] | LISTS["on"] | LISTS["and"] | LISTS["one"]
_NO_LAST = (MARKS - {"close"}) | {"of", "symbol", "blank", "preposition", "conjunction"}

NAMES = (
    *(f"{side} {at:+d} {name}" for side in ("first", "last") for at in _AROUND for name in _COLUMN),
    *(f"length to {most}" for most in (*_LENGTHS, MAX_CHARS)),
    *(f"{count} {name}" for name in (*_COUNTED, *_COUNTED_LISTS) for count in ("one", "many")),
    *(f"{name}: {rank}" for name in _CONTENTS for rank in _RANKS),
    *(f"sentence {place}" for place in _PLACES),
    *(f"section {name}" for name in _SECTIONS),
    *("offset", "root offset", "text start"),
    *("whole clause", "clause start", "clause end", "torn start", "torn end"),
)


@dataclass(frozen=True, slots=True)
class Candidates:
    """n runs of tokens with their features; the weights of NAMES apply to before, after, inside in this order."""

    starts: np.ndarray  # (n,) int, character offset of the first token
    ends: np.ndarray  # (n,) int
    first: np.ndarray  # (n,) int, row of `before`
    last: np.ndarray  # (n,) int, row of `after`
    before: np.ndarray  # (tokens, len(_AROUND) * len(_COLUMN)) float32
    after: np.ndarray  # same shape
    inside: np.ndarray  # (n, the rest of NAMES) float32

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """(n,) float32, the log-linear score; `weights` is (len(NAMES),) float32."""
        width = self.before.shape[1]
        start, end = self.before @ weights[:width], self.after @ weights[width : 2 * width]
        return start[self.first] + end[self.last] + self.inside @ weights[2 * width :]


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The tokens of all sentences, end to end, and the runs chosen among them."""

    text: str
    cut: list[Piece]
    words: list[Word]
    kinds: list[str]
    sentence: np.ndarray  # (tokens,) int
    first: np.ndarray  # (n,) int
    last: np.ndarray  # (n,) int

    def total(self, values: list[float]) -> np.ndarray:
        """(n,) float64: sum of a per-token value over each run."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        return sums[self.last + 1] - sums[self.first]


def candidates(text: str) -> Candidates | None:
    """All headline candidates of a text (meant for ≤ 1,500 characters: about five a character); None if it has none."""
    tokens = _read(text)
    if not len(tokens.first):
        return None
    starts = np.array([word.start for word in tokens.words])[tokens.first]
    ends = np.array([word.end for word in tokens.words])[tokens.last]
    columns = [
        *_lengths(ends - starts),
        *_counts(tokens),
        *_contents(tokens, starts, ends),
        *_places(tokens, starts),
        *_edges(tokens, starts, ends),
    ]
    inside = np.stack(columns, axis=1).astype(np.float32)
    before, after = _around(tokens, 1), _around(tokens, -1)
    return Candidates(starts, ends, tokens.first, tokens.last, before, after, inside)


def _read(text: str) -> _Tokens:
    cut = sentences(text)
    words: list[Word] = []
    sentence: list[int] = []
    runs: list[tuple[int, int]] = []
    for number, piece in enumerate(cut):
        own = [Word(w.text, w.tag, w.start + piece.start, w.end + piece.start) for w in tagged(piece.text)]
        runs += [(len(words) + i, len(words) + j) for i, j in _runs(own)]
        words += own
        sentence += [number] * len(own)
    pairs = np.array(runs, dtype=np.int64).reshape(-1, 2)
    pairs = pairs[_balanced(words, pairs)]
    return _Tokens(text, cut, words, [kind(word) for word in words], np.array(sentence), pairs[:, 0], pairs[:, 1])


def _balanced(words: list[Word], pairs: np.ndarray) -> np.ndarray:
    """(n,) bool: whether a run closes the brackets that it opens, and holds an even number of ASCII quotes."""
    quote = [word.text in "\"'" for word in words]
    depth = [(kind(w) == "open") - (kind(w) == "close") if not q else 0 for w, q in zip(words, quote, strict=True)]
    depths, quotes = (np.concatenate([[0], np.cumsum(values)]).astype(int) for values in (depth, quote))
    first, last = pairs[:, 0], pairs[:, 1] + 1
    return (depths[first] == depths[last]) & ((quotes[last] - quotes[first]) % 2 == 0)


def _runs(words: list[Word]) -> list[tuple[int, int]]:
    """Pairs (first, last) of one sentence between which a headline may lie."""
    kinds = [kind(word) for word in words]
    pairs = []
    for i, word in enumerate(words):
        if kinds[i] in _NO_FIRST or word.text in LISTS["linker"]:
            continue
        crossed = 0
        for j in range(i, len(words)):
            length = words[j].end - word.start
            crossed += kinds[j] in ("comma", "semicolon", "colon", "blank")
            if length > MAX_CHARS or crossed > MAX_CROSSED:
                break
            if length >= MIN_CHARS and kinds[j] not in _NO_LAST and words[j].text not in _NO_LAST_WORDS:
                pairs.append((i, j))
    return pairs


def _around(tokens: _Tokens, outwards: int) -> np.ndarray:
    """(tokens, len(_AROUND) * len(_COLUMN)): kinds and lists of the neighbours; those in other sentences are «edge»."""
    n = len(tokens.words)
    rows = np.zeros((n + 1, len(_COLUMN)), dtype=np.float32)  # the last row stands for whatever is outside
    rows[n, _COLUMN["edge"]] = 1
    for at, word in enumerate(tokens.words):
        rows[at, _COLUMN[tokens.kinds[at]]] = 1
        for name, listed in LISTS.items():
            rows[at, _COLUMN[f"list {name}"]] = word.text in listed
    parts = []
    for step in _AROUND:
        other = np.arange(n) + step * outwards
        inside = (other >= 0) & (other < n)
        other = np.where(inside, other, 0)
        parts.append(rows[np.where(inside & (tokens.sentence[other] == tokens.sentence), other, n)])
    return np.concatenate(parts, axis=1)


def _lengths(chars: np.ndarray) -> list[np.ndarray]:
    bounds = (0, *_LENGTHS, MAX_CHARS)
    return [(chars > low) & (chars <= high) for low, high in zip(bounds, bounds[1:], strict=False)]


def _counts(tokens: _Tokens) -> list[np.ndarray]:
    columns = []
    for name in (*_COUNTED, *_COUNTED_LISTS):
        listed = LISTS[name] if name in _COUNTED_LISTS else None
        hits = [w.text in listed if listed else k == name for w, k in zip(tokens.words, tokens.kinds, strict=True)]
        count = tokens.total(hits)
        columns += [count == 1, count > 1]
    return columns


def _contents(tokens: _Tokens, starts: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """How much of what the text is about each run holds, as ranks among the runs, so that no genre needs a scale."""
    words, kinds = tokens.words, tokens.kinds
    content = [k in CONTENT and len(w.text) > 1 for w, k in zip(words, kinds, strict=True)]
    held = [(w, int(s)) for w, s, c in zip(words, tokens.sentence, content, strict=True) if c]
    tf = Counter(w.text for w, _ in held)
    df = Counter(text for text, _ in {(w.text, s) for w, s in held})
    rarity = [idf(w.text) * c for w, c in zip(words, content, strict=True)]
    weight = [value * tf[w.text] for value, w in zip(rarity, words, strict=True)]
    noun = [len(w.text) * (k in ("noun", "name", "verbal noun", "latin")) for w, k in zip(words, kinds, strict=True)]
    number = np.maximum(1, tokens.total(content))
    repeated = np.concatenate([[0.0], np.cumsum(_repeated(tokens.text))])
    values = (
        tokens.total(weight),
        tokens.total(weight) / number,
        tokens.total([c and tf[w.text] > 1 for w, c in zip(words, content, strict=True)]) / number,
        (repeated[ends - 1] - repeated[starts]) / np.maximum(1, ends - starts - 1),
        tokens.total([df[w.text] * c for w, c in zip(words, content, strict=True)]) / number,
        tokens.total(noun) / (ends - starts),
        tokens.total(rarity) / number,
    )
    return [column for value in values for column in _ranked(value)]


def _ranked(values: np.ndarray) -> list[np.ndarray]:
    order = np.sort(values)
    ranks = (np.searchsorted(order, values) + np.searchsorted(order, values, side="right")) / (2 * len(values))
    return [ranks, ranks < 0.25, (ranks >= 0.5) & (ranks < 0.75), (ranks >= 0.75) & (ranks < 0.93), ranks >= 0.93]


def _repeated(text: str) -> np.ndarray:
    """(len(text),) float: 1 where the two characters from here occur again elsewhere in the text."""
    pairs = [text[at : at + 2] for at in range(len(text) - 1)]
    counts = Counter(pairs)
    return np.array([float(counts[pair] > 1 and pair.isalnum()) for pair in pairs] + [0.0])


def _places(tokens: _Tokens, starts: np.ndarray) -> list[np.ndarray]:
    number, n = tokens.sentence[tokens.first], len(tokens.cut)
    offset = starts / max(1, len(tokens.text))
    return [
        *(number == at for at in range(3)),
        (number == n - 1) & (n > 1),
        (number == n - 2) & (n > 2),
        np.full(len(number), n == 1),
        *(np.isin(number, held) for held in _sections(tokens.cut)),
        offset,
        np.sqrt(offset),
        starts == starts.min(),
    ]


def _sections(cut: list[Piece]) -> list[list[int]]:
    """For each of _SECTIONS the sentences that stand under it: from one that opens with such a word to the next."""
    held: list[list[int]] = [[] for _ in _SECTIONS]
    current: list[int] | None = None
    for number, piece in enumerate(cut):
        for section, name in zip(held, _SECTIONS, strict=True):
            if piece.text.startswith(tuple(word for word in LISTS[name] if len(word) > 1)):
                current = section
        if current is not None:
            current.append(number)
    return held


def _edges(tokens: _Tokens, starts: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """Whether a run begins and ends where a clause does, and whether it tears something that recurs apart."""
    number = tokens.sentence
    breaks = np.array([name in BREAKS for name in tokens.kinds])
    changes = number[1:] != number[:-1]
    opens = np.concatenate([[True], changes | breaks[:-1]])[tokens.first]
    closes = np.concatenate([changes | breaks[1:], [True]])[tokens.last]
    repeated = _repeated(tokens.text)
    torn_start = repeated[np.maximum(0, starts - 1)] * (starts > 0)
    torn_end = repeated[np.minimum(len(tokens.text) - 1, ends - 1)]
    return [opens & closes, opens, closes, torn_start, torn_end]
