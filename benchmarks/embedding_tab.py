"""How long 5,000 lines take in the embedding tab, step by step: `python -m benchmarks.embedding_tab [lines] [method]`.

The lines are put together from the shipped examples with a seed, so nobody's data is needed. Seconds on the clock and
of the processor: on a busy machine only the latter can be compared.
"""

import json
import random
import sys
import time

from apps.embedding import Options, atlases, read_lines, search, warm
from apps.embedding.figure import figure
from models import engine_for
from models.assets import read
from models.task import Task


class Clock(Task):
    """A Task that notes when each step begins."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[tuple[str, float, float]] = []

    def step(self, fraction: float, note: str = "") -> None:
        """Reports progress as a Task does."""
        if note and (not self.begun or self.begun[-1][0] != note):
            self.begun.append((note, time.perf_counter(), time.process_time()))
        super().step(fraction, note)


def lines(count: int, seed: int = 0) -> str:
    """`count` different lines, each made of two clauses of the examples."""
    chance = random.Random(seed)
    shipped = [
        line.split("\t")[0] for group in json.loads(read("examples", "embedding.json")).values() for line in group
    ]
    clauses = [clause for line in shipped for clause in line.split("，")]
    return "\n".join(f"{chance.choice(shipped)}，{chance.choice(clauses)}{at}" for at in range(count))


def measure(count: int, method: str) -> list[tuple[str, float, float]]:
    """(step, seconds on the clock, of the processor) of one visitor's map with a search, all libraries being warm."""
    text, clock = lines(count), Clock()
    clock.step(0, "embedding.reading")
    found = list(atlases(read_lines(text), Options(method), clock))
    clock.step(0.99, "embedding.drawing")
    print(f"{'figure, MB':28}{len(figure(found[-1]).to_json()) / 1e6:8.2f}")
    clock.step(1, "embedding.searching")
    search(found[-1], "快递太慢了", 50, clock)
    marks = [*clock.begun, ("", time.perf_counter(), time.process_time())]
    steps = [(one[0], two[1] - one[1], two[2] - one[2]) for one, two in zip(marks, marks[1:], strict=False)]
    return [*steps, ("total", sum(step[1] for step in steps), sum(step[2] for step in steps))]


def main() -> None:
    """Prints the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    method = sys.argv[2] if len(sys.argv) > 2 else "umap"
    begin, begin_cpu = time.perf_counter(), time.process_time()
    warm()
    engine_for("embed").embed(["骆驼"], Task())
    warmed = ("warm-up", time.perf_counter() - begin, time.process_time() - begin_cpu)
    for name, clock, processor in (warmed, *measure(count, method)):
        print(f"{name:28}{clock:8.2f}{processor:8.2f}")


if __name__ == "__main__":
    main()
