"""What a model wrote → what the character says: wrappers off, other people's lines cut, while it is still growing.

Models that play from scenes answer in the scenes' own form (`春日:「…」`), add narration, or go on with the visitor's
next line. The original's postprocess leaves `名: 「`, quotations over several lines and a leading `旁白:` as they are;
here all of them are taken off. Knows text only; what stops the model is in `replies`.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from models.roleplay.turns import MAX_ROLE, NARRATORS

_LABEL = re.compile(
    rf"\s*(?:\*\*)?([^:：「」『』“”\"\n。！？!?，,（(*]{{0,{MAX_ROLE}}}?)"  # a name, in bold or not
    r"\s*(?:[（(]([^）)\n]{0,60})[）)])?(?:\*\*)?\s*[:：](?:\*\*)?[ \t　]*(.*)",
    re.DOTALL,
)
_PAIRS = {"「": "」", "『": "』", "“": "”", '"': '"'}
_BRACKETS = " 「」（）()"
_REMARK = re.compile(r"\s*([（(][^（()）]*[）)])\s*")
_ENDED = re.compile(r"\s*(?:###|<\|)")  # the divider between scenes, or a control token
_SURE = re.compile(r"[。！？!?，,；;…~～]")  # a line with one of these is no speaker's label in the making


@dataclass(frozen=True, slots=True)
class Said:
    """The clean text so far, and whether whatever follows is not the character's."""

    text: str
    ended: bool


def clean(raw: str, own: Collection[str], others: Collection[str] = ()) -> str:
    """The character's words in a finished answer; `own` and `others` are names of theirs and of everybody else."""
    return _Scan(own, others).read(raw, final=True).text


def growing(texts: Iterable[str], own: Collection[str], others: Collection[str] = ()) -> Iterator[Said]:
    """The clean text for every text so far, each longer than the one before; it only ever grows.

    Ends with the first `ended`: whatever would follow is not the character's.
    """
    scan, raw, shown = _Scan(own, others), "", Said("", False)
    for raw in texts:
        said = scan.read(raw, final=False)
        if said != shown:
            shown = said
            yield said
        if said.ended:
            return
    said = scan.read(raw, final=True)
    if said.text != shown.text:
        yield said


class _Scan:
    """Reads an answer line by line. One instance for each answer."""

    def __init__(self, own: Collection[str], others: Collection[str]) -> None:
        self._own = {name.strip().casefold() for name in own}
        self._others = {name.strip().casefold() for name in others} - self._own

    def read(self, raw: str, *, final: bool) -> Said:
        """What of `raw` is said; unless `final`, a last line that may become a label is held back."""
        said = self._said_in(raw, final=final)
        lines = said.text.split("\n")
        for at, line in enumerate(lines[1:], 1):  # a label or a divider may have stood inside quotation marks
            if _ENDED.match(line) or self._label(line)[0] in self._others:
                return _said(lines[:at], ended=True)
        held = not final and not said.ended and len(lines) > 1 and self._forging(lines[-1])
        return _said(lines[:-1], ended=False) if held else said

    def _forging(self, line: str) -> bool:
        """Whether an unfinished line may still become a divider or the label of somebody else."""
        begun = line.strip().lstrip("*").casefold()
        return any(mark.startswith(begun) for mark in (*self._others, "###", "<|")) or any(
            self._label(line + rest)[0] in self._others for rest in ("：", "*：", "**：", "）：")
        )

    def _said_in(self, raw: str, *, final: bool) -> Said:
        pieces: list[str] = []
        lines, closed = raw.replace("\r\n", "\n").split("\n"), False
        while lines:
            line = lines.pop(0)
            last = not lines
            if not final and last and self._undecided(line):
                break
            name, action, rest = self._label(line)
            foreign = name is not None and name not in self._own | NARRATORS
            aside = name is None and closed and line.strip() and not _REMARK.fullmatch(line)
            if _ENDED.match(line) or (any(pieces) and foreign) or aside:
                return _said(pieces, ended=True)
            if name in NARRATORS and name not in self._own:
                pieces.append(f"（{rest.strip(_BRACKETS)}）" if rest.strip(_BRACKETS) else "")
                continue
            text, after, closed_here = _unquoted(
                rest, lines, lambda: self._goes_on(lines, final=final), labelled=name is not None
            )
            if foreign:  # the visitor's own line said again before the reply
                continue
            other = self._label(after)[0]
            after = "" if not final and last and self._undecided(after) else after
            pieces.append((f"（{action}）" if action else "") + text + ("" if other else after))
            if other:
                return _said(pieces, ended=True)
            closed = closed or closed_here
        return _said(pieces, ended=False)

    def _label(self, line: str) -> tuple[str | None, str, str]:
        """Who the line says is speaking (in lower case, None for nobody), what they do meanwhile, and the rest."""
        found = _LABEL.fullmatch(line)
        if not found:
            return None, "", line
        name, action, rest = found[1].strip().casefold(), found[2] or "", found[3]
        known = name in self._own or name in self._others or (name in NARRATORS and name != "")
        return (name, action, rest) if known or rest[:1] == "「" else (None, "", line)

    def _goes_on(self, lines: list[str], *, final: bool) -> bool:
        """Whether the next line can belong to an open quotation: no divider, nobody's line, and none in the making."""
        if not lines or _ENDED.match(lines[0]) or (not final and len(lines) == 1 and self._undecided(lines[0])):
            return False
        name = self._label(lines[0])[0]
        return name not in self._own | self._others | NARRATORS - {""}

    def _undecided(self, line: str) -> bool:
        """Whether the last, unfinished line may still turn out to be a label or a divider."""
        plain = line.strip()
        if not plain or "###".startswith(plain[:3]) or plain[:1] == "<":
            return True
        name = self._label(line)[0]
        if name is not None:
            return name in NARRATORS - self._own
        head = re.split(r"[（(]", plain)[0]
        return len(head) <= MAX_ROLE and not _SURE.search(head) and plain[:1] not in _PAIRS


def _said(pieces: list[str], *, ended: bool) -> Said:
    return Said("\n".join(pieces).strip(), ended)


def _unquoted(text: str, lines: list[str], goes_on: Callable[[], bool], *, labelled: bool) -> tuple[str, str, bool]:
    """The text inside the quotation marks around it, what stands behind them, and whether they were closed.

    Takes further lines while the marks are open and `goes_on` says so. Without a label only 「 and 『 are marks of a
    whole reply.
    """
    opening = text.lstrip()[:1]
    if opening not in (_PAIRS if labelled else "「『") or not opening:
        loose = text.count("」") > text.count("「")  # the opening mark was part of the prompt
        return (text.rstrip().removesuffix("」") if loose else text.rstrip()), "", loose
    closing, body = _PAIRS[opening], text.lstrip()[1:]
    while (end := _closing(body, opening, closing)) < 0 and goes_on():
        body += "\n" + lines.pop(0)
    return (body[:end], body[end + 1 :].strip(), True) if end >= 0 else (body, "", False)


def _closing(body: str, opening: str, closing: str) -> int:
    """Where the quotation that was opened before `body` ends, -1 for nowhere; the same marks may be nested."""
    depth = 1
    for at, mark in enumerate(body):
        depth += (mark == opening) * (opening != closing) - (mark == closing)
        if not depth:
            return at
    return -1
