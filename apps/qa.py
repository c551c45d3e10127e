"""骆驼QA: a passage, a question, the answer marked in the text, with its confidence.

Pure functions first, then the tab. Knows how answers are shown; the reading itself is the engine's.
"""

import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from apps import ui
from apps.mount import Mount
from models import engine_for
from models.assets import read
from models.documents import read_text
from models.engine import Answer
from models.task import Task


def answer(passage: str, question: str, task: Task) -> Answer:
    """The engine's answer. Raises BadInput for an empty passage or question."""
    return engine_for("answer").answer(passage, question, task)


def card(found: Answer) -> str:
    """The answer, its confidence and its completed form, or the sentence that no answer stands in the passage."""
    percent = round(found.confidence * 100)
    meter = (
        f'<div class="meter"><progress max="100" value="{percent}" aria-label="{percent}%"></progress>'
        f"<span>{ui.both('qa.confidence', percent=percent)}</span></div>"
    )
    said = (
        f'<p class="answer">{escape(found.text)}</p>'
        if found.text
        else f'<p class="answer none">{ui.both("qa.not_found")}</p>'
    )
    completed = f'<p class="completed">{escape(found.completed)}</p>' if found.completed else ""
    return f'<div class="result">{said}{completed}{meter}{ui.badge(found.origin)}</div>'


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


def answer_api(passage: str, question: str, lang: str = "zh") -> dict[str, Any]:
    """Finds the answer to a question in a passage.

    Args:
        passage: the text to read
        question: the question about it
        lang: language of error messages, zh or en

    Returns:
        text, start, end (character offsets), confidence (0–1), completed, origin, evidence; text is empty when
        the passage does not hold the answer.
    """
    found = answer(passage, question, Task())
    return {**asdict(found), "found": bool(found.text)}


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
            start, stop, status = ui.run_row(mount)
        with gr.Column(scale=1):
            result = gr.HTML(ui.empty("qa.empty"), elem_id=mount.id("answer"))
            where = gr.HTML("", elem_id=mount.id("where"))
            with gr.Accordion(mount.t("rewriting"), open=False):
                gr.HTML(f"<p>{ui.both('qa.rewriting_note')}</p>")
            send = gr.Button(mount.t("to_summary"), size="sm")
    ui.examples(mount, json.loads(read("examples", "qa.json")), [passage, question])
    mount.run(
        [start.click, question.submit], ask, [passage, question], [result, where], start=start, stop=stop, status=status
    )
    mount.run([file.upload], upload, [file], [passage, result], start=start, stop=stop, status=status)
    mount.keep("passage", passage)
    mount.keep("question", question)
    mount.receives("passage", passage)
    mount.sends(send, passage, "summary", "text")
    mount.api(answer_api, "answer")
