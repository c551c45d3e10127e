"""How a model writes, as a folded panel of a tab: length, temperature and the rest; shown while a model is chosen.

Knows the visitor's choice and generation options; knows nothing of what is written.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gradio as gr

from apps.mount import PRIVATE, Mount
from models.engine import GenOptions
from models.errors import DoesNotFit

TIMEOUT_S = 900.0  # a text that takes longer ends where it is; the visitor may leave or stop at any time
MOST_TOKENS = 4096
FELL_BACK = "bar.fell_back"  # note of an answer that the embedded engine gave in a model's place

T = TypeVar("T")


def or_embedded(written: Iterator[T], embedded: Callable[[], Iterator[T]]) -> Iterator[T]:
    """What a model writes or, where neither it nor a smaller one fits into memory, what the embedded engine answers."""
    try:
        yield from written
    except DoesNotFit as error:
        if error.code != "does_not_fit":
            raise
        yield from embedded()


def settings(
    mount: Mount, capability: str, usual: GenOptions, *, system: bool = False
) -> list[gr.components.Component]:
    """Builds the panel; returns the inputs of a handler: the choice, a system text if asked for, then what `options`
    takes."""
    choice = mount.choice(capability)
    with gr.Accordion(
        mount.t("writing.settings"), open=False, visible=False, elem_id=mount.id("writing"), elem_classes="writing"
    ) as box:
        words = [_system(mount)] if system else []
        with gr.Row():
            tokens = gr.Slider(
                16,
                MOST_TOKENS,
                usual.max_new_tokens,
                step=16,
                label=mount.t("writing.tokens"),
                elem_id=mount.id("tokens"),
            )
            heat = gr.Slider(
                0, 2, usual.temperature, step=0.05, label=mount.t("writing.temperature"),
                info=mount.t("writing.temperature_info"), elem_id=mount.id("temperature"),
            )  # fmt: skip
        with gr.Row():
            nucleus = gr.Slider(
                0.05, 1, usual.top_p, step=0.05, label=mount.t("writing.top_p"), elem_id=mount.id("top-p")
            )
            penalty = gr.Slider(
                1, 2, usual.repetition_penalty, step=0.01, label=mount.t("writing.penalty"), elem_id=mount.id("penalty")
            )
            seed = gr.Number(
                None, precision=0, label=mount.t("writing.seed"), info=mount.t("writing.seed_info"),
                elem_id=mount.id("writing-seed"),
            )  # fmt: skip
    choice.change(lambda chosen: gr.Accordion(visible=bool(chosen)), choice, box, queue=False, **PRIVATE)
    return [choice, *words, tokens, heat, nucleus, penalty, seed]


def _system(mount: Mount) -> gr.Textbox:
    return gr.Textbox(
        label=mount.t("writing.system"), placeholder=mount.t("writing.system_hint"), lines=2, max_lines=6,
        max_length=2000, elem_id=mount.id("system"),
    )  # fmt: skip


def options(tokens: Any, heat: Any, nucleus: Any, penalty: Any, seed: Any) -> GenOptions:  # noqa: ANN401
    """What the panel says; a field that was cleared counts as off. Raises BadInput("bad_option")."""
    usual = GenOptions()
    return GenOptions(
        max_new_tokens=min(MOST_TOKENS, int(tokens or usual.max_new_tokens)),
        temperature=float(heat or 0),
        top_p=float(nucleus or 1),
        repetition_penalty=float(penalty or 1),
        seed=None if seed is None else abs(int(seed)) % 2**32,
        timeout_s=TIMEOUT_S,
    )
