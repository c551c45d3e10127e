"""Clusters in detail: the table that drives the map, names by a model, outliers, near-duplicates, agreement."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import reports, words
from apps.embedding.atlas import outliers
from apps.embedding.clusters.agreement import agreement
from apps.embedding.clusters.duplicates import near_duplicates
from apps.embedding.clusters.spoken import spoken_names
from apps.embedding.desk import Desk
from apps.embedding.tabs.chart import recoloured
from apps.embedding.tabs.offers import offered
from apps.embedding.tabs.quick import quick
from apps.embedding.tabs.selection import listening
from apps.mount import Mount
from models.errors import BadInput
from models.task import Task

MOST = 20  # outliers that are listed


@dataclass(frozen=True, slots=True)
class Groups:
    """The components of this part."""

    table: gr.HTML
    found: gr.HTML  # outliers, duplicates or agreement
    threshold: gr.Slider
    outliers: gr.Button
    duplicates: gr.Button
    agreement: gr.Button
    namer: gr.Dropdown
    name: gr.Button
    stop: gr.Button
    status: gr.HTML


def needs_map(desk: Desk) -> Any:  # noqa: ANN401
    """The map on the desk. Raises BadInput when there is none yet."""
    if desk.atlas is None:
        raise BadInput("no_map")
    return desk.atlas


def find_outliers(task: Task, lang: str, desk: Desk) -> str:
    """Texts far from the middle of their cluster."""
    atlas = needs_map(desk)
    return reports.outlying(atlas, outliers(atlas, MOST, task))


def find_duplicates(task: Task, lang: str, desk: Desk, threshold: float) -> str:
    """Groups of nearly equal texts."""
    atlas = needs_map(desk)
    task.step(0.02, "embedding.comparing")
    return reports.repeated(atlas, near_duplicates(atlas.vectors, float(threshold), task))


def agree(task: Task, lang: str, desk: Desk) -> str:
    """How the clusters agree with the visitor's labels."""
    atlas = needs_map(desk)
    return reports.agreeing(agreement(atlas.corpus.labels, atlas.labels))


def speak(task: Task, lang: str, desk: Desk, choice: str, colour: str) -> tuple[Any, Any]:
    """Names of the clusters by the model that the visitor has chosen."""
    desk.atlas = spoken_names(needs_map(desk), choice or "", task)
    return recoloured(desk, colour, lang), words.table(desk.atlas)


def _menu(lang: str, choice: str | None) -> Any:  # noqa: ANN401
    return offered("respond", lang, choice, "embedding.nobody")


def groups(mount: Mount) -> Groups:
    """The components."""
    table = listening(mount, "clusters", ui.empty("embedding.empty_map"))
    with gr.Row(elem_classes="tools"):
        far = gr.Button(mount.t("outliers"), size="sm", min_width=110, elem_id=mount.id("outliers"))
        agreed = gr.Button(mount.t("agree"), size="sm", min_width=110, elem_id=mount.id("agree"))
    with gr.Row(elem_classes="tools"):
        threshold = gr.Slider(0.7, 1, 0.95, step=0.01, label=mount.t("threshold"), min_width=160)
        same = gr.Button(mount.t("duplicates"), size="sm", min_width=110, elem_id=mount.id("duplicates"))
    with gr.Row(elem_classes="tools"):
        namer = gr.Dropdown([], label=mount.t("namer"), min_width=160, elem_id=mount.id("namer"))
        name = gr.Button(mount.t("speak"), size="sm", min_width=110, elem_id=mount.id("speak"))
    stop = gr.Button(mount.t("hub.stop"), size="sm", variant="stop", visible=False, min_width=90)
    status = gr.HTML("")
    found = listening(mount, "found")
    return Groups(table, found, threshold, far, same, agreed, namer, name, stop, status)


def wire(mount: Mount, made: Groups, desk: gr.State, chart: gr.HTML, colour: gr.Dropdown, tab: gr.Tab) -> None:
    """The buttons."""
    quick(mount, tab.select, _menu, [made.namer], [made.namer])
    plain = {"stop": made.stop, "status": made.status}
    mount.run([made.outliers.click], find_outliers, [desk], [made.found], start=made.outliers, **plain)
    inputs = [desk, made.threshold]
    mount.run([made.duplicates.click], find_duplicates, inputs, [made.found], start=made.duplicates, **plain)
    mount.run([made.agreement.click], agree, [desk], [made.found], start=made.agreement, **plain)
    inputs = [desk, made.namer, colour]
    mount.run([made.name.click], speak, inputs, [chart, made.table], start=made.name, **plain)
