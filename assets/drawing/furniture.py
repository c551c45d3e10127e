"""Things that stand around a figure, in canvas coordinates with their own ink."""

from assets.drawing.svg import INK, blob, ellipse, flat, group, line, mirrored, move, path, rect

WOOD, WOOD_LIGHT = "#d9a86c", "#ecc592"


def desk(y: float) -> str:
    """The near edge of a school desk across the whole picture."""
    return (
        path(f"M-10 {y}H490V{y + 34}H-10Z", WOOD_LIGHT)
        + path(f"M-10 {y + 34}H490V500H-10Z", WOOD)
        + line(f"M30 {y + 17}H130M330 {y + 15}H440", "#dbb079", 3)
    )


def notebook(x: float, y: float) -> str:
    """An open notebook with a pencil, lying on a desk."""
    leaf = path(
        f"M{x - 50} {y}Q{x - 24} {y - 10} {x} {y}Q{x + 24} {y - 10} {x + 50} {y}L{x + 58} {y + 22}"
        f"Q{x + 28} {y + 12} {x} {y + 22}Q{x - 28} {y + 12} {x - 58} {y + 22}Z",
        "#fffaf0",
    )
    return leaf + line(
        f"M{x} {y}V{y + 22}M{x + 14} {y + 5}L{x + 40} {y + 3}M{x + 14} {y + 12}L{x + 36} {y + 10}", width=2
    )


def books(x: float, y: float) -> str:
    """A small stack of books whose lowest edge is at y."""
    rows = (("#c9655a", 0, 110), ("#7d9cb5", 8, 92), ("#d6a24e", -6, 100))
    parts = []
    for i, (colour, shift, wide) in enumerate(rows):
        top = y - 24 * (i + 1)
        parts.append(
            rect(x + shift - wide / 2, top, wide, 24, colour, 4)
            + flat(f"M{x + shift + wide / 2 - 16} {top + 5}h14v14h-14Z", "#fffaf0")
        )
    return "".join(parts)


def mouse(x: float, y: float) -> str:
    """A little jerboa that is having a bad day."""
    ears = path("M-20 -44C-34 -74 -18 -92 -10 -84C-2 -74 -6 -54 -10 -44Z", "#c9a184") + path(
        "M20 -44C34 -74 18 -92 10 -84C2 -74 6 -54 10 -44Z", "#c9a184"
    )
    body = blob(mirrored(((0, -54), (28, -41), (39, -8), (28, 18), (0, 24))), "#d8b397")
    eyes = line("M-20 -20Q-14 -14 -8 -18M20 -20Q14 -14 8 -18", width=3.5) + line(
        "M-22 -29L-10 -34M22 -29L10 -34", width=2.5
    )
    mouth = line("M-7 2Q0 -6 7 2", width=3) + ellipse(0, -9, 4, 3, "#7a4a3a", "none")
    tears = path("M-16 -12q8 13 0 17q-8 -4 0 -17Z", "#8fd0ef", width=2) + path(
        "M17 -12q8 13 0 17q-8 -4 0 -17Z", "#8fd0ef", width=2
    )
    feet = ellipse(-16, 23, 12, 6, "#c9a184") + ellipse(16, 23, 12, 6, "#c9a184")
    return move(group(ears, body, feet, eyes, mouth, tears, stroke=INK, stroke_width=3), x, y)


def branch() -> str:
    """A stout peach branch that reaches in from the right, with leaves and fruit."""
    wood = path(
        "M490 60C400 56 300 84 200 78C150 76 100 66 60 74Q48 84 62 90C120 88 150 102 210 104C310 110 400 92 490 108Z",
        "#8a5a36",
    )
    bark = line("M440 82Q400 80 370 86M290 92Q260 96 236 92M150 86Q130 84 116 80", "#6d4427", 3)
    leaves = "".join(
        move(path("M0 0C8 -18 28 -20 38 -10C30 4 14 8 0 0Z", "#7fb263"), x, y, turn)
        for x, y, turn in (
            (70, 74, 200),
            (110, 72, -60),
            (300, 80, -80),
            (352, 76, -30),
            (400, 104, 60),
            (146, 96, 110),
            (440, 70, -70),
        )
    )
    return wood + bark + leaves + _fruit(372, 112) + _fruit(110, 104)


def _fruit(x: float, y: float) -> str:
    return move(
        path("M0 -6C-26 -14 -30 16 -12 28L0 36L12 28C30 16 26 -14 0 -6Z", "#ffb2a0")
        + line("M0 -6Q-5 8 0 18", "#e57a70", 2.4),
        x,
        y,
    )


def cloud_ride(x: float, y: float) -> str:
    """The somersault cloud, large enough to stand on."""
    body = path(
        "M-130 22C-160 14 -150 -22 -118 -18C-112 -50 -58 -54 -44 -26C-26 -56 40 -52 46 -22"
        "C70 -44 116 -32 112 -4C146 -6 148 26 118 28C80 40 -90 40 -130 22Z",
        "#fff",
    )
    curls = line(
        "M-84 0C-86 -20 -112 -16 -108 0C-106 10 -92 8 -96 -1M20 0C20 -20 -8 -20 -6 0C-4 12 10 10 8 1"
        "M92 8C92 -8 70 -8 72 6",
        "#8fc3da",
        4,
    )
    trail = line("M-150 6H-196M-146 24H-176M-140 -14H-168", "#fff", 6)
    return move(trail + body + curls, x, y)


def rock(x: float, y: float) -> str:
    """A boulder to sit on, its seat at y."""
    body = path(
        f"M{x - 160} {y + 120}C{x - 150} {y + 50} {x - 124} {y + 4} {x - 50} {y}Q{x} {y - 8} {x + 44} {y + 2}"
        f"C{x + 110} {y + 8} {x + 150} {y + 60} {x + 160} {y + 120}Z",
        "#5a5f86",
    )
    return group(
        body, line(f"M{x - 60} {y + 50}l20 14M{x + 40} {y + 40}l-12 24", "#474b70", 4), stroke=INK, stroke_width=3
    )
