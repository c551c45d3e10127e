"""The remote engine against a server that speaks vLLM's contract, and against `transformers serve` where it runs."""

import base64
import gc
import importlib.util
import ipaddress
import json
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import GenOptions, Message
from models.errors import BadInput, Busy, Cancelled, HubError, ModelUnavailable, UnknownModel
from models.remote import Patience, RemoteServer, ServedModel
from models.remote.address import base_url, refused
from models.remote.deltas import Deltas
from models.remote.events import MAX_EVENT_BYTES, EventReader, MalformedStream
from models.remote.trouble import asked_to_wait, said
from models.task import Task
from tests.models import stub_server as stubs
from tests.models import tiny
from tests.models.stub_server import BASE, CONTEXT, DIM, KEY, LORA, Stub, event, fails, sends, stream_of

QUICK = Patience(connect_s=2, first_s=5, next_s=5, retries=3, backoff_s=0.01)
ASK = [Message("system", "你是骆驼。"), Message("user", "你好")]
GREEDY = GenOptions(max_new_tokens=16, temperature=0, top_p=1.0, top_k=0, repetition_penalty=1.0, stop=(), seed=None)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stubs.serving() as running:
        yield running


def remote(stub: Stub, *, key: str = KEY, model: str = BASE, patience: Patience = QUICK) -> RemoteServer:
    return RemoteServer(stub.url, key, model, patience=patience, private_ok=True)


def ask(server: RemoteServer, messages: list[Message] | str = ASK, options: GenOptions = GREEDY) -> str:
    return "".join(server.generate(messages, options, Task()))


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


def test_busy_and_broken_servers_are_asked_again(stub: Stub) -> None:
    stub.then(fails(429, Retry_After="1"), fails(500), stubs.hangs_up)
    assert ask(remote(stub)) == stub.answer
    assert len(stub.seen) == 4 and stub.seen[1].at_s - stub.seen[0].at_s >= 1.0
    stub.then(stubs.drops())  # before the first delta
    assert ask(remote(stub)) == stub.answer


def test_patience_ends(stub: Stub) -> None:
    stub.then(*[fails(429)] * 4)
    with pytest.raises(Busy, match="busy"):
        ask(remote(stub))
    assert len(stub.seen) == 4
    stub.then(fails(429, Retry_After="3600"))
    with pytest.raises(Busy):
        ask(remote(stub))
    assert len(stub.seen) == 5  # an hour is more than anybody would wait
    stub.then(*[fails(503, "loading")] * 4)
    with pytest.raises(ModelUnavailable, match="loading"):
        ask(remote(stub))


def test_retry_after_is_read_as_number_and_date() -> None:
    assert asked_to_wait({"retry-after": "2.5"}) == 2.5
    assert asked_to_wait({"retry-after": formatdate(time.time() + 30, usegmt=True)}) == pytest.approx(30, abs=3)
    assert asked_to_wait({"retry-after": "soon"}) is None and asked_to_wait({}) is None


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


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (fails(401), ModelUnavailable, "remote_key"),
        (fails(400, f"API key not valid: {KEY}"), ModelUnavailable, "remote_key"),
        (fails(402, "Insufficient Balance"), ModelUnavailable, "remote_quota"),
        (fails(429, "You exceeded your current quota"), ModelUnavailable, "remote_quota"),
        (fails(400, "temperature must be at most 2"), BadInput, "remote_refused"),
        (sends(b"<html>hi</html>", "text/html"), ModelUnavailable, "remote_broken"),
        (sends(b"", status=307, Location="http://169.254.169.254/"), BadInput, "remote_not_api"),
        (sends(b'data: {"error": "boom "quoted""}\n\n'), ModelUnavailable, "remote_broken"),
        (sends(b'data: {"error": {"message": "maximum context length is 9"}}\n\n'), BadInput, "remote_context"),
        (sends(b"data: \xff\xfe\n\n"), ModelUnavailable, "remote_broken"),
    ],
)
def test_refusals_are_told_apart(stub: Stub, fault: stubs.Fault, kind: type[HubError], code: str) -> None:
    stub.then(fault)
    with pytest.raises(kind) as caught:
        ask(remote(stub))
    assert caught.value.code == code and len(stub.seen) == 1
    assert KEY not in caught.value.text("zh") + caught.value.text("en")


def test_wrong_key_unknown_model_and_too_long(stub: Stub) -> None:
    with pytest.raises(ModelUnavailable, match="does not accept this key"):
        ask(remote(stub, key="sk-wrong"))
    with pytest.raises(UnknownModel, match=f"{BASE}, {LORA}"):
        ask(remote(stub, model="gpt-5"))
    with pytest.raises(BadInput, match="maximum context length is 4096"):
        ask(remote(stub), [Message("user", "长" * CONTEXT)])


def test_a_path_without_the_service(stub: Stub) -> None:
    nothing = sends(b'{"detail": "Not Found"}', "application/json", 404)
    stub.then(nothing, nothing)
    with pytest.raises(BadInput, match="no OpenAI-compatible service"):
        ask(remote(stub))
    stub.then(nothing)  # this path only: the server has the model but does not chat
    with pytest.raises(BadInput, match="/chat/completions: Not Found"):
        ask(remote(stub))


def test_nobody_listens() -> None:
    with stubs.serving() as ended:
        pass
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        ask(remote(ended))


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


def test_the_key_is_never_shown(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = remote(stub)
    stub.then(fails(500, f"key {KEY}"), fails(400, f"who is {KEY}? <script>alert(1)</script>"))
    with pytest.raises(BadInput) as caught:
        ask(server)
    assert KEY not in repr(server) + str(server) + caught.value.text("zh") + caplog.text
    assert "<" not in caught.value.text("en") and "•••" in caught.value.text("en")
    for key in ("sk-中文", "sk-a\nHost: b", "two words"):
        with pytest.raises(ModelUnavailable, match="does not accept this key"):
            remote(stub, key=key)
    assert ask(remote(stub, key=f" {KEY}\n")) == stub.answer


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"error": {"message": "a", "code": "b"}}', "a (b)"),
        ('{"object": "error", "message": "a", "code": 400}', "a"),
        ('{"error": "a"}', "a"),
        ('{"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs"}]}', "body.top_k: Extra inputs"),
        ("a\n b", "a b"),
        ("<html>502</html>", ""),
    ],
)
def test_reasons_are_found_in_every_shape(body: str, reason: str) -> None:
    assert said(body, "") == reason


@given(st.text(max_size=200))
def test_any_error_body_can_be_shown(body: str) -> None:
    reason = said(body, "k")
    assert len(reason) <= 240 and not set(reason) & set("<>&\n")


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


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/v1",
        "file:///etc/passwd",
        "example.com",
        "http://",
        "",
        "http://a:b@example.com/v1",
        "https://example.com/v1?key=1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://100.100.100.200/v1",
        "http://168.63.129.16/",
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0:8000/v1",
        "http://224.0.0.1/v1",
    ],
)
def test_addresses_that_are_never_asked(url: str) -> None:
    with pytest.raises(BadInput):
        RemoteServer(url, "", "m", private_ok=True)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_this_machine_only_with_the_owners_consent(stub: Stub, host: str) -> None:
    url = f"http://{host}:{stub.server_address[1]}/v1"
    with pytest.raises(BadInput, match="not allowed"):
        ask(RemoteServer(url, KEY, BASE, patience=QUICK))
    assert not stub.seen


def test_a_name_is_tried_at_all_its_addresses(stub: Stub) -> None:
    server = RemoteServer(stub.url.replace("127.0.0.1", "localhost"), KEY, BASE, patience=QUICK, private_ok=True)
    assert ask(server) == stub.answer  # ::1 comes first where there is IPv6, and the stub is not there


@given(st.ip_addresses())
def test_what_is_private_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if refused(address, private_ok=True):
        assert refused(address, private_ok=False)
    if address.is_private and not address.is_global:
        assert refused(address, private_ok=False)
    if address.version == 4:
        mapped = ipaddress.ip_address(f"::ffff:{address}")
        assert refused(mapped, private_ok=False) == refused(address, private_ok=False)


@given(st.text(max_size=60).map("http://{}".format) | st.text(max_size=60))
def test_any_text_is_an_address_or_bad_input(text: str) -> None:
    with suppress(BadInput):
        assert base_url(text, private_ok=False).startswith("http")


def test_what_people_paste_becomes_the_base() -> None:
    for pasted in (
        "https://api.example.com",
        "https://api.example.com/v1/",
        " https://api.example.com/v1/chat/completions",
    ):
        assert RemoteServer(pasted, "", "m").base_url == "https://api.example.com/v1"
    assert RemoteServer("https://example.com/api/paas/v4", "", "m").base_url == "https://example.com/api/paas/v4"


NEEDED = ("transformers", "torch", "fastapi", "uvicorn", "openai")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]


@contextmanager
def transformers_serve(home: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The base URL of a real server that is starting in a process of its own, offline, with two threads."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--device", "cpu"]
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{port}/v1", process
    finally:
        process.kill()
        process.wait(20)


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Returns once the server listens. Raises AssertionError with its log when it does not."""
    port, deadline = urlsplit(url).port, time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8")[-3000:])


def locally(folder: Path, messages: list[Message], n_tokens: int) -> str:
    """What transformers itself answers, greedily."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    turns = [{"role": message.role, "content": message.text} for message in messages]
    prompt = words.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    found = model.generate(**prompt, max_new_tokens=n_tokens, do_sample=False)
    return words.decode(found[0][prompt["input_ids"].shape[1] :], skip_special_tokens=True)


@pytest.mark.skipif(bool(MISSING), reason=f"transformers serve needs {', '.join(MISSING)}")
def test_a_real_transformers_server(tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path / "tiny", "llama")
    tiny.hub_cache(tmp_path / "hub", folder, "luotuo/tiny")
    patience = Patience(first_s=60, next_s=30, retries=1, backoff_s=0.1)
    with transformers_serve(tmp_path) as (url, process):
        server = RemoteServer(url, "", str(folder), patience=patience, private_ok=True)
        expected = locally(folder, ASK, GREEDY.max_new_tokens)  # while the other process starts
        wait_for(url, process, tmp_path / "serve.log")
        assert ask(server) == expected
        assert "luotuo/tiny" in [row.id for row in server.models()]
        assert ask(server, "骆驼在沙漠里", replace(GREEDY, top_k=5, repetition_penalty=1.1))  # it knows neither field
        long = server.generate(ASK, replace(GREEDY, max_new_tokens=100_000), Task())
        next(long)
        long.close()
        began = time.monotonic()
        assert ask(server) and time.monotonic() - began < 10  # it has one lane: the stopped answer gave it back
        with pytest.raises(HubError):
            ask(RemoteServer(url, "", "luotuo/none", patience=patience, private_ok=True))
