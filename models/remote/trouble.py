"""What a server's refusal means: its status and error body become a HubError, and whether asking again can help.

Servers word their errors in half a dozen shapes; this module knows them. What a server says is a stranger's text:
it is shortened, loses everything that a page could take for markup, and the visitor's key is blotted out of it.
"""

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from models.errors import BadInput, Busy, HubError, ModelUnavailable, UnknownModel

MAX_REASON = 240  # characters of a server's own words that a visitor gets to read
_AGAIN = {408, 425, 429, 500, 502, 503, 504, 529}
_CONTEXT = re.compile(
    r"context[ _](length|size|window)|maximum (model|input|prompt) length|max_model_len|exceed_context"
    r"|prompt is too long",
    re.I,
)
_NO_MODEL = re.compile(r"model\b.{0,120}(not[ _]exist|not[ _]found|n't exist)|(invalid|unknown)[ _]model", re.I | re.S)
_KEY = re.compile(r"(api|access)[ _-]?key|invalid token", re.I)
_QUOTA = re.compile(r"insufficient[ _](quota|balance)|exceeded your current quota|billing", re.I)
_UNKNOWN_FIELD = re.compile(r"unrecogni[sz]ed|unexpected|unsupported|not support|unknown|extra|not permitted", re.I)
_DROPPABLE = {"temperature", "top_p", "top_k", "repetition_penalty", "seed"}
_MARKUP = str.maketrans({"<": "‹", ">": "›", "&": "＆", "`": "'"})


class Transient(Exception):
    """Raised when asking again may help: `error` is what to tell when it did not, `after_s` what the server asked."""

    def __init__(self, error: HubError, after_s: float | None = None) -> None:
        self.error, self.after_s = error, after_s
        super().__init__(error.code)


def judged(status: int, reason: str, *, host: str, model: str, after_s: float | None = None) -> Exception:
    """The exception for an error answer: Transient where another try may help, a HubError otherwise."""
    reason = reason or f"HTTP {status}"
    if status == 401 or (status in (400, 403) and _KEY.search(reason)):
        return ModelUnavailable("remote_key", host=host)  # without the reason: servers like to quote the key
    if status == 402 or (status == 429 and _QUOTA.search(reason)):
        return ModelUnavailable("remote_quota", host=host, reason=reason)
    if status == 429:
        return Transient(Busy("remote_busy", host=host), after_s)
    if status in _AGAIN:
        return Transient(ModelUnavailable("remote_down", host=host, reason=reason), after_s)
    if status == 413 or _CONTEXT.search(reason):
        return BadInput("remote_context", model=model, reason=reason)
    if status == 404 or (status < 500 and _NO_MODEL.search(reason)):
        return UnknownModel("remote_model", host=host, model=model, offered="—")
    if 400 <= status < 500:
        return BadInput("remote_refused", host=host, reason=reason)
    return ModelUnavailable("remote_broken", host=host, reason=reason)


def says_no_model(reason: str) -> bool:
    """Whether the server's words are about the model, not about the path."""
    return bool(_NO_MODEL.search(reason))


def lighter(body: dict[str, Any], status: int, reason: str) -> dict[str, Any]:
    """The request without the sampling fields that the server says it does not know; the same when it names none.

    Not every server takes vLLM's `top_k` and `repetition_penalty`, and some models of OpenAI's take neither a
    temperature nor `max_tokens` under that name.
    """
    if status not in (400, 422) or not _UNKNOWN_FIELD.search(reason):
        return body
    less = {name: value for name, value in body.items() if name not in _DROPPABLE or name not in reason}
    if "max_tokens" in less and "max_completion_tokens" in reason:
        less["max_completion_tokens"] = less.pop("max_tokens")
    return less


def said(body: str, key: str) -> str:
    """The reason in an error body, whichever shape it has, fit to be shown; "" when there is none."""
    try:
        reason = _words(json.loads(body))
    except (ValueError, RecursionError):
        reason = "" if body.lstrip().startswith("<") else body  # an HTML page of a gateway explains nothing
    return shown(reason, key)


def shown(text: str, key: str) -> str:
    """A stranger's text as one short line without markup, control characters or the key."""
    if key:
        text = text.replace(key, "•••")
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * MAX_REASON]).split())
    return (line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…").translate(_MARKUP)


def _words(said: Any) -> str:  # noqa: ANN401  (whatever JSON the server sent)
    """OpenAI and vLLM {"error": {"message"}}, Ollama {"error": "…"}, older vLLM {"message"}, FastAPI {"detail"}."""
    if isinstance(said, dict):
        found = next((said[name] for name in ("error", "message", "detail", "msg") if said.get(name)), "")
        where = ".".join(map(str, said["loc"])) + ": " if isinstance(said.get("loc"), list) else ""
        code = f" ({said['code']})" if isinstance(said.get("code"), str) else ""
        return where + _words(found) + code
    if isinstance(said, list):
        return "; ".join(map(_words, said[:4]))
    return str(said)


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds in Retry-After, given as a number or as a date (RFC 9110 §10.2.3); None when absent or nonsense."""
    value = headers.get("retry-after", "").strip()
    try:
        return max(
            0.0, float(value) if re.match(r"\d", value) else parsedate_to_datetime(value).timestamp() - time.time()
        )
    except (TypeError, ValueError, OverflowError):
        return None
