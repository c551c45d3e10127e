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
from models.engine import Comparer, GenOptions, Message, Reply, Shift
from models.errors import BadInput
from models.task import Task

MAX_COLUMNS = 4
BASE = ""  # the name of the base among the columns
FULL_KL = 2.0  # nats at which a token is shaded fully


def ask(
    task: Task, lang: str, text: str, names: Sequence[str], where: bool, choice: str, system: str,
    *settings: float | None,
) -> Iterator[str]:  # fmt: skip
    """The growing columns as markup; at the end, if wanted, with the places where each adapter speaks for itself.
    Raises BadInput, and as `models.columns` does."""
    if not 1 <= len(names) <= MAX_COLUMNS:
        raise BadInput("columns", limit=MAX_COLUMNS)
    if not (text or "").strip():
        raise BadInput("empty_text")
    turns = [Message("user", text.strip())]
    turns = [Message("system", system.strip()), *turns] if (system or "").strip() else turns
    with models.columns(choice, [name for name in offered(choice) if name in names], task) as held:
        options = writing.options(*settings)
        for replies in prompted.compare(held, turns, options, task):
            yield columns(replies)
        if where:
            task.step(0.5, "side.reading")
            marked = [moved(held, column, turns, options, reply, task) for column, reply in enumerate(replies)]
            yield columns(replies, marked)


def moved(held: Comparer, column: int, turns: Sequence[Message], options: GenOptions, reply: Reply, task: Task) -> str:
    """An answer with every token shaded by how far the adapter moved the base's mind there; "" for the base."""
    shifts = held.shifts(column, turns, options, reply.text, task=task) if reply.text else ()
    return "".join(shaded(shift) for shift in shifts)


def shaded(shift: Shift) -> str:
    """One token; its figures show on hover."""
    told = escape(f"KL {shift.kl:.2f} nats · Δ log p {shift.gain:+.2f}")
    depth = min(1.0, shift.kl / FULL_KL)
    return f'<mark class="camel" style="--k:{depth:.2f}" title="{told}">{escape(shift.text)}</mark>'


def columns(replies: Sequence[Reply], marked: Sequence[str] = ()) -> str:
    """All columns, each with who answers in it and why it ended; `marked` has markup of texts that are not plain."""
    pairs = zip(marked or [""] * len(replies), replies, strict=True)
    texts = [mark or escape(reply.text) or "……" for mark, reply in pairs]
    cells = "".join(
        f'<section class="result">{ui.badge(reply.origin)}<div class="said">{text}</div>{ui.note(reply.note)}</section>'
        for text, reply in zip(texts, replies, strict=True)
    )
    legend = f'<p class="note">{ui.both("side.legend")}</p>' if any(marked) else ""
    return f'<div class="columns">{cells}</div>{legend}'


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
        where = gr.Checkbox(False, label=mount.t("side.where"), elem_id=mount.id("where-adapter"))
        start, stop, status = ui.run_row(mount, "side.run")
        shown = gr.HTML("", elem_id=mount.id("compared"))
    choice = mount.choice(capability)

    def chosen(choice: str) -> tuple[Any, Any]:
        found = offered(choice)
        pairs = [(title, name) for name, title in found.items()]
        return gr.Accordion(visible=bool(found)), gr.CheckboxGroup(pairs, value=list(found)[:MAX_COLUMNS])

    choice.change(chosen, choice, [box, names], queue=False, show_progress="hidden", **PRIVATE)
    mount.run([start.click], ask, [text, names, where, *settings], [shown], start=start, stop=stop, status=status)
