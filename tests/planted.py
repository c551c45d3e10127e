"""Apps that fail on purpose, one for each phase. `python -m tests.planted` serves them beside real ones."""

import os
import sys

import gradio as gr

import app
from apps import AppSpec, Words, find, ui
from apps.hub import build_hub, launch_options
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


def planted(key: str, build: str) -> AppSpec:
    """A registry row for one of the apps of this module."""
    title = Words(f"坏应用{key}", f"Broken {key}")
    return AppSpec(key, title, Words("坏", "bad"), build, needs=("respond",), project="test")


BROKEN = (
    planted("noimport", "tests.no_such_module:build"),
    planted("nobuild", "tests.planted:build_fails"),
    planted("norun", "tests.planted:run_fails"),
)


def main() -> None:
    """Serves the broken apps and two real ones."""
    chosen = app.settings(sys.argv[1:], os.environ)
    app.prepare(chosen)
    built = build_hub((*BROKEN, *find("qa,summary")), home=chosen.home)
    built.demo.launch(server_port=chosen.port, quiet=True, **launch_options(built))


if __name__ == "__main__":
    from tests import planted as module  # not __main__: the registry names this module

    module.main()
