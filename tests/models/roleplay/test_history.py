"""The history budget, recall of what fell out of it, and the rolling summary."""

from hypothesis import given, settings
from hypothesis import strategies as st

from models.roleplay.history import CUT, Digest, fit_history, recall_turns, roll
from models.roleplay.replay import digest
from models.roleplay.replies import digester
from models.roleplay.turns import Turn, spoken
from models.task import Task
from tests.fakes import FakeVoice


def words(text: str) -> int:
    """A counter that is neither even nor additive: three characters a token, line marks one each."""
    return -(-len(text) // 3) + text.count("「")


TURNS = st.lists(
    st.builds(Turn, st.sampled_from(["小驼", "骆驼老师", "旁白"]), st.text(min_size=1, max_size=400)), max_size=12
)


@given(turns=TURNS, budget=st.integers(0, 300), pairs=st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_history_never_overflows(turns: list[Turn], budget: int, pairs: bool) -> None:
    history = fit_history(turns, budget, words, pairs=pairs)
    assert sum(words(spoken(turn.speaker, turn.text)) for turn in history.kept) == history.n_tokens <= budget
    assert len(history.kept) + len(history.dropped) == len(turns)
    if history.kept:
        newest, kept = turns[-1], history.kept[-1]
        assert kept == newest or (CUT in kept.text and newest.text.startswith(kept.text.split(CUT)[0]))
        assert tuple(history.kept[:-1]) == tuple(turns[len(turns) - len(history.kept) : -1])


def test_one_overlong_turn_keeps_its_ends() -> None:
    turns = [Turn("小驼", "你好"), Turn("小驼", "开头" + "沙" * 5000 + "结尾")]
    history = fit_history(turns, 100, len)
    assert history.n_tokens <= 100 and len(history.kept) == 1
    assert history.kept[0].text.startswith("开头") and history.kept[0].text.endswith("结尾")
    assert fit_history(turns, 3, len).kept == ()


def test_old_turns_that_matter_come_back_with_their_answers_in_order() -> None:
    old = [Turn("小驼", "我把红围巾丢在井边了"), Turn("骆驼老师", "明天去找。")]
    small_talk = [Turn("小驼", f"今天第{at}次打哈欠") for at in range(10)]
    found = recall_turns([*small_talk[:5], *old, *small_talk[5:]], "小驼:「我的红围巾呢？」", 200, len)
    assert found == tuple(old)
    assert recall_turns([*small_talk, *old], "红围巾", 10, len) == ()


def test_the_summary_rolls_and_starts_anew_after_an_undo() -> None:
    turns = [Turn("小驼", f"第{at}句") for at in range(12)]
    asked: list[str] = []

    def write(text: str) -> str:
        asked.append(text)
        return f"摘要{len(asked)}"

    first = roll(Digest(), turns[:6], write)
    assert first == Digest("摘要1", 6)
    assert roll(first, turns[:8], write) == first, "not for every turn"
    second = roll(first, turns, write)
    assert second == Digest("摘要2", 12) and asked[1].startswith("摘要1") and "第0句" not in asked[1]
    assert roll(second, turns[:7], write) == Digest("摘要3", 7) and "摘要2" not in asked[2]


def test_old_turns_are_summed_up_with_a_model_and_without() -> None:
    turns = [Turn("小驼", f"第{at}天我们走到了一口新的井边，并且约好不再迷路。") for at in range(8)]
    voice = FakeVoice("他们找到了井。", n_context=900)
    assert roll(Digest(), turns * 20, digester(voice, "zh", Task())) == Digest("他们找到了井。", 160)
    assert len(voice.prompts[0]) <= 900 - 160
    told = roll(Digest(), turns, lambda text: digest(text, Task()))
    assert told.n_turns == 8 and any(turn.text in told.text for turn in turns)
