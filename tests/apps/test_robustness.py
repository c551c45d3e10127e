"""Odd input at every entrance: it comes back as data, or is refused in a sentence; never a crash, never markup."""

import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps import panel, prophet, qa, summary, ui
from apps.embedding import tab as embedding
from apps.embedding.cache import VectorCache
from apps.embedding.desk import Desk
from apps.embedding.tabs import data as embedding_data
from apps.embedding.tabs.search import look
from apps.haruhi.acting import Brains
from apps.haruhi.gallery import gallery
from apps.haruhi.library import Library
from apps.haruhi.markup import live
from apps.haruhi.pane import picture_pane
from apps.haruhi.stage import Stage
from apps.haruhi.story import Story
from apps.work import streamed
from models import engine_for
from models.characters import Character
from models.embedded.prophet import Prophet, prose
from models.engine import Reply
from models.errors import BadInput
from models.packs.house import pack_of
from models.packs.pack import Bilingual
from models.roleplay.pictures import Pick, Ranked
from models.spec import Evidence, Origin
from models.strings import table
from models.task import Task
from tests.conftest import Hub

PASSAGE = "骆驼住在沙漠。羊住在草原。"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)> [点](javascript:alert(3)) <骆驼>\"' onload='x"
ODD = {
    "empty": "",
    "blank": " \n\t　\u200b",
    "marks": "？！……——。。。",
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈🐫",
    "mixed": "骆驼 camel ラクダ верблюд 낙타 جمل ὄ ﷽ 𠮷 ﬁ",
    "right to left": "مرحبا שלום \u202eالعالم\u202c",
    "NUL": "骆驼\x00说\x01\x1b[31m",
    "half a character": "骆驼\ud83d说\udc00",
    "byte order mark": "\ufeff骆驼\ufeff",
    "combining": "骆" + "\u0301" * 300,
    "one word": "supercalifragilistic" * 100,
    "markup": EVIL,
    "template": "{0} {name} ${x} %(a)s {{骆驼}} \\u9a86 __i18n__{x}",
}
# about 1 MB each
LONG = {
    "no punctuation": "".join(random.Random(1).choices("骆驼在沙漠里走了三天终于找到水源大家都很高兴", k=350_000)),
    "one letter": "a" * 1_000_000,
    "emoji": "😀" * 250_000,
    "lines": "双峰驼有两个驼峰。\n" * 35_000,
}


def calls(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every public endpoint with the text in each place that takes one."""
    yield "answer", {"passage": text, "question": "骆驼住在哪里？"}
    yield "answer", {"passage": PASSAGE + text[:100], "question": text}
    yield "summarize", {"text": text}
    yield "chat", {"message": text}
    yield "chat", {"message": "那它呢？", "history": [{"role": "user", "text": text}]}
    yield "roleplay", {"character": "haruhi", "message": text}
    yield "roleplay", {"character": "camel", "message": "你好", "role": text}
    yield "roleplay", {"character": text, "message": "你好"}
    yield "prophet", {"topic": text}
    yield "embed_map", {"texts": [text, PASSAGE, f"{text[:500]}沙漠"], "method": "pca"}
    yield "search_texts", {"texts": [text, PASSAGE], "query": "骆驼"}
    yield "search_texts", {"texts": [PASSAGE, "骆驼"], "query": text}


def call(http: httpx.Client, name: str, given: dict[str, Any]) -> tuple[str, Any]:
    """(`complete` or `error`, what came with it); written as a browser writes it, so that any text can travel."""
    address = f"/gradio_api/call/v2/{name}"
    begun = http.post(address, content=json.dumps(given), headers={"content-type": "application/json"})
    begun.raise_for_status()
    told = http.get(f"{address}/{begun.json()['event_id']}").text
    kind, data = re.findall(r"event: (complete|error)\ndata: (.*)\n", told)[-1]
    return kind, json.loads(data)


REMEDIES = {
    words["zh"]
    for key, words in table().items()
    if key.startswith("error.") and key.endswith(".hint") and not key.startswith(("error.internal", "error.app_"))
}


def expect_result_or_sentence(http: httpx.Client, text: str) -> dict[str, Any]:
    results = {}
    for name, given in calls(text):
        kind, told = call(http, name, given)
        if kind == "error":
            assert any(remedy in told["error"] for remedy in REMEDIES), (name, told)
        else:
            results[name] = told[0]
    return results


@pytest.fixture(scope="module")
def http(hub: Hub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub.url, timeout=180, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_text_gives_a_result_or_a_sentence(http: httpx.Client, text: str) -> None:
    expect_result_or_sentence(http, text)


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_megabyte_gives_a_result_or_a_sentence(http: httpx.Client, text: str) -> None:
    results = expect_result_or_sentence(http, text)
    assert {"summarize", "embed_map", "search_texts"} <= results.keys()


def test_markup_comes_back_from_the_endpoints_as_the_text_it_was(http: httpx.Client) -> None:
    kind, told = call(http, "embed_map", {"texts": [EVIL, PASSAGE], "method": "pca"})
    assert kind == "complete" and told[0]["points"][0]["text"] == EVIL
    kind, told = call(http, "summarize", {"text": f"{PASSAGE}\n{EVIL}", "size": 9})
    evidence = [piece["text"] for piece in told[0]["evidence"]]
    assert kind == "complete" and any("<img src=x onerror=alert(2)>" in text for text in evidence)
    kind, told = call(http, "roleplay", {"character": EVIL[:30], "message": "你好"})
    assert kind == "error" and EVIL[:30] in told["error"]


class Tags(HTMLParser):
    """Collects what a browser would take for tags; fails on anything that could act."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "iframe", "object", "embed", "style", "a", "svg", "form", "骆驼"}, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "href"} or (value or "").startswith("data:image/svg+xml;base64,"), (tag, value)

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_inert(markup: str, holds: str = "<script>alert(1)</script>") -> None:
    page = Tags()
    page.feed(markup)
    page.close()
    assert holds in page.text, "the text itself is shown"


def evil_character(folder: Path) -> Character:
    pair = {"zh": EVIL, "en": EVIL}
    card = {"id": "evil", "speaker": "坏", "roles": ["甲"], "starters": [EVIL]}
    card |= dict.fromkeys(("name", "series", "persona", "greeting"), pair)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "x.svg").write_text(f"<svg>{EVIL}</svg>", encoding="utf-8")
    scenes = f"## {EVIL}\n甲:「你好骆驼」\n坏:「{EVIL}」\n"
    return Character(card, scenes, ({"file": "x.svg", "caption": pair, "cues": [], "neutral": True},), folder)


def role_play(who: Character, home: Path) -> list[str]:
    """Everything that the role-play tab shows of a hostile character and a hostile visitor."""
    pack = replace(pack_of(who), greeting=Bilingual(f"{EVIL}早", f"{EVIL}早"), alternate_greetings=(f"{EVIL}2",))
    stage = Stage(Library(home, uploads=False))  # without the wizard, whose form is our own
    stage.library.shared["evil"] = pack
    story = stage.start(pack, "zh", Story(), f"{EVIL}甲")
    views = [stage.whole(story, "zh"), *stage.say(story, "你好骆驼", "zh", Brains())]
    shown = Pick(0, 0.5, "matched", (Ranked(0, EVIL, 0.5, 0.1, False),))
    assert all("<script" not in (view.tools or "") for view in views)  # which shows only the beginning of a message
    first, last = views[0], views[-1]
    texts = [first.log, first.picture, first.person, last.log, last.picture, last.scenes]
    return [*texts, picture_pane(pack, 0, shown), gallery(stage.library, "", ["evil"], "zh"), live(pack, EVIL, EVIL)]


def map_panes(folder: Path, text: str) -> list[str]:
    """What the embedding tab writes of these texts: clusters, hits."""
    desk, options = Desk(), ("pca", 2, 15, 0.1, 30, "kmeans", 1, 0, 1)
    made = embedding.draw(VectorCache(folder / "vectors"), Task(), "zh", desk, text, "lines", "", "cluster", *options)
    *_, shown = made
    return [shown[3], look("zh", desk, "script", True, "cluster")[1]]


def test_markup_is_shown_escaped_in_every_pane(tmp_path: Path) -> None:
    task, who = Task(), evil_character(tmp_path)
    card, where = qa.ask(task, "zh", f"{EVIL}骆驼住在沙漠。", f"{EVIL}骆驼住在哪里？")
    assert_inert(where if "passage" in where else card)
    assert_inert(summary.run(task, "zh", f"{PASSAGE}{EVIL}", None, "sentences", 9, 99, "auto")[1])
    panes = role_play(who, tmp_path)
    own = Prophet([prose(EVIL, f"{EVIL}，友谊不是走同一条路，而是同看一处月亮。")])
    panes += [*prophet.ask(task, own, "友谊", 3), prophet.nothing(EVIL, own)]
    panes += map_panes(tmp_path, f"{EVIL}\n{PASSAGE}\n骆驼")
    for markup in filter(None, panes):
        assert_inert(markup)
    origin = Origin("neural", engine="x", model=EVIL, fingerprint=EVIL)
    evidence = Evidence(EVIL, 0.5, EVIL)
    assert_inert(ui.badge(origin) + ui.evidence_list([evidence]) + ui.marked(EVIL * 2, [(3, 60, "answer")]))
    rows = panel.answered(Reply(EVIL, origin, (evidence,)), "zh")
    assert panel.text_of(rows[0]["content"]) == EVIL and "<script" not in rows[0]["content"]


def cases_for_the_page(text: str) -> dict[str, Callable[[], Any]]:
    """The page's own handlers as Gradio calls them: (start, stop, status, *outputs) of the last step."""

    def last(work: Callable[..., Any], *given: Any) -> Any:
        *_, step = streamed(work, 3)("zh", *given)
        return step

    return {
        "chat": lambda: panel._sent(text, [], "zh"),
        "qa": lambda: last(lambda *given: (*qa.ask(*given), ""), PASSAGE + text, text),
        "summary": lambda: last(summary.run, PASSAGE + text, None, "sentences", 9, 99, "auto"),
        "prophet": lambda: last(lambda task, _, topic: (*prophet.ask(task, engine_for("compose"), topic, 3), ""), text),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["chat", "qa", "summary", "prophet"])
def test_what_the_page_is_sent_can_be_encoded(name: str) -> None:
    sent = cases_for_the_page("咕噜咕噜\ud83d")[name]()
    "".join(value for value in sent if isinstance(value, str)).encode()
    json.dumps([value for value in sent if isinstance(value, list)], ensure_ascii=False).encode()


TEXT = "骆驼住在沙漠里，驼峰里储存的是脂肪。清晨，商队出发了。\n第二行也要读到。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "big5"])
def test_an_uploaded_text_is_read_whatever_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = TEXT if encoding != "big5" else "駱駝住在沙漠裡，駝峰裡儲存的是脂肪。清晨，商隊出發了。\n第二行也要讀到。"
    path = tmp_path / "我的 文件.txt"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert qa.upload(Task(), "zh", str(path))[0] == text
    assert summary.upload(Task(), "zh", str(path))[0] == text
    assert prophet.uploaded([str(path)], Task())[0].title == "我的 文件"


def hollow_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w:document>" + "<" * 100)
        archive.writestr("../../evil.txt", "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("坏.docx", b"PK\x03\x04 cut off"),
        ("坏.docx", hollow_zip()),
        ("坏.docx", TEXT.encode()),
        ("坏.pdf", b"%PDF-1.7\n1 0 obj <<"),
        ("坏.pdf", b"\x00" * 500),
        ("坏.txt", bytes(random.Random(2).randbytes(4000))),
        ("坏.txt", b""),
        ("坏.txt", b"\x89PNG\r\n\x1a\n" + b"\x00" * 100),
    ],
    ids=lambda value: value[:8] if isinstance(value, bytes) else value,
)
def test_a_broken_upload_is_refused_by_name_and_with_a_remedy(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for upload in (qa.upload, summary.upload):
        with pytest.raises(BadInput) as refused:
            upload(Task(), "zh", str(path))
        assert name in refused.value.message("zh") and refused.value.hint("en")
        assert str(tmp_path) not in refused.value.text("en")
    assert list(tmp_path.iterdir()) == [path], "nothing is unpacked beside the upload"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("header", [("标题", "类别"), None])
def test_an_uploaded_table_becomes_lines_with_and_without_header(
    tmp_path: Path, header: tuple[str, str] | None, encoding: str
) -> None:
    rows = [("骆驼在沙漠里走路", "动物"), ("咖啡豆要现磨，才香", "饮料"), ("沙漠里的骆驼不怕渴", "动物")]
    lines = [",".join(f'"{cell}"' for cell in row) for row in ([header] if header else []) + rows]
    path = tmp_path / "表.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    desk = Desk()
    embedding_data.load(Task(), "zh", desk, str(path))
    assert desk.table is not None and desk.table.columns == (header or ("1", "2"))
    embedding_data.choose("zh", desk, 0, 1, None)
    corpus, _ = embedding_data.source(desk, "", "lines")
    assert list(zip(corpus.texts, corpus.labels, strict=True)) == rows


def test_a_file_name_is_shown_as_text(tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.txt"
    path.write_text(TEXT, encoding="utf-8")
    assert_inert(summary.upload(Task(), "zh", str(path))[2], holds="<img src=x onerror=alert(1)>")
