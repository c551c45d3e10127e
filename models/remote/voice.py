"""A server as apps see it: the same Voice and Encoder as a model of the pool.

What a server does not tell (its tokenizer, its context) is estimated and said so: `n_context` is 0 for unknown, tokens
are counted by a rule of thumb. The server cuts or refuses what is too long; models.remote.trouble words its refusal.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from models.engine import FinalPrompt, GenOptions, Message, PromptPart
from models.remote.server import RemoteServer
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["RemoteEncoder", "RemoteVoice"]

_PIECE = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003ffff]|[A-Za-z0-9]{1,4}|[^\sA-Za-z0-9]")
ASSUMED = 8_192  # tokens of context that apps may count on


class RemoteVoice:
    """Implements models.engine.Voice over a server."""

    precision, lowered = "", False

    def __init__(self, server: RemoteServer, adapter: str = "") -> None:
        self._server, self._adapter = server, adapter
        self.n_context = ASSUMED
        self.origin = Origin(
            "neural", engine="remote", model=f"{adapter or server.model} @ {server.host}", adapter=adapter
        )

    def generate(self, prompt: Sequence[Message] | str, options: GenOptions, *, task: Task) -> Iterator[str]:
        """See Voice. Raises also what the network does, as ModelUnavailable and Busy."""
        return self._server.generate(prompt, options, task, adapter=self._adapter or None)

    def final_prompt(self, prompt: Sequence[Message] | str, options: GenOptions) -> FinalPrompt:
        """What is sent; the server puts it into its own chat format. Tokens are estimated."""
        turns = [prompt] if isinstance(prompt, str) else [f"{turn.role}: {turn.text}" for turn in prompt]
        text = "\n".join(turns)
        part = PromptPart("message", self.count(text), 0)
        return FinalPrompt(text, part.n_kept, self.n_context, options.max_new_tokens, (part,))

    def count(self, text: str) -> int:
        """Tokens by a rule of thumb: a Chinese character, a mark, or four letters each."""
        return len(_PIECE.findall(text))


class RemoteEncoder:
    """Implements models.engine.Encoder over a server."""

    def __init__(self, server: RemoteServer) -> None:
        self._server, self.key = server, f"remote {server.host} {server.model}"
        self.fingerprint = f"{server.base_url} {server.model}"
        self.origin = Origin("neural", engine="remote", model=f"{server.model} @ {server.host}")
        self.n_context = ASSUMED

    @property
    def dim(self) -> int:
        """Numbers of one vector; 0 before the first answer."""
        return self._server.dim or 0

    def embed(self, texts: Sequence[str], task: Task, *, query: bool = False) -> "np.ndarray":
        """See Encoder; what is longer than the server's window is the server's to cut or refuse."""
        return self._server.embed(texts, task)
