"""Several visitors at once: nobody sees another's words, whoever leaves or presses stop ends only their own work."""

import json
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.conftest import Hub, started
from tests.wire import Message, Visitor, connect, said

RUNS = {
    "endless": ("endless-run", "click", "endless-stop", "click"),
    "chat": ("chat-box", "submit", "chat-box", "stop"),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with started(["-m", "tests.planted"], tmp_path_factory.mktemp("planted")) as running:
        before = len(running.log())  # the broken apps have had their say
        yield running
    assert "Traceback" not in running.log()[before:], running.log()[before:][-3000:]


def begin(visitor: Visitor, app: str, name: str) -> tuple[str, Generator[Message]]:
    """Starts endless work whose marks go to `name`; returns the event and the stream, read up to the first sign."""
    element, trigger, *_ = RUNS[app]
    running = visitor.join(element, trigger, {"endless-name": name, "chat-bot": [said(name)]})
    told = visitor.messages()
    assert next(message for message in told if message["msg"] == "process_generating")
    return running, told


def marks(hub: Hub, name: str) -> int:
    path = hub.home / f"{name}.marks"
    return path.stat().st_size if path.exists() else 0


def growing(hub: Hub, name: str, within_s: float = 20) -> bool:
    before, deadline = marks(hub, name), time.monotonic() + within_s
    while time.monotonic() < deadline:
        if marks(hub, name) > before + 3:
            return True
        time.sleep(0.05)
    return False


def comes_to_rest(hub: Hub, name: str, within_s: float = 15) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        before = marks(hub, name)
        time.sleep(0.8)
        if marks(hub, name) == before:
            return True
    return False


@pytest.mark.parametrize("app", RUNS)
def test_a_visitor_who_leaves_ends_their_work_and_nobody_elses(planted: Hub, app: str) -> None:
    with Visitor(planted.url) as leaving, Visitor(planted.url) as staying:
        _, leaving_told = begin(leaving, app, f"{app}-leaving")
        _, staying_told = begin(staying, app, f"{app}-staying")
        assert growing(planted, f"{app}-leaving") and growing(planted, f"{app}-staying")
        leaving_told.close()
        assert comes_to_rest(planted, f"{app}-leaving")
        assert growing(planted, f"{app}-staying")
        staying_told.close()


@pytest.mark.parametrize("app", RUNS)
def test_stop_ends_the_work_and_the_visitor_may_start_again(planted: Hub, app: str) -> None:
    element, trigger, stop, pressed = RUNS[app]
    with Visitor(planted.url) as visitor:
        running, told = begin(visitor, app, f"{app}-stopped")
        assert growing(planted, f"{app}-stopped")
        visitor.stop(stop, pressed, running, of=visitor.event(element, trigger)["id"])
        assert [message["msg"] for message in told][-1] == "close_stream"
        assert comes_to_rest(planted, f"{app}-stopped")
        _, told = begin(visitor, app, f"{app}-again")
        assert growing(planted, f"{app}-again")
        told.close()


def test_the_next_visitor_is_served_while_others_work_and_after_they_left(planted: Hub) -> None:
    names = [f"crowd-{number}" for number in range(8)]  # as many as may run at once
    with ExitStack() as crowd:
        streams = [begin(crowd.enter_context(Visitor(planted.url)), "endless", name)[1] for name in names]
        with Visitor(planted.url) as reader:
            typed = {"qa-passage": "骆驼住在沙漠。", "qa-question": "骆驼住在哪里？"}
            assert "沙漠" in reader.press("qa-run", "click", typed)[3]
        for stream in streams:
            stream.close()
    with Visitor(planted.url) as late:
        _, told = begin(late, "endless", "late")
        assert growing(planted, "late")
        told.close()
    deadline = time.monotonic() + 15
    while any(growing(planted, name, within_s=0.3) for name in names):
        assert time.monotonic() < deadline, "work goes on after its visitor has left"


def test_many_chats_at_once_are_answered_as_if_each_were_alone(hub: Hub) -> None:
    follow_up, characters = "它是怎么训练的？", ("haruhi", "camel", "wukong")
    chats = [(follow_up, history(topic)) for topic in ("驼铃", "骆驼QA", "骆驼嵌入", "骆驼先知", "什么是 LoRA")]
    plays = [(who, line, "", history("你好")) for who in characters for line in ("你是谁？", "我有点难过", "出发吧")]
    calls = [("/chat", given) for given in chats] + [("/roleplay", given) for given in plays]
    first = connect(hub.url)
    alone = [first.predict(*given, api_name=name) for name, given in calls]
    assert len({answer["text"] for answer in alone}) > len(calls) // 2
    clients = [connect(hub.url) for _ in range(4)]
    jobs = []
    for turn in range(4):
        for number, (name, given) in enumerate(calls):
            jobs.append((number, clients[(number + turn) % 4].submit(*given, api_name=name)))
    for number, job in jobs:
        assert job.result(timeout=120) == alone[number]


def test_every_page_gets_its_own_words_back(hub: Hub) -> None:
    lines = ["什么是 LoRA？", "讲个骆驼的笑话", "来源徽章是什么意思？", "What is CamelBell?", "你好", "再见"] * 2

    def talk(number: int) -> tuple[str, list[Any]]:
        with Visitor(hub.url) as visitor:
            line = f"{lines[number]}{' ' * number}"
            own = visitor.join("chat-box", "submit", {"chat-bot": [said(line)]})
            told = list(visitor.messages())
        assert {message["event_id"] for message in told} <= {own, None}
        return line, next(message for message in told if message["msg"] == "process_completed")["output"]["data"][0]

    with ThreadPoolExecutor(len(lines)) as pool:
        spoken = list(pool.map(talk, range(len(lines))))
    answers: dict[str, set[str]] = {}
    for line, turns in spoken:
        assert [turn["role"] for turn in turns] == ["user", "assistant", "assistant"]
        assert turns[0]["content"][0]["text"] == line
        answers.setdefault(line.strip(), set()).add(turns[1]["content"][0]["text"])
    assert all(len(texts) == 1 for texts in answers.values()) and len(answers) == len(set.union(*answers.values()))


def test_what_a_character_has_said_is_remembered_for_each_visitor(hub: Hub) -> None:
    def ask(visitor: Visitor, story: str) -> str:
        """The visitor's story with the answer to the same question."""
        typed = {"haruhi-box": "你真的相信有外星人吗？", "haruhi-story": story}
        return str(visitor.press("haruhi-box", "submit", typed)[0])

    def answers(story: str) -> list[str]:
        return [text for side, _, text, *_ in json.loads(story)["tree"]["nodes"] if side == "c"]

    with Visitor(hub.url) as one, Visitor(hub.url) as other:
        first = ask(one, "")
        second = ask(one, first)
        assert len(set(answers(second))) == 2, "a line was said twice to the same visitor"
        assert answers(ask(other, "")) == answers(first)


def test_an_uploaded_file_belongs_to_the_visitor_who_brought_it(hub: Hub) -> None:
    text = "".join(f"第{number}天，骆驼队走过了一片新的沙丘。" for number in range(1500))
    with Visitor(hub.url) as owner, Visitor(hub.url) as other:
        box = owner.press("summary-upload", "upload", {"summary-upload": owner.upload("long.txt", text.encode())})[3]
        assert text.startswith(box) and len(box) < len(text)
        cards = [visitor.press("summary-run", "click", {"summary-text": box})[3] for visitor in (owner, other)]
    assert f"{len(text)}" in cards[0] and f"{len(text)}" not in cards[1] and f"{len(box)}" in cards[1]


def history(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "text": f"{question}是什么？"}, {"role": "assistant", "text": "……"}]
