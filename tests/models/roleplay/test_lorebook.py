"""Lorebook entries by key, with SillyTavern's rules."""

import json
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from models.packs.pack import Lore
from models.roleplay.lorebook import LoreOptions, activate
from models.roleplay.turns import Turn

NEAR = (Turn("小驼", "很久以前的井"), Turn("旅人", "天气不错"), Turn("小驼", "绿洲里有狐狸吗"))


def told(*lore: Lore, options: LoreOptions | None = None, turns: tuple[Turn, ...] = NEAR, seed: int = 0) -> list[str]:
    trace = activate(lore, turns, options or LoreOptions(), len, seed=seed)
    return [one.entry.content for one in trace.entries if not one.cut]


def test_keys_within_the_scan_depth() -> None:
    well, fox = Lore(("井",), "井很深"), Lore(("狐狸", "狼"), "狐狸胆小")
    assert told(well, fox) == ["狐狸胆小"], "the well was three turns ago"
    assert told(well, fox, options=LoreOptions(scan_depth=3)) == ["井很深", "狐狸胆小"]
    deep = Lore(("井",), "井很深", extra={"extensions": {"scan_depth": 5}})
    assert told(deep) == ["井很深"], "an entry may look deeper"
    assert told(Lore(("狐狸",), "x", enabled=False), Lore((), "y"), Lore(("",), "z")) == []


def test_secondary_keys_and_their_four_logics() -> None:
    def entry(secondary: tuple[str, ...], logic: int) -> Lore:
        return Lore(("狐狸",), "在", secondary=secondary, selective=True, extra={"selectiveLogic": logic})

    assert [bool(told(entry(("绿洲", "雪"), logic))) for logic in range(4)] == [True, True, False, False]
    assert [bool(told(entry(("绿洲",), logic))) for logic in range(4)] == [True, False, False, True]
    assert [bool(told(entry(("雪",), logic))) for logic in range(4)] == [False, True, True, False]


def test_latin_keys_stand_alone_and_case_counts_only_when_asked() -> None:
    turns = (Turn("me", "The Party starts"),)
    assert told(Lore(("art",), "x"), turns=turns) == []
    assert told(Lore(("party",), "x"), turns=turns) == ["x"]
    assert told(Lore(("art",), "x", extra={"extensions": {"match_whole_words": False}}), turns=turns) == ["x"]
    assert told(Lore(("party",), "x", case_sensitive=True), turns=turns) == []


def test_constant_entries_order_budget_and_recursion() -> None:
    always = Lore((), "常在", constant=True, order=200)
    first, second = Lore(("狐狸",), "说到月亮", order=50), Lore(("月亮",), "月亮很圆", order=10)
    third = Lore(("很圆",), "第三层", order=1)
    assert told(always, first, second) == ["月亮很圆", "说到月亮", "常在"], "the highest order stands last"
    assert told(first, second, options=LoreOptions(recursion=0)) == ["说到月亮"]
    assert told(first, second, third, options=LoreOptions(recursion=1)) == ["月亮很圆", "说到月亮"]
    trace = activate([always, first, second], NEAR, LoreOptions(budget=8), len)
    assert [(one.entry.content, one.cut) for one in trace.entries] == [
        ("月亮很圆", "budget"),
        ("说到月亮", ""),
        ("常在", ""),
    ]
    assert trace.n_tokens == 8
    later = Lore(("狐狸", "月亮"), "等人提起", extra={"extensions": {"delay_until_recursion": True}})
    assert told(later) == [] and "等人提起" in told(first, later)
    loop = [Lore(("甲",), "乙"), Lore(("乙",), "甲")]
    assert told(*loop, turns=(Turn("小驼", "甲"),), options=LoreOptions(recursion=50)) == ["乙", "甲"]


def test_groups_and_chance() -> None:
    pair = [Lore(("狐狸",), "一", order=1, extra={"group": "g"}), Lore(("狐狸",), "二", order=2, extra={"group": "g"})]
    assert told(*pair) == ["二"]
    never, maybe = Lore(("狐狸",), "无", extra={"probability": 0}), Lore(("狐狸",), "半", extra={"probability": 50})
    assert told(never) == []
    seen = {bool(told(maybe, seed=seed)) for seed in range(20)}
    assert seen == {True, False} and told(maybe, seed=3) == told(maybe, seed=3)


def test_a_strangers_regular_expression_costs_no_time() -> None:
    started = time.process_time()
    assert told(Lore(("(a+)+$",), "x", regex=True), turns=(Turn("me", "a" * 5000 + "b"),)) == []
    assert time.process_time() - started < 2


def test_a_published_lorebook(data: Path) -> None:
    book = json.loads((data / "cards" / "Eldoria_lorebook.json").read_text(encoding="utf-8"))
    lore = [Lore(tuple(one["key"]), one["content"], order=one["order"]) for one in book["entries"].values()]
    trace = activate(lore, (Turn("me", "Tell me about Eldoria"),), LoreOptions(budget=5000), len)
    assert any("forest" in one.entry.keys for one in trace.entries if one.why == "key")


KEYS = st.lists(st.text("井沙狐狸ab ", max_size=3), max_size=3).map(tuple)
ENTRIES = st.builds(
    Lore,
    KEYS,
    st.text("井沙狐狸ab\n", max_size=30),
    constant=st.booleans(),
    order=st.integers(-5, 200),
    secondary=KEYS,
    selective=st.booleans(),
    extra=st.dictionaries(
        st.sampled_from(["group", "probability", "extensions", "scan_depth", "selectiveLogic"]),
        st.one_of(st.none(), st.integers(-1000, 1000), st.text(max_size=3), st.lists(st.integers(), max_size=1)),
        max_size=3,
    ),
)


@given(st.lists(ENTRIES, max_size=12), st.text("井沙狐狸ab ", max_size=40), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_whatever_a_card_holds_the_budget_holds(lore: list[Lore], text: str, budget: int) -> None:
    trace = activate(lore, (Turn("小驼", text),), LoreOptions(budget=budget), len)
    assert trace.n_tokens <= budget
    orders = [one.entry.order for one in trace.entries]
    assert orders == sorted(orders) and len({one.index for one in trace.entries}) == len(orders)
