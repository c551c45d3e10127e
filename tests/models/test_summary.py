"""The summariser: budgets, offsets, order, styles, hostile and very long input. All texts are our own."""

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.headline import headline, trimmed
from models.embedded.summary import EmbeddedSummarizer, style_of
from models.embedded.text import tagged
from models.engine import Summary, SummaryOptions
from models.errors import BadInput, Cancelled
from models.task import Task

NOVEL = Path(__file__).resolve().parents[3] / "shared" / "data" / "long" / "红楼梦.txt"
ARTICLE = (
    "沙漠研究所昨天公布了一项关于骆驼语言能力的长期观察。研究人员在敦煌附近跟踪了四十头骆驼，记录它们三年来的叫声。"
    "结果表明，骆驼语言能力与驼群的大小有关，驼群越大，叫声的种类越多。天气很热，队员们每天只能工作六个小时。"
    "因此，研究所计划在内蒙古建立第二个观察站，继续比较不同驼群的语言能力。有位队员喜欢在晚上弹吉他。"
    "当地牧民对这项观察很感兴趣，主动提供了二十年来的放牧日记。"
)
MEETING = (
    "王主任：大家好，先点个名，都到了吧？\n李工：到了。\n王主任：今天我们讨论新版本的发布日期，原来定在六月。\n"
    "李工：我觉得六月太早，登录模块的压力测试还没有做完，至少要再测两周。\n赵经理：客户那边希望七月之前能用上新版本。\n"
    "王主任：那么发布日期改到七月一号，李工负责压力测试，赵经理去和客户说明。\n李工：好的。\n赵经理：没问题。"
)
ENGLISH = (
    "Camels have carried salt across the desert for two thousand years. Drivers load each camel with four slabs. "
    "However, trucks now take most of the salt trade. A museum in the oasis keeps the old saddles. "
    "The salt caravans may stop within ten years, because young drivers prefer trucks to camels."
)


def summarize(text: str, size: int = 3, unit: str = "sentences", style: str = "auto") -> Summary:
    return EmbeddedSummarizer().summarize(text, SummaryOptions(size, unit, style), Task())  # type: ignore[arg-type]


def check_evidence(text: str, summary: Summary) -> None:
    starts = [piece.start for piece in summary.evidence]
    assert starts == sorted(set(starts))
    assert all(text[piece.start : piece.end] == piece.text for piece in summary.evidence)
    assert all(0 <= piece.score <= 1 for piece in summary.evidence)


@pytest.mark.parametrize("text", [ARTICLE, MEETING, ENGLISH])
def test_summary_is_made_of_the_sentences_of_the_text_in_their_order(text: str) -> None:
    summary = summarize(text, 2)
    assert len(summary.evidence) == 2 and summary.origin.how == "extractive"
    check_evidence(text, summary)
    assert all(piece.text in summary.text for piece in summary.evidence)
    assert summary.headline and summary.headline in text
    assert summary.phrases[0][1] == 1.0 and all(0 < weight <= 1 for _, weight in summary.phrases)


def test_summary_keeps_the_subject_and_drops_the_asides() -> None:
    made = summarize(ARTICLE, 3).text
    assert "语言能力" in made and "吉他" not in made and "天气" not in made
    assert "语言能力" in [phrase for phrase, _ in summarize(ARTICLE).phrases][0]


def test_chinese_is_joined_without_and_english_with_a_blank() -> None:
    assert " " not in summarize(ARTICLE, 3).text
    made = summarize(ENGLISH, 3)
    assert made.text == " ".join(piece.text for piece in made.evidence)


def test_turns_of_a_dialogue_stay_on_their_own_lines() -> None:
    made = summarize(MEETING, 3)
    assert "发布日期" in made.text and "\n" in made.text
    assert not any(piece.text == "好的。" for piece in made.evidence)


@pytest.mark.parametrize(("text", "style"), [(ARTICLE, "article"), (MEETING, "dialogue"), (ENGLISH, "article")])
def test_style_is_recognised(text: str, style: str) -> None:
    assert style_of(text) == style


def test_labels_of_an_abstract_are_not_speakers() -> None:
    assert (
        style_of("目的：比较两种鞍具。\n方法：四十头骆驼分为两组。\n结果：新鞍具更轻。\n结论：可以推广。") == "article"
    )


def test_chosen_style_overrides_the_guess() -> None:
    scores = {
        style: [e.score for e in summarize(ARTICLE, 7, style=style).evidence] for style in ("article", "dialogue")
    }
    assert scores["article"] != scores["dialogue"]


@pytest.mark.parametrize(
    "text", ["骆驼会说话。", "  骆驼会说话。\n大家都来听。 ", "<p>骆驼<b>会</b>说话</p>", "😀😀", "！！！", "Привет"]
)
def test_short_text_comes_back_whole(text: str) -> None:
    assert summarize(text).text == summarize(text, 100, "characters").text == text.strip()


@pytest.mark.parametrize("text", ["", "  \n\t　"])
def test_empty_text_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        summarize(text)
    assert caught.value.code == "empty_text"


def test_html_is_text_like_any_other() -> None:
    text = "<p>骆驼在沙漠里走了三天。</p><script>alert(1)</script><p>骆驼终于找到了绿洲和水。</p><p>天黑了。</p>" * 3
    summary = summarize(text, 2)
    check_evidence(text, summary)
    assert all(piece.text in text for piece in summary.evidence)


def test_best_clauses_stand_in_when_no_sentence_fits() -> None:
    summary = summarize(
        "研究人员在敦煌附近跟踪了四十头骆驼，记录它们三年来的叫声，发现驼群越大叫声越多。", 20, "characters"
    )
    assert summary.text == "研究人员在敦煌附近跟踪了四十头骆驼"


text_parts = st.sampled_from(
    [*ARTICLE.split("。"), *ENGLISH.split(". "), "甲：好", "\n", "😀", "。", "<b>", "3.14", "\ud800", " "]
)
texts = st.one_of(st.text(max_size=300), st.lists(text_parts, max_size=30).map("。".join))


@settings(max_examples=60, deadline=None)
@given(text=texts, size=st.integers(1, 200), unit=st.sampled_from(["sentences", "characters"]))
def test_budget_is_never_exceeded_and_offsets_are_exact(text: str, size: int, unit: str) -> None:
    if not text.strip():
        return
    summary = summarize(text, size, unit)
    assert summary.text
    assert len(summary.text) <= size if unit == "characters" else len(summary.evidence) <= size
    check_evidence(text, summary)


def test_stop_comes_through() -> None:
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        EmbeddedSummarizer().summarize(ARTICLE, SummaryOptions(), task)


def test_stop_comes_through_while_a_long_text_is_read() -> None:
    tagged(ARTICLE)
    task = Task()
    threading.Timer(0.1, task.stop).start()
    with pytest.raises(Cancelled):
        for _ in range(50):
            EmbeddedSummarizer().summarize(ARTICLE * 200, SummaryOptions(), task)


@pytest.mark.parametrize("unit", ["骆驼", "a", "骆驼走路。", "一，", "😀", "\n甲：好", "（"])
def test_a_megabyte_of_anything_takes_linear_time(unit: str) -> None:
    tagged(ARTICLE)
    start = time.process_time()
    summary = summarize(unit * (500_000 // len(unit)), 100, "characters")
    assert len(summary.text) <= 100 and time.process_time() - start < 8


def test_long_text_is_covered_from_end_to_end() -> None:
    numbered = "".join(
        f"第{at}支驼队带着{at * 7}块盐和茶叶从绿洲{at % 13}出发，走过了沙丘{at % 29}。" for at in range(3000)
    )
    sixths = [piece.start * 6 // len(numbered) for piece in summarize(numbered, 6).evidence]
    assert sixths == list(range(6))


@pytest.mark.skipif(not NOVEL.exists(), reason="the novel is not part of the project")
def test_a_novel_takes_seconds() -> None:
    text = NOVEL.read_text(encoding="utf-8")
    tagged(ARTICLE)
    start = time.process_time()
    summary = summarize(text, 10)
    assert time.process_time() - start < 8
    assert len({piece.start * 10 // len(text) for piece in summary.evidence}) == 10
    assert {"宝玉", "凤姐"} <= {phrase for phrase, _ in summary.phrases}


def test_headline_is_a_short_balanced_stretch_of_the_text() -> None:
    text = "本文提出一种基于驼铃声纹（铃声频谱）的骆驼个体识别方法。实验结果表明，该方法的识别率达到百分之九十。"
    line = headline(text)
    assert line in text and "骆驼个体识别方法" in line and line.count("（") == line.count("）")


def test_connectives_are_trimmed() -> None:
    assert trimmed("但是，骆驼学会了说话。") == "骆驼学会了说话"
    assert headline("However, camels walk.") == "camels walk"
