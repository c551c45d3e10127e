"""The tolerant reader of scene lines: whatever stands in a script becomes lines, and not a character is lost.

The grammar is `角色:「台词」`, with either colon. Met in the published packs, and read here: stage directions before,
after and inside the speaker's name; quotations that are not closed, or that run over lines; lines without quotation
marks; nested quotation marks; empty quotations; an empty role; narrators under many names; wiki quotes around names;
CRLF and lone CR; blank lines; prose, markup and JSON where a dialogue should be. Knows nothing of files and packs.

A line that fits the grammar costs about a microsecond; only the odd ones are looked at closely. Every repetition in
the patterns is bounded or unambiguous, so that a hostile line of megabytes takes linear time.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from models.packs.pack import NARRATORS, Kind, Line, Scene

__all__ = ["Odd", "parse_lines", "role_of", "scene"]

MAX_ROLE = 40  # characters before the colon, stage directions included
MAX_PLAIN_ROLE = 12  # characters of a role whose line has no quotation marks: a longer one is prose with a colon in it
MAX_JOINED = 5  # lines that an open quotation may run on
_END = r"(?:\r\n?|\n)"
_BLANK = " \t\u3000\ufeff"
_LINE = re.compile(  # whole line with the blank lines after it; role, quotation, rest where the line begins like one
    rf"((?:([^:：「」\r\n]{{0,{MAX_ROLE}}})[:：][ \u3000]?「([^「」\r\n]*)」)?([^\r\n]*){_END}?"
    rf"(?:[{_BLANK}]*{_END})*(?:[{_BLANK}]+\Z)?)"
)
_HEAD = re.compile(rf"([^:：\r\n]{{0,{MAX_ROLE}}})[:：]\s*", re.DOTALL)
_NEW_SPEAKER = re.compile(rf"[^:：「」\r\n]{{0,{MAX_ROLE}}}[:：]\s?「")
_BRACKETED = r"（[^（）\n]{0,300}）|\([^()\n]{0,300}\)|【[^【】\n]{0,300}】|\[[^\[\]\n]{0,300}\]"
_DIRECTION = re.compile(_BRACKETED)
_BEFORE = re.compile(rf"((?:{_BRACKETED})\s*)+(?=[「『“])")
_AROUND = re.compile(rf"((?:(?:{_BRACKETED})\s*)+[:：]?\s*)?(.*?)((?:(?:{_BRACKETED})\s*)+)?", re.DOTALL)
_ONLY_DIRECTION = re.compile(rf"(?:{_BRACKETED})[。.]?|\*[^*\n]{{1,300}}\*")
_BETWEEN = re.compile(r"」([^「」\n]{0,300})「")
_NO_NAME = re.compile(r"[。！？，,!?;；、…“”\"{}<>|=/\\#@]|\.\s|^[\d\s.\-]+$")
_CAPITALISED = re.compile(
    r"(?:[A-Z][\w'.-]*|of|the|and|de|von|[#\d]+)(?:\s(?:[A-Z][\w'.-]*|of|the|and|de|von|[#\d]+))*"
)
_MARKUP = ("<", "{{", "|", "}}", "#")
_QUOTES = {"「": "」", "『": "』", "“": "”", '"': '"'}
_WRAPS = "'*_ \t\u3000\ufeff"  # around a name: '''Scene''', **Name**
_MARKED_NAME = re.compile(r"「([^「」]+)」|『([^『』]+)』|《([^《》]+)》")


class Odd(NamedTuple):
    """Something odd about a line: the code of models/packs/lint.py, and the index of the line."""

    code: str
    at: int


class Role(NamedTuple):
    """What stands before the colon, taken apart."""

    name: str
    kind: Kind
    action: str


def scene(title: str, raw: str, source: str = "", odd: list[Odd] | None = None) -> Scene:
    """A scene of a text; what was odd is appended to `odd`."""
    lines, found = parse_lines(raw)
    if odd is not None:
        odd += found
    return Scene(title, raw, lines, source)


def parse_lines(raw: str) -> tuple[tuple[Line, ...], list[Odd]]:
    """The lines of a text and what was odd about them. The raws of the lines joined are the text, unless all is blank.

    >>> lines, odd = parse_lines("骆驼（抬头）:「到了。」（笑）\\n\\n旁白：天黑了。")
    >>> [line[:4] for line in lines]
    [('骆驼', '到了。', 'speech', '抬头；笑'), ('', '天黑了。', 'narration', '')]
    """
    found, lines, odd = _LINE.findall(raw), [], []
    at, pending, n_found = 0, "", len(found)
    while at < n_found:
        whole, who, said, rest = found[at]
        at += 1
        if said and not (rest and rest.strip()):
            role = role_of(who)
            if role is not None:
                lines.append(Line(role.name, said, role.kind, role.action, pending + whole if pending else whole))
                pending = ""
                continue
        if not whole.strip(" \t\r\n\u3000\ufeff"):
            pending += whole
            continue
        if whole.count("「") > whole.count("」"):
            n_more = _runs_on(whole, (more[0] for more in found[at : at + MAX_JOINED]))
            whole = "".join((whole, *(more[0] for more in found[at : at + n_more])))
            at += n_more
        line, codes = _read(whole)
        odd += [Odd(code, len(lines)) for code in codes]
        lines.append(line._replace(raw=pending + whole))
        pending = ""
    if pending and lines:
        lines[-1] = lines[-1]._replace(raw=lines[-1].raw + pending)
    return tuple(lines), odd


def _runs_on(whole: str, following: Iterable[str]) -> int:
    """How many of the following lines belong to a quotation that is still open; 0 when a new speaker comes first."""
    depth = whole.count("「") - whole.count("」")
    for count, line in enumerate(following, 1):
        if _NEW_SPEAKER.match(line.lstrip()) or _blank_line_before(whole):
            return 0
        depth += line.count("「") - line.count("」")
        if depth <= 0:
            return count
        whole = line
    return 0


def _blank_line_before(whole: str) -> bool:
    """Whether blank lines follow a line: no quotation runs on over them."""
    return whole.count("\n") > 1


@lru_cache(maxsize=8192)
def role_of(who: str) -> Role | None:
    """What stands before the colon of a quoted line; None when it is no name.

    >>> role_of("'''Scene'''").kind, role_of("汤师爷（凑近）"), role_of("「博士」").name
    ('narration', Role(name='汤师爷', kind='speech', action='凑近'), '博士')
    """
    actions = [found[0][1:-1].strip() for found in _DIRECTION.finditer(who)]
    name = _DIRECTION.sub("", who).strip(_WRAPS)
    if marked := _MARKED_NAME.fullmatch(name):
        name = marked[marked.lastindex or 0]
    kind: Kind = "narration" if name.lower() in NARRATORS else "speech"
    if "{" in name or '"' in name:
        return None
    return Role(name if kind == "speech" else "", kind, "；".join(filter(None, actions)))


def _read(whole: str) -> tuple[Line, tuple[str, ...]]:
    """A line that does not fit the grammar at first sight, and why."""
    body = whole.strip().strip("\ufeff").strip()
    head = _HEAD.match(body)
    role = role_of(head[1]) if head else None
    if head is None or role is None:
        return _without_role(body)
    rest = body[head.end() :]
    before = _BEFORE.match(rest)
    spoken = rest[before.end() :] if before else rest
    actions = [role.action, *(_directions(before[0]) if before else ())]
    if spoken.startswith("「"):
        text, after, codes = _quoted(spoken)
        return _line(role, text, [*actions, *after]), ((*codes, "name_direction") if role.action else codes)
    if role.kind == "speech" and role.name and not _is_plain_role(role.name):
        return _without_role(body)
    return _unquoted(role, rest, actions) or _without_role(body)


def _line(role: Role, text: str, actions: list[str]) -> Line:
    """A line of a known kind; without a word spoken or told it is an action."""
    action = "；".join(filter(None, actions))
    return Line(role.name, text, role.kind if text else "action", action, "")


def _quoted(spoken: str) -> tuple[str, list[str], tuple[str, ...]]:
    """(text, stage directions after and between quotations, codes) of what begins with 「."""
    if "」" not in spoken:
        return spoken[1:].strip(), [], ("unclosed",)
    inner, _, after = spoken[1:].rpartition("」")
    codes: list[str] = ["direction_after"] if after.strip() else []
    actions = _directions(after) if after.strip() else []
    if inner.count("「") and (between := _between(inner)):
        actions = [part for found in between for part in _directions(found[1])] + actions
        starts, ends = [0, *(found.end() for found in between)], [*(found.start() for found in between), len(inner)]
        inner = " ".join([inner[start:end] for start, end in zip(starts, ends, strict=True)])
        codes.append("several_quotations")
    if spoken.count("「") > spoken.count("」"):
        codes.append("unclosed")
    if not inner.strip():
        codes.append("empty_quotation")
    if "\n" in inner or "\r" in inner:
        codes.append("multi_line")
        inner = inner.replace("\r\n", "\n").replace("\r", "\n")
    return inner.strip(), actions, tuple(codes)


def _is_one_quotation(body: str) -> bool:
    """Whether the mark that opens a line is closed at its end, stage directions after it left out.

    >>> [_is_one_quotation(text) for text in ("「他说「好」。」（笑）", "「甲」和「乙」", "「甲」是谁")]
    [True, False, False]
    """
    depth, close = 0, -1
    for found in re.finditer("[「」]", body):
        depth += 1 if found[0] == "「" else -1
        if depth == 0:
            close = found.end()
            break
    rest = body[close:].strip() if close > 0 else "?"
    return not rest or bool(_ONLY_DIRECTION.fullmatch(rest))


def _between(inner: str) -> "list[re.Match[str]]":
    """Every 」…「 that lies between two quotations rather than inside of one: everything opened before is closed."""
    kept, at, depth = [], 0, 0
    for found in _BETWEEN.finditer(inner):
        depth += inner.count("「", at, found.start()) - inner.count("」", at, found.start())
        at = found.start()
        if depth == 0:
            kept.append(found)
    return kept


def _directions(text: str) -> list[str]:
    """Stage directions of a text without their brackets; what stands outside of brackets is one as well."""
    inside = [found[0][1:-1].strip() for found in _DIRECTION.finditer(text)]
    outside = _DIRECTION.sub(" ", text).strip(" \t\r\n」")
    return [*inside, outside] if outside else inside


def _unquoted(role: Role, rest: str, actions: list[str]) -> tuple[Line, tuple[str, ...]] | None:
    """`角色：没有引号的话`, `旁白:…`, and `:动作`; None for a heading, `第一章：`."""
    codes = ("name_direction",) if role.action else ()
    if role.kind == "narration":
        return _line(role, _bare(rest), actions), codes
    if not role.name:
        return Line("", "", "action", "；".join(filter(None, [*actions, *_directions(rest)])), ""), ("no_role", *codes)
    if not rest and not any(actions):
        return None
    if not rest:
        return _line(role, "", actions), ("empty_quotation", *codes)
    if rest.endswith("」") and "「" not in rest:
        return _line(role, rest.rstrip("」").strip(), actions), ("unopened", *codes)
    said, directions = _spoken(rest)
    return _line(role, said, [*actions, *directions]), ("unquoted", *codes)


def _spoken(rest: str) -> tuple[str, list[str]]:
    """What is said in a text without quotation marks, and the stage directions before and after it."""
    found = _AROUND.fullmatch(rest)
    if found is None or not (found[1] or found[3]):
        return _bare(rest), []
    return _bare(found[2]), _directions(f"{found[1] or ''}{found[3] or ''}")


def _bare(text: str) -> str:
    """A text without the quotation marks around all of it."""
    close = _QUOTES.get(text[:1])
    if close and len(text) > 1 and text.endswith(close) and close not in text[1:-1]:
        return text[1:-1].strip()
    return text.strip()


def _is_plain_role(name: str) -> bool:
    """Whether a name without quotation marks after it is one, rather than the beginning of a sentence."""
    if _NO_NAME.search(name):
        return False
    if name.isascii():
        return len(name) <= MAX_ROLE and bool(_CAPITALISED.fullmatch(name))
    return len(name) <= MAX_PLAIN_ROLE


def _without_role(body: str) -> tuple[Line, tuple[str, ...]]:
    """A line that names nobody: a quotation, a stage direction, or prose."""
    if body.startswith("「") and _is_one_quotation(body):
        text, actions, codes = _quoted(body)
        return _line(Role("", "speech", ""), text, actions), ("no_role", *codes)
    if _ONLY_DIRECTION.fullmatch(body):
        return Line("", "", "action", body.rstrip("。.")[1:-1].strip(), ""), ()
    if body.startswith(('{"', '["', "[{")):
        return Line("", body, "narration", "", ""), ("json_like",)
    if body.startswith(_MARKUP):
        return Line("", body, "narration", "", ""), ("markup",)
    if body.endswith("」") and "「" not in body:
        return Line("", body.rstrip("」").strip(), "narration", "", ""), ("unopened",)
    return Line("", body, "narration", "", ""), ("prose",)
