"""The widgets that all tabs share: origin badge, evidence list, marked text, run buttons, notes, examples.

Everything that builds markup escapes what it is given: a visitor's text or a model's answer never becomes HTML.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from apps import modelbar
from apps.bilingual import both, both_words
from apps.mount import PRIVATE, Mount
from models.spec import Evidence, Origin


def badge(origin: Origin) -> str:
    """Who made an output and how, as a small chip with an explanation on hover."""
    who = both("hub.embedded") if origin.engine == "embedded" else escape(origin.model)
    who += f" + {escape(origin.adapter)}" if origin.adapter else ""
    print_ = f" · {escape(origin.fingerprint)}" if origin.fingerprint else ""
    return f'<span class="badge {origin.how}">{both(f"hub.how.{origin.how}")} · {who}{print_}</span>'


def evidence_list(evidence: Iterable[Evidence], *, title: str = "hub.evidence", limit: int = 8) -> str:
    """The pieces an output rests on, best first, with scores and sources."""
    rows = "".join(
        f"<li><span class='score'>{piece.score:.2f}</span>"
        f"<span>{f'<b>{escape(piece.source)}</b> ' if piece.source else ''}{escape(piece.text)}</span></li>"
        for piece in list(evidence)[:limit]
    )
    return f'<h3 class="small">{both(title)}</h3><ol class="evidence">{rows}</ol>' if rows else ""


def marked(text: str, spans: Sequence[tuple[int, int, str]], *, limit: int = 200_000) -> str:
    """A text with stretches marked: (start, end, css class), offsets in characters. Long texts show only the
    neighbourhood of the marks, so that a whole novel does not travel to the page.
    """
    spans = sorted((max(0, start), min(len(text), end), kind) for start, end, kind in spans if start < end)
    parts, at = [], 0
    for start, end, kind in spans:
        if start < at:  # overlapping marks: the first one wins
            continue
        parts.append(_between(text, at, start, whole=len(text) <= limit))
        parts.append(f'<mark class="{kind}">{escape(text[start:end])}</mark>')
        at = end
    parts.append(_between(text, at, len(text), whole=len(text) <= limit))
    return f'<div class="passage" tabindex="0">{"".join(parts)}</div>'


def _between(text: str, start: int, end: int, *, whole: bool, around: int = 120) -> str:
    if whole or end - start <= 2 * around:
        return escape(text[start:end])
    return f"{escape(text[start : start + around])}<span class='gap'> …… </span>{escape(text[end - around : end])}"


def note(key: str) -> str:
    """What the visitor should know of an output, under it; nothing for no key."""
    return f'<p class="note">{both(key)}</p>' if key else ""


def empty(key: str) -> str:
    """What an output pane says before there is anything in it."""
    return f'<p class="empty">{both(key)}</p>'


def run_row(mount: Mount, key: str = "run") -> tuple[gr.Button, gr.Button, gr.HTML]:
    """Start button, stop button (only while working), status line."""
    with gr.Row(elem_classes="run-row"):
        start = gr.Button(mount.t(key), variant="primary", elem_id=mount.id("run"), scale=2)
        stop = gr.Button(mount.t("hub.stop"), variant="stop", visible=False, elem_id=mount.id("stop"), scale=1)
    return start, stop, gr.HTML("", elem_id=mount.id("status"))


def heading(mount: Mount, bars: Sequence[str] = ()) -> None:
    """The tab's own title and promise, and the bar that says who answers; for all its capabilities or for `bars`."""
    title, tagline = mount.spec.title, mount.spec.tagline
    gr.HTML(
        f'<div class="app-head"><h2>{both_words(title.zh, title.en)}</h2>'
        f"<p>{both_words(tagline.zh, tagline.en)}</p></div>"
    )
    modelbar.build(mount, bars)


def examples(mount: Mount, named: Mapping[str, Sequence[Any]], inputs: Sequence[gr.components.Component]) -> gr.Dataset:
    """Examples to click, by name. Their contents stay on the server until then: they would double the first HTML."""
    rows = list(named.values())
    picks = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[name] for name in named],
        label=mount.t("hub.examples"),
        type="index",
        elem_id=mount.id("examples"),
    )
    picks.click(
        lambda at: rows[at] if len(inputs) > 1 else rows[at][0],
        picks,
        list(inputs),
        queue=False,
        show_progress="hidden",
        **PRIVATE,
    )
    return picks


def data_uri(svg: str) -> str:
    """An SVG as an image address; scripts inside never run there, and no request is made."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def upload_button(mount: Mount, key: str, kinds: list[str]) -> gr.UploadButton:
    """A button that takes one file of the given suffixes."""
    return gr.UploadButton(mount.t(key), file_types=kinds, file_count="single", size="sm", elem_id=mount.id("upload"))
