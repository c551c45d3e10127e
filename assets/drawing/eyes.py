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
    below = line(f"M{-side * rx * .35} {ry + .5}Q{side * rx * .4} {ry + 2} {side * rx * .85} {ry * .62}",
                 width=2)
    return ball + iris + below + _lid(style, lid, side)


def _iris(style: EyeStyle, look: Point, grow: float) -> str:
    rx, ry = style.rx * .74 * grow, style.ry * .84 * grow
    x, y = look[0], look[1] + style.ry * .06
    return (ellipse(x, y, rx, ry, style.iris, "none")
            + ellipse(x, y + ry * .48, rx * .68, ry * .42, style.glow, "none")
            + ellipse(x, y - ry * .06, rx * .48, ry * .5, "#2a1712", "none")
            + circle(x - rx * .32, y - ry * .44, rx * .36, "#fff", "none")
            + circle(x + rx * .4, y + ry * .36, rx * .19, "#fff", "none"))


def _lid(style: EyeStyle, lid: Lid, side: int) -> str:
    """The skin over the eye, then the lash line along its lower edge."""
    rx, ry = style.rx, style.ry
    inner, outer = (-ry + lid.inner * ry * 2, -ry + lid.outer * ry * 2)
    left, right = -side * (rx + 1.5), side * (rx + 3)
    closed = max(lid.inner, lid.outer) > 0
    start, end = (inner, outer) if closed else (-ry * .3, -ry * .12)
    rise = (inner + outer) / 2 - (3 if closed else ry * .86 - 2)
    edge = f"Q0 {rise} {right} {end}" if closed else (
        f"C{left * .8} {-ry * 1.25} {right * .75} {-ry * 1.3} {right} {end}")
    skin = f"M{left} {start}{edge}L{right} {-ry - 5}L{left} {-ry - 5}Z"
    parts = [flat(skin, style.skin)] if closed else []
    parts.append(line(f"M{left} {start}{edge}", width=style.lash))
    if style.flick:
        parts.append(line(f"M{right - side} {end}l{side * style.flick} {-style.flick * .7}",
                          width=style.lash - 1))
    return "".join(parts)


def _wide(style: EyeStyle, side: int, look: Point) -> str:
    ball = ellipse(0, 0, style.rx + 2, style.ry + 2, WHITE, width=3)
    return ball + _iris(style, look, .66)


def _happy(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx, style.ry
    arc = f"M{-rx} {ry * .28}C{-rx * .6} {-ry * .55} {rx * .6} {-ry * .55} {rx} {ry * .28}"
    return line(arc, width=style.lash + .5)


def _closed(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx, style.ry
    arc = f"M{-rx} {ry * .05}C{-rx * .5} {ry * .6} {rx * .5} {ry * .6} {rx} {ry * .05}"
    lash = f"M{side * rx * .8} {ry * .32}l{side * 5} 4M{side * rx * .3} {ry * .46}l{side * 3} 5"
    return line(arc, width=style.lash) + line(lash, width=2.5)


def _squeezed(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx * .85, style.ry * .5
    return line(f"M{side * rx} {-ry}L{-side * rx} 0L{side * rx} {ry}", width=style.lash)


def _starry(style: EyeStyle, side: int, look: Point) -> str:
    rx, ry = style.rx + 1, style.ry + 1
    sparkle = flat(star(0, 0, rx * .78, .42), "#ffe27a") + circle(-rx * .4, -ry * .5, 2.6, "#fff", "none")
    ball = ellipse(0, 1, rx, ry, WHITE, "none") + ellipse(0, 1, rx * .92, ry * .92, style.iris, "none")
    glow = ellipse(0, ry * .52, rx * .6, ry * .32, style.glow, "none")
    return ball + glow + sparkle + _lid(style, LIDS["open"], side)


def _fiery(style: EyeStyle, side: int, look: Point) -> str:
    """The golden gaze: an iris of flame with a pupil as small as a spark."""
    rx, ry = style.rx, style.ry
    ball = ellipse(0, 0, rx, ry, "#fff3c4", "none") + circle(0, 1, rx * .8, "#d63a1e", "none")
    glow = circle(0, 1, rx * .58, "#ffb52e", "none") + circle(0, 1, rx * .26, "#5a1409", "none")
    return ball + glow + circle(-rx * .3, -ry * .3, 3, "#fff", "none") + _lid(style, LIDS["angry"], side)


def _dizzy(style: EyeStyle, side: int, look: Point) -> str:
    r = style.rx * .9
    coil = (f"M0 0C{r * .1} {-r * .4} {r * .6} {-r * .3} {r * .5} {r * .1}"
            f"C{r * .4} {r * .6} {-r * .5} {r * .6} {-r * .6} 0"
            f"C{-r * .65} {-r * .8} {r * .6} {-r} {r * .95} {-r * .3}")
    return line(coil, width=style.lash - 1)


_SPECIAL: dict[str, Callable[[EyeStyle, int, Point], str]] = {
    "wide": _wide, "happy": _happy, "closed": _closed, "squeezed": _squeezed,
    "starry": _starry, "fiery": _fiery, "dizzy": _dizzy,
}

# Heights of the inner and outer end and of the bow between them.
_BROWS = {
    "calm": (0, 1, -5), "up": (-6, -5, -13), "angry": (8, -7, -2), "firm": (5, -4, -3),
    "sad": (-7, 5, -4), "soft": (-2, 3, -6), "quirk": (-3, -7, -13),
}


def brow(kind: str, side: int, length: float, weight: float, colour: str = INK) -> str:
    """One brow around (0, 0); a slash in the name gives each side its own."""
    names = kind.split("/")
    inner, outer, bow = _BROWS[names[0] if side < 0 else names[-1]]
    data = f"M{-side * length} {inner}Q{side * 1} {bow + (inner + outer) / 2} {side * length} {outer}"
    return path(data, "none", colour, weight)
