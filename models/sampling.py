"""Which token comes next: penalties and cut-offs in the order of transformers' own processors, row by row, so that
every visitor of a shared batch keeps his own settings and his own seed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.engine import GenOptions

if TYPE_CHECKING:
    import torch


def generator(options: GenOptions, device: str) -> "torch.Generator | None":
    """The row's own source of chance; None where nothing is left to chance."""
    import torch

    if options.temperature == 0.0:
        return None
    source = torch.Generator(device=device)
    if options.seed is None:
        source.seed()
    else:
        source.manual_seed(options.seed)
    return source


def pick(
    logits: "torch.Tensor", options: GenOptions, seen: Sequence[int], source: "torch.Generator | None"
) -> "torch.Tensor":
    """The next token, () int64, from logits (vocabulary,) float32. `seen`: ids of prompt and answer so far."""
    import torch

    if options.repetition_penalty != 1.0:
        logits = _penalised(logits, options.repetition_penalty, seen)
    if source is None:
        return logits.argmax()
    logits = logits / options.temperature
    if 0 < options.top_k < logits.shape[0]:
        logits = logits.masked_fill(logits < logits.topk(options.top_k).values[-1], float("-inf"))
    if options.top_p < 1.0:
        logits = _nucleus(logits, options.top_p)
    return torch.multinomial(logits.softmax(-1), 1, generator=source)[0]


def _penalised(logits: "torch.Tensor", penalty: float, seen: Sequence[int]) -> "torch.Tensor":
    """Keskar et al. 2019 (CTRL): positive logits of tokens seen are divided, negative ones multiplied."""
    import torch

    ids = torch.tensor(sorted(set(seen)), device=logits.device)
    found = logits[ids]
    return logits.index_put((ids,), torch.where(found < 0, found * penalty, found / penalty))


def _nucleus(logits: "torch.Tensor", top_p: float) -> "torch.Tensor":
    """Holtzman et al. 2019: the smallest set of tokens whose probability is at least top_p."""
    ordered, ids = logits.sort()
    below = ordered.softmax(-1).cumsum(-1) <= 1.0 - top_p
    below[-1] = False
    return logits.index_fill(0, ids[below], float("-inf"))
