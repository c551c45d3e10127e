"""The model pool's engine in ratios of one run: sharing, first words, overhead, adapters, int8, stop.

    python -m benchmarks.pool [--rounds N] [--threads N]     # on a CPU, a random Llama of 34 million parameters
    python -m benchmarks.pool --cuda [--sizes 1 4]           # on a card, 16 bits against int8, at 1 and 4 billion

Protocol: eight visitors on five adapters (the bare base is one of them), greedy, float32; prompts of 16 to 30 tokens,
as people type, and for the first word also of 4. A lone visitor is the same engine with nobody else there. «Together»:
all eight ask in the same instant, so on a processor that computes at its limit the first word of eight prompts cannot
come sooner than eight prompts take to read: the bound is printed beside it; where it is above 2 the goal is missed.
«Joining»: one asks while seven write. One thread by default: with more, threads that wait for one another spin, and
count as processor time.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import int8_cpu, pool_card, pool_models, pool_streams
from models.hf import HFModel, load
from models.spec import Precision
from models.task import Task

LENGTHS = (16, 18, 20, 22, 24, 26, 28, 30)  # tokens of the eight prompts
N_TOKENS, N_REQUESTS = 48, 220


@dataclass(frozen=True, slots=True)
class Line:
    """One figure, the goal it is held to (None: told only), and whether less is better."""

    name: str
    value: float
    goal: float | None = None
    less: bool = True

    @property
    def missed(self) -> bool:
        """Whether the goal was not reached."""
        return self.goal is not None and (self.value > self.goal if self.less else self.value < self.goal)

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"  goal {'≤' if self.less else '≥'} {self.goal:.4g}"
        return f"{self.name:66}{self.value:10.4g}{goal}{'  MISSED' if self.missed else ''}"


def asks_for(model: HFModel, lengths: tuple[int, ...]) -> list[pool_streams.Ask]:
    """A prompt of each length, the base and its adapters in turn."""
    keys = [None, *(adapter.key for adapter in model.adapters)]
    texts = [pool_models.prompt(model._tokenizer, length, at) for at, length in enumerate(lengths)]
    return [(text, keys[at % len(keys)]) for at, text in enumerate(texts)]


def first_words(model: HFModel, lengths: tuple[int, ...], rounds: int) -> list[Line]:
    """How much later than a lone visitor's the first words of eight come."""
    asks = asks_for(model, lengths)
    lone, middle, worst, joined = pool_streams.first_words(model, asks, rounds)
    bound = pool_streams.bound(model, [text for text, _ in asks], rounds)
    told = f"first word, prompts of {min(lengths)}-{max(lengths)} tokens"
    return [
        Line(f"{told}: lone visitor, ms", lone * 1000),
        Line(f"{told}: joining seven, × lone", joined / lone, 2.0),
        Line(f"{told}: eight at once, median × lone", middle / lone),
        Line(f"{told}: eight at once, worst × lone", worst / lone, 2.0),
        Line(f"{told}: reading eight prompts, × one (bound)", bound),
    ]


def shared(model: HFModel, rounds: int, n_requests: int) -> list[Line]:
    """Eight visitors on five adapters."""
    asks = asks_for(model, LENGTHS)
    serial, together, same = pool_streams.sharing(model, asks, N_TOKENS, rounds)
    lines = [
        Line("8 streams together, processor time × one after the other", together / serial, 1 / 3),
        Line("8 streams together, texts that differ from solo runs", float(not same), 0.0),
        *first_words(model, (4,) * 8, rounds),
        *first_words(model, LENGTHS, rounds),
        Line(f"wrong answers in {n_requests} mixed requests", pool_streams.mixed_errors(model, asks, n_requests), 0.0),
        Line("adapter switch, ms", pool_streams.switch_s(model) * 1000, 1.0),
    ]
    keys = [None, *(adapter.key for adapter in model.adapters)][:3]
    lines.append(Line("3 columns, time × one", pool_streams.columns(model, asks[0][0], keys, N_TOKENS, rounds)))
    lines.append(Line("passes after a stop", pool_streams.steps_after_stop(model, asks[0][0]), 2.0))
    return lines


def lone(folder: Path, rounds: int) -> list[Line]:
    """A single visitor against transformers' own `generate` with a streamer."""
    import torch
    from transformers import AutoModelForCausalLM

    bare = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    model = load(folder, Precision.FP32, "cpu", Task())
    text = pool_models.prompt(model._tokenizer, 24, 0)
    clock, cpu = pool_streams.lone(model, bare, text, N_TOKENS, rounds)
    model.unload()
    return [
        Line("single visitor, time × bare generate with a streamer", clock, 1.1),
        Line("single visitor, processor time × bare generate with a streamer", cpu, 1.1),
    ]


def quantised(folder: Path, rounds: int) -> list[Line]:
    """int8 on the CPU and the second load; benchmarks.int8_cpu prints the details."""
    import torch

    shape = argparse.Namespace(hidden=1024, layers=24, rounds=rounds * 5, load_hidden=2048, load_layers=16, loads=3)
    with torch.inference_mode():
        speed, cosine = int8_cpu.measure_speed(folder, shape)
        load_ratio = int8_cpu.measure_loads(folder, shape)
    return [
        Line("int8 decode, × float32 speed", speed, 1.3, less=False),
        Line("int8 logits, lowest cosine to float32", cosine, 0.995, less=False),
        Line("second load from the cache, × faster (0: logits differ)", load_ratio, 10.0, less=False),
    ]


def on_cpu(size: pool_models.Size, rounds: int, *, n_requests: int = N_REQUESTS) -> list[Line]:
    """All figures but those of int8."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        folder = pool_models.base(home / "base", size)
        model = load(folder, Precision.FP32, "cpu", Task())
        for key, place in pool_models.adapters(home / "adapters", size).items():
            model.add_adapter(key, place)
        lines = shared(model, rounds, n_requests)
        model.unload()
        return [*lines, *lone(folder, rounds)]


def main() -> None:
    """Measures, prints, and exits with 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of the processor")
    parser.add_argument("--cuda", action="store_true", help="on a card instead")
    parser.add_argument("--sizes", nargs="+", choices=pool_card.SIZES, default=list(pool_card.SIZES), help="billions")
    options = parser.parse_args()
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.set_num_threads(options.threads)
    if options.cuda:
        if not torch.cuda.is_available():
            sys.exit("there is no CUDA device here")
        print(torch.cuda.get_device_name())
        for name in options.sizes:
            pool_card.report(name, pool_card.compared(pool_card.SIZES[name], "cuda"))
        return
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, {options.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        lines = [*on_cpu(pool_models.SMALL, options.rounds), *quantised(Path(folder), options.rounds)]
    print("\n".join(map(str, lines)))
    missed = [line.name for line in lines if line.missed]
    sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
