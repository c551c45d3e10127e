"""驼铃摘要: a long text made short by choosing its own sentences, or by a model in its own words; the sentences that it
rests on are marked in the text.

Pure functions first, then the tab. Knows lengths, files and how a summary is shown; the choosing or the writing is the
engine's.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import Any, Literal

import gradio as gr

import models
from apps import ui, writing
from apps.mount import PRIVATE, Mount
from apps.saw import saw
from models import engine_for, prompted
from models.assets import read
from models.documents import read_text
from models.engine import GenOptions, Summary, SummaryOptions
from models.errors import BadInput
from models.strings import say
from models.task import Task

SHOWN = 20_000  # characters of an uploaded file that the box shows; the rest stays on the server for this visitor
USUAL = GenOptions(max_new_tokens=512, temperature=0.0, repetition_penalty=1.05)

Unit = Literal["sentences", "characters"]


def summarize(text: str, options: SummaryOptions, task: Task) -> Summary:
    """The engine's summary. Raises BadInput, Cancelled."""
    return engine_for("summarize").summarize(text, options, task)


def card(text: str, made: Summary) -> str:
    """Headline, summary, how much shorter, key phrases, origin."""
    percent = round(100 * len(made.text) / max(1, len(text)), 1)
    phrases = "".join(
        f'<li style="--w:{weight:.2f}">{escape(phrase)}</li>' for phrase, weight in made.phrases if phrase.strip()
    )
    body = "".join(f"<p>{escape(line)}</p>" for line in made.text.split("\n") if line.strip()) or "<p>……</p>"
    who = ui.badge(made.origin)
    aside = f"{ui.both('summary.aside')} {ui.badge(made.aside)}" if made.aside else ""
    return (
        f'<section class="result"><p class="answer">{escape(made.headline)}</p>'
        f'<div class="short">{body}</div>{who if aside else ""}{ui.note(made.note)}'
        f'<p class="note">{ui.both("summary.ratio", before=len(text), after=len(made.text), percent=percent)}</p>'
        f'<h3 class="small">{ui.both("summary.phrases")}</h3><ul class="phrases">{phrases}</ul>'
        f"{f'<p class=note>{aside}</p>' if aside else who}</section>"
    )


def shown(text: str, made: Summary) -> str:
    """The text with the chosen sentences marked; of a long text only the neighbourhood of the marks."""
    spans = [(piece.start, piece.end, "sentence") for piece in made.evidence if piece.start >= 0]
    title = ui.both("summary.support", count=len(spans)) if made.aside else ui.both("summary.in_text")
    return f'<h3 class="small">{title}</h3>{ui.marked(text, spans)}'


def whole(text: str, file: tuple[str, str] | None) -> str:
    """What is to be summarised: the uploaded file while the box still shows its beginning, else the box."""
    return file[1] if file and file[0] == (text or "") else text or ""


def run(
    task: Task, lang: str, text: str, file: tuple[str, str] | None, unit: Unit, size: int, budget: int, style: str
) -> tuple[str, str, str]:
    """One visitor's summary: the card, the marked text, and the plain summary for handing over."""
    task.step(0.0, "summary.step.read")
    full = whole(text, file)
    made = summarize(full, wanted(unit, size, budget, style), task)
    return card(full, made), shown(full, made), made.text


def wanted(unit: Unit, size: int, budget: int, style: str) -> SummaryOptions:
    """The length that the controls ask for."""
    return SummaryOptions(size=int(size if unit == "sentences" else budget), unit=unit, style=style)  # type: ignore[arg-type]


def work(
    task: Task,
    lang: str,
    text: str,
    file: tuple[str, str] | None,
    unit: Unit,
    size: int,
    budget: int,
    style: str,
    choice: str,
    *settings: float | None,
) -> tuple[str, ...] | Iterator[tuple[Any, ...]]:
    """What the tab shows: card, marked text, plain summary, what the model saw; growing with a model."""
    length = wanted(unit, size, budget, style)
    if not choice:
        return (*run(task, lang, text, file, unit, size, budget, style), "")
    model = written(task, whole(text, file), length, choice, writing.options(*settings))
    return writing.or_embedded(model, lambda: iter([fallen(task, whole(text, file), length)]))


def fallen(task: Task, text: str, length: SummaryOptions) -> tuple[str, ...]:
    """The embedded engine's summary in the place of a model that does not fit."""
    made = replace(summarize(text, length, task), note=writing.FELL_BACK)
    return card(text, made), shown(text, made), made.text, ""


def written(task: Task, text: str, size: SummaryOptions, choice: str, options: GenOptions) -> Iterator[tuple[Any, ...]]:
    """The chosen model's growing summary; at its end the sentences of the text that speak for it."""
    with models.voice(choice, task) as held:
        voice = prompted.Watched(held)
        for made in prompted.summarize(voice, text, size, options, task):
            yield card(text, made), gr.skip(), made.text, gr.skip()
        yield card(text, made), shown(text, made), made.text, saw(voice)


def upload(task: Task, lang: str, path: str) -> tuple[str, tuple[str, str] | None, str]:
    """The text for the box, the whole file for this visitor's session when it is longer, and a line about it."""
    text = read_text(Path(path), task)
    if not text.strip():
        raise BadInput("file_empty", name=Path(path).name)
    box, long = text[:SHOWN], len(text) > SHOWN
    key = "summary.long_file" if long else "summary.loaded"
    note = ui.both(key, count=len(text), name=Path(path).name[:40])
    return box, (box, text) if long else None, f'<p class="status" role="status">{note}</p>'


def summary_api(
    text: str, size: int = 3, unit: Unit = "sentences", style: str = "auto", lang: str = "zh", model: str = ""
) -> dict[str, Any]:
    """Shortens a text by choosing its own sentences, or with a model.

    Args:
        text: the text
        size: at most so many sentences or characters
        unit: sentences or characters
        style: auto, article or dialogue
        lang: language of error messages and notes, zh or en
        model: a model of the hub that writes the summary, such as "qwen3-4b"; empty for the embedded engine

    Returns:
        text, headline, phrases (phrase and weight), origin, evidence (sentences with character offsets), aside (who
        made headline and phrases, if not the model of origin), note (why a text ended early).
    """
    if unit not in ("sentences", "characters") or style not in ("auto", "article", "dialogue") or size < 1:
        raise BadInput("bad_option")
    asked, task = SummaryOptions(size=int(size), unit=unit, style=style), Task()  # type: ignore[arg-type]
    if model:
        with models.voice(model, task) as voice:
            *_, made = prompted.summarize(voice, text, asked, USUAL, task)
    else:
        made = summarize(text, asked, task)
    return {**asdict(made), "note": say(made.note, lang) if made.note else ""}


def build(mount: Mount) -> None:
    """The tab: text and length left, summary and marked text right."""
    ui.heading(mount)
    file = gr.State(None)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1):
            text = gr.Textbox(
                label=mount.t("text"), placeholder=mount.t("text_hint"), lines=12, max_lines=20,
                elem_id=mount.id("text"),
            )  # fmt: skip
            pick = ui.upload_button(mount, "upload", [".txt", ".md", ".docx", ".pdf"])
            unit, size, budget, style = _lengths(mount)
            settings = writing.settings(mount, "summarize", USUAL)
            start, stop, status = ui.run_row(mount)
        with gr.Column(scale=1):
            result = gr.HTML(ui.empty("summary.empty"), elem_id=mount.id("result"))
            where = gr.HTML("", elem_id=mount.id("where"))
            seen = gr.HTML("", elem_id=mount.id("saw"))
            plain = gr.Textbox(visible=False)
            send = gr.Button(mount.t("to_qa"), size="sm", elem_id=mount.id("to-qa"))
    named = json.loads(read("examples", "summary.json"))
    ui.examples(mount, {name: [sample] for name, sample in named.items()}, [text])
    buttons = {"start": start, "stop": stop, "status": status}
    given = [text, file, unit, size, budget, style, *settings]
    mount.run([start.click], work, given, [result, where, plain, seen], **buttons)
    mount.run([pick.upload], upload, [pick], [text, file, result], **buttons)
    mount.keep("text", text)
    mount.receives("text", text)
    mount.sends(send, text, "qa", "passage")
    mount.api(summary_api, "summarize")


def _lengths(mount: Mount) -> tuple[gr.Radio, gr.Slider, gr.Slider, gr.Radio]:
    """The controls of length and kind; only the slider of the chosen unit shows."""
    units = [(mount.t(f"unit.{name}"), name) for name in ("sentences", "characters")]
    styles = [(mount.t(f"style.{name}"), name) for name in ("auto", "article", "dialogue")]
    unit = gr.Radio(units, value="sentences", label=mount.t("unit"), elem_id=mount.id("unit"))
    size = gr.Slider(1, 30, 3, step=1, label=mount.t("size"), elem_id=mount.id("size"))
    budget = gr.Slider(30, 2000, 150, step=10, label=mount.t("budget"), visible=False, elem_id=mount.id("budget"))
    style = gr.Radio(styles, value="auto", label=mount.t("style"), elem_id=mount.id("style"))
    unit.change(
        lambda name: (gr.Slider(visible=name == "sentences"), gr.Slider(visible=name == "characters")),
        unit, [size, budget], queue=False, show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    return unit, size, budget, style
