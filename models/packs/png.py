"""Cards in PNG: the text chunks `chara` (V2) and `ccv3` (V3) of a portrait, base64 of JSON; read and written.

The chunks are walked here: SillyTavern writes them behind the pixels, and Pillow reaches those only by decoding every
pixel of a stranger's picture. Compressed chunks (zTXt, iTXt) are unpacked up to a limit. Assets lie in chunks
`chara-ext-asset_:<name>` (V3). Pillow makes a PNG of portraits that are none. Knows no fields of a card.
"""

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Iterator, Mapping

from models.errors import BadInput
from models.packs.pack import Pack

__all__ = ["ASSET", "SIGNATURE", "portrait_png", "read_chunks", "with_chunks", "without_chunks"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ASSET = "chara-ext-asset_:"
KEYS = ("chara", "ccv3")
MAX_TEXT = 64 * 2**20  # bytes of one text, unpacked
MAX_TEXTS = 192 * 2**20  # of all of them
MAX_PIXELS = 40_000_000
MAX_SIDE = 1024  # pixels of a portrait that had to be made anew
_TEXTUAL = (b"tEXt", b"zTXt", b"iTXt")
_END = b"\0\0\0\0IEND\xaeB`\x82"


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of every chunk, length and checksum included; ends where the file is broken."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        end = at + 12 + length
        if end > len(data):
            return
        yield data[at + 4 : at + 8], at, end
        at = end


def read_chunks(data: bytes, name: str) -> dict[str, bytes]:
    """Key → text of every card chunk, decoded from base64. Raises BadInput: too_long, pack_no_card."""
    found: dict[str, bytes] = {}
    n_bytes = 0
    for kind, start, end in _chunks(data):
        key, text = _text(kind, data[start + 8 : end - 4]) if kind in _TEXTUAL else ("", b"")
        if key not in KEYS and not key.startswith(ASSET):
            continue
        n_bytes += len(text)
        if n_bytes > MAX_TEXTS:
            raise BadInput("too_long", limit=f"{MAX_TEXTS >> 20} MB")
        try:
            found[key] = base64.b64decode(text, validate=False)
        except binascii.Error:
            continue
    if not set(found) & set(KEYS):
        raise BadInput("pack_no_card", name=name)
    return found


def _text(kind: bytes, body: bytes) -> tuple[str, bytes]:
    """(key, text) of a textual chunk; ("", b"") for one that is broken or unpacks to too much."""
    key, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        text = rest
    elif kind == b"zTXt":
        text = _inflated(rest[1:])
    else:
        packed = rest[:1] == b"\1"
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        text = _inflated(text) if packed else text
    return (key.decode("latin-1"), text) if len(text) <= MAX_TEXT else ("", b"")


def _inflated(data: bytes) -> bytes:
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(data, MAX_TEXT)
    except zlib.error:
        return b""
    return b"" if machine.unconsumed_tail else text


def without_chunks(data: bytes) -> bytes:
    """The picture alone: no card, no assets; other texts (the parameters of a painter) stay."""
    parts = [SIGNATURE]
    for kind, start, end in _chunks(data):
        key = data[start + 8 : end - 4].partition(b"\0")[0].decode("latin-1") if kind in _TEXTUAL else ""
        if key not in KEYS and not key.startswith(ASSET):
            parts.append(data[start:end])
    return b"".join(parts)


def with_chunks(picture: bytes, texts: Mapping[str, bytes]) -> bytes:
    """A PNG with tEXt chunks before its end, as SillyTavern writes them; the values are put into base64."""
    parts, bare = [SIGNATURE], without_chunks(picture)
    for kind, start, end in _chunks(bare):
        if kind == b"IEND":
            break
        parts.append(bare[start:end])
    parts += [_chunk(key.encode("latin-1"), base64.b64encode(value)) for key, value in texts.items()]
    return b"".join((*parts, _END))


def _chunk(key: bytes, value: bytes) -> bytes:
    body = b"tEXt" + key + b"\0" + value
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def portrait_png(pack: Pack) -> bytes:
    """The portrait as PNG: as it is, converted, or a plain card where there is none that Pillow reads."""
    from PIL import Image

    order = [pack.marked("portrait"), *range(len(pack.pictures))]
    for at in order if pack.pictures else ():
        data = pack.pictures[at].read()
        if data.startswith(SIGNATURE):
            return without_chunks(data)
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height <= MAX_PIXELS:
                    return _as_png(image)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
    return _plain(pack)


def _as_png(image: "object") -> bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)
    made = image.convert("RGBA" if image.mode in ("RGBA", "LA", "P") else "RGB")
    made.thumbnail((MAX_SIDE, MAX_SIDE))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def _plain(pack: Pack) -> bytes:
    """A card of one colour, which the name decides, with a lighter disc: enough to be told from others in a list."""
    from PIL import Image, ImageDraw

    hue = zlib.crc32(pack.id.encode("utf-8")) % 360
    image = Image.new("RGB", (400, 600), f"hsl({hue}, 35%, 45%)")
    ImageDraw.Draw(image).ellipse((100, 150, 300, 350), fill=f"hsl({hue}, 40%, 75%)")
    return _as_png(image)
