"""Eyes and brows: every state an eye can be in, for any character.

An eye is drawn around (0, 0) as the eye on the viewer's right; its outer corner
points to +x.  The left eye is the same drawing with ``side`` -1.  A lid is a
patch of skin over the upper part of the eye, so the lids of sleepy, angry and
gentle eyes are one shape with different slants.
"""

from collections.abc import Callable
from dataclasses import dataclass

from assets.drawing.svg import INK, Point, circle, ellipse, flat, line, path, star

WHITE = "#fffdf8"


@dataclass(frozen=True)
class EyeStyle:
    """How one character's eyes are built."""

    rx: float
    ry: float
    iris: str
    glow: str
    skin: str
    lash: float = 4.5
    flick: float = 4.5


@dataclass(frozen=True)
class Lid:
    """How far a lid comes down at the inner and outer corner (0 none, 1 shut)."""

    inner: float
    outer: float


LIDS = {
    "open": Lid(0, 0),
    "half": Lid(0.42, 0.42),
    "angry": Lid(0.5, 0.08),
    "stern": Lid(0.36, 0.12),
    "soft": Lid(0.08, 0.34),
    "sleepy": Lid(0.52, 0.62),
}


def eye(style: EyeStyle, state: str, side: int, look: Point) -> str:
    """One eye in the named state."""
    if state in LIDS:
        return _opened(style, LIDS[state], side, look)
    return _SPECIAL[state](style, side, look)


def _opened(style: EyeStyle, lid: Lid, side: int, look: Point) -> str:
    rx, ry = style.rx, style.ry
    ball = ellipse(0, 0, rx, ry, WHITE, "none")
    iris = _iris(style, look, 1)
    below = line(f"M{-side * rx * 0.35} {ry + 0.5}Q{side * rx * 0.4} {ry + 2} {side * rx * 0.85} {ry * 0.62}", width=2)
    return ball + iris + below + _lid(style, lid, side)


def _iris(style: EyeStyle, look: Point, grow: float) -> str:
    rx, ry = style.rx * 0.74 * grow, style.ry * 0.84 * grow
    x, y = look[0], look[1] + style.ry * 0.06
    return (
        ellipse(x, y, rx, ry, style.iris, "none")
        + ellipse(x, y + ry * 0.48, rx * 0.68, ry * 0.42, style.glow, "none")
        + ellipse(x, y - ry * 0.06, rx * 0.48, ry * 0.5, "#2a1712", "none")
        + circle(x - rx * 0.32, y - ry * 0.44, rx * 0.36, "#fff", "none")
        + circle(x + rx * 0.4, y + ry * 0.36, rx * 0.19, "#fff", "none")
    )


def _lid(style: EyeStyle, lid: Lid, side: int) -> str:
    """The skin over the eye, then the lash line along its lower edge."""
    rx, ry = style.rx, style.ry
    inner, outer = (-ry + lid.inner * ry * 2, -ry + lid.outer * ry * 2)
    left, right = -side * (rx + 1.5), side * (rx + 3)
    closed = max(lid.inner, lid.outer) > 0
    start, end = (inner, outer) if closed else (-ry * 0.3, -ry * 0.12)
    rise = (inner + outer) / 2 - (3 if closed else ry * 0.86 - 2)
    edge = (
        f"Q0 {rise} {right} {end}"
        if closed
        else (f"C{left * 0.8} {-ry * 1.25} {right * 0.75} {-ry * 1.3} {right} {end}")
    )
    skin = f"M{left} {start}{edge}L{right} {-ry - 5}L{left} {-ry - 5}Z"
    parts = [flat(skin, style.skin)] if closed else []
    parts.append(line(f"M{left} {start}{edge}", width=style.lash))
    if style.flick:
        parts.append(line(f"M{right - side} {end}l{side * style.flick} {-style.flick * 0.7}", width=style.lash - 1))
    return "".join(parts)


def _wide(style: EyeStyle, side: int, look: Point) -> str:
    ball = ellipse(0, 0, style.rx + 2, style.ry + 2, WHITE, width=3)
    return ball + _iris(style, look, 0.66)


def _happy(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx, style.ry
    arc = f"M{-rx} {ry * 0.28}C{-rx * 0.6} {-ry * 0.55} {rx * 0.6} {-ry * 0.55} {rx} {ry * 0.28}"
    return line(arc, width=style.lash + 0.5)


def _closed(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx, style.ry
    arc = f"M{-rx} {ry * 0.05}C{-rx * 0.5} {ry * 0.6} {rx * 0.5} {ry * 0.6} {rx} {ry * 0.05}"
    lash = f"M{side * rx * 0.8} {ry * 0.32}l{side * 5} 4M{side * rx * 0.3} {ry * 0.46}l{side * 3} 5"
    return line(arc, width=style.lash) + line(lash, width=2.5)


def _squeezed(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx * 0.85, style.ry * 0.5
    return line(f"M{side * rx} {-ry}L{-side * rx} 0L{side * rx} {ry}", width=style.lash)


def _starry(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx + 1, style.ry + 1
    sparkle = flat(star(0, 0, rx * 0.78, 0.42), "#ffe27a") + circle(-rx * 0.4, -ry * 0.5, 2.6, "#fff", "none")
    ball = ellipse(0, 1, rx, ry, WHITE, "none") + ellipse(0, 1, rx * 0.92, ry * 0.92, style.iris, "none")
    glow = ellipse(0, ry * 0.52, rx * 0.6, ry * 0.32, style.glow, "none")
    return ball + glow + sparkle + _lid(style, LIDS["open"], side)


def _fiery(style: EyeStyle, side: int, look: Point) -> str:
    """The golden gaze: an iris of flame with a pupil as small as a spark."""
    rx, ry = style.rx, style.ry
    ball = ellipse(0, 0, rx, ry, "#fff3c4", "none") + circle(0, 1, rx * 0.8, "#d63a1e", "none")
    glow = circle(0, 1, rx * 0.58, "#ffb52e", "none") + circle(0, 1, rx * 0.26, "#5a1409", "none")
    return ball + glow + circle(-rx * 0.3, -ry * 0.3, 3, "#fff", "none") + _lid(style, LIDS["angry"], side)


def _dizzy(style: EyeStyle, side: int, look: Point) -> str:
    r = style.rx * 0.9
    coil = (
        f"M0 0C{r * 0.1} {-r * 0.4} {r * 0.6} {-r * 0.3} {r * 0.5} {r * 0.1}"
        f"C{r * 0.4} {r * 0.6} {-r * 0.5} {r * 0.6} {-r * 0.6} 0"
        f"C{-r * 0.65} {-r * 0.8} {r * 0.6} {-r} {r * 0.95} {-r * 0.3}"
    )
    return line(coil, width=style.lash - 1)


_SPECIAL: dict[str, Callable[[EyeStyle, int, Point], str]] = {
    "wide": _wide,
    "happy": _happy,
    "closed": _closed,
    "squeezed": _squeezed,
    "starry": _starry,
    "fiery": _fiery,
    "dizzy": _dizzy,
}

# Heights of the inner and outer end and of the bow between them.
_BROWS = {
    "calm": (0, 1, -5),
    "up": (-6, -5, -13),
    "angry": (8, -7, -2),
    "firm": (5, -4, -3),
    "sad": (-7, 5, -4),
    "soft": (-2, 3, -6),
    "quirk": (-3, -7, -13),
}


def brow(kind: str, side: int, length: float, weight: float, colour: str = INK) -> str:
    """One brow around (0, 0); a slash in the name gives each side its own."""
    names = kind.split("/")
    inner, outer, bow = _BROWS[names[0] if side < 0 else names[-1]]
    data = f"M{-side * length} {inner}Q{side * 1} {bow + (inner + outer) / 2} {side * length} {outer}"
    return path(data, "none", colour, weight)
