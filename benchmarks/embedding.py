"""Speed of the embedding tab in ratios of one run: search, first map, whole pipeline, added texts.

    python -m benchmarks.embedding [search first grow pipeline] [--texts 50000]

Every ratio compares two things that were timed in turn on the same machine, so it holds on a busy one too. The texts
are put together from the shipped examples with a seed, so nobody's data is needed.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from apps.embedding import Atlas, Options, atlases, read_lines, search, warm
from apps.embedding.corpus import Corpus
from apps.embedding.find import Query
from apps.embedding.grow import extended
from apps.embedding.payload import by_cluster, points
from apps.embedding.space import Space
from apps.embedding.vectors import Vectors
from models.assets import read
from models.spec import Origin
from models.task import Task

ROWS, DIM, BEST, ROUNDS = 100_000, 384, 50, 31
PARTS = ("search", "first", "grow", "pipeline")


def lines(count: int, seed: int = 0) -> str:
    """`count` different lines, each made of a line and a clause of the examples and a number."""
    chance = random.Random(seed)
    shipped = [
        line.split("\t")[0] for group in json.loads(read("examples", "embedding.json")).values() for line in group
    ]
    clauses = [clause for line in shipped for clause in line.split("，")]
    return "\n".join(f"{chance.choice(shipped)}，{chance.choice(clauses)}{seed}{at}" for at in range(count))


def told(name: str, ratio: float, goal: str, note: str) -> None:
    """One figure with its goal."""
    print(f"{name:44}{ratio:8.2f}   goal {goal:8}{note}", flush=True)


def in_turn(*works: Callable[[], object]) -> list[float]:
    """Median milliseconds on the clock of each, run alternately."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            begin = time.perf_counter()
            work()
            times.append(1_000 * (time.perf_counter() - begin))
    return [statistics.median(times) for times in taken]


def search_speed() -> None:
    """One query over 100,000 rows against one matrix–vector product with selection, and against the original's way."""
    rows = np.random.default_rng(0).normal(size=(ROWS, DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    atlas, query = bare_atlas(rows), rows[7].copy()

    def product() -> "np.ndarray":
        return np.argpartition(rows @ query, ROWS - BEST)[ROWS - BEST :]

    def original() -> "np.ndarray":
        likeness = rows @ query / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))
        return np.argsort(likeness)[::-1][:BEST]

    ours, bare, old = in_turn(lambda: search(atlas, Query(like=(7,)), BEST, Task()), product, original)
    told("search / BLAS product and selection", ours / bare, "<= 1.3", f"{ours:.1f} / {bare:.1f} ms")
    told("the original's norms and argsort / search", old / ours, ">= 4", f"{old:.1f} / {ours:.1f} ms")


def bare_atlas(rows: "np.ndarray") -> Atlas:
    """An atlas of these rows with nothing but what search looks at."""
    n, none = len(rows), np.zeros(0, np.float32)
    names = tuple(map(str, range(n)))
    corpus = Corpus(names, ("",) * n, (1,) * n, tuple(range(1, n + 1)), total=n)
    vectors = Vectors(rows, "", "uploaded", "benchmark", Origin("neural", "uploaded", "uploaded"))
    space = Space(rows[:, :2], none, none, none, none)
    return Atlas(corpus, vectors, space, rows[:, :2], np.zeros(n, np.int32), ((),), ((),), Options(), "pca")


def first_map() -> None:
    """The first map of 1,000 texts in a fresh process, after what the hub warms once its page is up, and the second."""
    script = (
        "import time\n"
        "from apps.embedding import atlases, Options, read_lines, warm\n"
        "from benchmarks.embedding import lines\n"
        "from models.task import Task\n"
        "def draw(seed):\n"
        "    corpus, begin = read_lines(lines(1000, seed)), time.perf_counter()\n"
        "    made = atlases(corpus, Options(), Task())\n"
        "    next(made)\n"
        "    shown = time.perf_counter() - begin\n"
        "    list(made)\n"
        "    return shown, time.perf_counter() - begin\n"
        "begin = time.perf_counter()\n"
        "WARM\n"
        "print(time.perf_counter() - begin, *draw(1), *draw(2))\n"
    )
    for name, warming in (("first map shown / second, warmed", "warm()"), ("first map shown / second, cold", "pass")):
        code = script.replace("WARM", warming)
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        warmed, shown, whole, again, again_whole = map(float, out.split()[-5:])
        note = f"{shown:.2f} / {again:.2f} s; with UMAP {whole:.1f} / {again_whole:.1f} s, warm-up {warmed:.1f} s"
        told(name, shown / again, "<= 1.5" if warming == "warm()" else "—", note)


def grow_cost(count: int) -> None:
    """One more per cent of texts against the first run of all of them, processor seconds."""
    warm()
    begin = time.process_time()
    *_, atlas = atlases(read_lines(lines(count)), Options(), Task())
    whole, begin = time.process_time() - begin, time.process_time()
    extended(atlas, read_lines(lines(count // 100, seed=9)), Task())
    more = time.process_time() - begin
    told(f"adding 1 % / first run, {count:,} texts", more / whole, "<= 0.05", f"{more:.2f} / {whole:.1f} CPU s")


def pipeline(count: int) -> None:
    """Embed, cluster, name, map and draw against umap-learn alone on the same vectors, processor seconds, both warm."""
    import umap

    warm()
    umap.UMAP(random_state=42, metric="cosine", n_jobs=1).fit(np.random.default_rng(0).normal(size=(5_000, 50)))
    corpus = read_lines(lines(count))
    begin = time.process_time()
    for atlas in atlases(corpus, Options(), Task()):
        points(atlas, "zh"), by_cluster(atlas, "zh")
    ours, begin = time.process_time() - begin, time.process_time()
    umap.UMAP(random_state=42, metric="cosine", n_jobs=1, n_neighbors=15, min_dist=0.1).fit(atlas.space.vectors)
    theirs = time.process_time() - begin
    told(f"pipeline / umap-learn alone, {count:,} texts", ours / theirs, "<= 1.25", f"{ours:.1f} / {theirs:.1f} CPU s")


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--texts", type=int, default=50_000)
    given = parser.parse_args()
    works = {"search": search_speed, "first": first_map, "grow": lambda: grow_cost(given.texts),
             "pipeline": lambda: pipeline(given.texts)}  # fmt: skip
    for part in given.parts:
        works[part]()


if __name__ == "__main__":
    main()
