"""One character with everything that belongs to them: Pack. What every reader gives and every writer takes.

Knows no file format and no model. All values are frozen and may be shared between visitors; arrays are read-only. The
text of a scene is kept to the letter (`Scene.raw`), its lines are what models/packs/lines.py reads in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NARRATORS", "Bilingual", "Kind", "Line", "Lore", "Pack", "Picture", "Scene", "Vectors"]

Kind = Literal["speech", "narration", "action"]
NARRATORS = frozenset(("旁白", "narrator", "scene", "场景", "舞台", "narration"))  # in lower case


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text in one or both of the hub's languages; where one is missing the other stands in for it."""

    zh: str = ""
    en: str = ""

    def to(self, lang: str) -> str:
        """The text in `lang`, else in the other language, else ""."""
        return (self.zh or self.en) if lang.startswith("zh") else (self.en or self.zh)

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


class Line(NamedTuple):
    """One line of a scene. A tuple, because a pack holds tens of thousands of them and is read in a blink.

    `speech`: `role` ("" when not known) says `text`, while doing `action`. `narration`: `text` tells. `action`:
    somebody (`role`, maybe "") only does `action`; `text` is "" then.
    """

    role: str  # without stage directions: 汤师爷（凑近）is 汤师爷
    text: str  # without the quotation marks; may hold \n where a quotation runs over several lines
    kind: Kind
    action: str  # stage directions around the text, without their brackets, joined by «；»; "" for none
    raw: str  # to the letter with line end and the blank lines after it; the raws of a scene joined are Scene.raw


@dataclass(frozen=True, slots=True)
class Scene:
    """A titled run of lines. Made by models.packs.lines.scene(title, raw), so that lines and raw always agree."""

    title: str
    raw: str  # to the letter
    lines: tuple[Line, ...]
    source: str = ""  # where it came from: the file inside the pack; "mes_example" for the examples of a card

    @property
    def text(self) -> str:
        """The text to embed and to show: `raw` with \\n as line ends, without byte order mark and blanks around it."""
        return self.raw.replace("\r\n", "\n").replace("\r", "\n").strip("\ufeff \t\n")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what it shows. Its bytes are in memory or in a file of the store."""

    file: str  # a plain base name with its suffix, unique in the pack: 周一是黄色.jpg
    caption: Bilingual  # for the original packs the stem of the file
    content: bytes | Path = field(repr=False, compare=False)
    emotion: str = ""  # happy, angry … as cards name their emotion assets
    cues: tuple[str, ...] = ()  # words that call for it
    portrait: bool = False
    neutral: bool = False

    def read(self) -> bytes:
        """The bytes of the file. Raises OSError when the file has gone."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    @property
    def mime(self) -> str:
        """image/jpeg and so on, by the suffix; every reader sees to it that the suffix is true."""
        kind = self.file.rpartition(".")[2].lower()
        return "image/" + {"jpg": "jpeg", "svg": "svg+xml"}.get(kind, kind)


@dataclass(frozen=True, slots=True)
class Lore:
    """One entry of a lorebook: what the model is told when one of the keys occurs in the latest messages."""

    keys: tuple[str, ...]
    content: str
    constant: bool = False  # told always
    order: int = 100  # smaller is told earlier
    secondary: tuple[str, ...] = ()  # with `selective`: one of these must occur as well
    selective: bool = False
    enabled: bool = True
    case_sensitive: bool = False
    regex: bool = False  # keys are regular expressions; match them with a limit or not at all
    priority: int = 0  # larger is kept longer when the budget is short
    after: bool = False  # told after the persona, not before it
    title: str = ""  # name or comment
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)  # all other fields, verbatim


@dataclass(frozen=True, slots=True)
class Vectors:
    """What one embedder made of the scenes and of the captions of a pack; rows follow pack.scenes, pack.pictures.

    `embedder` is the fingerprint of the Encoder that made them, or for imported files the repository of the model:
    silk-road/luotuo-bert-medium, BAAI/bge-small-zh-v1.5 … Rows are as they came: Luotuo's have norms of 0.93-1.01.
    """

    embedder: str
    scenes: "np.ndarray | None" = field(default=None, compare=False)  # (len(pack.scenes), dim) float32
    captions: "np.ndarray | None" = field(default=None, compare=False)  # (len(pack.pictures), dim) float32
    scene_mean: "np.ndarray | None" = field(default=None, compare=False)  # (dim,) float32
    caption_mean: "np.ndarray | None" = field(default=None, compare=False)  # (dim,) float32
    calibration: Mapping[str, float] = field(default_factory=dict)  # free names: picture_threshold …


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A character: who they are, what they said, how they look. Every text may hold {{char}} and {{user}}."""

    id: str  # a safe slug, unique in a store
    name: Bilingual
    speaker: str  # the role under which they speak in the scenes: 春日, not 凉宫春日
    language: str = "zh"  # zh, en, ja: of the scenes and the persona
    aliases: tuple[str, ...] = ()  # further names: the visitor may use none of them as their own role
    persona: Bilingual = Bilingual()  # system_prompt.txt; description of a card
    personality: str = ""  # of a card
    scenario: str = ""  # of a card
    instructions: str = ""  # system_prompt of a card; may hold {{original}}
    after_history: str = ""  # post_history_instructions of a card
    examples: str = ""  # mes_example of a card, verbatim; its dialogues are scenes as well
    scenes: tuple[Scene, ...] = ()
    pictures: tuple[Picture, ...] = ()
    greeting: Bilingual = Bilingual()
    alternate_greetings: tuple[str, ...] = ()
    starters: tuple[str, ...] = ()  # what a visitor may ask
    roles: tuple[str, ...] = ()  # who a visitor may be, the usual partner first; never empty after read_pack
    deflections: tuple[str, ...] = ()  # what they say when no scene is close
    lore: tuple[Lore, ...] = ()
    series: Bilingual = Bilingual()  # the work they are from
    source: str = ""  # who made the pack, where it is from
    licence: str = ""
    tags: tuple[str, ...] = ()
    vectors: Mapping[str, Vectors] = field(default_factory=dict)  # by Vectors.embedder
    extra: Mapping[str, Any] = field(default_factory=dict)  # JSON that the hub does not know, verbatim: see meta.py
    attachments: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False, compare=False)  # assets of a
    # card that are no pictures of the character (backgrounds, sounds): name in the card → content, verbatim

    def marked(self, flag: Literal["portrait", "neutral"]) -> int:
        """Index of the picture flagged so, else of the first one; -1 without pictures."""
        found = (at for at, picture in enumerate(self.pictures) if getattr(picture, flag))
        return next(found, 0 if self.pictures else -1)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name of the character in lower case: no visitor may play one of these."""
        names = (self.speaker, self.name.zh, self.name.en, *self.aliases)
        return frozenset(name.strip().lower() for name in names if name.strip())

    def is_own(self, role: str) -> bool:
        """Whether a role of a line, or one that a visitor asks for, is the character."""
        return role.strip().lower() in self.names
