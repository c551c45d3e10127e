"""Apps that fail on purpose, one for each phase; tests mount them beside the real ones."""

import gradio as gr

from apps import ui
from apps.mount import Mount
from models.task import Task


def build_fails(mount: Mount) -> None:
    """Fails half-way, after it has made components and events."""
    box = gr.Textbox(label="half built")
    box.change(lambda text: text, box, box)
    mount.api(echo_api, "planted_echo")
    raise RuntimeError("planted <b>build</b> failure")


def echo_api(text: str) -> str:
    """Returns the text."""
    return text


def run_fails(mount: Mount) -> None:
    """Builds well and fails when its button is pressed."""
    start, stop, status = ui.run_row(mount, "hub.retry")
    output = gr.HTML("")

    def work(task: Task, lang: str) -> str:
        raise RuntimeError("planted run failure with /a/secret/path")

    mount.run([start.click], work, [], [output], start=start, stop=stop, status=status)
    mount.api(run_fails_api, "planted_run")


def run_fails_api(text: str, lang: str = "zh") -> str:
    """Always fails."""
    raise RuntimeError("planted run failure with /a/secret/path")
