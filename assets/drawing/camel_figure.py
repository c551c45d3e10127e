"""What Teacher Camel looks like: sandy, two humps, round glasses, red scarf and bell.

The body is seen from the front while the humps show on its left, as on a camel
that has turned half towards the viewer; a flipped pose shows them on the right.
"""

from assets.drawing.eyes import EyeStyle
from assets.drawing.faces import FaceStyle, draw_face, draw_over
from assets.drawing.figure import Body
from assets.drawing.hands import ArmStyle, tube
from assets.drawing.model import Expression, Pose
from assets.drawing.svg import INK, blob, circle, ellipse, flat, group, line, mirrored, move, path

SAND, SAND_DARK, SAND_LIGHT = "#e8bd7c", "#d29c56", "#f8e3bd"
WOOL, WOOL_DARK = "#a06a36", "#7d4f26"
RED, RED_DARK = "#d3493c", "#a9342d"
GOLD, FRAME = "#f6c443", "#5a3423"
TOE = "#8a5a36"

FACE = FaceStyle(
    eye=EyeStyle(14.5, 17.5, "#5d3a22", "#b98546", SAND, lash=4.5, flick=7),
    eye_x=31,
    eye_y=-14,
    brow_y=-49,
    mouth_y=61,
    cheek=(51, 22),
    mouth_scale=1.15,
    brow_weight=5,
    brow_colour=WOOL_DARK,
)

ARMS = ArmStyle((44, 50), 24, SAND, SAND, hoof=TOE)

HEAD_Y = -88


def head(pose: Pose, mood: Expression) -> str:
    """Ears, skull, muzzle, features, glasses and the woolly tuft."""
    turn = pose.turn
    parts = (
        _ear(-1),
        _ear(1),
        _skull(turn),
        _muzzle(turn),
        draw_face(FACE, mood, turn, pose.look),
        _glasses(turn),
        _tuft(turn),
        draw_over(FACE, mood, turn),
    )
    return move(group(*parts), 0, HEAD_Y)


def _ear(side: int) -> str:
    outer = path("M0 4C8 -18 30 -30 46 -26C50 -10 34 12 10 16Z", SAND)
    inner = flat("M12 4C18 -10 30 -18 40 -18C40 -8 30 4 14 9Z", "#e79f83")
    return move(outer + inner, side * 48, -54, flip=side < 0)


def _skull(turn: float) -> str:
    """The gourd of a camel's head: narrow crown, wide soft snout."""
    m = turn * 12
    outline = (
        f"M0 -86C34 -88 60 -66 62 -36C63 -16 61 -6 66 8C{78 + m} 26 {76 + m} 64 {46 + m} 78"
        f"C{26 + m} 88 {-26 + m} 88 {-46 + m} 78C{-76 + m} 64 {-78 + m} 26 -66 8"
        "C-61 -6 -63 -16 -62 -36C-60 -66 -34 -88 0 -86Z"
    )
    shade = "M-61 -40C-50 -62 50 -62 61 -40C58 -66 34 -88 0 -86C-34 -88 -58 -66 -61 -40Z"
    return path(outline, SAND) + flat(shade, SAND_DARK, opacity=0.7)


def _muzzle(turn: float) -> str:
    m = turn * 17
    patch = (
        f"M{m} 9C{36 + m} 4 {66 + m * 0.8} 24 {62 + m * 0.8} 50C{56 + m * 0.8} 78 {26 + m} 80 {m} 80"
        f"C{-26 + m} 80 {-56 + m * 0.8} 78 {-62 + m * 0.8} 50C{-66 + m * 0.8} 24 {-36 + m} 4 {m} 9Z"
    )
    nostrils = "".join(line(f"M{m + side * 10} 37L{m + side * 16} 28", WOOL_DARK, 6) for side in (-1, 1))
    cleft = line(f"M{m} 40V54", width=2.6)
    return flat(patch, SAND_LIGHT) + nostrils + cleft


def _glasses(turn: float) -> str:
    """Round frames; the lenses are a breath of white with one glint each."""
    x = turn * 14
    parts = [line(f"M{x - 6} -16Q{x} -23 {x + 6} -16", FRAME, 4)]
    for side in (-1, 1):
        cx = x + side * 31
        parts.append(circle(cx, -13, 25.5, "none", FRAME, 4))
        parts.append(line(f"M{cx - 18} -20Q{cx - 15} -29 {cx - 8} -32", "#fff", 3, opacity=0.85))
        parts.append(line(f"M{cx + side * 25} -17L{side * 63} -24", FRAME, 4))
    return "".join(parts)


def _tuft(turn: float) -> str:
    m = turn * 6
    wool = (
        f"M-34 -70C-50 -80 -44 -98 -28 -94C-26 -112 -4 -114 {m} -102C{8 + m} -116 32 -110 28 -94"
        f"C46 -98 50 -78 34 -70C32 -58 16 -56 {10 + m} -66C{6 + m} -54 {-10 + m} -54 {-12 + m} -66"
        "C-18 -56 -34 -58 -34 -70Z"
    )
    curls = line(f"M-26 -80Q-18 -90 -10 -82M{8 + m} -84Q16 -94 26 -84", WOOL_DARK, 2.5)
    return path(wool, WOOL) + curls


def behind(pose: Pose) -> str:
    """Humps with their wool, and the tail."""
    humps = path("M-30 136C-88 144 -128 118 -118 86C-112 64 -82 62 -66 84Z", SAND_DARK) + path(
        "M-14 96C-80 106 -124 72 -112 38C-102 12 -66 14 -40 44Z", SAND_DARK
    )
    wool = path("M-114 62C-124 28 -100 6 -72 18Q-70 30 -80 31Q-82 44 -92 43Q-96 58 -114 62Z", WOOL) + path(
        "M-117 108C-126 86 -112 66 -90 68Q-86 78 -96 81Q-96 92 -105 93Q-106 104 -117 108Z", WOOL
    )
    if pose.legs == "none":
        return humps + wool
    tail = tube("M-48 132C-72 136 -82 148 -80 164", 6, SAND) + path(
        "M-86 160Q-80 154 -74 160Q-68 176 -80 186Q-92 176 -86 160Z", WOOL
    )
    return tail + humps + wool


def torso(pose: Pose) -> str:
    """Neck, pear-shaped body, belly and legs."""
    legs = {"stand": _legs, "walk": _walking, "none": lambda: ""}[pose.legs]()
    body = "M-26 -10C-34 14 -62 34 -62 84C-62 122 -46 142 0 142C46 142 62 122 62 84C62 34 34 14 26 -10Z"
    belly = mirrored(((0, 46), (30, 60), (42, 94), (28, 124), (0, 132)))
    return legs + path(body, SAND) + blob(belly, SAND_LIGHT, "none") + _scarf()


def _leg(shin: str, x: float, y: float) -> str:
    foot = path(
        f"M{x - 20} {y}C{x - 24} {y - 14} {x - 12} {y - 20} {x} {y - 20}"
        f"C{x + 12} {y - 20} {x + 24} {y - 14} {x + 20} {y}Q{x} {y + 5} {x - 20} {y}Z",
        TOE,
    )
    return tube(shin, 27, SAND) + foot + line(f"M{x} {y - 7}V{y + 2}", width=2.6)


def _legs() -> str:
    return _leg("M-28 122L-29 176", -30, 200) + _leg("M28 122L29 176", 30, 200)


def _walking() -> str:
    return _leg("M-26 122L-40 166", -46, 190) + _leg("M26 122L38 176", 42, 202)


def _scarf() -> str:
    """A wrapped red scarf, one end hanging, and the caravan bell at the throat."""
    tail = path("M18 22L40 66L30 74L24 69L17 77L10 71L2 74L4 24Z", RED_DARK)
    wrap = path("M-44 4C-48 18 -38 30 -20 34C0 38 24 36 38 30C50 24 50 10 42 2C20 14 -22 14 -44 4Z", RED)
    fold = line("M-36 18C-16 26 18 26 38 16", RED_DARK, 2.6)
    bell = path("M-26 50C-24 38 -21 34 -14 34C-7 34 -4 38 -2 50Z", GOLD) + circle(-14, 53, 4, INK, "none")
    return tail + wrap + fold + bell + ellipse(-18, 42, 2, 4, "#fff3bf", "none")


CAMEL = Body(behind=behind, torso=torso, hair=lambda pose: "", head=head, arms=ARMS)
