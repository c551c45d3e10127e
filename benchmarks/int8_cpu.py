"""int8 on the CPU: our forward against bitsandbytes' own and against float32, and the second load against the first.

`python -m benchmarks.int8_cpu [--hidden N] [--layers N] [--rounds N] [--avx2]` builds a random Llama (about 300 million
parameters by default), lets the three take turns token by token, and prints medians and ratios of one run; then loads
a larger one (850 million) by quantising and from the cache in turn. Random weights say nothing about language; speed,
memory and arithmetic are those of a real model of that size. `--avx2` hides AVX-512 from the libraries. On a machine
that others keep busy, threads wait for one another: trust `--threads 1` and processor time there.
"""

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models.int8 import install
from models.int8_cache import QuantisedCache
from models.task import Task

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

GOALS = {"decode, × float32": 1.3, "cosine to float32": 0.995, "second load, × faster": 10.0}
WITHOUT_AVX512 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
VOCABULARY, PROMPT_TOKENS = 8192, 128
RECIPE = "int8 float32"


@dataclass(slots=True)
class Times:
    """Seconds of one contestant, one entry per turn: by the clock, and of the processor."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def turn(self, work: Callable[[], object]) -> None:
        """Does the work once and adds what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)

    def median(self) -> tuple[float, float]:
        """(wall, cpu) seconds."""
        return statistics.median(self.wall), statistics.median(self.cpu)


def checkpoint(folder: Path, hidden: int, layers: int) -> None:
    """Writes a random Llama in bfloat16, as checkpoints are published."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=hidden * 11 // 4,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden // 64),
        vocab_size=VOCABULARY,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def wide(folder: Path) -> "PreTrainedModel":
    """The checkpoint in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def quantised(folder: Path) -> "PreTrainedModel":
    """The checkpoint, its linear layers turned into int8 now."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_8bit=True)
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, quantization_config=config, device_map={"": "cpu"}
    ).eval()


def reopened(folder: Path) -> "PreTrainedModel":
    """A checkpoint that was saved in int8."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, device_map={"": "cpu"}).eval()


def prompt() -> "Tensor":
    """(1, PROMPT_TOKENS) token ids."""
    import torch

    return torch.randint(0, VOCABULARY, (1, PROMPT_TOKENS), generator=torch.Generator().manual_seed(1))


def logits(model: "PreTrainedModel") -> "Tensor":
    """(PROMPT_TOKENS, vocabulary) with half of the prompt read at once and the rest token by token."""
    import torch

    ids, parts, cache = prompt(), [], None
    for start, stop in [(0, PROMPT_TOKENS // 2), *((i, i + 1) for i in range(PROMPT_TOKENS // 2, PROMPT_TOKENS, 8))]:
        out = model(ids[:, start:stop], past_key_values=cache, use_cache=True)
        parts, cache = [*parts, out.logits[0]], out.past_key_values
    return torch.cat(parts)


def speeds(models: "dict[str, PreTrainedModel]", rounds: int) -> tuple[dict[str, Times], dict[str, Times]]:
    """Prefill of the prompt and decoding of single tokens; the contestants take turns."""
    prefill, decode = {name: Times() for name in models}, {name: Times() for name in models}
    ids = prompt()
    for _ in range(max(3, rounds // 5)):
        for name, model in models.items():
            prefill[name].turn(lambda model=model: model(ids))
    caches = {name: model(ids[:, :16], use_cache=True).past_key_values for name, model in models.items()}
    for _ in range(rounds):
        for name, model in models.items():
            decode[name].turn(lambda m=model, c=caches[name]: m(ids[:, :1], past_key_values=c, use_cache=True))
    return prefill, decode


def loads(source: Path, cache: QuantisedCache, rounds: int) -> tuple[Times, Times, bool]:
    """Quantising against a cache hit, in turn, and whether both give the same bits."""
    import torch

    first, second, same = Times(), Times(), True
    for _ in range(rounds):
        models = []
        first.turn(lambda models=models: models.append(quantised(source)))
        second.turn(lambda models=models: models.append(from_cache(source, cache)))
        expected, got = (model(prompt()[:, :16]).logits for model in models)
        same = same and torch.equal(expected, got)
    return first, second, same


def from_cache(source: Path, cache: QuantisedCache) -> "PreTrainedModel":
    """The model as the pool gets it: quantised the first time only."""
    return cache.load(source, RECIPE, quantise=lambda: quantised(source), reopen=reopened, task=Task()).model


def mib(model: "PreTrainedModel") -> float:
    """MiB of all weights and scales, each counted once."""
    tensors = {tensor.data_ptr(): tensor for tensor in model.state_dict().values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) / 2**20


def table(title: str, times: dict[str, Times], tokens: int) -> float:
    """Prints one row per contestant; returns our speed over float32's, by the clock."""
    wall, cpu = times["float32"].median()
    print(f"{title:30}{'tokens/s':>10}{'× float32':>11}{'cpu ms':>9}{'× float32':>11}")
    for name, row in times.items():
        w, c = row.median()
        print(f"  {name:28}{tokens / w:10.1f}{wall / w:11.2f}{c / tokens * 1000:9.2f}{cpu / c:11.2f}")
    ours, library = times["int8, ours"].median(), times["int8, library"].median()
    print(f"  ours over the library: {library[0] / ours[0]:.2f} × (processor time {library[1] / ours[1]:.2f} ×)")
    return wall / ours[0]


def measure_speed(folder: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Prints memory, cosines and speed; returns our decode speed over float32's, and our lowest cosine."""
    import torch

    source, cache = folder / "source", QuantisedCache(folder / "cache", 1 << 40)
    checkpoint(source, options.hidden, options.layers)
    from_cache(source, cache)
    models = {name: from_cache(source, cache) for name in ("int8, library", "int8, ours")}
    models = {"float32": wide(source), **models}
    start = time.perf_counter()
    report = install(models["int8, ours"])
    print(f"{models['float32'].num_parameters() / 1e6:.0f} M parameters; {torch.get_num_threads()} threads")
    print(f"{report}, self-test {time.perf_counter() - start:.2f} s")
    sizes = {name: mib(model) for name, model in models.items()}
    print(", ".join(f"{name} {size:.0f} MiB" for name, size in sizes.items()), end="; ")
    print(f"int8 is {100 * sizes['int8, ours'] / sizes['float32']:.0f} % of float32")
    exact = logits(models["float32"])
    cosines = {n: float(torch.cosine_similarity(logits(m), exact, dim=-1).min()) for n, m in models.items()}
    print(
        "lowest cosine of logits to float32:", ", ".join(f"{n} {c:.5f}" for n, c in cosines.items() if n != "float32")
    )
    prefill, decode = speeds(models, options.rounds)
    table(f"prompt of {PROMPT_TOKENS}, median of {len(prefill['float32'].wall)}", prefill, PROMPT_TOKENS)
    return table(f"decode, median of {options.rounds}", decode, 1), cosines["int8, ours"]


def measure_loads(folder: Path, options: argparse.Namespace) -> float:
    """Prints how long loads take; returns how many times faster the cache is, 0 when it changes a bit."""
    source, cache = folder / "large", QuantisedCache(folder / "large cache", 1 << 40)
    checkpoint(source, options.load_hidden, options.load_layers)
    from_cache(source, cache)
    first, second, same = loads(source, cache, options.loads)
    (slow, slow_cpu), (quick, quick_cpu) = first.median(), second.median()
    print(f"load by quantising {slow:.2f} s, from the cache {quick:.2f} s: {slow / quick:.1f} × faster", end="")
    print(f" (processor time {slow_cpu / quick_cpu:.1f} ×); logits bitwise {'equal' if same else 'DIFFERENT'}")
    return slow / quick if same else 0.0


def main() -> None:
    """Measures, prints, and exits with 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=1024, help="a multiple of 64")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=25, help="tokens that each contestant decodes")
    parser.add_argument("--load-hidden", type=int, default=2048, help="of the model that is loaded; a multiple of 64")
    parser.add_argument("--load-layers", type=int, default=16)
    parser.add_argument("--loads", type=int, default=3, help="loads of each kind")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--avx2", action="store_true", help="as on a CPU without AVX-512")
    options = parser.parse_args()
    if options.avx2 and any(os.environ.get(name) != value for name, value in WITHOUT_AVX512.items()):
        os.execve(
            sys.executable, [sys.executable, "-m", "benchmarks.int8_cpu", *sys.argv[1:]], os.environ | WITHOUT_AVX512
        )
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # its own forward warns once per layer and token
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        speed, cosine = measure_speed(Path(folder), options)
        reached = dict(zip(GOALS, (speed, cosine, measure_loads(Path(folder), options)), strict=True))
    missed = [f"{name}: {reached[name]:.3g} < {goal}" for name, goal in GOALS.items() if reached[name] < goal]
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
