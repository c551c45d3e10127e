"""What visitors of one base feel, measured: together and alone, the first word, the switch, the stop, side by side.

Every function measures one thing on a loaded model, whatever its size and device, and returns numbers; nothing is
printed here. What is compared is measured in turns, in one run.
"""

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from models.batching import Forward
from models.engine import GenOptions
from models.hf import HFModel
from models.task import Task

Ask = tuple[str, str | None]  # prompt and adapter


@dataclass(frozen=True, slots=True)
class Answer:
    """One visitor's answer, and when its first characters came, in seconds after asking."""

    text: str
    first_s: float


def greedy(n_tokens: int) -> GenOptions:
    """Exactly so many tokens, the likeliest each."""
    return GenOptions(max_new_tokens=n_tokens, temperature=0.0, end_loops=False)


def answer(model: HFModel, ask: Ask, n_tokens: int) -> Answer:
    """One visitor."""
    started, first, parts = time.perf_counter(), 0.0, []
    for delta in model.generate(ask[0], greedy(n_tokens), adapter=ask[1], task=Task()):
        first = first or time.perf_counter() - started
        parts.append(delta)
    return Answer("".join(parts), first)


def alone(model: HFModel, asks: Sequence[Ask], n_tokens: int) -> list[Answer]:
    """One visitor after the other."""
    return [answer(model, ask, n_tokens) for ask in asks]


def together(model: HFModel, asks: Sequence[Ask], n_tokens: int) -> list[Answer]:
    """All visitors in the same instant."""
    return in_threads([lambda ask=ask: answer(model, ask, n_tokens) for ask in asks])


def in_threads(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the calls return, each in a thread of its own, none before all are ready."""
    found: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(at: int) -> None:
        gate.wait()
        found[at] = calls[at]()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def joining(model: HFModel, asks: Sequence[Ask], pause_s: float) -> list[float]:
    """First words of visitors who come one by one while the others write: the last asker joins all but one."""
    firsts = []
    writing = [model.generate(text, greedy(600), adapter=adapter, task=Task()) for text, adapter in asks[1:]]
    for stream in writing:
        next(stream)
    for round_ in range(8):
        time.sleep(pause_s * (1 + round_ / 8))  # at every point of a step
        firsts.append(answer(model, asks[0], 1).first_s)
    for stream in writing:
        stream.close()
    return firsts


def cpu_s(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of all threads, and what the work returned."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def sharing(model: HFModel, asks: Sequence[Ask], n_tokens: int, rounds: int) -> tuple[float, float, bool]:
    """Processor seconds one after the other and all together (medians), and whether all answers are the same."""
    serial, shared, same = [], [], True
    for _ in range(rounds):
        seconds, expected = cpu_s(lambda: alone(model, asks, n_tokens))
        serial.append(seconds)
        seconds, found = cpu_s(lambda: together(model, asks, n_tokens))
        shared.append(seconds)
        same = same and [got.text for got in found] == [got.text for got in expected]
    return statistics.median(serial), statistics.median(shared), same


def first_words(model: HFModel, asks: Sequence[Ask], rounds: int) -> tuple[float, float, float, float]:
    """Seconds to the first word: a lone visitor's (median); of visitors of one instant, the median and the worst
    (medians over rounds); the median of those who join others that write."""
    lone, middle, worst, joined = [], [], [], []
    for _ in range(rounds):
        lone += [answer(model, ask, 1).first_s for ask in asks]
        found = [got.first_s for got in together(model, asks, 8)]
        middle.append(statistics.median(found))
        worst.append(max(found))
        joined += joining(model, asks, statistics.median(lone))
    return tuple(statistics.median(values) for values in (lone, middle, worst, joined))  # type: ignore[return-value]


def bound(model: HFModel, prompts: Sequence[str], rounds: int) -> float:
    """How many times longer one pass takes that reads all prompts than one that reads a single one: what arithmetic
    allows, without any queue."""
    import torch
    from transformers import DynamicCache

    rows = [model._tokenizer(text)["input_ids"] for text in prompts]
    width = round(statistics.mean(map(len, rows)))
    ids = torch.tensor([(row * width)[:width] for row in rows], device=model.device)
    times: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(rounds):
            for part, found in zip((ids[:1], ids), times, strict=True):
                positions = torch.arange(width, device=ids.device).expand(len(part), -1)
                started = time.perf_counter()
                model._forward(part, None, positions, DynamicCache(), [None] * len(part)).cpu()
                found.append(time.perf_counter() - started)
    return statistics.median(times[1]) / statistics.median(times[0])


def lone(model: HFModel, bare: Any, text: str, n_tokens: int, rounds: int) -> tuple[float, float]:  # noqa: ANN401
    """A single visitor over transformers' `generate` with its own streamer: ratio by the clock, and of processor
    time; medians of pairs."""
    walls, cpus = [], []
    for _ in range(rounds):
        pair = []
        for work in (lambda: answer(model, (text, None), n_tokens), lambda: _bare(bare, model, text, n_tokens)):
            started = time.perf_counter()
            seconds, _ = cpu_s(work)
            pair.append((time.perf_counter() - started, seconds))
        walls.append(pair[0][0] / pair[1][0])
        cpus.append(pair[0][1] / pair[1][1])
    return statistics.median(walls), statistics.median(cpus)


def _bare(bare: Any, model: HFModel, text: str, n_tokens: int) -> str:  # noqa: ANN401
    import torch
    from transformers import TextIteratorStreamer

    ids = torch.tensor([model._tokenizer(text)["input_ids"]], device=model.device)
    streamer = TextIteratorStreamer(model._tokenizer, skip_prompt=True)
    settings = {"max_new_tokens": n_tokens, "do_sample": False, "pad_token_id": 0, "streamer": streamer}

    def run() -> None:
        with torch.inference_mode():
            bare.generate(ids, attention_mask=torch.ones_like(ids), **settings)

    thread = threading.Thread(target=run)
    thread.start()
    written = "".join(streamer)
    thread.join()
    return written


def switch_s(model: HFModel, rounds: int = 1000) -> float:
    """Seconds to choose another adapter for the next pass."""
    names = [adapter.name for adapter in model.adapters]
    started = time.perf_counter()
    for at in range(rounds):
        with model._forward.selection.use([names[at % len(names)]]):
            pass
    return (time.perf_counter() - started) / rounds


def mixed_errors(model: HFModel, asks: Sequence[Ask], n_requests: int, n_visitors: int = 20) -> int:
    """Of so many requests by visitors who all ask at once, how many answers are not what they are alone."""
    expected = {ask: answer(model, ask, 6).text for ask in asks}
    wanted = [asks[at % len(asks)] for at in range(n_requests)]

    def visit(part: Sequence[Ask]) -> int:
        return sum(answer(model, ask, 6).text != expected[ask] for ask in part)

    return sum(in_threads([lambda at=at: visit(wanted[at::n_visitors]) for at in range(n_visitors)]))


def columns(model: HFModel, text: str, adapters: Sequence[str | None], n_tokens: int, rounds: int) -> float:
    """Seconds of several columns over those of one, by the clock."""
    ratios = []
    for _ in range(rounds):
        times = []
        for keys in (adapters, adapters[:1]):
            started = time.perf_counter()
            with model.compare(text, greedy(n_tokens), keys, task=Task()) as found:
                for _ in found:
                    pass
            times.append(time.perf_counter() - started)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios)


def steps_after_stop(model: HFModel, text: str, rounds: int = 5) -> int:
    """The most passes that began after a visitor pressed stop."""
    most, forward = 0, model._forward
    for _ in range(rounds):
        task = Task()
        stream = model.generate(text, greedy(400), task=task)
        for _ in range(3):
            next(stream)
        before = _passes(forward)
        task.stop()
        time.sleep(0.3)
        most = max(most, _passes(forward) - before)
    return most


def _passes(forward: Forward) -> int:
    return forward.n_calls


def tokens_per_s(model: HFModel, asks: Sequence[Ask], n_tokens: int) -> float:
    """Tokens of all visitors together in a second, prompts included in the time."""
    started = time.perf_counter()
    together(model, asks, n_tokens)
    return len(asks) * n_tokens / (time.perf_counter() - started)
