"""Which scenes share words with a message: character bigrams of Chinese, whole words of Latin, weighted by rarity.

Knows one pack only, so a bigram is rare when few of its scenes hold it. A letter is what stands from U+2E80 on and is
no mark (_WIDE). Built in numpy in some milliseconds, with no dictionary to load; a query costs the postings of its own
bigrams. It finds what meaning-vectors miss: names, places and quotations.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np

_LATIN = re.compile(r"[a-z0-9]+")
_K1, _B = 1.2, 0.5  # BM25 (Robertson & Zaragoza 2009); scenes are of like length, so length counts by half
_WORD_SPACE = 1 << 45  # codes of Latin words begin here, beyond those of all bigrams of code points
_MAX_QUERY = 2_000  # characters
_FEW = 16  # terms that more scenes than these, and more than a third of them, hold say nothing of any one
_MARKS = ((0, 0x2E80), (0x3000, 0x3041), (0xFE10, 0xFF10), (0xFF1A, 0xFF21), (0xFF3B, 0x10000))
_BEYOND = 0x10000  # all code points from here on count as letters


def _wide() -> bytes:
    """1 for every code point that is a letter here, filled range by range since it is made at every start."""
    table = bytearray(b"\1" * (_BEYOND + 1))
    for low, high in _MARKS:
        table[low:high] = bytes(high - low)
    return bytes(table)


_WIDE = _wide()


class Bigrams:
    """An immutable index over the scenes of one pack."""

    def __init__(self, texts: Sequence[str]) -> None:
        codes, rows, sizes = _postings([text.lower() for text in texts])
        self.size = len(texts)
        distinct, terms = np.unique(codes, return_inverse=True)
        pairs, counts = np.unique(terms.astype(np.int64) * max(1, self.size) + rows, return_counts=True)
        terms, self._rows = np.divmod(pairs, max(1, self.size))
        ends = np.searchsorted(terms, np.arange(len(distinct) + 1))
        held = np.diff(ends)
        rarity = np.log1p((self.size - held + 0.5) / (held + 0.5))
        slack = _K1 * (1 - _B + _B * sizes / sizes.mean()) if len(sizes) else sizes
        self._parts = counts * (1 + _K1) / (counts + slack[self._rows]) * rarity[terms]
        self._common = max(_FEW, self.size // 3)
        self._unknown = float(np.log1p(2 * self.size + 1))  # rarity of a bigram that no scene holds
        spans = zip(ends[:-1].tolist(), ends[1:].tolist(), rarity.tolist(), strict=True)
        self._found = dict(zip(distinct.tolist(), spans, strict=True))

    def scores(self, query: str) -> np.ndarray:
        """(size,) float32: BM25 over what one occurrence of all the query's terms gives, so about 0 … 1."""
        spans, whole = [], 0.0
        for code in _terms(query[:_MAX_QUERY].lower()):
            start, end, rarity = self._found.get(code, (0, 0, self._unknown))
            whole += rarity
            if 0 < end - start <= self._common:
                spans.append((start, end))
        if not spans:
            return np.zeros(self.size, np.float32)
        rows = np.concatenate([self._rows[start:end] for start, end in spans])
        parts = np.concatenate([self._parts[start:end] for start, end in spans])
        return (np.bincount(rows, parts, self.size) / whole).astype(np.float32)


def _terms(text: str) -> set[int]:
    """The distinct terms of a short text; the same codes as `_postings` gives."""
    points = [(ord(mark), _WIDE[min(ord(mark), _BEYOND)]) for mark in text]
    wide = {(one << 21) + two for (one, left), (two, right) in zip(points, points[1:], strict=False) if left and right}
    return wide | {_WORD_SPACE + zlib.crc32(word.encode()) for word in _LATIN.findall(text)}


def _postings(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Term codes, the text each stands in, and how many terms each text holds."""
    joined = "\n".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    text_of = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])[: len(points)]
    wide = np.frombuffer(_WIDE, bool)[np.minimum(points, _BEYOND)]
    pair = np.flatnonzero(wide[:-1] & wide[1:])
    words = [(found.start(), _WORD_SPACE + zlib.crc32(found[0].encode())) for found in _LATIN.finditer(joined)]
    starts, hashed = np.array(words, np.int64).reshape(-1, 2).T
    codes = np.concatenate([(points[pair] << 21) + points[pair + 1], hashed])
    rows = text_of[np.concatenate([pair, starts])]
    return codes, rows, np.maximum(1, np.bincount(rows, minlength=len(texts))).astype(np.float64)
