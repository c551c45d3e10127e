"""Data in: pasted lines or an uploaded table with its columns, and how the map is to be made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import words
from apps.embedding.atlas import Options
from apps.embedding.columns import Columns, corpus_of, guessed, preview
from apps.embedding.corpus import Corpus, read_lines
from apps.embedding.desk import Desk
from apps.embedding.lyrics import songs
from apps.mount import Mount
from models.assets import read
from models.documents import read_table
from models.errors import BadInput
from models.strings import say
from models.task import Task

METHODS = [("UMAP", "umap"), ("PCA", "pca"), ("t-SNE", "tsne")]
KINDS = [".txt", ".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".parquet"]
VECTORS = [".npy", ".npz", ".csv", ".tsv", ".parquet", ".jsonl"]
_NOTHING = -1
_COUNT = """(text) => {
  const lines = (text || '').split('\\n').map((line) => line.trim()).filter(Boolean), length = lines.length;
  if (!length) return '';
  const say = (lang, words) => `<span data-l="${lang}" lang="${lang}">${words}</span>`;
  const different = new Set(lines).size, longest = lines.reduce((most, line) => Math.max(most, line.length), 0);
  return '<p class="note" role="status">' + say('zh', `ZH`) + say('en', `EN`) + '</p>';
}"""


@dataclass(frozen=True, slots=True)
class Data:
    """The components of this part."""

    texts: gr.Textbox
    reading: gr.Radio
    file: gr.UploadButton
    drop: gr.Button
    menus: tuple[gr.Dropdown, gr.Dropdown, gr.Dropdown]  # text, label, title
    preview: gr.HTML
    vectors: gr.UploadButton
    vectors_said: gr.HTML
    options: list[gr.components.Component]  # in the order of `options_of`
    apply: gr.Button


def source(desk: Desk, text: str, reading: str) -> tuple[Corpus, tuple[tuple[int, int], ...]]:
    """The corpus of the uploaded table, or of the text box; with the pairs to be joined, when those are songs."""
    if desk.table is not None and desk.columns is not None:
        return corpus_of(desk.table, desk.columns), ()
    if reading == "lyrics":
        made = songs(text or "")
        return made.corpus, made.links
    return read_lines(text or ""), ()


def options_of(
    method: str, dimensions: int, neighbours: float, min_dist: float, perplexity: float, grouping: str,
    clusters: float, smallest: float, seed: float | None,
) -> Options:  # fmt: skip
    """The visitor's choices. Raises BadInput."""
    return Options(
        method=method, dimensions=int(dimensions), neighbours=int(neighbours), min_dist=float(min_dist),
        perplexity=float(perplexity), grouping=grouping, clusters=int(clusters), smallest=int(smallest),
        seed=abs(int(seed or 0)) % 2**31,
    )  # fmt: skip


def load(task: Task, lang: str, desk: Desk, path: str) -> tuple[Any, ...]:
    """An uploaded table: text box hidden, menus of columns, preview."""
    task.step(0.05, "embedding.reading")
    desk.table = read_table(Path(path), task)
    desk.columns = guessed(desk.table)
    choices = [(name, number) for number, name in enumerate(desk.table.columns)]
    none = (say("embedding.no_column", lang), _NOTHING)
    several = len(choices) > 1
    label, title = (_NOTHING if at is None else at for at in (desk.columns.label, desk.columns.title))
    return (
        gr.Textbox(visible=False), gr.Radio(visible=False), gr.Button(visible=True),
        gr.Dropdown(choices, value=desk.columns.text, visible=several),
        gr.Dropdown([none, *choices], value=label, visible=several),
        gr.Dropdown([none, *choices], value=title, visible=several),
        words.preview(desk.table, desk.columns, preview(desk.table, desk.columns)),
    )  # fmt: skip


def choose(lang: str, desk: Desk, text: int | None, label: int | None, title: int | None) -> Any:  # noqa: ANN401
    """The preview of other columns."""
    if desk.table is None or text is None:
        return gr.skip()
    label, title = (None if at in (None, _NOTHING, text) else at for at in (label, title))
    if any(at is not None and not 0 <= at < len(desk.table.columns) for at in (text, label, title)):
        raise BadInput("bad_option")
    desk.columns = Columns(text, label, title)
    return words.preview(desk.table, desk.columns, preview(desk.table, desk.columns))


def drop(lang: str, desk: Desk) -> tuple[Any, ...]:
    """Back from the table to the text box."""
    desk.table = desk.columns = None
    hidden = gr.Dropdown(visible=False)
    return gr.Textbox(visible=True), gr.Radio(visible=True), gr.Button(visible=False), hidden, hidden, hidden, ""


def take_vectors(lang: str, desk: Desk, path: str | None) -> str:
    """Remembers a file of vectors for the next map; it is read together with the texts."""
    desk.vectors = Path(path) if path else None
    return f'<p class="note" role="status">{ui.both("embedding.vectors_taken")}</p>' if path else ""


def data(mount: Mount) -> Data:
    """The components: texts or table left, file, columns and examples right, parameters below."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            texts = gr.Textbox(
                label=mount.t("texts"), placeholder=mount.t("texts_hint"), lines=9, max_lines=14,
                elem_id=mount.id("texts"),
            )  # fmt: skip
            counted = gr.HTML("", elem_id=mount.id("preview"))
        with gr.Column(scale=2, min_width=300):
            with gr.Row():
                file = ui.upload_button(mount, "upload", KINDS)
                back = gr.Button(mount.t("drop_file"), size="sm", visible=False, elem_id=mount.id("drop"))
            menus = _menus(mount)
            reading = gr.Radio(
                [(mount.t("read_lines"), "lines"), (mount.t("read_lyrics"), "lyrics")], value="lines",
                label=mount.t("reading_as"), info=mount.t("reading_info"), elem_id=mount.id("reading"),
            )  # fmt: skip
            ui.examples(mount, _shipped(), [texts])
    texts.change(None, texts, counted, js=_count(), api_visibility="private")
    options, vectors, said, apply = _parameters(mount)
    return Data(texts, reading, file, back, menus, counted, vectors, said, options, apply)


def _count() -> str:
    """The script that counts pasted lines as they are typed, in the page, so that nothing travels for it."""
    values = {"lines": "${length}", "different": "${different}", "longest": "${longest}"}
    script = _COUNT
    for lang in ("zh", "en"):
        script = script.replace(f"`{lang.upper()}`", f"`{say('embedding.counted', lang, **values)}`")
    return script


def _menus(mount: Mount) -> tuple[gr.Dropdown, gr.Dropdown, gr.Dropdown]:
    with gr.Row():
        return tuple(
            gr.Dropdown([], label=mount.t(f"{name}_column"), visible=False, elem_id=mount.id(element), min_width=110)
            for name, element in (("text", "column"), ("label", "label"), ("title", "title"))
        )  # type: ignore[return-value]


def _parameters(mount: Mount) -> tuple[list[Any], gr.UploadButton, gr.HTML, gr.Button]:
    """Method and dimensions in sight, everything else folded."""
    t = mount.t
    with gr.Row():
        method = gr.Radio(METHODS, value="umap", label=t("method"), info=t("method_info"), min_width=260)
        dimensions = gr.Radio(
            [("2-D", 2), ("3-D", 3)], value=2, label=t("dimensions"), min_width=140, elem_id=mount.id("dimensions")
        )
    with gr.Accordion(t("options"), open=False, elem_id=mount.id("options")):
        with gr.Row():
            near = gr.Slider(3, 100, 15, step=1, label=t("neighbours"), info=t("neighbours_info"), min_width=200)
            spread = gr.Slider(0, 0.99, 0.1, step=0.01, label=t("min_dist"), info=t("min_dist_info"), min_width=200)
            perplexity = gr.Slider(2, 100, 30, step=1, label=t("perplexity"), info=t("perplexity_info"), min_width=200)
        with gr.Row():
            grouping = gr.Radio(
                [("k-means", "kmeans"), ("HDBSCAN", "hdbscan")], value="kmeans", label=t("grouping"),
                info=t("grouping_info"), min_width=200, elem_id=mount.id("grouping"),
            )  # fmt: skip
            clusters = gr.Slider(0, 60, 0, step=1, label=t("clusters"), info=t("clusters_info"), min_width=200)
            smallest = gr.Slider(0, 200, 0, step=1, label=t("smallest"), info=t("smallest_info"), min_width=200)
        with gr.Row():
            seed = gr.Number(42, precision=0, minimum=0, label=t("seed"), info=t("seed_info"), min_width=160)
            with gr.Column(min_width=200):
                vectors = gr.UploadButton(
                    t("vectors_file"), file_types=VECTORS, size="sm",
                    elem_id=mount.id("vectors"),
                )  # fmt: skip
                said = gr.HTML(f'<p class="note">{ui.both("embedding.vectors_info")}</p>')
            apply = gr.Button(t("apply"), size="sm", elem_id=mount.id("apply"), min_width=160)
    options = [method, dimensions, near, spread, perplexity, grouping, clusters, smallest, seed]
    return options, vectors, said, apply


def _shipped() -> dict[str, list[str]]:
    """Examples by name, each as the text of the box."""
    return {name: ["\n".join(lines)] for name, lines in json.loads(read("examples", "embedding.json")).items()}
