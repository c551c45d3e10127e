"""The similarity of pairs as a Plotly heatmap: firsts down, seconds across, the pairs themselves on the diagonal.

Legible on light and dark ground; all texts are escaped, because Plotly reads them as markup. Its size is bounded
and the colours span the values that occur, so that 3 pairs and 1,000 pairs both can be read. Knows nothing of Gradio.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from apps.embedding.pairs import Pairs
from apps.embedding.payload import clipped
from apps.theme import SANS
from models.strings import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 620  # px
_NAMED = 40  # pairs up to which the axes show texts; beyond that only hovering does
_MARKED = 200  # pairs up to which the diagonal is outlined cell by cell
_LINE = 44  # columns of a hover line; a CJK character takes two
_INK = "#78716c"


def heatmap(pairs: Pairs, lang: str) -> "go.Figure":
    """The cosine matrix with its diagonal outlined; hovering names both texts and the value."""
    import plotly.graph_objects as go

    n = len(pairs.first)
    hover = say("embedding.heat_hover", lang)
    drawn = go.Figure(
        go.Heatmap(
            z=pairs.matrix.round(4), x=list(range(1, n + 1)), y=list(range(1, n + 1)), colorscale="Cividis",
            customdata=None, hovertemplate=f"%{{y}} × %{{x}}<br>{hover} %{{z:.3f}}<extra></extra>",
            text=_hovers(pairs) if n <= _MARKED else None, colorbar={"thickness": 12, "len": 0.9},
        )
    )  # fmt: skip
    if n <= _MARKED:
        drawn.update_traces(hovertemplate=f"%{{text}}<br>{hover} %{{z:.3f}}<extra></extra>")
        drawn.update_layout(shapes=[_outline(at) for at in range(1, n + 1)])
    drawn.update_layout(**_layout())
    drawn.update_xaxes(**_axis(pairs.second), title=say("embedding.second", lang), tickangle=-45)
    drawn.update_yaxes(**_axis(pairs.first), title=say("embedding.first", lang), autorange="reversed")
    return drawn


def _hovers(pairs: Pairs) -> list[list[str]]:
    firsts, seconds = ([_hover(text) for text in side] for side in (pairs.first, pairs.second))
    return [[f"{one}<br>×<br>{two}" for two in seconds] for one in firsts]


def _hover(text: str) -> str:
    return "<br>".join(escape(line, quote=False) for line in wrapped(clipped(text, 80)))


def _outline(at: int) -> dict[str, Any]:
    return {"type": "rect", "x0": at - 0.5, "x1": at + 0.5, "y0": at - 0.5, "y1": at + 0.5,
            "line": {"color": "#dc2626", "width": 1.5}}  # fmt: skip


def _axis(texts: Sequence[str]) -> dict[str, Any]:
    if len(texts) > _NAMED:
        return {"showgrid": False, "automargin": True}
    short = [f"{at} {escape(clipped(text, 8), quote=False)}" for at, text in enumerate(texts, 1)]
    return {"tickvals": list(range(1, len(texts) + 1)), "ticktext": short, "showgrid": False, "automargin": True}


def _layout() -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 16, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "template": None,
        "font": {"family": ", ".join(SANS), "size": 12, "color": _INK},
        "hoverlabel": {"bgcolor": "#292524", "bordercolor": "#a8a29e", "align": "left",
                       "font": {"color": "#fafaf9", "family": ", ".join(SANS), "size": 13}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _INK, "activecolor": "#b45309"},
    }  # fmt: skip


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
