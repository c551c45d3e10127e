"""Pairs: how like are the first and the second of each, all against all; as a heatmap and as retrieval figures."""

import functools
import json
from pathlib import Path
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import reports
from apps.embedding.cache import VectorCache
from apps.embedding.figure import heatmap
from apps.embedding.pairs import paired, paired_vectors, read_pairs
from apps.mount import Mount
from models.assets import read
from models.documents import read_table
from models.errors import BadInput
from models.task import Task


def compare(cache: VectorCache, task: Task, lang: str, first: str, second: str, choice: str) -> tuple[str, Any]:
    """The heatmap of two lists of lines, the n-th of one belonging to the n-th of the other."""
    ones, twos = ([line.strip() for line in (text or "").splitlines() if line.strip()] for text in (first, second))
    if not ones or not twos:
        raise BadInput("empty_text")
    if len(ones) != len(twos):
        raise BadInput("pairs_uneven", first=len(ones), second=len(twos))
    made = paired(ones, twos, task, choice=choice or "", cache=cache)
    return reports.paired(made), gr.Plot(heatmap(made, lang), visible=True)


def upload(cache: VectorCache, task: Task, lang: str, path: str, choice: str) -> tuple[Any, ...]:
    """Two columns of a table, with their vectors where the table holds them."""
    task.step(0.02, "embedding.reading")
    first, second, ones, twos = read_pairs(read_table(Path(path), task))
    if ones is not None and twos is not None:
        made = paired_vectors(first, second, ones, twos)
    else:
        made = paired(first, second, task, choice=choice or "", cache=cache)
    return "\n".join(first), "\n".join(second), reports.paired(made), gr.Plot(heatmap(made, lang), visible=True)


def pairs(mount: Mount, cache: VectorCache) -> None:
    """The components and their events."""
    gr.HTML(f'<p class="note">{ui.both("embedding.pairs_note")}</p>')
    with gr.Row():
        first, second = (
            gr.Textbox(label=mount.t(name), lines=6, max_lines=12, elem_id=mount.id(f"pairs-{name}"), min_width=260)
            for name in ("first", "second")
        )
    with gr.Row(elem_classes="run-row"):
        start = gr.Button(mount.t("pairs_run"), variant="primary", elem_id=mount.id("pairs-run"), min_width=150)
        file = gr.UploadButton(
            mount.t("pairs_upload"), file_types=[".csv", ".tsv", ".xlsx", ".jsonl", ".parquet"],
            elem_id=mount.id("pairs-upload"), min_width=150,
        )  # fmt: skip
        stop = gr.Button(mount.t("hub.stop"), variant="stop", visible=False, min_width=90)
    rows = json.loads(read("examples", "pairs.json"))
    example = gr.Button(mount.t("pairs_example"), size="sm", elem_id=mount.id("pairs-example"))
    example.click(
        lambda: tuple("\n".join(pair[side] for pair in rows) for side in (0, 1)), None, [first, second],
        show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    status = gr.HTML("", elem_id=mount.id("pairs-status"))
    said = gr.HTML(ui.empty("embedding.pairs_empty"), elem_id=mount.id("pairs-said"))
    plot = gr.Plot(show_label=False, visible=False, elem_id=mount.id("heatmap"))
    buttons = {"start": start, "stop": stop, "status": status}
    choice = mount.choice("embed")
    mount.run([start.click], functools.partial(compare, cache), [first, second, choice], [said, plot], **buttons)
    mount.run([file.upload], functools.partial(upload, cache), [file, choice], [first, second, said, plot], **buttons)
