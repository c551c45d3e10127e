"""RemoteServer: generate and embed by a server that speaks the OpenAI protocol.

Adapters are names: vLLM and Ray Serve LLM list a LoRA adapter beside its base, and asking for that name is all.
Knows what to ask and what the hub's own types look like; how a request survives the network is models.remote.wire.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from models.engine import GenOptions, Message
from models.errors import ModelUnavailable
from models.remote.bridge import pump
from models.remote.deltas import encodable
from models.remote.listing import ServedModel, served
from models.remote.vectors import unit_rows
from models.remote.wire import Body, Patience, Wire
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Patience", "RemoteServer", "ServedModel"]

_BATCH = 32  # texts per request: the smallest limit among common servers (text-embeddings-inference)
_NOT_BLANK = re.compile(r"\S")

T = TypeVar("T")


class RemoteServer:
    """One server, one key, one model. Building it asks nothing; safe to share between threads; never shows its key.

    `base_url` is what other clients call it too, for instance http://host:8000/v1. `private_ok` says that the owner
    of the hub allows this machine and private networks; without it a visitor can only name public servers.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        model: str,
        *,
        patience: Patience | None = None,
        private_ok: bool = False,
    ) -> None:
        """Raises BadInput for a base URL that cannot or must not be used, ModelUnavailable for an impossible key."""
        self._wire = Wire(base_url, key, patience or Patience(), private_ok=private_ok)
        self.dim: int | None = None  # of the vectors, from the first answer on
        self.base_url, self.host, self.model = self._wire.base, self._wire.host, model

    def __repr__(self) -> str:
        return f"RemoteServer({self.base_url!r}, key=•••, model={self.model!r})"

    def generate(
        self, messages: Sequence[Message] | str, options: GenOptions, task: Task, *, adapter: str | None = None
    ) -> Iterator[str]:
        """Yields the pieces of the answer to a conversation, or of the continuation of a prompt (a plain string).

        Closing the iterator or stopping the task closes the connection, which is how a server learns to stop.
        Raises ModelUnavailable, UnknownModel, Busy, BadInput, Cancelled; nothing is asked twice after the first piece.
        """
        path, asked = _question(messages)
        body = {"model": adapter or self.model, "stream": True, **asked, **_sampling(options)}
        stream = self._wire.stream(path, body)
        with closing(self._waited(stream, task, next_s=self._wire.patience.next_s)) as deltas:
            yield from filter(None, deltas)

    def embed(self, texts: Sequence[str], task: Task) -> "np.ndarray":
        """Returns (n, dim) float32, rows of unit length; rows of texts without content are zero and never sent.

        Before any text had content, dim is not known and 0. Raises as `generate` does, and ModelUnavailable when the
        vectors are not all of one dimension, this time and all times before.
        """
        import numpy as np

        filled = [at for at, text in enumerate(texts) if _NOT_BLANK.search(text)]
        batches = [filled[at : at + _BATCH] for at in range(0, len(filled), _BATCH)]
        answers = self._embeddings([[encodable(texts[at]) for at in batch] for batch in batches])
        parts: list[np.ndarray] = []
        with closing(self._waited(answers, task, next_s=self._wire.patience.first_s)) as received:
            for batch, answer in zip(batches, received, strict=False):
                parts.append(self._checked(answer, len(batch)))
                task.step(len(parts) / len(batches))
        rows = np.zeros((len(texts), self.dim or 0), dtype=np.float32)
        if parts:
            rows[filled] = np.concatenate(parts)
        return rows

    def models(self, task: Task | None = None) -> tuple[ServedModel, ...]:
        """What the server offers, adapters included. Raises ModelUnavailable, Busy, BadInput, Cancelled."""
        patience = self._wire.patience
        with closing(self._waited(self._listing(), task or Task(), next_s=patience.first_s)) as received:
            answer = next(received)
        try:
            return served(answer)
        except ValueError as error:
            raise self._broken(error) from None

    def _waited(self, source: AsyncIterator[T], task: Task, *, next_s: float) -> Iterator[T]:
        try:
            yield from pump(source, task, first_s=self._wire.patience.first_s, next_s=next_s)
        except TimeoutError:
            raise ModelUnavailable("remote_slow", host=self.host) from None

    async def _embeddings(self, batches: Sequence[Sequence[str]]) -> AsyncIterator[object]:
        async with self._wire.client() as client:
            for batch in batches:
                body: Body = {"model": self.model, "input": batch, "encoding_format": "float"}
                yield await self._wire.ask(client, "POST", "/embeddings", body)

    async def _listing(self) -> AsyncIterator[object]:
        async with self._wire.client() as client:
            yield await self._wire.ask(client, "GET", "/models")

    def _checked(self, answer: object, n: int) -> "np.ndarray":
        try:
            rows = unit_rows(answer, n)
            self.dim = self.dim or rows.shape[1]
            if rows.shape[1] != self.dim:
                raise ValueError(f"vectors of {self.dim} and of {rows.shape[1]} numbers")
        except ValueError as error:
            raise self._broken(error) from None
        return rows

    def _broken(self, error: ValueError) -> ModelUnavailable:
        return ModelUnavailable("remote_broken", host=self.host, reason=self._wire.mask(str(error)))


def _question(messages: Sequence[Message] | str) -> tuple[str, dict[str, Any]]:
    """The path and the part of the body that asks: a prompt is completed, a conversation is answered."""
    if isinstance(messages, str):
        return "/completions", {"prompt": encodable(messages)}
    turns = [{"role": message.role, "content": encodable(message.text)} for message in messages]
    return "/chat/completions", {"messages": turns}


def _sampling(options: GenOptions) -> dict[str, Any]:
    """The options in the protocol's names; those that are off are left out, for not every server knows them."""
    fields: dict[str, Any] = {
        "max_tokens": options.max_new_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p if options.top_p < 1 else None,
        "top_k": options.top_k if options.top_k > 0 else None,
        "repetition_penalty": options.repetition_penalty if options.repetition_penalty != 1 else None,
        "stop": list(options.stop) or None,
        "seed": options.seed,
    }
    return {name: value for name, value in fields.items() if value is not None}
