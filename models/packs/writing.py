"""What every writer needs: the pictures of a pack as bytes, without those that are not there. Knows no format."""

from dataclasses import replace

from models.packs.pack import Pack, Picture, Vectors
from models.packs.reading import picture_kind
from models.packs.vectors import with_mean

__all__ = ["bytes_of", "with_bytes"]


def with_bytes(pack: Pack) -> Pack:
    """The pack with its pictures in memory, but for those whose file has gone or is no picture: a caption that came
    without one, say. Vectors of captions follow."""
    found = [(at, one, bytes_of(one)) for at, one in enumerate(pack.pictures)]
    kept = [(at, replace(one, content=data)) for at, one, data in found if picture_kind(data)]
    vectors = pack.vectors
    if len(kept) < len(found):
        vectors = {key: _rows(one, [at for at, _ in kept]) for key, one in vectors.items()}
    return replace(pack, pictures=tuple(one for _, one in kept), vectors=vectors)


def bytes_of(picture: Picture) -> bytes:
    """The bytes of a picture; none when its file has gone."""
    try:
        return picture.read()
    except OSError:
        return b""


def _rows(vectors: Vectors, kept: list[int]) -> Vectors:
    if vectors.captions is None:
        return vectors
    return with_mean(replace(vectors, captions=vectors.captions[kept] if kept else None))
