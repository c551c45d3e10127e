"""How fast memory is: ratios of one run on one thread, so that they mean the same on any machine.

Retrieval over 1,726 scenes × 1,536 (于谦, the largest original pack) against the original NaiveDB loop in pure Python,
and against one matrix–vector product plus top-k, which is the least that any exact search does. Both sides are given
the query's vector; the two take turns, so that both meet the same machine.
"""

import time
from collections.abc import Callable
from math import sqrt
from statistics import median

import numpy as np

from benchmarks.quality import Row
from models.roleplay.recall import RecallOptions, retrieve
from models.roleplay.shelf import Shelf

N, DIM, K = 1_726, 1_536, 19
MESSAGE = "阿虚:「我们真的要去参加棒球比赛吗？」"


def speed_rows(texts: list[str]) -> list[Row]:
    """Ratios of medians; `texts` are scenes to be repeated until there are N."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return [*_opening(texts), *_retrieval(texts)]


def _shelf(texts: list[str]) -> Shelf:
    noise = np.random.default_rng(0)
    scenes = tuple(f"{texts[at % len(texts)]}\n{at}" for at in range(N))
    vectors = (noise.normal(size=(N, DIM)) * 0.3 + noise.normal(size=DIM)).astype(np.float32)
    return Shelf(tuple(map(str, range(N))), scenes, vectors, "bench")


def _retrieval(texts: list[str]) -> list[Row]:
    shelf, options = _shelf(texts), RecallOptions(k=K)
    query = shelf.vectors[7].copy()
    unit = shelf.unit
    rows, norms = shelf.vectors.tolist(), [sqrt(sum(x * x for x in row)) for row in shelf.vectors.tolist()]

    def least() -> None:
        scores = unit @ query
        best = np.argpartition(scores, -K)[-K:]
        best[np.argsort(-scores[best])]

    def ours() -> None:
        retrieve(shelf, MESSAGE, query, options, len)

    plain = query.tolist()
    ours()
    mine, bare = _medians(200, ours, least)
    (naive,) = _medians(3, lambda: _naive(rows, norms, plain))
    spent = f"{1e6 * mine:.0f} µs with trace and packing; {1e6 * bare:.0f} µs the product and top-k"
    return [
        Row("speed: retrieval, times NaiveDB's loop", 100.0, naive / mine, f"{naive:.2f} s the loop; {spent}"),
        Row("speed: retrieval over one product and top-k", 1.5, mine / bare, spent, ceiling=True),
    ]


def _opening(texts: list[str]) -> list[Row]:
    """CPU seconds from texts and cached vectors to a shelf that has answered once."""
    cold = _shelf(texts)
    started = time.process_time()
    retrieve(cold, "你好", cold.vectors[0], RecallOptions(), len)
    spent = time.process_time() - started
    return [
        Row("speed: opening 1,726 scenes, CPU s", 0.2, spent, "vectors at hand, first answer included", ceiling=True)
    ]


def _medians(count: int, *tasks: Callable[[], None]) -> list[float]:
    """Median seconds of each, the tasks taking turns so that all meet the same machine."""
    spent = [list[float]() for _ in tasks]
    for _ in range(count):
        for task, times in zip(tasks, spent, strict=True):
            started = time.perf_counter()
            task()
            times.append(time.perf_counter() - started)
    return [median(times) for times in spent]


def _naive(rows: list[list[float]], norms: list[float], query: list[float]) -> list[int]:
    """ChatHaruhi 2.0, NaiveDB.search, written again."""
    length = sqrt(sum(x**2 for x in query))
    cosines = []
    for row, norm in zip(rows, norms, strict=True):
        cosines.append(sum(q * v for q, v in zip(query, row, strict=True)) / (length * norm))
    return sorted(range(len(cosines)), key=lambda at: cosines[at], reverse=True)[:K]
