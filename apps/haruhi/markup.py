"""The conversation as markup: messages with their tools, the answer that grows, the buttons below, the cast.

Every text of a visitor, a pack or a model is escaped here. Buttons say with `data-do` what they ask for;
assets/haruhi/haruhi.js passes that on, apps/haruhi/stage.py does it.
"""

import json
import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Any

from apps import ui
from apps.haruhi.faces import address, face, img
from apps.haruhi.story import RULES, Story
from apps.panel import origin_line
from models.packs.pack import Pack
from models.roleplay.conversation import Node, messages_of
from models.roleplay.turns import NARRATORS
from models.spec import Origin
from models.strings import say, table

SHOWN = 120  # messages that show; earlier ones stay in the story
_BRANCH = 24  # characters of a branch's last message
_INLINE = 320  # pixels of a picture in the chat
_GROWING = re.compile(r'<div data-testid="bot" data-key="([^"]*)" data-mode="([^"]*)">([^<]*)</div>')


def button(do: dict[str, Any], words: str, *, css: str = "", off: bool = False, title: str = "", name: str = "") -> str:
    """A button that asks for something; `words` is markup, `title` a plain text for pointer and screen reader."""
    told = f' title="{escape(title)}" aria-label="{escape(title)}"' if title else ""
    known = f' id="{name}"' if name else ""
    asked = escape(json.dumps(do, ensure_ascii=False))
    rest = f"{told}{' disabled' if off else ''}"
    return f'<button type="button"{known} class="{css}" data-do="{asked}"{rest}>{words}</button>'


def log(story: Story, cast: Sequence[Pack], lang: str) -> str:
    """All messages that show, each with its own tools, newest last."""
    rows = list(messages_of(story.tree))
    early = f'<p class="note">{ui.both("haruhi.earlier", count=len(rows) - SHOWN)}</p>' if len(rows) > SHOWN else ""
    by_key = {pack.id: pack for pack in cast}
    shown = "".join(_message(story, by_key, row, lang, newest=row is rows[-1]) for row in rows[-SHOWN:])
    return f'<div class="log" style="{_faces(cast)}">{early}{shown}</div>'


def _faces(cast: Sequence[Pack]) -> str:
    """The portraits, once for all messages."""
    return ";".join(f"--face{at}:url({face(pack)})" for at, pack in enumerate(cast) if face(pack))


def _message(
    story: Story, cast: dict[str, Pack], row: tuple[int, Node, tuple[int, ...]], lang: str, *, newest: bool
) -> str:
    at, node, family = row
    mine = node.side == "user"
    narrated = " narration" if node.speaker in NARRATORS else ""
    key = str(node.meta.get("key", ""))
    return (
        f'<div class="message {"user" if mine else "bot"}{narrated}" data-node="{at}">'
        f"{_who(node, key, cast, narrated=bool(narrated))}"
        f'<div data-testid="{"user" if mine else "bot"}">{escape(node.text)}</div>'
        f"{_inline(story, node, cast.get(key))}{_acts(story, at, node, family, lang, newest=newest)}</div>"
        f"{'' if mine else _behind(node, lang)}"
    )


def _who(node: Node, key: str, cast: dict[str, Pack], *, narrated: bool) -> str:
    """Portrait and name of who speaks."""
    if narrated:
        return f'<span class="who">{ui.both("haruhi.narrator")}</span>'
    if node.side == "user":
        return f'<span class="who">{escape(node.speaker)}</span>'
    number = list(cast).index(key) if key in cast else 0
    pack = cast.get(key)
    disc = (
        f'<i class="face" style="background-image:var(--face{number})"></i>'
        if pack and face(pack)
        else f'<i class="face initial">{escape(node.speaker[:1])}</i>'
    )
    return f'<span class="who">{disc}{escape(node.speaker)}</span>'


def _inline(story: Story, node: Node, pack: Pack | None) -> str:
    at = node.meta.get("picture")
    if not story.inline or pack is None or type(at) is not int or not 0 <= at < len(pack.pictures):
        return ""
    if node.meta.get("why") not in ("matched", "asked"):
        return ""
    return f'<div class="inline">{img(address(pack.pictures[at], _INLINE), pack.pictures[at].caption.to("zh"))}</div>'


def _acts(story: Story, at: int, node: Node, family: tuple[int, ...], lang: str, *, newest: bool) -> str:
    """What can be done with one message."""
    parts = []
    if len(family) > 1 or (newest and node.side == "character" and node.parent >= 0):
        place = family.index(at) + 1
        parts.append(
            button({"do": "swipe", "at": at, "step": -1}, "‹", off=place == 1, title=say("haruhi.swipe_back", lang))
        )
        parts.append(f'<span class="place">{place}/{len(family)}</span>')
        more = place < len(family) or (newest and node.side == "character")
        words = "haruhi.swipe_on" if place < len(family) else "haruhi.swipe_new"
        parts.append(button({"do": "swipe", "at": at, "step": 1}, "›", off=not more, title=say(words, lang)))
    parts.append(button({"do": "edit", "at": at}, "", css="icon edit", title=say("haruhi.edit", lang)))
    parts.append(button({"do": "copy", "at": at}, "", css="icon copy", title=say("haruhi.copy", lang)))
    if not newest:
        parts.append(button({"do": "branch", "at": at}, "", css="icon fork", title=say("haruhi.branch", lang)))
    return f'<span class="acts">{"".join(parts)}</span>'


def _behind(node: Node, lang: str) -> str:
    """The folded row under an answer: who made it and what it rests on."""
    made = node.meta.get("origin")
    if not isinstance(made, dict):
        return ""
    origin = Origin(
        made.get("how") if made.get("how") in ("neural", "extractive", "retrieved", "rule") else "rule",
        str(made.get("engine", "embedded")), str(made.get("model", "")), str(made.get("adapter", "")),
        str(made.get("fingerprint", "")),
    )  # fmt: skip
    told = [str(line) for line in node.meta.get("told", ()) if isinstance(line, str)]
    title = [origin_line(origin, lang)]
    title += [say("hub.evidence_count", lang, count=len(told))] if told or origin.how != "neural" else []
    note = str(node.meta.get("note", ""))
    title += [say(note, lang)] if note in table() else []
    lines = "".join(f"<li>{escape(line)}</li>" for line in told) or "<li>—</li>"
    return (
        f'<details class="thought-group"><summary class="title">{escape(" · ".join(title))}</summary>'
        f"<ol>{lines}</ol></details>"
    )


def live(pack: Pack, text: str, mode: str) -> str:
    """The answer while it grows; `growing` reads it again."""
    narrated = mode == "narrate"
    name = ui.both("haruhi.narrator") if narrated else escape(pack.speaker)
    disc = "" if narrated else img(face(pack), pack.speaker, "face")
    css = "message bot narration" if narrated else "message bot"
    return (
        f'<div class="{css}"><span class="who">{disc}{name}</span>'
        f'<div data-testid="bot" data-key="{escape(pack.id)}" data-mode="{escape(mode)}">{escape(text)}</div></div>'
    )


def growing(markup: str) -> tuple[str, str, str]:
    """(key of the character, mode, text) of what `live` wrote; empty ones for anything else."""
    found = _GROWING.search(markup or "")
    return (unescape(found[1]), unescape(found[2]), unescape(found[3])) if found else ("", "", "")


def waiting(note: str, fraction: float) -> str:
    """What is being done while there is no word of an answer yet, such as loading a model."""
    words = ui.both(note if note in table() else "hub.working")
    percent = round(fraction * 100)
    return (
        f'<div class="status" role="status"><progress max="100" value="{percent}" aria-label="{percent}%"></progress>'
        f"<span>{words} {percent}%</span></div>"
    )


def notice(text: str) -> str:
    """Why there is no answer."""
    return f'<p class="status error" role="alert">{escape(text)}</p>'


def tools(story: Story, cast: Sequence[Pack], lang: str) -> str:
    """The buttons under the box, those that make sense now; with a cast of several, who may speak next."""
    tree, said = story.tree, any(node.side == "user" for node in (story.tree.nodes[at] for at in story.tree.path()))
    keys = ("continue", "narrate", "suggest", "undo", "redo", "retry", "clear")
    off = {"undo": not said, "redo": not tree.undone, "retry": not said, "clear": len(tree.nodes) < 2}
    main = "".join(_tool(key, lang, off=off.get(key, False)) for key in keys)
    return f'<div class="tools">{main}</div>{_cast(story, cast, lang)}{_more(story, lang)}'


def _tool(key: str, lang: str, *, off: bool) -> str:
    title = say(f"haruhi.do.{key}_info", lang)
    return button({"do": key}, ui.both(f"haruhi.do.{key}"), off=off, title=title, name=f"haruhi-{key}")


def _cast(story: Story, cast: Sequence[Pack], lang: str) -> str:
    """Who is in the scene: press one and they speak; how the next speaker is found."""
    if len(cast) < 2:
        return ""
    members = "".join(_member(pack, lang, guest=at > 0) for at, pack in enumerate(cast))
    rules = "".join(
        button({"do": "rule", "rule": rule}, ui.both(f"haruhi.rule.{rule}"), css="on" if story.rule == rule else "")
        for rule in RULES
    )
    return (
        f'<div class="cast" role="group" aria-label="{escape(say("haruhi.cast", lang))}">{members}</div>'
        f'<div class="rules" role="group"><span>{ui.both("haruhi.rule")}</span>{rules}</div>'
    )


def _member(pack: Pack, lang: str, *, guest: bool) -> str:
    words, title = img(face(pack), "", "face") + escape(pack.speaker), say("haruhi.speak", lang, name=pack.speaker)
    gone = say("haruhi.leave", lang, name=pack.speaker)
    leave = button({"do": "leave", "key": pack.id}, "×", title=gone) if guest else ""
    return f'<span class="member">{button({"do": "speak", "key": pack.id}, words, title=title)}{leave}</span>'


def _more(story: Story, lang: str) -> str:
    """Branches, files, pictures in the chat: folded, as they are seldom needed."""
    tree = story.tree
    ends = [at for at in tree.branches() if at >= 0][-30:]
    ways = "".join(
        f"<li>{button({'do': 'goto', 'at': at}, escape(_end(tree.nodes[at])), css='on' if at == tree.tip else '')}</li>"
        for at in ends
    )
    branches = f'<p>{ui.both("haruhi.branches")}</p><ul class="ways">{ways}</ul>' if len(ends) > 1 else ""
    kinds = "".join(
        button({"do": "export", "kind": kind}, ui.both(f"haruhi.export.{kind}"), name=f"haruhi-export-{kind}")
        for kind in ("jsonl", "md", "txt")
    )
    check = " checked" if story.inline else ""
    switch = (
        f'<label class="switch"><input type="checkbox" data-do="{escape(json.dumps({"do": "inline"}))}"{check}> '
        f"{ui.both('haruhi.inline')}</label>"
    )
    field = '<input type="file" data-upload="chat" accept=".jsonl">'
    upload = f'<label class="upload">{field}{ui.both("haruhi.import")}</label>'
    return (
        f'<details class="more"><summary>{ui.both("haruhi.more")}</summary>'
        f"<p>{ui.both('haruhi.keep')}</p><div class='tools'>{kinds}{upload}</div>{switch}{branches}</details>"
    )


def _end(node: Node) -> str:
    return f"{node.speaker}：{node.text[:_BRANCH]}{'…' if len(node.text) > _BRANCH else ''}"
