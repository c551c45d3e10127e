"""A leased engine as apps see it: a Voice that writes, an Encoder that embeds, columns that answer side by side.

Everything that an app started is ended before the lease goes back, so that no answer runs on an engine that somebody
else may be unloading. Knows leases; knows nothing of how they come about.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from models.engine import FinalPrompt, GenOptions, Message
from models.pool import Lease, ModelPool
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

    from models.streamer import Columns, Stream

__all__ = ["HeldColumns", "HeldEncoder", "HeldVoice"]


def origin_of(lease: Lease, adapter: str) -> Origin:
    """Who answers through a lease."""
    mark = lease.engine.adapters[adapter].fingerprint if adapter else ""
    return Origin("neural", engine=lease.spec.key, model=lease.spec.repo, adapter=adapter, fingerprint=mark)


class HeldVoice:
    """Implements models.engine.Voice over a lease. Close it before the lease is released."""

    def __init__(self, lease: Lease) -> None:
        self._lease, self._adapter = lease, lease.part.adapter
        self.origin = origin_of(lease, self._adapter)
        self.n_context: int = lease.engine.n_context
        self.precision, self.lowered = lease.part.precision, lease.lowered
        self._streams: list[Stream] = []

    def generate(self, prompt: Sequence[Message] | str, options: GenOptions, *, task: Task) -> "Stream":
        """See Voice."""
        stream = self._lease.engine.generate(prompt, options, adapter=self._adapter or None, task=task)
        self._streams.append(stream)
        return stream

    def final_prompt(self, prompt: Sequence[Message] | str, options: GenOptions) -> FinalPrompt:
        """See Voice."""
        return self._lease.engine.final_prompt(prompt, options, adapter=self._adapter or None)

    def count(self, text: str) -> int:
        """See Voice."""
        return self._lease.engine.count(text)

    def divergence(self, prompt: Sequence[Message] | str, options: GenOptions, answer: str, *, task: Task) -> Any:  # noqa: ANN401
        """Per token of an answer, how far the adapter is from the base; see models.hf."""
        return self._lease.engine.divergence(prompt, options, answer, self._adapter, task=task)

    def close(self) -> None:
        """Ends what still runs."""
        for stream in self._streams:
            stream.close()


class HeldColumns:
    """The base and some of its adapters, all held at once: implements models.engine.Comparer."""

    def __init__(self, leases: Sequence[Lease]) -> None:
        self._engine = leases[0].engine
        self.origins = tuple(origin_of(lease, lease.part.adapter) for lease in leases)
        self._adapters = [lease.part.adapter or None for lease in leases]
        self._running: list[Columns] = []

    def columns(self, prompt: Sequence[Message] | str, options: GenOptions, *, task: Task) -> Iterator[tuple[int, str]]:
        """Yields (column, delta), all columns growing together. Raises BadInput, ModelUnavailable, Cancelled."""
        columns = self._engine.compare(prompt, options, self._adapters, task=task)
        self._running.append(columns)
        return columns

    def close(self) -> None:
        """Ends what still runs."""
        for columns in self._running:
            columns.close()


class HeldEncoder:
    """Implements models.engine.Encoder over a lease."""

    def __init__(self, lease: Lease) -> None:
        self._engine = lease.engine
        self.key = lease.spec.key
        self.origin = Origin("neural", engine=lease.spec.key, model=lease.spec.repo)
        self.fingerprint: str = lease.engine.fingerprint
        self.dim: int = lease.engine.dim
        self.n_context: int = lease.engine.n_context

    def embed(self, texts: Sequence[str], task: Task, *, query: bool = False) -> "np.ndarray":
        """See Encoder."""
        return self._engine.embed(texts, task, query=query)


def hold_columns(pool: ModelPool, key: str, adapters: Sequence[str], task: Task, stack: ExitStack) -> HeldColumns:
    """Leases the base ("" in `adapters`) and adapters, one after another; `stack` gives them back.

    All of them lie on the precision that the first one was given.
    """
    leases = [stack.enter_context(pool.lease(key, task, adapter=adapter)) for adapter in adapters]
    held = HeldColumns(leases)
    stack.callback(held.close)
    return held
