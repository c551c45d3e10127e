"""Small drawn signs around a figure, and the plain backdrops they stand before.

Signs inherit no outline: they bring their own colour, so they can be put into a
scene behind a figure or in front of it.  Nothing here is text; a question mark
is a curve and a dot.
"""

import math

from assets.drawing.svg import Point, circle, ellipse, flat, line, move, num, rect, star

CONFETTI = ("#e4574a", "#f9c638", "#5aa9c9", "#8cbf6a", "#e98bb0")


def plain(colour: str, disc: str, dots: str) -> str:
    """A calm portrait backdrop: one soft disc and a few dots."""
    spots = ((58, 92, 9), (420, 70, 12), (40, 300, 12), (446, 262, 8), (96, 30, 6), (380, 24, 5))
    return (
        rect(0, 0, 480, 480, colour) + circle(240, 250, 206, disc) + "".join(circle(x, y, r, dots) for x, y, r in spots)
    )


def burst(colour: str, rays: str, centre: Point = (240, 260), count: int = 14) -> str:
    """Rays in two colours behind somebody who has just decided something."""
    data = []
    cx, cy = centre
    for i in range(count):
        a, b = 2 * math.pi * i / count, 2 * math.pi * (i + 0.5) / count
        data.append(
            f"M{num(cx)} {num(cy)}L{num(cx + 520 * math.cos(a))} {num(cy + 520 * math.sin(a))}"
            f"L{num(cx + 520 * math.cos(b))} {num(cy + 520 * math.sin(b))}Z"
        )
    return rect(0, 0, 480, 480, colour) + flat("".join(data), rays)


def floor(colour: str, y: float = 420) -> str:
    """The ground somebody stands on."""
    return rect(0, y, 480, 480 - y, colour)


def shadow(x: float, y: float, rx: float, colour: str = "#3b2a3a") -> str:
    """A soft flat shadow under the feet."""
    return ellipse(x, y, rx, rx * 0.16, colour, opacity=0.18)


def question(x: float, y: float, scale: float = 1, colour: str = "#b45309", turn: float = 0) -> str:
    """A question mark: a hook and a dot."""
    mark = line("M-11 -18C-10 -36 16 -34 12 -16C10 -6 0 -6 0 6", colour, 8) + circle(0, 20, 5, colour)
    return move(mark, x, y, turn, scale)


def exclaim(x: float, y: float, scale: float = 1, colour: str = "#d8432f", turn: float = 0) -> str:
    """An exclamation mark: a wedge and a dot."""
    mark = flat("M-7 -34Q0 -40 7 -34L3 4Q0 7 -3 4Z", colour) + circle(0, 18, 5.5, colour)
    return move(mark, x, y, turn, scale)


def note(x: float, y: float, scale: float = 1, colour: str = "#b45309", turn: float = 0) -> str:
    """A quaver."""
    mark = ellipse(0, 0, 9, 7, colour) + line("M7 -2V-32C10 -22 22 -22 20 -10", colour, 4.5)
    return move(mark, x, y, turn, scale)


def zzz(x: float, y: float, colour: str = "#6b7fb0", scale: float = 1) -> str:
    """Three growing zigzags that rise from a sleeper."""
    rows = ((0, 0, 10, 4), (24, -28, 15, 5), (58, -66, 21, 6))
    body = "".join(line(f"M{a} {b}h{s}l{-s} {s}h{s}", colour, w) for a, b, s, w in rows)
    return move(body, x, y, scale=scale)


def twinkle(x: float, y: float, r: float, colour: str = "#fff4c2") -> str:
    """A four-pointed glint."""
    k = r * 0.22
    return flat(
        f"M{x} {y - r}L{x + k} {y - k}L{x + r} {y}L{x + k} {y + k}L{x} {y + r}"
        f"L{x - k} {y + k}L{x - r} {y}L{x - k} {y - k}Z",
        colour,
    )


def heart(x: float, y: float, scale: float = 1, colour: str = "#ef7f86") -> str:
    """A small heart."""
    return move(
        flat("M0 12C-22 -4 -14 -20 -4 -14Q-1 -12 0 -8Q1 -12 4 -14C14 -20 22 -4 0 12Z", colour), x, y, scale=scale
    )


def strokes(data: str, colour: str, width: float = 4) -> str:
    """Motion lines and other free marks."""
    return line(data, colour, width)


def steam(x: float, y: float, colour: str = "#fffaf0") -> str:
    """Two curls of steam."""
    return line(f"M{x - 8} {y}q-8 -9 0 -18t0 -18M{x + 8} {y - 4}q-8 -9 0 -18t0 -16", colour, 4)


def puff(x: float, y: float, scale: float = 1, colour: str = "#fff", flip: bool = False) -> str:
    """A puff of breath or dust."""
    body = circle(0, 0, 11, colour) + circle(14, -5, 8, colour) + circle(13, 7, 7, colour)
    return move(body, x, y, scale=scale, flip=flip)


def spittle(x: float, y: float) -> str:
    """A most unteacherly arc of drops, outlined by the group it stands in."""
    drops = ((34, -4, 9), (66, -10, 12), (104, -4, 9), (134, 16, 14), (166, 34, 8))
    trail = line(f"M{x + 8} {y - 8}q40 -22 84 -16M{x + 12} {y + 10}q50 -8 84 12", "#fffaf0", 4)
    return trail + "".join(
        circle(x + dx, y + dy, r, "#bfe4f0") + circle(x + dx - r * 0.3, y + dy - r * 0.3, r * 0.25, "#fff", "none")
        for dx, dy, r in drops
    )


def confetti(seed: int = 1, count: int = 34) -> str:
    """Paper scraps, scattered by a fixed rule so that every run draws the same."""
    parts = []
    for i in range(count):
        x = (i * 137 + seed * 61) % 470 + 5
        y = (i * 89 + seed * 37) % 400 + 6
        colour = CONFETTI[i % len(CONFETTI)]
        scrap = circle(x, y, 5, colour) if i % 3 else flat(f"M{x} {y}l12 4l-3 8l-12 -4Z", colour)
        parts.append(scrap)
    return "".join(parts)


def stars(points: tuple[tuple[float, float, float], ...], colour: str = "#fff1b8") -> str:
    """Stars of several sizes: small ones are dots, large ones have points."""
    return "".join(circle(x, y, r, colour) if r < 4 else flat(star(x, y, r), colour) for x, y, r in points)
