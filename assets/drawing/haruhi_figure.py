"""What Haruhi looks like: bob, yellow hairband with ribbons, navy sailor dress."""

from assets.drawing.eyes import EyeStyle
from assets.drawing.faces import FaceStyle, draw_face, draw_over
from assets.drawing.figure import Body
from assets.drawing.hands import ArmStyle, tube
from assets.drawing.model import Expression, Pose
from assets.drawing.svg import INK, ellipse, flat, group, line, move, path, star

SKIN, SKIN_SHADE = "#ffe3cd", "#f6c6a8"
HAIR, HAIR_DARK, HAIR_LIGHT = "#7d4a2b", "#5b331f", "#a56b40"
NAVY, NAVY_DARK, NAVY_LIGHT = "#33477d", "#253460", "#4a61a0"
CREAM, GOLD, GOLD_DARK, RED = "#fff6e6", "#ffc83d", "#e39a1c", "#d9493f"

FACE = FaceStyle(
    eye=EyeStyle(17.5, 22.5, "#7a3f1d", "#e09a45", SKIN, lash=5),
    eye_x=34,
    eye_y=14,
    brow_y=-21,
    mouth_y=49,
    cheek=(50, 40),
    brow_weight=4,
    brow_colour=INK,
)

ARMS = ArmStyle((31, 26), 20, NAVY, SKIN, cuff=CREAM)

HEAD_Y = -74


def head(pose: Pose, mood: Expression) -> str:
    """Face, fringe, hairband and ribbons."""
    shift = pose.turn * 9
    features = _nose(pose.turn) + draw_face(FACE, mood, pose.turn, pose.look)
    parts = (
        _face_shape(pose.turn),
        features,
        _fringe(shift),
        _band(shift * 0.4),
        _bow(-1, shift * 0.4),
        _bow(1, shift * 0.4),
        draw_over(FACE, mood, pose.turn),
    )
    return move(group(*parts), 0, HEAD_Y)


def hair(pose: Pose) -> str:
    """The mass of hair behind face and shoulders."""
    outline = (
        "M0 -99C60 -101 99 -64 100 -8C101 28 102 54 113 76Q101 86 86 81Q84 94 70 101"
        "Q58 108 44 110H-44Q-58 108 -70 101Q-84 94 -86 81Q-101 86 -113 76"
        "C-102 54 -101 28 -100 -8C-99 -64 -60 -101 0 -99Z"
    )
    strands = line("M92 30Q92 58 98 74M-92 30Q-92 58 -98 74M74 60Q74 78 70 90M-74 60Q-74 78 -70 90", width=2)
    return move(path(outline, HAIR_DARK) + strands, -pose.turn * 5, HEAD_Y)


def _face_shape(turn: float) -> str:
    chin = turn * 9
    outline = (
        f"M-77 -14C-80 26 {-62 + chin} 56 {-20 + chin} 73Q{chin} 80 {20 + chin} 73"
        f"C{62 + chin} 56 80 26 77 -14C77 -76 -77 -76 -77 -14Z"
    )
    shade = "M-77 -14C-78 -30 -70 -44 -60 -52H60C70 -44 78 -30 77 -14Q70 -4 58 -8Q0 6 -58 -8Q-70 -4 -77 -14Z"
    return path(outline, SKIN) + flat(shade, SKIN_SHADE)


def _nose(turn: float) -> str:
    x = turn * 21
    return line(f"M{x - 1} 32q3 1 2 3", "#d98d6c", 2.4)


def _fringe(shift: float) -> str:
    """The hair over the forehead, with its tips following the turn of the head."""
    s = shift
    outline = (
        "M0 -99C58 -101 95 -64 96 -10C97 22 95 46 84 68C78 54 73 34 71 8"
        f"Q{66 + s} -16 {60 + s} -30Q{56 + s} -8 {41 + s} 2Q{40 + s} -20 {33 + s} -36"
        f"Q{25 + s} -10 {9 + s} 0Q{7 + s} -20 {s} -38Q{-8 + s} -12 {-25 + s} -1"
        f"Q{-25 + s} -20 {-31 + s} -36Q{-38 + s} -10 {-53 + s} 4Q{-56 + s} -14 {-60 + s} -30"
        "Q-68 -14 -71 8C-73 34 -78 54 -84 68C-95 46 -97 22 -96 -10C-95 -64 -58 -101 0 -99Z"
    )
    gleam = (
        f"M{-58 + s} -52Q{-34 + s} -66 {-6 + s} -66L{-10 + s} -56L{-18 + s} -63L{-26 + s} -50"
        f"L{-34 + s} -59L{-44 + s} -46L{-48 + s} -53Z"
        f"M{8 + s} -66Q{34 + s} -64 {54 + s} -50L{44 + s} -50L{36 + s} -58L{28 + s} -50L{20 + s} -60Z"
    )
    strands = line(
        f"M{-3 + s} -42Q{-6 + s} -58 {-14 + s} -68M{-64 + s} -34Q-70 -46 -68 -56"
        f"M{64 + s} -34Q70 -46 68 -56M-82 30Q-86 10 -84 -6M82 30Q86 10 84 -6",
        width=2,
    )
    return path(outline, HAIR) + flat(gleam, HAIR_LIGHT) + strands


def _band(shift: float) -> str:
    """The yellow band across the crown, with a lighter edge."""
    s = shift
    arc = f"M-95 -24C{-88 + s} -66 {-50 + s} -86 {s} -86C{50 + s} -86 {88 + s} -66 95 -24"
    edge = f"M{-84 + s} -52C{-66 + s} -78 {-34 + s} -89 {s} -89"
    return tube(arc, 11, GOLD) + line(edge, "#ffe79a", 2.5)


def _bow(side: int, shift: float) -> str:
    """A ribbon at the end of the band: two loops, two tails, one knot."""
    tails = path("M2 4C10 16 12 30 8 46L-2 39L-8 48C-10 30 -8 14 -2 4Z", GOLD_DARK)
    loops = path("M0 0C-2 -22 12 -36 26 -30C34 -18 22 -2 0 0Z", GOLD) + path(
        "M0 0C16 -4 30 6 28 20C16 30 2 18 0 0Z", GOLD
    )
    folds = line("M5 -6Q10 -16 18 -21M7 4Q14 8 18 13", GOLD_DARK, 2.5)
    return move(tails + loops + folds + ellipse(0, 0, 7, 8, GOLD), side * 94 + shift * 0.4, -22, flip=side < 0)


def torso(pose: Pose) -> str:
    """Legs, skirt, blouse and collar, from the lowest layer up."""
    legs = {"stand": _legs, "walk": _walking, "none": lambda: ""}[pose.legs]()
    neck = path("M-12 -8V10Q0 18 12 10V-8Z", SKIN_SHADE)
    blouse = path("M-28 6C-36 22 -34 50 -29 68H29C34 50 36 22 28 6Q0 14 -28 6Z", NAVY)
    fold = line("M-20 58Q-18 48 -20 40M20 58Q18 48 20 40", NAVY_DARK, 2.5)
    return legs + _skirt() + neck + blouse + fold + _collar()


def _legs() -> str:
    parts = []
    for side in (-1, 1):
        x = side * 17
        parts.append(tube(f"M{x} 100V150", 18, SKIN) + tube(f"M{x} 148V182", 19, CREAM))
        parts.append(
            path(
                f"M{x - 14} 184Q{x} 178 {x + 14} 184Q{x + 19 + side * 3} 202 {x + side * 3} 202"
                f"Q{x - 19 + side * 3} 202 {x - 14} 184Z",
                "#8a4b2d",
            )
        )
    return "".join(parts)


def _walking() -> str:
    back = tube("M-16 100Q-18 130 -34 148", 18, SKIN) + tube("M-33 146L-46 172", 19, CREAM)
    shoe = path("M-58 170Q-46 166 -36 176Q-36 196 -52 198Q-66 196 -58 170Z", "#8a4b2d")
    front = tube("M16 100Q24 124 22 148", 18, SKIN) + tube("M22 148L20 180", 19, CREAM)
    toe = path("M7 182Q20 178 33 183Q46 200 28 202Q4 204 7 182Z", "#8a4b2d")
    return back + shoe + front + toe


def _skirt() -> str:
    outline = "M-30 62H30Q46 88 58 114Q44 124 28 119Q14 127 0 121Q-14 127 -28 119Q-44 124 -58 114Q-46 88 -30 62Z"
    pleats = line("M-18 72Q-24 96 -28 119M0 72V121M18 72Q24 96 28 119", NAVY_DARK, 3)
    trim = line("M-52 106Q-40 115 -28 111Q-14 118 0 113Q14 118 28 111Q40 115 52 106", CREAM, 3)
    return path(outline, NAVY) + pleats + trim


def _collar() -> str:
    flaps = path("M0 46L-36 30Q-40 12 -24 0L0 26L24 0Q40 12 36 30Z", CREAM)
    stripe = line("M-34 22L0 38L34 22", NAVY_LIGHT, 2.5)
    tie = path("M0 40C-10 30 -24 32 -25 42C-24 54 -10 52 0 44C10 52 24 54 25 42C24 32 10 30 0 40Z", RED)
    ends = path("M-3 44L-12 66L-3 62L0 68L5 62L13 65L3 44Z", "#b93a35")
    return flaps + stripe + ends + tie + ellipse(0, 42, 6.5, 6, RED) + flat(star(0, 42, 4.5), GOLD)


HARUHI = Body(behind=lambda pose: "", torso=torso, hair=hair, head=head, arms=ARMS)
