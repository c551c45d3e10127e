"""Two embedders side by side on the same texts: what is chosen on one map is chosen on the other."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import reports
from apps.embedding.atlas import Atlas, atlases
from apps.embedding.cache import VectorCache
from apps.embedding.compare import compared
from apps.embedding.desk import Desk
from apps.embedding.payload import by_cluster, points
from apps.embedding.precomputed import adopted, read_vectors
from apps.embedding.stage import Stage
from apps.embedding.tabs.chart import chart
from apps.embedding.tabs.data import VECTORS
from apps.embedding.tabs.groups import needs_map
from apps.embedding.tabs.offers import offered
from apps.embedding.tabs.quick import quick
from apps.mount import Mount
from models.errors import BadInput
from models.task import Task

GROUP = "twins"


def compare(cache: VectorCache, task: Task, lang: str, desk: Desk, other: Desk, choice: str) -> tuple[Any, ...]:
    """The map on the desk beside one by another embedder, and what changed between them."""
    atlas, choice = needs_map(desk), choice or ""
    vectors = None
    if other.vectors is not None:
        rows = read_vectors(other.vectors, Stage(task, 0.0, 0.1, "embedding.reading"))
        vectors = adopted(rows, atlas.corpus, choice, task)
    elif choice == atlas.vectors.choice:
        raise BadInput("same_embedder")
    whole = Stage(task, 0.1, 0.9, "embedding.vectors")
    drawing = atlases(
        atlas.corpus, atlas.options, whole, choice=choice, cache=cache, vectors=vectors, links=atlas.links, every=True
    )  # fmt: skip
    *_, made = drawing
    found = compared(atlas, made, Stage(task, 0.9, 1.0, "embedding.comparing"))
    # both maps speak of the clusters of the first, in colours, legend and at the pointer
    other.atlas = replace(made, labels=atlas.labels, names=atlas.names, typical=atlas.typical, named_by=atlas.named_by)
    maps = (gr.HTML(**_twin(atlas, made, lang), visible=True) for made in (atlas, other.atlas))
    return *maps, reports.changed(atlas, found)


def _twin(first: Atlas, made: Atlas, lang: str) -> dict[str, Any]:
    """A map in the colours of the first one's clusters, whose names stand on that one only."""
    colour = by_cluster(first, lang)
    return {"value": points(made, lang), "colour": colour if made is first else colour | {"spots": []}, "lit": []}


def take(lang: str, other: Desk, path: str | None) -> str:
    """Remembers a file of vectors as the second embedder."""
    other.vectors = Path(path) if path else None
    return f'<p class="note" role="status">{ui.both("embedding.vectors_taken")}</p>'


def _menu(lang: str, choice: str | None) -> Any:  # noqa: ANN401
    return offered("embed", lang, choice, "hub.embedded")


def twins(mount: Mount, desk: gr.State, cache: VectorCache, tab: gr.Tab) -> None:
    """The components and their events."""
    gr.HTML(f'<p class="note">{ui.both("embedding.twins_note")}</p>')
    other = gr.State(Desk())
    with gr.Row(equal_height=False):
        choice = gr.Dropdown([], label=mount.t("second_embedder"), elem_id=mount.id("second"), min_width=220)
        file = gr.UploadButton(mount.t("vectors_file"), file_types=VECTORS, size="sm", min_width=160)
        start = gr.Button(mount.t("twins_run"), variant="primary", elem_id=mount.id("twins-run"), min_width=140)
        stop = gr.Button(mount.t("hub.stop"), variant="stop", visible=False, min_width=90)
    status = gr.HTML("", elem_id=mount.id("twins-status"))
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            left = chart(mount, "left", desk, group=GROUP)
        with gr.Column(min_width=320):
            right = chart(mount, "right", other, group=GROUP)
    said = gr.HTML(ui.empty("embedding.twins_empty"), elem_id=mount.id("twins-said"))
    quick(mount, tab.select, _menu, [choice], [choice])
    quick(mount, file.upload, take, [other, file], [status])
    mount.run(
        [start.click], functools.partial(compare, cache), [desk, other, choice], [left, right, said],
        start=start, stop=stop, status=status,
    )  # fmt: skip
