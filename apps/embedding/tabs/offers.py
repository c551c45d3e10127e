"""A menu of the models that could do something now, filled when the visitor comes to it."""

from typing import Any

import gradio as gr

from models.standing import options
from models.strings import say


def offered(capability: str, lang: str, choice: str | None, nobody: str) -> Any:  # noqa: ANN401
    """The menu: `nobody` (a key of words) for no model, then the models that serve the capability."""
    choices = [(say(nobody, lang), ""), *((option.title, option.choice) for option in options(capability))]
    return gr.Dropdown(choices, value=choice if choice in dict(choices).values() else "")
