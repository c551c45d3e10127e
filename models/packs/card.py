"""Character cards of SillyTavern and its kin: JSON of V1, V2 and V3 into a Pack and back into V3 (or V2).

Sources: character-card-spec-v2 of malfoyslastname, SPEC_V3.md of kwaroran/character-card-spec-v3. What a Pack has no
field for survives verbatim in `Pack.extra`; what a card has no field for stands in `extensions.luotuo`. Knows JSON;
PNG and zip around it are models/packs/png.py and models/packs/charx.py.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.packs.fields import Fields
from models.packs.lines import Odd, scene
from models.packs.lint import Lint
from models.packs.lorebook import read_book, write_book
from models.packs.meta import apply_fields, listed_scenes, meta_of, scenes_from
from models.packs.pack import Bilingual, Pack, Picture, Scene
from models.packs.reading import bilingual, language_of, partners, slug

__all__ = ["EXAMPLES", "is_card", "read_card", "write_card"]

EXAMPLES = "mes_example"  # Scene.source of a dialogue that is written in this field of the card
_START = re.compile(r"<START>", re.IGNORECASE)
_TURN = re.compile(
    r"^\s*(?:(\{\{char\}\}|<BOT>)|(\{\{user\}\}|<USER>)|([^\s:：][^:：\n]{0,39}?))\s*[:：][ \t]*", re.IGNORECASE
)
_CARD_ONLY = (
    "personality",
    "scenario",
    "instructions",
    "after_history",
    "examples",
    "alternate_greetings",
    "tags",
)
_V1 = ("name", "description", "personality", "scenario", "first_mes", "mes_example")


def is_card(value: object) -> bool:
    """Whether a JSON value is a card of any version."""
    if not isinstance(value, dict):
        return False
    data = value.get("data")
    if isinstance(data, dict) and (str(value.get("spec", "")).startswith("chara_card") or "first_mes" in data):
        return True
    return isinstance(value.get("name"), str) and (
        "first_mes" in value or "description" in value or "mes_example" in value
    )


def read_card(
    card: Mapping[str, Any], file: str, pictures: tuple[Picture, ...], lint: Lint, *, title: str = ""
) -> tuple[Pack, list[Any]]:
    """(pack, entries of `assets` for whoever knows where their bytes are). `title` names a card without a name."""
    data = card["data"] if isinstance(card.get("data"), dict) else {k: v for k, v in card.items() if k != "data"}
    top = {key: value for key, value in card.items() if key != "data"} if data is card.get("data") else {}
    fields = Fields(data, file, lint)
    name = fields.text("name").strip() or title or "Character"
    nickname = fields.text("nickname").strip()
    extensions = fields.mapping("extensions")
    own = extensions.pop("luotuo", None)
    own_fields = Fields(own if isinstance(own, dict) else {}, file, lint)
    lore, book = read_book(data["character_book"], file, lint) if "character_book" in fields else ((), {})
    fields.mapping("character_book")
    examples = fields.text("mes_example")
    persona, greeting = fields.text("description"), fields.text("first_mes")
    scenes = (*scenes_from(own_fields, file, lint), *_example_scenes(examples, nickname or name, file, lint))
    assets = [one for _, one in fields.items("assets")]
    pack = Pack(
        id=slug(name),
        name=bilingual(name),
        speaker=nickname or name,
        language=language_of([persona, greeting, examples]),
        persona=bilingual(persona),
        personality=fields.text("personality"),
        scenario=fields.text("scenario"),
        instructions=fields.text("system_prompt"),
        after_history=fields.text("post_history_instructions"),
        examples=examples,
        scenes=scenes,
        pictures=pictures,
        greeting=bilingual(greeting),
        alternate_greetings=fields.texts("alternate_greetings"),
        roles=partners(scenes, [name, nickname]),
        lore=lore,
        source=fields.text("creator"),
        tags=fields.texts("tags"),
    )
    extra = {"data": {**fields.rest(), "extensions": extensions}, "card": _without_v1(top), "book": book}
    pack = replace(pack, extra={key: value for key, value in extra.items() if value})
    if not (persona or pack.personality or pack.instructions):
        lint.add("no_persona", file)
    return pack, assets


def apply_own(pack: Pack, card: Mapping[str, Any], file: str, lint: Lint) -> Pack:
    """The pack with what `extensions.luotuo` says, once its pictures are there."""
    data = card["data"] if isinstance(card.get("data"), dict) else card
    own = (data.get("extensions") or {}).get("luotuo") if isinstance(data.get("extensions"), dict) else None
    if not isinstance(own, dict):
        return pack
    described = apply_fields(pack, {key: value for key, value in own.items() if key != "extra"}, lint, file)
    return replace(described, scenes=pack.scenes)


def _without_v1(top: Mapping[str, Any]) -> dict[str, Any]:
    """Fields beside `data` that are not the V1 copy of what stands in it."""
    return {key: value for key, value in top.items() if key not in (*_V1, "spec", "spec_version")}


def _example_scenes(examples: str, speaker: str, file: str, lint: Lint) -> tuple[Scene, ...]:
    """The dialogues of mes_example: `<START>` begins one, `{{char}}: …` and `{{user}}: …` are turns."""
    made: list[Scene] = []
    user = "用户" if language_of([examples]) != "en" else "User"
    for block in _START.split(examples):
        turns: list[tuple[str, str]] = []
        for line in block.splitlines():
            if found := _TURN.match(line):
                role = speaker if found[1] else user if found[2] else found[3]
                turns.append((role, line[found.end() :].strip()))
            elif turns and line.strip():
                turns[-1] = (turns[-1][0], f"{turns[-1][1]} {line.strip()}")
        raw = "".join(f"{_plain(role)}:「{text}」\n" for role, text in turns if text)
        if raw:
            odd: list[Odd] = []
            made.append(scene(f"{EXAMPLES} {len(made) + 1}", raw.replace("{{user}}", user), EXAMPLES, odd))
            lint.scene(made[-1], odd)
    return tuple(made)


def _plain(role: str) -> str:
    return re.sub(r"[:：「」]", "", role)


def write_card(pack: Pack, assets: list[dict[str, str]], *, version: int = 3) -> dict[str, Any]:
    """The card of a pack. `assets` are V3 entries for its pictures and attachments; V2 has no field for them."""
    kept: dict[str, Any] = {key: value for key, value in _known(pack.extra, "data").items() if value is not None}
    data: dict[str, Any] = {
        "creator_notes": "",
        "character_version": "",
        **kept,
        "name": pack.name.to(pack.language),
        "description": pack.persona.to(pack.language),
        "personality": pack.personality,
        "scenario": pack.scenario,
        "first_mes": pack.greeting.to(pack.language),
        "mes_example": pack.examples,
        "system_prompt": pack.instructions,
        "post_history_instructions": pack.after_history,
        "alternate_greetings": list(pack.alternate_greetings),
        "tags": list(pack.tags),
        "creator": pack.source,
        "extensions": {**_known(kept, "extensions"), "luotuo": _own(pack)},
    }
    if pack.lore or _known(pack.extra, "book"):
        data["character_book"] = write_book(pack.lore, _known(pack.extra, "book"))
    if version == 3:
        data |= {"group_only_greetings": kept.get("group_only_greetings", []), "assets": assets}
        if pack.speaker != data["name"]:
            data["nickname"] = pack.speaker
    spec = {"spec": f"chara_card_v{version}", "spec_version": f"{version}.0"}
    return {**_known(pack.extra, "card"), **spec, "data": data}


def _known(extra: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = extra.get(key)
    return dict(value) if isinstance(value, Mapping) else {}


def _own(pack: Pack) -> dict[str, Any]:
    """`extensions.luotuo`: what the card itself has no field for."""
    meta = {key: value for key, value in meta_of(pack).items() if key not in (*_CARD_ONLY, "extra", "lore", "source")}
    for name in ("name", "persona", "greeting"):
        if not _is_bilingual(getattr(pack, name)):
            meta.pop(name, None)
    scenes = listed_scenes([one for one in pack.scenes if one.source != EXAMPLES])
    return {**meta, "scenes": scenes} if scenes else meta


def _is_bilingual(words: Bilingual) -> bool:
    return bool(words.zh and words.en)
