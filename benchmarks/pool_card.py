"""Whole against int8 weights on one device, at sizes that fill a card: memory, decode speed, three columns against
one, eight visitors against one. Written for CUDA, where it has not been run yet; the same functions run on a CPU with
a tiny model, which is how they are tested. Random weights.
"""

import gc
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pool_models, pool_streams
from benchmarks.pool_models import Size
from models.hf import HFModel, load
from models.spec import Precision
from models.task import Task

SIZES = {"1": Size(2048, 20), "4": Size(3072, 32)}  # 1.1 and 3.8 billion parameters
N_TOKENS, N_VISITORS, PROMPT_TOKENS = 64, 8, 32


@dataclass(frozen=True, slots=True)
class Card:
    """One model in one precision. Bytes; tokens per second; columns in seconds over one column's."""

    precision: str
    n_bytes: int  # of weights
    peak_bytes: int  # of all that the device held while answers ran; 0 on a CPU
    one: float
    eight: float  # all visitors together
    columns: float


def compared(size: Size, device: str, *, n_tokens: int = N_TOKENS) -> list[Card]:
    """The size in 16 bits (32 on a CPU) and in int8."""
    half = device != "cpu"
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder = pool_models.base(home / "base", size, device=device, half=half)
        loras = pool_models.adapters(home / "adapters", size, ("a", "b"))
        _free(device)
        wide = Precision.FP16 if half else Precision.FP32
        found = [_card(folder, loras, precision, device, n_tokens) for precision in (wide, Precision.INT8)]
        shutil.rmtree(folder)
    return found


def _card(folder: Path, loras: dict[str, Path], precision: Precision, device: str, n_tokens: int) -> Card:
    model = load(folder, precision, device, Task())
    for key, place in loras.items():
        model.add_adapter(key, place)
    card = _measured(model, device, n_tokens)
    if not model.unload():
        raise RuntimeError("somebody still holds the model")
    _free(device)
    return card


def _measured(model: HFModel, device: str, n_tokens: int) -> Card:
    keys = (None, *(adapter.key for adapter in model.adapters))
    texts = [pool_models.prompt(model._tokenizer, PROMPT_TOKENS, at) for at in range(N_VISITORS)]
    asks = [(text, keys[at % len(keys)]) for at, text in enumerate(texts)]
    pool_streams.together(model, asks, 4)  # the first passes choose kernels
    one = pool_streams.tokens_per_s(model, asks[:1], n_tokens)
    eight = pool_streams.tokens_per_s(model, asks, n_tokens)
    columns = pool_streams.columns(model, texts[0], keys, n_tokens, 3)
    return Card(model.precision.value, model.n_bytes, _peak(device), one, eight, columns)


def _peak(device: str) -> int:
    import torch

    return torch.cuda.max_memory_allocated() if device != "cpu" else 0


def _free(device: str) -> None:
    import torch

    gc.collect()
    if device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def report(name: str, cards: list[Card]) -> None:
    """Prints one row per precision, then int8 over the other."""
    print(f"{name + ' B parameters':18}{'weights MiB':>13}{'peak MiB':>10}{'1 visitor':>11}{'8':>9}{'columns':>10}")
    for card in cards:
        sizes = f"{card.n_bytes / 2**20:13.0f}{card.peak_bytes / 2**20:10.0f}"
        print(f"  {card.precision:16}{sizes}{card.one:7.1f} t/s{card.eight:5.0f} t/s{card.columns:8.2f} ×")
    wide, int8 = cards
    print(
        f"  int8 over {wide.precision}: memory {int8.n_bytes / wide.n_bytes:.2f} ×, speed {int8.one / wide.one:.2f} ×;"
    )
    print(f"  8 visitors over 1: {wide.eight / wide.one:.2f} × and {int8.eight / int8.one:.2f} × the tokens")
