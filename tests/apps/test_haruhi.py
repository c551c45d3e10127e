"""Role-play behind the page: a story survives any browser, a turn leaves it whole, a guest knows what they heard, and a
visitor's own characters, files and models stay theirs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gradio.utils import get_upload_folder
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from apps.haruhi.story import RULES, Seat, Story, read, write
from apps.haruhi.tab import Desk
from models.errors import BadInput, DoesNotFit
from models.roleplay.conversation import Conversation
from models.roleplay.history import Digest
from tests.fakes import FakeEncoder, FakeVoice

OWNER, OTHER = "a" * 48, "b" * 48
PLAIN: tuple[Any, ...] = ("", "", 300, 0.8, 0.9, 1.05, "")  # the embedded engine
NEURAL: tuple[Any, ...] = ("", "fake", 64, 0.8, 0.9, 1.05, "")
BORED = "好无聊啊，有什么好玩的吗？"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("home"))


def after(views: Iterator[Any]) -> Story:
    """The story when all is done. Raises the error that the page would show."""
    story = None
    for view in views:
        if view.error is not None:
            raise view.error
        story = view.story or story
    assert story is not None
    return story


def opened(desk: Desk, key: str = "haruhi", owner: str = OWNER) -> Story:
    return after(desk.act({"do": "open", "key": key, "owner": owner}, "", "", "zh", *PLAIN))


def act(desk: Desk, story: Story, *mind: Any, **do: Any) -> Story:
    return after(desk.act(do, write(story), "", "zh", *(mind or PLAIN)))


def say(desk: Desk, story: Story, text: str, *mind: Any, role: str = "") -> Story:
    return after(desk.say(text, write(story), role, "zh", *(mind or PLAIN)))


def texts(story: Story, side: str = "character") -> list[str]:
    path = story.tree.path()
    return [story.tree.nodes[at].text for at in path if story.tree.nodes[at].side == side]


def lend(monkeypatch: pytest.MonkeyPatch, voice: FakeVoice, encoder: FakeEncoder | None = None) -> list[str]:
    """Puts stand-ins in the place of models; the list tells which of them are held, and fails when both are."""
    held: list[str] = []

    @contextmanager
    def hold(name: str, what: Any) -> Iterator[Any]:
        assert not held, "one model is held while another is waited for"
        held.append(name)
        yield what
        held.remove(name)

    monkeypatch.setattr(models, "voice", lambda choice, task: hold("voice", voice))
    monkeypatch.setattr(models, "encoder", lambda choice, task: hold("encoder", encoder))
    return held


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_whatever_a_browser_kept_makes_a_story(given_: Any) -> None:
    for text in (json.dumps(given_), json.dumps({"seats": given_, "tree": given_, "role": given_, "digest": given_})):
        story = read(text)
        assert read(write(story)) == story


SPOKEN = st.tuples(st.sampled_from(["say", "undo", "redo", "swipe"]), st.text(min_size=1, max_size=5))


@given(st.lists(SPOKEN, max_size=8), st.sampled_from(RULES), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_story_comes_back_from_the_browser_as_it_was(steps: list[tuple[str, str]], rule: Any, inline: bool) -> None:
    tree = Conversation().say("character", "春日", "你好", {"key": "haruhi"}, at=1.0)
    for step, text in steps:
        if step == "say":
            side = "user" if tree.nodes[tree.tip].side == "character" else "character"
            tree = tree.say(side, "谁", text, {"place": 3}, at=2.0)  # type: ignore[arg-type]
        else:
            tree = tree.swipe(tree.tip, 1) if step == "swipe" else getattr(tree, step)()
    story = Story((Seat("haruhi"), Seat("camel", 2)), tree, "阿虚", rule, inline, Digest("从前", 4), OWNER)
    assert read(write(story)) == story


def test_another_answer_and_the_rest_of_the_scene(desk: Desk) -> None:
    story = say(desk, opened(desk), BORED)
    lines = [texts(story)[-1]]
    for _ in range(4):
        story = act(desk, story, do="retry")
        lines.append(texts(story)[-1])
    assert len(set(lines)) == len(lines), "a retry brought a line again"
    back = act(desk, story, do="swipe", at=story.tree.tip, step=-1)
    assert texts(back)[-1] == lines[-2] and len(back.tree.swipes(back.tree.tip)) == 5
    edited = act(desk, back, do="edit", at=1, text="明天考试，我好紧张。")
    assert texts(edited, "user") == ["明天考试，我好紧张。"] and len(edited.tree.branches()) == 6
    told = act(desk, say(desk, opened(desk), BORED), do="narrate")
    assert told.tree.nodes[told.tree.tip].speaker == "旁白"
    with pytest.raises(BadInput) as refused:
        say(desk, story, "你好", role="春日")
    assert refused.value.code == "role_is_character"


def test_an_error_loses_nothing_that_was_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise BadInput("bad_option")

    story = say(desk, opened(desk), BORED)
    monkeypatch.setattr(models, "voice", broken)
    *_, last = desk.act({"do": "retry"}, write(story), "", "zh", *NEURAL)
    assert last.error is not None and texts(last.story) == texts(story)
    *_, last = desk.say("你还在吗？", write(story), "", "zh", *NEURAL)
    assert last.error is not None and texts(last.story, "user") == [BORED, "你还在吗？"] and last.busy is False


def test_a_model_that_does_not_fit_leaves_the_part_to_the_scenes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Any:
        raise DoesNotFit("does_not_fit", model="x", need_bytes="9 GiB", budget_bytes="1 GiB", pinned_bytes="0")

    plain = texts(say(desk, opened(desk), BORED))
    monkeypatch.setattr(models, "voice", refused)
    story = say(desk, opened(desk), BORED, *NEURAL)
    meta = story.tree.nodes[story.tree.tip].meta
    assert texts(story) == plain and meta["origin"]["how"] == "retrieved" and meta["note"] == "bar.fell_back"


def test_a_model_plays_with_scenes_found_by_an_embedder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    voice, encoder = FakeVoice("春日:「走，去找外星人！」阿虚:「又来」"), FakeEncoder("无聊社团外星人考试")
    held = lend(monkeypatch, voice, encoder)
    story = say(desk, opened(desk), BORED, "tiny", *NEURAL[1:])
    assert texts(story)[-1] == "走，去找外星人！" and held == []
    assert f"阿虚:「{BORED}」" in encoder.seen and len(encoder.seen) > 50, "scenes and question are embedded"
    n_embedded = len(encoder.seen)
    story = act(desk, story, "tiny", *NEURAL[1:], do="continue")
    assert texts(story)[-1].startswith("走，去找外星人！") and len(encoder.seen) < n_embedded + 20, "scenes once only"
    voice = FakeVoice("1. 去哪找？\n2. 带上我\n3. 不去")
    lend(monkeypatch, voice, encoder)
    *_, view = desk.act({"do": "suggest"}, write(story), "", "zh", *NEURAL)
    assert view.starters == ("去哪找？", "带上我", "不去")


def test_what_falls_out_of_sight_is_summed_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = FakeVoice(lambda prompt: "阿虚说了很多。" if "总结" in prompt else "嗯。", n_context=900)
    lend(monkeypatch, answers)
    story = opened(desk)
    for turn in range(9):
        story = say(desk, story, f"第{turn}件事：" + "沙丘又高又远。" * 12, *NEURAL)
    assert story.digest.n_turns >= 6 and story.digest.text
    assert story.digest.text in answers.prompts[-1] or story.digest.text in answers.prompts[-2]
    assert act(desk, story, do="undo").digest == Digest()


def test_a_guest_knows_what_was_said_since_they_came(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = FakeVoice("好的。")
    lend(monkeypatch, voice)
    story = say(desk, opened(desk), "这是我们两个人的秘密。", *NEURAL)
    story = act(desk, story, do="join", key="camel")
    story = say(desk, story, "骆驼老师，你来了。", *NEURAL)
    assert story.tree.nodes[story.tree.tip].meta["key"] == "camel"
    assert "秘密" not in voice.prompts[-1] and "你来了" in voice.prompts[-1]
    story = act(desk, story, *NEURAL, do="speak", key="haruhi")
    assert "秘密" in voice.prompts[-1] and story.tree.nodes[story.tree.tip].speaker == "春日"
    story = act(desk, story, do="rule", rule="hand")
    assert texts(say(desk, story, "大家好", *NEURAL)) == texts(story), "nobody answers until asked"
    assert act(desk, story, do="leave", key="haruhi").seats == (Seat("camel", 3),)


def made(desk: Desk, owner: str, **fields: str) -> Story:
    return after(desk.act({"do": "create", "fields": fields}, write(opened(desk, owner=owner)), "", "zh", *PLAIN))


def test_a_visitors_own_character_is_theirs_alone_and_outlives_the_hub(desk: Desk) -> None:
    script = "渔夫:「婆婆，看得见岸吗？」\n灯塔婆婆:「看得见灯，就看得见岸。」\n"
    story = made(desk, OWNER, name="灯塔婆婆", script=script, persona="你守着灯。{{user}}是渔夫。")
    assert story.key == "灯塔婆婆" and story.role == "渔夫"
    assert desk.stage.whole(story, "zh").starters == ("婆婆，看得见岸吗？",)
    assert texts(say(desk, story, "婆婆，看得见岸吗？"))[-1] == "看得见灯，就看得见岸。"
    restarted = Desk(desk.stage.library._root.parent)
    assert texts(say(restarted, story, "婆婆，看得见岸吗？"))[-1] == "看得见灯，就看得见岸。"
    assert opened(restarted, "灯塔婆婆").key == "灯塔婆婆"
    for owner in (OTHER, "", "a"):
        with pytest.raises(BadInput) as unknown:
            restarted.stage.library.pack(owner, "灯塔婆婆")
        assert unknown.value.code == "unknown_character"
        stolen = replace(story, owner=owner)
        assert restarted.stage.library.known(stolen).key == "haruhi"
    with pytest.raises(BadInput):
        act(restarted, replace(opened(restarted), owner=OTHER), do="forget", key="灯塔婆婆")
    assert act(restarted, story, do="forget").key == "haruhi"
    with pytest.raises(BadInput):
        restarted.stage.library.pack(OWNER, "灯塔婆婆")


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "", "../x", str(Path(get_upload_folder())), None])
def test_only_files_that_were_uploaded_are_read(desk: Desk, path: Any) -> None:
    for name in ("bring", "chat"):
        with pytest.raises(BadInput):
            act(desk, opened(desk), do=name, paths=[path])


@given(
    JSON, st.sampled_from(["open", "swipe", "edit", "goto", "join", "speak", "rule", "pack", "export", "forget", "x"])
)
@settings(max_examples=80, deadline=None)
def test_any_command_is_done_or_refused(desk: Desk, value: Any, name: str) -> None:
    do = {"do": name, **dict.fromkeys(("at", "key", "step", "kind", "rule", "text", "story"), value)}
    try:
        views = list(desk.act(do, write(opened(desk)), "", "zh", *PLAIN))
    except BadInput:
        return
    assert all(view.error is None or isinstance(view.error, BadInput) for view in views)


def test_stop_keeps_what_was_said(desk: Desk) -> None:
    story = say(desk, opened(desk), BORED)
    views = list(desk.act({"do": "retry"}, write(story), "", "zh", *PLAIN))
    live = next(view.live for view in views if "data-mode" in (view.live or ""))
    asked = write(views[0].story or story)
    stopped = after(desk.stop(asked, live or "", "", "zh"))
    assert texts(stopped)[-1] and texts(stopped)[-1] not in texts(story)
    assert len(stopped.tree.swipes(stopped.tree.tip)) == 2
    nothing = after(desk.stop(asked, "", "", "zh"))
    assert texts(nothing) == texts(story), "a retry that said nothing is taken back"


def test_uploads_can_be_switched_off(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.stage.library.uploads = False
    with pytest.raises(BadInput) as refused:
        made(desk, OWNER, name="谁")
    assert refused.value.code == "uploads_off"
    view = next(desk.act({"do": "open", "owner": OWNER}, "", "", "zh", *PLAIN))
    assert "data-form" not in view.gallery
