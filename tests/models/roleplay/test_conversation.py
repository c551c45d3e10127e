"""The tree of a conversation, its storage, its files; what comes from outside is never trusted."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.roleplay.chatfile import read_chat, write_jsonl, write_markdown, write_text
from models.roleplay.conversation import Conversation, from_dict
from models.roleplay.turns import Turn


def talk() -> Conversation:
    begun = Conversation().say("character", "骆驼老师", "你来啦。")
    return begun.say("user", "小驼", "水呢？").say("character", "骆驼老师", "在井里。")


def texts(conversation: Conversation) -> list[str]:
    return [turn.text for turn in conversation.turns()]


def test_retry_is_a_swipe_and_swiping_goes_round() -> None:
    retried = talk().swipe_in(2, "井里有。", {"used": [3]})
    assert texts(retried)[-1] == "井里有。" and retried.swipes(3) == (2, 3)
    back = retried.swipe(3, -1)
    assert texts(back)[-1] == "在井里。" and texts(back.swipe(2, -1))[-1] == "井里有。"
    assert retried.nodes[3].meta == {"used": [3]}
    assert texts(retried.before(3)) == ["你来啦。", "水呢？"]


def test_an_edited_message_starts_a_branch_and_the_old_one_stays() -> None:
    edited = talk().swipe_in(1, "水在哪里？")
    assert texts(edited) == ["你来啦。", "水在哪里？"]
    assert edited.branches() == (2, 3)
    assert texts(edited.goto(2)) == texts(talk())
    assert texts(edited.swipe(3, 1)) == texts(talk()), "swiping back shows what followed"


def test_undo_redo_continue() -> None:
    undone = talk().undo()
    assert texts(undone) == ["你来啦。"] and undone.undo() == undone, "the greeting stays"
    assert texts(undone.redo()) == texts(talk())
    assert undone.say("user", "小驼", "换个话题").redo().turns()[-1] == Turn("小驼", "换个话题")
    assert texts(talk().extend("很深。"))[-1] == "在井里。很深。"
    assert Conversation().undo() == Conversation().redo() == Conversation()


STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "answer", "swipe_in", "swipe", "undo", "redo", "goto"]), st.integers(0, 99))
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_nothing_that_was_said_is_lost_and_storage_keeps_it(steps: list[tuple[str, int]]) -> None:
    conversation, said = Conversation(), []
    for step, number in steps:
        at = number % len(conversation.nodes) if conversation.nodes else -1
        if step in ("say", "answer"):
            conversation = conversation.say("user" if step == "say" else "character", "甲", str(number))
            said.append(str(number))
        elif step == "swipe_in" and at >= 0:
            conversation = conversation.swipe_in(at, f"又{number}")
            said.append(f"又{number}")
        elif step == "swipe" and at >= 0:
            conversation = conversation.swipe(at, number - 50)
        elif step == "goto" and at >= 0:
            conversation = conversation.goto(at)
        elif step in ("undo", "redo"):
            conversation = getattr(conversation, step)()
        assert [node.text for node in conversation.nodes] == said
        assert all(conversation.nodes[at].parent < at for at in range(len(said)))
    again = from_dict(json.loads(json.dumps(conversation.to_dict())))
    assert again.nodes == conversation.nodes and again.turns() == conversation.turns()


JSON: Any = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5), st.sampled_from(["u", "c"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.dictionaries(st.sampled_from(["nodes", "tip", "mes"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_a_browser_may_hand_in_anything(stored: Any) -> None:
    for given_ in (
        stored,
        {"nodes": stored, "tip": stored},
        {"nodes": [["u", "甲", "好", -1, 0, {}], stored], "tip": 0},
    ):
        conversation = from_dict(given_)
        assert len(conversation.path()) <= len(conversation.nodes)
        assert isinstance(write_text(conversation), str)


def test_jsonl_as_sillytavern_keeps_it() -> None:
    retried = talk().swipe_in(2, "井里有。")
    head, *rows = [json.loads(line) for line in write_jsonl(retried, "小驼", "骆驼老师").splitlines()]
    assert head["user_name"] == "小驼" and head["character_name"] == "骆驼老师" and "create_date" in head
    assert [row["is_user"] for row in rows] == [False, True, False]
    assert (
        rows[-1]["mes"] == "井里有。" == rows[-1]["swipes"][rows[-1]["swipe_id"]]
        and rows[-1]["swipes"][0] == "在井里。"
    )
    assert all(
        isinstance(row[key], kind) for row in rows for key, kind in (("name", str), ("send_date", str), ("mes", str))
    )
    again, user, character = read_chat(write_jsonl(retried, "小驼", "骆驼老师").encode(), "chat.jsonl")
    assert (texts(again), user, character) == (texts(retried), "小驼", "骆驼老师")
    assert len(again.swipes(again.tip)) == 2


def test_foreign_chats_are_read_with_care() -> None:
    lines = [
        '{"user_name":"You","character_name":"Camel","chat_metadata":{"note_prompt":""}}',
        '{"name":"System","is_system":true,"is_user":false,"mes":"hidden"}',
        '{"name":"Camel","is_user":false,"send_date":"May 3, 2024 5:33pm","mes":"Hi",'
        '"swipes":["Hi",7,"Ho"],"swipe_id":99}',
        "not json",
        '{"name":["x"],"is_user":true,"send_date":1714757580000,"mes":"Hello"}',
        "[" * 100_000,
    ]
    conversation, user, _ = read_chat("\n".join(lines).encode(), "chat.jsonl")
    assert texts(conversation) == ["Hi", "Hello"] and user == "You"
    assert conversation.nodes[-1].at == 1714757580.0
    with pytest.raises(BadInput):
        read_chat(b"\xff\xfe broken", "chat.jsonl")
    with pytest.raises(BadInput):
        read_chat(b"{}\n", "chat.jsonl")


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_chat_or_a_refusal(data: bytes) -> None:
    try:
        read_chat(data, "x")
    except BadInput as error:
        assert error.code == "chat_broken"


def test_markdown_and_text() -> None:
    conversation = talk().say("user", "小驼", "*跑*\n<b>快</b>")
    assert "> \\*跑\\*\n> \\<b\\>快" in write_markdown(conversation, "骆驼老师")
    assert write_text(talk()) == "骆驼老师:「你来啦。」\n小驼:「水呢？」\n骆驼老师:「在井里。」\n"
