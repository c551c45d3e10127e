"""Two packs of one character as one: a folder with the vectors of a Hub file, a card with a lorebook, texts with
pictures.

Knows packs only. Vectors go by text: the files that hold them have neither names nor numbers for their scenes.
"""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from models.packs.pack import Pack
from models.packs.reading import unique
from models.packs.vectors import add_vectors

if TYPE_CHECKING:
    import numpy as np

__all__ = ["merge"]

HEAD = 440  # characters, without blanks, in which two scenes must agree; the originals embedded 510 with blanks
MAX_ALIKE = 20  # scenes without their like that are compared letter by letter
ALIKE = 0.97  # of the letters, for a scene in which a misprint was corrected: its vector hardly moved
_TEXTS = ("personality", "scenario", "instructions", "after_history", "examples", "source", "licence")
_REST = ("persona", "greeting", "series", "scenes", "starters", "alternate_greetings", "deflections")


def merge(pack: Pack, other: Pack) -> Pack:
    """The pack with what another one adds: vectors of the same scenes and captions, further pictures, lore, and every
    text that it lacks itself. Vectors that would not cover every scene (picture) are left out."""
    filled = {name: getattr(other, name) for name in (*_TEXTS, *_REST) if not getattr(pack, name)}
    known = {picture.file for picture in pack.pictures}
    fresh = [one for one in other.pictures if one.file not in known and one.content]
    fresh = [replace(one, file=unique(one.file, known)) for one in fresh]
    lore = (*pack.lore, *(one for one in other.lore if one not in pack.lore))
    merged = replace(pack, **filled, pictures=(*pack.pictures, *fresh), lore=lore)
    if fresh:
        vectors = {key: replace(one, captions=None, caption_mean=None) for key, one in pack.vectors.items()}
        merged = replace(merged, vectors=vectors)
    return _with_vectors(merged, other)


def _with_vectors(pack: Pack, other: Pack) -> Pack:
    """Vectors of `other` for the scenes and captions that both have."""
    scenes = _places([_squeezed(one.text) for one in pack.scenes], [_squeezed(one.text) for one in other.scenes])
    captions = _same([one.caption.to("zh").strip() for one in pack.pictures], other)
    for vectors in other.vectors.values():
        rows, shown = _picked(vectors.scenes, scenes), _picked(vectors.captions, captions)
        if rows is not None or shown is not None:
            pack = add_vectors(pack, replace(vectors, scenes=rows, captions=shown))
    return pack


def _same(captions: Sequence[str], other: Pack) -> list[int | None]:
    known = {one.caption.to("zh").strip(): at for at, one in enumerate(other.pictures)}
    return [known.get(one) for one in captions]


def _places(wanted: Sequence[str], given: Sequence[str]) -> list[int | None]:
    """Which of the given texts is each of the wanted ones; what the embedders cut off tells no two scenes apart."""
    known = {text: at for at, text in enumerate(given)}
    heads = {text[:HEAD]: at for text, at in known.items() if len(text) >= HEAD}
    places = [known.get(text, heads.get(text[:HEAD]) if len(text) >= HEAD else None) for text in wanted]
    left = [at for at, place in enumerate(places) if place is None]
    spare = sorted(set(known.values()) - set(places))  # type: ignore[type-var]
    if 0 < len(left) <= MAX_ALIKE and len(spare) <= MAX_ALIKE:
        for at in left:
            places[at] = next((one for one in spare if _alike(wanted[at][:HEAD], given[one][:HEAD])), None)
    return places


def _alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return all(bound() >= ALIKE for bound in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))


def _picked(rows: "np.ndarray | None", places: Sequence[int | None]) -> "np.ndarray | None":
    """The rows of what is wanted; None unless all of them are there."""
    if rows is None or not places or None in places:
        return None
    return rows[list(places)]


def _squeezed(text: str) -> str:
    return "".join(text.split())
