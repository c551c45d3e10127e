"""Key phrases of one text and of groups of texts. All texts are our own."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.keyphrases import class_phrases, key_phrases
from models.embedded.text import tagged
from models.errors import Cancelled
from models.task import Task

ABSTRACT = (
    "提出一种基于驼铃声纹的骆驼个体识别方法。首先利用麦克风阵列采集驼铃声纹，然后用支持向量机训练个体识别模型。"
    "实验结果表明，驼铃声纹的识别率高于耳标，麦克风阵列的位置对个体识别影响很小。"
)


def texts_of(pairs: list[tuple[str, float]]) -> list[str]:
    return [phrase for phrase, _ in pairs]


def test_phrases_name_the_subject() -> None:
    found = key_phrases(ABSTRACT, 5)
    assert "驼铃声纹" in texts_of(found) and len(found) == 5
    assert [weight for _, weight in found] == sorted((weight for _, weight in found), reverse=True)
    assert not {"方法", "结果", "实验结果", "影响"} & set(texts_of(found))


def test_no_phrase_stands_beside_a_part_of_it_that_never_occurs_alone() -> None:
    found = texts_of(key_phrases("骆驼模型很贵。我们买了骆驼模型。骆驼模型到了。", 10))
    assert found == ["骆驼模型"]


def test_english_phrases_hold_no_function_words() -> None:
    found = texts_of(key_phrases("The salt caravan crosses the desert. A salt caravan of the oasis is slow.", 5))
    assert any("salt caravan" in phrase for phrase in found)
    assert not any({"the", "of", "a", "is"} & set(phrase.split()) for phrase in found)


def test_mixed_text_keeps_latin_terms() -> None:
    found = texts_of(key_phrases("我们用GPU训练骆驼模型，GPU显存不够。换成两块GPU之后，骆驼模型训练完成。", 5))
    assert "gpu" in found and any("骆驼模型" in phrase for phrase in found)


@pytest.mark.parametrize("text", ["", " ", "！！！", "😀", "的了是", "3.14"])
def test_text_that_names_nothing_has_no_phrases(text: str) -> None:
    assert key_phrases(text) == []


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.integers(0, 8))
def test_any_text_is_survived(text: str, count: int) -> None:
    found = key_phrases(text, count)
    assert len(found) <= count and all(0 < weight < 1 for _, weight in found)


def test_groups_are_told_apart() -> None:
    camels = ["骆驼在沙漠里走路", "沙漠里的骆驼不怕渴", "双峰骆驼的驼峰", "骆驼吃草"]
    ships = ["帆船在海上航行", "海上的帆船遇到风暴", "帆船靠岸", "船长和水手"]
    one, two = class_phrases([camels, ships], 3)
    assert "骆驼" in one and "帆船" in two and not set(one) & set(two)


def test_groups_may_be_empty_or_alone() -> None:
    assert class_phrases([]) == []
    assert class_phrases([[], [""], ["骆驼走路", "骆驼吃草"]], 2)[:2] == [[], []]


def test_many_lines_take_seconds() -> None:
    tagged(ABSTRACT)
    groups = [[f"第{at}条评论说驼铃{name}很好听" for at in range(5000)] for name in "甲乙丙丁戊己庚辛壬癸"]
    start = time.process_time()
    found = class_phrases(groups, 5)
    assert len(found) == 10 and time.process_time() - start < 8


def test_stop_comes_through() -> None:
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        class_phrases([["骆驼"]], task=task)
    with pytest.raises(Cancelled):
        key_phrases("骆驼", task=task)
