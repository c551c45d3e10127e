"""Chinese text, cut into pieces that keep their offsets: sentences, clauses, words, character n-grams; word idf.

Knows jieba (its dictionary, part-of-speech tags and idf table, loaded on first use: 1–3 s). Everything else in
`models.embedded` stands on this module and none of it cuts text in its own way.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

MAX_SENTENCE = 400  # characters; text without punctuation is cut here, so that one sentence stays bounded

_CJK = r"\u3400-\u9fff\uf900-\ufaff"
_END = re.compile(
    r"(?:[。！？!?…]+"  # the marks that always end a sentence
    rf"|(?<=[{_CJK}])\.(?=[{_CJK}\s]|$)"  # an ASCII full stop used as a Chinese one
    r"|(?<=[a-z0-9)\]\"”])\.(?=\s+[A-Z\"“(]|\s*$)"  # an English one, not the point of 3.14
    r")[”’\"'」』）)】》〉]*"  # closing marks stay with their sentence
    r"|\n+"
)
_CLAUSE = re.compile(r"[，,；;：:、。！？!?…\n]+|(?:——|--)")
_GAP = re.compile(r"\s+")
_WORDY = re.compile(r"[^\W_]")  # a letter or digit of any script
_jieba_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: `text == source[start:end]`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its part of speech in jieba's tag set (nr person, ns place, m number, v verb …)."""

    text: str
    tag: str
    start: int
    end: int


def sentences(text: str) -> list[Piece]:
    """Sentences with offsets; closing quotes stay with their sentence, blank ones are left out.

    >>> [p.text for p in sentences("他说：“好。”走了。圆周率是3.14吗？")]
    ['他说：“好。”', '走了。', '圆周率是3.14吗？']
    """
    return list(_cut(text, _END, keep_mark=True))


def clauses(text: str) -> list[Piece]:
    """Clauses with offsets, without the punctuation around them.

    >>> [p.text for p in clauses("春天来了，花开了。")]
    ['春天来了', '花开了']
    """
    return list(_cut(text, _CLAUSE, keep_mark=False))


def _cut(text: str, mark: re.Pattern[str], keep_mark: bool) -> Iterator[Piece]:
    start = 0
    for found in mark.finditer(text):
        yield from _trimmed(text, start, found.end() if keep_mark else found.start())
        start = found.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[Piece]:
    """The stretch without white space at its ends, in parts of MAX_SENTENCE; nothing if it holds no word."""
    for low in range(start, end, MAX_SENTENCE):
        high = min(end, low + MAX_SENTENCE)
        part = text[low:high]
        left, right = low + len(part) - len(part.lstrip()), low + len(part.rstrip())
        if _WORDY.search(part):
            yield Piece(text[left:right], left, right)


@lru_cache(maxsize=1)
def _tagger() -> object:
    """jieba's tagger with its dictionary loaded and its chatter silenced."""
    import logging

    with _jieba_lock:
        import jieba
        import jieba.posseg

        jieba.setLogLevel(logging.WARNING)
        jieba.initialize()
        return jieba.posseg


def tagged(text: str) -> list[Word]:
    """Words with part-of-speech tags and offsets, punctuation and white space included."""
    words, at = [], 0
    for pair in _tagger().lcut(text):  # type: ignore[attr-defined]
        words.append(Word(pair.word, pair.flag, at, at + len(pair.word)))
        at += len(pair.word)
    return words


def words(text: str) -> list[str]:
    """Lower-cased words, punctuation and white space left out.

    >>> words("骆驼QA会回答问题。")
    ['骆驼', 'qa', '会', '回答', '问题']
    """
    _tagger()
    import jieba

    return [word.lower() for word in jieba.cut(text) if _WORDY.search(word)]


@lru_cache(maxsize=1)
def _idf() -> tuple[dict[str, float], float]:
    """jieba's idf table and its median, which stands for unknown words."""
    rows = files("jieba").joinpath("analyse", "idf.txt").read_text(encoding="utf-8").splitlines()
    pairs = [row.split(" ") for row in rows if " " in row]
    table = {word: float(value) for word, value in pairs}
    return table, sorted(table.values())[len(table) // 2]


def idf(word: str) -> float:
    """How rare a word is in general Chinese, about 1 … 14; the median for words that jieba has not counted."""
    table, median = _idf()
    return table.get(word, median)


def normalise(text: str) -> str:
    """NFKC, lower case, one blank for any white space: the form in which texts are compared.

    >>> normalise("ＱＡ　骆驼")
    'qa 骆驼'
    """
    return _GAP.sub(" ", unicodedata.normalize("NFKC", text)).strip().lower()


def ngrams(text: str, low: int, high: int) -> Iterator[str]:
    """Character n-grams of the normalised text that hold no white space, n from `low` to `high`.

    >>> list(ngrams("骆驼说", 1, 2))
    ['骆', '驼', '说', '骆驼', '驼说']
    """
    plain = normalise(text)
    for n in range(low, high + 1):
        for at in range(len(plain) - n + 1):
            gram = plain[at : at + n]
            if " " not in gram:
                yield gram
