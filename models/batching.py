"""One decode step for many visitors: rows of different length, adapter and settings in one left-padded batch.

A Batch begins as prompts, which go through the model in chunks, and then yields one token per row and step; rows leave
and batches join between steps. Rows do not see one another: padding is masked, positions count real tokens only.
Knows tensors and caches; knows nothing of threads and queues (models/lanes.py).
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.engine import GenOptions
from models.errors import ModelUnavailable
from models.lora import Selection
from models.sampling import pick
from models.streamer import Writer

if TYPE_CHECKING:
    import torch

WASTE = 512  # tokens of padding that a batch may hold in any case; beyond, at most as many as real tokens


@dataclass(eq=False, slots=True)
class Row:
    """One running answer."""

    ids: list[int]  # the prompt, then what was produced
    n_prompt: int
    options: GenOptions
    adapter: str | None  # as the model's layers know it; None: the bare base
    writer: Writer
    source: "torch.Generator | None"
    ends: frozenset[int]  # tokens that end an answer
    n_context: int
    retried: bool = False  # it has been through an out-of-memory once

    def accept(self, token: int) -> None:
        """Takes the next token; ends the answer at its end token, its length or the context."""
        if token in self.ends:
            self.writer.finish("stop")
            return
        self.ids.append(token)
        self.writer.push(token)
        if len(self.ids) - self.n_prompt >= self.options.max_new_tokens or len(self.ids) >= self.n_context:
            self.writer.finish("length")

    @property
    def n_reserved(self) -> int:
        """Tokens of cache that this row may come to hold."""
        return min(max(self.n_prompt + self.options.max_new_tokens, len(self.ids)), self.n_context)


class Forward:
    """One pass through the shared model with an adapter chosen for every row; the only door to the model."""

    def __init__(self, model: Any, selection: Selection) -> None:  # noqa: ANN401  (a PreTrainedModel)
        self.model, self.selection = model, selection
        self.device = str(model.device)
        known = inspect.signature(model.forward).parameters
        self._can_skip = "logits_to_keep" in known  # most positions' logits, which nobody reads
        self.n_calls = 0

    def __call__(
        self,
        ids: "torch.Tensor",
        mask: "torch.Tensor | None",
        positions: "torch.Tensor",
        cache: Any,  # noqa: ANN401
        adapters: Sequence[str | None],
        *,
        last: int = 1,
    ) -> "torch.Tensor":
        """Logits of the last positions, (rows, last, vocabulary) float32, for ids (rows, tokens)."""
        self.n_calls += 1
        with self.selection.use(adapters):
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                **({"logits_to_keep": last} if self._can_skip else {}),
            )
        return out.logits[:, -last:].float()


def wasteful(lengths: Sequence[int]) -> bool:
    """Whether rows of these lengths would mostly hold padding in one batch."""
    real = sum(lengths)
    return max(lengths) * len(lengths) - real > max(WASTE, real)


class Batch:
    """Rows that go through the model together."""

    def __init__(self, rows: Sequence[Row], device: str) -> None:
        import torch
        from transformers import DynamicCache

        self.rows = list(rows)
        width = max(len(row.ids) for row in rows)
        padded = [[0] * (width - len(row.ids)) + row.ids for row in rows]
        self._pending = torch.tensor(padded, device=device)  # (rows, tokens still to go through)
        real = torch.tensor([[0] * (width - len(row.ids)) + [1] * len(row.ids) for row in rows], device=device)
        self._mask = real  # (rows, width) int64: 1 where a token is real
        self._done = 0  # tokens that lie in the cache
        self._cache = DynamicCache()

    def again(self, rows: Sequence[Row], device: str) -> "Batch":
        """The same kind of batch, from the start."""
        return Batch(rows, device)

    @property
    def prefilling(self) -> bool:
        """Whether the prompts are still going through the model."""
        return self._pending.shape[1] > 1 or self._done == 0

    def step(self, forward: Forward, chunk_tokens: int) -> None:
        """One chunk of the prompts, or one token for every row."""
        width = min(self._pending.shape[1], max(1, chunk_tokens // len(self.rows)))
        ids, self._pending = self._pending[:, :width], self._pending[:, width:]
        seen = self._mask[:, : self._done + width]
        positions = (seen.cumsum(-1) - 1).clamp(min=0)[:, -width:]
        mask = None if self._whole() else seen
        logits = forward(ids, mask, positions, self._cache, [row.adapter for row in self.rows])
        self._done += width
        if not self._pending.shape[1]:
            self._take(logits[:, -1])

    def _whole(self) -> bool:
        """Whether no row is padded; attention is faster without a mask."""
        return all(len(row.ids) == self._mask.shape[1] for row in self.rows)

    def _take(self, logits: "torch.Tensor") -> None:
        import torch

        best, likeliest = logits.max(-1)
        finite = best.isfinite().tolist()
        chosen = [
            likeliest[at] if plain_greedy(row.options) or not finite[at] else self._pick(row, logits[at])
            for at, row in enumerate(self.rows)
        ]
        self._pending = torch.stack(chosen)[:, None]
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        for row, token, usable in zip(self.rows, self._pending[:, 0].tolist(), finite, strict=True):
            self._give(row, token, usable)

    @staticmethod
    def _pick(row: Row, logits: "torch.Tensor") -> "torch.Tensor":
        return pick(logits, row.options, row.ids, row.source)

    @staticmethod
    def _give(row: Row, token: int, usable: bool) -> None:
        """Hands a row its token; what goes wrong there is that row's own trouble."""
        if not usable:
            row.writer.fail(ModelUnavailable("model_not_finite"))
            return
        try:
            row.accept(token)
        except Exception as error:
            row.writer.fail(error)

    def keep(self, rows: Sequence[Row]) -> None:
        """Lets all other rows go, and the padding that only they needed."""
        import torch

        if len(rows) == len(self.rows):
            return
        index = torch.tensor([self.rows.index(row) for row in rows], device=self._mask.device)
        self.rows = list(rows)
        self._mask, self._pending = self._mask[index], self._pending[index]
        if self._done:
            self._cache.batch_select_indices(index)
        self._trim()

    def _trim(self) -> None:
        spare = min(self._done, self._mask.shape[1] - max(len(row.ids) for row in self.rows))
        if spare <= 0:
            return
        self._mask, self._done = self._mask[:, spare:], self._done - spare
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[:, :, spare:], layer.values[:, :, spare:]

    def join(self, other: "Batch") -> None:
        """Takes in the rows of another batch. Neither may be prefilling."""
        import torch

        width = max(self._done, other._done)
        self._widen(width)
        other._widen(width)
        for mine, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            mine.keys = torch.cat([mine.keys, theirs.keys])
            mine.values = torch.cat([mine.values, theirs.values])
        self.rows += other.rows
        self._mask = torch.cat([self._mask, other._mask])
        self._pending = torch.cat([self._pending, other._pending])

    def _widen(self, width: int) -> None:
        import torch

        more, self._done = width - self._done, width
        if more:
            self._mask = torch.nn.functional.pad(self._mask, (more, 0))
            for layer in self._cache.layers:
                layer.keys = torch.nn.functional.pad(layer.keys, (0, 0, more, 0))
                layer.values = torch.nn.functional.pad(layer.values, (0, 0, more, 0))


def plain_greedy(options: GenOptions) -> bool:
    """Whether the likeliest token is taken as it is."""
    return options.temperature == 0.0 and options.repetition_penalty == 1.0
