"""The characters in the hub's own folders (card.json, scenes.txt, pictures.json) as Packs. Knows that format only."""

import re
from typing import Any

from models.characters import Character
from models.packs.lines import scene
from models.packs.pack import Bilingual, Pack, Picture, Scene

__all__ = ["pack_of"]

_TITLE = re.compile(r"^##[ \t]+(.+?)[ \t]*$", re.MULTILINE)


def pack_of(who: Character) -> Pack:
    """The Pack of a character."""
    card = who.card
    return Pack(
        id=who.key,
        name=_words(card["name"]),
        speaker=who.speaker,
        persona=_words(card["persona"]),
        scenes=scenes_of(who.script),
        pictures=tuple(_picture(who, entry) for entry in who.pictures),
        greeting=_words(card["greeting"]),
        starters=tuple(map(str, card["starters"])),
        roles=tuple(map(str, card["roles"])),
        deflections=tuple(map(str, card.get("deflections", ()))),
        series=_words(card["series"]),
        source=str(card.get("author", "")),
        licence=str(card.get("licence", "")),
    )


def scenes_of(script: str) -> tuple[Scene, ...]:
    """The scenes of a script, each from its `## title` to the next one."""
    parts = _TITLE.split(script)
    return tuple(
        scene(title, text.strip("\n"), source="scenes.txt")
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    )


def _words(given: dict[str, str]) -> Bilingual:
    return Bilingual(str(given["zh"]), str(given["en"]))


def _picture(who: Character, entry: dict[str, Any]) -> Picture:
    return Picture(
        file=str(entry["file"]),
        caption=_words(entry["caption"]),
        content=who.folder / "pictures" / str(entry["file"]),
        emotion=str(entry.get("emotion", "")),
        cues=tuple(map(str, entry.get("cues", ()))),
        portrait=bool(entry.get("portrait")),
        neutral=bool(entry.get("neutral")),
    )
