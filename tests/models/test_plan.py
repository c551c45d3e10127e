"""The load planner against a brute-force oracle: what goes is allowed to go, is enough, and is least regretted."""

import time
from collections.abc import Iterator
from itertools import combinations
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from models.plan import EMBEDDED, Misfit, Part, Plan, Resident, Rung, choose, ladder, plan, regret

NOW = 1000.0
GIB = 1 << 30


@st.composite
def residents(draw: st.DrawFn) -> list[Resident]:
    """Up to three bases with up to two adapters each; a base is in use whenever one of its adapters is."""
    found = []
    for base in range(draw(st.integers(0, 3))):
        names = ["", *draw(st.lists(st.sampled_from("xyz"), unique=True, max_size=2))]
        used = [draw(st.booleans()) for _ in names]
        for name, in_use in zip(names, [any(used), *used[1:]], strict=True):
            found.append(
                Resident(
                    Part(f"m{base}", "int8", name),
                    n_bytes=draw(st.integers(0, 9)),
                    in_use=in_use,
                    pinned=draw(st.integers(0, 4)) == 0,
                    last_use=NOW - draw(st.sampled_from([0.0, 60.0, 180.0])),
                    load_s=draw(st.sampled_from([0.0, 8.0, 40.0, 64.0])),
                    slice_end=draw(st.sampled_from([990.0, 1000.0, 1010.0, inf])),
                )
            )
    return found


def allowed_sets(parts: list[Resident], keep: set[Part]) -> Iterator[tuple[Resident, ...]]:
    """Every set that may go: nothing pinned or kept, no base without all of its adapters."""
    for size in range(len(parts) + 1):
        for chosen in combinations(parts, size):
            names = {part.part for part in chosen}
            whole = all(part.part in names for part in parts if part.part.base in names)
            if whole and not any(part.pinned or part.part in keep for part in chosen):
                yield chosen


def stage(chosen: tuple[Resident, ...]) -> float:
    """How long a set keeps its claim waiting: idle sets first, then by the last time slice in it."""
    names = {part.part for part in chosen}
    own = [part for part in chosen if part.part == part.part.base or part.part.base not in names]
    return max((part.slice_end for part in own if part.in_use), default=-inf)


@settings(max_examples=200, deadline=None)
@given(parts=residents(), to_free=st.integers(1, 30), keep=st.sampled_from(["m0", "m1", "none"]))
def test_the_least_regretted_set_goes(parts: list[Resident], to_free: int, keep: str) -> None:
    kept = {Part(keep, "int8")}
    enough = [s for s in allowed_sets(parts, kept) if sum(p.n_bytes for p in s) >= to_free]
    chosen = choose(parts, to_free, NOW, kept)
    if chosen is None:
        assert not enough
        return
    assert set(chosen) in [set(s) for s in enough]
    first = min(stage(s) for s in enough)
    assert stage(chosen) <= first
    costs = [(sum(regret(p, NOW) for p in s), len(s)) for s in enough if stage(s) <= first]
    assert (sum(regret(p, NOW) for p in chosen), len(chosen)) == min(costs)


@settings(max_examples=200, deadline=None)
@given(
    parts=residents(),
    budget=st.integers(0, 40),
    sizes=st.lists(st.integers(0, 20), min_size=1, max_size=3),
    adapter=st.sampled_from(["", "x", "w"]),
)
def test_a_plan_fits_and_a_misfit_does_not(parts: list[Resident], budget: int, sizes: list[int], adapter: str) -> None:
    rungs = [Rung(Part(f"m{i}", "int8", adapter), n, adapter_bytes=2) for i, n in enumerate(sizes)]
    there = {part.part for part in parts}
    made = plan(rungs, parts, budget, NOW)

    def after(rung: Rung, gone: set[Part]) -> int:
        base = 0 if rung.part.base in there else rung.n_bytes
        extra = 2 if adapter and rung.part not in there else 0
        return base + extra + sum(part.n_bytes for part in parts if part.part not in gone)

    def possible(rung: Rung) -> bool:
        sets = allowed_sets(parts, {rung.part, rung.part.base})
        return after(rung, set()) == sum(part.n_bytes for part in parts) or any(
            after(rung, {p.part for p in s}) <= budget for s in sets
        )

    if isinstance(made, Misfit):
        assert not any(possible(rung) for rung in rungs)
        assert made.budget_bytes == budget
        return
    gone = set(made.victims)
    by_part = {part.part: part for part in parts}
    assert not any(by_part[part].pinned for part in gone)
    assert not any(by_part[part].in_use for part in made.evict) and all(by_part[part].in_use for part in made.drain)
    assert not gone & {made.rung.part, made.rung.part.base}
    if after(made.rung, set()) > sum(part.n_bytes for part in parts):  # something has to be loaded
        assert after(made.rung, gone) <= budget
    else:
        assert not gone
    for rung in rungs[: rungs.index(made.rung)]:
        assert not possible(rung), "a better rung was passed over"


def test_the_ladder_goes_from_eight_bits_to_four_to_a_smaller_model_to_the_embedded_engine() -> None:
    steps = ladder(
        [("big", {"int8": 8 * GIB, "nf4": 5 * GIB, "bf16": 15 * GIB}), ("small", {"int8": GIB})],
        ("int8", "nf4"),
        adapter="luotuo",
        adapter_bytes=GIB // 4,
    )
    steps += (EMBEDDED,)
    picked = {}
    for budget in (9, 8, 2, 0):
        made = plan(steps, [], budget * GIB, NOW)
        assert isinstance(made, Plan)
        picked[budget] = made.rung.part
    assert picked == {
        9: Part("big", "int8", "luotuo"),
        8: Part("big", "nf4", "luotuo"),  # 8 GiB do not hold the adapter too
        2: Part("small", "int8"),  # an adapter belongs to its own base
        0: EMBEDDED.part,
    }
    pinned = Resident(Part("other", "int8"), GIB, in_use=False, pinned=True, last_use=0.0, load_s=1.0)
    assert plan(steps[:2], [pinned], 5 * GIB, NOW) == Misfit(5 * GIB + GIB // 4, 5 * GIB, GIB)


def test_dear_and_recent_models_stay() -> None:
    def model(name: str, idle_s: float, load_s: float) -> Resident:
        return Resident(Part(name, "int8"), 4, in_use=False, pinned=False, last_use=NOW - idle_s, load_s=load_s)

    old_cheap, old_dear, new_cheap = model("a", 600, 2), model("b", 600, 40), model("c", 5, 2)
    assert choose([new_cheap, old_dear, old_cheap], 4, NOW) == (old_cheap,)
    assert choose([new_cheap, old_dear], 4, NOW) == (new_cheap,), "two seconds of reloading are cheaper than forty"
    assert choose([model("d", 30, 40), model("e", 86400, 40)], 4, NOW)[0].part.model == "e"


def test_many_parts_are_planned_in_no_time() -> None:
    parts = [
        Resident(
            Part(f"m{i % 12}", "int8", f"a{i}" if i >= 12 else ""), 10**6 + i * 7919, False, False, i * 3.7, i * 0.31
        )
        for i in range(72)
    ]
    begun = time.process_time()
    assert choose(parts, sum(part.n_bytes for part in parts) // 2, NOW)
    assert time.process_time() - begun < 5.0
