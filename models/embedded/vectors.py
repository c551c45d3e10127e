"""Vectors without a download: hashed character n-grams weighted by how rare they are in Chinese at large.

Knows no training data: the weights come from the word counts in jieba's dictionary (MIT) or, after `fit`, from the
texts at hand as well. Knows nothing of meaning beyond shared characters and words: 医生 and 大夫 are strangers to it.
The n-grams are hashed in numpy over many texts at once, which is why they are not taken from `text.ngrams`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from models.embedded.text import normalise
from models.embedded.variants import simplify
from models.task import Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DIM = 1 << 14  # columns of `embed`; with 8,192 question → passage search loses 1 point, with 4,096 4 points
BUCKETS = 1 << 20  # columns of `sparse`: five ranges, one for each kind of feature
_RANGES = {  # kind → first and last + 1 bucket
    "char": (0, 1 << 16),
    "word": (1 << 16, 3 << 16),  # whole words of a-z0-9
    "latin": (3 << 16, 4 << 16),  # trigrams inside such words
    "pair": (4 << 16, 10 << 16),  # character bigrams
    "triple": (10 << 16, 16 << 16),  # character trigrams
}
_WEIGHTS = {"char": 1.3, "word": 1.5, "latin": 0.5, "pair": 1.0, "triple": 0.7}
_COUNT_FLOOR = 1e4  # added to every count, so that all that is rarer counts as equally rare
_SATURATION = 1.0  # k of tf·(k+1)/(tf+k), as in BM25: a long passage gains little by repeating itself
_BATCH = 60_000  # characters hashed at a time, about 20 ms
_ROWS = 2_000  # texts hashed at a time
_NOISE = re.compile(r"[^\w\u2600-\u27bf\U0001f000-\U0001faff]+|_+")  # neither letters, digits nor emoji
_BLANK = ord(" ")
_ENGLISH_STOP = (
    "a an the of to in on at by for with from as is are was were be been am do does did have has had will would can "
    "could should i you he she it we they me him her us them my your his its our their this that these those and or "
    "but not no if so than then there what which who whom how when where why"
).split()


class HashedEmbedder:
    """Implements `models.engine.Embedder`: the cosine of two rows is their weighted share of common n-grams.

    Deterministic across processes and machines. Without `fit` every call stands alone, so rows of different calls
    can be compared.
    """

    def __init__(self, *, dim: int = DIM) -> None:
        """`dim`, a multiple of 4, trades memory (4 · dim bytes a text) for exactness."""
        self.dim = dim
        self._weight = general_weight()

    def fit(self, texts: Sequence[str], task: Task) -> "HashedEmbedder":
        """Also weighs features by how many of `texts` hold them. Raises Cancelled."""
        holding = np.zeros(BUCKETS, np.float32)
        for counts in counted(texts, task):
            holding += np.bincount(counts.indices, minlength=BUCKETS)
        self._weight = general_weight() * np.log1p((len(texts) + 1) / (holding + 1)).astype(np.float32)
        return self

    def sparse(self, texts: Sequence[str], task: Task) -> "csr_matrix":
        """(n, BUCKETS) float32, rows of unit length, for exact cosines `a @ b.T`. Raises Cancelled."""
        from scipy.sparse import csr_matrix, vstack

        blocks = [self._weighted(counts) for counts in counted(texts, task)]
        return vstack(blocks, format="csr") if blocks else csr_matrix((0, BUCKETS), dtype=np.float32)

    def embed(self, texts: Sequence[str], task: Task) -> np.ndarray:
        """(n, dim) float32, rows of unit length, zero for texts without letters. Raises Cancelled.

        The features are folded by signed hashing (Weinberger et al. 2009): single characters into a quarter of the
        columns, the commonest in one each; bigrams and words into half; trigrams into a quarter. For more than some
        ten thousand texts take `sparse` and `dense`, or a smaller `dim`.
        """
        rows, at = np.zeros((len(texts), self.dim), np.float32), 0
        for counts in counted(texts, task):
            folded = self._weighted(counts) @ _folding(self.dim)
            folded.sum_duplicates()
            height = folded.shape[0]
            rows[at : at + height] = _unit(folded).toarray()
            at += height
        return rows

    @staticmethod
    def dense(matrix: "csr_matrix", dim: int, seed: int = 0) -> np.ndarray:
        """(n, at most dim) float32 unit rows by truncated SVD of `matrix`: for maps and clusters of one corpus."""
        from sklearn.decomposition import TruncatedSVD

        used = np.unique(matrix.indices)
        rank = min(dim, matrix.shape[0] - 1, len(used) - 1)
        if rank < 1:  # one text or one feature: nothing to reduce
            return matrix[:, used].toarray() if len(used) else np.zeros((matrix.shape[0], 1), np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):  # texts that are all the same have no variance to explain
            rows = TruncatedSVD(rank, n_iter=2, random_state=seed).fit_transform(matrix[:, used]).astype(np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def _weighted(self, counts: "csr_matrix") -> "csr_matrix":
        """Counts, which it overwrites → saturated tf × idf, rows of unit length."""
        counts.data *= (1 + _SATURATION) / (counts.data + _SATURATION) * self._weight[counts.indices]
        return _unit(counts)


EmbeddedEmbedder = HashedEmbedder  # the name under which models/ exports the embedder of the embedded engine


def _unit(matrix: "csr_matrix") -> "csr_matrix":
    """Rows of length 1; empty rows stay empty."""
    lengths = np.sqrt(np.bincount(_row_of(matrix), weights=matrix.data**2, minlength=matrix.shape[0]))
    matrix.data /= np.maximum(lengths, 1e-9).astype(np.float32)[_row_of(matrix)]
    return matrix


def _row_of(matrix: "csr_matrix") -> np.ndarray:
    """Row number of every stored value."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


@lru_cache(maxsize=1)
def general_weight() -> np.ndarray:
    """(BUCKETS,) float32: weight of every feature in general Chinese, from the word counts of jieba's dictionary.

    log(1 + N / (count + floor)), at most 1, times the weight of its kind; English function words are damped.
    """
    entries = files("jieba").joinpath("dict.txt").read_text(encoding="utf-8").splitlines()
    words, counts = zip(*(entry.split(" ")[:2] for entry in entries), strict=True)
    frequency = np.array(counts, np.float64)
    rows, columns = _features([simplify(word.lower()) for word in words], Task())
    seen = np.bincount(columns, weights=frequency[rows], minlength=BUCKETS)
    total = frequency.sum()
    weight = np.log1p(total / (seen + _COUNT_FLOOR)) / np.log1p(total / _COUNT_FLOOR)
    for kind, (low, high) in _RANGES.items():
        weight[low:high] *= _WEIGHTS[kind]
    weight[_features(_ENGLISH_STOP, Task())[1]] *= 0.25
    return weight.astype(np.float32)


@lru_cache(maxsize=4)
def _folding(dim: int) -> "csr_matrix":
    """(BUCKETS, dim): where every bucket of the sparse form goes in the dense one, and with which sign."""
    from scipy.sparse import csr_matrix

    quarter = dim // 4
    bucket = np.arange(BUCKETS, dtype=np.uint64)
    code = _mix(bucket)
    low, width = np.zeros(BUCKETS, np.uint64), np.full(BUCKETS, quarter, np.uint64)
    pairs = slice(_RANGES["word"][0], _RANGES["pair"][1])
    low[pairs], width[pairs] = quarter, 2 * quarter
    low[slice(*_RANGES["triple"])] = 3 * quarter
    column = low + code % width
    shared = quarter // 8  # columns that the rare characters share
    chars = np.arange(*_RANGES["char"])
    common_first = chars[np.argsort(general_weight()[chars], kind="stable")]
    column[common_first] = quarter - 1 - code[common_first] % np.uint64(max(1, shared))
    column[common_first[: quarter - shared]] = np.arange(quarter - shared)
    sign = 1 - 2 * ((code >> np.uint64(40)) & np.uint64(1)).astype(np.float32)
    return csr_matrix((sign, column.astype(np.int32), np.arange(BUCKETS + 1)), shape=(BUCKETS, dim))


def counted(texts: Sequence[str], task: Task) -> Iterator["csr_matrix"]:
    """(rows, BUCKETS) float32 feature counts of consecutive groups of texts. Raises Cancelled."""
    from scipy.sparse import csr_matrix

    done = 0
    for group in _groups(texts):
        rows, columns = _features(group, task)
        shape = (len(group), BUCKETS)
        counts = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
        counts.sum_duplicates()
        done += len(group)
        yield counts
        task.step(done / len(texts))


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    """Comparable texts in groups of at most _BATCH characters; a longer text is a group of its own."""
    group: list[str] = []
    size = 0
    for text in texts:
        plain = _NOISE.sub(" ", simplify(normalise(text)))
        if group and (size + len(plain) > _BATCH or len(group) == _ROWS):
            yield group
            group, size = [], 0
        group.append(plain)
        size += len(plain) + 1
    if group:
        yield group


def _features(group: Sequence[str], task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Row and bucket of every feature occurrence in texts whose only white space is the blank."""
    sizes = np.array([len(text) + 1 for text in group])
    joined = " ".join([*group, "  "])  # the blanks at the end stand for what follows the last character
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    row = np.repeat(np.arange(len(group)), sizes)
    parts = []
    for low in range(0, len(row), _BATCH):
        task.check()
        high = min(low + _BATCH, len(row))
        for where, bucket in (*_ngrams(points[low : high + 2]), _latin_words(points[low:high])):
            parts.append((row[low:high][where], bucket))
    rows, buckets = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(buckets)


def _ngrams(points: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions and buckets of the characters, bigrams and trigrams; the last two points only end n-grams."""
    size = len(points) - 2
    code = np.zeros(size, np.uint64)
    whole, latin = np.ones(size, bool), np.ones(size, bool)
    for n, kind in enumerate(("char", "pair", "triple")):
        here = points[n : n + size]
        code = code * np.uint64(0x100000001B3) + here
        whole &= here != _BLANK
        latin &= _is_latin(here)
        where = np.flatnonzero(whole & ~latin)
        yield where, _bucket(kind, code[where])
    where = np.flatnonzero(latin)
    yield where, _bucket("latin", code[where])


def _latin_words(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and buckets of the runs of a-z0-9. The code of a run is the sum over its characters and places."""
    inside = np.concatenate([[False], _is_latin(points), [False]])
    starts = np.flatnonzero(~inside[:-1] & inside[1:])
    ends = np.flatnonzero(inside[:-1] & ~inside[1:])
    at = np.flatnonzero(inside[1:-1])
    place = at - np.repeat(starts, ends - starts)
    placed = _mix(points[at] + (place.astype(np.uint64) << np.uint64(21)))
    offsets = np.concatenate([[0], np.cumsum(ends - starts)])[:-1]
    code = np.add.reduceat(placed, offsets) if len(offsets) else placed
    return starts, _bucket("word", code)


def _is_latin(points: np.ndarray) -> np.ndarray:
    """Which points are a-z or 0-9."""
    return ((points >= ord("a")) & (points <= ord("z"))) | ((points >= ord("0")) & (points <= ord("9")))


def _bucket(kind: str, code: np.ndarray) -> np.ndarray:
    """Codes → buckets in the range of their kind; characters of the Basic Multilingual Plane map one to one."""
    low, high = _RANGES[kind]
    spread = code if kind == "char" else _mix(code)
    return (spread % np.uint64(high - low)).astype(np.int64) + low


def _mix(code: np.ndarray) -> np.ndarray:
    """The finaliser of MurmurHash3 (Appleby, public domain): every input bit reaches every output bit."""
    code = code ^ (code >> np.uint64(33))
    code = code * np.uint64(0xFF51AFD7ED558CCD)
    code = code ^ (code >> np.uint64(33))
    code = code * np.uint64(0xC4CEB9FE1A85EC53)
    return code ^ (code >> np.uint64(33))
