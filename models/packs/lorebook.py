"""Lorebooks: the character_book of V2 and V3 cards, and the world info files of SillyTavern. Read both, write V3.

Sources: spec_v2.md of malfoyslastname/character-card-spec-v2, SPEC_V3.md of kwaroran/character-card-spec-v3, and the
names under which SillyTavern keeps its own fields in `extensions`. Knows nothing of when an entry is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.packs.fields import Fields
from models.packs.lint import Lint
from models.packs.pack import Lore

__all__ = ["is_lorebook", "read_book", "write_book"]

AFTER = {"after_char", "1", "4"}  # positions: 4 is «at depth», nearer to the latest message than any persona
# SillyTavern's name in a world info file → its name in the extensions of a card's book
_EXTENSIONS = {
    "excludeRecursion": "exclude_recursion",
    "preventRecursion": "prevent_recursion",
    "delayUntilRecursion": "delay_until_recursion",
    "displayIndex": "display_index",
    "probability": "probability",
    "useProbability": "useProbability",
    "depth": "depth",
    "selectiveLogic": "selectiveLogic",
    "group": "group",
    "groupOverride": "group_override",
    "groupWeight": "group_weight",
    "scanDepth": "scan_depth",
    "matchWholeWords": "match_whole_words",
    "useGroupScoring": "use_group_scoring",
    "automationId": "automation_id",
    "role": "role",
    "vectorized": "vectorized",
    "sticky": "sticky",
    "cooldown": "cooldown",
    "delay": "delay",
    "position": "position",
}


def is_lorebook(value: object) -> bool:
    """Whether a JSON value is a lorebook of its own rather than a card."""
    if not isinstance(value, dict) or "name" in value and "first_mes" in value:
        return False
    entries = value.get("entries")
    listed = list(entries.values()) if isinstance(entries, dict) else entries
    return isinstance(listed, list) and all(isinstance(one, dict) and "content" in one for one in listed[:5])


def read_book(book: object, file: str, lint: Lint) -> tuple[tuple[Lore, ...], dict[str, Any]]:
    """(entries, all other fields of the book verbatim). An entry without content is noted and left out."""
    fields = Fields(book, file, lint)
    entries = []
    for at, given in fields.items("entries"):
        if not isinstance(given, dict) or not isinstance(given.get("content"), str):
            lint.add("bad_entry", file, excerpt=f"entries[{at}]")
            continue
        entries.append(_sillytavern(given, file, lint) if "key" in given else _entry(given, file, lint))
    return tuple(entries), fields.rest()


def _entry(given: Mapping[str, Any], file: str, lint: Lint) -> Lore:
    """An entry of a card's book."""
    fields = Fields(given, file, lint)
    title = fields.text("name") or fields.text("comment")
    return Lore(
        keys=fields.texts("keys"),
        content=fields.text("content"),
        constant=fields.flag("constant"),
        order=fields.number("insertion_order", 100),
        secondary=fields.texts("secondary_keys"),
        selective=fields.flag("selective"),
        enabled=fields.flag("enabled", True),
        case_sensitive=fields.flag("case_sensitive"),
        regex=fields.flag("use_regex"),
        priority=fields.number("priority"),
        after=fields.text("position") in AFTER,
        title=title,
        extra={**fields.rest(), **{key: given[key] for key in ("name", "comment", "position") if given.get(key)}},
    )


def _sillytavern(given: Mapping[str, Any], file: str, lint: Lint) -> Lore:
    """An entry of a world info file; what only SillyTavern knows goes where its cards keep it."""
    fields = Fields(given, file, lint)
    lore = Lore(
        keys=fields.texts("key"),
        content=fields.text("content"),
        constant=fields.flag("constant"),
        order=fields.number("order", 100),
        secondary=fields.texts("keysecondary"),
        selective=fields.flag("selective"),
        enabled=not fields.flag("disable"),
        case_sensitive=fields.flag("caseSensitive"),
        after=fields.text("position") in AFTER,
        title=fields.text("comment"),
    )
    rest = {_EXTENSIONS.get(key, key): value for key, value in fields.rest().items() if key != "uid"}
    rest["position"] = given.get("position", 0)
    extra = {"id": given.get("uid"), "comment": lore.title, "extensions": rest}
    return replace(lore, extra=extra)


def write_book(lore: Sequence[Lore], rest: Mapping[str, Any]) -> dict[str, Any]:
    """A character_book in V3, which is V2 with `use_regex`; `rest` are the other fields of the book."""
    entries = [_written(one, at) for at, one in enumerate(lore)]
    return {"extensions": {}, **rest, "entries": entries}


def _written(lore: Lore, at: int) -> dict[str, Any]:
    return {
        "id": at,
        "name": lore.title,
        "comment": lore.title,
        "extensions": {},
        "position": "after_char" if lore.after else "before_char",
        **lore.extra,
        "keys": list(lore.keys),
        "secondary_keys": list(lore.secondary),
        "content": lore.content,
        "enabled": lore.enabled,
        "constant": lore.constant,
        "selective": lore.selective,
        "insertion_order": lore.order,
        "case_sensitive": lore.case_sensitive,
        "use_regex": lore.regex,
        "priority": lore.priority,
    }
