"""Arms and hands: a limb is a thick stroke in ink with a thinner one inside it.

Drawing limbs as two strokes keeps every bend clean, whatever the pose, and a
hand made of the same double strokes melts into one outline.  A hand is drawn
around its palm, fingers towards +x, thumb towards -y.
"""

import math
from dataclasses import dataclass

from assets.drawing.model import Arm
from assets.drawing.svg import INK, Point, line, move, path

EDGE = 6  # ink on both sides of a limb together


@dataclass(frozen=True)
class ArmStyle:
    """How one character's arms look; ``hoof`` replaces the fingers by two toes."""

    shoulder: Point
    width: float
    sleeve: str
    skin: str
    cuff: str = ""
    hoof: str = ""


# Each hand is a set of strokes (path, width) and the creases drawn over them.
_HANDS: dict[str, tuple[tuple[tuple[str, float], ...], str]] = {
    "mitten": ((("M-6 0H4", 16), ("M-3 -4L4 -10", 6.5)), "M0 -4L4 -7"),
    "fist": ((("M-3 0H3", 18), ("M-3 -6L4 -8", 7)), "M4 -3L11 -3M4 3L10.500 3M-2 -4L4 -5"),
    "open": (
        (
            ("M-4 0H1", 15),
            ("M2 -5L13 -9", 5.5),
            ("M4 -1L17 -3", 5.5),
            ("M4 3L16 4", 5.5),
            ("M1 6L11 10", 5.5),
            ("M-4 -4L0 -14", 6),
        ),
        "",
    ),
    "point": ((("M-3 1H2", 17), ("M3 -4L21 -5", 6.5), ("M-3 -5L3 -10", 6)), "M5 1L9.500 1M4 5L8 5.500"),
    "thumb": ((("M-1 4H9", 22), ("M-5 -6L-4 -22", 10)), "M7 -2H18.500M7 4H19.500M7 10H18.500"),
    "peace": ((("M-3 1H2", 17), ("M3 -4L19 -10", 6), ("M4 0L20 2", 6)), "M0 -2L6 3M4 6L8 6"),
    "flat": ((("M-6 0H12", 12), ("M-3 -3L3 -8", 6)), ""),
}


def tube(data: str, width: float, colour: str) -> str:
    """A rounded limb along a path."""
    return line(data, INK, width + EDGE) + line(data, colour, width)


def hand(kind: str, skin: str) -> str:
    """A hand around its palm: all ink first, so the skin melts together."""
    strokes, creases = _HANDS[kind]
    ink = "".join(line(data, INK, width + EDGE) for data, width in strokes)
    flesh = "".join(line(data, skin, width) for data, width in strokes)
    return ink + flesh + (line(creases, width=2) if creases else "")


def hoof(skin: str, toe: str) -> str:
    """A camel's hand: a soft pad that ends in two toes."""
    pad = tube("M-6 0H3", 21, skin)
    toes = path("M8 -10C17 -11 19 -3 14 0C9 -1 6 -5 8 -10Z", toe) + path("M8 10C17 11 19 3 14 0C9 1 6 5 8 10Z", toe)
    return pad + toes


def arm(style: ArmStyle, side: int, spec: Arm) -> str:
    """A whole arm: the prop, the hand around it, the sleeve over the wrist."""
    angle = math.atan2(spec.hand[1] - spec.elbow[1], spec.hand[0] - spec.elbow[0])
    turn = math.degrees(angle) if spec.angle is None else spec.angle
    palm = hoof(style.skin, style.hoof) if style.hoof else hand(spec.grip, style.skin)
    # Mirroring across the forearm is half a turn and a flip.
    mirror = spec.thumb < 0
    placed = move(palm, *spec.hand, turn=turn + 180 * mirror, flip=mirror)
    return move(spec.item, *spec.hand) + placed + _sleeve(style, side, spec, angle)


def _sleeve(style: ArmStyle, side: int, spec: Arm, angle: float) -> str:
    """The sleeve up to the wrist, closed by a straight cuff."""
    x, y = side * style.shoulder[0], style.shoulder[1]
    ex, ey = spec.elbow
    back = 9 if style.hoof else 17
    wx, wy = spec.hand[0] - back * math.cos(angle), spec.hand[1] - back * math.sin(angle)
    sleeve = tube(f"M{x} {y}C{ex} {ey} {ex} {ey} {wx} {wy}", style.width, style.sleeve)
    if not style.cuff:
        return sleeve
    half = style.width / 2 + 2.5
    band = path(f"M4 {-half}Q8 {-half} 13 {-half}Q15 0 13 {half}Q8 {half} 4 {half}Q6 0 4 {-half}Z", style.cuff)
    return sleeve + move(band, wx, wy, turn=math.degrees(angle))
