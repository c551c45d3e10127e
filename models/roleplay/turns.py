"""What is said, and by whom: the one form in which a line travels through role-play, and how the originals write it.

Source of the written form: ChatHaruhi 2.0 `get_query_string` (`角色:「文本」`, narrators without brackets).
"""

from collections.abc import Collection
from dataclasses import dataclass

from models.errors import BadInput

NARRATORS = frozenset(("旁白", "", "scene", "Scene", "narrator", "Narrator"))
NARRATOR = "旁白"
MAX_ROLE = 24  # characters of a speaker's name, as in the scenes
_MARKS = frozenset(":：「」『』{}<>\n\r\t")  # what lines are written with; in a name they would forge a line


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a conversation, its text without 「」."""

    speaker: str
    text: str

    @property
    def narration(self) -> bool:
        """Whether nobody says it."""
        return self.speaker in NARRATORS


def spoken(speaker: str, text: str) -> str:
    """A line as scenes and queries hold it.

    >>> spoken("阿虚", "你好"), spoken("旁白", "天黑了。")
    ('阿虚:「你好」', '旁白:天黑了。')
    """
    return f"{speaker}:{text}" if speaker in NARRATORS else f"{speaker}:「{text}」"


def role_name(role: str, own: Collection[str], default: str = "") -> str:
    """A visitor's role without the marks that lines are written with, cut to MAX_ROLE; `default` for nothing.

    Raises BadInput("role_is_character") for a name of the character itself (`own`).
    """
    plain = " ".join("".join(mark for mark in role if mark not in _MARKS and mark.isprintable()).split())[:MAX_ROLE]
    if plain and plain.casefold() in {name.casefold() for name in own if name}:
        raise BadInput("role_is_character", name=plain)
    return plain or default
