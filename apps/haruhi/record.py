"""What of an answer goes into a story, and what a command changes of it. Pure; knows stories and packs."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from apps.haruhi.acting import Step
from apps.haruhi.story import RULES, Story
from models.packs.pack import Pack
from models.roleplay.compose import Mode
from models.roleplay.conversation import Conversation
from models.roleplay.macros import named
from models.roleplay.turns import NARRATOR

MAX_TOLD, N_TOLD = 300, 5  # characters of a piece of evidence that a story keeps; how many


def greeted(text: str, pack: Pack, role: str) -> str:
    """A greeting with the names put in."""
    return named(text, pack.name.to(pack.language) or pack.speaker, role)


def roles(cast: list[Pack], role: str) -> tuple[str, ...]:
    """Whom the visitor may be, what they are now first; the narrator is always one of them."""
    return tuple(dict.fromkeys(filter(None, (role, *cast[0].roles, NARRATOR))))


def changed(story: Story, do: Mapping[str, Any]) -> Story:
    """The story without a guest, with another rule, with or without pictures in the chat."""
    if do["do"] == "leave":
        return story.leave(str(do.get("key", "")))
    if do["do"] == "rule":
        return replace(story, rule=do["rule"]) if do.get("rule") in RULES else story
    return replace(story, inline=do.get("on") is True)


def with_answer(tree: Conversation, pack: Pack, mode: Mode, text: str, meta: dict[str, Any]) -> Conversation:
    """The conversation with an answer: after the last message, as its continuation, or as the narrator's."""
    if mode == "continue" and tree.nodes[tree.tip].speaker == pack.speaker:
        joint = "" if tree.nodes[tree.tip].text.endswith("\n") or not meta.get("joint") else "\n"
        longer = tree.extend(joint + text)
        return longer.annotate(
            longer.tip, **{key: meta[key] for key in ("place", "picture", "why", "shots") if key in meta}
        )
    return tree.say("character", NARRATOR if mode == "narrate" else pack.speaker, text, meta)


def meta_of(pack: Pack, step: Step) -> dict[str, Any]:
    """What is kept with an answer."""
    made, told = step.reply.origin, step.reply.evidence
    origin = asdict(made)
    lines = [f"{one.text[:MAX_TOLD]} — {one.source} ({one.score:.2f})" for one in told[:N_TOLD]]
    meta: dict[str, Any] = {"key": pack.id, "origin": origin, "told": lines, "note": step.reply.note}
    if step.place >= 0:
        meta["place"] = step.place
    if made.how == "retrieved":
        meta["joint"] = True
    return meta
