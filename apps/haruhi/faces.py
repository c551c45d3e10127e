"""Pictures of packs as the page gets them: addresses that hold the picture itself, large ones made smaller.

Pictures travel inside the page rather than under addresses of their own, so that nobody who has not the pack can guess
one. Knows picture files; every drawing and photograph is taken for hostile until Pillow has decoded it.
"""

import io
import threading
from base64 import b64encode
from collections import OrderedDict
from html import escape

from models.packs.pack import Pack, Picture

SMALL, LARGE = 96, 720  # pixels of the longer side: in lists, in the pane
MAX_PIXELS = 40_000_000
_MOST = 600  # pictures that stay made smaller
_made: OrderedDict[tuple[int, int], tuple[Picture, str]] = OrderedDict()
_lock = threading.Lock()


def face(pack: Pack, size: int = SMALL) -> str:
    """The portrait's address, "" for a pack without pictures."""
    at = pack.marked("portrait")
    return address(pack.pictures[at], size) if at >= 0 else ""


def address(picture: Picture, size: int = LARGE) -> str:
    """A picture as a data: address; "" when its file has gone or holds no picture."""
    key = (id(picture), size)
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key][1]
    made = _address(picture, size)
    with _lock:
        _made[key] = (picture, made)  # holds the picture, so its id stays its own
        while len(_made) > _MOST:
            _made.popitem(last=False)
    return made


def _address(picture: Picture, size: int) -> str:
    try:
        data = picture.read()
    except OSError:
        return ""
    if picture.mime == "image/svg+xml":  # inside <img> nothing of it runs and nothing is fetched
        return _uri(picture.mime, data)
    small = _shrunk(data, size)
    return _uri("image/webp", small) if small else ""


def _shrunk(data: bytes, size: int) -> bytes:
    """The picture as WebP of at most `size` pixels a side; b"" when Pillow cannot read it."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                return b""
            image.draft("RGB", (size, size))
            plain = image.convert("RGBA" if image.mode in ("RGBA", "LA", "P") else "RGB")
            plain.thumbnail((size, size))
            out = io.BytesIO()
            plain.save(out, "WEBP", quality=82)
            return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""


def _uri(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{b64encode(data).decode('ascii')}"


def img(source: str, alt: str, css: str = "") -> str:
    """An <img>, or a disc with the first letter of `alt` where there is no picture."""
    kind = f' class="{css}"' if css else ""
    if source:
        return f'<img{kind} src="{source}" alt="{escape(alt)}">'
    return f'<span class="initial {css}" role="img" aria-label="{escape(alt)}">{escape(alt[:1])}</span>'
