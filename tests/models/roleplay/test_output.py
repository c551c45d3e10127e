"""What is taken off a model's answer, whole and while it grows; every case of haruhi.md §7 is here."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.roleplay.output import clean, growing

OWN, OTHERS = ("骆驼老师", "Teacher Camel"), ("小驼", "旅人")

CASES = {
    "骆驼老师:「你好」": "你好",
    "骆驼老师：「你好」": "你好",
    "骆驼老师: 「你好」": "你好",  # 2.0 leaves it as it is
    "骆驼老师:「你好，\n坐」": "你好，\n坐",  # 2.0 leaves it as it is
    "旁白:风停了。\n骆驼老师:「走」": "（风停了。）\n走",  # 2.0 leaves it as it is
    "骆驼老师:「一」\n骆驼老师:「二」\n小驼:「三」": "一\n二",
    "骆驼老师（推眼镜）:「走」": "（推眼镜）走",
    "骆驼老师:「那里」(指着井)": "那里(指着井)",
    "骆驼老师:「没有关上": "没有关上",
    "**骆驼老师**：你好": "你好",
    "Teacher Camel: Hello.": "Hello.",
    "「只有引号」": "只有引号",
    "好啊」": "好啊",
    "好啊": "好啊",
    "第一段。\n\n第二段。": "第一段。\n\n第二段。",
    "好的。\n小驼:我也去": "好的。",
    "好的。\n陌生人:「我也去」": "好的。",
    "小驼:「先重复你的话」\n骆驼老师:「好」": "好",
    "骆驼老师:「好」小驼:「嗯」": "好",
    "骆驼老师:「好」\n这里是别的话": "好",
    "好\n###\n旁白:下一幕": "好",
    "骆驼老师:「没有关上\n###\n小驼:「下一幕」": "没有关上",
    "骆驼老师:「没有关上\n小驼:「哦」": "没有关上",
    "好。\n「小驼:走」": "好。",
    "好。\n骆驼老师:「小驼（笑）：走」": "好。",
    "骆驼老师\n「###": "骆驼老师",
    "注意：不要动": "注意：不要动",
    "「绿洲」在井的北边。": "绿洲在井的北边。",
    "": "",
}


@pytest.mark.parametrize("raw", CASES)
def test_clean(raw: str) -> None:
    assert clean(raw, OWN, OTHERS) == CASES[raw]


@pytest.mark.parametrize("raw", CASES)
def test_the_growing_text_only_grows_and_ends_as_the_clean_one(raw: str) -> None:
    texts = [said.text for said in growing((raw[:end] for end in range(1, len(raw) + 1)), OWN, OTHERS)]
    assert all(later.startswith(earlier) for earlier, later in zip(texts, texts[1:], strict=False)), texts
    assert (texts[-1] if texts else "") == CASES[raw]


PIECES = st.sampled_from(
    ["骆驼老师", "小驼", "旁白", ":", "：", "「", "」", "\n", "好", "。", "（", "）", "###", "他 说", "a"]
)


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=500, deadline=None)
@example("骆驼老师\n「###")
def test_no_answer_forges_another_speakers_line(raw: str) -> None:
    said = clean(raw, OWN, OTHERS)
    assert not any(line.startswith(("小驼:", "小驼：", "###")) for line in said.split("\n")[1:])
    texts = [one.text for one in growing((raw[:end] for end in range(1, len(raw) + 1)), OWN, OTHERS)]
    assert all(later.startswith(earlier) for earlier, later in zip(texts, texts[1:], strict=False)), texts
    assert texts[-1:] in ([said], []) or said == ""
