"""Indoor backgrounds: classroom, window, blackboard, corridor, study, party, furnace."""

from assets.drawing.effects import CONFETTI, confetti
from assets.drawing.nature import cloud
from assets.drawing.svg import circle, element, flat, group, line, move, rect, star

WALL, WOOD, WOOD_DARK = "#f6e8cf", "#d9a86c", "#b98450"


def classroom() -> str:
    """Wall, windows and wooden floor of the club room."""
    return (
        rect(0, 0, 480, 480, WALL)
        + _pane(36, 60, 130, 170)
        + _pane(314, 60, 130, 170)
        + rect(0, 330, 480, 12, "#e2cda6")
        + _boards()
    )


def _pane(x: float, y: float, w: float, h: float) -> str:
    glass = rect(x, y, w, h, "#bfe3f2", 8) + cloud(x + w * 0.52, y + h * 0.4, w / 220)
    frame = element("rect", x=x, y=y, width=w, height=h, rx=8, fill="none", stroke="#fffaf0", stroke_width=10)
    return glass + line(f"M{x + w / 2} {y}V{y + h}M{x} {y + h / 2}H{x + w}", "#fffaf0", 7) + frame


def _boards(y: float = 400) -> str:
    return rect(0, y, 480, 480 - y, WOOD) + line(
        f"M0 {y + 30}H480M90 {y}V{y + 30}M330 {y}V{y + 30}M220 {y + 30}V480", "#c99558", 3
    )


def window() -> str:
    """A seat by a very large window, on the viewer's left."""
    glass = rect(-20, 40, 250, 270, "#bfe3f2", 10) + cloud(70, 110, 0.9) + cloud(176, 196, 0.6)
    bird = line("M40 200q9 -10 16 0q7 -10 16 0", "#6d93a8", 3.5)
    frame = element("rect", x=-20, y=40, width=250, height=270, rx=10, fill="none", stroke="#fffaf0", stroke_width=13)
    curtain = flat("M420 20H490V334Q452 336 428 320Q444 160 420 20Z", "#f3c98b") + line(
        "M440 24Q458 160 450 322M462 24Q470 170 472 326", "#e0b070", 3
    )
    return (
        rect(0, 0, 480, 480, WALL)
        + glass
        + bird
        + line("M106 40V310", "#fffaf0", 9)
        + frame
        + curtain
        + rect(0, 310, 480, 12, "#e2cda6")
    )


def blackboard(chalk: str) -> str:
    """A school board in its wooden frame with chalk drawings on it."""
    board = rect(24, 36, 432, 264, "#3f6b57", 8, WOOD_DARK, 12)
    ledge = rect(20, 304, 440, 14, WOOD, 4) + rect(360, 298, 40, 8, "#fff", 3)
    return rect(0, 0, 480, 480, WALL) + board + line(chalk, "#eef6ee", 4) + ledge + _boards()


def plan_chalk() -> str:
    """A plan of world discovery: star, arrows, a flying saucer, a graph."""
    return (
        star(96, 96, 26) + "M134 96h36m-10 -8l10 8l-10 8M64 172q34 -22 68 0q-34 20 -68 0Z"
        "M84 162q14 -24 28 0M80 192l-6 16M98 194v18M116 192l6 16M56 264l30 -22l26 14l40 -34"
    )


def lesson_chalk() -> str:
    """A lesson of the desert: sun, dunes, a caravan's curve, a sum of dots."""
    return (
        "M96 92m-18 0a18 18 0 1 0 36 0a18 18 0 1 0 -36 0M96 60v-8M96 132v-8M64 92h-8M136 92h-8"
        "M52 230q40 -44 84 -6q30 -34 64 4M60 170h30M75 155v30M108 164h28M108 178h28"
        "M156 170a12 12 0 1 0 24 0a12 12 0 1 0 -24 0"
    )


def corridor() -> str:
    """A school corridor in the light of the late afternoon."""
    light = flat("M60 400L150 400L250 480H120ZM250 400L340 400L460 480H330Z", "#ffcf95")
    return (
        rect(0, 0, 480, 480, "#f9cfa6")
        + _evening(30)
        + _evening(260)
        + rect(0, 300, 480, 100, "#eab98c")
        + rect(0, 296, 480, 10, "#d79d6d")
        + rect(0, 400, 480, 80, "#d99a63")
        + light
    )


def _evening(x: float) -> str:
    glass = rect(x, 50, 190, 210, "#ffb27c", 8) + circle(x + 120, 190, 38, "#ffe0a0")
    ridge = flat(f"M{x} 220l50 -26l60 24l44 -20l36 16v46h-190Z", "#e08a62")
    frame = element("rect", x=x, y=50, width=190, height=210, rx=8, fill="none", stroke="#fff0dc", stroke_width=10)
    return glass + ridge + line(f"M{x + 95} 50V260", "#fff0dc", 7) + frame


def study(wall: str = "#e9d3b4") -> str:
    """Bookshelves and a lamp."""
    shelf = group(
        rect(30, 60, 420, 12, WOOD_DARK), rect(30, 170, 420, 12, WOOD_DARK), rect(30, 280, 420, 12, WOOD_DARK)
    )
    books = "".join(
        _row(36 + shift, y, count, seed)
        for shift, y, count, seed in (
            (0, 60, 9, 0),
            (230, 60, 7, 2),
            (20, 170, 7, 1),
            (250, 170, 8, 3),
            (0, 280, 8, 2),
            (280, 280, 6, 0),
        )
    )
    return rect(0, 0, 480, 480, wall) + books + shelf + rect(0, 400, 480, 80, "#b98a5e")


def _row(x: float, base: float, count: int, seed: int) -> str:
    """A row of books of differing width and height."""
    colours = ("#c9655a", "#7d9cb5", "#d6a24e", "#8aa873", "#a9829c")
    parts = []
    for i in range(count):
        wide, high = 15 + (i * 7 + seed * 5) % 9, 62 + (i * 13 + seed * 11) % 27
        parts.append(rect(x, base - high, wide, high, colours[(i + seed) % 5], 2))
        x += wide + 2
    return "".join(parts)


def party() -> str:
    """Bunting and confetti."""
    flags = []
    for i in range(9):
        x, y = 10 + i * 54, 40 + 26 * (1 - abs(i - 4) / 4)
        flags.append(flat(f"M{x} {y}h36l-18 40Z", CONFETTI[i % 5]))
    rope = line("M-6 34Q240 92 486 34", "#b98450", 4)
    return (
        rect(0, 0, 480, 480, "#ffe9c4")
        + circle(240, 260, 190, "#fff5df")
        + confetti()
        + "".join(flags)
        + rope
        + rect(0, 420, 480, 60, "#eebf84")
    )


def furnace() -> str:
    """The glow of the furnace in which the golden eyes were made."""
    flame = (
        "M0 480V330Q40 380 60 300Q90 360 120 270Q150 350 190 290Q220 370 250 280Q290 360 320 270"
        "Q350 350 390 290Q420 370 440 310Q460 350 480 320V480Z"
    )
    return (
        rect(0, 0, 480, 480, "#6e1f22")
        + circle(240, 250, 230, "#8f2c25")
        + circle(240, 260, 170, "#b5432b")
        + flat(flame, "#e8762d")
        + move(flat(flame, "#ffb83d"), 0, 70)
    )
