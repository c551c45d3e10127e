"""Songs as the original's lyrics view takes them: a line is a song, `#name` names it, its halves are compared.

Knows text; knows nothing of vectors or of drawing.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace

from apps.embedding.corpus import MAX_TEXTS, Corpus, flat
from models.documents.encoding import clean
from models.errors import BadInput

# Where a line may be cut, best kind first: ends of sentences, then other marks, then blanks
_BREAKS = (re.compile(r"[。！？!?…]+[”’」』）)]*"), re.compile(r"[，,；;、：:/｜|—]+|\.(?!\d)"), re.compile(r"\s+"))
_LEAST = 0.2  # share of the line that each half must have


@dataclass(frozen=True, slots=True)
class Songs:
    """Halves of songs as texts, and which two rows are one song."""

    corpus: Corpus
    links: tuple[tuple[int, int], ...]


def songs(text: str) -> Songs:
    """One line, one song; what follows the last `#` is its name, else it is called No.1, No.2 …

    Halves that are equal share a point, so a refrain joins its songs. A line of one character has no halves and stays
    alone. Raises BadInput: empty_text, too_many_texts.
    """
    lines = clean(text).split("\n")
    first: dict[tuple[str, str], int] = {}
    counts: Counter[tuple[str, str]] = Counter()
    numbers: list[int] = []
    links: dict[tuple[int, int], None] = {}
    filled = 0
    for number, line in enumerate(lines, 1):
        said, _, name = line.rpartition("#") if "#" in line else (line, "", "")
        said, name = flat(said), flat(name)
        if not said:
            continue
        filled += 1
        rows = []
        for half in filter(None, halves(said)):
            key = (half, name or f"No.{filled}")
            if key not in first:
                first[key] = len(first)
                numbers.append(number)
            counts[key] += 1
            rows.append(first[key])
        if len(rows) == 2 and rows[0] != rows[1]:
            links[(rows[0], rows[1])] = None
    if not first:
        raise BadInput("empty_text")
    if len(first) > MAX_TEXTS:
        raise BadInput("too_many_texts", count=len(first), limit=MAX_TEXTS)
    texts, labels = zip(*first, strict=True)
    corpus = Corpus(texts, labels, tuple(map(counts.__getitem__, first)), tuple(numbers))
    given = len(lines) - (not lines[-1].strip())
    return Songs(replace(corpus, empty=max(0, given - filled), total=given), tuple(links))


def halves(text: str) -> tuple[str, str]:
    """A flat line in two parts near its middle, cut behind a mark or at a blank where there is one; else in the middle.

    >>> halves("风沙沙，雨沙沙。驼铃响，走天涯。")
    ('风沙沙，雨沙沙。', '驼铃响，走天涯。')
    >>> halves("默默 闭紧嘴唇")
    ('默默', '闭紧嘴唇')
    """
    middle, least = len(text) / 2, _LEAST * len(text)
    for mark in _BREAKS:
        ends = [found.end() for found in mark.finditer(text) if least <= found.end() <= len(text) - least]
        if ends:
            cut = min(ends, key=lambda end: abs(end - middle))
            return text[:cut].strip(), text[cut:].strip()
    return text[: len(text) // 2].strip(), text[len(text) // 2 :].strip()
