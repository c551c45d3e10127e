"""Apps that fail on purpose, one for each phase, and apps that never finish by themselves.

`python -m tests.planted` serves them beside real ones.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import gradio as gr

import app
from apps import AppSpec, Words, find, ui
from apps.hub import build_hub, launch_options
from apps.mount import Mount
from apps.panel import ChatPanel, Turn
from models.engine import Message, Reply
from models.spec import Origin
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


def build_endless(mount: Mount) -> None:
    """Works until it is stopped, without any progress to show, and leaves a mark every few milliseconds."""
    name = gr.Textbox("", elem_id=mount.id("name"))
    start, stop, status = ui.run_row(mount, "hub.retry")
    output = gr.HTML("")

    def work(task: Task, lang: str, name: str) -> str:
        for _ in marking(mount.home / f"{name}.marks"):
            task.check()
        return "nobody stopped it"

    mount.run([start.click], work, [name], [output], start=start, stop=stop, status=status)


def build_talkative(mount: Mount) -> None:
    """A chat whose answer never ends; the last message names the file of its marks."""

    def respond(messages: Sequence[Message], lang: str, task: Task) -> Iterator[Turn]:
        for count in marking(mount.home / f"{messages[-1].text}.marks"):
            task.check()
            yield Turn(Reply(f"{messages[-1].text} {count}", Origin("rule")))

    ChatPanel(mount, examples=["x"]).wire(respond)


def marking(path: Path) -> Iterator[int]:
    """Counts for at most a minute, appending to the file each time."""
    for count in range(3000):
        with path.open("a") as marks:
            marks.write(".")
        yield count
        time.sleep(0.02)


def planted(key: str, build: str) -> AppSpec:
    """A registry row for one of the apps of this module."""
    title = Words(f"坏应用{key}", f"Broken {key}")
    return AppSpec(key, title, Words("坏", "bad"), build, needs=("respond",), project="test")


BROKEN = (
    planted("noimport", "tests.no_such_module:build"),
    planted("nobuild", "tests.planted:build_fails"),
    planted("norun", "tests.planted:run_fails"),
)
ENDLESS = (planted("endless", "tests.planted:build_endless"), planted("chat", "tests.planted:build_talkative"))


def main() -> None:
    """Serves the planted apps and two real ones."""
    chosen = app.settings(sys.argv[1:], os.environ)
    app.prepare(chosen)
    built = build_hub((*BROKEN, *ENDLESS, *find("qa,summary")), home=chosen.home)
    built.demo.launch(server_port=chosen.port, quiet=True, **launch_options(built))


if __name__ == "__main__":
    from tests import planted as module  # not __main__: the registry names this module

    module.main()
