"""The shape vocabulary: what an outline, a blob and a document look like in SVG.

This module knows how to write compact SVG text and which ink the house style
uses.  It knows nothing about characters.  Shapes inherit stroke settings from
the group they stand in, so most elements carry a path and a fill only.
"""

import math
import re

Point = tuple[float, float]

INK = "#4b2e25"
SIZE = 480
CORNER = 56

_NUMBER = re.compile(r"-?\d*\.\d+(?:e-?\d+)?")


def num(value: float) -> str:
    """Write a number with at most one decimal and no useless characters."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def tidy(data: str) -> str:
    """Round every decimal number inside path data or a transform."""
    return _NUMBER.sub(lambda found: num(float(found.group())), data)


def element(name: str, body: str = "", **attributes: object) -> str:
    """One SVG element; an underscore in an attribute name becomes a hyphen."""
    words = [name]
    for key, value in attributes.items():
        if value is None:
            continue
        text = num(value) if isinstance(value, (int, float)) else tidy(str(value))
        words.append(f'{key.rstrip("_").replace("_", "-")}="{text}"')
    head = " ".join(words)
    return f"<{head}>{body}</{name}>" if body else f"<{head}/>"


def path(
    data: str,
    fill: str | None = None,
    stroke: str | None = None,
    width: float | None = None,
    opacity: float | None = None,
) -> str:
    """A path; fill and stroke left out are inherited from the group around it."""
    return element("path", d=data, fill=fill, stroke=stroke, stroke_width=width, opacity=_fraction(opacity))


def flat(data: str, fill: str, opacity: float | None = None) -> str:
    """A filled path without an outline: shades, highlights, scenery."""
    return path(data, fill, "none", opacity=opacity)


def line(data: str, stroke: str | None = None, width: float | None = None, opacity: float | None = None) -> str:
    """An open stroke that is never filled."""
    return path(data, "none", stroke, width, opacity)


def ellipse(
    cx: float,
    cy: float,
    rx: float,
    ry: float,
    fill: str,
    stroke: str | None = None,
    width: float | None = None,
    opacity: float | None = None,
) -> str:
    """An ellipse around (cx, cy)."""
    return element(
        "ellipse", cx=cx, cy=cy, rx=rx, ry=ry, fill=fill, stroke=stroke, stroke_width=width, opacity=_fraction(opacity)
    )


def circle(
    cx: float,
    cy: float,
    r: float,
    fill: str,
    stroke: str | None = None,
    width: float | None = None,
    opacity: float | None = None,
) -> str:
    """A circle around (cx, cy)."""
    return element(
        "circle", cx=cx, cy=cy, r=r, fill=fill, stroke=stroke, stroke_width=width, opacity=_fraction(opacity)
    )


def rect(
    x: float,
    y: float,
    w: float,
    h: float,
    fill: str | None = None,
    r: float | None = None,
    stroke: str | None = None,
    width: float | None = None,
) -> str:
    """A rectangle, with rounded corners when ``r`` is given."""
    return element("rect", x=x, y=y, width=w, height=h, rx=r, fill=fill, stroke=stroke, stroke_width=width)


def group(*parts: str, **attributes: object) -> str:
    """Put parts into one group; without attributes they are simply joined."""
    body = "".join(parts)
    return element("g", body, **attributes) if attributes and body else body


def move(body: str, x: float = 0, y: float = 0, turn: float = 0, scale: float = 1, flip: bool = False) -> str:
    """Place a drawing: scaled, mirrored, rotated, then moved to (x, y)."""
    steps = []
    if x or y:
        steps.append(f"translate({num(x)} {num(y)})")
    if turn:
        steps.append(f"rotate({num(turn)})")
    if flip or scale != 1:
        # One decimal is too coarse for a scale, so it is written by hand.
        across = f"{-scale if flip else scale:g}"
        steps.append(f"scale({across} {scale:g})" if flip else f"scale({across})")
    return f'<g transform="{" ".join(steps)}">{body}</g>' if steps and body else body


def spin(body: str, degrees: float, cx: float, cy: float) -> str:
    """Rotate a drawing about a point of its own."""
    if not degrees:
        return body
    return f'<g transform="rotate({num(degrees)} {num(cx)} {num(cy)})">{body}</g>'


def smooth(points: list[Point] | tuple[Point, ...], closed: bool = True) -> str:
    """Path data of a soft curve through all points (Catmull-Rom as Beziers)."""
    count = len(points)
    steps = count if closed else count - 1
    data = [f"M{num(points[0][0])} {num(points[0][1])}"]
    for i in range(steps):
        before = points[i - 1] if closed or i else points[0]
        start, end = points[i], points[(i + 1) % count]
        after = points[(i + 2) % count] if closed or i + 2 < count else end
        data.append(_bezier(before, start, end, after))
    return "".join(data) + ("Z" if closed else "")


def blob(points: list[Point] | tuple[Point, ...], fill: str, stroke: str | None = None) -> str:
    """A soft closed shape through the given points."""
    return path(smooth(points), fill, stroke)


def mirrored(half: list[Point] | tuple[Point, ...]) -> list[Point]:
    """Complete the right half of an outline, top to bottom, with its left half."""
    return [*half, *((-x, y) for x, y in reversed(half) if x)]


def star(x: float, y: float, r: float, inner: float = 0.45, points: int = 5) -> str:
    """Path data of a star with its first tip pointing up."""
    corners = []
    for i in range(points * 2):
        reach = r * inner if i % 2 else r
        angle = math.pi * i / points - math.pi / 2
        corners.append(f"{num(x + reach * math.cos(angle))} {num(y + reach * math.sin(angle))}")
    return "M" + "L".join(corners) + "Z"


def gradient(name: str, top: str, bottom: str) -> str:
    """A vertical two-colour gradient to be used as ``url(#name)``."""
    stops = (element("stop", stop_color=top), element("stop", offset="1", stop_color=bottom))
    body = element("linearGradient", "".join(stops), id=name, x2="0", y2="1")
    return element("defs", body)


def document(title: str, *parts: str) -> str:
    """A whole picture: square, clipped to soft corners, titled."""
    clip = element("clipPath", rect(0, 0, SIZE, SIZE, r=CORNER), id="frame")
    body = group(*parts, clip_path="url(#frame)", stroke_linecap="round", stroke_linejoin="round")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">'
        f"<title>{title}</title>{clip}{body}</svg>\n"
    )


def _bezier(before: Point, start: Point, end: Point, after: Point) -> str:
    """One curve segment whose tangents follow the neighbouring points."""
    c1 = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
    c2 = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
    return "C" + " ".join(f"{num(x)} {num(y)}" for x, y in (c1, c2, end))


def _fraction(value: float | None) -> str | None:
    """Opacities are written as text, which keeps them exact."""
    return None if value is None else f"{value:g}"
