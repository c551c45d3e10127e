"""The remote engine against a server that speaks vLLM's contract: answers, vectors, the wire, stops."""

import base64
import gc
import json
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Message
from models.errors import Cancelled, ModelUnavailable
from models.remote import ServedModel
from models.remote.deltas import Deltas
from models.remote.events import MAX_EVENT_BYTES, EventReader, MalformedStream
from models.task import Task
from tests.models import stub_server as stubs
from tests.models.asking import ASK, GREEDY, QUICK, ask, remote
from tests.models.stub_server import BASE, CONTEXT, DIM, KEY, LORA, Stub, event, fails, sends, stream_of


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stubs.serving() as running:
        yield running


def test_chat_and_completion_stream(stub: Stub) -> None:
    assert list(remote(stub).generate(ASK, GREEDY, Task())) == list(stub.answer)
    assert ask(remote(stub), "从前有一只骆驼") == stub.answer
    chat, completion = stub.seen
    assert chat.path == "/v1/chat/completions" and chat.body["messages"][1] == {"role": "user", "content": "你好"}
    assert completion.path == "/v1/completions" and completion.body["prompt"] == "从前有一只骆驼"
    assert chat.body["stream"] is True and chat.key == KEY


def test_options_travel_under_the_protocols_names_and_only_when_on(stub: Stub) -> None:
    ask(remote(stub))
    assert set(stub.seen[0].body) == {"model", "messages", "stream", "max_tokens", "temperature"}
    options = replace(GREEDY, temperature=0.8, top_p=0.9, top_k=40, repetition_penalty=1.1, stop=("\n\n",), seed=7)
    ask(remote(stub), options=options)
    sent = {"max_tokens": 16, "temperature": 0.8, "top_p": 0.9, "top_k": 40, "repetition_penalty": 1.1, "seed": 7}
    assert sent.items() <= stub.seen[1].body.items() and stub.seen[1].body["stop"] == ["\n\n"]


def test_fields_that_a_server_does_not_know_are_left_out(stub: Stub) -> None:
    stub.unknown_fields = {"top_k", "repetition_penalty"}
    assert ask(remote(stub), options=replace(GREEDY, top_k=40, repetition_penalty=1.2)) == stub.answer
    assert len(stub.seen) == 3 and "top_k" not in stub.seen[2].body
    stub.then(fails(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."))
    assert ask(remote(stub)) == stub.answer
    assert stub.seen[-1].body["max_completion_tokens"] == 16 and "max_tokens" not in stub.seen[-1].body


def test_adapters_are_model_names(stub: Stub) -> None:
    stub.answer = "{model}"
    server = remote(stub)
    assert server.models() == (ServedModel(BASE, "", CONTEXT), ServedModel(LORA, BASE, None))
    assert "".join(server.generate(ASK, GREEDY, Task(), adapter=LORA)) == LORA
    assert ask(server) == BASE


@given(st.lists(st.integers(1, 9), min_size=1), st.sampled_from(["\n", "\r\n", "\r"]), st.text(max_size=40))
def test_events_survive_every_split(sizes: list[int], newline: str, text: str) -> None:
    text = text.encode("utf-8", "replace").decode() + "骆驼🐫\u2028\x85"
    stream = (b": alive\n\n" + stream_of(text)).replace(b"\n", newline.encode())
    reader, answer, found, at = EventReader(), Deltas(), [], 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        found += [answer.read(data) for data in reader.feed(stream[at : at + size])]
        at += size
    found += [answer.read(data) for data in reader.end()]
    assert "".join(found) == text and answer.finished
    assert all("\ufffd" not in piece for piece in found) or "\ufffd" in text


@given(st.integers(1, 12), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_lines_of_one_event_stay_together(size: int, newline: bytes) -> None:
    stream = b"\xef\xbb\xbfdata: a\nid: 1\ndata:b\n\n: c\n\ndata\n\ndata:  d".replace(b"\n", newline)
    reader = EventReader()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [data for piece in pieces for data in reader.feed(piece)] + list(reader.end()) == ["a\nb", " d"]


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_malformed(noise: bytes) -> None:
    answer, reader = Deltas(), EventReader()
    try:
        for data in [*reader.feed(b"data: " + noise), *reader.end()]:
            answer.read(data).encode()
    except MalformedStream:
        pass


def test_a_stream_cut_at_every_byte_over_a_socket(stub: Stub) -> None:
    stub.cut = lambda stream: [stream[at : at + 1] for at in range(len(stream))]
    assert ask(remote(stub)) == stub.answer


def test_surrogate_halves_are_joined(stub: Stub) -> None:
    halves = rb'data: {"choices":[{"delta":{"content":"a\ud83d"}}]}' + b"\n\n"
    halves += rb'data: {"choices":[{"delta":{"content":"\udc2b\ud800"},"finish_reason":"stop"}]}' + b"\n\n"
    stub.then(sends(halves))
    assert ask(remote(stub), [Message("user", "\ud83d半个")]) == "a🐫\ufffd"


def test_an_endless_event_and_a_deep_one_are_refused() -> None:
    reader, began = EventReader(), time.process_time()
    with pytest.raises(MalformedStream):
        for _ in range(2 * MAX_EVENT_BYTES // 16):
            list(reader.feed(b"data: 0123456789"))
    assert time.process_time() - began < 5
    with pytest.raises(MalformedStream):
        Deltas().read("[" * 100_000)


def test_a_server_that_does_not_stream_and_one_without_done(stub: Stub) -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "一口气"}, "finish_reason": "stop"}]}
    stub.then(sends(json.dumps(whole).encode(), "application/json"), sends(event("没有") + event("", finish="length")))
    assert ask(remote(stub)) == "一口气"
    assert ask(remote(stub)) == "没有"


@pytest.mark.parametrize(
    "fault",
    [
        stubs.drops(event("一"), event("二")),
        sends(event("一") + event("二")),
        sends(event("一") + event("二") + b'data: {"choi\n\n'),
        sends(event("一") + event("二") + b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'),
    ],
    ids=["connection lost", "no end", "malformed", "error event"],
)
def test_after_the_first_delta_nothing_is_asked_twice(stub: Stub, fault: stubs.Fault) -> None:
    stub.then(fault)
    received = []
    with pytest.raises(ModelUnavailable) as caught:
        for delta in remote(stub).generate(ASK, GREEDY, Task()):
            received.append(delta)
    assert received == ["一", "二"] and len(stub.seen) == 1
    assert caught.value.code in {"remote_cut", "remote_broken", "remote_down"}


def test_time_outs(stub: Stub) -> None:
    stub.then(stubs.hangs, stubs.stalls)
    hurried = replace(QUICK, first_s=0.4, next_s=0.3)
    with pytest.raises(ModelUnavailable, match="not answered for too long"):
        ask(remote(stub, patience=hurried))
    answer = remote(stub, patience=hurried).generate(ASK, GREEDY, Task())
    assert next(answer) == "好"
    with pytest.raises(ModelUnavailable, match="not answered for too long"):
        next(answer)
    assert all(seen.gone.wait(1) for seen in stub.seen)


def test_comments_keep_no_clock_alive(stub: Stub) -> None:
    def comments(handler: stubs.Handler) -> None:
        handler.begin_stream()
        while not stub.ended.is_set() and not handler.left(0.02):
            handler.chunk(b": processing\n\n")

    stub.then(comments)
    with pytest.raises(ModelUnavailable, match="too long"):
        ask(remote(stub, patience=replace(QUICK, first_s=0.4)))


@pytest.mark.parametrize("fault", [stubs.babbles, stubs.stalls])
def test_closing_the_iterator_ends_the_servers_work(stub: Stub, fault: stubs.Fault) -> None:
    stub.then(fault)
    answer = remote(stub).generate(ASK, GREEDY, Task())
    next(answer)
    answer.close()
    assert stub.seen[0].gone.wait(1)


def test_dropping_the_iterator_ends_the_servers_work(stub: Stub) -> None:
    stub.then(stubs.babbles)
    answer = remote(stub).generate(ASK, GREEDY, Task())
    next(answer)
    del answer
    gc.collect()
    assert stub.seen[0].gone.wait(5)


@pytest.mark.parametrize("fault", [stubs.hangs, fails(503, Retry_After="4")])
def test_a_stop_is_heard_before_the_first_token(stub: Stub, fault: stubs.Fault) -> None:
    stub.then(fault)
    task = Task()
    threading.Timer(0.3, task.stop).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        next(remote(stub).generate(ASK, GREEDY, task))
    assert time.monotonic() - began < 1.3 and len(stub.seen) == 1
    if fault is stubs.hangs:
        assert stub.seen[0].gone.wait(1)


def test_a_caller_who_takes_his_time_is_not_a_slow_server(stub: Stub) -> None:
    received = []
    for delta in remote(stub, patience=replace(QUICK, next_s=0.1)).generate(ASK, GREEDY, Task()):
        received.append(delta)
        time.sleep(0.15 if len(received) < 3 else 0)
    assert "".join(received) == stub.answer


def test_visitors_never_mix(stub: Stub) -> None:
    stub.answer = "{key} {question}"
    stub.cut = lambda stream: [stream[at : at + 7] for at in range(0, len(stream), 7)]
    stub.keys |= {f"sk-{who}" for who in range(8)}
    wrong: list[str] = []

    def visitor(who: int) -> None:
        server = remote(stub, key=f"sk-{who}")
        for turn in range(4):
            question = f"q{who}.{turn}"
            if f"sk-{who} " + repr([{"role": "user", "content": question}]) != ask(server, [Message("user", question)]):
                wrong.append(question)

    threads = [threading.Thread(target=visitor, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong and len(stub.seen) == 32
    assert all(seen.body["messages"][0]["content"].startswith(f"q{seen.key[3:]}.") for seen in stub.seen)


def test_vectors_come_back_in_order_in_batches_and_unit(stub: Stub) -> None:
    texts = ["字" * (n % 7) for n in range(80)] + ["  \n"]
    rows = remote(stub).embed(texts, Task())
    assert rows.shape == (81, DIM) and rows.dtype == np.float32
    blank = [not text.strip() for text in texts]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [0.0 if empty else 1.0 for empty in blank], atol=1e-6)
    longer = [text for text in texts if text.strip()]
    np.testing.assert_allclose(rows[1, 0] / rows[1, 1], len(texts[1]) + 1, rtol=1e-5)
    assert sum((seen.body["input"] for seen in stub.seen), []) == longer and len(stub.seen) == 3


def test_vectors_are_checked(stub: Stub) -> None:
    def vectors(*rows: object) -> stubs.Fault:
        return lambda handler: handler.json({"data": [{"index": at, "embedding": row} for at, row in enumerate(rows)]})

    server = remote(stub)
    assert server.embed([], Task()).shape == (0, 0) and server.embed(["", " "], Task()).shape == (2, 0)
    packed = base64.b64encode(struct.pack("<2f", 3, 4)).decode()
    stub.then(vectors(packed))
    np.testing.assert_allclose(server.embed(["a"], Task()), [[0.6, 0.8]], rtol=1e-6)
    assert server.embed([""], Task()).shape == (1, 2)
    wrong = [vectors([1, 2, 3]), vectors([1, 2], [1, 2]), vectors([1, None]), vectors("%%"), vectors([[1], [2]])]
    for fault in [*wrong, vectors([1, float("nan")]), sends(b"[]", "application/json"), sends(b"{", "text/plain")]:
        stub.then(fault)
        with pytest.raises(ModelUnavailable) as caught:
            server.embed(["a"], Task())
        assert caught.value.code == "remote_broken"
    stub.then(vectors([1e300, 1e300]))
    np.testing.assert_allclose(server.embed(["a"], Task()), [[0.5**0.5] * 2], rtol=1e-6)


def test_a_stop_between_batches(stub: Stub) -> None:
    task = Task()
    stub.then(stubs.answer_well, stubs.hangs)
    threading.Timer(0.4, task.stop).start()
    with pytest.raises(Cancelled):
        remote(stub).embed(["a"] * 40, task)
    assert task.fraction == 0.5 and stub.seen[1].gone.wait(1)
