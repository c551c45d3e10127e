"""What a question asks for: its wh-word, the kind of answer, the head noun, the words on either side.

Knows only closed classes that are written down here (question words, function words, the last characters of nouns
that name people, places, times …). Knows nothing of the passage.
"""

import re
from dataclasses import dataclass
from typing import Final

from models.embedded import text
from models.embedded.reader.lexicon import (
    BECOME,
    COPULA,
    DEFINE,
    ENGLISH_WH,
    FUNCTION,
    HEAD_ENDS,
    NAME,
    NOUNISH,
    TAIL,
    WH,
)
from models.embedded.reader.script import plain

KINDS: Final = (
    *("none", "who", "when", "span", "where", "num", "why", "how", "name", "work"),
    *("org", "list", "define", "which", "what", "yesno"),
)
HEADS: Final = ("none", "person", "place", "time", "org", "work", "amount", "name", "reason", "other")

MAX_QUESTION = 300  # characters that are looked at

_HEADED: Final = ("which", "what", "list", "work", "org", "who", "where", "when")
_OWN: Final = re.compile(r"(?:哪一?个?|什么)([^一几个些里儿边位名]+)$")


@dataclass(frozen=True, slots=True)
class QuestionWord:
    """A content word of the question: rarity, side of the wh-word (-1 left, 1 right), words away from it."""

    text: str
    idf: float
    side: int
    distance: int


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question; `source[wh_start:wh_end]` is the wh-word (the end of the text when there is none)."""

    source: str  # simplified, lower case, without the marks at its end; same offsets as what was typed
    wh_start: int
    wh_end: int
    kind: str  # of KINDS
    head: str  # head noun after 哪个/什么, or the attribute before 是什么; "" when there is none
    head_class: str  # of HEADS
    unit: str  # what follows 几 or 多少: 个, 年, 公里 …
    content: tuple[QuestionWord, ...]

    @property
    def left(self) -> str:
        """What stands before the wh-word."""
        return self.source[: self.wh_start]

    @property
    def right(self) -> str:
        """What stands after the wh-word."""
        return self.source[self.wh_end :]


def parse(question: str) -> Question:
    """Reads a question. Works on anything; without a wh-word the kind is "none".

    >>> parse("谁写了《背影》？").kind, parse("珠穆朗玛峰有多高？").kind
    ('who', 'num')
    """
    source = TAIL.sub("", plain(question[:MAX_QUESTION]))
    kind, start, end = _wh(source)
    head, unit = _head(source, kind, start, end)
    head_class = class_of(head)
    kind = _refined(kind, source, start, end, head_class)
    return Question(source, start, end, kind, head, head_class, unit, _content(source, start, end))


def _wh(source: str) -> tuple[str, int, int]:
    """The last wh-word; a real one wins over 吗 and 是否; English ones count when there is no Chinese one."""
    found = list(WH.finditer(source)) or list(ENGLISH_WH.finditer(source))[:1]
    real = [match for match in found if match.lastgroup != "yesno"] or found
    if not real:
        return "none", len(source), len(source)
    last = real[-1]
    if last.group() == "为什么" and BECOME.search(source[: last.start()]):  # 称之为｜什么, not 称之｜为什么
        return "what", last.start() + 1, last.end()
    if last.lastgroup == "what" and len(real) > 1 and real[-2].lastgroup in ("why", "when"):
        last = real[-2]
    return str(last.lastgroup), last.start(), last.end()


def class_of(noun: str) -> str:
    """The class of HEADS that a noun's ending names."""
    if not noun:
        return "none"
    for name, ends in HEAD_ENDS.items():
        if noun.endswith(ends):
            return name
    return "other"


def _head(source: str, kind: str, start: int, end: int) -> tuple[str, str]:
    """Head noun and unit."""
    after = text.tagged(source[end : end + 12]) if end < len(source) else []
    if kind in ("num", "span") and after:
        unit = after[0].text if after[0].tag[0] in "qmn" else ""
        return unit, unit or source[start:end][-1]
    own = _own_noun(source[start:end]) if kind in _HEADED else ""
    if len(own) > 1:
        return own, ""
    if kind in _HEADED:
        return _noun_run(after) or own or _attribute(source[:start]), ""
    return _attribute(source[:start]), ""


def _own_noun(wh: str) -> str:
    """The noun inside a wh-word such as 什么地方; "" for a bare one."""
    found = _OWN.match(wh)
    return found.group(1) if found else ""


def _noun_run(words: list[text.Word]) -> str:
    """The nouns that follow the wh-word, up to the first word that is none; only the last two of them."""
    taken: list[str] = []
    for word in words:
        if word.text == "的" and not taken:
            continue
        if not word.tag.startswith(NOUNISH) or not word.text.strip() or not word.text.isalnum():
            break
        taken.append(word.text)
    return "".join(taken[-2:])


def _attribute(left: str) -> str:
    """The noun before 是什么: the Y of «X的Y是什么»."""
    words = text.tagged(COPULA.sub("", left)[-12:])
    if words and words[-1].tag.startswith(("n", "vn", "l", "j", "t", "s")) and words[-1].text.isalnum():
        return words[-1].text
    return ""


def _refined(kind: str, source: str, start: int, end: int, head_class: str) -> str:
    """Turns the bare wh-word's kind into what its surroundings say."""
    if kind == "what" and DEFINE.match(source):
        return "define"
    if kind in ("what", "none", "which") and (NAME.search(source[:start]) or head_class == "name"):
        return "name"
    by_head = {"reason": "why", "amount": "num", "place": "where", "time": "when", "person": "who"}
    if kind in ("which", "what", "none"):
        return by_head.get(head_class, head_class if head_class in ("org", "work") else kind)
    if kind == "how" and source[start:end] in ("如何", "怎样", "怎么样") and end == len(source):
        return "what"
    return kind


def _content(source: str, start: int, end: int) -> tuple[QuestionWord, ...]:
    """Content words with their side and distance (in words) from the wh-word."""
    words = [word for word in text.tagged(source) if word.text.strip()]
    left = [word for word in words if word.end <= start]
    right = [word for word in words if word.start >= end]
    sided = [(word, -1, at) for at, word in enumerate(reversed(left))] + [
        (word, 1, at) for at, word in enumerate(right)
    ]
    return tuple(
        QuestionWord(word.text, text.idf(word.text), side, at)
        for word, side, at in sided
        if word.text not in FUNCTION and any(char.isalnum() for char in word.text)
    )
