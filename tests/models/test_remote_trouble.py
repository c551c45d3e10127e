"""The remote engine where something is wrong: refusals, patience, keys, and addresses that are never asked."""

import ipaddress
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Message
from models.errors import BadInput, Busy, HubError, ModelUnavailable, UnknownModel
from models.remote import RemoteServer
from models.remote.address import base_url, refused
from models.remote.trouble import asked_to_wait, said
from tests.models import stub_server as stubs
from tests.models.asking import QUICK, ask, remote
from tests.models.stub_server import BASE, CONTEXT, KEY, LORA, Stub, fails, sends


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stubs.serving() as running:
        yield running


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
