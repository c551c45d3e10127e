"""Runs an app's work for one visitor: in a thread of its own, with progress, a stop that stops, errors as toasts.

Gradio ends a generator at once when the visitor presses stop or leaves, but never a running function; so the work
runs in a thread that watches its Task, and the generator here only waits for it. Knows nothing of what is computed.
"""

import inspect
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from apps.bilingual import both
from apps.given import scrubbed
from models.errors import Cancelled, HubError
from models.strings import say, table
from models.task import Task

POLL_S = 0.1
QUIET_S = 0.5  # Gradio can end a generator only where it yields, so it yields even when there is nothing new
log = logging.getLogger("luotuo")

Work = Callable[
    ..., Any
]  # work(task, lang, *inputs) -> one value or a tuple of them; or a generator of such, shown one by one


@dataclass
class Outcome:
    """What the thread has brought so far: values that wait to be shown, oldest first, and how it ended."""

    values: "queue.SimpleQueue[Any]" = field(default_factory=queue.SimpleQueue)
    error: BaseException | None = None

    def newest(self) -> tuple[Any, ...]:
        """The last of the values that wait, alone; () when none does. Older ones have been overtaken."""
        found: tuple[Any, ...] = ()
        while not self.values.empty():
            found = (self.values.get(),)
        return found


def progress(task: Task) -> str:
    """The status line of running work; `note` is an i18n key, so both languages are at hand."""
    percent = round(task.fraction * 100)
    words = both(task.note if task.note in table() else "hub.working")
    return (
        f'<div class="status" role="status"><progress max="100" value="{percent}" aria-label="{percent}%"></progress>'
        f"<span>{words} {percent}%</span></div>"
    )


def explain(error: BaseException, lang: str) -> str:
    """What to tell the visitor; a bug is logged with its traceback and told by an incident number."""
    if isinstance(error, HubError):
        return error.text(lang)
    incident = secrets.token_hex(3)
    log.error("incident %s", incident, exc_info=error)
    return HubError("internal", incident=incident).text(lang)


def toast(error: BaseException, lang: str) -> str:
    """Shows an error as a toast and returns its text. Toasts are markup, so the text is escaped."""
    words = explain(error, lang)
    gr.Warning(escape(words), title=say("hub.notice", lang))
    return words


def streamed(work: Work, outputs: int) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """A Gradio generator around `work`: yields (start button, stop button, status, *outputs).

    The last yield always brings the buttons back to idle, whatever happened.
    """

    def handler(lang: str, *values: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
        task, skipped = Task(), (gr.skip(),) * outputs
        outcome, thread = launch(work, task, lang, scrubbed(values))
        try:
            yield (*_buttons(busy=True), progress(task), *skipped)
            for _ in changes(task, thread, outcome):
                yield (gr.skip(), gr.skip(), progress(task), *(_newest(outcome, outputs) or skipped))
        finally:
            task.stop()
        yield (*_ending(outcome, lang), *(_newest(outcome, outputs) or skipped))

    return handler


def launch(work: Work, task: Task, lang: str, values: tuple[Any, ...]) -> tuple[Outcome, threading.Thread]:
    """Starts the work in a thread of its own."""
    outcome = Outcome()

    def target() -> None:
        try:
            brought = work(task, lang, *values)
            for value in brought if inspect.isgenerator(brought) else (brought,):
                outcome.values.put(value)
        except BaseException as error:
            outcome.error = error

    thread = threading.Thread(target=target, name="luotuo-work", daemon=True)
    thread.start()
    return outcome, thread


def changes(task: Task, thread: threading.Thread, outcome: Outcome) -> Iterator[None]:
    """Yields when the progress changed, there is something to show or QUIET_S is over, until the thread has ended."""
    seen = (0.0, "", 0)
    while thread.is_alive():
        thread.join(POLL_S)
        now = (round(task.fraction, 2), task.note, int(time.monotonic() / QUIET_S))
        if (now != seen or not outcome.values.empty()) and thread.is_alive():
            seen = now
            yield


def _newest(outcome: Outcome, outputs: int) -> tuple[Any, ...]:
    """What is to be shown now, one value for each output; () when there is nothing new."""
    newest = outcome.newest()
    return newest[0] if newest and outputs > 1 else newest


def _ending(outcome: Outcome, lang: str) -> tuple[Any, ...]:
    """(start button, stop button, status) after the work; tells an error as a toast too."""
    if outcome.error is None or isinstance(outcome.error, Cancelled):
        return (*_buttons(busy=False), "")
    words = toast(outcome.error, lang)
    return (*_buttons(busy=False), f'<p class="status error" role="alert">{escape(words)}</p>')


def _buttons(*, busy: bool) -> tuple[Any, Any]:
    return gr.Button(interactive=not busy), gr.Button(visible=busy)


def idle() -> tuple[Any, Any, str]:
    """The state after stop: (start button, stop button, status)."""
    return (*_buttons(busy=False), f'<p class="status" role="status">{both("hub.stopped")}</p>')


def broken() -> str:
    """The status after a failure outside of the work itself, such as a full queue."""
    return f'<p class="status error" role="alert">{both("hub.failed")}</p>'
