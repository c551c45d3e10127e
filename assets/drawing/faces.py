"""Mouths, cheeks and comic signs, and the expressions that combine them.

The table ``EXPRESSIONS`` gives every mood a name, so a picture only says
``face("proud")``.  ``draw_face`` lays the features out for one character's
``FaceStyle``; turning the head is a shift of the features to one side.
"""

from dataclasses import dataclass, replace

from assets.drawing.eyes import EyeStyle, brow, eye
from assets.drawing.model import Expression
from assets.drawing.svg import INK, Point, ellipse, flat, line, move, path

BLUSH = "#f08a7a"
MOUTH = "#8e2f2b"
TONGUE = "#ef8a83"
TEAR = "#8fd0ef"


@dataclass(frozen=True)
class FaceStyle:
    """Where one character's features sit, relative to the head's centre."""

    eye: EyeStyle
    eye_x: float
    eye_y: float
    brow_y: float
    mouth_y: float
    cheek: Point
    mouth_scale: float = 1
    brow_weight: float = 4
    brow_colour: str = INK


EXPRESSIONS = {
    "calm": Expression(),
    "confident": Expression("stern", "firm", "smirk"),
    "command": Expression("angry", "angry", "shout"),
    "bored": Expression("half", "soft", "flat", blush=0),
    "sulky": Expression("angry", "angry", "pout", blush=2, marks=("vein",)),
    "excited": Expression("starry", "up", "grin", blush=2),
    "laugh": Expression("happy", "up", "laugh"),
    "proud": Expression("closed", "firm", "grin"),
    "call": Expression("open", "firm", "shout"),
    "gentle": Expression("soft", "soft", "smile"),
    "lesson": Expression("open", "firm", "talk"),
    "shy": Expression("soft", "sad", "wavy", blush=2, marks=("sweat",)),
    "yawn": Expression("closed", "sad", "yawn", marks=("tear",)),
    "wonder": Expression("open", "up", "small"),
    "curious": Expression("open", "quirk/calm", "small"),
    "cheer": Expression("happy/open", "up", "laugh", blush=2),
    "nod": Expression("happy", "calm", "smile"),
    "surprised": Expression("wide", "up", "round", marks=("sweat",)),
    "think": Expression("half", "quirk/firm", "side"),
    "drink": Expression("happy", "soft", "small"),
    "doze": Expression("closed", "soft", "small"),
    "comfort": Expression("soft", "sad", "smile"),
    "furious": Expression("angry", "angry", "teeth", blush=2, marks=("vein",)),
    "spit": Expression("angry", "angry", "purse", blush=2, marks=("vein",)),
    "fiery": Expression("fiery", "angry", "smirk"),
    "eat": Expression("happy", "calm", "chew", blush=2),
    "puzzled": Expression("open", "sad/quirk", "wavy", marks=("sweat",)),
    "pain": Expression("squeezed", "sad", "wail", marks=("tear", "sweat")),
    "homesick": Expression("soft", "sad", "frown", blush=0),
    "wink": Expression("open/happy", "up", "grin"),
    "sly": Expression("half", "firm", "cat"),
}

_LINES = {
    "smile": "M-12 -2Q0 9 12 -2",
    "flat": "M-9 1L9 0",
    "frown": "M-10 4Q0 -5 10 4",
    "wavy": "M-14 1Q-9 -5 -4 1T5 1T14 -1",
    "pout": "M-8 4Q-2 -5 0 0Q2 -5 8 4",
    "smirk": "M-12 0Q2 9 14 -6M14 -6l3 2",
    "side": "M-2 2Q6 3 12 -2",
    "small": "M-5 0Q0 4 5 0",
    "purse": "M-3 -8Q9 -5 1 0Q9 5 -3 8",
    "cat": "M-14 -3Q-11 6 -5 5Q0 4 0 -1Q0 4 5 5Q11 6 14 -3",
    "chew": "M-14 -2Q-7 5 0 0T14 -2",
}

# Open mouths: outline, then the tongue, then the upper teeth.
_OPEN = {
    "grin": ("M-18 -5Q0 1 18 -5Q16 16 0 16Q-16 16 -18 -5Z", "M-10 12Q0 3 10 12Q5 16 0 16Q-5 16 -10 12Z", ""),
    "laugh": (
        "M-22 -8Q0 -2 22 -8Q21 22 0 23Q-21 22 -22 -8Z",
        "M-14 17Q0 4 14 17Q8 23 0 23Q-8 23 -14 17Z",
        "M-19 -6Q0 -1 19 -6L17 0Q0 4 -17 0Z",
    ),
    "shout": (
        "M-13 -8Q0 -13 13 -8Q19 16 0 18Q-19 16 -13 -8Z",
        "M-10 13Q0 4 10 13Q6 18 0 18Q-6 18 -10 13Z",
        "M-12 -8Q0 -13 12 -8L12 -4Q0 -8 -12 -4Z",
    ),
    "talk": ("M-11 -3Q0 0 11 -3Q9 11 0 11Q-9 11 -11 -3Z", "M-6 9Q0 3 6 9Q3 11 0 11Q-3 11 -6 9Z", ""),
    "yawn": (
        "M0 -12C14 -12 17 2 14 14Q8 22 0 22Q-8 22 -14 14C-17 2 -14 -12 0 -12Z",
        "M-11 17Q0 6 11 17Q6 22 0 22Q-6 22 -11 17Z",
        "",
    ),
    "round": ("M0 -8C9 -8 10 12 0 12C-10 12 -9 -8 0 -8Z", "", ""),
    "wail": (
        "M-18 10Q-20 -10 0 -10Q20 -10 18 10Q9 5 0 5Q-9 5 -18 10Z",
        "M-8 6Q0 0 8 6Q0 4 -8 6Z",
        "M-14 -6Q0 -12 14 -6L13 -3Q0 -7 -13 -3Z",
    ),
}


def face(name: str, **changes: object) -> Expression:
    """An expression from the table, with details replaced where needed."""
    return replace(EXPRESSIONS[name], **changes)


def mouth(kind: str) -> str:
    """A mouth around (0, 0)."""
    if kind in _LINES:
        return line(_LINES[kind], width=3.2)
    if kind == "teeth":
        return _gritted()
    outline, tongue, teeth = _OPEN[kind]
    inside = flat(tongue, TONGUE) if tongue else ""
    white = flat(teeth, "#fffdf8") if teeth else ""
    return flat(outline, MOUTH) + inside + white + line(outline)


def _gritted() -> str:
    box = "M-18 -6Q0 -10 18 -6Q21 4 17 11Q0 7 -17 11Q-21 4 -18 -6Z"
    return path(box, "#fffdf8") + line("M-18 2Q0 -1 18 2M-8 -7L-8 8M0 -8V8M8 -7L8 8", width=2)


def draw_face(style: FaceStyle, mood: Expression, turn: float, look: Point) -> str:
    """Cheeks, eyes and mouth: what lies on the skin, under hair and glasses."""
    shift = turn * 17
    lips = move(mouth(mood.mouth), shift * 1.1, style.mouth_y, scale=style.mouth_scale)
    return _cheeks(style, mood.blush, shift) + _eyes(style, mood, turn, look) + lips


def draw_over(style: FaceStyle, mood: Expression, turn: float) -> str:
    """What shows through a fringe and over everything: brows and comic signs."""
    return _brows(style, mood.brows, turn) + "".join(_sign(mark, style, turn * 17) for mark in mood.marks)


def _brows(style: FaceStyle, kind: str, turn: float) -> str:
    parts = []
    for side in (-1, 1):
        x, squeeze = _across(style, side, turn)
        drawn = brow(kind, side, style.eye.rx * 0.82 * squeeze, style.brow_weight, style.brow_colour)
        parts.append(move(drawn, x, style.brow_y))
    return "".join(parts)


def _across(style: FaceStyle, side: int, turn: float) -> Point:
    """Where an eye sits on a turned head, and how much narrower it looks there."""
    squeeze = 1 - abs(turn) * (0.22 if side * turn > 0 else 0.02)
    return side * style.eye_x + turn * (17 - 4 * side * turn / (abs(turn) or 1)), squeeze


def _eyes(style: FaceStyle, mood: Expression, turn: float, look: Point) -> str:
    states = mood.eyes.split("/")
    parts = []
    for side in (-1, 1):
        x, squeeze = _across(style, side, turn)
        narrow = replace(style.eye, rx=style.eye.rx * squeeze)
        state = states[0] if side < 0 else states[-1]
        parts.append(move(eye(narrow, state, side, look), x, style.eye_y))
    return "".join(parts)


def _cheeks(style: FaceStyle, blush: int, shift: float) -> str:
    if not blush:
        return ""
    x, y = style.cheek
    fade = 0.38 if blush == 1 else 0.68
    parts = []
    for side in (-1, 1):
        parts.append(ellipse(side * x + shift, y, 13, 7.5, BLUSH, "none", opacity=fade))
        if blush > 1:
            cx = side * x + shift
            parts.append(line(f"M{cx - 5} {y + 2}l3 -5M{cx + 2} {y + 2}l3 -5", "#d65f52", 2))
    return "".join(parts)


def _sign(mark: str, style: FaceStyle, shift: float) -> str:
    """A comic sign at its usual place on the head."""
    x, y = style.eye_x, style.eye_y
    if mark == "sweat":
        return path(f"M{x + 39} {y - 34}q11 15 0 20q-11 -5 0 -20Z", TEAR, width=2.5)
    if mark == "vein":
        vein = (
            f"M{x + 28} {y - 70}q4 8 -5 10M{x + 36} {y - 70}q-2 9 8 9"
            f"M{x + 23} {y - 53}q8 0 8 8M{x + 44} {y - 54}q-8 1 -6 9"
        )
        return line(vein, "#fff3dc", 8) + line(vein, "#d8432f", 4)
    return "".join(
        path(f"M{side * (x + 17) + shift} {y + 14}q8 12 0 16q-8 -4 0 -16Z", TEAR, width=2) for side in (-1, 1)
    )
