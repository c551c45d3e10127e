"""骆驼QA: a passage, a question, the answer marked in the text, with its confidence; with a model also the question in
other words, as the original Luotuo-QA put it, and the original's further columns.

Pure functions first, then the tab. Knows how answers are shown; the reading itself is the engine's.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

import models
from apps import ui, writing
from apps.mount import Mount
from apps.saw import saw
from models import engine_for, prompted
from models.assets import read
from models.documents import read_text
from models.engine import Answer, GenOptions, Voice
from models.strings import say
from models.task import Task

USUAL = GenOptions(max_new_tokens=256, temperature=0.0)
Columns = list[tuple[str, Answer]]  # i18n key of the title, answer


def answer(passage: str, question: str, task: Task) -> Answer:
    """The engine's answer. Raises BadInput for an empty passage or question."""
    return engine_for("answer").answer(passage, question, task)


def card(found: Answer, title: str = "", *, done: bool = True) -> str:
    """The question in other words, the answer and what is known of it, or the sentence that the passage has none."""
    said = (
        f'<p class="answer">{escape(found.text)}</p>'
        if found.text
        else f'<p class="answer none">{ui.both("qa.not_found") if done else "……"}</p>'
    )
    head = f'<h3 class="small">{ui.both(title)}</h3>' if title else ""
    rewritten = (
        f'<p class="rewritten"><b>{ui.both("qa.rewritten")}</b> {escape(found.rewritten)}</p>'
        if found.rewritten
        else ""
    )
    completed = f'<p class="completed">{escape(found.completed)}</p>' if found.completed else ""
    foot = f"{_meter(found.confidence)}{ui.note(found.note)}{ui.badge(found.origin)}"
    return f'<div class="result">{head}{rewritten}{said}{completed}{foot}</div>'


def _meter(confidence: float | None) -> str:
    """How sure the reader is; a model that writes cannot tell."""
    if confidence is None:
        return ""
    percent = round(confidence * 100)
    return (
        f'<div class="meter"><progress max="100" value="{percent}" aria-label="{percent}%"></progress>'
        f"<span>{ui.both('qa.confidence', percent=percent)}</span></div>"
    )


def shown(passage: str, found: Answer) -> str:
    """The passage with the sentence and the span marked, or the closest sentences when there is no answer."""
    best = [piece for piece in found.evidence if piece.start >= 0]
    if not found.text:
        return ui.evidence_list(best[:3], title="qa.closest")
    head = f'<h3 class="small">{ui.both("qa.in_passage")}</h3>'
    spans = [(found.start, found.end, "answer")]
    holder = next((piece for piece in best if piece.start <= found.start and found.end <= piece.end), None)
    if holder:
        spans = [(holder.start, found.start, "sentence"), *spans, (found.end, holder.end, "sentence")]
    return head + ui.marked(passage, spans)


def ask(task: Task, lang: str, passage: str, question: str) -> tuple[str, str]:
    """One visitor's question: the answer card and the marked passage."""
    task.step(0.1, "qa.reading")
    found = answer(passage or "", question or "", task)
    return card(found), shown(passage, found)


def work(
    task: Task,
    lang: str,
    passage: str,
    question: str,
    further: bool,
    choice: str,
    *settings: float | None,
) -> tuple[str, ...] | Iterator[tuple[Any, ...]]:
    """What the tab shows: answer, marked passage, further columns, what the model saw; growing with a model."""
    if not choice:
        return (*ask(task, lang, passage, question), "", "")
    passage, question = passage or "", question or ""
    model = written(task, passage, question, further, choice, writing.options(*settings))
    return writing.or_embedded(model, lambda: iter([fallen(task, passage, question)]))


def fallen(task: Task, passage: str, question: str) -> tuple[str, ...]:
    """The embedded reader's answer in the place of a model that does not fit."""
    found = replace(answer(passage, question, task), note=writing.FELL_BACK)
    return card(found), shown(passage, found), "", ""


def written(
    task: Task, passage: str, question: str, further: bool, choice: str, options: GenOptions
) -> Iterator[tuple[Any, ...]]:
    """The chosen model's answer beside the embedded reader's, then the original's further columns if wanted."""
    with models.voice(choice, task) as held:
        voice = prompted.Watched(held)
        asked = prompted.prepare(voice, passage, question, options, task)
        for made in prompted.answer(voice, asked, options, task):
            yield beside(made, asked.found, done=False), gr.skip(), "", ""
        pane, marks, seen = beside(made, asked.found), shown(passage, made), saw(voice)
        yield pane, marks, "", seen
        columns: Columns = []
        for columns in rewriting(voice, asked, made, options, task) if further else ():
            yield pane, marks, grid(columns), seen
    base, _, adapter = choice.partition("+")
    if further and adapter:
        with models.voice(base, task) as held:
            for found in prompted.direct(held, asked, options, task):
                yield pane, marks, grid([*columns, ("qa.column.base", found)]), seen


def rewriting(
    voice: Voice, asked: prompted.Question, first: Answer, options: GenOptions, task: Task
) -> Iterator[Columns]:
    """The original's columns as they grow: answered directly, first pass, and the rewritten question asked again."""
    columns: Columns = [("qa.column.direct", first), ("qa.column.first", first)]
    for found in prompted.direct(voice, asked, options, task):
        columns[0] = ("qa.column.direct", found)
        yield columns
    if first.rewritten:
        again = replace(asked, question=first.rewritten)
        for found in prompted.answer(voice, again, options, task):
            yield [*columns, ("qa.column.second", found)]


def beside(made: Answer, found: Answer, *, done: bool = True) -> str:
    """The model's answer and the embedded reader's, each with its badge."""
    return card(made, "qa.by_model", done=done) + card(found, "qa.by_reader")


def grid(columns: Columns) -> str:
    """Answers side by side under their titles."""
    return f'<div class="columns">{"".join(card(found, title) for title, found in columns)}</div>'


def answer_api(passage: str, question: str, lang: str = "zh", model: str = "") -> dict[str, Any]:
    """Finds the answer to a question in a passage.

    Args:
        passage: the text to read
        question: the question about it
        lang: language of error messages and notes, zh or en
        model: a model of the hub that writes the answer, such as "qwen3-4b"; empty for the embedded engine

    Returns:
        text, start, end (character offsets, -1 where the answer is not in there word for word), confidence (0–1, null
        from a model), completed, rewritten (the question in other words), origin, evidence, note; text is empty when
        the passage does not hold the answer.
    """
    task = Task()
    if model:
        with models.voice(model, task) as voice:
            *_, found = prompted.answer(voice, prompted.prepare(voice, passage, question, USUAL, task), USUAL, task)
    else:
        found = answer(passage, question, task)
    return {**asdict(found), "found": bool(found.text), "note": say(found.note, lang) if found.note else ""}


def upload(task: Task, lang: str, path: str) -> tuple[str, str]:
    """The text of an uploaded file, and a line that says how much it is."""
    text = read_text(Path(path), task)
    return text, f'<p class="status" role="status">{ui.both("qa.loaded", count=len(text))}</p>'


def build(mount: Mount) -> None:
    """The tab: passage and question left, answer and marked passage right."""
    ui.heading(mount)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1):
            passage = gr.Textbox(
                label=mount.t("passage"), placeholder=mount.t("passage_hint"), lines=10, max_lines=18,
                elem_id=mount.id("passage"),
            )  # fmt: skip
            file = ui.upload_button(mount, "upload", [".txt", ".md", ".docx", ".pdf"])
            question = gr.Textbox(
                label=mount.t("question"), placeholder=mount.t("question_hint"), lines=1, max_lines=3,
                elem_id=mount.id("question"),
            )  # fmt: skip
            settings = writing.settings(mount, "answer", USUAL)
            start, stop, status = ui.run_row(mount)
        with gr.Column(scale=1):
            result = gr.HTML(ui.empty("qa.empty"), elem_id=mount.id("answer"))
            where = gr.HTML("", elem_id=mount.id("where"))
            seen = gr.HTML("", elem_id=mount.id("saw"))
            with gr.Accordion(mount.t("rewriting"), open=False):
                gr.HTML(f"<p>{ui.both('qa.rewriting_note')}</p>")
                further = gr.Checkbox(False, label=mount.t("further"), elem_id=mount.id("further"))
                columns = gr.HTML("", elem_id=mount.id("columns"))
            send = gr.Button(mount.t("to_summary"), size="sm")
    ui.examples(mount, json.loads(read("examples", "qa.json")), [passage, question])
    buttons = {"start": start, "stop": stop, "status": status}
    given = [passage, question, further, *settings]
    mount.run([start.click, question.submit], work, given, [result, where, columns, seen], **buttons)
    mount.run([file.upload], upload, [file], [passage, result], **buttons)
    mount.keep("passage", passage)
    mount.keep("question", question)
    mount.receives("passage", passage)
    mount.sends(send, passage, "summary", "text")
    mount.api(answer_api, "answer")
