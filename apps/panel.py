"""The chat panel that chat tabs share: send, stream, stop, retry, edit, undo, clear, copy, export, keep on reload.

Our own instead of gr.ChatInterface, which stays disabled after any error (Gradio 6). Knows turns and buttons; what is
answered comes from the app's `respond`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any

import gradio as gr

from apps.given import only_text, scrubbed
from apps.mount import PRIVATE, Mount
from apps.work import changes, launch, toast
from models.engine import Message, Reply
from models.errors import BadInput, Cancelled
from models.spec import Origin
from models.strings import say, table
from models.task import Task

MAX_MESSAGE = 4000  # characters of one message
MAX_TURNS = 40  # turns that stay on the page

History = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One growing answer: the reply so far, and the values of the panel's extra outputs."""

    reply: Reply
    extras: tuple[Any, ...] = field(default=())


Respond = Callable[..., Iterator[Turn]]  # respond(messages, lang, task, *extra inputs)


def text_of(content: Any) -> str:  # noqa: ANN401  (Gradio hands over a string or a list of blocks)
    """The plain text of a Gradio message content; undoes `shown`."""
    if isinstance(content, str):
        return unescape(content)
    parts = (block.get("text", "") if isinstance(block, dict) else str(block) for block in content or [])
    return unescape("".join(parts))


def shown(text: str) -> str:
    """A text as the Chatbot must get it: Gradio takes every message for HTML, even with markdown off."""
    return escape(text, quote=False)


def messages(history: History) -> list[Message]:
    """The conversation as engines read it: evidence rows and notices are left out."""
    return [
        Message(turn["role"], text_of(turn["content"]))
        for turn in history
        if not (turn.get("metadata") or {}).get("title")
    ]


class ChatPanel:
    """A Chatbot, a box and their events. Build it, then `wire(respond, …)`."""

    def __init__(self, mount: Mount, *, examples: Sequence[str], greeting: str = "", height: int = 460) -> None:
        self.mount = mount
        self.greeting: History = [{"role": "assistant", "content": shown(greeting)}] if greeting else []
        self.bot = gr.Chatbot(
            self.greeting,
            label=mount.t("history"),
            elem_id=mount.id("bot"),
            height=height,
            editable="user",
            allow_tags=False,
            render_markdown=False,  # texts are shown as they are: markdown would load images from anywhere
            feedback_options=None,
            buttons=["copy", "copy_all"],
            placeholder=" ",
            layout="bubble",
        )
        self.bot._preprocess_content = only_text
        self.box = gr.Textbox(
            placeholder=mount.t("placeholder"),
            label=mount.t("hub.message"),
            show_label=False,
            submit_btn=True,
            stop_btn=False,
            max_length=MAX_MESSAGE,
            lines=1,
            max_lines=6,
            elem_id=mount.id("box"),
        )
        with gr.Row(elem_classes="tools"):
            self.undo = gr.Button(mount.t("hub.undo"), size="sm", elem_id=mount.id("undo"))
            self.retry = gr.Button(mount.t("hub.retry"), size="sm", elem_id=mount.id("retry"))
            self.clear = gr.Button(mount.t("hub.clear"), size="sm", elem_id=mount.id("clear"))
            self.save = gr.Button(mount.t("hub.export"), size="sm", elem_id=mount.id("export"))
        self.picks = gr.Dataset(
            components=[self.box],
            samples=[[words] for words in examples],
            label=mount.t("hub.examples"),
            elem_id=mount.id("examples"),
            type="values",
        )

    def wire(
        self,
        respond: Respond,
        inputs: Sequence[gr.components.Component] = (),
        outputs: Sequence[gr.components.Component] = (),
    ) -> None:
        """Connects every way of asking to `respond(messages, lang, task, *inputs)`."""
        stream = _streamer(respond, len(outputs))
        lang, bot, box = self.mount.lang, self.bot, self.box
        running = [
            self._start(box.submit, _sent, [box, bot, lang], stream, inputs, outputs),
            self._start(bot.retry, _again, [box, bot, lang], stream, inputs, outputs),
            self._start(self.retry.click, _again, [box, bot, lang], stream, inputs, outputs),
            self._start(bot.edit, _edited, [box, bot, lang], stream, inputs, outputs),
            self._start(self.picks.click, _picked, [self.picks, bot, lang], stream, inputs, outputs),
        ]
        plain: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}
        box.stop(_stopped, bot, [box, bot], cancels=running, **plain)
        for trigger in (bot.undo, self.undo.click):
            trigger(_undone, [box, bot], [box, bot], **plain)
        for trigger in (bot.clear, self.clear.click):
            trigger(lambda: (self.greeting, _idle()), None, [bot, box], cancels=running, **plain)
        self.save.click(None, [bot], None, js=f"(turns) => hubExport(turns, '{self.mount.spec.key}')", **PRIVATE)
        self.mount.keep("history", bot)

    def _start(
        self,
        trigger: Callable[..., Any],
        prepare: Callable[..., Any],
        given: list[gr.components.Component],
        stream: Callable[..., Any],
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.components.Component],
    ) -> Any:  # noqa: ANN401  (a Gradio dependency)
        plain: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}
        event = (
            trigger(prepare, given, [self.box, self.bot], **plain)
            .success(_busy, None, self.box, queue=False, **plain)
            .success(
                stream,
                [self.bot, self.mount.lang, *inputs],
                [self.bot, *outputs],
                concurrency_id=f"{self.mount.spec.key}-chat",
                concurrency_limit=8,
                **plain,
            )
        )
        event.then(_idle, None, self.box, queue=False, **plain)
        event.failure(_idle, None, self.box, queue=False, **plain)
        return event


def _busy() -> gr.Textbox:
    return gr.Textbox(submit_btn=False, stop_btn=True)


def _idle() -> gr.Textbox:
    return gr.Textbox(submit_btn=True, stop_btn=False)


def _stopped(history: History) -> tuple[gr.Textbox, History]:
    """The box at rest, and the conversation without what was only announced."""
    return _idle(), [turn for turn in history if (turn.get("metadata") or {}).get("status") != "pending"]


def _refuse(code: str, lang: str) -> None:
    """Tells what is wrong and ends the chain of events without an error overlay on the chat."""
    gr.Warning(BadInput(code).text(lang), title=say("hub.notice", lang))
    raise gr.Error("", visible=False, print_exception=False)


def _sent(text: str, history: History, lang: str) -> tuple[str, History]:
    if not (text or "").strip():
        _refuse("empty_text", lang)
    return "", [*history[-2 * MAX_TURNS :], {"role": "user", "content": shown(scrubbed(text).strip()[:MAX_MESSAGE])}]


def _picked(values: list[str], history: History, lang: str) -> tuple[str, History]:
    return _sent(values[0], history, lang)


def _again(text: str, history: History, lang: str) -> tuple[str, History]:
    """Cuts the history back to the last user message."""
    asked = [at for at, turn in enumerate(history) if turn["role"] == "user"]
    if not asked:
        _refuse("nothing_to_retry", lang)
    return text, history[: asked[-1] + 1]


def _edited(text: str, history: History, lang: str, event: gr.EditData) -> tuple[str, History]:
    """Replaces one of the visitor's messages and forgets what came after it."""
    at = event.index if isinstance(event.index, int) else event.index[0]
    if not str(event.value or "").strip():
        _refuse("empty_text", lang)
    return text, [*history[:at], {"role": "user", "content": shown(scrubbed(unescape(str(event.value)))[:MAX_MESSAGE])}]


def _undone(text: str, history: History) -> tuple[str, History]:
    """Takes the last exchange back and puts its question into the box."""
    asked = [at for at, turn in enumerate(history) if turn["role"] == "user"]
    if not asked:
        return text, history
    return text_of(history[asked[-1]]["content"]), history[: asked[-1]]


def _streamer(respond: Respond, extras: int) -> Callable[..., Iterator[Any]]:
    """A generator that never raises: an error becomes a toast and a notice, so the box always comes back.

    The answer is worked out in a thread, so that stop ends it also while a model is being loaded.
    """

    def row(history: History, values: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401
        values = values or (gr.skip(),) * extras
        return (history, *values) if extras else history  # Gradio takes a 1-tuple for the value itself

    def stream(history: History, lang: str, *values: Any) -> Iterator[Any]:  # noqa: ANN401
        task, turn = Task(), None
        outcome, thread = launch(lambda *_: respond(messages(history), lang, task, *values), task, lang, ())
        try:
            for _ in changes(task, thread, outcome):
                for turn in outcome.newest():
                    yield row([*history, {"role": "assistant", "content": shown(turn.reply.text)}], turn.extras)
                if turn is None:
                    yield row([*history, *_waiting(task, lang)])
        finally:
            task.stop()
        for done in outcome.newest() or (turn,):
            if outcome.error is None and done is not None:
                yield row([*history, *answered(done.reply, lang)], done.extras)
        if outcome.error is not None and not isinstance(outcome.error, Cancelled):
            notice = {"role": "assistant", "content": shown(toast(outcome.error, lang)), "metadata": {"title": "⚠️"}}
            yield row([*history, notice])

    return stream


def _waiting(task: Task, lang: str) -> History:
    """A row that says what is being done before there is a word of the answer, such as loading a model."""
    if task.note not in table():
        return []
    words = f"{say(task.note, lang)} {round(task.fraction * 100)}%"
    return [{"role": "assistant", "content": "", "metadata": {"title": words, "status": "pending"}}]


def answered(reply: Reply, lang: str) -> History:
    """A finished reply as chat rows: the text, then a folded row with its origin, what to know of it, evidence."""
    rows: History = [{"role": "assistant", "content": shown(reply.text)}]
    lines = [
        f"{number}. {piece.text} — {piece.source} ({piece.score:.2f})" if piece.source else f"{number}. {piece.text}"
        for number, piece in enumerate(reply.evidence, 1)
    ]
    title = [origin_line(reply.origin, lang)]
    if reply.evidence or reply.origin.how != "neural":
        title.append(say("hub.evidence_count", lang, count=len(reply.evidence)))
    if reply.note:
        title.append(say(reply.note, lang))
    content = shown("\n".join(lines)) or "—"
    rows.append({"role": "assistant", "content": content, "metadata": {"title": " · ".join(title), "status": "done"}})
    return rows


def origin_line(origin: Origin, lang: str) -> str:
    """Who answered and how, in one short line."""
    who = say("hub.embedded", lang) if origin.engine == "embedded" else origin.model
    adapter = f" + {origin.adapter}" if origin.adapter else ""
    return f"{say(f'hub.how.{origin.how}', lang)} · {who}{adapter}"
