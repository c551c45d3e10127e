"""Characters: who they are, their scenes and their pictures, read from a folder. Knows the files; the retrieval is
models.embedded.scenes.

A folder holds card.json (id, name, speaker, persona, greeting, roles, starters, deflections), scenes.txt (`## title`,
`role:「line」`), pictures/ and pictures.json (file, caption, cues, emotion; one is `portrait`, one `neutral`).
"""

import json
import logging
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from models.assets import asset
from models.embedded.scenes import Scenes
from models.errors import BadInput

log = logging.getLogger("luotuo")


@dataclass(frozen=True)
class Character:
    """One character as their folder tells; shared by all visitors, never changed."""

    card: dict[str, Any]
    script: str  # the text of scenes.txt
    pictures: tuple[dict[str, Any], ...]
    folder: Path

    @cached_property
    def scenes(self) -> Scenes:
        """Their scenes, searchable."""
        return Scenes(self.script, self.speaker, deflections=self.card.get("deflections", ()))

    @property
    def key(self) -> str:
        """The id, unique in the hub."""
        return str(self.card["id"])

    @property
    def speaker(self) -> str:
        """The role name under which the character speaks in the scenes."""
        return str(self.card["speaker"])

    def words(self, field: str, lang: str) -> str:
        """A bilingual field of the card."""
        return str(self.card[field]["zh" if lang.startswith("zh") else "en"])

    def picture(self, at: int) -> str:
        """The SVG of a picture."""
        return (self.folder / "pictures" / Path(str(self.pictures[at]["file"])).name).read_text(encoding="utf-8")

    def marked(self, flag: str) -> int:
        """The picture flagged as `portrait` or `neutral`, the first one when none is."""
        return next((at for at, picture in enumerate(self.pictures) if picture.get(flag)), 0)


@lru_cache(maxsize=256)
def character(folder: Path) -> Character:
    """Reads one folder, once. Raises OSError, ValueError or KeyError for a broken one."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    if missing := {"id", "name", "speaker", "series", "persona", "greeting", "roles", "starters"} - card.keys():
        raise ValueError(f"card.json lacks {', '.join(sorted(missing))}")
    pictures = folder / "pictures.json"
    listed = json.loads(pictures.read_text(encoding="utf-8")) if pictures.is_file() else []
    return Character(card, (folder / "scenes.txt").read_text(encoding="utf-8"), tuple(listed), folder)


def characters(*roots: Path) -> dict[str, Character]:
    """The shipped characters and those in further folders; a broken folder is logged and left out."""
    found: dict[str, Character] = {}
    for root in (asset("characters"), *roots):
        for folder in sorted(path.parent for path in root.glob("*/card.json")):
            try:
                one = character(folder)
                found.setdefault(one.key, one)
            except (OSError, ValueError, KeyError) as error:
                log.warning("character %s left out: %s", folder.name, error)
    return dict(sorted(found.items(), key=lambda pair: int(pair[1].card.get("order", 99))))


def known(found: dict[str, Character], key: str) -> Character:
    """The character of that id. Raises BadInput."""
    if key not in found:
        raise BadInput("unknown_character", name=str(key)[:40])
    return found[key]
