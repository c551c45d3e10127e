"""The map as a Plotly figure: colours and marks per group, hover texts, cluster names, hits lit up.

Legible on light and dark ground: nothing has a background of its own except names and hover boxes; the legend takes
its colour from assets/app.css. All texts are escaped, because Plotly reads them as markup.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from apps.embedding.atlas import Atlas
from apps.theme import SANS
from models.strings import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe and Ito's colours without black and yellow, which vanish on one of the two grounds
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MARKS = ("circle", "square", "diamond", "triangle-up", "x", "star", "hexagon")  # 7 × 6: 42 pairs before any repeats
HEIGHT = 600  # px
_EDGE = "rgba(68,64,60,0.7)"
_GROUPS = 12  # labels with a colour of their own; the rarer ones share the last
_SVG = 2_000  # points up to which crisp SVG is drawn instead of WebGL
_HOVER = 400_000  # characters of hover texts in one figure
_LINE = 44  # columns of a hover line; a CJK character takes two


@dataclass(frozen=True, slots=True)
class Group:
    """Points of one colour: their rows and their name in the legend."""

    name: str
    rows: tuple[int, ...]


def groups(atlas: Atlas, colour: str, lang: str) -> list[Group]:
    """The clusters, or with `colour` "label" the visitor's labels, commonest first."""
    if colour != "label" or not atlas.corpus.labelled:
        return [
            Group(atlas.name(number), tuple((atlas.labels == number).nonzero()[0].tolist()))
            for number in range(len(atlas.names))
        ]
    common = [label for label, _ in Counter(atlas.corpus.labels).most_common()]
    own = common if len(common) <= _GROUPS else common[: _GROUPS - 1]
    rows: dict[str, list[int]] = {label: [] for label in own}
    others: list[int] = []
    for row, label in enumerate(atlas.corpus.labels):
        rows.get(label, others).append(row)
    found = [Group(clipped(label, 24) or say("embedding.no_label", lang), tuple(rows[label])) for label in own]
    return [*found, Group(say("embedding.other_labels", lang), tuple(others))] if others else found


def figure(atlas: Atlas, *, hits: Sequence[int] = (), colour: str = "cluster", lang: str = "zh") -> "go.Figure":
    """The map; with `hits` (rows) those are large and outlined and everything else is pale."""
    import plotly.graph_objects as go

    drawn = groups(atlas, colour, lang)
    hover = hover_texts(atlas, lang)
    figure = go.Figure([_trace(atlas, group, style(at), hover, dim=bool(hits)) for at, group in enumerate(drawn)])
    if hits:
        figure.add_trace(_lit(atlas, drawn, hits, hover, lang))
    if colour != "label" or not atlas.corpus.labelled:
        figure.update_layout(annotations=_names(atlas))
    figure.update_layout(**_layout(atlas))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def style(at: int) -> dict[str, str]:
    """Colour and mark of the group number `at`."""
    return {"color": COLOURS[at % len(COLOURS)], "symbol": MARKS[at % len(MARKS)]}


def _trace(atlas: Atlas, group: Group, look: dict[str, str], hover: Sequence[str], *, dim: bool) -> Any:  # noqa: ANN401
    import plotly.graph_objects as go

    rows = list(group.rows)
    kind = go.Scatter if len(atlas.positions) <= _SVG else go.Scattergl
    return kind(
        x=atlas.positions[rows, 0], y=atlas.positions[rows, 1], mode="markers",
        name=f"{escape(group.name, quote=False)} ({sum(atlas.corpus.counts[row] for row in rows)})",
        text=[hover[row] for row in rows], hovertemplate="%{text}<extra></extra>",
        selectedpoints=[] if dim else None, unselected={"marker": {"opacity": 0.15}},
        marker={**look, "opacity": 0.9, "size": _sizes(atlas, rows), "line": {"width": 0.5, "color": _EDGE}},
    )  # fmt: skip


def _lit(atlas: Atlas, drawn: Sequence[Group], hits: Sequence[int], hover: Sequence[str], lang: str) -> Any:  # noqa: ANN401
    """The hits in the colours and marks of their groups, on top of everything."""
    import plotly.graph_objects as go

    looks = {row: style(at) for at, group in enumerate(drawn) for row in group.rows}
    rows = list(hits)
    return go.Scatter(
        x=atlas.positions[rows, 0], y=atlas.positions[rows, 1], mode="markers",
        name=f"{say('embedding.hits_legend', lang)} ({len(rows)})",
        text=[hover[row] for row in rows], hovertemplate="%{text}<extra></extra>",
        marker={
            "color": [looks[row]["color"] for row in rows], "symbol": [looks[row]["symbol"] for row in rows],
            "size": [size + 7 for size in _sizes(atlas, rows)], "line": {"width": 2.5, "color": "#dc2626"},
        },
    )  # fmt: skip


def _sizes(atlas: Atlas, rows: Iterable[int]) -> list[float]:
    """Diameters in px: smaller on fuller maps, larger for texts that stand on several lines."""
    n = len(atlas.positions)
    base = next(size for most, size in ((100, 11), (1_000, 8), (6_000, 6), (10**9, 4)) if n <= most)
    return [base * min(2.0, atlas.corpus.counts[row] ** 0.5) for row in rows]


def _layout(atlas: Atlas) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 30, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "template": None,
        "font": {"family": ", ".join(SANS), "size": 13, "color": "#78716c"},
        "legend": {"orientation": "h", "x": 0, "y": -0.01, "yanchor": "top", "itemsizing": "constant"},
        "hoverlabel": {"bgcolor": "#292524", "bordercolor": "#a8a29e", "align": "left",
                       "font": {"color": "#fafaf9", "family": ", ".join(SANS), "size": 13}},
        "hovermode": "closest",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#78716c", "activecolor": "#b45309",
                    "remove": ["select2d", "lasso2d", "autoScale2d"]},
        "uirevision": zlib.crc32(atlas.positions.tobytes()),  # a search keeps the zoom, a new map does not
    }  # fmt: skip


def hover_texts(atlas: Atlas, lang: str) -> list[str]:
    """What each point says: its text, wrapped; line number, how often, cluster, label."""
    corpus, room = atlas.corpus, max(40, min(240, _HOVER // len(atlas.corpus.texts)))
    texts = []
    for row, text in enumerate(corpus.texts):
        facts = [
            say("embedding.hover_line", lang, line=corpus.lines[row]),
            f"{say('embedding.cluster', lang)} {atlas.name(int(atlas.labels[row]))}",
        ]
        facts += [f"×{corpus.counts[row]}"] * (corpus.counts[row] > 1) + [corpus.labels[row]] * bool(corpus.labels[row])
        body = "<br>".join(escape(line, quote=False) for line in wrapped(clipped(text, room)))
        texts.append(f"{body}<br><i>{escape(clipped(' · '.join(facts), 60), quote=False)}</i>")
    return texts


def clipped(text: str, most: int) -> str:
    """At most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def wrapped(text: str, columns: int = _LINE) -> list[str]:
    """Lines of bounded width without regard to words, since Chinese has no blanks to break at.

    >>> wrapped("骆驼abc", 5)
    ['骆驼a', 'bc']
    """
    lines, width = [""], 0
    for char in text:
        step = 2 if ord(char) >= 0x2E80 else 1
        if width + step > columns:
            lines.append("")
            width = 0
        lines[-1] += char
        width += step
    return lines


def _names(atlas: Atlas) -> list[dict[str, Any]]:
    """The names of the clusters at their middles, moved up or down where two would cover each other."""
    import numpy as np

    placed: list[tuple[float, float, float]] = []  # x, y, half a width
    found = []
    for number, phrases in enumerate(atlas.names):
        text = clipped(" · ".join(phrases[:2]) or str(number + 1), 18)
        x, y = (float(value) for value in np.median(atlas.positions[atlas.labels == number], axis=0))
        half = 0.025 * len("\n".join(wrapped(text, 2)).split("\n")) + 0.03
        y = next(y + shift for shift in _SHIFTS if all(
            abs(x - other) > half + wide or abs(y + shift - high) > 0.09 for other, high, wide in placed
        ) or shift == _SHIFTS[-1])  # fmt: skip
        placed.append((x, y, half))
        found.append({
            "x": x, "y": y, "text": escape(text, quote=False), "showarrow": False, "borderpad": 3,
            "bgcolor": "rgba(41,37,36,0.78)", "font": {"color": "#fafaf9", "size": 12}, "captureevents": False,
        })  # fmt: skip
    return found


_SHIFTS = (0.0, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.4, -0.4)  # in map units, in the order they are tried
