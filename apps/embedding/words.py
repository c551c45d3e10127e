"""What the tab says about a map: the line of facts, the table of clusters, the list of hits, the csv.

Everything that becomes markup is escaped. Knows nothing of Gradio.
"""

import csv
import io
from collections.abc import Sequence
from html import escape

from apps import ui
from apps.embedding.atlas import Atlas
from apps.embedding.figure import clipped
from apps.embedding.find import Hit

_SHOWN = 160  # characters of a text in table and list


def facts(atlas: Atlas) -> str:
    """Origin badge, how many texts, clusters and lines, and what was left out or done differently, and why."""
    corpus = atlas.corpus
    parts = [
        ui.both("embedding.facts", texts=len(corpus.texts), clusters=len(atlas.names), method=atlas.method.upper())
    ]
    parts += [ui.both("embedding.first_map")] * (not atlas.finished)
    parts += [ui.both("embedding.too_few")] * atlas.too_few
    for key in ("empty", "repeated", "wordless", "beyond"):
        if count := getattr(corpus, key):
            parts.append(ui.both(f"embedding.{key}", count=count))
    return f'<div class="map-facts">{ui.badge(atlas.origin)} {" ".join(parts)}</div>'


def table(atlas: Atlas) -> str:
    """Clusters with size and the texts that stand for them: the evidence for their names."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(atlas.name(number))}</th>"
        f"<td>{sum(atlas.corpus.counts[row] for row in (atlas.labels == number).nonzero()[0])}</td>"
        f"<td><ul>{''.join(_item(atlas, row) for row in atlas.typical[number])}</ul></td></tr>"
        for number in range(len(atlas.names))
    )
    head = "".join(f"<th scope='col'>{ui.both(f'embedding.{key}')}</th>" for key in ("cluster", "size", "typical"))
    return (
        f'<h3 class="small">{ui.both("embedding.table")}</h3><div class="map-table" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _item(atlas: Atlas, row: int) -> str:
    return f"<li>{escape(clipped(atlas.corpus.texts[row], _SHOWN))}</li>"


def hit_list(atlas: Atlas, found: Sequence[Hit]) -> str:
    """The hits with score, cluster and marked characters, or the sentence that there are none."""
    if not found:
        return ui.empty("embedding.no_hits")
    rows = "".join(
        f"<li><span class='score'>{hit.score:.2f}</span><span>{_marked(atlas.corpus.texts[hit.row], hit.spans)}"
        f" <small>{escape(_place(atlas, hit.row))}</small></span></li>"
        for hit in found
    )
    title = ui.both("embedding.hits", count=len(found))
    note = ui.both("embedding.score")
    return f'<h3 class="small">{title}</h3><ol class="evidence" tabindex="0">{rows}</ol><p class="note">{note}</p>'


def _place(atlas: Atlas, row: int) -> str:
    count = atlas.corpus.counts[row]
    return atlas.name(int(atlas.labels[row])) + (f" · ×{count}" if count > 1 else "")


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text, from shortly before the first mark, with the marks; every piece escaped by itself."""
    low = max(0, spans[0][0] - 40) if spans and spans[0][0] > _SHOWN // 2 else 0
    high = min(len(text), low + _SHOWN)
    parts, at = ["…"] if low else [], low
    for start, end in spans:
        if end <= high:
            parts += [escape(text[at:start]), f"<mark>{escape(text[start:end])}</mark>"]
            at = end
    return "".join([*parts, escape(text[at:high]), "…" if high < len(text) else ""])


def as_csv(atlas: Atlas) -> str:
    """line, count, text, label, x, y, cluster, name; one row per different text. Excel finds no formula in it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("line", "count", "text", "label", "x", "y", "cluster", "cluster_name"))
    corpus = atlas.corpus
    for row, text in enumerate(corpus.texts):
        x, y = (f"{value:.5f}" for value in atlas.positions[row])
        number = int(atlas.labels[row])
        name = " · ".join(atlas.names[number])
        writer.writerow(
            (
                corpus.lines[row],
                corpus.counts[row],
                _inert(text),
                _inert(corpus.labels[row]),
                x,
                y,
                number + 1,
                _inert(name),
            )
        )
    return out.getvalue()


def _inert(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell
