"""Things held in a hand, drawn around the point where the palm grips them."""

from assets.drawing.hands import tube
from assets.drawing.svg import INK, circle, ellipse, flat, line, move, path, rect, spin

GOLD, GOLD_DARK, RED, WOOD = "#f9c638", "#d9921a", "#d8432f", "#b07a45"


def megaphone(turn: float = 0) -> str:
    """A loudhailer that opens towards +x, its grip under the tube."""
    horn = path("M-16 -32L44 -62Q58 -36 44 -2L-16 -14Q-22 -24 -16 -32Z", GOLD) + path(
        "M44 -62Q62 -36 44 -2Q34 -34 44 -62Z", "#fff1cf"
    )
    parts = tube("M0 0V-18", 8, "#7b5a45") + horn + path("M-30 -32H-14V-14H-30Q-34 -24 -30 -32Z", RED)
    return spin(parts + line("M-4 -30L30 -46", "#ffe79a", 3), turn, 0, 0)


def umbrella(turn: float = 0) -> str:
    """An open umbrella high above the hand."""
    handle = line("M0 -190V22Q2 34 -8 32", INK, 9) + line("M0 -190V22Q2 34 -8 32", WOOD, 4)
    hem = "Q119 -174 96 -158Q72 -176 48 -158Q24 -176 0 -158Q-24 -176 -48 -158Q-72 -176 -96 -158Q-119 -174 -144 -158"
    dome = f"M-144 -158C-134 -236 -58 -272 0 -272C58 -272 134 -236 144 -158{hem}Z"
    panel = flat(
        "M-48 -158C-44 -216 -24 -252 0 -272C24 -252 44 -216 48 -158Q24 -176 0 -158Q-24 -176 -48 -158Z", "#ef7a66"
    )
    ribs = line("M-48 -158C-44 -216 -24 -252 0 -272C24 -252 44 -216 48 -158", "#b8372d", 3)
    return spin(handle + path(dome, "#e4574a") + panel + ribs + line("M0 -272V-266", width=5), turn, 0, 0)


def chalk(turn: float = 0) -> str:
    """A piece of chalk that sticks out of a fist."""
    return spin(path("M4 -6H34V4H4Z", "#fffdf2"), turn, 0, 0)


def magnifier(turn: float, inside: str = "") -> str:
    """A magnifying glass; ``inside`` is what it enlarges, around the lens centre."""
    lens = circle(0, -52, 34, "#e9f6fa") + move(inside, 0, -50) + circle(0, -52, 34, "none", GOLD_DARK, 8)
    rims = circle(0, -52, 38.5, "none", width=2.5) + circle(0, -52, 29.5, "none", width=2)
    glint = line("M-22 -62Q-18 -72 -9 -75", "#fff", 4)
    return spin(tube("M0 14V-8", 8, "#8a4b2d") + lens + rims + glint, turn, 0, 0)


def glass(turn: float = 0) -> str:
    """A tumbler of orange soda with a straw."""
    straw = line("M4 -16L14 -52L26 -56", RED, 5)
    body = path("M-18 -34H18L13 18H-13Z", "#eaf6fa") + flat("M-15 -20H15L11.500 16H-11.500Z", "#ffab3d")
    return spin(
        straw
        + body
        + circle(-4, -6, 3, "#ffd38a", "none")
        + circle(5, 2, 2.4, "#ffd38a", "none")
        + line("M-18 -34H18", width=3),
        turn,
        0,
        0,
    )


def pointer(turn: float = 0) -> str:
    """A teacher's stick towards +x."""
    return spin(line("M-16 0H104", INK, 9) + line("M-16 0H104", WOOD, 4) + circle(106, 0, 5, "#fffdf2"), turn, 0, 0)


def book(turn: float = 0) -> str:
    """An open book seen from behind its cover."""
    pages = path("M-40 -34Q-20 -44 0 -34Q20 -44 40 -34V20Q20 10 0 20Q-20 10 -40 20Z", "#fffaf0")
    cover = path("M-44 -26Q-20 -36 0 -26Q20 -36 44 -26V28Q20 18 0 28Q-20 18 -44 28Z", "#4f7f6f")
    seal = circle(22, -2, 8, GOLD, "none")
    return spin(pages + cover + line("M0 -26V28") + seal, turn, 0, 0)


def closed_book(turn: float = 0, colour: str = "#4f7f6f") -> str:
    """A closed book held against the body."""
    body = path("M-24 -32H24V30H-24Z", colour) + flat("M-20 -28H-14V26H-20Z", "#3d6458")
    return spin(body + path("M-24 30H24V36H-24Z", "#fffaf0") + circle(6, -4, 8, GOLD, "none"), turn, 0, 0)


def flask(turn: float = 0) -> str:
    """A water gourd, its mouth towards -y."""
    body = path(
        "M-6 -38H6V-28C22 -24 18 -8 10 -4C30 4 26 36 0 36C-26 36 -30 4 -10 -4C-18 -8 -22 -24 -6 -28Z", "#e0964a"
    )
    return spin(
        body + rect(-7, -46, 14, 9, RED, 2) + line("M-11 -4H11", RED, 4) + line("M-14 14Q-14 24 -6 28", "#f4bd7c", 4),
        turn,
        0,
        0,
    )


def teacup(turn: float = 0) -> str:
    """A cup on a saucer."""
    saucer = path("M-34 14H34Q24 25 0 25Q-24 25 -34 14Z", "#f4ead6")
    cup = path("M-24 -18H24C24 4 16 14 0 14C-16 14 -24 4 -24 -18Z", "#fffaf0")
    handle = line("M24 -12C40 -14 38 6 19 5", INK, 8) + line("M24 -12C40 -14 38 6 19 5", "#fffaf0", 3)
    leaf = flat("M-8 -4Q0 -14 10 -6Q2 4 -8 -4Z", "#7fa86a")
    return spin(saucer + handle + cup + ellipse(0, -18, 23, 4.5, "#b9703a") + leaf, turn, 0, 0)


def staff(turn: float, up: float = 150, down: float = 110) -> str:
    """The wish-granting staff along y: red rod between golden caps."""
    rod = tube(f"M0 {-up}V{down}", 9, "#f0b429") + line(f"M-1.500 {-up + 30}V{down - 30}", "#fde08a", 3)
    caps = "".join(tube(f"M0 {a}V{b}", 11, RED) for a, b in ((-up, -up + 16), (down - 16, down)))
    rings = "".join(line(f"M-7 {y}H7", INK, 3) for y in (-up + 28, down - 28))
    return spin(rod + caps + rings, turn, 0, 0)


def peach(turn: float = 0, bitten: bool = False) -> str:
    """A peach of immortality, whole or with a bite taken out."""
    body = path("M0 -26C-34 -40 -44 4 -18 22Q-8 30 0 34Q8 30 18 22C44 4 34 -40 0 -26Z", "#ffb2a0")
    cheek = flat("M-28 -16C-34 2 -26 16 -10 24C-22 8 -26 -4 -28 -16Z", "#f58a82")
    leaf = path("M0 -28C4 -46 22 -48 32 -40C26 -26 12 -24 0 -28Z", "#7fb263")
    bite = path("M33 -22C20 -22 16 -12 22 -6C14 -2 18 10 26 12C40 4 42 -12 33 -22Z", "#fff1dc") if bitten else ""
    return spin(body + cheek + line("M0 -26Q-8 -6 0 10", "#e57a70", 2.6) + bite + leaf, turn, 0, 0)
