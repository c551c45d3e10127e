"""Few-shot labels: the visitor labels selected points, a classifier labels the rest and says how sure it is."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import reports
from apps.embedding.classify import as_csv, classified
from apps.embedding.desk import Desk
from apps.embedding.tabs.chart import menu, recoloured
from apps.embedding.tabs.groups import needs_map
from apps.embedding.tabs.quick import quick
from apps.embedding.tabs.selection import listening
from apps.mount import Mount
from models.errors import BadInput
from models.task import Task

MAX_LABEL = 60  # characters


@dataclass(frozen=True, slots=True)
class Teach:
    """The components of this part."""

    name: gr.Textbox
    give: gr.Button
    known: gr.Button
    clear: gr.Button
    examples: gr.HTML
    method: gr.Radio
    start: gr.Button
    stop: gr.Button
    status: gr.HTML
    learnt: gr.HTML
    export: gr.Button


def give(lang: str, desk: Desk, name: str) -> str:
    """Labels the selected points."""
    atlas, label = needs_map(desk), (name or "").strip()[:MAX_LABEL]
    if not desk.chosen:
        raise BadInput("no_selection")
    if not label:
        raise BadInput("no_label_name")
    desk.examples.update(dict.fromkeys(desk.chosen, label))
    return reports.taught(atlas, desk.examples)


def take_known(lang: str, desk: Desk) -> str:
    """Takes the texts that came with a label as examples."""
    atlas = needs_map(desk)
    desk.examples |= {row: label for row, label in enumerate(atlas.corpus.labels) if label}
    return reports.taught(atlas, desk.examples)


def clear(lang: str, desk: Desk) -> str:
    """Forgets all examples."""
    desk.examples.clear()
    return ui.empty("embedding.no_examples")


def shown(desk: Desk) -> tuple[Any, ...]:
    """(examples, what was learnt, export) as they stand on the desk."""
    atlas, made = needs_map(desk), desk.classified
    said = "" if made is None else reports.learnt(atlas, made)
    return reports.taught(atlas, desk.examples), said, gr.Button(visible=made is not None)


def learn(task: Task, lang: str, desk: Desk, method: str) -> tuple[Any, ...]:
    """Labels for all texts; the map in their colours."""
    atlas = needs_map(desk)
    task.step(0.05, "embedding.learning")
    desk.classified = classified(atlas, desk.examples, task, method=method)
    return (
        reports.learnt(atlas, desk.classified), recoloured(desk, "guess", lang), menu(desk, lang, "guess"),
        gr.Button(visible=True),
    )  # fmt: skip


def labels_csv(desk: Desk) -> tuple[str, str]:
    """The learnt labels as a file: its name and its text."""
    if desk.classified is None:
        raise BadInput("no_labels_yet")
    return "luotuo-labels.csv", as_csv(needs_map(desk), desk.classified)


def teach(mount: Mount) -> Teach:
    """The components."""
    gr.HTML(f'<p class="note">{ui.both("embedding.teach_note")}</p>')
    with gr.Row(elem_classes="run-row find-row"):
        name = gr.Textbox(
            label=mount.t("label_name"), placeholder=mount.t("label_hint"), lines=1, max_lines=1, scale=3,
            max_length=MAX_LABEL, min_width=140, elem_id=mount.id("label-name"),
        )  # fmt: skip
        put = gr.Button(mount.t("give"), scale=2, min_width=130, elem_id=mount.id("give"))
    examples = gr.HTML(ui.empty("embedding.no_examples"), elem_id=mount.id("taught"))
    with gr.Row(elem_classes="tools"):
        known = gr.Button(mount.t("take_known"), size="sm", min_width=130, elem_id=mount.id("known"))
        none = gr.Button(mount.t("clear_examples"), size="sm", min_width=110, elem_id=mount.id("clear-examples"))
    method = gr.Radio(
        [(mount.t("logistic"), "logistic"), (mount.t("prototype"), "prototype")], value="logistic",
        label=mount.t("classifier"), elem_id=mount.id("classifier"),
    )  # fmt: skip
    with gr.Row(elem_classes="run-row"):
        start = gr.Button(mount.t("learn"), variant="primary", elem_id=mount.id("learn"), min_width=130)
        stop = gr.Button(mount.t("hub.stop"), variant="stop", visible=False, min_width=90)
        export = gr.Button(mount.t("labels_csv"), visible=False, elem_id=mount.id("labels-csv"), min_width=130)
    status = gr.HTML("", elem_id=mount.id("learn-status"))
    return Teach(
        name, put, known, none, examples, method, start, stop, status, listening(mount, "learnt"), export
    )  # fmt: skip


def wire(mount: Mount, made: Teach, desk: gr.State, chart: gr.HTML, colour: gr.Dropdown) -> None:
    """The buttons."""
    quick(mount, made.give.click, give, [desk, made.name], [made.examples])
    quick(mount, made.name.submit, give, [desk, made.name], [made.examples])
    quick(mount, made.known.click, take_known, [desk], [made.examples])
    quick(mount, made.clear.click, clear, [desk], [made.examples])
    mount.run(
        [made.start.click], learn, [desk, made.method], [made.learnt, chart, colour, made.export],
        start=made.start, stop=made.stop, status=made.status,
    )  # fmt: skip
