"""The logo and the app icons: small marks that must be readable at a few pixels.

The icons share one duotone line style, an amber stroke for the thing itself and
a stone stroke for its setting; both are mid-tones, so they stand on light and
on dark pages alike.
"""

from assets.drawing.svg import circle, element, group, line, path, rect

AMBER, STONE = "#b45309", "#8c857e"
GROUND, CREAM, BELL, DARK = "#c2620f", "#fff0cf", "#ffd23f", "#5a2a0c"


def logo() -> str:
    """A walking camel with a bell, in a rounded square."""
    dunes = path("M0 76Q26 66 52 73T96 70V78Q96 96 78 96H18Q0 96 0 78Z", "#8f420b")
    legs = line("M22 56L19 81M31 60V81M53 60V81M61 57L64 81", CREAM, 6.5)
    body = path(
        "M14 64C12 50 15 44 19 38C23 23 34 23 38 36C39 40 42 40 43 36C47 23 58 23 61 38"
        "C62 46 64 49 67 45C70 40 67 30 70 23C71 19 73 17 75 17L76 12L80 17C86 19 92 22 92 27"
        "C92 31 89 32 85 32C82 32 81 33 81 37C81 50 76 62 65 66C60 68 20 70 14 64Z",
        CREAM,
    )
    tail = line("M16 50Q9 54 10 62", CREAM, 3.5)
    eye = circle(80, 23.5, 1.8, DARK)
    strap = line("M66.500 46L80 48.500", "#d8432f", 4.5)
    bell = path("M68 63C70 59 69 52 75 52C81 52 80 59 82 63Z", BELL, DARK, 2.5) + circle(75, 66, 2.6, DARK)
    return _mark(96, rect(0, 0, 96, 96, GROUND, 22), dunes, legs, tail, body, eye, strap, bell)


def icons() -> dict[str, str]:
    """Every app's icon by name."""
    return {
        "home": _icon("M4 15L16 5L28 15M7.500 13V27H24.500V13", "M13 27V19H19V27M22 6V9"),
        "chat": _icon(
            "M6 6H26Q29 6 29 9V19Q29 22 26 22H15L9 27V22H6Q3 22 3 19V9Q3 6 6 6Z",
            "M10 14H10.100M16 14H16.100M22 14H22.100",
        ),
        "summary": _icon("M10 12H20M10 17H20M10 22H15", "M7 4H20L26 10V28H7Q6 28 6 27V5Q6 4 7 4ZM20 4V10H26"),
        "qa": _icon(
            "M12 12C12 6 20 6 20 11.500C20 15 16 15 16 19M16 23.500V23.600",
            "M16 3A13 13 0 1 1 6 24.500L4 29L10.500 27.500M6 24.500A13 13 0 0 1 16 3",
        ),
        "embedding": _icon(
            "M10 21V21.100M14.500 12V12.100M20 17V17.100M25 8V8.100", "M5 4V27H28M10 21L14.500 12L20 17L25 8", 5
        ),
        "haruhi": _icon(
            "M7 14C7 2 25 2 25 14L30 10V18L25 14M7 14L2 10V18L7 14M13 20V20.500M19 20V20.500",
            "M7 18Q7 24 4 27H10M25 18Q25 24 28 27H22M9 15L13 15L16 11L19 15L23 15M10 24Q16 30 22 24",
        ),
        "prophet": _icon(
            "M16 2Q17 7 22 8Q17 9 16 14Q15 9 10 8Q15 7 16 2ZM24 3.500V3.600M8 12V12.100",
            "M16 29Q10 25 3 26V15Q10 15 16 19Q22 15 29 15V26Q22 25 16 29V19",
        ),
    }


def all_marks() -> dict[str, str]:
    """Every mark by its path under ``assets``."""
    marks = {f"icons/{name}.svg": text for name, text in icons().items()}
    return {"logo.svg": logo(), **marks}


def _icon(subject: str, setting: str, weight: float = 2.4) -> str:
    """Two strokes on a 32 by 32 field, the setting first."""
    return _mark(32, line(setting, STONE, 2.2), line(subject, AMBER, weight))


def _mark(size: int, *parts: str) -> str:
    """A square document whose strokes are round."""
    body = group(*parts, stroke_linecap="round", stroke_linejoin="round")
    return element("svg", body, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {size} {size}") + "\n"
