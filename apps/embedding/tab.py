"""The tab: data above, then the map beside its tools; pairs and a second embedder in tabs of their own.

A visitor's desk lives in that visitor's gr.State only. Knows Gradio; the modules beside it do the work, tabs/ holds the
parts of the page.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import words
from apps.embedding.api import classify_texts, cluster_texts, embed_map, search_texts
from apps.embedding.atlas import Options, atlases, regroup, relayout
from apps.embedding.cache import VectorCache
from apps.embedding.desk import Desk
from apps.embedding.precomputed import adopted, read_vectors
from apps.embedding.stage import Stage
from apps.embedding.tabs import data, groups, project, search, selection, teach
from apps.embedding.tabs.chart import chart, drawn, menu, recoloured
from apps.embedding.tabs.groups import needs_map
from apps.embedding.tabs.pairs import pairs
from apps.embedding.tabs.quick import quick
from apps.embedding.tabs.twins import twins
from apps.mount import Mount
from models.task import Task

LAYOUT = ("method", "dimensions", "neighbours", "min_dist", "perplexity", "seed")  # what moves points
GROUPING = ("grouping", "clusters", "smallest", "seed")  # what changes clusters

Shown = tuple[Any, ...]


def laid(desk: Desk, colour: str, lang: str) -> Shown:
    """What shows the map on the desk, in the order of `_Work.shown`. What was said of an earlier map goes."""
    atlas = needs_map(desk)
    lit, found = search.shown(desk)
    return (
        words.facts(atlas), drawn(desk, colour, lang, lit), menu(desk, lang, colour), words.table(atlas), "",
        *selection.shown(desk), *found, *teach.shown(desk), gr.Column(visible=True),
    )  # fmt: skip


def draw(
    cache: VectorCache, task: Task, lang: str, desk: Desk, text: str, reading: str, choice: str, colour: str,
    *chosen: Any,  # noqa: ANN401
) -> Iterator[Shown]:  # fmt: skip
    """One visitor's map, first by PCA, then by the chosen method."""
    task.step(0.01, "embedding.reading")
    corpus, links = data.source(desk, text, reading)
    options, vectors = data.options_of(*chosen), None
    if desk.vectors is not None:
        rows = read_vectors(desk.vectors, Stage(task, 0.01, 0.1, "embedding.reading"))
        vectors = adopted(rows, corpus, choice or "", task)
    for atlas in atlases(corpus, options, task, choice=choice or "", cache=cache, vectors=vectors, links=links):
        task.check()
        desk.lay(atlas)
        yield laid(desk, colour, lang)


def apply(task: Task, lang: str, desk: Desk, colour: str, *chosen: Any) -> Shown:  # noqa: ANN401
    """Other parameters for the map that is there, without embedding anew: other positions, other clusters, or both."""
    atlas, options = needs_map(desk), data.options_of(*chosen)
    changed = {name for name in Options.__dataclass_fields__ if getattr(options, name) != getattr(atlas.options, name)}
    if changed & set(GROUPING):
        atlas = regroup(atlas, options, Stage(task, 0.0, 0.4))
    if changed & set(LAYOUT):
        atlas = relayout(atlas, options, Stage(task, 0.4, 1.0))
    desk.lay(atlas)
    return laid(desk, colour, lang)


def reopen(task: Task, lang: str, desk: Desk, path: str, colour: str) -> Shown:
    """The saved analysis, shown."""
    project.reopen(task, lang, desk, path)
    return laid(desk, colour, lang)


def add(cache: VectorCache, task: Task, lang: str, desk: Desk, text: str, colour: str) -> Shown:
    """The map with new texts, shown."""
    project.add(cache, task, lang, desk, text)
    return laid(desk, colour, lang)


@dataclass(frozen=True, slots=True)
class _Work:
    """The components of the map and its tools."""

    space: gr.Column
    colour: gr.Dropdown
    chart: gr.HTML
    tabs: gr.Tabs
    selection: selection.Selection
    groups: groups.Groups
    search: search.Search
    teach: teach.Teach
    group_tab: gr.Tab

    @property
    def shown(self) -> list[gr.components.Component]:
        """All that a new map changes: map, colours, clusters, what was found in them, selection, search, labels."""
        chosen, find, labels = self.selection, self.search, self.teach
        return [
            self.chart, self.colour, self.groups.table, self.groups.found, chosen.pane, chosen.text, chosen.tools,
            find.hits, find.examples, find.clear, labels.examples, labels.learnt, labels.export, self.space,
        ]  # fmt: skip


def _work(mount: Mount, desk: gr.State) -> _Work:
    """Map left, tools right; on a narrow page one below the other."""
    with gr.Column(visible=False) as space, gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            colour = gr.Dropdown(
                [("", "cluster")],
                value="cluster",
                label=mount.t("colour"),
                elem_id=mount.id("colour"),
                filterable=False,
            )
            plot = chart(mount, "map", desk)
        with gr.Column(scale=2, min_width=320), gr.Tabs(elem_id=mount.id("tools"), overflow_behavior="wrap") as tabs:
            with gr.Tab(mount.t("tab_selection"), id="selection"):
                chosen = selection.selection(mount)
            with gr.Tab(mount.t("tab_clusters"), id="clusters") as group_tab:
                clusters = groups.groups(mount)
            with gr.Tab(mount.t("tab_search"), id="search"):
                find = search.search(mount)
            with gr.Tab(mount.t("tab_label"), id="label"):
                labels = teach.teach(mount)
    return _Work(space, colour, plot, tabs, chosen, clusters, find, labels, group_tab)


def build(mount: Mount) -> None:
    """The tab."""
    ui.heading(mount)
    desk, cache = gr.State(Desk()), VectorCache(mount.home / "cache" / "vectors")
    with gr.Tabs(elem_id=mount.id("views"), overflow_behavior="wrap"):
        with gr.Tab(mount.t("tab_map"), id="map"):
            given = data.data(mount)
            start, stop, status = ui.run_row(mount)
            said = gr.HTML(ui.empty("embedding.empty_map"), elem_id=mount.id("facts"))
            work = _work(mount, desk)
            gr.HTML(f'<p class="note">{ui.both("embedding.limits")}</p>')
        with gr.Tab(mount.t("tab_project"), id="project"):
            kept = project.project(mount)
        with gr.Tab(mount.t("tab_pairs"), id="pairs"):
            pairs(mount, cache)
        with gr.Tab(mount.t("tab_twins"), id="twins") as twin_tab:
            twins(mount, desk, cache, twin_tab)
    shown = [said, *work.shown]
    main = {"start": start, "stop": stop, "status": status}
    _wire_data(mount, given, desk, main)
    inputs = [desk, given.texts, given.reading, mount.choice("embed"), work.colour, *given.options]
    mount.run([start.click], functools.partial(draw, cache), inputs, shown, **main)
    mount.run([given.apply.click], apply, [desk, work.colour, *given.options], shown, **main | {"start": given.apply})
    other = {"stop": kept.stop, "status": kept.status}
    mount.run([kept.open.upload], reopen, [desk, kept.open, work.colour], shown, start=kept.add, **other)
    inputs = [desk, kept.more, work.colour]
    mount.run([kept.add.click], functools.partial(add, cache), inputs, shown, start=kept.add, **other)
    _wire_work(mount, work, desk)
    project.wire(mount, kept, desk, work.colour, work.teach.export)
    mount.receives("texts", given.texts)
    mount.keep("texts", given.texts)
    for function in (embed_map, search_texts, cluster_texts, classify_texts):
        mount.api(function, function.__name__)


def _wire_data(mount: Mount, given: data.Data, desk: gr.State, main: dict[str, Any]) -> None:
    """Upload, columns, back to the text box, vectors."""
    shown = [given.texts, given.reading, given.drop, *given.menus, given.preview]
    mount.run([given.file.upload], data.load, [desk, given.file], shown, **main)
    for column in given.menus:
        quick(mount, column.input, data.choose, [desk, *given.menus], [given.preview])
    quick(mount, given.drop.click, data.drop, [desk], shown)
    quick(mount, given.vectors.upload, data.take_vectors, [desk, given.vectors], [given.vectors_said])


def _wire_work(mount: Mount, work: _Work, desk: gr.State) -> None:
    """Map, lists and tools drive one another."""
    quick(
        mount, work.colour.input, lambda lang, desk, key: recoloured(desk, key, lang), [desk, work.colour], [work.chart]
    )
    lists = [work.groups.table, work.groups.found, work.search.hits, work.teach.learnt]
    selection.wire(mount, work.selection, desk, work.chart, lists)
    groups.wire(mount, work.groups, desk, work.chart, work.colour, work.group_tab)
    chosen = work.selection
    search.wire(mount, work.search, desk, work.chart, work.colour, work.tabs, chosen.like, chosen.unlike)
    teach.wire(mount, work.teach, desk, work.chart, work.colour)
