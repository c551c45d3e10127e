"""The page with neural models: tiny ones with random weights, so what they write is noise, but who wrote it, from what
prompt, in which memory and until when is real. One hub with a home of its own, used as a visitor and an owner would.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import at, drawn_map, example, field, press, ready, replies, tool
from tests.browser.conftest import visits
from tests.conftest import Hub, started
from tests.models import tiny, tiny_embedders

pytestmark = pytest.mark.browser
SLOW = 90_000  # the first answer waits for torch and for the model
BARS = {"haruhi": "roleplay", "chat": "respond", "summary": "summarize", "qa": "answer", "prophet": "compose"}
RESULTS = {"summary": "#summary-result", "qa": "#qa-answer", "prophet": "#prophet-words"}


@pytest.fixture(scope="module")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub whose models.toml names a tiny base, two adapters and an embedder; its log must hold no traceback."""
    home = tmp_path_factory.mktemp("home")
    base = tiny.checkpoint(home / "base", "qwen2", context=4096)
    lines = [f'[models.tiny]\ntitle = "Tiny"\nfolder = "{base}"']
    for seed in (1, 2):
        voice = tiny.adapter(home / f"voice{seed}", base, seed=seed)
        lines.append(f'[adapters.voice{seed}]\nbase = "tiny"\nfolder = "{voice}"')
    lines.append(
        f'[models.vectors]\ntitle = "Tiny vectors"\nfolder = "{tiny_embedders.embedder(home / "vec", "bert")}"'
    )
    (home / "models.toml").write_text("\n".join(lines), encoding="utf-8")
    with started(["app.py", "--no-share", "--offline"], home) as running:
        yield running
    assert "Traceback" not in running.log(), running.log()[-3000:]


@pytest.fixture
def look(chromium: Browser, peopled: Hub) -> Iterator[Callable[..., Page]]:
    with visits(chromium, peopled) as opened:
        yield opened


def choose(page: Page, key: str, choice: str) -> None:
    """Picks a model in the tab's bar and waits until the bar says what that means."""
    bar = page.locator(f"#{key}-bar-{BARS[key]}")
    expect(bar.locator("option")).not_to_have_count(0, timeout=20_000)
    bar.locator("select").select_option(choice)
    expect(bar.locator(".bar.neural .line")).to_have_text(re.compile(r"int8|第一次用|first use"), timeout=SLOW)


def say(page: Page, words: str) -> str:
    field(page, "chat-box").fill(words)
    field(page, "chat-box").press("Enter")
    expect(page.locator("#chat-bot .thought-group .title").last).to_have_text(
        re.compile("神经模型|neural"), use_inner_text=True, timeout=SLOW
    )
    ready(page, "chat")
    return replies(page, "chat").last.inner_text()


def test_a_conversation_with_a_model_and_its_adapter(look: Callable[..., Page]) -> None:
    page = at(look, "chat")
    choose(page, "chat", "tiny+voice1")
    page.locator("#chat-writing > button").click()
    field(page, "chat-temperature").fill("0")
    page.locator("#chat-tokens input[type=number]").fill("24")
    page.locator("#chat-tokens input[type=number]").press("Enter")
    first = say(page, "骆驼住在哪里？")
    title = page.locator("#chat-bot .thought-group .title").last
    expect(title).to_have_text(re.compile(r"Tiny \+ voice1"), use_inner_text=True)
    page.locator("#chat-saw summary").click()
    expect(page.locator("#chat-saw pre")).to_contain_text("骆驼住在哪里？")
    page.click("#chat-clear")
    expect(title).to_have_count(0)
    choose(page, "chat", "tiny")
    assert say(page, "骆驼住在哪里？") != first, "the base speaks as its adapter does"
    expect(title).not_to_have_text(re.compile("voice1"), use_inner_text=True)


def test_a_character_speaks_through_a_model(look: Callable[..., Page]) -> None:
    page = at(look, "haruhi")
    choose(page, "haruhi", "tiny")
    page.locator("#haruhi-writing > button").click()
    page.locator("#haruhi-tokens input[type=number]").fill("32")
    page.locator("#haruhi-tokens input[type=number]").press("Enter")
    field(page, "haruhi-box").fill("今天有什么活动？")
    field(page, "haruhi-box").press("Enter")
    title = page.locator("#haruhi-bot .thought-group .title").last
    expect(title).to_have_text(re.compile("神经模型"), use_inner_text=True, timeout=SLOW)
    ready(page, "haruhi")
    expect(page.locator("#haruhi-scenes .badge.neural")).to_be_visible()
    page.locator("#haruhi-scenes > .prose > details > summary, #haruhi-scenes details > summary").first.click()
    expect(page.locator("#haruhi-scenes td").first).to_be_visible()
    expect(page.locator("#haruhi-picture figure img")).to_be_visible()
    page.locator("#haruhi-saw summary").click()
    expect(page.locator("#haruhi-saw pre")).to_contain_text("今天有什么活动？")


def test_columns_grow_side_by_side(look: Callable[..., Page]) -> None:
    page = at(look, "chat", "en")
    choose(page, "chat", "tiny")
    page.locator("#chat-compare > button").click()
    field(page, "chat-compare-text").fill("骆驼")
    page.locator("#chat-where-adapter input").check()
    page.click("#chat-compare button.primary")
    columns = page.locator("#chat-compared .columns .result")
    expect(columns).to_have_count(3, timeout=SLOW)
    for column, name in enumerate(("", "voice1", "voice2")):
        expect(columns.nth(column).locator(".badge")).to_contain_text(name)
    expect(columns.nth(1).locator("mark.camel").first).to_have_attribute("title", re.compile("KL"), timeout=SLOW)
    expect(columns.nth(0).locator("mark.camel")).to_have_count(0)
    expect(page.locator("#chat-compare button.stop")).to_be_hidden(timeout=SLOW)


@pytest.mark.parametrize("key", RESULTS)
def test_every_app_says_that_a_model_answered(look: Callable[..., Page], key: str) -> None:
    page = at(look, key, "en", width=390)
    choose(page, key, "tiny")
    example(page, key).click()
    page.click(f"#{key}-run")
    expect(page.locator(f"{RESULTS[key]} .badge.neural").first).to_be_visible(timeout=SLOW)
    expect(page.locator(f"#{key}-stop")).to_be_hidden(timeout=2 * SLOW)
    expect(page.locator(f"#{key}-saw pre")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_choice_survives_a_reload_and_is_nobody_elses(look: Callable[..., Page]) -> None:
    page, other = at(look, "qa"), at(look, "qa")
    choose(page, "qa", "tiny")
    page.reload()
    expect(page.locator("#qa-bar-answer select")).to_have_value("tiny", timeout=SLOW)
    expect(other.locator("#qa-bar-answer select")).to_have_value("")


def test_a_server_of_ones_own_is_refused_with_a_reason(look: Callable[..., Page]) -> None:
    page = at(look, "chat", "en")
    bar = page.locator("#chat-bar-respond")
    bar.locator(".own").click()
    bar.locator("[name=url]").fill("http://127.0.0.1:9/v1")
    bar.locator("[name=key]").fill("sk-secret")
    bar.locator("form button").click()
    expect(bar.locator("output")).to_contain_text("not allowed from here", timeout=SLOW)
    expect(bar.locator("select")).to_have_value("")


def test_the_ledger_shows_pins_and_unloads(look: Callable[..., Page]) -> None:
    chat = at(look, "chat")
    choose(chat, "chat", "tiny")
    load = chat.locator("#chat-bar-respond .load")
    if load.is_visible():
        load.click()
    expect(chat.locator("#chat-bar-respond .state.ready")).to_be_visible(timeout=SLOW)
    page = at(look, "home", "en")
    row = page.locator("#hub-ledger tbody tr", has_text="Tiny")
    expect(row).to_contain_text("int8", timeout=SLOW)
    row.locator("[data-act=pin]").click()
    expect(row).to_contain_text("📌", timeout=SLOW)
    expect(row.locator("[data-act=unload]")).to_have_count(0)
    row.locator("[data-act=unpin]").click()
    row.locator("[data-act=unload]").click()
    expect(row).to_have_count(0, timeout=SLOW)


def test_the_owner_adds_a_model(look: Callable[..., Page], peopled: Hub, tmp_path: Path) -> None:
    page = at(look, "home", "en")
    page.locator("#hub-ledger .ledger-add summary").click(timeout=SLOW)
    for name, value in {"key": "twin", "source": str(peopled.home / "base")}.items():
        page.locator(f"#hub-ledger [name={name}]").fill(value)
    page.locator("#hub-ledger form button").click()
    expect(page.locator("#hub-ledger output")).to_contain_text("was added", timeout=SLOW)
    assert "[models.twin]" in (peopled.home / "models.toml").read_text(encoding="utf-8")
    page.locator("#hub-ledger form button").click()  # the form was emptied: the browser asks for its fields
    for name, value in {"key": "nowhere", "source": str(tmp_path)}.items():
        page.locator(f"#hub-ledger [name={name}]").fill(value)
    page.locator("#hub-ledger form button").click()
    expect(page.locator("#hub-ledger output")).to_contain_text("config.json", timeout=SLOW)


def pick(page: Page, menu: str, title: str) -> None:
    """Picks a model in a menu that the hub fills when the visitor comes to it."""
    box = field(page, menu)
    expect(box).not_to_have_value("", timeout=20_000)
    box.click()
    page.get_by_role("option", name=title, exact=True).last.click()


def test_clusters_named_by_a_model_and_two_embedders_side_by_side(look: Callable[..., Page]) -> None:
    page = at(look, "embedding")
    example(page, "embedding").click()
    expect(field(page, "embedding-texts")).not_to_have_value("")
    press(page, "embedding", "#embedding-map canvas")
    drawn_map(page)
    tool(page, 1)
    pick(page, "embedding-namer", "Tiny")
    page.click("#embedding-speak")
    named = page.locator("#embedding-clusters .badge")
    expect(named).to_have_text(re.compile("神经模型.*Tiny"), use_inner_text=True, timeout=SLOW)
    page.locator("#embedding-views").get_by_role("tab").nth(3).click()
    pick(page, "embedding-second", "Tiny vectors")
    page.click("#embedding-twins-run")
    left, right = (page.locator(f"#embedding-{side} .luotuo-map") for side in ("left", "right"))
    expect(page.locator("#embedding-twins-said tbody tr").first).to_be_visible(timeout=SLOW)
    for twin in (left, right):
        expect(twin).to_have_attribute("data-drawn", "48", timeout=20_000)
    left.locator(".map-stage").evaluate("stage => stage.scrollIntoView({block: 'center'})")
    x, y = left.evaluate(
        "root => { const frame = root.map.stage.getBoundingClientRect(), spots = root.map.pixels();"
        " return [frame.left + spots[0], frame.top + spots[1]]; }"
    )
    page.mouse.click(x, y)
    for twin in (left, right):
        expect(twin).to_have_attribute("data-chosen", "1")
    assert left.evaluate("root => [...root.map.chosen]") == right.evaluate("root => [...root.map.chosen]")
