"""Retrieval over prose pieces, one theme per file, and a piece put together from what was found, by stated rules.

The original embedded every paragraph and every title, and threw the title vectors away; here a title, its related
words (assets/prophet/themes.json) and the paragraphs all count. Composition never makes a sentence: it chooses and
orders sentences that stand in the retrieved pieces, and each keeps the number of its piece.

The rules of `compose`:
1. one opening sentence, from the best piece: the one nearest to the theme among those of its first half;
2. from every piece that speaks of the theme itself, its nearest sentence of a contrasting form (不要…要…,
   以为…其实…, 不是…而是…); from a single such piece two of them;
3. one image (当…时, 像, 如同, 好比) from another piece than the last sentence;
4. one closing sentence, the last of the piece that has given least so far.
A sentence is used once and has 8–80 characters; the frame (who asks, who answers) and quoted speech are left out.
"""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.assets import asset, read
from models.documents import read_text
from models.embedded.text import idf, ngrams, normalise, sentences, words
from models.errors import BadInput
from models.spec import Evidence, Origin
from models.task import Task

log = logging.getLogger("luotuo")

TITLE_WEIGHT, THEME_WEIGHT, BODY_WEIGHT = 3.0, 2.0, 1.0
FLOOR = 0.15  # below this score a piece has nothing to do with the topic
MAX_TOPIC = 200  # characters
_CONTRAST = re.compile(r"不要.{2,}要|以为.+(?:其实|却)|不是.+(?:而是|是)|与其.+不如|没有.+只有")
_IMAGE = re.compile(r"当.{2,}时|像|如同|好比|仿佛|是一")
_FRAME = re.compile(r"先知|老人|[问答说]道|[说问答]：|：$|[“”「」]")
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Prose:
    """One piece: its theme and its paragraphs, none of them empty."""

    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole piece, paragraphs separated by a blank line."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True, slots=True)
class Found:
    """A retrieved piece with its score and the paragraph that answered best."""

    prose: Prose
    score: float
    paragraph: str


@dataclass(frozen=True, slots=True)
class Composition:
    """What the Prophet says: chosen sentences, each with the number (from 1) of the piece it stands in."""

    topic: str
    lines: tuple[tuple[str, int], ...]
    origin: Origin
    evidence: tuple[Evidence, ...]

    @property
    def text(self) -> str:
        """The sentences as one text, without numbers."""
        return "\n".join(line for line, _ in self.lines)


def prose(title: str, text: str) -> Prose:
    """A piece from its file's text."""
    plain = text.replace("\r\n", "\n").lstrip("\ufeff")
    return Prose(title, tuple(part.strip() for part in _PARAGRAPH.split(plain) if part.strip()))


def folder(path: Path) -> list[Prose]:
    """Every `<theme>.txt` of a folder, sorted by name; empty and unreadable files are logged and left out."""
    pieces = []
    for file in sorted(path.glob("*.txt")):
        try:
            pieces.append(prose(file.stem, read_text(file, Task())))
        except BadInput as error:
            log.warning("piece %s left out: %s", file.name, error)
    return [piece for piece in pieces if piece.paragraphs]


class Prophet:
    """Retrieves and composes over a collection of pieces; the shipped one unless another is given."""

    def __init__(self, pieces: Sequence[Prose] | None = None) -> None:
        self.pieces = tuple(folder(asset("prophet", "pieces")) if pieces is None else pieces)
        self._bodies = [[_grams(part) for part in piece.paragraphs] for piece in self.pieces]

    def retrieve(self, topic: str, count: int, task: Task) -> list[Found]:
        """Up to `count` pieces near a topic, best first, no theme twice; none when no piece has to do with it.

        When fewer pieces than `count` touch the topic itself, those nearest to the best one follow, with a score
        below every direct hit. Raises BadInput, Cancelled.
        """
        topic = (topic or "").strip()
        if not topic:
            raise BadInput("empty_topic")
        if len(topic) > MAX_TOPIC:
            raise BadInput("too_long", limit=MAX_TOPIC)
        asked = _weighted(topic)
        found = []
        for piece, bodies in zip(self.pieces, self._bodies, strict=True):
            task.check()
            scores = [_overlap(asked, body) for body in bodies]
            best = max(range(len(scores)), key=scores.__getitem__)
            score = _title_score(topic, piece.title) + BODY_WEIGHT * scores[best]
            found.append(Found(piece, score, piece.paragraphs[best]))
        direct = sorted((hit for hit in found if hit.score >= FLOOR), key=lambda hit: -hit.score)[: max(1, count)]
        return [*direct, *self._neighbours(direct, max(1, count) - len(direct))] if direct else []

    def _neighbours(self, direct: Sequence[Found], missing: int) -> list[Found]:
        """The pieces whose theme and words are nearest to the best direct hit; their scores stay below the floor."""
        best_title, asked = direct[0].prose.title, _weighted(direct[0].prose.text)
        taken = {hit.prose.title for hit in direct}
        near = []
        for piece, bodies in zip(self.pieces, self._bodies, strict=True):
            if piece.title not in taken:
                scores = [_overlap(asked, body) for body in bodies]
                best = max(range(len(scores)), key=scores.__getitem__)
                kin = _kinship(best_title, piece.title)
                near.append(Found(piece, FLOOR * (kin + scores[best]) / 2, piece.paragraphs[best]))
        return sorted(near, key=lambda hit: -hit.score)[:missing]

    def compose(self, topic: str, found: Sequence[Found], task: Task) -> Composition:
        """A piece on the topic from the retrieved ones, by the rules of this module. Raises Cancelled."""
        task.check()
        asked = _weighted(topic)
        pools = [_pool(hit.prose) for hit in found if hit.score >= FLOOR]
        chosen: list[tuple[str, int]] = []
        opening = [line for line in pools[0] if not _CONTRAST.search(line)][: max(1, len(pools[0]) // 2)]
        _take(chosen, opening or pools[0], 1, asked)
        for number, pool in enumerate(pools if len(pools) > 1 else pools * 2, 1):
            number = min(number, len(pools))
            _take(chosen, [line for line in pool if _CONTRAST.search(line)] or pool, number, asked)
        image_from = 1 + len(pools) // 2 if len(pools) > 1 else 1
        _take(chosen, [line for line in pools[image_from - 1] if _IMAGE.search(line)], image_from, asked)
        counts = [sum(number == of for _, of in chosen) for number in range(1, len(pools) + 1)]
        last = min(range(len(pools)), key=lambda at: (counts[at], -at))
        closing = [line for line in pools[last][-2:] if line not in {text for text, _ in chosen}]
        if closing:
            chosen.append((closing[-1], last + 1))
        evidence = tuple(Evidence(hit.paragraph, hit.score, hit.prose.title) for hit in found)
        return Composition(topic, tuple(chosen), Origin("rule"), evidence)


def _take(chosen: list[tuple[str, int]], pool: Sequence[str], number: int, asked: dict[str, float]) -> None:
    """Adds the sentence of the pool that is nearest to the topic and not yet used."""
    used = {text for text, _ in chosen}
    fresh = [line for line in pool if line not in used]
    if fresh:
        chosen.append((max(fresh, key=lambda line: _overlap(asked, _grams(line))), number))


def _pool(piece: Prose) -> list[str]:
    """The sentences of a piece that can stand alone."""
    told = piece.paragraphs[1:] if len(piece.paragraphs) > 2 else piece.paragraphs
    lines = [cut.text for part in told for cut in sentences(part)]
    good = [line for line in lines if 8 <= len(line) <= 80 and not _FRAME.search(line)]
    return good or lines


def _grams(text: str) -> set[str]:
    return {word for word in words(text) if len(word) > 1} | set(ngrams(text, 2, 2))


def _weighted(topic: str) -> dict[str, float]:
    """Words and bigrams of a topic with their idf; single characters say too little."""
    return {gram: idf(gram) for gram in _grams(topic)} or dict.fromkeys(ngrams(topic, 1, 1), 1.0)


def _overlap(asked: dict[str, float], body: set[str]) -> float:
    """The share of the topic's weight that a text holds, 0 … 1."""
    total = sum(asked.values())
    return sum(weight for gram, weight in asked.items() if gram in body) / total if total else 0.0


@lru_cache(maxsize=1)
def _themes() -> dict[str, tuple[str, ...]]:
    return {title: tuple(related) for title, related in json.loads(read("prophet", "themes.json")).items()}


def _title_score(topic: str, title: str) -> float:
    """How much of the topic names this theme, directly or through its related words."""
    plain = normalise(topic)
    direct = TITLE_WEIGHT if normalise(title) in plain else 0.0
    related = [word for word in _themes().get(title, ()) if _mentions(plain, normalise(word))]
    # a longer related word says more: «买房还是租房» outweighs «买房»
    return direct + THEME_WEIGHT * sum(len(word) for word in related) / max(len(plain), 1)


def _kinship(title: str, other: str) -> float:
    """How many related words two themes share, 0 … below 1."""
    shared = len({*_themes().get(title, ()), title} & {*_themes().get(other, ()), other})
    return shared / (shared + 2)


def _mentions(plain: str, word: str) -> bool:
    if word.isascii():
        return re.search(rf"\b{re.escape(word)}", plain) is not None
    return word in plain
