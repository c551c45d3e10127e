"""Reads the two fields out of what a model wrote about a passage: the question in other words, and the answer.

The original cut at «答案为:» and «问题转义为:» with a half-width colon and broke on everything else. Models write the
markers in full or half width, bold, numbered, in English, on one line, not at all, or go on with a next block. Every
result is a stretch of what was written. Knows nothing of models.
"""

import re
from dataclasses import dataclass

_BEFORE = r"(?:^|(?<=[\n。？！?!.；;]))[ \t\u3000]*(?:[-*•#>]+[ \t]*)*(?:[(（]?\d[)）.、][ \t]*)?[*_【\[]*"
_AFTER = r"[*_】\]]*[ \t]*[:：][*_]*"
_REWRITTEN = re.compile(
    rf"{_BEFORE}(?:问题的?(?:转义|转述|改写|同义转述)为?|(?:同义)?转述后?的?(?:问题)?(?:为|是)?|(?:rewritten question|"
    rf"question rewritten|rephrased question)){_AFTER}",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER = re.compile(rf"(?:{_BEFORE}(?:回答|answer)|\s*[*_【\[]*答案(?:为|是)?){_AFTER}", re.IGNORECASE | re.MULTILINE)
_NEXT = re.compile(
    rf"\n\s*END\b|\A\s*END\s*\Z|\n[ \t]*(?:原始问题为?|问题|文本为?|question|passage){_AFTER}|给你下面的文本和问题",
    re.IGNORECASE,
)
_BEGUN = re.compile(
    r"[-*•#>\d.、【\s]*(?:答案?[为是]?|a(?:n(?:s(?:w(?:er?)?)?)?)?)?[*_】\s]*", re.IGNORECASE
)  # of a marker
_REFUSAL = re.compile(
    r"(?:原文|文本|文章|文中|材料|上文|段落)[^，。,.]{0,6}(?:未|没有?|并未|并没有?)(?:明确)?(?:提及|提到|说明|给出|涉及|指出)"
    r"|^(?:未|没有)(?:提及|提到|说明)|无法(?:从(?:原文|文本|文中|文章).{0,8})?(?:确定|得知|判断|回答)|^无答案"
    r"|not (?:be )?(?:in|mentioned in|stated in|given in|found in|answered (?:by|from)) (?:the|this) (?:passage|text)"
    r"|^not mentioned|^unanswerable|(?:passage|text) does(?: not|n[’']t) (?:say|mention|state|tell)"
    r"|cannot be (?:determined|answered)",
    re.IGNORECASE,
)
_BLANK = " \t\r\n\u3000*_`"
_QUOTES = {('"', '"'), ("“", "”"), ("「", "」"), ("『", "』")}
_SHORT = 80  # characters; a refusal is a short sentence, not a remark inside a long answer


@dataclass(frozen=True, slots=True)
class Told:
    """What a model said of a question; both are "" until it said so."""

    rewritten: str
    answer: str


def told(text: str) -> Told:
    """The two fields of a finished or growing text. Without any marker all of it is the answer.

    >>> told("**问题转述：** 谁建了图书馆?\\n\\n**答案：** 陈海生\\nEND")
    Told(rewritten='谁建了图书馆?', answer='陈海生')
    >>> told("陈海生")
    Told(rewritten='', answer='陈海生')
    """
    rewritten = _REWRITTEN.search(text)
    answer = _ANSWER.search(text, rewritten.end() if rewritten else 0)
    question = ""
    if rewritten:
        stop = answer.start() if answer else len(text)
        question = _line(text[rewritten.end() : stop])
    if answer:
        return Told(question, _until_next(text[answer.end() :]))
    if rewritten:  # the answer may follow without a marker, after the line of the question
        _, _, rest = text[rewritten.end() :].lstrip().partition("\n")
        return Told(question, "" if _BEGUN.fullmatch(rest) else _until_next(rest))
    return Told("", _until_next(text))


def direct(text: str) -> str:
    """The answer alone, from a model that was asked for nothing else."""
    return told(text).answer


def refuses(answer: str) -> bool:
    """Whether an answer says that the passage does not hold one.

    >>> refuses("原文未提及。"), refuses("他没有提到原因，只说要回家。")
    (True, False)
    """
    return len(answer) <= _SHORT and _REFUSAL.search(_clean(answer)) is not None


def _until_next(text: str) -> str:
    """An answer without the blocks that a model goes on with."""
    beyond = [found.start() for found in (_NEXT.search(text), _REWRITTEN.search(text), _ANSWER.search(text)) if found]
    return _clean(text[: min(beyond, default=len(text))])


def _line(text: str) -> str:
    """The first line that says something."""
    return next((line for line in map(_clean, text.splitlines()) if line), "")


def _clean(text: str) -> str:
    """Without blanks, emphasis, code fences and one pair of quotes around it; a quote inside stays."""
    text = text.strip(_BLANK)
    if len(text) > 1 and (text[0], text[-1]) in _QUOTES and text[0] not in text[1:-1]:
        text = text[1:-1].strip(_BLANK)
    return text
