"""One line that says what a text is about: the best stretch of the text itself, never a rewritten one.

A log-linear model over abstract features (headline_features.py) picks among all token-aligned runs of up to four
clauses. Its weights (assets/embedded/headline.json, written by `python -m benchmarks.train_headline`) were fitted to
abstracts and their titles; they name shapes, not words. English text is headed by its most central clause.
"""

import json
import re
from functools import lru_cache

import numpy as np

from models.assets import read
from models.embedded.headline_features import NAMES, candidates
from models.embedded.shapes import ENGLISH, LISTS
from models.embedded.text import Piece, clauses, sentences, tagged

MAX_TEXT = 1500  # characters looked at; a longer text is represented by an excerpt that the caller chooses
MAX_LATIN = 90  # characters of an English headline

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]+")
_LATIN_LINKER = re.compile(r"(?:and|but|so|or|however|therefore|thus|then|also|yet|moreover)\b[,\s]*", re.IGNORECASE)
_TRIM = " \t\r\n，,；;：:、。.！!？?…—-·"


def headline(text: str) -> str:
    """A stretch of `text` (its first MAX_TEXT characters) that can stand as its title; "" if it holds no word."""
    text = text[:MAX_TEXT]
    if len(_HAN.findall(text)) < 0.2 * len(text.replace(" ", "")):
        return _latin(text)
    found = candidates(text)
    if found is None:
        return trimmed(next((piece.text for piece in sentences(text)), ""))
    best = int(np.argmax(found.scores(_weights())))
    return trimmed(text[found.starts[best] : found.ends[best]])


def trimmed(line: str) -> str:
    """A line without the connectives before it and the punctuation around it.

    >>> trimmed("但是，骆驼学会了说话。"), trimmed("因此人人都来听")
    ('骆驼学会了说话', '人人都来听')
    """
    line = line.strip(_TRIM)
    words = [word.text for word in tagged(line[:24])]
    while len(words) > 1 and (words[0] in LISTS["linker"] or words[0] in _TRIM):
        line = line[len(words.pop(0)) :]
    return line.strip(_TRIM)


@lru_cache(maxsize=1)
def _weights() -> np.ndarray:
    """(len(NAMES),) float32; features that the file does not name weigh nothing."""
    table = json.loads(read("embedded", "headline.json"))["weights"]
    return np.array([table.get(name, 0.0) for name in NAMES], dtype=np.float32)


def _latin(text: str) -> str:
    """The clause with the most recurring words for its length, early ones first; for text that is not Chinese."""
    found = [(piece, rank) for rank, piece in enumerate(_latin_clauses(text))]
    counts: dict[str, int] = {}
    for word in _LATIN_WORD.findall(text.lower()):
        counts[word] = counts.get(word, 0) + (word not in ENGLISH)

    def value(entry: tuple[Piece, int]) -> float:
        piece, rank = entry
        held = set(_LATIN_WORD.findall(piece.text.lower()))
        return sum(counts.get(word, 0) for word in held) / (4 + len(held)) * (1 + 1 / (1 + rank))

    if not found:
        return ""
    line = max(found, key=value)[0].text
    return _LATIN_LINKER.sub("", line, count=1) if _LATIN_LINKER.match(line) else line


def _latin_clauses(text: str) -> list[Piece]:
    """Sentences short enough for a headline; the clauses of the others, cut at a blank where those are long too."""
    pieces: list[Piece] = []
    for sentence in sentences(text):
        parts = [sentence] if len(sentence.text) <= MAX_LATIN else clauses(sentence.text)
        pieces += [Piece(_short(part.text), part.start, part.end) for part in parts]
    return pieces


def _short(line: str) -> str:
    line = line.strip(_TRIM)
    return line if len(line) <= MAX_LATIN else (line[:MAX_LATIN].rsplit(" ", 1)[0] if " " in line else line[:MAX_LATIN])
