"""Raw requests of somebody who means harm, one per known hole of Gradio's past: nothing of this machine is served."""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from models.documents import read_text
from models.errors import BadInput
from models.task import Task
from tests.conftest import ROOT, Hub, started
from tests.wire import Visitor, said

# of the files that are asked for below
SECRETS = (b"root:x:0:0", b"def serve(chosen", b"repositoryformatversion", b'"luotuo-what"', b"Luotuo Hub: http")
EVIL = ("http://evil.example", "null", "http://localhost.evil.example")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub of its own: Gradio logs a traceback for most of what is tried here."""
    with started(["app.py", "--no-share", "--offline"], tmp_path_factory.mktemp("home")) as running:
        yield running


def ask(hub: Hub, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    """One request whose path travels as it is written: HTTP libraries would tidy up the dots."""
    place = urlsplit(hub.url)
    line = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
    try:
        line.putrequest(method, path)
        for name, value in (headers or {}).items():
            line.putheader(name, value)
        line.endheaders()
        answer = line.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        line.close()


def expect_nothing_served(answer: Answer) -> None:
    assert not any(secret in answer.body for secret in SECRETS), answer.body[:200]


FILES = [
    "/etc/passwd", "../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc/passwd", "....//....//etc/passwd", "/proc/self/environ",
    "C:/windows/win.ini", "%00", ".env", "app.py", ".git/config", "assets/../app.py", "assets/chat/knowledge.jsonl",
    "assets/i18n/hub.json", f"{ROOT}/app.py", f"{ROOT}/.git/config", f"{ROOT}/assets/chat/knowledge.jsonl",
    "file:///etc/passwd", "//evil.example/x", "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/",
]  # fmt: skip


@pytest.mark.parametrize("path", FILES)
def test_no_file_of_the_machine_or_the_project_is_served(target: Hub, path: str) -> None:
    answer = ask(target, f"/gradio_api/file={path}")
    assert answer.status == 403
    expect_nothing_served(answer)


def test_neither_the_log_nor_a_way_out_of_the_uploads_is_served(target: Hub) -> None:
    with Visitor(target.url) as visitor:
        mine = visitor.upload("mine.txt", b"mine")["path"]
    assert ask(target, f"/gradio_api/file={mine}").body == b"mine"
    for path in (target.log_path, target.home, Path(mine).parent, f"{Path(mine).parent}/../../../../../etc/passwd"):
        assert ask(target, f"/gradio_api/file={path}").status == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/static/../app.py", 403),
        ("/static/..%2f..%2fapp.py", 403),
        ("/assets/..%2f..%2fapp.py", 403),
        ("/svelte/..%2f..%2fapp.py", 403),
        ("/gradio_api/custom_component/x/client/component/../../../../etc/passwd", 404),
        ("/gradio_api/proxy=http://169.254.169.254/latest", 400),
        ("/gradio_api/proxy=https://huggingface.co/x", 400),
        ("/gradio_api/vibe-code/", 403),
        ("/monitoring", 403),
        ("/monitoring/summary", 403),
        ("/runs", 404),
        ("/gradio_api/runs", 404),
        ("/gradio_api/run-history/buckets", 404),
        ("/docs", 404),
        ("/app.py", 404),
        ("/.git/config", 404),
    ],
)
def test_doors_that_stay_shut(target: Hub, path: str, status: int) -> None:
    answer = ask(target, path)
    assert answer.status == status
    expect_nothing_served(answer)


@pytest.mark.parametrize("name", ["move_resource_to_block_cache", "preprocess", "postprocess", "__class__", "ls"])
def test_no_method_of_a_component_can_be_called(target: Hub, name: str) -> None:
    with Visitor(target.url) as visitor:
        one_of_each = {part["type"]: part["id"] for part in visitor.config["components"]}
        for component in one_of_each.values():
            call = {"component_id": component, "fn_name": name, "data": "/etc/passwd", "session_hash": visitor.session}
            assert visitor.http.post("/gradio_api/component_server", json=call).status_code == 404


def file_data(path: str | None, *, url: str | None = None, meta: bool = True) -> dict[str, Any]:
    return {"path": path, "url": url, **({"meta": {"_type": "gradio.FileData"}} if meta else {})}


STOLEN = [
    file_data("/etc/passwd"), file_data("app.py"), file_data(f"{ROOT}/app.py"), file_data(f"{ROOT}/.git/config"),
    file_data("assets/chat/knowledge.jsonl"), file_data("/etc/passwd", meta=False), file_data("app.py", meta=False),
    file_data("http://169.254.169.254/x"), file_data(None, url="http://169.254.169.254/x"),
]  # fmt: skip


@pytest.mark.parametrize("stolen", STOLEN, ids=lambda given: f"{given['path']} {given['url'] or ''}")
def test_a_path_in_an_event_is_not_taken_for_an_upload(target: Hub, stolen: dict[str, Any]) -> None:
    events = [
        ("qa-upload", "upload", {"qa-upload": stolen}),
        ("embedding-upload", "upload", {"embedding-upload": stolen}),
        ("prophet-upload", "upload", {"prophet-upload": [stolen]}),
        ("chat-box", "submit", {"chat-bot": [chat_block({"type": "file", "file": stolen}), said("你好")]}),
    ]
    for element, trigger, values in events:
        told = told_about(target, element, trigger, values)
        assert not told["success"] and told["output"] == {"error": None}, told
    with httpx.Client(base_url=target.url, timeout=60, trust_env=False) as rest:
        address = "/gradio_api/call/v2/search_texts"
        begun = rest.post(address, json={"texts": [stolen, "骆驼"], "query": "骆驼"}).json()
        answer = rest.get(f"{address}/{begun['event_id']}")
        assert "gradio_api/file=" not in answer.text
        expect_nothing_served(Answer(answer.status_code, {}, answer.content))


def chat_block(block: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [block], "metadata": None, "options": None}


def told_about(hub: Hub, element: str, trigger: str, values: dict[str, Any]) -> dict[str, Any]:
    with Visitor(hub.url) as visitor:
        visitor.join(element, trigger, values)
        return [message for message in visitor.messages() if message["msg"] == "process_completed"][-1]


@pytest.mark.parametrize(
    ("component", "value"), [("file", {"path": "app.py"}), ("html", "<script>1</script>"), ("fileexplorer", [["etc"]])]
)
def test_a_chat_holds_nothing_but_text(target: Hub, component: str, value: Any) -> None:
    block = {"type": "component", "component": component, "value": value, "constructor_args": {}, "props": {}}
    told = told_about(target, "chat-box", "submit", {"chat-bot": [chat_block(block), said("你好")]})
    turns = told["output"].get("data", [[]])[0]
    assert {part["type"] for turn in turns for part in turn["content"]} <= {"text"}


@pytest.mark.parametrize("origin", EVIL)
@pytest.mark.parametrize("path", ["/config", "/gradio_api/info", "/gradio_api/queue/join"])
def test_no_other_site_may_read_answers(target: Hub, origin: str, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        asked = {"origin": origin, "access-control-request-method": "POST"}
        assert "access-control-allow-origin" not in ask(target, path, method, asked).headers


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../../../tmp/evil.txt", "evil.txt"), ("con.txt", "_con.txt"), ("<b>.txt", "b.txt"), ("..", None)],
)
def test_names_of_uploads_lead_nowhere(target: Hub, name: str, kept: str | None) -> None:
    with httpx.Client(base_url=target.url, trust_env=False) as visitor:
        answer = visitor.post("/gradio_api/upload", files={"files": (name, b"x")})
    assert answer.status_code == (200 if kept else 400)
    assert kept is None or (Path(answer.json()[0]).name == kept and ".." not in answer.json()[0])


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "script.js"])
def test_what_was_uploaded_never_runs_in_the_page(target: Hub, name: str) -> None:
    with Visitor(target.url) as visitor:
        path = visitor.upload(name, b"<svg onload=alert(1)><script>alert(1)</script>")["path"]
    headers = ask(target, f"/gradio_api/file={path}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"].split(";")[0] in {"application/octet-stream", "text/javascript"}
    assert headers["content-disposition"].startswith("attachment") or name.endswith(".js")


def test_an_upload_over_the_limit_is_refused(target: Hub, tmp_path: Path) -> None:
    big = tmp_path / "big.npz"
    with big.open("wb") as file:
        file.truncate(160 * 2**20 + 1024)  # a hole: nothing is written
    with httpx.Client(base_url=target.url, timeout=120, trust_env=False) as visitor, big.open("rb") as file:
        answer = visitor.post("/gradio_api/upload", files={"files": ("big.npz", file)})
    assert answer.status_code == 413


def test_a_document_over_twenty_megabytes_is_refused_when_it_is_read(tmp_path: Path) -> None:
    big = tmp_path / "big.txt"
    big.write_bytes(b"x" * (20 * 2**20 + 1024))
    with pytest.raises(BadInput, match="20 MB"):
        read_text(big, Task())


def test_answers_carry_their_guards(target: Hub) -> None:
    page = ask(target, "/")
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["referrer-policy"] == "no-referrer"
    for path in ("/config", "/gradio_api/info", "/theme.css", "/manifest.json"):
        assert ask(target, path).headers["x-content-type-options"] == "nosniff"


def test_a_deep_link_is_not_a_path(target: Hub) -> None:
    answer = ask(target, "/?deep_link=../../etc/passwd&tab=%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status == 200 and b"<script>alert(1)" not in answer.body
    expect_nothing_served(answer)


# links and examples in Gradio's own texts, which the page never asks for by itself; tests/browser watches the requests
INERT = {
    "http://www.w3.org/2000/svg",
    "https://gradio.app/",
    "https://github.com/gradio-app/gradio/raw/main/test/test_files/sample_file.pdf",
    "https://raw.githubusercontent.com/gradio-app/gradio/main/js/_website/src/lib/assets/img/header-image.jpg",
}


def test_the_page_names_no_foreign_host(target: Hub) -> None:
    page = ask(target, "/").body.decode()
    own = urlsplit(target.url).netloc
    named = {link for link in re.findall(r"""https?:\\?/\\?/[^\s"'<>)\\]+""", page) if urlsplit(link).netloc != own}
    assert named <= INERT, named - INERT
    loaded = re.findall(r"<(?:script|link|img|iframe|source)[^>]*\s(?:src|href)=\"([^\"]+)", page)
    assert loaded and all(urlsplit(link).netloc in ("", own) for link in loaded)


def test_settings_and_paths_of_this_machine_are_not_in_the_page(target: Hub) -> None:
    told = ask(target, "/").body + ask(target, "/config").body
    assert str(target.home).encode() not in told and str(ROOT).encode() not in told
    config = json.loads(ask(target, "/config").body)
    assert (config["show_error"], config["analytics_enabled"], config["vibe_mode"]) == (False, False, False)
