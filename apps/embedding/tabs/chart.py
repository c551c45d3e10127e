"""The map as a component: a gr.HTML whose script and points come when the first map is drawn.

Knows assets/embedding/bridge.js; what the visitor does there arrives as the events `pick` and `peek`.
"""

from itertools import count
from typing import Any

import gradio as gr

from apps.embedding.desk import Desk, colouring_name
from apps.embedding.payload import bits, points, tip
from apps.embedding.tabs.quick import quick
from apps.mount import Mount

_WAKE = """const wake = () => {
  if (!props.value || element.woken) return;
  element.woken = true;
  import(new URL('ADDRESS/bridge.js', document.baseURI).href).then((part) =>
    part.mount(element, trigger, props, watch, ['pick', 'peek']));
};
watch('value', wake);
wake();"""

_turns = count()  # tells a selection that the hub sets from the one before, which the visitor may have changed since


def chart(mount: Mount, name: str, desk: gr.State, *, group: str = "") -> gr.HTML:
    """A map, hidden until it has points; maps of one `group` share their selection."""
    made = gr.HTML(
        value=None, html_template=f'<div class="luotuo-map" data-group="{group}"></div>', apply_default_css=False,
        js_on_load=_WAKE.replace("ADDRESS", mount.serves("embedding")), visible=False, elem_id=mount.id(name),
        colour=None, lit=None, chosen=None, tip=None,
    )  # fmt: skip
    quick(mount, made.peek, _peek, [desk], [made], hears=True, queue=False)
    return made


def _peek(given: dict[str, Any], lang: str, desk: Desk) -> Any:  # noqa: ANN401
    return gr.HTML(tip=tip(desk.atlas, given.get("row"), lang)) if desk.atlas else gr.skip()


def drawn(desk: Desk, colour: str, lang: str, lit: list[int]) -> Any:  # noqa: ANN401
    """The whole map anew: points, colours, the hits that are lit, the selection."""
    assert desk.atlas is not None
    return gr.HTML(
        value=points(desk.atlas, lang), colour=desk.colouring(colour, lang), lit=lit, chosen=_chosen(desk),
        visible=True,
    )  # fmt: skip


def recoloured(desk: Desk, colour: str, lang: str) -> Any:  # noqa: ANN401
    """The map in other colours."""
    return gr.HTML(colour=desk.colouring(colour, lang)) if desk.atlas else gr.skip()


def chosen(desk: Desk) -> Any:  # noqa: ANN401
    """The map with the desk's selection."""
    return gr.HTML(chosen=_chosen(desk))


def _chosen(desk: Desk) -> dict[str, Any]:
    assert desk.atlas is not None
    return {"bits": bits(desk.chosen, len(desk.atlas.corpus.texts)) if desk.chosen else "", "turn": next(_turns)}


def menu(desk: Desk, lang: str, value: str) -> Any:  # noqa: ANN401
    """The menu of colourings that there are by now."""
    keys = desk.colourings()
    return gr.Dropdown([(colouring_name(key, lang), key) for key in keys], value=value if value in keys else keys[0])
