"""luotuo.json: what a Pack knows beyond the original formats. Beside the folder, in `extensions.luotuo` of a card, in
the config row of a Hub file: one description, written and read here.

`extra` of a pack holds what came from a card and is not the hub's: {"data": fields of the card, "card": fields beside
`data`, "book": fields of its lorebook, "assets": entries of its assets that point elsewhere}. Knows no files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.packs.fields import Fields, parse_json
from models.packs.lines import Odd, scene
from models.packs.lint import Lint
from models.packs.lorebook import read_book, write_book
from models.packs.pack import Bilingual, Pack, Picture, Scene
from models.packs.reading import slug

__all__ = ["META", "apply_fields", "apply_meta", "listed_scenes", "meta_of", "scenes_from"]

META = "luotuo.json"
_TEXTS = (
    "speaker",
    "language",
    "personality",
    "scenario",
    "instructions",
    "after_history",
    "examples",
    "source",
    "licence",
)
_LISTS = ("aliases", "alternate_greetings", "starters", "roles", "deflections", "tags")
_BOTH = ("name", "persona", "greeting", "series")
MAX_CUES = 100


def meta_of(pack: Pack) -> dict[str, Any]:
    """Everything but scenes, bytes of pictures and vectors, as JSON; empty fields are left out."""
    both = {name: _written(getattr(pack, name)) for name in _BOTH}
    texts = {name: getattr(pack, name) for name in _TEXTS}
    lists = {name: list(getattr(pack, name)) for name in _LISTS}
    lore = write_book(pack.lore, {})["entries"] if pack.lore else []
    pictures = [_of_picture(picture) for picture in pack.pictures]
    given = {"id": pack.id, **both, **texts, **lists, "lore": lore, "pictures": pictures, "extra": dict(pack.extra)}
    return {"luotuo": 1, **{name: value for name, value in given.items() if value}}


def _written(words: Bilingual) -> dict[str, str]:
    return {lang: text for lang, text in (("zh", words.zh), ("en", words.en)) if text}


def _of_picture(picture: Picture) -> dict[str, Any]:
    given = {
        "file": picture.file,
        "caption": _written(picture.caption),
        "emotion": picture.emotion,
        "cues": list(picture.cues),
        "portrait": picture.portrait,
        "neutral": picture.neutral,
    }
    return {name: value for name, value in given.items() if value}


def apply_meta(pack: Pack, data: bytes, lint: Lint, file: str = META) -> Pack:
    """The pack with what a luotuo.json says; a broken one is noted and changes nothing."""
    try:
        given = parse_json(data.decode("utf-8-sig"))
    except ValueError:
        lint.add("bad_row", file, 1)
        return pack
    return apply_fields(pack, given, lint, file)


def apply_fields(pack: Pack, given: object, lint: Lint, file: str) -> Pack:
    """The pack with the fields of a description; fields that it lacks stay as the reader found them."""
    fields = Fields(given, file, lint)
    found: dict[str, Any] = {name: fields.text(name) for name in _TEXTS if name in fields}
    found |= {name: fields.texts(name) for name in _LISTS if name in fields}
    found |= {name: fields.words(name) for name in _BOTH if name in fields}
    if "id" in fields:
        found["id"] = slug(fields.text("id"))
    if "extra" in fields:
        found["extra"] = fields.mapping("extra")
    if "lore" in fields:
        found["lore"], _ = read_book({"entries": [one for _, one in fields.items("lore")]}, file, lint)
    found["pictures"] = _pictures(pack.pictures, [one for _, one in fields.items("pictures")], lint, file)
    pack = replace(pack, **{name: value for name, value in found.items() if value or name in _LISTS})
    return replace(pack, scenes=_ordered(pack.scenes, [one for _, one in fields.items("scenes")]))


def _pictures(pictures: Sequence[Picture], given: Sequence[object], lint: Lint, file: str) -> tuple[Picture, ...]:
    """The pictures in the order of their description, described ones first."""
    known = {picture.file: picture for picture in pictures}
    described = []
    for one in given:
        fields = Fields(one, file, lint)
        picture = known.pop(fields.text("file"), None)
        if picture is None:
            lint.add("picture_missing", file, excerpt=fields.text("file"), name=fields.text("file")[:60])
            continue
        caption = fields.words("caption") or picture.caption
        emotion, cues = fields.text("emotion"), fields.texts("cues")[:MAX_CUES]
        flags = {name: fields.flag(name) for name in ("portrait", "neutral")}
        described.append(replace(picture, caption=caption, emotion=emotion, cues=cues, **flags))
    return (*described, *known.values())


def _ordered(scenes: Sequence[Scene], given: Sequence[object]) -> tuple[Scene, ...]:
    """Scenes of files in the order that a description lists, with the titles that their files could not bear."""
    if not all(isinstance(one, dict) and isinstance(one.get("file"), str) for one in given):
        return tuple(scenes)
    order = {one["file"]: (at, one.get("title")) for at, one in enumerate(given) if isinstance(one, dict)}
    if not order:
        return tuple(scenes)
    named = []
    for one in scenes:
        title = order[one.source][1] if one.source in order else None
        named.append(replace(one, title=title) if isinstance(title, str) else one)
    return tuple(sorted(named, key=lambda one: order.get(one.source, (len(order), None))[0]))


def listed_scenes(scenes: Sequence[Scene]) -> list[dict[str, str]]:
    """Scenes as JSON, for formats that have no place of their own for them."""
    return [{"title": one.title, "raw": one.raw} | ({"source": one.source} if one.source else {}) for one in scenes]


def scenes_from(given: Fields, file: str, lint: Lint) -> tuple[Scene, ...]:
    """The scenes that `listed_scenes` wrote. One without text is noted and left out."""
    made = []
    for at, one in given.items("scenes"):
        if not isinstance(one, dict) or not isinstance(one.get("raw"), str):
            lint.add("bad_row", file, excerpt=f"scenes[{at}]")
            continue
        odd: list[Odd] = []
        texts: Mapping[str, Any] = one
        title, source = (texts.get(name) if isinstance(texts.get(name), str) else "" for name in ("title", "source"))
        found = scene(str(title), one["raw"], str(source), odd)
        lint.scene(found, odd)
        made.append(found)
    return tuple(made)
