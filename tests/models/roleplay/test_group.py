"""Scenes with several characters: who speaks next, what each knows, undo and redo."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.packs.pack import Bilingual
from models.roleplay.compose import compose
from models.roleplay.group import (
    Troupe,
    ask_of,
    enter,
    from_dict,
    leave,
    next_speaker,
    redo,
    say,
    to_dict,
    undo,
    viewpoint,
)
from models.roleplay.turns import Turn
from models.task import Task
from tests.models.roleplay.haruhi import camel

CAMEL = camel()
FOX = camel(id="fox", name=Bilingual("狐狸", "Fox"), speaker="狐狸")
CROW = camel(id="crow", name=Bilingual("乌鸦", "Crow"), speaker="乌鸦")


def three() -> Troupe:
    return enter(enter(enter(Troupe(), CAMEL), FOX), CROW)


def test_who_speaks_next() -> None:
    scene = say(three(), "旅人", "狐狸，问问乌鸦去。")
    assert next_speaker(scene) == "crow", "the last one named"
    scene = say(scene, "乌鸦", "我是乌鸦，我不知道。")
    assert next_speaker(scene) == "camel", "nobody else is named: the longest silent, the first who came in"
    assert next_speaker(scene, "round") == "camel"
    scene = say(scene, "骆驼老师", "嗯。")
    assert next_speaker(scene) == "fox" == next_speaker(scene, "round")
    assert next_speaker(Troupe()) == "" and next_speaker(enter(Troupe(), FOX)) == "fox"


def test_each_answers_from_their_own_viewpoint() -> None:
    scene = say(enter(enter(Troupe(), CAMEL), FOX), "旅人", "你们好")
    scene = say(say(enter(scene, CROW), "狐狸", "你好"), "骆驼老师", "坐")
    assert viewpoint(scene, "crow") == (Turn("狐狸", "你好"), Turn("骆驼老师", "坐")), "came in later"
    told = compose(ask_of(scene, FOX), None, task=Task()).content
    assert [(one.role, one.text) for one in told[1:]] == [  # type: ignore[union-attr]
        ("user", "旅人:「你们好」"),
        ("assistant", "你好"),
        ("user", "骆驼老师:「坐」"),
    ]
    assert ask_of(scene, CAMEL).mode == "continue", "their own line was the last"


def test_undo_redo_and_leaving() -> None:
    scene = say(say(three(), "旅人", "一"), "狐狸", "二")
    assert redo(undo(scene)) == scene and undo(undo(undo(undo(scene)))).turns == ()
    assert redo(undo(undo(scene))).turns == scene.turns[:1]
    assert say(undo(scene), "旅人", "三").undone == ()
    assert [member.key for member in leave(scene, "fox").cast] == ["camel", "crow"]
    with pytest.raises(BadInput):
        leave(leave(scene, "fox"), "fox")
    with pytest.raises(BadInput):
        enter(scene, camel(id="other", name=Bilingual("狐狸")))
    assert from_dict(json.loads(json.dumps(to_dict(scene)))) == scene


@given(
    st.recursive(st.one_of(st.none(), st.integers(), st.text(max_size=4)), lambda inner: st.lists(inner, max_size=4))
)
@settings(max_examples=150, deadline=None)
def test_stored_scenes_are_not_trusted(rows: object) -> None:
    scene = from_dict({"cast": [rows, ["fox", "狐狸", ["狐"], 3]], "turns": [rows, ["旅人", "好"]]})
    assert scene.turns[-1] == Turn("旅人", "好") and scene.cast[-1].since <= len(scene.turns)
    assert next_speaker(scene) in {member.key for member in scene.cast}
