"""骆驼说: talk about the Luotuo family and everyday things, by retrieval from questions and answers written for it, or
freely with the model that the visitor chose.

Pure functions first, then the tab. Knows how a reply reaches the panel; what is replied is the engine's.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import gradio as gr

import models
from apps import side_by_side, ui, writing
from apps.given import turns
from apps.mount import Mount
from apps.panel import MAX_MESSAGE, ChatPanel, Turn
from apps.saw import saw
from models import engine_for, prompted
from models.assets import read
from models.engine import GenOptions, Message, Reply
from models.errors import BadInput
from models.strings import say
from models.task import Task

REVEAL_S = 0.02  # between two pieces of a retrieved answer, so that it can be read along and stopped
USUAL = GenOptions(max_new_tokens=512, temperature=0.7, top_p=0.9, repetition_penalty=1.05)


def respond(
    messages: Sequence[Message], lang: str, task: Task, choice: str = "", system: str = "", *settings: float | None
) -> Iterator[Turn]:
    """The growing answer to the last message, with what the model saw at its end. Raises as `models.voice` does,
    BadInput, Cancelled."""
    if not choice:
        return retrieved(messages, task)
    answer = written(messages, task, choice, system or "", writing.options(*settings))
    return writing.or_embedded(answer, lambda: retrieved(messages, task, writing.FELL_BACK))


def retrieved(messages: Sequence[Message], task: Task, note: str = "") -> Iterator[Turn]:
    """The growing answer of the embedded engine."""
    for reply in engine_for("respond").respond(messages, task):
        yield Turn(replace(reply, note=note), ("",))
        time.sleep(REVEAL_S)


def written(messages: Sequence[Message], task: Task, choice: str, system: str, options: GenOptions) -> Iterator[Turn]:
    """The growing answer of the chosen model. `system` is "" for the hub's own words."""
    with models.voice(choice, task) as held:
        voice = prompted.Watched(held)
        for reply in prompted.respond(voice, messages, options, task, system=system.strip() or None):
            yield Turn(reply)
        yield Turn(reply, (saw(voice),))


def last(replies: Iterator[Reply]) -> Reply:
    """The finished reply of a growing one."""
    *_, reply = replies
    return reply


def chat_api(
    message: str, history: list[dict[str, str]] | None = None, lang: str = "zh", model: str = ""
) -> dict[str, Any]:
    """Answers a message by retrieval from the hub's own questions and answers, or with a model.

    Args:
        message: what to answer
        history: earlier turns, each {"role": "user" or "assistant", "text": "…"}
        lang: language of error messages and notes, zh or en
        model: a model of the hub, "qwen3-4b" or "llama-7b+luotuo-lora-7b-0.3"; empty for the embedded engine

    Returns:
        text, confident (false when nothing close was found), origin, evidence, note (why a text ended early).
    """
    if not message.strip():
        raise BadInput("empty_text")
    if len(message) > MAX_MESSAGE:
        raise BadInput("too_long", limit=MAX_MESSAGE)
    said, task = turns(history, message), Task()
    if model:
        *_, turn = written(said, task, model, "", USUAL)
        reply = turn.reply
    else:
        reply = last(engine_for("respond").respond(said, task))
    return {**asdict(reply), "note": say(reply.note, lang) if reply.note else ""}


def build(mount: Mount) -> None:
    """The tab: one chat panel with examples in both languages; with a model its settings, its prompt, its columns."""
    ui.heading(mount)
    examples = json.loads(read("chat", "examples.json"))
    panel = ChatPanel(mount, examples=[*examples["zh"], *examples["en"]])
    settings = writing.settings(mount, "respond", USUAL, system=True)
    seen = gr.HTML("", elem_id=mount.id("saw"))
    side_by_side.build(mount, "respond", settings)
    count = len(read("chat", "knowledge.jsonl").splitlines())
    gr.HTML(f'<p class="note">{ui.both("chat.note", count=count)}</p>')
    panel.wire(respond, settings, [seen])
    mount.receives("message", panel.box)
    mount.api(chat_api, "chat")
