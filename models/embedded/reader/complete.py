"""Turns a question and its answer into a statement: the answer takes the place of the wh-phrase.

Chinese keeps the wh-word where the answer stands, so most questions need no reordering. Where that does not work
(why, how, yes or no, no wh-word) there is no statement rather than a wrong one.
"""

import re
from typing import Final

from models.embedded.reader.question import Question

MAX_ANSWER: Final = 40  # characters; longer answers are clauses of their own and fit into no slot
_SILENT: Final = ("none", "why", "how", "yesno", "define")
_TAIL: Final = re.compile(r"[\s？?。.!！,，：:；;]+$")
_PARTICLE: Final = re.compile(r"[呢啊呀吧吗嗎]$")
_CLAUSAL: Final = re.compile(r"[，,；;。！？!?\n]")
_OUTER: Final = re.compile(r"^[\s，,、。；;：:]+|[\s，,、。；;：:]+$")
_PREPOSITION: Final = re.compile(r"(?:位于|位於|[在于於由被是为為])$")
_MEASURES: Final = "年月日号號天个個位名种種次倍条條岁歲届屆座项項本部"
_CJK: Final = re.compile(r"[\u3400-\u9fff]")


def complete(typed: str, question: Question, answer: str) -> str:
    """The statement, ending with 。; "" when the question or the answer does not allow one.

    >>> from models.embedded.reader.question import parse
    >>> complete("他退休后，由谁接任？", parse("他退休后，由谁接任？"), "王长华")
    '他退休后，由王长华接任。'
    """
    slot = _OUTER.sub("", answer)
    if (
        question.kind in _SILENT
        or not slot
        or not _CJK.search(typed)
        or _CLAUSAL.search(slot)
        or len(slot) > MAX_ANSWER
    ):
        return ""
    left, right = typed[: question.wh_start], typed[question.wh_end : len(question.source)]
    right = _PARTICLE.sub("", _TAIL.sub("", right))
    left = re.sub(r"^(?:请问|請問)[，,：:\s]*", "", left)
    if not (left or right) or (len(left) >= 4 and left[:4] in slot):
        return ""  # nothing to put the answer into, or the answer is a statement about the same subject by itself
    left, slot = _without_doubled_left(left, _with_measure(slot, typed[question.wh_start : question.wh_end]))
    slot, right = _without_doubled_right(slot, right, question)
    return f"{left}{slot}{right}。"


def _with_measure(slot: str, wh: str) -> str:
    """A bare number takes the measure word that is part of the wh-word: 几个 + 3 → 3个, 哪一年 + 1987 → 1987年."""
    return slot + wh[-1] if slot[-1].isdigit() and len(wh) > 1 and wh[0] in "几幾哪" and wh[-1] in _MEASURES else slot


def _without_doubled_left(left: str, slot: str) -> tuple[str, str]:
    """«位于» + «位于北京» says 位于 once; an answer that repeats the question's beginning replaces it."""
    for n in range(min(len(left), len(slot) - 1), 0, -1):
        if left[-n:] == slot[:n] and (n > 1 or _PREPOSITION.search(left)):
            return left[:-n], slot
    own, theirs = _PREPOSITION.search(left), re.match(r"位于|位於|[在于於由]", slot)
    if own and theirs and len(slot) > theirs.end():
        return left, slot[theirs.end() :]
    return left, slot


def _without_doubled_right(slot: str, right: str, question: Question) -> tuple[str, str]:
    """«凯尔特人队» + «队» says 队 once: what the answer ends with is not said again by the question's head or unit."""
    for n in range(min(len(slot), len(right)), 0, -1):
        if slot.endswith(right[:n]):
            return slot, right[n:]
    head = question.head
    if head and question.kind not in ("num", "span") and right.startswith(head):
        return slot, right[len(head) :]  # the answer stands for the head noun: 哪个城市 → 北京
    return slot, right
