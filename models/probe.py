"""Is a model that was just loaded fit to be published? Its logits are finite, and what visitors will get (rows of
unequal length in one batch) is what transformers' own `generate` writes. Some architectures are silently wrong in a
batch; those are found here and served one row at a time.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.batching import Batch, Forward, Row
from models.engine import GenOptions
from models.errors import ModelUnavailable
from models.streamer import Writer
from models.task import Task

if TYPE_CHECKING:
    import torch

N_TOKENS = 5
LENGTHS = (4, 11)  # tokens of the two prompts
TIE = {"fp32": 1e-3}  # gap between two logits, in standard deviations, below which either may win
LOOSE_TIE = 0.1  # for every precision below fp32


class _Silent:
    """A decoder for rows that nobody reads."""

    def push(self, token: int) -> str:
        return ""

    def flush(self) -> str:
        return ""


def rows_per_step(forward: Forward, n_context: int, precision: str, *, wanted: int, task: Task) -> int:
    """How many rows may share a step: `wanted` where batching is exact, else 1.

    Raises ModelUnavailable when logits are not finite or even a single row is not what `generate` writes.
    """
    prompts = [_prompt(forward, length) for length in LENGTHS]
    references = [_reference(forward, prompt, task) for prompt in prompts]
    tie = TIE.get(precision, LOOSE_TIE)
    for together in (True, False):
        groups = [prompts] if together else [[prompt] for prompt in prompts]
        written = [tokens for group in groups for tokens in _written(forward, group, n_context, task)]
        if all(_same(tokens, *reference, tie) for tokens, reference in zip(written, references, strict=True)):
            return wanted if together else 1
    raise ModelUnavailable("model_self_check")


def _prompt(forward: Forward, length: int) -> list[int]:
    """Ids spread over the vocabulary, the same for every run."""
    size = forward.model.config.get_text_config().vocab_size
    return [(7 + 7919 * at * length) % size for at in range(1, length + 1)]


def _reference(forward: Forward, prompt: Sequence[int], task: Task) -> "tuple[list[int], torch.Tensor]":
    """What `generate` writes, and its logits (tokens, vocabulary)."""
    import torch
    from transformers import GenerationConfig

    task.check()
    ids = torch.tensor([list(prompt)], device=forward.device)
    settings = GenerationConfig(
        max_new_tokens=N_TOKENS, do_sample=False, pad_token_id=0, return_dict_in_generate=True, output_logits=True
    )
    with torch.inference_mode(), forward.selection.use([None]):
        out = forward.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)
    logits = torch.cat(out.logits).float()
    if not bool(logits.isfinite().all()):
        raise ModelUnavailable("model_not_finite")
    return out.sequences[0, len(prompt) :].tolist(), logits


def _written(forward: Forward, prompts: Sequence[list[int]], n_context: int, task: Task) -> list[list[int]]:
    """What the shared decode step writes for these prompts in one batch."""
    import torch

    greedy = GenOptions(max_new_tokens=N_TOKENS, temperature=0.0)
    rows = [
        Row(list(prompt), len(prompt), greedy, None, Writer(_Silent(), Task()), None, frozenset(), n_context)
        for prompt in prompts
    ]
    batch = Batch(rows, forward.device)
    with torch.inference_mode():
        while not all(row.writer.ended for row in rows):
            task.check()
            batch.step(forward, chunk_tokens=8)  # smaller than the prompts, so that chunks are checked as well
    return [row.ids[row.n_prompt :] for row in rows]


def _same(tokens: Sequence[int], reference: Sequence[int], logits: "torch.Tensor", tie: float) -> bool:
    """Whether two greedy texts are the same up to where two tokens were as good as equal."""
    for at, (token, expected) in enumerate(zip(tokens, reference, strict=False)):
        if token != expected:
            return bool(logits[at, expected] - logits[at, token] <= tie * logits[at].std())
    return True
