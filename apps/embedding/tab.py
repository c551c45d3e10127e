"""The tab: texts and choices left; map, search and clusters right. Knows Gradio; the modules beside it do the work.

A visitor's map lives in that visitor's gr.State only; nothing is written to disk, the csv is made in the browser.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding.atlas import Atlas, Options, atlases
from apps.embedding.corpus import as_lines, read_lines
from apps.embedding.figure import figure
from apps.embedding.find import search
from apps.embedding.words import as_csv, facts, hit_list, table
from apps.mount import PRIVATE, Mount
from models.assets import read
from models.documents import Table, read_table, text_column
from models.errors import BadInput
from models.strings import say
from models.task import Task

METHODS = [("UMAP", "umap"), ("PCA", "pca"), ("t-SNE", "tsne")]
FOUND = 50  # hits that are lit up and listed
_SAVE = """(text) => {
  if (!text) return [];
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['\\ufeff', text], { type: 'text/csv' }));
  link.download = 'luotuo-map.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return [];
}"""


def draw(
    task: Task, lang: str, text: str, method: str, clusters: float, neighbours: float, perplexity: float,
    seed: float | None, colour: str,
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    """One visitor's map, first by PCA, then by the chosen method: facts, plot, table, state, hits, tools, colour."""
    task.step(0.01, "embedding.reading")
    corpus = read_lines(text or "")
    options = Options(method, int(clusters), int(neighbours), perplexity, abs(int(seed or 0)) % 2**31)
    for atlas in atlases(corpus, options, task):
        drawn = figure(atlas, colour=colour, lang=lang)
        task.check()
        yield (
            facts(atlas), gr.Plot(drawn, visible=True), table(atlas), atlas, "",
            gr.Column(visible=True), gr.Radio(visible=corpus.labelled),
        )  # fmt: skip


def find(task: Task, lang: str, atlas: Atlas | None, query: str, colour: str) -> tuple[Any, str]:
    """The map with the hits lit up, and their list; the plain map for an empty query."""
    if atlas is None:
        return gr.skip(), ui.empty("embedding.no_map")
    task.step(0.1, "embedding.searching")
    hits = search(atlas, query, FOUND, task) if (query or "").strip() else []
    drawn = figure(atlas, hits=[hit.row for hit in hits], colour=colour, lang=lang)
    return drawn, hit_list(atlas, hits) if (query or "").strip() else ""


def load(task: Task, lang: str, path: str) -> tuple[Any, ...]:
    """An uploaded file: lines for the text box, the table, both column menus, and a line that says how much it is."""
    task.step(0.05, "embedding.reading")
    given = read_table(Path(path), task)
    column = text_column(given)
    several = len(given.columns) > 1
    choices = [(name, number) for number, name in enumerate(given.columns)]
    none = (say("embedding.no_label_column", lang), -1)
    words = ui.both("embedding.loaded", rows=len(given.rows), columns=len(given.columns))
    return (
        as_lines(given, column, None), given, gr.Dropdown(choices, value=column, visible=several),
        gr.Dropdown([none, *choices], value=-1, visible=several), f'<p class="status" role="status">{words}</p>',
    )  # fmt: skip


def choose(task: Task, lang: str, given: Table | None, column: int | None, label: int | None) -> Any:  # noqa: ANN401
    """The lines of the chosen columns."""
    if given is None or column is None:
        return gr.skip()
    return as_lines(given, column, None if label in (None, -1) else label)


def embed_map(
    texts: list[str], method: str = "umap", clusters: int = 0, seed: int = 42, lang: str = "zh"
) -> dict[str, Any]:
    """Draws texts as a map: like texts lie close together.

    Args:
        texts: the texts, at most 20,000 different ones; identical ones become one point with a count
        method: umap, pca or tsne
        clusters: how many clusters; 0 chooses by silhouette
        seed: same texts, options and seed give the same map
        lang: language of error messages, zh or en

    Returns:
        points (text, line, count, x, y in −1 … 1, cluster), clusters (size, typical texts), names (phrases of each
        cluster), method (pca when there are too few texts for the one asked for), origin.
    """
    if method not in dict(METHODS).values() or clusters < 0:
        raise BadInput("bad_option")
    *_, atlas = atlases(_listed(texts), Options(method, clusters, seed=abs(seed) % 2**31), Task())
    corpus = atlas.corpus
    return {
        "points": [
            {"text": corpus.texts[row], "line": corpus.lines[row], "count": corpus.counts[row],
             "x": float(x), "y": float(y), "cluster": int(atlas.labels[row])}
            for row, (x, y) in enumerate(atlas.positions)
        ],
        "clusters": [
            {"size": int((atlas.labels == number).sum()), "typical": [corpus.texts[row] for row in rows]}
            for number, rows in enumerate(atlas.typical)
        ],
        "names": [list(phrases) for phrases in atlas.names],
        "method": atlas.method,
        "origin": asdict(atlas.origin),
    }  # fmt: skip


def search_texts(texts: list[str], query: str, count: int = 10, lang: str = "zh") -> list[dict[str, Any]]:
    """Finds the texts that are most like a query.

    Args:
        texts: the texts, at most 20,000 different ones
        query: a word or a sentence
        count: how many to return at most
        lang: language of error messages, zh or en

    Returns:
        Best first: text, line (from 1), score (0 … 1: mean of cosine and share of the query's words), spans (offsets
        of the query's words in the text).
    """
    if count < 1:
        raise BadInput("bad_option")
    atlas = next(atlases(_listed(texts), Options("pca", clusters=1), Task()))
    return [
        {"text": atlas.corpus.texts[hit.row], "line": atlas.corpus.lines[hit.row], "score": round(hit.score, 4),
         "spans": [list(span) for span in hit.spans]}
        for hit in search(atlas, query, count, Task())
    ]  # fmt: skip


def _listed(texts: list[str]) -> Any:  # noqa: ANN401
    return read_lines("\n".join(" ".join(str(text).split()) for text in texts))


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The components of the left column that work depends on."""

    texts: gr.Textbox
    file: gr.UploadButton
    column: gr.Dropdown
    label: gr.Dropdown
    options: tuple[gr.components.Component, ...]  # in the order of `draw`


def _left(mount: Mount) -> _Inputs:
    texts = gr.Textbox(
        label=mount.t("texts"), placeholder=mount.t("texts_hint"), lines=12, max_lines=18, elem_id=mount.id("texts")
    )
    file = ui.upload_button(mount, "upload", [".txt", ".csv", ".tsv", ".xlsx", ".json", ".jsonl"])
    with gr.Row():
        column = gr.Dropdown([], label=mount.t("text_column"), visible=False, elem_id=mount.id("column"), min_width=140)
        label = gr.Dropdown([], label=mount.t("label_column"), visible=False, elem_id=mount.id("label"), min_width=140)
    method = gr.Radio(METHODS, value="umap", label=mount.t("method"), info=mount.t("method_info"))
    with gr.Accordion(mount.t("options"), open=False):
        clusters = gr.Slider(0, 24, 0, step=1, label=mount.t("clusters"), info=mount.t("clusters_info"))
        near = gr.Slider(3, 100, 15, step=1, label=mount.t("neighbours"), info=mount.t("neighbours_info"))
        perplexity = gr.Slider(2, 100, 30, step=1, label=mount.t("perplexity"), info=mount.t("perplexity_info"))
        seed = gr.Number(42, precision=0, minimum=0, label=mount.t("seed"), info=mount.t("seed_info"))
    return _Inputs(texts, file, column, label, (method, clusters, near, perplexity, seed))


def _shipped() -> dict[str, list[str]]:
    """Examples by name, each as the text of the box."""
    return {name: ["\n".join(lines)] for name, lines in json.loads(read("examples", "embedding.json")).items()}


def build(mount: Mount) -> None:
    """The tab: texts and choices left; map, search, clusters right."""
    ui.heading(mount)
    atlas, given = gr.State(None), gr.State(None)
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            left = _left(mount)
            start, stop, status = ui.run_row(mount)
            ui.examples(mount, _shipped(), [left.texts])
            gr.HTML(f'<p class="note">{ui.both("embedding.limits")}</p>')
        with gr.Column(scale=3, min_width=320):
            said = gr.HTML(ui.empty("embedding.empty_map"), elem_id=mount.id("facts"))
            colour = gr.Radio(
                [(mount.t("colour_cluster"), "cluster"), (mount.t("colour_label"), "label")],
                value="cluster", label=mount.t("colour"), visible=False, elem_id=mount.id("colour"),
            )  # fmt: skip
            plot = gr.Plot(show_label=False, visible=False, elem_id=mount.id("map"))
            with gr.Column(visible=False) as tools:
                search_row = _search_row(mount)
                hits = gr.HTML("", elem_id=mount.id("hits"))
                clusters = gr.HTML("", elem_id=mount.id("clusters"))
                download = gr.Button(mount.t("download"), size="sm", elem_id=mount.id("download"))
                csv = gr.Textbox(visible=False)
    shown = [said, plot, clusters, atlas, hits, tools, colour]
    main = {"start": start, "stop": stop, "status": status}
    mount.run([start.click], draw, [left.texts, *left.options, colour], shown, **main)
    mount.run([left.file.upload], load, [left.file], [left.texts, given, left.column, left.label, said], **main)
    mount.run([left.column.input, left.label.input], choose, [given, left.column, left.label], [left.texts], **main)
    query, go, halt, progress = search_row
    mount.run(
        [query.submit, go.click, colour.input], find, [atlas, query, colour], [plot, hits],
        start=go, stop=halt, status=progress,
    )  # fmt: skip
    download.click(lambda made: as_csv(made) if made else "", atlas, csv, show_progress="hidden", **PRIVATE).then(
        None, csv, None, js=_SAVE, **PRIVATE
    )
    mount.keep("texts", left.texts)
    mount.receives("texts", left.texts)
    mount.api(embed_map, "embed_map")
    mount.api(search_texts, "search_texts")


def _search_row(mount: Mount) -> tuple[gr.Textbox, gr.Button, gr.Button, gr.HTML]:
    """Query, find button, stop button, status."""
    with gr.Row(elem_classes="run-row find-row"):
        query = gr.Textbox(
            label=mount.t("query"), placeholder=mount.t("query_hint"), lines=1, max_lines=1, scale=4,
            max_length=500, elem_id=mount.id("query"),
        )  # fmt: skip
        go = gr.Button(mount.t("find"), scale=1, min_width=90, elem_id=mount.id("find"))
        halt = gr.Button(mount.t("hub.stop"), variant="stop", visible=False, scale=1, min_width=90)
    return query, go, halt, gr.HTML("", elem_id=mount.id("find-status"))
