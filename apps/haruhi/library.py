"""The characters of a hub as one visitor finds them: shipped ones, those of the hub's owner, and the visitor's own.

What is worked out once for a character (searchable scenes, shelf, gallery of pictures) is kept here for all visitors.
A visitor's own packs lie under a name that only their browser's secret leads to. Knows packs, and who may see which.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.haruhi.story import Story
from models.characters import characters
from models.engine import Encoder
from models.errors import BadInput
from models.packs.house import pack_of
from models.packs.pack import Pack, Vectors
from models.packs.store import Listed, PackStore
from models.roleplay.pictures import Gallery, gallery, own_lines, shots_of
from models.roleplay.replay import Scenes, scenes_of, shelf_of
from models.roleplay.shelf import Shelf, shelve
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MOST_KEPT = 24  # characters whose scenes and pictures stay worked out
MIN_SECRET = 16  # characters; a shorter one could be guessed, and counts as none


@dataclass
class _Worked:
    """What was worked out for one pack; by the fingerprint of an embedder where one is needed ("" is the embedded)."""

    pack: Pack
    lock: threading.Lock = field(default_factory=threading.Lock)
    scenes: Scenes | None = None
    shelves: dict[str, Shelf] = field(default_factory=dict)
    galleries: dict[str, Gallery] = field(default_factory=dict)


class Library:
    """All packs of one hub. Safe to use from many threads."""

    def __init__(self, home: Path, *, uploads: bool = True) -> None:
        self._root, self.uploads = home / "packs", uploads
        self._lock = threading.Lock()
        self._stores: dict[str, PackStore] = {}
        self._worked: OrderedDict[int, _Worked] = OrderedDict()
        self.shared = {key: pack_of(who) for key, who in characters(home / "characters").items()}

    @property
    def first(self) -> Pack:
        """The character whom a new visitor meets."""
        return next(iter(self.shared.values()))

    def store(self, owner: str) -> PackStore:
        """Where a visitor's own packs lie. Raises BadInput("uploads_off") without a secret of theirs."""
        if len(owner) < MIN_SECRET:
            raise BadInput("uploads_off")
        name = hashlib.sha256(owner.encode()).hexdigest()[:32]
        with self._lock:
            if name not in self._stores:
                self._stores[name] = PackStore(self._root / name, uploads=self.uploads)
            return self._stores[name]

    def own(self, owner: str) -> tuple[Listed, ...]:
        """A visitor's own packs, the broken ones too."""
        return self.store(owner).list() if len(owner) >= MIN_SECRET else ()

    def pack(self, owner: str, key: str) -> Pack:
        """The character of that id that this visitor may see. Raises BadInput("unknown_character"), ("pack_broken")."""
        if key in self.shared:
            return self.shared[key]
        if len(owner) < MIN_SECRET:
            raise BadInput("unknown_character", name=key[:40])
        return self.store(owner).open(key)

    def pack_for(self, story: Story) -> Callable[[str], Pack]:
        """`pack` for the visitor whose story it is."""
        return lambda key: self.pack(story.owner, key)

    def known(self, story: Story) -> Story:
        """The story without characters that are no longer there; with the first one of the hub if none is left."""
        seats = tuple(seat for seat in story.seats if self._there(story.owner, seat.key))
        if seats and seats[0] == story.seats[0]:
            return story if len(seats) == len(story.seats) else replace(story, seats=seats)
        fresh = Story(role=self.first.roles[0], inline=story.inline, owner=story.owner)
        return fresh.enter(self.first)

    def _there(self, owner: str, key: str) -> bool:
        try:
            return bool(self.pack(owner, key))
        except BadInput:
            return False

    def scenes(self, pack: Pack) -> Scenes:
        """The scenes, for replies that need no model."""
        worked = self._of(pack)
        with worked.lock:
            worked.scenes = worked.scenes or scenes_of(pack, pack.language)
            return worked.scenes

    def shelf(self, pack: Pack, encoder: Encoder | None, task: Task) -> Shelf:
        """The scenes, to be remembered; embedded anew only if nothing stored was made by this encoder. Cancelled."""
        worked, key = self._of(pack), encoder.fingerprint if encoder else ""
        with worked.lock:
            if key not in worked.shelves:
                worked.shelves[key] = self._shelved(pack, encoder, task)
            return worked.shelves[key]

    def _shelved(self, pack: Pack, encoder: Encoder | None, task: Task) -> Shelf:
        if encoder is None:
            return shelf_of(pack, task)
        titles, texts = [scene.title for scene in pack.scenes], [scene.text for scene in pack.scenes]
        return shelve(titles, texts, encoder=encoder, stored=_stored(pack.vectors.values(), "scenes"), task=task)

    def gallery(self, pack: Pack, encoder: Encoder | None, task: Task) -> Gallery:
        """The pictures with a threshold of their own. Raises Cancelled."""
        worked, key = self._of(pack), encoder.fingerprint if encoder else ""
        with worked.lock:
            if key not in worked.galleries:
                worked.galleries[key] = gallery(
                    shots_of(pack), own_lines(pack), names=pack.names, encoder=encoder,
                    stored=_stored(pack.vectors.values(), "captions"), task=task,
                )  # fmt: skip
            return worked.galleries[key]

    def keep_vectors(self, owner: str, pack: Pack, encoder: Encoder, task: Task) -> None:
        """Writes an encoder's vectors of a visitor's own pack to disk, so that it opens at once after a restart."""
        if pack.id in self.shared or encoder.fingerprint in pack.vectors:
            return
        shelf = self.shelf(pack, encoder, task)
        if not pack.scenes:
            return
        self.store(owner).save_vectors(pack.id, Vectors(encoder.fingerprint, scenes=shelf.vectors))

    def _of(self, pack: Pack) -> _Worked:
        with self._lock:
            worked = self._worked.pop(id(pack), None) or _Worked(pack)
            self._worked[id(pack)] = worked  # holds the pack, so its id stays its own
            while len(self._worked) > MOST_KEPT:
                self._worked.popitem(last=False)
            return worked


def _stored(vectors: Iterable[Vectors], side: str) -> "dict[str, np.ndarray]":
    """(n, dim) matrices by what made them."""
    return {one.embedder: rows for one in vectors if (rows := getattr(one, side)) is not None}
