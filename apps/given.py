"""What reaches the hub from outside, made safe to work with: half characters, wrong shapes, crafted chat blocks.

Knows JSON-like values and the type hints of endpoints; knows nothing of any one app.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError, validate_call

from models.engine import Message
from models.errors import BadInput

_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate cannot be sent back: it would end the visitor's stream


def scrubbed(value: Any) -> Any:  # noqa: ANN401  (any JSON-like value)
    """The value with every half character in it replaced by U+FFFD, at the same offsets."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return type(value)(map(scrubbed, value))
    if isinstance(value, dict):
        return {scrubbed(key): scrubbed(part) for key, part in value.items()}
    return value


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` behind its own type hints: arguments are scrubbed, then validated. Raises BadInput("bad_option")."""
    strict = validate_call(function)

    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        try:
            return strict(*scrubbed(args), **scrubbed(kwargs))
        except ValidationError:
            raise BadInput("bad_option") from None

    return call


def turns(history: Sequence[dict[str, str]] | None, message: str) -> list[Message]:
    """A conversation as endpoints take it, with the new message at its end. Raises BadInput("bad_option")."""
    earlier = history or []
    if any(turn.get("role") not in ("user", "assistant") or "text" not in turn for turn in earlier):
        raise BadInput("bad_option")
    return [*(Message(turn["role"], turn["text"]) for turn in earlier), Message("user", message)]  # type: ignore[arg-type]


def only_text(block: Any) -> dict[str, Any]:  # noqa: ANN401  (a Gradio message block)
    """A chat block as plain text. Gradio would build any component that a crafted block names, from any file."""
    return {"type": "text", "text": scrubbed(str(getattr(block, "text", "")))}
