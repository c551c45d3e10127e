"""骆驼先知: a theme → the pieces that speak of it, and a piece put together from them by stated rules, or a new one
that a model writes after them.

Pure functions first, then the tab. Knows how passages are shown and whose pieces are searched; the shipped ones, the
hub owner's folder (<home>/prophet/*.txt), or what this visitor uploaded, which stays in this visitor's session.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
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
from models.embedded.prophet import FLOOR, Composition, Found, Prophet, Prose, folder, prose
from models.engine import GenOptions, Reply
from models.errors import BadInput
from models.spec import Origin
from models.strings import say
from models.task import Task

MAX_FILES = 200
USUAL = GenOptions(max_new_tokens=600, temperature=0.8, top_p=0.9, repetition_penalty=1.05)


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


def spoken(reply: Reply) -> str:
    """The piece that a model wrote, under the pieces that it saw."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in reply.text.split("\n") if line.strip()) or "<p>……</p>"
    after = "、".join(piece.source for piece in reply.evidence)
    words = ui.both("prophet.written_after", titles=after) if after else ui.both("prophet.no_pieces")
    return (
        f'<section class="result prophet"><h3>{ui.both("prophet.composed")}</h3><div lang="zh">{lines}</div>'
        f"{ui.badge(reply.origin)}<p class='note'>{words}</p>{ui.note(reply.note)}</section>"
    )


def passages(found: Sequence[Found], lines: Sequence[tuple[str, int]]) -> str:
    """The retrieved pieces, whole, with the used sentences marked; `lines` have the number of their piece."""
    parts = [f'<h3 class="small">{ui.both("prophet.passages")}</h3>{ui.badge(Origin("retrieved"))}']
    for number, hit in enumerate(found, 1):
        used = [line for line, of in lines if of == number]
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
    return said(composed), passages(found, composed.lines)


def fallen(task: Task, prophet: Prophet, topic: str, count: int) -> tuple[str, ...]:
    """The piece by rule in the place of a model that does not fit."""
    words, behind = ask(task, prophet, topic, count)
    return ui.note(writing.FELL_BACK) + words, behind, ""


def written(
    task: Task, prophet: Prophet, topic: str, count: int, choice: str, options: GenOptions
) -> Iterator[tuple[Any, ...]]:
    """The chosen model's growing piece, the pieces that it was shown, what it saw. Raises as `models.voice` does."""
    task.step(0.1, "prophet.searching")
    found = prophet.retrieve(topic, int(count), task)
    behind = passages(found, ()) if found else ""
    with models.voice(choice, task) as held:
        voice = prompted.Watched(held)
        for reply in prompted.compose(voice, topic, found, options, task):
            yield spoken(reply), behind, ""
        yield spoken(reply), behind, saw(voice)


def prophet_api(topic: str, count: int = 3, lang: str = "zh", model: str = "") -> dict[str, Any]:
    """Retrieves prose pieces on a theme and composes one from their sentences by rule, or writes one with a model.

    Args:
        topic: the theme, up to 200 characters
        count: how many pieces to draw on
        lang: language of error messages and notes, zh or en
        model: a model of the hub that writes the piece, such as "qwen3-4b"; empty for the embedded engine

    Returns:
        text, lines (sentence and piece number; none from a model), pieces (title, score, text), origin, evidence (the
        best paragraphs), note (why a text ended early).
    """
    if count < 1:
        raise BadInput("bad_option")
    prophet: Prophet = engine_for("compose")
    found = prophet.retrieve(topic, min(6, count), Task())
    pieces = [{"title": hit.prose.title, "score": hit.score, "text": hit.prose.text} for hit in found]
    if model:
        with models.voice(model, Task()) as voice:
            *_, reply = prompted.compose(voice, topic, found, USUAL, Task())
        return {**_told(reply, lang), "lines": [], "pieces": pieces}
    composed = prophet.compose(topic, found, Task()) if found else None
    return {
        "text": composed.text if composed else "",
        "lines": [list(line) for line in composed.lines] if composed else [],
        "pieces": pieces,
        "origin": asdict(composed.origin if composed else Origin("retrieved")),
        "evidence": [asdict(piece) for piece in composed.evidence] if composed else [],
        "note": "",
    }


def _told(reply: Reply, lang: str) -> dict[str, Any]:
    """A model's piece as the endpoint tells it."""
    told = {name: value for name, value in asdict(reply).items() if name != "confident"}
    return {**told, "note": say(reply.note, lang) if reply.note else ""}


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
            settings = writing.settings(mount, "compose", USUAL)
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
            seen = gr.HTML("", elem_id=mount.id("saw"))
            behind = gr.HTML("", elem_id=mount.id("behind"))

    def work(
        task: Task, lang: str, topic: str, count: int, source: str, mine: Prophet | None, choice: str, *settings: float
    ) -> tuple[str, ...] | Iterator[tuple[Any, ...]]:
        pieces = {"home": home, "mine": mine}.get(source) or engine_for("compose")
        if not choice:
            return (*ask(task, pieces, topic, count), "")
        model = written(task, pieces, topic, count, choice, writing.options(*settings))
        return writing.or_embedded(model, lambda: iter([fallen(task, pieces, topic, count)]))

    def took(task: Task, lang: str, paths: list[str]) -> tuple[Prophet, str, str]:
        pieces = uploaded(paths or [], task)
        if not pieces:
            raise BadInput("file_empty", name="txt")
        titles = "、".join(piece.title for piece in pieces[:12])
        note = f'<p class="status" role="status">{ui.both("prophet.uploaded", count=len(pieces), titles=titles)}</p>'
        return Prophet(pieces), "mine", note

    shown = {"start": start, "stop": stop, "status": status}
    given = [topic, count, source, mine, *settings]
    mount.run([start.click, topic.submit], work, given, [words, behind, seen], **shown)
    mount.run([files.upload], took, [files], [mine, source, words], **shown)
    mount.keep("topic", topic)
    mount.receives("topic", topic)
    mount.api(prophet_api, "prophet")
