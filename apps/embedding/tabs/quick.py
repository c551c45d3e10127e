"""Short handlers: what answers within moments needs no progress and no stop, only errors told as toasts."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from apps.given import scrubbed
from apps.mount import PRIVATE, Mount
from apps.work import toast

Trigger = Callable[..., Any]


def quick(
    mount: Mount,
    trigger: Trigger,
    function: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    *,
    hears: bool = False,
    **options: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401  fmt: skip
    """Wires `function(lang, *inputs)`, with `hears` `function(event, lang, *inputs)`, to a trigger. Of calls that come
    while one runs only the last is answered; with `hears` all are, because Gradio's `always_last` would run the last
    one with the event of the first.
    """
    handler = _hearing(function, len(outputs)) if hears else _plain(function, len(outputs))
    mode = "multiple" if hears else "always_last"
    settings = {"show_progress": "hidden", "trigger_mode": mode, "concurrency_limit": 8, **PRIVATE, **options}
    return trigger(handler, [mount.lang, *inputs], list(outputs), concurrency_id=f"{mount.spec.key}-quick", **settings)


def _plain(function: Callable[..., Any], outputs: int) -> Callable[..., Any]:
    def handler(lang: str, *values: Any) -> Any:  # noqa: ANN401
        return _told(lambda: function(lang, *values), lang, outputs)

    return handler


def _hearing(function: Callable[..., Any], outputs: int) -> Callable[..., Any]:
    def handler(event: gr.EventData, lang: str, *values: Any) -> Any:  # noqa: ANN401
        given = scrubbed(event._data) if isinstance(event._data, dict) else {}
        return _told(lambda: function(given, lang, *values), lang, outputs)

    return handler


def _told(call: Callable[[], Any], lang: str, outputs: int) -> Any:  # noqa: ANN401
    try:
        return call()
    except Exception as error:
        toast(error, lang)
        return gr.skip() if outputs == 1 else (gr.skip(),) * outputs
