"""Two embedders side by side on the same texts: what is chosen on one map is chosen on the other."""

from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import reports
from apps.embedding.atlas import atlases
from apps.embedding.cache import VectorCache
from apps.embedding.compare import compared
from apps.embedding.desk import Desk
from apps.embedding.payload import by_cluster, points
from apps.embedding.precomputed import adopted, read_vectors
from apps.embedding.stage import Stage
from apps.embedding.tabs.chart import chart
from apps.embedding.tabs.groups import needs_map
from apps.mount import Mount
from models.errors import BadInput
from models.task import Task

GROUP = "twins"


def compare(cache: VectorCache, task: Task, lang: str, desk: Desk, other: Desk, choice: str) -> tuple[Any, ...]:
    """The map on the desk beside one by another embedder, and what changed between them."""
    atlas = needs_map(desk)
    vectors = None
    if other.vectors is not None:
        rows = read_vectors(other.vectors, Stage(task, 0.0, 0.1, "embedding.reading"))
        vectors = adopted(rows, atlas.corpus, choice, task)
    elif choice == atlas.vectors.choice:
        raise BadInput("same_embedder")
    whole = Stage(task, 0.1, 0.9, "embedding.vectors")
    *_, second = atlases(atlas.corpus, atlas.options, whole, choice=choice, cache=cache, vectors=vectors)
    other.atlas = second
    found = compared(atlas, second, Stage(task, 0.9, 1.0, "embedding.comparing"))
    left, right = ({"value": points(made, lang), "colour": by_cluster(atlas, lang) | {"spots": []}} for made in (atlas, second))
    left["colour"] = by_cluster(atlas, lang)
    return gr.HTML(**left, lit=[], visible=True), gr.HTML(**right, lit=[], visible=True), reports.changed(atlas, found)


def take(lang: str, other: Desk, path: str | None) -> str:
    """Remembers a file of vectors as the second embedder."""
    from pathlib import Path

    other.vectors = Path(path) if path else None
    return f'<p class="note" role="status">{ui.both("embedding.vectors_taken")}</p>'


def twins(mount: Mount, desk: gr.State, cache: VectorCache) -> None:
    """The components and their events."""
    gr.HTML(f'<p class="note">{ui.both("embedding.twins_note")}</p>')
    other = gr.State(Desk())
