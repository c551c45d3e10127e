"""A pack as the original folder in a zip: system_prompt.txt, texts/, images/; luotuo.json for all that those lack."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from models.packs.fields import to_json
from models.packs.meta import META, meta_of
from models.packs.pack import Pack
from models.packs.reading import unique
from models.packs.vectors import LUOTUO, SEPARATOR
from models.packs.writing import with_bytes

if TYPE_CHECKING:
    import numpy as np

__all__ = ["write_zip"]

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]+')
MAX_TITLE = 80  # characters of a file's name


def write_zip(pack: Pack) -> bytes:
    """The zip. Line ends and every mark of the scenes stay as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files(pack):
            archive.writestr(name, data)
    return out.getvalue()


def _files(pack: Pack) -> Iterator[tuple[str, bytes]]:
    pack = with_bytes(pack)
    yield "system_prompt.txt", pack.persona.to(pack.language).encode()
    listed, taken = [], set[str]()
    for scene in pack.scenes:
        file = unique(f"{_safe(scene.title)}.txt", taken)
        taken.add(file)
        listed.append({"file": f"texts/{file}", "title": scene.title})
        yield f"texts/{file}", scene.raw.encode()
    for picture in pack.pictures:
        yield f"images/{picture.file}", picture.read()
    yield from _vectors(pack)
    yield META, to_json({**meta_of(pack), "scenes": listed}, indent=1).encode()


def _safe(title: str) -> str:
    """A title as the name of a file on any system."""
    return _FORBIDDEN.sub("_", title).strip(" .")[:MAX_TITLE].strip(" .") or "scene"


def _vectors(pack: Pack) -> Iterator[tuple[str, bytes]]:
    """The files of 1.0 for Luotuo's own vectors, which is all that they can mean."""
    known = pack.vectors.get(LUOTUO)
    if known is None:
        return
    if known.scenes is not None:
        texts = [f"{one.title}{SEPARATOR}{one.text}" for one in pack.scenes]
        yield "jsonl/title_text_embed.jsonl", _rows(texts, known.scenes)
    if known.captions is not None:
        captions = [one.caption.to(pack.language) for one in pack.pictures]
        yield "jsonl/image_embed.jsonl", _rows(captions, known.captions)


def _rows(texts: Sequence[str], rows: "np.ndarray") -> bytes:
    """One text with its vector a line; nine digits are all that a float32 has."""
    lines = (
        f"{{{to_json(text)}: [{', '.join([f'{one:.9g}' for one in row.tolist()])}]}}\n"
        for text, row in zip(texts, rows, strict=True)
    )
    return "".join(lines).encode()
