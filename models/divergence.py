"""Where an adapter speaks: token by token, how far it moves the base's mind about an answer that lies before both.

A Scan reads prompt and answer with two rows in every pass, the base's and the adapter's, and compares what each would
have said at every place of the answer. It goes through the lane like a prompt, chunk by chunk between other people's
steps. Knows tensors; knows no texts but the answer's tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.batching import Batch, Forward, Row
from models.decoding import Decoder
from models.errors import ModelUnavailable

if TYPE_CHECKING:
    import torch

COMPARED = 32  # tokens whose logits are held at once: 2 rows × 32 × 150,000 words in float32 are 37 MiB


@dataclass(frozen=True, slots=True)
class Shift:
    """One token of an answer; the texts joined are the answer. In nats."""

    text: str  # the characters that this token completes; "" inside a character
    token: int
    kl: float  # Kullback-Leibler divergence of the adapter's next-token distribution from the base's, ≥ 0
    gain: float  # log-probability of this token with the adapter, less the base's


class Scan(Batch):
    """Two rows, base first, whose tokens are all known: nothing is written, only compared."""

    def __init__(self, rows: Sequence[Row], device: str, found: list[tuple[float, float]]) -> None:
        """`found` takes (kl, gain) of every token of the answer."""
        super().__init__(rows, device)
        self._ids = self._pending  # (2, tokens)
        self._found = found
        found.clear()

    def again(self, rows: Sequence[Row], device: str) -> "Scan":
        """The same from the start."""
        return Scan(rows, device, self._found)

    @property
    def prefilling(self) -> bool:
        """Always: a scan never writes, so it is never joined with those who do."""
        return True

    @property
    def _first(self) -> int:
        """Where the answer begins."""
        return self.rows[0].n_prompt

    def step(self, forward: Forward, chunk_tokens: int) -> None:
        """One chunk of prompt and answer."""
        left = self._ids.shape[1] - 1 - self._done  # what would follow the last token is not asked
        width = min(left, max(1, chunk_tokens // 2))
        before = self._first - 1 - self._done
        width = min(width, before if before > 0 else COMPARED)
        if width:
            self._compare(self._pass(forward, width), width)
        if self._done >= self._ids.shape[1] - 1:
            for row in self.rows:
                row.writer.finish("length")

    def _compare(self, logits: "torch.Tensor", width: int) -> None:
        """logits: (2, width, vocabulary), of the tokens that went through last."""
        if self._done < self._first:
            return
        logs = logits.log_softmax(-1)
        base, adapted = logs[0], logs[1]
        said = self._ids[0, self._done - width + 1 : self._done + 1, None]
        kl = (adapted.exp() * (adapted - base)).sum(-1)
        gain = (adapted - base).gather(-1, said)[:, 0]
        if not bool(kl.isfinite().all()):
            raise ModelUnavailable("model_not_finite")
        self._found += zip(kl.clamp_min(0.0).tolist(), gain.tolist(), strict=True)

    def _pass(self, forward: Forward, width: int) -> "torch.Tensor":
        import torch

        ids = self._ids[:, self._done : self._done + width]
        positions = torch.arange(self._done, self._done + width, device=ids.device).expand(2, -1)
        adapters = [row.adapter for row in self.rows]
        wanted = width if self._done + width >= self._first else 1
        logits = forward(ids, None, positions, self._cache, adapters, last=wanted)
        self._done += width
        return logits

    def keep(self, rows: Sequence[Row]) -> None:
        """Half a comparison is none: when one row leaves, so does the other."""
        if len(rows) < len(self.rows):
            for row in rows:
                row.writer.leave()


def shifts(tokens: Sequence[int], found: Sequence[tuple[float, float]], decode: Decoder) -> list[Shift]:
    """What a scan found, with the text of every token."""
    texts = [decode.push(token) for token in tokens]
    texts[-1] += decode.flush()
    return [Shift(text, token, *numbers) for text, token, numbers in zip(texts, tokens, found, strict=True)]
