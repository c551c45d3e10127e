"""The embedded reader: on passages written for these tests, and on text of any kind."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.reader import EmbeddedReader
from models.embedded.reader.complete import complete
from models.embedded.reader.confidence import THRESHOLD
from models.embedded.reader.passage import rank
from models.embedded.reader.question import parse
from models.embedded.reader.ranker import choose
from models.embedded.reader.script import plain
from models.engine import Answer
from models.errors import BadInput, Cancelled
from models.task import Task

PASSAGE = (
    "青石镇位于云南省北部，距省城约120公里。镇上的图书馆由李明远于1987年创办，最初只有三百多册藏书。"
    "2004年，图书馆迁入新址，并更名为青石文化馆。李明远在这里写成了长篇小说《山路》，该书次年获得春蕾文学奖。"
    "由于连年洪水，旧馆在2011年被拆除。如今文化馆每天接待读者约五百人。"
)
TRADITIONAL = "青石鎮位於雲南省北部。鎮上的圖書館由李明遠於1987年創辦。2004年，圖書館遷入新址並更名。"


def ask(question: str, passage: str = PASSAGE) -> Answer:
    return EmbeddedReader().answer(passage, question, Task())


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("青石镇的图书馆是由谁创办的？", "李明远"),
        ("图书馆什么时候迁入新址？", "2004年"),
        ("青石镇位于哪里？", "云南省"),
        ("文化馆每天接待多少读者？", "五百"),
        ("李明远写成了哪部小说？", "山路"),
        ("旧馆为什么被拆除？", "洪水"),
        ("图书馆迁入新址后更名为什么？", "青石文化馆"),
        ("青石镇距省城多远？", "120公里"),
    ],
)
def test_answers_hold_what_was_asked(question: str, part: str) -> None:
    answer = ask(question)
    assert part in answer.text
    assert len(answer.text) < 45
    assert PASSAGE[answer.start : answer.end] == answer.text
    assert 0.0 <= answer.confidence <= 1.0


def test_first_evidence_holds_the_span_and_points_into_the_passage() -> None:
    answer = ask("图书馆什么时候迁入新址？")
    first = answer.evidence[0]
    assert first.start <= answer.start < answer.end <= first.end
    assert all(PASSAGE[row.start : row.end] == row.text for row in answer.evidence)
    assert answer.origin.how == "extractive"
    assert len(answer.origin.fingerprint) == 12


@pytest.mark.parametrize(
    "question", ["月球的半径是多少？", "谁发明了电话？", "巴黎奥运会是什么时候举办的？", "青石镇为什么地震频发？"]
)
def test_says_so_when_the_passage_does_not_tell(question: str) -> None:
    answer = ask(question)
    assert (answer.text, answer.start, answer.end, answer.completed) == ("", -1, -1, "")
    assert answer.evidence
    assert answer.confidence < THRESHOLD


def test_sure_of_what_it_says_and_unsure_of_what_it_does_not_hold() -> None:
    assert ask("图书馆什么时候迁入新址？").confidence > ask("图书馆的馆长一年挣多少钱？").confidence


@pytest.mark.parametrize(
    ("question", "part"),
    [("圖書館是由誰創辦的？", "李明遠"), ("圖書館什麼時候遷入新址？", "2004年"), ("青石鎮位於哪裡？", "雲南省")],
)
def test_traditional_characters(question: str, part: str) -> None:
    answer = ask(question, TRADITIONAL)
    assert part in answer.text
    assert TRADITIONAL[answer.start : answer.end] == answer.text


def test_english_gives_an_answer_of_the_right_sentence_or_none() -> None:
    passage = "Anna Brown founded the school in 1921. It was moved to Leeds after the war. Today it has 400 pupils."
    answer = ask("Who founded the school in 1921?", passage)
    assert answer.evidence[0].text.startswith("Anna Brown")
    assert answer.text == "" or answer.end <= len("Anna Brown founded the school in 1921.")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("谁写的？", "who"),
        ("何时出生？", "when"),
        ("在哪儿？", "where"),
        ("有多少人？", "num"),
        ("為什麼離開？", "why"),
        ("哪部电影？", "work"),
        ("什么是量子？", "define"),
        ("它又被称为什么？", "name"),
        ("首都是哪个城市？", "where"),
        ("有哪些特点？", "list"),
        ("他会来吗？", "yesno"),
        ("。。。", "none"),
    ],
)
def test_kinds_of_question(question: str, kind: str) -> None:
    assert parse(question).kind == kind


@pytest.mark.parametrize(
    ("question", "answer", "statement"),
    [
        ("他退休后，由谁接任？", "王长华", "他退休后，由王长华接任。"),
        ("青石镇位于哪里？", "位于云南省", "青石镇位于云南省。"),
        ("他效力于哪支球队？", "凯尔特人队", "他效力于凯尔特人队。"),
        ("首都是哪个城市？", "北京", "首都是北京。"),
        ("他有几个孩子？", "3个", "他有3个孩子。"),
        ("他有几个孩子？", "3", "他有3个孩子。"),
        ("他哪一年出生？", "1987", "他1987年出生。"),
        ("誰創辦了學校呢？", "李先生", "李先生創辦了學校。"),
        ("青石镇图书馆的特点是什么？", "青石镇图书馆藏书很多", ""),
        ("他为什么辞职？", "因为生病", ""),
        ("他会来吗？", "会", ""),
        ("什么是量子？", "最小单位", ""),
        ("谁？", "王长华", ""),
        ("Who came first?", "Anna", ""),
    ],
)
def test_completion_puts_the_answer_where_the_wh_word_stood(question: str, answer: str, statement: str) -> None:
    assert complete(question, parse(question), answer) == statement


def test_empty_input_is_refused() -> None:
    with pytest.raises(BadInput) as passage:
        ask("谁？", " \n…")
    with pytest.raises(BadInput) as question:
        ask("？？", PASSAGE)
    assert (passage.value.code, question.value.code) == ("empty_text", "empty_question")


def test_stops_when_told_to() -> None:
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        EmbeddedReader().answer(PASSAGE, "谁创办了图书馆？", task)


def test_long_text_is_read_in_bounded_time_and_the_needle_is_found() -> None:
    filler = "山谷里的风吹过屋顶，孩子们在院子里玩。"
    passage = filler * 20_000 + PASSAGE + filler * 5_000
    began = time.process_time()
    answer = ask("青石镇的图书馆是由谁创办的？", passage)
    assert time.process_time() - began < 8
    assert "李明远" in answer.text
    assert passage[answer.start : answer.end] == answer.text


def test_text_without_punctuation_is_no_trouble() -> None:
    began = time.process_time()
    ask("谁是村长？", "村里的人都说他是好人" * 50_000)
    assert time.process_time() - began < 8


WILD = st.text(st.one_of(st.characters(), st.sampled_from("谁在哪里，。《》“”（）\n年月日12 aB😀\ud83d")), max_size=120)


@settings(max_examples=150, deadline=None)
@given(WILD, WILD, st.sampled_from(["", "谁是", "什么时候", "有多少", "İ"]))
def test_offsets_are_right_on_any_text(passage: str, question: str, wh: str) -> None:
    try:
        answer = ask(question + wh, passage)
    except BadInput:
        return
    assert answer.text == (passage[answer.start : answer.end] if answer.text else "")
    assert (answer.start == -1) == (not answer.text)
    assert 0.0 <= answer.confidence <= 1.0
    assert len(plain(passage)) == len(passage)


def test_the_best_sentence_comes_first() -> None:
    assert "迁入新址" in rank(PASSAGE, parse("图书馆什么时候迁入新址？"), Task())[0].piece.text


def test_choice_is_the_span_of_greatest_expected_overlap() -> None:
    # two long spans that agree on most characters outweigh one short span that is likelier than either
    choice = choose(np.log(np.array([0.4, 0.3, 0.3])), np.array([50, 0, 1]), np.array([52, 10, 10]))
    assert choice.index in (1, 2)
