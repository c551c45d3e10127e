"""Names and scenes that a persona asks for: {{char}} and {{user}} of cards, {{RAG对话}} slots of ChatHaruhi 3.0.

A slot takes its whole line, as in the original; its English alias, documented there but never read, works here.
Forms: {{RAG对话}}, {{RAG对话|query}}, {{RAG多对话|token<=1500|n<=5}}, {{RAG dialogue|…}}, {{RAG dialogues|…}}.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CHAR = "char|bot|role|role_name|char_name|角色"
_USER = "user|user_name|用户"
_NAMES = re.compile(
    rf"\{{\{{\s*(?:(?P<char>{_CHAR})|(?P<user>{_USER}))\s*\}}\}}|(?P<bot><BOT>|<CHAR>)|(?P<you><USER>)", re.IGNORECASE
)
_SLOT = re.compile(
    r"\{\{\s*RAG[\s_-]*(?P<many>多)?(?:对话|(?:multi[\s_-]*)?(?P<english>dialogue|dialogues|scene|scenes))?\s*"
    r"(?P<arguments>(?:\|[^{}|\n]*)*)\}\}",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"\s*(token|tokens|n)\s*(?:<=|≤|=)\s*(\d{1,6})\s*", re.IGNORECASE)
DIVIDER = "###\n"  # before every scene of a slot


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot asks for."""

    n: int = 1  # scenes at most
    max_tokens: int = -1  # of these together; -1 for as many as the prompt has room for
    query: str = ""  # what is searched for; "" for what the visitor said


def named(text: str, char: str, user: str) -> str:
    """The text with the names put in; one pass, so that a name that looks like a macro stays as it is.

    >>> named("{{char}}认识{{用户}}。", "春日", "阿虚")
    '春日认识阿虚。'
    """
    return _NAMES.sub(lambda found: char if found["char"] or found["bot"] else user, text)


def slots(persona: str) -> Iterator[tuple[int, Slot]]:
    """Number of the line and what its slot asks for, from above."""
    for number, line in enumerate(persona.split("\n")):
        if found := _SLOT.search(line):
            yield number, _slot(found)


def filled(persona: str, scenes: Callable[[Slot], list[str]]) -> str:
    """The persona with every slot's line replaced by its scenes, each after `###`; a slot without scenes goes."""
    lines = persona.split("\n")
    gone = set()
    for number, slot in slots(persona):
        found = scenes(slot)
        lines[number] = "".join(DIVIDER + scene.strip() + "\n" for scene in found).strip()
        gone |= set() if found else {number}
    return "\n".join(line for number, line in enumerate(lines) if number not in gone)


def _slot(found: re.Match[str]) -> Slot:
    limits: dict[str, int] = {}
    query = ""
    for argument in filter(None, found["arguments"].split("|")):
        if limit := _LIMIT.fullmatch(argument):
            limits[limit[1].lower()[0]] = int(limit[2])
        else:
            query = argument.strip()
    several = found["many"] or (found["english"] or "").lower().endswith("s")
    return Slot(limits.get("n", 5 if several else 1), limits.get("t", -1), query)
