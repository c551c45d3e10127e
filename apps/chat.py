"""骆驼说: talk about the Luotuo family and everyday things, by retrieval from questions and answers written for it.

Pure functions first, then the tab. Knows how a reply reaches the panel; what is replied is the engine's.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from apps import ui
from apps.given import turns
from apps.mount import Mount
from apps.panel import MAX_MESSAGE, ChatPanel, Turn
from models import engine_for
from models.assets import read
from models.engine import Message, Reply
from models.errors import BadInput
from models.task import Task

REVEAL_S = 0.02  # between two pieces of a retrieved answer, so that it can be read along and stopped


def respond(messages: Sequence[Message], lang: str, task: Task) -> Iterator[Turn]:
    """The growing answer to the last message. Raises BadInput, Cancelled."""
    for reply in engine_for("respond").respond(messages, task):
        yield Turn(reply)
        time.sleep(REVEAL_S)


def last(replies: Iterator[Reply]) -> Reply:
    """The finished reply of a growing one."""
    *_, reply = replies
    return reply


def chat_api(message: str, history: list[dict[str, str]] | None = None, lang: str = "zh") -> dict[str, Any]:
    """Answers a message by retrieval from the hub's own questions and answers.

    Args:
        message: what to answer
        history: earlier turns, each {"role": "user" or "assistant", "text": "…"}
        lang: language of error messages, zh or en

    Returns:
        text, confident (false when nothing close was found), origin, evidence.
    """
    if not message.strip():
        raise BadInput("empty_text")
    if len(message) > MAX_MESSAGE:
        raise BadInput("too_long", limit=MAX_MESSAGE)
    return asdict(last(engine_for("respond").respond(turns(history, message), Task())))


def build(mount: Mount) -> None:
    """The tab: one chat panel with examples in both languages."""
    ui.heading(mount)
    examples = json.loads(read("chat", "examples.json"))
    panel = ChatPanel(mount, examples=[*examples["zh"], *examples["en"]])
    count = len(read("chat", "knowledge.jsonl").splitlines())
    gr.HTML(f'<p class="note">{ui.both("chat.note", count=count)}</p>')
    panel.wire(respond)
    mount.receives("message", panel.box)
    mount.api(chat_api, "chat")
