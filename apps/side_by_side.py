"""Compare: the same words to a base and to its adapters, in columns that grow together.

Knows columns and how they are shown; which of them are computed together is the pool's. Shown while a model with
adapters is chosen.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr

import models
from apps import ui, writing
from apps.mount import PRIVATE, Mount
from models import prompted
from models.engine import Message, Reply
from models.errors import BadInput
from models.task import Task

MAX_COLUMNS = 4
BASE = ""  # the name of the base among the columns


def ask(
    task: Task, lang: str, text: str, names: Sequence[str], choice: str, system: str, *settings: float | None
) -> Iterator[str]:
    """The growing columns as markup. Raises BadInput, and as `models.columns` does."""
    if not 1 <= len(names) <= MAX_COLUMNS:
        raise BadInput("columns", limit=MAX_COLUMNS)
    if not (text or "").strip():
        raise BadInput("empty_text")
    turns = [Message("user", text.strip())]
    turns = [Message("system", system.strip()), *turns] if (system or "").strip() else turns
    with models.columns(choice, [name for name in offered(choice) if name in names], task) as held:
        for replies in prompted.compare(held, turns, writing.options(*settings), task):
            yield columns(replies)


def columns(replies: Sequence[Reply]) -> str:
    """All columns, each with who answers in it and why it ended."""
    cells = "".join(
        f'<section class="result">{ui.badge(reply.origin)}<div class="said">{escape(reply.text) or "……"}</div>'
        f"{ui.note(reply.note)}</section>"
        for reply in replies
    )
    return f'<div class="columns">{cells}</div>'


def offered(choice: str) -> dict[str, str]:
    """The columns that a choice allows, by name: its base, then the adapters of that base; none without adapters."""
    adapters = {row.key: row.title for row in models.adapters_of(choice)} if choice else {}
    return {BASE: choice.partition("+")[0], **adapters} if adapters else {}


def build(mount: Mount, capability: str, settings: list[gr.components.Component]) -> None:
    """The folded panel; `settings` are those of the tab, with a system text."""
    with gr.Accordion(mount.t("side.title"), open=False, visible=False, elem_id=mount.id("compare")) as box:
        text = gr.Textbox(
            label=mount.t("side.text"), lines=2, max_lines=6, max_length=4000, elem_id=mount.id("compare-text")
        )
        names = gr.CheckboxGroup([], label=mount.t("side.columns"), elem_id=mount.id("columns"))
        start, stop, status = ui.run_row(mount, "side.run")
        shown = gr.HTML("", elem_id=mount.id("compared"))
    choice = mount.choice(capability)

    def chosen(choice: str) -> tuple[Any, Any]:
        found = offered(choice)
        pairs = [(title, name) for name, title in found.items()]
        return gr.Accordion(visible=bool(found)), gr.CheckboxGroup(pairs, value=list(found)[:MAX_COLUMNS])

    choice.change(chosen, choice, [box, names], queue=False, show_progress="hidden", **PRIVATE)
    mount.run([start.click], ask, [text, names, *settings], [shown], start=start, stop=stop, status=status)
