"""What the tab says about a map: facts, preview of a table, clusters, selection, hits.

Everything that becomes markup is escaped; buttons carry `data-act` and `data-at`, which the tab hears. Knows nothing of
Gradio.
"""

from collections.abc import Iterable, Sequence
from html import escape

from apps import ui
from apps.embedding.atlas import Atlas
from apps.embedding.columns import Columns, Preview
from apps.embedding.find import Hit
from apps.embedding.payload import clipped
from models.documents import Table

SHOWN = 160  # characters of a text in tables and lists
_CELL = 60  # characters of a cell in a preview
_ROWS = 200  # rows of a selection that are listed


def facts(atlas: Atlas) -> str:
    """Origin badge, how many texts and clusters, and what was left out or done differently, and why."""
    corpus, noise = atlas.corpus, int((atlas.labels < 0).sum())
    parts = [
        ui.both("embedding.facts", texts=len(corpus.texts), clusters=len(atlas.names), method=atlas.method.upper())
    ]
    parts += [ui.both("embedding.first_map")] * (not atlas.finished)
    parts += [ui.both("embedding.too_few")] * atlas.too_few
    counts = {"empty": corpus.empty, "repeated": corpus.repeated, "wordless": corpus.wordless, "outside": noise,
              "reused": atlas.vectors.reused}  # fmt: skip
    parts += [ui.both(f"embedding.{key}", count=count) for key, count in counts.items() if count]
    return f'<div class="map-facts">{ui.badge(atlas.origin)} {" ".join(parts)}</div>'


def preview(table: Table, columns: Columns, counted: Preview) -> str:
    """How much a table holds and its first rows, the chosen columns marked."""
    said = ui.both(
        "embedding.preview", rows=counted.rows, columns=len(table.columns), texts=counted.texts,
        empty=counted.empty, repeated=counted.repeated, longest=counted.longest,
    )  # fmt: skip
    kinds = {columns.text: "text", columns.label: "label", columns.title: "title"}
    marks = [f' class="is-{kinds[at]}"' if at in kinds else "" for at in range(len(table.columns))]
    head = [f"<th scope='col'{mark}>{escape(clipped(name, _CELL))}</th>" for name, mark in zip(table.columns, marks)]  # noqa: B905
    body = "".join(
        f"<tr>{''.join(f'<td{mark}>{escape(clipped(cell, _CELL))}</td>' for cell, mark in zip(row, marks))}</tr>"  # noqa: B905
        for row in counted.head
    )
    return (
        f'<p class="status" role="status">{said}</p><div class="map-table preview" tabindex="0">'
        f"<table><thead><tr>{''.join(head)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def grid(heads: Iterable[str], rows: str) -> str:
    """A table that scrolls by itself; heads are keys of words, rows are finished markup."""
    head = "".join(f"<th scope='col'>{ui.both(f'embedding.{key}')}</th>" for key in heads)
    return (
        f'<div class="map-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def button(act: str, at: int, text: str) -> str:
    """A text that can be pressed: the tab hears `act` with the number `at`."""
    return f'<button type="button" class="link" data-act="{act}" data-at="{at}">{escape(text)}</button>'


def table(atlas: Atlas) -> str:
    """Clusters with size and the texts that stand for them, and who named them if a model did; a click lights a cluster
    or a text on the map."""
    rows = "".join(
        f"<tr><th scope='row'>{button('cluster', number, atlas.name(number))}</th>"
        f"<td>{sum(atlas.corpus.counts[row] for row in (atlas.labels == number).nonzero()[0].tolist())}</td>"
        f"<td><ul>{''.join(f'<li>{_text(atlas, row)}</li>' for row in atlas.typical[number])}</ul></td></tr>"
        for number in range(len(atlas.names))
    )
    noise = (atlas.labels < 0).sum()
    if noise:
        said = button("cluster", -1, "").replace("></", f">{ui.both('embedding.noise')}</")
        rows += f"<tr><th scope='row'>{said}</th><td>{noise}</td><td></td></tr>"
    named = "" if atlas.named_by is None else f"{ui.badge(atlas.named_by)} "
    note = f'<p class="note">{named}{ui.both("embedding.table_note")}</p>'
    return note + grid(("cluster", "size", "typical"), rows)


def _text(atlas: Atlas, row: int) -> str:
    return button("row", row, clipped(atlas.corpus.texts[row], SHOWN))


def place(atlas: Atlas, row: int) -> str:
    """Cluster and how often, as a list says it behind a text."""
    count = atlas.corpus.counts[row]
    return atlas.name(int(atlas.labels[row])) + (f" · ×{count}" if count > 1 else "")


def listed(atlas: Atlas, rows: Sequence[int], notes: Sequence[str] = ()) -> str:
    """Texts as a list, each with its place and a note; a click shows it on the map."""
    items = "".join(
        f"<li><span class='score'>{escape(notes[at]) if notes else at + 1}</span>"
        f"<span>{_text(atlas, row)} <small>{escape(place(atlas, row))}</small></span></li>"
        for at, row in enumerate(rows)
    )
    return f'<ol class="evidence" tabindex="0">{items}</ol>'


def selection(atlas: Atlas, rows: Sequence[int], phrases: Sequence[str]) -> str:
    """How many texts are chosen, the phrases that they hold and the others do not, and the texts."""
    if not rows:
        return ui.empty("embedding.no_selection")
    corpus = atlas.corpus
    body = "".join(
        f"<tr><td>{corpus.lines[row]}</td><td>{_text(atlas, row)}</td>"
        f"<td>{escape(atlas.name(int(atlas.labels[row])))}</td><td>{escape(clipped(corpus.labels[row], 30))}</td></tr>"
        for row in rows[:_ROWS]
    )
    chips = "".join(f"<li style='--w:.3'>{escape(phrase)}</li>" for phrase in phrases)
    cut = f'<p class="note">{ui.both("embedding.cut", count=_ROWS)}</p>' if len(rows) > _ROWS else ""
    return (
        f'<h3 class="small">{ui.both("embedding.selected", count=len(rows))}</h3>'
        f'<ul class="phrases">{chips}</ul>{grid(("line", "text", "cluster", "label"), body)}{cut}'
    )


def hit_list(atlas: Atlas, found: Sequence[Hit]) -> str:
    """The hits with score, cluster and marked characters, or the sentence that there are none."""
    if not found:
        return ui.empty("embedding.no_hits")
    rows = "".join(
        f"<li><span class='score'>{hit.score:.2f}</span><span>{_marked(atlas.corpus.texts[hit.row], hit)} "
        f"<small>{escape(place(atlas, hit.row))}</small> {_show(hit.row)}</span></li>"
        for hit in found
    )
    title = ui.both("embedding.hits", count=len(found))
    note = ui.both("embedding.score")
    return f'<h3 class="small">{title}</h3><ol class="evidence" tabindex="0">{rows}</ol><p class="note">{note}</p>'


def _show(row: int) -> str:
    """The button that shows a hit on the map, where it can be made an example."""
    return (
        f'<button type="button" class="link" data-act="row" data-at="{row}">{ui.both("embedding.show_on_map")}</button>'
    )


def _marked(text: str, hit: Hit) -> str:
    """The text, from shortly before the first mark: the query's words marked, the sentence most like it underlined."""
    inner = hit.sentence or (0, 0)
    first = min([hit.spans[0][0]] if hit.spans else [inner[0]])
    low = max(0, first - 40) if first > SHOWN // 2 else 0
    high = min(len(text), low + SHOWN)
    cuts = sorted({low, high, *(max(low, min(high, at)) for span in (*hit.spans, inner) for at in span)})
    parts = ["…"] if low else []
    for start, end in zip(cuts, cuts[1:], strict=False):
        piece = escape(text[start:end])
        if any(a <= start and end <= b for a, b in hit.spans):
            piece = f"<mark>{piece}</mark>"
        parts.append(f'<u class="near">{piece}</u>' if inner[0] <= start and end <= inner[1] else piece)
    return "".join([*parts, "…" if high < len(text) else ""])
