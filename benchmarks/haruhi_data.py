"""The characters that role-play is measured on: those that ship, and the original packs where they are present."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.characters import characters
from models.packs.lines import scene
from models.packs.pack import Bilingual, Pack, Scene
from models.roleplay.turns import NARRATORS

PACKS = ("haruhi", "liyunlong", "wangduoyu", "tangshiye", "Megumi", "Sheldon", "wanderer")
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the character in a scene: who said what before, and what the character really answered."""

    title: str
    earlier: tuple[tuple[str, str], ...]  # (role, text) of the lines before the context
    partner: str
    context: str
    line: str


def packs(data: Path) -> Iterator[Pack]:
    """Shipped characters, then the shared packs that are present."""
    for who in characters().values():
        parts = [part.split("\n", 1) for part in f"\n{who.script}".split("\n## ")[1:]]
        scenes = tuple(scene(part[0].strip(), part[1]) for part in parts if len(part) == 2)
        name = Bilingual(who.words("name", "zh"), who.words("name", "en"))
        persona = Bilingual(who.words("persona", "zh"), who.words("persona", "en"))
        roles, deflections = tuple(who.card["roles"]), tuple(who.card.get("deflections", ()))
        yield Pack(
            id=f"shipped-{who.key}", name=name, speaker=who.speaker, persona=persona, scenes=scenes, roles=roles,
            deflections=deflections, series=Bilingual(**who.card["series"]),
        )  # fmt: skip
    if (data / "_manifest.json").is_file():
        manifest = json.loads((data / "_manifest.json").read_text(encoding="utf-8"))
        for key in PACKS:
            yield _shared(data / key, key, manifest[key])


def _shared(folder: Path, key: str, told: dict) -> Pack:  # type: ignore[type-arg]
    files = sorted((folder / "texts").glob("*.txt"))
    scenes = tuple(scene(path.stem, path.read_text(encoding="utf-8", errors="replace")) for path in files)
    return Pack(
        id=key, name=Bilingual(told["display"], told["display"]), speaker=told["role_short"], language=told["lang"],
        persona=Bilingual((folder / "system_prompt.txt").read_text(encoding="utf-8")), scenes=scenes,
        roles=tuple(told["partners"]), series=Bilingual(told["series"]),
    )  # fmt: skip


def asked(pack: Pack, scenes: Sequence[Scene]) -> list[Asked]:
    """Every place where the character answers somebody."""
    found = []
    for one in scenes:
        lines = [line for line in one.lines if line.text.strip()]
        for at in range(1, len(lines)):
            before, here = lines[at - 1], lines[at]
            if pack.is_own(here.role) and not pack.is_own(before.role) and here.kind == "speech":
                earlier = tuple((line.role, line.text) for line in lines[max(0, at - 9) : at - 1])
                partner = before.role if before.role not in NARRATORS else "旁白"
                found.append(Asked(one.title, earlier, partner, before.text, here.text))
    return found


def folds(pack: Pack) -> Iterator[tuple[Pack, list[Asked]]]:
    """The pack without a fifth of its scenes, and the places in those that were left out, in random order."""
    scenes = list(pack.scenes)
    random.Random(0).shuffle(scenes)
    for fold in range(FOLDS):
        held = asked(pack, scenes[fold::FOLDS])
        random.Random(fold).shuffle(held)
        kept = tuple(one for at, one in enumerate(scenes) if at % FOLDS != fold)
        yield replace(pack, scenes=kept, vectors={}), held
