"""A pack as the original folder in a zip: system_prompt.txt, texts/, images/; luotuo.json for all that those lack."""

import io
import re
import zipfile
from collections.abc import Iterator

from models.packs.fields import to_json
from models.packs.meta import META, meta_of
from models.packs.pack import Pack
from models.packs.reading import unique
from models.packs.vectors import LUOTUO, SEPARATOR

__all__ = ["write_zip"]

_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
MAX_TITLE = 80  # characters of a file's name


def write_zip(pack: Pack) -> bytes:
    """The zip. Line ends and every mark of the scenes stay as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files(pack):
            archive.writestr(name, data)
    return out.getvalue()


def _files(pack: Pack) -> Iterator[tuple[str, bytes]]:
    yield "system_prompt.txt", pack.persona.to(pack.language).encode()
    listed, taken = [], set[str]()
    for scene in pack.scenes:
        file = unique(f"{_safe(scene.title)}.txt", taken)
        taken.add(file)
        listed.append({"file": f"texts/{file}", "title": scene.title})
        yield f"texts/{file}", scene.raw.encode()
    for picture in pack.pictures:
        try:
            yield f"images/{picture.file}", picture.read()
        except OSError:
            continue
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
        rows = (
            {f"{one.title}{SEPARATOR}{one.text}": row.tolist()}
            for one, row in zip(pack.scenes, known.scenes, strict=True)
        )
        yield "jsonl/title_text_embed.jsonl", "".join(f"{to_json(row)}\n" for row in rows).encode()
    if known.captions is not None:
        shown = zip(pack.pictures, known.captions, strict=True)
        rows = ({one.caption.to(pack.language): row.tolist()} for one, row in shown)
        yield "jsonl/image_embed.jsonl", "".join(f"{to_json(row)}\n" for row in rows).encode()
