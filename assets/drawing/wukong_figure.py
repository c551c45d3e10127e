"""What Sun Wukong looks like: heart-shaped face, golden circlet, tiger-skin kilt."""

from assets.drawing.eyes import EyeStyle
from assets.drawing.faces import FaceStyle, draw_face, draw_over
from assets.drawing.figure import Body
from assets.drawing.hands import ArmStyle, tube
from assets.drawing.model import Expression, Pose
from assets.drawing.svg import circle, ellipse, flat, group, line, move, path

FUR, FUR_DARK, FUR_LIGHT = "#a8662f", "#7c4720", "#cf9150"
FACE_SKIN, FACE_SHADE = "#ffe7c8", "#f5c99b"
RED, RED_DARK, GOLD = "#d8432f", "#a62f26", "#f9c638"
TUNIC, TIGER, STRIPE, SASH, TROUSER, BOOT = "#ffd56b", "#f0932f", "#5b3418", "#37507a", "#4a5f86", "#3d2b2a"

FACE = FaceStyle(
    eye=EyeStyle(17, 20, "#8a4a12", "#f0b23c", FACE_SKIN, lash=4.5, flick=0),
    eye_x=31,
    eye_y=8,
    brow_y=-23,
    mouth_y=49,
    cheek=(42, 37),
    brow_weight=5.5,
    brow_colour=FUR_DARK,
)

ARMS = ArmStyle((31, 27), 21, TUNIC, FUR_LIGHT, cuff=RED)

HEAD_Y = -74


def head(pose: Pose, mood: Expression) -> str:
    """Ears, fur, heart-shaped face, features and the circlet."""
    turn = pose.turn
    parts = (
        _ear(-1, turn),
        _ear(1, turn),
        _fur(),
        _heart(turn),
        _nose(turn),
        draw_face(FACE, mood, turn, pose.look),
        _circlet(turn * 7),
        _crest(turn * 5),
        draw_over(FACE, mood, turn),
    )
    return move(group(*parts), 0, HEAD_Y)


def _ear(side: int, turn: float) -> str:
    x = side * 87 - turn * 8
    return circle(x, 6, 25, FUR) + circle(x + side * 2, 7, 14, "#f2b08c", "none")


def _fur() -> str:
    """The round head with tufts of fur at the cheeks."""
    right = "C52 -98 86 -70 89 -22L91 6L101 18L91 26L95 44L80 46L78 62L62 59L54 72C36 80 18 82 0 82"
    left = "C-18 82 -36 80 -54 72L-62 59L-78 62L-80 46L-95 44L-91 26L-101 18L-91 6L-89 -22"
    return path(f"M0 -96{right}{left}C-86 -70 -52 -98 0 -96Z", FUR)


def _heart(turn: float) -> str:
    m = turn * 12
    outline = (
        f"M{m} -20C{-8 + m} -46 {-58 + m} -52 {-67 + m * 0.8} -12C{-73 + m * 0.6} 24 {-46 + m} 66 {m} 74"
        f"C{46 + m} 66 {73 + m * 0.6} 24 {67 + m * 0.8} -12C{58 + m} -52 {8 + m} -46 {m} -20Z"
    )
    return path(outline, FACE_SKIN) + flat(
        f"M{-30 + m} 58C{-16 + m} 66 {16 + m} 66 {30 + m} 58C{18 + m} 68 {8 + m} 73 {m} 73"
        f"C{-8 + m} 73 {-18 + m} 68 {-30 + m} 58Z",
        FACE_SHADE,
    )


def _nose(turn: float) -> str:
    x = turn * 20
    return line(f"M{x - 6} 30Q{x - 3} 34 {x} 31Q{x + 3} 34 {x + 6} 30", "#b9713f", 3)


def _circlet(m: float) -> str:
    """The golden band, its two curls meeting over the brow."""
    band = tube(f"M-88 -30C-62 -56 {-28 + m} -60 {m} -58C{28 + m} -60 62 -56 88 -30", 9, GOLD)
    curls = "".join(
        tube(
            f"M{m} -58C{m + side * 3} -76 {m + side * 22} -76 {m + side * 20} -64"
            f"C{m + side * 18} -58 {m + side * 11} -61 {m + side * 13} -66",
            4.5,
            GOLD,
        )
        for side in (-1, 1)
    )
    return band + curls + circle(m, -57, 6.5, RED)


def _crest(m: float) -> str:
    tuft = (
        f"M{-34 + m} -92C{-40 + m} -104 {-34 + m} -114 {-28 + m} -118C{-26 + m} -110 {-20 + m} -108 {-16 + m} -110"
        f"C{-14 + m} -122 {-4 + m} -130 {6 + m} -130C{2 + m} -120 {8 + m} -114 {14 + m} -112"
        f"C{20 + m} -118 {28 + m} -118 {34 + m} -114C{28 + m} -110 {32 + m} -100 {34 + m} -90"
        f"Q{m} -80 {-34 + m} -92Z"
    )
    return path(tuft, FUR) + flat(
        f"M{-24 + m} -90Q{m} -83 {26 + m} -89Q{18 + m} -104 {6 + m} -98"
        f"Q{m} -108 {-8 + m} -98Q{-20 + m} -104 {-24 + m} -90Z",
        FUR_LIGHT,
    )


def behind(pose: Pose) -> str:
    """The tail and the flying ends of the scarf."""
    scarf = path("M-20 6C-50 2 -70 18 -104 8C-98 20 -104 28 -112 34C-80 42 -50 36 -16 24Z", RED_DARK)
    if pose.legs == "none":
        return scarf
    if pose.legs == "hang":
        return tube("M10 96C44 130 30 150 8 190C-4 214 -40 214 -36 188C-34 176 -22 176 -22 186", 9, FUR) + scarf
    tail = tube("M30 110C70 130 100 110 92 84C88 68 70 72 74 86", 9, FUR)
    return tail + scarf


def torso(pose: Pose) -> str:
    """Legs, tunic, kilt, sash and scarf."""
    legs = {"stand": _legs, "walk": _running, "fly": _running, "sit": _sitting, "hang": _sitting, "none": lambda: ""}[
        pose.legs
    ]()
    tunic = path("M-28 4C-38 22 -36 52 -30 72H30C36 52 38 22 28 4Q0 14 -28 4Z", TUNIC)
    trim = line("M-18 22L4 48V68M20 20L4 48", RED, 5)
    return legs + _kilt() + tunic + trim + _sash() + _scarf()


def _boot(x: float, y: float, turn: float = 0) -> str:
    boot = path("M-12 -24H12L13 -8Q24 -4 23 6H-14Z", BOOT) + path("M-14 6H23V11H-14Z", "#fff3dc")
    return move(boot, x, y, turn=turn)


def _legs() -> str:
    left, right = tube("M-18 104L-20 172", 21, TROUSER), tube("M18 104L20 172", 21, TROUSER)
    return left + move(_boot(0, 0), -22, 190, flip=True) + right + _boot(22, 190)


def _running() -> str:
    back = tube("M-16 100C-20 130 -40 130 -62 134", 21, TROUSER) + _boot(-78, 138, 84)
    front = tube("M16 100C44 112 56 128 46 152", 21, TROUSER) + _boot(46, 170)
    return back + front


def _sitting() -> str:
    left = tube("M-18 104C-58 104 -66 124 -48 146", 21, TROUSER) + move(_boot(0, 0), -46, 162, flip=True)
    right = tube("M18 104C58 104 66 124 48 146", 21, TROUSER) + _boot(46, 162)
    return left + right


def _kilt() -> str:
    hem = (
        "M-31 66H31C42 86 48 104 52 122L40 116L30 126L18 118L6 128L-6 118L-18 127L-30 117L-42 124L-52 116"
        "C-46 100 -42 86 -31 66Z"
    )
    stripes = (
        "M-36 84L-22 90L-40 94ZM-46 106L-28 104L-44 112ZM34 84L20 92L39 95ZM46 106L30 106L48 113Z"
        "M-6 86L4 98L10 86ZM-10 104L2 114L8 103Z"
    )
    return path(hem, TIGER) + flat(stripes, STRIPE)


def _sash() -> str:
    knot = path("M8 74L2 104L10 99L16 106L20 74Z", SASH)
    return path("M-33 62Q0 74 33 62L34 77Q0 88 -34 77Z", SASH) + knot + ellipse(13, 75, 8, 7, "#5573a6")


def _scarf() -> str:
    wrap = "M-34 2C-40 14 -32 26 -16 28C4 32 22 30 32 24C42 18 40 6 34 0C18 12 -18 12 -34 2Z"
    return path(wrap, RED) + line("M-28 14C-12 21 14 21 30 12", RED_DARK, 2.6)


WUKONG = Body(behind=behind, torso=torso, hair=lambda pose: "", head=head, arms=ARMS)
