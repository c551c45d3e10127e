"""Search as one types, by example and by counter-example; what is found lights up on the map."""

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import words
from apps.embedding.desk import Desk
from apps.embedding.find import Query
from apps.embedding.find import search as found
from apps.embedding.payload import clipped
from apps.embedding.tabs.chart import menu
from apps.embedding.tabs.quick import quick
from apps.embedding.tabs.selection import listening
from apps.mount import Mount
from models.errors import BadInput
from models.task import Task

FOUND = 50  # hits that are lit up and listed
MAX_QUERY = 500  # characters


@dataclass(frozen=True, slots=True)
class Search:
    """The components of this part."""

    query: gr.Textbox
    go: gr.Button
    hybrid: gr.Checkbox
    examples: gr.HTML
    clear: gr.Button
    hits: gr.HTML


def look(lang: str, desk: Desk, text: str, hybrid: bool, colour: str) -> tuple[Any, ...]:
    """(map, hits, menu of colours) for a query; nothing lit for an empty one."""
    if desk.atlas is None:
        return gr.skip(), ui.empty("embedding.no_map"), gr.skip()
    said = (text or "").strip()[:MAX_QUERY]
    if not said and not desk.like:
        desk.query = None
        last = {"colour": desk.colouring(colour, lang)} if colour == "score" else {}
        return gr.HTML(lit=[], **last), ui.empty("embedding.search_hint"), menu(desk, lang, colour)
    desk.query = Query(text=said, like=desk.like, unlike=desk.unlike, hybrid=bool(hybrid))
    hits = found(desk.atlas, desk.query, FOUND, Task())
    lit = {"lit": [hit.row for hit in hits]}
    if colour == "score":
        lit["colour"] = desk.colouring(colour, lang)
    return gr.HTML(**lit), words.hit_list(desk.atlas, hits), menu(desk, lang, colour)


def shown(desk: Desk) -> tuple[list[int], tuple[Any, ...]]:
    """Rows that are lit, and (hits, examples, button that forgets them) of the search that stands on the desk."""
    forgets = gr.Button(visible=bool(desk.like or desk.unlike))
    if desk.atlas is None or desk.query is None:
        return [], (ui.empty("embedding.search_hint"), exampled(desk), forgets)
    hits = found(desk.atlas, desk.query, FOUND, Task())
    return [hit.row for hit in hits], (words.hit_list(desk.atlas, hits), exampled(desk), forgets)


def example(kind: str, lang: str, desk: Desk, text: str, hybrid: bool, colour: str) -> tuple[Any, ...]:
    """The selection becomes an example (`like`) or a counter-example (`unlike`) of the search."""
    if not desk.chosen:
        raise BadInput("no_selection")
    if kind == "like":
        desk.like, desk.unlike = desk.chosen, tuple(row for row in desk.unlike if row not in desk.chosen)
    else:
        desk.unlike, desk.like = desk.chosen, tuple(row for row in desk.like if row not in desk.chosen)
    return gr.Tabs(selected="search"), exampled(desk), gr.Button(visible=True), *look(lang, desk, text, hybrid, colour)


def forget(lang: str, desk: Desk, text: str, hybrid: bool, colour: str) -> tuple[Any, ...]:
    """The search without examples."""
    desk.like = desk.unlike = ()
    return "", gr.Button(visible=False), *look(lang, desk, text, hybrid, colour)


def exampled(desk: Desk) -> str:
    """The examples and counter-examples of the search, each clipped."""
    parts = []
    for key, rows in (("like", desk.like), ("unlike", desk.unlike)):
        if rows and desk.atlas:
            texts = " ／ ".join(clipped(desk.atlas.corpus.texts[row], 24) for row in rows[:3])
            more = f" +{len(rows) - 3}" if len(rows) > 3 else ""
            parts.append(f'<p class="note"><b>{ui.both(f"embedding.{key}_these")}</b> {escape(texts + more)}</p>')
    return "".join(parts)


def search(mount: Mount) -> Search:
    """The components."""
    with gr.Row(elem_classes="run-row find-row"):
        query = gr.Textbox(
            label=mount.t("query"), placeholder=mount.t("query_hint"), lines=1, max_lines=1, scale=4,
            max_length=MAX_QUERY, elem_id=mount.id("query"), min_width=160,
        )  # fmt: skip
        go = gr.Button(mount.t("find"), scale=1, min_width=80, elem_id=mount.id("find"))
    hybrid = gr.Checkbox(True, label=mount.t("hybrid"), info=mount.t("hybrid_info"), elem_id=mount.id("hybrid"))
    examples = gr.HTML("", elem_id=mount.id("by-example"))
    clear = gr.Button(mount.t("forget"), size="sm", visible=False, elem_id=mount.id("forget"))
    return Search(query, go, hybrid, examples, clear, listening(mount, "hits", ui.empty("embedding.search_hint")))


def wire(
    mount: Mount, made: Search, desk: gr.State, chart: gr.HTML, colour: gr.Dropdown, tabs: gr.Tabs,
    like: gr.Button, unlike: gr.Button,
) -> None:  # fmt: skip
    """Typing, enter, the button and the box of hybrid search all search; examples come from the selection."""
    inputs, outputs = [desk, made.query, made.hybrid, colour], [chart, made.hits, colour]
    # `change`, not `input`: Gradio 6 sends no `input` for what an input method commits, which is how Chinese is typed
    for trigger in (made.query.change, made.query.submit, made.go.click, made.hybrid.input):
        quick(mount, trigger, look, inputs, outputs)
    for kind, button in (("like", like), ("unlike", unlike)):
        quick(
            mount, button.click, lambda *values, kind=kind: example(kind, *values), inputs,
            [tabs, made.examples, made.clear, *outputs],
        )  # fmt: skip
    quick(mount, made.clear.click, forget, inputs, [made.examples, made.clear, *outputs])
