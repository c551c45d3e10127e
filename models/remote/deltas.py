"""What the events of one streamed answer say: the next piece of text, or that it is over.

Reads chat completions and completions alike, and the whole answer of a server that does not stream.
"""

import json
from typing import Any

from models.remote.events import MalformedStream


class ServerSaid(Exception):
    """Raised when an event carries an error instead of text: `status` (0 when it names none) and the raw body."""

    def __init__(self, status: int, body: str) -> None:
        self.status, self.body = status, body
        super().__init__(status)


class Deltas:
    """State of one answer. `finished` tells a whole answer from one that was cut off."""

    def __init__(self) -> None:
        self.finished = False
        self.done = False  # nothing more will come
        self._high = ""  # a high surrogate whose other half comes with the next event

    def read(self, data: str) -> str:
        """The text in one event, "" when it holds none. Raises MalformedStream, ServerSaid."""
        if data.strip() == "[DONE]":
            self.finished = self.done = True
            return ""
        choice = self._choice(data)
        self.finished = self.finished or bool(choice.get("finish_reason"))
        return self._whole(_text(choice))

    def _choice(self, data: str) -> dict[str, Any]:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise MalformedStream(f"this is not JSON: {data[:120]}") from None
        if not isinstance(event, dict):
            raise MalformedStream(f"this is not an event: {data[:120]}")
        if error := event.get("error") or (event.get("object") == "error" and event):
            code = error.get("code") if isinstance(error, dict) else None
            raise ServerSaid(code if isinstance(code, int) else 0, data)
        choices = event.get("choices") or []  # the event with the usage has none
        if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
            raise MalformedStream(f"no choices in this event: {data[:120]}")
        return next((choice for choice in choices if choice.get("index", 0) == 0), {})

    def _whole(self, text: str) -> str:
        """Joins an emoji whose two UTF-16 halves came in two events: alone, a half cannot be encoded."""
        text, self._high = self._high + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff" and not self.finished:
            text, self._high = text[:-1], text[-1]
        return encodable(text)


def encodable(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates replaced, so that UTF-8 can hold it."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _text(choice: dict[str, Any]) -> str:
    inner = choice.get("delta") or choice.get("message") or {}
    text = inner.get("content") if isinstance(inner, dict) and "content" in inner else choice.get("text")
    if isinstance(text, list):  # a list of parts
        text = "".join(part.get("text") or "" for part in text if isinstance(part, dict))
    if text is not None and not isinstance(text, str):
        raise MalformedStream("the content is not text")
    return text or ""
