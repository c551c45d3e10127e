"""The picture that goes with a reply, and how it is shown: with its caption, why it is there, and the runners-up.

Knows characters and the picture policy of models.roleplay; what is said comes from elsewhere.
"""

import threading
from html import escape

from apps import ui
from models.characters import Character
from models.packs.house import pack_of
from models.packs.pack import Pack
from models.roleplay.pictures import Gallery, Pick, gallery, own_lines, pick, shots_of
from models.roleplay.replay import shelf_of
from models.roleplay.shelf import Shelf
from models.task import Task

TOLD = ("matched", "asked")  # reasons for which a picture counts as shown


class Album:
    """What is worked out once for each character and shared by all visitors: pack, shelf of scenes, gallery."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packs: dict[str, Pack] = {}
        self._shelves: dict[str, Shelf] = {}
        self._galleries: dict[str, Gallery] = {}

    def pack(self, who: Character) -> Pack:
        """The character as a Pack."""
        with self._lock:
            if who.key not in self._packs:
                self._packs[who.key] = pack_of(who)
            return self._packs[who.key]

    def shelf(self, who: Character, task: Task) -> Shelf:
        """Their scenes, to be searched. Raises Cancelled."""
        pack = self.pack(who)
        with self._lock:
            if who.key not in self._shelves:
                self._shelves[who.key] = shelf_of(pack, task)
            return self._shelves[who.key]

    def gallery(self, who: Character, task: Task) -> Gallery:
        """Their pictures with captions as vectors and a threshold of their own. Raises Cancelled."""
        pack = self.pack(who)
        with self._lock:
            if who.key not in self._galleries:
                shots = shots_of(pack)
                self._galleries[who.key] = gallery(shots, own_lines(pack), names=pack.names, task=task)
            return self._galleries[who.key]

    def picked(
        self, who: Character, text: str, recent: list[int], task: Task, *, asked: bool = False
    ) -> tuple[Pick, list[int]]:
        """The picture for a text, and the pictures shown lately with it."""
        found = pick(self.gallery(who, task), text, recent, asked=asked, task=task)
        return found, [*recent, found.index] if found.why in TOLD and found.index >= 0 else recent


def pane(who: Character, at: int, found: Pick | None = None) -> str:
    """The picture with its caption, why it is shown, and the best three with their scores."""
    if not 0 <= at < len(who.pictures):
        return ""
    caption = who.pictures[at]["caption"]
    note = f"<small>{ui.both(f'haruhi.why.{found.why}', score=f'{found.score:.1f}')}</small>" if found else ""
    strip = "".join(_runner_up(who, one.index, one.score) for one in found.ranking) if found else ""
    return (
        f'<figure class="picture"><img src="{ui.data_uri(who.picture(at))}" alt="{escape(caption["zh"])}">'
        f"<figcaption>{ui.both_words(caption['zh'], caption['en'])} {note}</figcaption></figure>"
        + (f'<ul class="strip">{strip}</ul>' if strip else "")
    )


def _runner_up(who: Character, at: int, score: float) -> str:
    caption = who.pictures[at]["caption"]
    title = escape(f"{caption['zh']} · {caption['en']} · {score:.1f}")
    return (
        f'<li title="{title}"><img src="{ui.data_uri(who.picture(at))}" alt="{escape(caption["zh"])}">'
        f"<small>{score:.1f}</small></li>"
    )
