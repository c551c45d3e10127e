"""Outdoor backgrounds: skies, desert, rain, night and the mountains of Wukong."""

from assets.drawing.effects import stars, twinkle
from assets.drawing.svg import circle, ellipse, flat, gradient, line, move, rect

NIGHT_STARS = (
    (40, 60, 2),
    (92, 120, 3),
    (150, 40, 6),
    (206, 92, 2),
    (262, 38, 3),
    (318, 110, 2),
    (300, 66, 7),
    (392, 180, 3),
    (440, 130, 2),
    (52, 204, 6),
    (122, 190, 2),
    (436, 250, 5),
    (22, 140, 2),
    (350, 30, 2),
    (200, 160, 2),
    (456, 30, 3),
    (90, 270, 2),
    (380, 250, 2),
)


def cloud(x: float, y: float, scale: float = 1, colour: str = "#fff") -> str:
    """A flat-bottomed summer cloud."""
    body = flat("M-52 16C-72 16 -70 -10 -48 -10C-46 -34 -8 -40 2 -20C18 -34 46 -22 42 -4C62 -6 64 16 46 16Z", colour)
    return move(body, x, y, scale=scale)


def swirl(x: float, y: float, scale: float = 1, colour: str = "#fff", edge: str = "#f0b46a") -> str:
    """An auspicious cloud with a curl, as on old painted scrolls."""
    body = flat("M-70 22C-92 20 -88 -8 -64 -6C-62 -34 -20 -38 -12 -14C2 -36 46 -30 42 -2C62 -10 84 8 68 22Z", colour)
    curls = line("M-34 -2C-36 -18 -58 -14 -54 0C-52 8 -42 6 -44 -1M22 2C22 -14 0 -14 2 2C4 10 14 8 12 1", edge, 3.5)
    return move(body + curls, x, y, scale=scale)


def sky(top: str = "#bfe3f2", ground: str = "#a9cf8a") -> str:
    """A bright day over a meadow."""
    return (
        rect(0, 0, 480, 480, top)
        + cloud(96, 96)
        + cloud(400, 150, 0.8)
        + cloud(300, 50, 0.5)
        + flat("M0 400Q120 366 250 392T480 380V480H0Z", ground)
        + flat("M0 440Q160 410 300 432T480 424V480H0Z", "#96c078")
    )


def sunset() -> str:
    """Dunes under a low sun."""
    return (
        rect(0, 0, 480, 480, "#ffd7a3")
        + rect(0, 0, 480, 130, "#ffc08a")
        + circle(372, 270, 74, "#ff9462")
        + flat("M0 330Q110 280 240 320T480 296V480H0Z", "#eaa765")
        + flat("M0 392Q150 350 290 384T480 366V480H0Z", "#d98f50")
        + flat("M0 440Q180 412 330 436T480 426V480H0Z", "#c67d44")
    )


def desert() -> str:
    """A clear desert day with an oasis far away."""
    palm = line("M0 0Q6 -22 2 -44", "#9a6b3c", 6) + flat(
        "M2 -44Q-22 -60 -34 -36Q-16 -46 2 -44Q-10 -34 -14 -20Q2 -28 2 -44Q18 -30 20 -18Q18 -36 2 -44"
        "Q22 -46 38 -32Q26 -62 2 -44Z",
        "#6fa35c",
    )
    return (
        rect(0, 0, 480, 480, "#c9ebf2")
        + circle(86, 92, 42, "#ffdf7e")
        + cloud(380, 84, 0.8)
        + flat("M0 340Q100 296 230 336T480 310V480H0Z", "#f5d79a")
        + move(palm, 416, 334)
        + move(palm, 444, 342, scale=0.7)
        + flat("M0 404Q160 362 300 396T480 380V480H0Z", "#ecc67f")
    )


def desert_night() -> str:
    """Blue dunes, a crescent and many stars."""
    return (
        _darkness("dune-sky", "#222e5a", "#33437a")
        + crescent(388, 92, 40)
        + flat("M0 372Q130 322 260 364T480 340V480H0Z", "#5b5a8a")
        + flat("M0 424Q170 384 310 418T480 402V480H0Z", "#4a4a78")
    )


def night_hill() -> str:
    """A grassy hill under the Milky Way."""
    way = flat("M330 0Q300 120 180 220T0 380V300Q110 220 190 140T240 0Z", "#3d4f8c")
    return (
        _shaded("hill-sky", "#1f2a58", "#35437f")
        + way
        + stars(NIGHT_STARS)
        + twinkle(112, 74, 13)
        + twinkle(238, 196, 9)
        + line("M420 60L352 96", "#ffe9a8", 4)
        + flat("M0 420Q160 352 330 392T480 396V480H0Z", "#2f5a52")
        + flat("M0 452Q180 410 330 434T480 438V480H0Z", "#274b46")
    )


def _shaded(name: str, top: str, bottom: str) -> str:
    """A sky whose colour deepens towards the top."""
    return gradient(name, top, bottom) + rect(0, 0, 480, 480, f"url(#{name})")


def _darkness(name: str, top: str, band: str) -> str:
    return (
        _shaded(name, top, "#3a4780")
        + flat("M0 200Q160 150 300 200T480 180V480H0Z", band)
        + stars(NIGHT_STARS)
        + twinkle(34, 58, 11)
    )


def crescent(x: float, y: float, r: float) -> str:
    """A new moon."""
    return flat(f"M{x} {y - r}A{r} {r} 0 1 0 {x + r} {y + r * 0.2}A{r * 0.82} {r * 0.82} 0 0 1 {x} {y - r}Z", "#ffe9a8")


def full_moon() -> str:
    """A large moon over far ridges, for thinking of home."""
    craters = circle(332, 96, 14, "#f4dfa0") + circle(380, 150, 20, "#f4dfa0") + circle(318, 168, 10, "#f4dfa0")
    return (
        _darkness("moon-sky", "#262c56", "#343c6e")
        + circle(350, 132, 104, "#3f4880")
        + circle(350, 132, 82, "#ffeebb")
        + craters
        + flat("M0 350L70 270L120 320L196 240L260 330L330 280L400 340L480 290V480H0Z", "#3b4474")
        + flat("M0 410Q120 370 240 400T480 384V480H0Z", "#2c3360")
    )


def rain() -> str:
    """A grey-blue street with puddles."""
    drops = "".join(f"M{(i * 97) % 500 - 10} {(i * 61) % 380}l-7 26" for i in range(30))
    puddles = ellipse(110, 446, 66, 11, "#86a3b5") + ellipse(392, 430, 52, 9, "#86a3b5")
    houses = flat("M0 300V210L46 176L92 210V250H150V190H226V320H300V220L350 184L400 220V250H480V400H0Z", "#8fa9b9")
    return (
        rect(0, 0, 480, 480, "#a9c2d0")
        + cloud(90, 56, 1.5, "#c6d7e0")
        + cloud(370, 40, 1.7, "#c6d7e0")
        + houses
        + rect(0, 390, 480, 90, "#74909f")
        + puddles
        + line(drops, "#dcebf2", 3)
    )


def mountains(top: str = "#d3eef0") -> str:
    """The mountain of flowers and fruit, with its waterfall."""
    fall = flat("M356 226Q366 220 376 226L388 400H344Z", "#f2fbff") + line(
        "M362 250L358 380M370 260L374 380", "#b9e0ea", 3
    )
    return (
        rect(0, 0, 480, 480, top)
        + flat("M0 320L60 190Q84 160 108 196L150 262L190 214Q206 196 224 222L300 330V480H0Z", "#a6d0b5")
        + flat("M240 400L330 214Q366 164 402 214L480 330V480H240Z", "#86bc98")
        + fall
        + flat("M0 400Q120 368 250 396T480 388V480H0Z", "#79b274")
        + flat("M0 446Q160 418 300 438T480 432V480H0Z", "#679f66")
    )


def heavens() -> str:
    """Above the clouds, where one somersault covers a great distance."""
    return (
        rect(0, 0, 480, 480, "#8fd0e8")
        + rect(0, 300, 480, 180, "#b4e2f0")
        + swirl(90, 90, 0.9)
        + swirl(400, 60, 0.7)
        + swirl(420, 240, 0.8)
        + swirl(56, 300, 0.8)
        + flat(
            "M0 480V420Q40 390 84 414Q120 380 170 410Q220 384 262 414Q310 386 352 414Q400 386 480 410V480Z", "#d9eff7"
        )
    )
