"""The whole analysis as one file, to be reopened; new texts on the old map; tables, pages and labels to take away.

A file that a visitor takes away lies in a folder with a random name until Gradio has copied it into its own cache,
whose addresses hold the file's hash: nobody can guess them, and the hub deletes them within a day.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from apps import ui
from apps.embedding.cache import VectorCache
from apps.embedding.corpus import read_lines
from apps.embedding.desk import Desk
from apps.embedding.export import as_csv, as_parquet
from apps.embedding.grow import extended
from apps.embedding.page import page
from apps.embedding.project import SUFFIX, examples_in, opened, save_to
from apps.embedding.tabs.groups import needs_map
from apps.embedding.tabs.teach import labels_csv
from apps.mount import PRIVATE, Mount
from models.task import Task

KINDS = ("project", "csv", "parquet", "html")
_EXTRA = "guess"  # column of the learnt labels in tables
# the file's address as the page has it by now; a button of its own would not exist while its tab has not been opened
_TAKE = """(file) => {
  if (file) Object.assign(document.createElement('a'), { href: file.url, download: file.orig_name }).click();
  return [];
}"""


@dataclass(frozen=True, slots=True)
class Project:
    """The components of this part."""

    buttons: dict[str, gr.Button]
    open: gr.UploadButton
    more: gr.Textbox
    add: gr.Button
    stop: gr.Button
    status: gr.HTML


def made(kind: str, task: Task, lang: str, desk: Desk, colour: str) -> str:
    """Path of the file that the visitor asked for. Raises BadInput when there is nothing to take away yet."""
    atlas = needs_map(desk)
    folder = Path(tempfile.mkdtemp(prefix="luotuo-"))
    task.step(0.1, "embedding.saving")
    extra = None if desk.classified is None else {_EXTRA: desk.classified.labels}
    if kind == "project":
        path = folder / f"luotuo-map{SUFFIX}"
        save_to(path, atlas, desk.examples)
    elif kind == "parquet":
        path = folder / "luotuo-map.parquet"
        path.write_bytes(as_parquet(atlas, extra=extra))
    elif kind == "html":
        path = folder / "luotuo-map.html"
        path.write_text(page(atlas, desk.colouring(colour, lang), lang), encoding="utf-8")
    elif kind == "labels":
        name, text = labels_csv(desk)
        path = folder / name
        path.write_text(text, encoding="utf-8-sig")
    else:
        path = folder / "luotuo-map.csv"
        path.write_text(as_csv(atlas, extra=extra), encoding="utf-8-sig")
    return str(path)


def reopen(task: Task, lang: str, desk: Desk, path: str) -> None:
    """Puts the saved analysis on the desk."""
    task.step(0.05, "embedding.reading")
    atlas = opened(Path(path), task)
    examples = examples_in(Path(path), len(atlas.labels), task)
    desk.lay(atlas)
    desk.examples = examples


def add(cache: VectorCache, task: Task, lang: str, desk: Desk, text: str) -> None:
    """New texts placed on the map, whose old points stay where they are."""
    desk.lay(extended(needs_map(desk), read_lines(text or ""), task, cache=cache))


def project(mount: Mount) -> Project:
    """The components."""
    gr.HTML(f'<p class="note">{ui.both("embedding.project_note")}</p>')
    with gr.Row(elem_classes="tools"):
        names = {kind: mount.t(f"save_{kind}") for kind in KINDS}
        buttons = {
            kind: gr.Button(name, size="sm", min_width=130, elem_id=mount.id(f"save-{kind}"))
            for kind, name in names.items()
        }
    reopened = gr.UploadButton(
        mount.t("open_project"), file_types=[".zip"], size="sm", elem_id=mount.id("open"), min_width=130
    )
    more = gr.Textbox(label=mount.t("more"), placeholder=mount.t("more_hint"), lines=3, elem_id=mount.id("more"))
    plus = gr.Button(mount.t("add"), size="sm", elem_id=mount.id("add"))
    stop = gr.Button(mount.t("hub.stop"), size="sm", variant="stop", visible=False)
    return Project(buttons, reopened, more, plus, stop, gr.HTML("", elem_id=mount.id("project-status")))


def wire(mount: Mount, parts: Project, desk: gr.State, colour: gr.Dropdown, labels: gr.Button) -> None:
    """Every button makes its file, then the page fetches it. To be called outside of all tabs."""
    file = gr.DownloadButton("file", visible="hidden", elem_id=mount.id("file"))
    for kind, button in {**parts.buttons, "labels": labels}.items():
        events = mount.run(
            [button.click], lambda *values, kind=kind: made(kind, *values), [desk, colour], [file],
            start=button, stop=parts.stop, status=parts.status,
        )  # fmt: skip
        for event in events:
            event.success(None, file, None, js=_TAKE, **PRIVATE)
