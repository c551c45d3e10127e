"""What a model that writes does in each app, on a voice that says what it is told to."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.prophet import Found, Prophet, prose
from models.engine import GenOptions, Message, SummaryOptions
from models.errors import BadInput, Cancelled
from models.prompted import Watched, answer, compare, compose, direct, prepare, respond, summarize
from models.prompted.parse import refuses, told
from models.prompted.prophet import unwrapped
from models.prompted.split import parts
from models.prompted.support import locate, support
from models.prompted.wording import family
from models.prompted.writing import visible
from models.spec import Evidence, Origin
from models.strings import table
from models.task import Task
from tests.fakes import FakeComparer, FakeVoice

PASSAGE = "小镇图书馆建于1936年，由退休船长陈海生捐资修建。最初馆内只有八百册书。1998年洪水冲毁了一楼。"
WHO = "谁捐资修建了图书馆？"
GREEDY = GenOptions(temperature=0.0)
THREE = SummaryOptions(size=3)
T = TypeVar("T")


def last(growing: Iterator[T]) -> T:
    *_, end = growing
    return end


def user(text: str) -> list[Message]:
    return [Message("user", text)]


# conversation


def test_a_reply_grows_says_who_made_it_and_keeps_the_conversation() -> None:
    voice = FakeVoice("骆驼喝水。")
    turns = [Message("user", "你好"), Message("assistant", "你好！"), Message("user", "骆驼喝什么？")]
    replies = list(respond(voice, turns, GREEDY, Task()))
    assert [reply.text for reply in replies] == ["骆", "骆驼", "骆驼喝", "骆驼喝水", "骆驼喝水。", "骆驼喝水。"]
    assert replies[-1].origin == voice.origin and replies[-1].note == ""
    assert voice.asked[0][0].role == "system" and list(voice.asked[0][1:]) == turns
    assert voice.streams[0].closed


def test_the_system_text_is_in_the_language_of_the_visitor_or_the_visitors_own() -> None:
    voice = FakeVoice("…")
    for text, system in (("骆驼喝什么？", None), ("What do camels drink?", None), ("x", "说文言"), ("x", "")):
        last(respond(voice, user(text), GREEDY, Task(), system=system))
    first, second, third, fourth = voice.asked
    assert "中文助手" in first[0].text and "helpful assistant" in second[0].text
    assert third[0] == Message("system", "说文言") and fourth == user("x")


@pytest.mark.parametrize(
    ("engine", "adapter", "expected"),
    [
        ("llama-7b", "luotuo-lora-7b-0.3", "alpaca"),
        ("mini-luotuo-110m", "", "alpaca"),
        ("chatglm-6b", "camelbell-c", "camelbell"),
        ("chatglm-6b", "luotuo-qa-lora-0.1", "luotuo-qa"),
        ("qwen3-4b", "", ""),
        ("qwen3-4b", "my-voice", ""),
    ],
)
def test_a_voice_is_asked_as_it_was_trained(engine: str, adapter: str, expected: str) -> None:
    voice = FakeVoice("…", engine=engine, adapter=adapter)
    assert family(voice.origin) == expected
    last(respond(voice, user("你好"), GREEDY, Task()))
    assert (voice.asked[0] == user("你好")) == bool(expected), "the Alpaca header must not be replaced by a system text"


@pytest.mark.parametrize(("finish", "known"), [("length", True), ("loop", True), ("deadline", True), ("stop", False)])
def test_why_a_text_ended_becomes_a_note(finish: str, known: bool) -> None:
    reply = last(respond(FakeVoice("沙漠", finish=finish), user("？骆"), GREEDY, Task()))
    assert (reply.note in table()) == known and bool(reply.note) == known


def test_thoughts_are_not_shown_while_they_grow_nor_after() -> None:
    texts = [reply.text for reply in respond(FakeVoice("<think>嗯……\n</think>\n\n水。"), user("？骆"), GREEDY, Task())]
    assert texts == ["水", "水。", "水。"]
    assert visible("<b>") == "<b>" and visible("<th") == ""


def test_stop_ends_the_voice() -> None:
    voice, task = FakeVoice("骆驼" * 100), Task()
    replies = respond(voice, user("骆驼？"), GREEDY, task)
    next(replies)
    task.stop()
    with pytest.raises(Cancelled):
        next(replies)
    assert voice.streams[0].closed
    left = respond(voice, user("骆驼？"), GREEDY, Task())
    next(left)
    left.close()
    assert voice.streams[1].closed, "a visitor who leaves stops the model too"


@pytest.mark.parametrize("turns", [[], user("  "), [Message("assistant", "你好")]])
def test_nothing_to_answer_is_said(turns: list[Message]) -> None:
    with pytest.raises(BadInput):
        last(respond(FakeVoice("…"), turns, GREEDY, Task()))


def test_a_watched_voice_remembers_what_its_model_saw() -> None:
    voice = Watched(FakeVoice("水"))
    last(respond(voice, user("骆驼喝什么？"), GREEDY, Task(), system=""))
    assert voice.seen and voice.seen.text == "<user>骆驼喝什么？<assistant>" and voice.n_prompts == 1


# summary


def test_camelbell_is_asked_to_the_letter_and_greedily() -> None:
    voice = FakeVoice("船长捐了图书馆。", engine="chatglm-6b", adapter="camelbell-c")
    made = last(summarize(voice, PASSAGE, THREE, GenOptions(temperature=1.0), Task()))
    assert voice.asked == [f"Instruction: 请帮我总结以下内容:\nInput: {PASSAGE}\nAnswer: "]
    assert voice.options[0].temperature == 0.0 and made.text == "船长捐了图书馆。"


def test_a_summary_says_who_made_which_part_and_what_speaks_for_it() -> None:
    voice = FakeVoice("图书馆由退休船长陈海生捐资修建，后来发过洪水。火星上没有骆驼。")
    made = last(summarize(voice, PASSAGE, THREE, GREEDY, Task()))
    assert made.origin.how == "neural" and made.aside and made.aside.how == "extractive"
    assert made.headline and made.phrases
    assert [piece.text for piece in made.evidence] == [PASSAGE[: PASSAGE.index("。") + 1]]
    assert PASSAGE[made.evidence[0].start : made.evidence[0].end] == made.evidence[0].text
    assert "不超过3句话" in voice.prompts[0] and "文章" in voice.prompts[0]


def test_an_english_text_is_asked_about_in_english() -> None:
    voice = FakeVoice("A library.")
    size = SummaryOptions(size=80, unit="characters")
    last(summarize(voice, "The library was built in 1936 by a captain. It holds maps.", size, GREEDY, Task()))
    assert "at most 80 characters" in voice.prompts[0] and "不超过" not in voice.prompts[0]


def test_a_long_text_is_read_in_parts_and_their_summaries_merged() -> None:
    text = "".join(f"第{n}天骆驼走了很远的路才找到水。" for n in range(100))
    voice = FakeVoice(lambda seen: "合并" if "小结" in seen else "小结。", n_context=900)
    task = Task()
    steps = list(summarize(voice, text, THREE, GenOptions(max_new_tokens=200, temperature=0.0), task))
    *maps, merge = voice.prompts
    assert len(maps) > 1 and all("小结" not in seen for seen in maps) and merge.count("小结。") == len(maps)
    assert all(any(f"第{n}天" in seen for seen in maps) for n in range(100)), "no sentence is lost"
    assert all(len(seen) + 200 <= 900 for seen in voice.prompts)
    assert steps[-1].text == "合并" and steps[-1].note == "" and task.fraction == 1.0
    assert {made.note for made in steps} == {"", "summary.part"}


def test_merging_ends_also_with_a_model_that_does_not_shorten() -> None:
    voice = FakeVoice(lambda seen: seen, n_context=500)
    made = last(summarize(voice, "骆驼在沙漠里走。" * 400, THREE, GenOptions(max_new_tokens=100), Task()))
    assert made.text and len(voice.prompts) < 200


def test_a_novel_can_be_stopped(data: Path) -> None:
    novel = (data / "long" / "红楼梦.txt").read_text(encoding="utf-8")
    voice, task = FakeVoice("贾府的事。", n_context=32_000), Task()
    growing = summarize(voice, novel, THREE, GREEDY, task)
    for _ in range(20):
        made = next(growing)
    assert made.note == "summary.part" and made.headline and 0 < task.fraction < 1
    task.stop()
    with pytest.raises(Cancelled):
        next(growing)


def test_a_novel_is_summarised_from_all_of_its_parts(data: Path) -> None:
    novel = (data / "long" / "红楼梦.txt").read_text(encoding="utf-8")
    voice = FakeVoice(lambda seen: seen[-400:-300], n_context=32_000)
    made = last(summarize(voice, novel, SummaryOptions(size=10), GREEDY, Task()))
    assert 100 < len(voice.prompts) < 300 and max(map(len, voice.prompts)) < 7_000
    assert made.text and all(novel[piece.start : piece.end] == piece.text for piece in made.evidence)


def test_an_empty_text_and_a_tiny_context_are_refused() -> None:
    for text, n_context in ((" \n", 4096), (PASSAGE, 150)):
        with pytest.raises(BadInput):
            last(summarize(FakeVoice("…", n_context=n_context), text, THREE, GREEDY, Task()))


@given(st.text(alphabet="骆驼走。！\n a.", max_size=300), st.integers(1, 40))
@settings(deadline=None)
def test_parts_are_bounded_in_order_and_lose_no_word(text: str, limit: int) -> None:
    pieces = parts(text, limit, len, Task())
    assert all(len(piece.text) <= limit and piece.text == text[piece.start : piece.end] for piece in pieces)
    assert all(one.end <= two.start for one, two in zip(pieces, pieces[1:], strict=False))
    inside = {at for piece in pieces for at in range(piece.start, piece.end)}
    assert not pieces or all(at in inside for at, char in enumerate(text) if char.isalnum())
    assert bool(pieces) or not text.strip()


# questions


@pytest.mark.parametrize(
    ("written", "rewritten", "answered"),
    [
        ("问题转义为:谁出资建馆?\n答案为:陈海生", "谁出资建馆?", "陈海生"),
        ("问题转义为：谁出资建馆？\n答案为：陈海生\nEND", "谁出资建馆？", "陈海生"),
        ("问题转义为:谁出资建馆? 答案为:陈海生", "谁出资建馆?", "陈海生"),
        ("**问题转述**：谁出资建馆？\n\n**答案**：**陈海生**", "谁出资建馆？", "陈海生"),
        ("1. 问题转义为：谁出资建馆？\n2. 答案为：陈海生", "谁出资建馆？", "陈海生"),
        ("问题转义为：谁出资建馆？\n陈海生", "谁出资建馆？", "陈海生"),
        ("Question rewritten: Who paid?\nAnswer: Chen Haisheng", "Who paid?", "Chen Haisheng"),
        ("答案：“陈海生”", "", "陈海生"),
        ("陈海生", "", "陈海生"),
        ("问题转义为:谁?\n答案为:甲\nEND\n问题转义为:几册?\n答案为:八百", "谁?", "甲"),
        ("问题转义为:谁?\n答案为:甲\n原始问题为：几册？\n问题转义为:几册?", "谁?", "甲"),
        ("问题转义为:\n答案为:", "", ""),
        ("END", "", ""),
        ("", "", ""),
    ],
)
def test_both_fields_are_read_however_they_are_written(written: str, rewritten: str, answered: str) -> None:
    found = told(written)
    assert (found.rewritten, found.answer) == (rewritten, answered)


WORDS = st.text(alphabet="骆驼船长在哪里 0aZ,，", min_size=1, max_size=20).filter(str.strip)


GAPS, TAILS = st.sampled_from(["\n", "\n\n", " "]), st.sampled_from(["", "\nEND", " \n"])


@given(WORDS, WORDS, st.sampled_from(":："), GAPS, TAILS)
@settings(deadline=None)
def test_well_formed_answers_read_back(question: str, reply: str, colon: str, gap: str, tail: str) -> None:
    found = told(f"问题转义为{colon}{question}{gap}答案为{colon}{reply}{tail}")
    assert (found.rewritten, found.answer) == (question.strip(), reply.strip())


MARKS = ["问题转义为", "答案为", "答案", "END", ":", "：", "\n", "**", "```", "“", "”", "<script>", "骆驼", "1.", " "]
HOSTILE = st.lists(st.sampled_from(MARKS) | st.text(max_size=5), max_size=30).map("".join)


@given(HOSTILE)
@settings(deadline=None, max_examples=400)
def test_the_parser_bears_anything_and_makes_nothing_up(written: str) -> None:
    found = told(written)
    assert found.rewritten in written and found.answer in written
    assert "\n" not in found.rewritten and "答案为:" not in found.answer
    refuses(found.answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("原文未提及", True), ("文中没有提到这一点。", True), ("未提及", True), ("无法从原文中得知", True),
        ("Not in the passage", True), ("The passage does not say.", True),
        ("陈海生", False), ("没有", False), ("他没有提到原因", False), ("无", False), ("1936年", False),
    ],
)  # fmt: skip
def test_a_refusal_is_told_from_an_answer(text: str, expected: bool) -> None:
    assert refuses(text) == expected


def test_luotuo_qa_is_asked_to_the_letter() -> None:
    voice = FakeVoice("问题转义为:谁出钱建的图书馆?\n答案为:陈海生", "船长", adapter="luotuo-qa-lora-0.1")
    asked = prepare(voice, PASSAGE, WHO, GREEDY, Task())
    first = last(answer(voice, asked, GenOptions(), Task()))
    forced = last(direct(voice, asked, GenOptions(), Task()))
    head = (
        "给你下面的文本和问题，请先给出一个对应问题的同义转述，再给出问题的答案。\n"
        f"文本为：{PASSAGE}\n原始问题为：{WHO}\n"
    )
    assert voice.asked == [head, f"{head}问题转义为:{WHO}\n答案为:"]
    assert [(o.temperature, o.top_p) for o in voice.options] == [(0.0, 0.9), (0.95, 0.4)]
    assert (first.rewritten, first.text) == ("谁出钱建的图书馆?", "陈海生")
    assert PASSAGE[first.start : first.end] == "陈海生" and first.evidence[0].start <= first.start
    assert (forced.rewritten, forced.text, forced.note) == ("", "船长", "")


def test_an_answer_grows_field_by_field_and_says_where_it_stands() -> None:
    voice = FakeVoice("问题转义为：谁出钱建的图书馆？\n答案为：１９３６年")
    asked = prepare(voice, PASSAGE, WHO, GREEDY, Task())
    steps = list(answer(voice, asked, GREEDY, Task()))
    assert steps[0].text == "" and steps[-1].text == "１９３６年" and steps[-1].confidence is None
    assert PASSAGE[steps[-1].start : steps[-1].end] == "1936年"
    assert "".join(voice.prompts[0].split()).count(WHO) == 1 and "原文未提及" in voice.prompts[0]
    assert all(step.text in "１９３６年" and "答案" not in step.text for step in steps)


def test_what_the_passage_does_not_hold_is_said() -> None:
    none = FakeVoice("问题转义为：火星上有什么？\n答案为：原文未提及。")
    made = last(answer(none, prepare(none, PASSAGE, "火星上有什么？", GREEDY, Task()), GREEDY, Task()))
    assert (made.text, made.start) == ("", -1) and made.evidence
    invented = FakeVoice("问题转义为：谁？\n答案为：李白")
    made = last(answer(invented, prepare(invented, PASSAGE, WHO, GREEDY, Task()), GREEDY, Task()))
    assert (made.text, made.start, made.note) == ("李白", -1, "qa.not_literal")


def test_of_a_long_passage_the_model_sees_what_the_question_is_about() -> None:
    filler = "".join(f"第{n}天骆驼走了很远的路才找到水。" for n in range(300))
    passage = filler + PASSAGE + filler
    voice = FakeVoice("答案为：陈海生", n_context=1500)
    made = last(answer(voice, prepare(voice, passage, WHO, GREEDY, Task()), GREEDY, Task()))
    assert "陈海生" in voice.prompts[0] and len(voice.prompts[0]) + GREEDY.max_new_tokens <= 1500
    assert passage[made.start : made.end] == "陈海生" and made.note == "qa.excerpt"


def test_a_place_is_found_but_for_width_marks_and_script() -> None:
    passage = "他说：“图书馆，在Ｎｏ．７路。” 圖書館很舊。"
    for wanted, found in (("图书馆在no.7路", "图书馆，在Ｎｏ．７路"), ("图书馆很旧", "圖書館很舊"), ("海边", "")):
        start, end = locate(passage, wanted)
        assert (passage[start:end] if start >= 0 else "") == found
    near = [Evidence("圖書館很舊。", 1.0, start=passage.index("圖"), end=len(passage))]
    assert locate(passage, "图书馆", near)[0] == passage.index("圖")
    assert locate(passage, "。") == (-1, -1)


@given(st.text(max_size=40), st.data())
@settings(deadline=None)
def test_every_stretch_of_words_is_found(passage: str, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(passage)))
    wanted = passage[start : start + 5]
    low, high = locate(passage, wanted)
    assert low == -1 or (0 <= low < high <= len(passage))
    assert low >= 0 or not any(char.isascii() and char.isalnum() for char in wanted)


def test_no_evidence_is_made_up() -> None:
    assert support(PASSAGE, "火星上没有骆驼。", Task()) == () == support("", "甲", Task())


# the Prophet


def test_the_prophet_is_asked_in_the_structure_of_the_original() -> None:
    prophet = Prophet([prose("友谊", "朋友是火。\n\n不要问火有多大。"), prose("孤独", "独行的人听见自己。")])
    found = prophet.retrieve("友谊", 2, Task())
    voice = FakeVoice("<先知>:```朋友是井。\n\n不要问井有多深。```\n\n<市民>:```再说一个")
    steps = list(compose(voice, "友谊", found, GREEDY, Task()))
    head, _, shots = voice.prompts[0].removeprefix("<user>").partition("\n\n")
    assert "先知" in head and shots == (
        '<市民>:```请和我们讨论一下"友谊"```\n\n<先知>:```朋友是火。\n\n不要问火有多大。```\n\n'
        '<市民>:```请和我们讨论一下"孤独"```\n\n<先知>:```独行的人听见自己。```\n\n'
        '<市民>:```请和我们讨论一下"友谊"```\n\n<assistant>'
    )
    assert steps[-1].text == "朋友是井。\n\n不要问井有多深。" and steps[-1].origin.how == "neural"
    assert [piece.source for piece in steps[-1].evidence] == ["友谊", "孤独"]
    assert all(not step.text or step.text.startswith("朋"[: len(step.text)]) for step in steps)


def test_the_prophet_sees_as_many_pieces_as_fit() -> None:
    long = "\n\n".join(["沙" * 200] * 4)
    found = [Found(prose(title, long), 1.0, "沙") for title in "甲乙丙"]
    for n_context, titles, paragraphs in ((4000, "甲乙丙", 12), (1900, "甲", 4), (1100, "甲", 2), (700, "", 0)):
        voice = FakeVoice("…", n_context=n_context)
        made = last(compose(voice, "风", found, GenOptions(max_new_tokens=300), Task()))
        assert "".join(piece.source for piece in made.evidence) == titles, n_context
        assert voice.prompts[0].count("沙" * 200) == paragraphs and len(voice.prompts[0]) + 300 <= n_context


@given(st.text(max_size=60))
@settings(deadline=None)
def test_unwrapping_makes_nothing_up(text: str) -> None:
    assert unwrapped(text) in text
    assert unwrapped(f"<先知>:```{text}```").strip("`") in text or "先知" in text


# side by side


def test_columns_grow_together_and_say_whose_they_are() -> None:
    comparer = FakeComparer({"": "沙漠", "luotuo": "绿洲里"}, {"luotuo": "length"})
    steps = list(compare(comparer, user("去哪？"), GREEDY, Task()))
    texts = [tuple(reply.text for reply in row) for row in steps]
    assert texts[:4] == [("", ""), ("沙", ""), ("沙", "绿"), ("沙漠", "绿")] and texts[-1] == ("沙漠", "绿洲里")
    assert [reply.origin.adapter for reply in steps[-1]] == ["", "luotuo"]
    assert [reply.note for reply in steps[-1]] == ["", "writing.end.length"] and comparer.made[0].closed
    with pytest.raises(BadInput):
        last(compare(comparer, user(" "), GREEDY, Task()))


def test_stop_ends_all_columns() -> None:
    comparer, task = FakeComparer({"": "沙漠" * 50, "luotuo": "绿洲" * 50}), Task()
    rows = compare(comparer, user("去哪？"), GREEDY, task)
    next(rows), next(rows)
    task.stop()
    with pytest.raises(Cancelled):
        next(rows)
    assert comparer.made[0].closed


def test_origin_of_the_base_is_no_family() -> None:
    assert family(Origin("neural", "chatglm-6b", "THUDM/chatglm-6b")) == ""
