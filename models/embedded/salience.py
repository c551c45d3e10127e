"""How central each sentence of a text is, and how much two sentences say the same.

A sentence is a sparse vector of unit length: words weighted by their rarity in general Chinese where the text is
short enough for a segmenter, hashed pairs of characters weighted by their rarity in this text where it is not (a
million characters take half a second). The centroid is the sum of these vectors. Knows nothing of summaries.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.embedded.shapes import ENGLISH
from models.embedded.text import Piece, idf, words
from models.task import Task

SEGMENTED = 60_000  # characters; a longer text is read as hashed character pairs
COMMON = 4.0  # rarity that counts as nothing: 的, 我们, 这个
_BUCKETS = 1 << 18


@dataclass(frozen=True, slots=True)
class Vectors:
    """n sparse rows of unit length (zero where a sentence holds nothing): row k is entries bounds[k]:bounds[k + 1]."""

    bounds: np.ndarray  # (n + 1,) int
    terms: np.ndarray  # (entries,) int
    values: np.ndarray  # (entries,) float32
    n_terms: int

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def closeness(self, block: np.ndarray) -> np.ndarray:
        """(n,) float: cosine of each row with the sum of the rows of its block; `block` is (n,) int, ascending."""
        scores = np.zeros(len(self))
        for first, end in zip(*_blocks(block), strict=True):
            span = slice(self.bounds[first], self.bounds[end])
            centroid = np.bincount(self.terms[span], self.values[span], self.n_terms)
            norm = float(np.linalg.norm(centroid)) or 1.0
            sums = np.concatenate([[0.0], np.cumsum(self.values[span] * centroid[self.terms[span]] / norm)])
            inner = self.bounds[first : end + 1] - self.bounds[first]
            scores[first:end] = sums[inner[1:]] - sums[inner[:-1]]
        return scores

    def rows(self, picked: Sequence[int]) -> np.ndarray:
        """(len(picked), m) float32 dense rows over the m terms that they use."""
        spans = [slice(self.bounds[at], self.bounds[at + 1]) for at in picked]
        used, where = np.unique(np.concatenate([self.terms[span] for span in spans]), return_inverse=True)
        dense, at = np.zeros((len(picked), max(1, len(used))), dtype=np.float32), 0
        for row, span in zip(dense, spans, strict=True):
            n = span.stop - span.start
            row[where[at : at + n]] = self.values[span]
            at += n
        return dense


def vectors(cut: Sequence[Piece], task: Task) -> Vectors:
    """Vectors of the sentences of a text. Raises Cancelled."""
    if sum(len(piece.text) for piece in cut) <= SEGMENTED:
        return _of_words(cut, task)
    return _of_pairs(cut, task)


def _of_words(cut: Sequence[Piece], task: Task) -> Vectors:
    column: dict[str, int] = {}
    bounds, terms, values = [0], [], []
    for piece in cut:
        task.check()
        for word, count in Counter(words(piece.text)).items():
            weight = _rarity(word) * math.log1p(count)
            if weight > 0:
                terms.append(column.setdefault(word, len(column)))
                values.append(weight)
        bounds.append(len(terms))
    return _normalised(np.array(bounds), np.array(terms, dtype=np.int64), np.array(values), max(1, len(column)))


def _rarity(word: str) -> float:
    if word in ENGLISH or (len(word) == 1 and not word.isascii()):
        return 0.0
    return max(0.0, idf(word) - COMMON)


def _of_pairs(cut: Sequence[Piece], task: Task) -> Vectors:
    """Two passes over the text as one array: how many sentences hold each pair, then the weight of each in each."""
    codes = np.frombuffer("".join(p.text for p in cut).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(piece.text) for piece in cut])
    owner = np.repeat(np.arange(len(cut)), lengths)
    task.check()
    plain = codes.astype(np.int64)
    pair = (plain[:-1] * 0x9E3779B1 + plain[1:] * 0x85EBCA77) % 0xFFFFFFFB % _BUCKETS
    wordy = _wordy(plain)
    inside = wordy[:-1] & wordy[1:] & (owner[:-1] == owner[1:])
    task.check()
    keys, counts = np.unique(owner[:-1][inside] * _BUCKETS + pair[inside], return_counts=True)
    task.check()
    rows, terms = keys // _BUCKETS, keys % _BUCKETS
    df = np.bincount(terms, minlength=_BUCKETS)
    # Pairs that occur once are noise to a centroid, those in every eighth sentence are grammar.
    weight = np.where(df > 1, np.log(len(cut) / (8.0 * np.maximum(df, 1))), 0.0)
    values = np.log1p(counts) * np.maximum(0.0, weight)[terms]
    return _normalised(np.searchsorted(rows, np.arange(len(cut) + 1)), terms, values, _BUCKETS)


def _wordy(codes: np.ndarray) -> np.ndarray:
    """(len(codes),) bool: Chinese characters, Latin letters and digits, kana, hangul, Cyrillic."""
    ranges = (
        (0x30, 0x39),
        (0x41, 0x5A),
        (0x61, 0x7A),
        (0x400, 0x4FF),
        (0x3040, 0x30FF),
        (0x3400, 0x9FFF),
        (0xAC00, 0xD7A3),
    )
    return np.logical_or.reduce([(codes >= low) & (codes <= high) for low, high in ranges])


def _normalised(bounds: np.ndarray, terms: np.ndarray, values: np.ndarray, n_terms: int) -> Vectors:
    lengths = np.diff(bounds)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    norms = np.sqrt(np.bincount(owner, values.astype(np.float64) ** 2, len(lengths)))
    scaled = values / np.where(norms > 0, norms, 1.0)[owner]
    return Vectors(bounds, terms, scaled.astype(np.float32), n_terms)


def _blocks(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First rows and ends of the stretches with one number."""
    edges = np.flatnonzero(np.diff(block)) + 1
    return np.concatenate([[0], edges]), np.concatenate([edges, [len(block)]])
