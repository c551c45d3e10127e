"""Conversation by retrieval: answers, follow-ups, «I do not know»; lines of a character; pictures for them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.dialogue import Knowledge, Scenes, parse_scenes, pick_picture
from models.embedded.phrasing import canonical
from models.engine import Message, Reply
from models.errors import BadInput, Cancelled
from models.task import Task

ENTRIES: list[dict[str, Any]] = [
    {"id": "bell", "topic": "project", "q": ["驼铃是什么？", "What is CamelBell?"], "a": "驼铃是一族适配器。",
     "a_en": "CamelBell is a family of adapters."},
    {"id": "bell-train", "topic": "project", "q": ["驼铃怎么训练的？"], "a": "用 LoRA 训练。"},
    {"id": "qa", "topic": "project", "q": ["骆驼问答是什么？"], "a": "它会读文章。"},
    {"id": "qa-train", "topic": "project", "q": ["骆驼问答怎么训练的？"], "a": "用翻译过的问答训练。"},
    {"id": "lang", "topic": "howto", "q": ["怎么切换语言？"], "a": "点右上角。", "see": ["home"]},
    {"id": "author", "topic": "people", "q": ["骆驼的作者是谁？"], "a": "几位朋友。"},
    {"id": "hello", "topic": "smalltalk", "q": ["你好", "您好"], "a": "你好呀。"},
    {"id": "how", "topic": "smalltalk", "q": ["你好吗？"], "a": "还不错。"},
]  # fmt: skip
SCENES = """## 井边
旁白:沙丘边有一口井。
旅人:「你好,请问这里有水吗?」
驼老师:「有,先喝再说。」
旅人:「你叫什么名字?」
驼老师:「姓骆,名驼。」(推眼镜)

## 夜里
小驼:「老师,我睡不着。」
驼老师:「数星星,
数错了重来。」
小驼:「你怕黑吗?」
驼老师:「怕过,后来黑也认得我了。」
"""
DEFLECTIONS = ("换个问法?", "这段路我没走过。")
PICTURES: list[dict[str, Any]] = [
    {"caption": {"zh": "温和的头像", "en": "Portrait"}, "cues": [], "emotion": "neutral", "neutral": True},
    {"caption": {"zh": "开怀大笑", "en": "Laughing"}, "cues": ["哈哈", "笑话"], "emotion": "happy"},
    {"caption": "抬头看星星", "cues": ["星空", "数星星"], "emotion": "calm"},
]


def knowledge() -> Knowledge:
    return Knowledge(ENTRIES, lambda lang: {"zh": "不知道", "en": "no idea"}[lang])


def ask(*questions: str) -> Reply:
    return knowledge().reply([Message("user", question) for question in questions], Task())


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("驼铃是什么？", "bell"),
        ("请问驼铃到底是啥", "bell"),
        ("介绍一下驼铃", "bell"),
        ("如何切换语言呢", "lang"),
        ("骆驼是谁做的", "author"),
        ("你好", "hello"),
        ("你好吗", "how"),
        ("駱駝問答是什麼", "qa"),
    ],
)
def test_a_question_in_other_words_finds_its_entry(question: str, source: str) -> None:
    reply = ask(question)
    assert reply.confident
    assert reply.evidence[0].source == source
    assert reply.origin.how == "retrieved"


@pytest.mark.parametrize("question", ["怎么做红烧肉", "量子纠缠", "红楼梦里谁最聪明", "😀😀", "how tall is Everest"])
def test_what_nobody_wrote_about_is_not_answered(question: str) -> None:
    reply = ask(question)
    assert not reply.confident
    assert reply.text == ("no idea" if question.isascii() else "不知道")


def test_english_questions_get_english_answers_where_there_are_any() -> None:
    assert ask("what's CamelBell").text == "CamelBell is a family of adapters."


@pytest.mark.parametrize(("before", "source"), [("驼铃是什么？", "bell-train"), ("介绍一下骆驼问答", "qa-train")])
def test_a_follow_up_is_about_what_came_before(before: str, source: str) -> None:
    assert ask(before, "那它怎么训练的？").evidence[0].source == source


def test_the_reply_grows_by_small_steps_to_the_whole() -> None:
    parts = [part.text for part in knowledge().respond([Message("user", "骆驼问答怎么训练的")], Task())]
    assert parts[-1] == "用翻译过的问答训练。"
    steps = [len(b) - len(a) for a, b in zip(["", *parts], parts, strict=False)]
    assert len(parts) > 2
    assert all(1 <= step <= 6 for step in steps)
    assert all(parts[-1].startswith(part) for part in parts)


def test_empty_questions_and_stops_are_told() -> None:
    with pytest.raises(BadInput):
        ask("  \n")
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        list(knowledge().respond([Message("user", "驼铃")], task))


@given(st.text(min_size=1, max_size=80).filter(str.strip))
@settings(max_examples=60, deadline=None)
def test_any_question_gets_some_reply(question: str) -> None:
    assert ask(question).text
    assert canonical(question) or not canonical(question + "?")


def test_a_very_long_question_is_bounded() -> None:
    assert ask("骆驼" * 500_000).text


def test_scenes_are_parsed_with_narration_and_open_quotations() -> None:
    well, night = parse_scenes(SCENES)
    assert (well.title, len(well.lines), well.lines[0].kind) == ("井边", 5, "narration")
    assert well.lines[-1].text == "姓骆,名驼。"
    assert night.lines[1].text == "数星星,\n数错了重来。"
    assert [scene.title for scene in parse_scenes("甲:「一」\n乙:「二」", "题")] == ["题"]


@given(st.text(alphabet='#甲:：「」旁白 \n\r{}"a', max_size=200))
@settings(max_examples=80, deadline=None)
def test_any_text_parses(text: str) -> None:
    for scene in parse_scenes(text):
        assert scene.lines
        assert all(line.text for line in scene.lines)


def scenes() -> Scenes:
    return Scenes(SCENES, "驼老师", deflections=DEFLECTIONS)


def said(text: str, *, avoid: tuple[int, ...] = (), before: tuple[Message, ...] = ()) -> Any:
    return scenes().reply([*before, Message("user", text)], "旅人", avoid=avoid, task=Task())


def test_the_character_says_their_own_next_line() -> None:
    found = said("你叫什么名字？")
    assert found.reply.text == "姓骆,名驼。"
    assert found.scenes[0].title == found.reply.evidence[0].source == "井边"
    assert [part.text for part in found.growing()][-1] == found.reply.text


def test_a_used_line_is_not_repeated() -> None:
    first = said("老师，我睡不着")
    assert first.reply.text.startswith("数星星")
    again = said("老师，我睡不着", avoid=(first.index,))
    assert again.index != first.index
    used_up = scenes().reply([Message("user", "你好")], "旅人", avoid=range(9), task=Task())
    assert not used_up.reply.confident


def test_without_a_close_place_the_character_deflects_in_turn() -> None:
    first = said("比特币多少钱")
    assert first.index == -1
    assert not first.reply.confident
    assert first.reply.text in DEFLECTIONS
    second = said("怎么部署集群", before=(Message("user", "比特币多少钱"), Message("assistant", first.reply.text)))
    assert second.reply.text in set(DEFLECTIONS) - {first.reply.text}


def test_a_character_without_scenes_still_speaks() -> None:
    assert Scenes("", "驼老师", default="嗯。").reply([Message("user", "你好")], "", task=Task()).reply.text == "嗯。"
    with pytest.raises(BadInput):
        said(" ")


def test_pictures_follow_the_reply() -> None:
    assert pick_picture("我给你讲个笑话，哈哈！", PICTURES, ())[0] == 1
    assert pick_picture("别急。睡不着就数星星吧。", PICTURES, ())[0] == 2
    assert pick_picture("参数是七十亿个旋钮", PICTURES, ()) == (0, 0.0)
    assert pick_picture("", PICTURES, ()) == (0, 0.0)


def test_a_picture_just_shown_gives_way() -> None:
    twins = [PICTURES[0], PICTURES[1], {**PICTURES[1]}]
    first, _ = pick_picture("哈哈，好笑话", twins, ())
    assert pick_picture("哈哈，好笑话", twins, (first,))[0] not in (0, first)
