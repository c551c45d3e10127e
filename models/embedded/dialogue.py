"""Conversation by retrieval: the answer that was written for the nearest known question, or a plain «I do not know».

Knows question variants, follow-ups and a floor under which it does not answer; knows nothing of where the entries lie
on disk except in `embedded_knowledge`. Role-play and its pictures live in `scenes` and `pictures`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from models.assets import read
from models.embedded.phrasing import canonical, subject
from models.embedded.pictures import pick_picture
from models.embedded.retrieve import Index
from models.embedded.reveal import growing
from models.embedded.scenes import Line, Scene, SceneHit, SceneReply, Scenes, parse_scenes
from models.embedded.text import normalise, tagged
from models.engine import Message, Reply
from models.errors import BadInput
from models.spec import Evidence, Origin
from models.strings import say
from models.task import Task

__all__ = [
    "Knowledge",
    "Line",
    "Scene",
    "SceneHit",
    "SceneReply",
    "Scenes",
    "embedded_knowledge",
    "parse_scenes",
    "pick_picture",
]

FLOOR = 0.36  # score under which no entry is close; see benchmarks/quality_dialogue.py
_SMALLTALK_FLOOR = 0.42  # small talk shares common characters with everything
_ALIKE, _COVERED, _ENTRY = 0.5, 0.3, 0.2
_SHOWN = 3
_MAX_QUERY = 1_000  # characters of a message that are searched for
_FOLLOW_UP_LENGTH = 24  # characters; longer messages stand on their own
_POINTING = re.compile(  # what a message says that only the one before it explains
    r"^(那么?|它|他|她|其|这)|[它其]|这个|那个|呢$|\b(it|its|that|this|they|them|their)\b", re.IGNORECASE
)
_POINTERS = re.compile(r"^(那么?|这)|[它其](们|的)?|(这|那)个|\b(it|its|that|this|they|them|their)\b", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")


class Knowledge:
    """Implements `models.engine.Responder` over written entries {"id", "topic", "q": [...], "a", "a_en", "see"}."""

    def __init__(self, entries: Sequence[Mapping[str, Any]], fallback: Callable[[str], str]) -> None:
        """`fallback(lang)` is what is said when nothing is close; lang is "zh" or "en"."""
        self._entries = tuple(entries)
        self._fallback = fallback
        self._questions = [(at, q) for at, entry in enumerate(self._entries) for q in entry["q"]]
        self._owner = np.array([at for at, _ in self._questions], np.int64)
        self._known = {_bare(question): at for at, (_, question) in reversed(list(enumerate(self._questions)))}
        self._index = Index([canonical(question) for _, question in self._questions])
        self._whole = Index([canonical(" ".join((*entry["q"], entry["a"]))) for entry in self._entries])
        smalltalk = np.array([self._entries[at].get("topic") == "smalltalk" for at in self._owner], bool)
        self._floors = np.where(smalltalk, _SMALLTALK_FLOOR, FLOOR)

    def respond(self, messages: Sequence[Message], task: Task) -> Iterator[Reply]:
        """The growing reply to the last message. Raises BadInput("empty_question"), Cancelled."""
        reply = self.reply(messages, task)
        for part in growing(reply):
            task.check()
            yield part

    def reply(self, messages: Sequence[Message], task: Task) -> Reply:
        """The whole reply at once. Raises BadInput("empty_question"), Cancelled."""
        asked = [message.text.strip()[:_MAX_QUERY] for message in messages if message.role == "user"]
        if not asked or not asked[-1]:
            raise BadInput("empty_question")
        task.check()
        lang = _language(asked[-1])
        best = self._best(asked)
        evidence = tuple(
            Evidence(self._questions[at][1], score, str(self._entries[self._owner[at]]["id"])) for at, score in best
        )
        if not best or best[0][1] < self._floors[best[0][0]]:
            return Reply(self._fallback(lang), Origin("retrieved"), evidence, confident=False)
        entry = self._entries[self._owner[best[0][0]]]
        answer = entry.get("a_en") if lang == "en" else None
        return Reply(str(answer or entry["a"]), Origin("retrieved"), evidence)

    def _best(self, asked: Sequence[str]) -> list[tuple[int, float]]:
        """The best variant of each of the three best entries; a follow-up is read with what came before it."""
        scores = self._scores(_with_subject(asked))
        if (known := self._known.get(_bare(asked[-1]))) is not None and len(asked) == 1:
            scores[known] = 1.01
        found: dict[int, tuple[int, float]] = {}
        for at in np.argsort(self._floors - scores, kind="stable")[: 20 * _SHOWN]:
            found.setdefault(int(self._owner[at]), (int(at), float(scores[at])))
        return list(found.values())[:_SHOWN]

    def _scores(self, query: str) -> np.ndarray:
        """(questions,) 0 … 1: how alike in both directions, how much is covered by the question, by its whole entry."""
        form = canonical(query)
        alike, covered = self._index.cosine(form), self._index.coverage(form)
        return _ALIKE * alike + _COVERED * covered + _ENTRY * self._whole.coverage(form)[self._owner]


def embedded_knowledge() -> Knowledge:
    """The knowledge that ships with the hub."""
    lines = read("chat", "knowledge.jsonl").splitlines()
    return Knowledge([json.loads(line) for line in lines if line.strip()], lambda lang: say("chat.unknown", lang))


def _bare(text: str) -> str:
    """A question as it is recognised word for word: no marks, no blanks."""
    return re.sub(r"\W+", "", normalise(text))


def _with_subject(asked: Sequence[str]) -> str:
    """The last message; if it is short and points back, with what the messages before it were about in its place."""
    text = asked[-1].strip("?？!！。. ")
    longest = _FOLLOW_UP_LENGTH if _HAN.search(text) else 3 * _FOLLOW_UP_LENGTH
    if len(asked) < 2 or len(text) > longest or not _POINTING.search(text):
        return asked[-1]
    rest = _POINTERS.sub(" ", text)
    for before in reversed(asked[-4:-1]):
        if not _POINTING.search(before.strip("?？")):
            return f"{subject(before) or _nouns(before) or before} {rest}"
    return f"{asked[-2]} {rest}"


def _nouns(text: str) -> str:
    """Nouns, foreign words and numbers of a text."""
    nouns = (word.text for word in tagged(text[:200]) if word.tag.startswith(("n", "eng", "m")))
    return " ".join(noun for noun in nouns if _HAN.search(noun) or _LATIN.search(noun))


def _language(text: str) -> str:
    """`en` for a text in Latin letters without a Chinese character, else `zh`."""
    return "en" if _LATIN.search(text) and not _HAN.search(text) else "zh"
