"""The selection: which texts, what they are about, and where they may go from here."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from apps import ui
from apps.embedding import words
from apps.embedding.atlas import Atlas
from apps.embedding.desk import Desk
from apps.embedding.payload import rows_of_bits
from apps.embedding.tabs.chart import chosen
from apps.embedding.tabs.quick import quick
from apps.mount import Mount
from models.embedded.keyphrases import class_phrases

_HANDED = 20_000  # characters of a selection that another app is given
_PHRASES = 10
_HEAR = """element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button) trigger('act', { act: button.dataset.act, at: Number(button.dataset.at), ms: performance.now() });
});"""


@dataclass(frozen=True, slots=True)
class Selection:
    """The components of this part."""

    pane: gr.HTML
    text: gr.Textbox  # what other apps are given
    tools: gr.Row
    like: gr.Button
    unlike: gr.Button


def listening(mount: Mount, name: str, value: str = "") -> gr.HTML:
    """Markup whose buttons with `data-act` are heard as the event `act`."""
    return gr.HTML(value, js_on_load=_HEAR, elem_id=mount.id(name))


def shown(desk: Desk) -> tuple[Any, ...]:
    """(list, text to hand over, tools) of the desk's selection."""
    atlas, rows = desk.atlas, desk.chosen
    if atlas is None or not rows:
        return ui.empty("embedding.no_selection"), "", gr.Row(visible=False)
    texts = atlas.corpus.texts
    phrases: list[str] = []
    if len(rows) > 2:
        inside = set(rows)
        others = [texts[row] for row in range(len(texts)) if row not in inside]
        phrases = class_phrases([[texts[row] for row in rows], others], _PHRASES)[0]
    return words.selection(atlas, rows, phrases), "\n".join(texts[row] for row in rows)[:_HANDED], gr.Row(visible=True)


def heard(given: dict[str, Any], lang: str, desk: Desk) -> Any:  # noqa: ANN401
    """What was chosen on the map, or pressed in a list, becomes the selection. The map is told of the latter."""
    rows = _rows(given, desk.atlas) if desk.atlas else None
    if rows is None or not desk.choose(rows, given.get("ms")) or "bits" in given:
        return gr.skip()
    return chosen(desk)


def _rows(given: dict[str, Any], atlas: Atlas) -> tuple[int, ...] | None:
    """The rows that an event names: as bits from the map, from a list as a cluster or a single text."""
    n, at = len(atlas.corpus.texts), given.get("at")
    if "bits" in given:
        return rows_of_bits(given["bits"], n)
    if given.get("act") == "cluster" and isinstance(at, int):
        return tuple((atlas.labels == at).nonzero()[0].tolist())
    return (at,) if given.get("act") == "row" and isinstance(at, int) and 0 <= at < n else None


def selection(mount: Mount) -> Selection:
    """The components."""
    pane = listening(mount, "selection", ui.empty("embedding.no_selection"))
    text = gr.Textbox(visible=False)
    with gr.Row(visible=False, elem_classes="tools") as tools:
        summarise = gr.Button(mount.t("to_summary"), size="sm", min_width=130, elem_id=mount.id("to-summary"))
        ask = gr.Button(mount.t("to_qa"), size="sm", min_width=130, elem_id=mount.id("to-qa"))
        like = gr.Button(mount.t("like"), size="sm", min_width=130, elem_id=mount.id("like"))
        unlike = gr.Button(mount.t("unlike"), size="sm", min_width=130, elem_id=mount.id("unlike"))
    mount.sends(summarise, text, "summary", "text")
    mount.sends(ask, text, "qa", "passage")
    return Selection(pane, text, tools, like, unlike)


def wire(mount: Mount, made: Selection, desk: gr.State, chart: gr.HTML, lists: list[gr.HTML]) -> None:
    """The map and every list of texts or clusters drive the selection."""
    # Clicks come faster than lists are drawn: all are noted, then what holds last is shown.
    for clicks in (chart.pick, made.pane.act, *(pane.act for pane in lists)):
        noted = quick(mount, clicks, heard, [desk], [chart], hears=True)
        quick(mount, noted.then, lambda lang, desk: shown(desk), [desk], [made.pane, made.text, made.tools])
