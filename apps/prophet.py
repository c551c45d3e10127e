"""骆驼先知: a theme → the pieces that speak of it, and a piece put together from them by stated rules.

Pure functions first, then the tab. Knows how passages are shown and whose pieces are searched; the shipped ones, the
hub owner's folder (<home>/prophet/*.txt), or what this visitor uploaded, which stays in this visitor's session.
"""

import json
from collections.abc import Sequence
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
from models.embedded.prophet import FLOOR, Composition, Found, Prophet, Prose, folder, prose
from models.errors import BadInput
from models.spec import Origin
from models.task import Task

MAX_FILES = 200


def uploaded(paths: Sequence[str], task: Task) -> list[Prose]:
    """Pieces from uploaded files, the file name without suffix as theme. Raises BadInput."""
    if len(paths) > MAX_FILES:
        raise BadInput("too_many_files", limit=MAX_FILES)
    pieces = []
    for number, path in enumerate(paths, 1):
        task.step(number / len(paths))
        pieces.append(prose(Path(path).stem, read_text(Path(path), task)))
    return [piece for piece in pieces if piece.paragraphs]


def said(composed: Composition) -> str:
    """The composed piece, every sentence with the number of its source."""
    lines = "".join(f"<p>{escape(line)}<sup>{number}</sup></p>" for line, number in composed.lines)
    return (
        f'<section class="result prophet"><h3>{ui.both("prophet.composed")}</h3><div lang="zh">{lines}</div>'
        f"{ui.badge(composed.origin)}<p class='note'>{ui.both('prophet.rule_note')}</p>"
        f"<p class='note'>{ui.both('prophet.neural_note')}</p></section>"
    )


def passages(found: Sequence[Found], composed: Composition) -> str:
    """The retrieved pieces, whole, with the used sentences marked."""
    parts = [f'<h3 class="small">{ui.both("prophet.passages")}</h3>{ui.badge(Origin("retrieved"))}']
    for number, hit in enumerate(found, 1):
        used = [line for line, of in composed.lines if of == number]
        text = hit.prose.text
        spans = [(at, at + len(line), "sentence") for line in used if (at := text.find(line)) >= 0]
        score = f"{hit.score:.2f}" if hit.score >= FLOOR else ui.both("prophet.neighbour")
        title = f"{number}. {escape(hit.prose.title)} <span class='score'>{score}</span>"
        parts.append(
            f"<details{' open' if number == 1 else ''}><summary>{title}</summary>{ui.marked(text, spans)}</details>"
        )
    return "".join(parts)


def nothing(topic: str, prophet: Prophet) -> str:
    """What is said when no piece has to do with the topic: the themes there are."""
    themes = "、".join(piece.title for piece in prophet.pieces[:24])
    return (
        f'<section class="result"><p>{ui.both("prophet.nothing", topic=topic[:40])}</p>'
        f'<p lang="zh">{escape(themes)}</p>{ui.badge(Origin("retrieved"))}</section>'
    )


def ask(task: Task, prophet: Prophet, topic: str, count: int) -> tuple[str, str]:
    """The Prophet's words and the passages behind them, as markup. Raises BadInput, Cancelled."""
    task.step(0.1, "prophet.searching")
    found = prophet.retrieve(topic, int(count), task)
    if not found:
        return nothing(topic, prophet), ""
    composed = prophet.compose(topic, found, task)
    return said(composed), passages(found, composed)


def prophet_api(topic: str, count: int = 3, lang: str = "zh") -> dict[str, Any]:
    """Retrieves prose pieces on a theme and composes one from their sentences by rule.

    Args:
        topic: the theme, up to 200 characters
        count: how many pieces to draw on
        lang: language of error messages, zh or en

    Returns:
        text, lines (sentence and piece number), pieces (title, score, text), origin, evidence (the best paragraphs).
    """
    if count < 1:
        raise BadInput("bad_option")
    prophet: Prophet = engine_for("compose")
    found = prophet.retrieve(topic, min(6, count), Task())
    composed = prophet.compose(topic, found, Task()) if found else None
    return {
        "text": composed.text if composed else "",
        "lines": [list(line) for line in composed.lines] if composed else [],
        "pieces": [{"title": hit.prose.title, "score": hit.score, "text": hit.prose.text} for hit in found],
        "origin": asdict(composed.origin if composed else Origin("retrieved")),
        "evidence": [asdict(piece) for piece in composed.evidence] if composed else [],
    }


def _examples() -> tuple[list[str], list[str]]:
    """Topics to click, and how they read in English."""
    shipped = json.loads(read("prophet", "examples.json"))
    return shipped["zh"], [pair["label"] for pair in shipped["en"]]


def build(mount: Mount) -> None:
    """The tab: theme, number of pieces and collection left; the Prophet's words and the pieces right."""
    own = folder(mount.home / "prophet") if (mount.home / "prophet").is_dir() else []
    home = Prophet(own) if own else None
    ui.heading(mount)
    mine = gr.State(None)
    with gr.Row(equal_height=False):
        with gr.Column(scale=2):
            topic = gr.Textbox(
                label=mount.t("topic"), placeholder=mount.t("topic_hint"), max_length=200, elem_id=mount.id("topic")
            )
            start, stop, status = ui.run_row(mount)
            topics, labels = _examples()
            ui.examples(mount, {f"{zh} · {en}": [zh] for zh, en in zip(topics, labels, strict=True)}, [topic])
            count = gr.Slider(1, 6, 3, step=1, label=mount.t("count"), elem_id=mount.id("count"))
            choices = [(mount.t("source.shipped"), "shipped"), (mount.t("source.mine"), "mine")]
            if home:
                choices.insert(1, (mount.t("source.home"), "home"))
            source = gr.Radio(choices, value="shipped", label=mount.t("source"))
            files = gr.UploadButton(
                mount.t("upload"), file_types=[".txt"], file_count="multiple", size="sm", elem_id=mount.id("upload")
            )
        with gr.Column(scale=3):
            words = gr.HTML(ui.empty("prophet.empty"), elem_id=mount.id("words"))
            behind = gr.HTML("", elem_id=mount.id("behind"))

    def asked(task: Task, lang: str, topic: str, count: int, source: str, mine: Prophet | None) -> tuple[str, str]:
        chosen = {"home": home, "mine": mine}.get(source) or engine_for("compose")
        return ask(task, chosen, topic, count)

    def took(task: Task, lang: str, paths: list[str]) -> tuple[Prophet, str, str]:
        pieces = uploaded(paths or [], task)
        if not pieces:
            raise BadInput("file_empty", name="txt")
        titles = "、".join(piece.title for piece in pieces[:12])
        note = f'<p class="status" role="status">{ui.both("prophet.uploaded", count=len(pieces), titles=titles)}</p>'
        return Prophet(pieces), "mine", note

    shown = {"start": start, "stop": stop, "status": status}
    mount.run([start.click, topic.submit], asked, [topic, count, source, mine], [words, behind], **shown)
    mount.run([files.upload], took, [files], [mine, source, words], **shown)
    mount.keep("topic", topic)
    mount.receives("topic", topic)
    mount.api(prophet_api, "prophet")
