"""What a person does on the page: open a tab, fill a field, press a button, wait for what comes back.

Knows element ids and labels of the hub; asserts nothing but that the result has come. Shared by the browser tests.
"""

import json
import re
from collections.abc import Callable

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.conftest import ROOT

Visit = Callable[..., Page]
LANGS = ("zh-CN", "en")
ORIGIN = {"zh-CN": r"(抽取|检索|规则) · 内置引擎", "en": r"(extracted|retrieved|by rule) · Embedded engine"}
LINES: list[str] = [
    line.split("\t")[0]
    for line in next(iter(json.loads((ROOT / "assets/examples/embedding.json").read_text(encoding="utf-8")).values()))
]


def at(visit: Visit, key: str, lang: str = "zh-CN", **options: object) -> Page:
    """A new visitor's page with the tab of `key` open and drawn."""
    page = visit(f"?tab={key}", lang=lang, **options)
    shown(page, key)
    return page


def shown(page: Page, key: str) -> None:
    """Waits until the tab is chosen and its heading can be seen."""
    expect(page.locator(f"#tab-{key}-button")).to_have_attribute("aria-selected", "true", timeout=20_000)
    expect(page.locator(f"#tab-{key}").locator(".app-head h2, .home h1")).to_be_visible(timeout=20_000)
    if key != "home":
        expect(example(page, key)).not_to_have_text("", timeout=20_000)  # drawn last


def field(page: Page, name: str) -> Locator:
    """The box in which one types."""
    return page.locator(f"#{name}").locator("textarea, input").first


def example(page: Page, key: str, number: int = 0) -> Locator:
    """The button of an example."""
    return page.locator(f"#{key}-examples button.gallery-item").nth(number)


def press(page: Page, key: str, result: str) -> Locator:
    """Presses the tab's main button and waits for `result`, then for the end of the work."""
    page.click(f"#{key}-run")
    found = page.locator(result).first
    expect(found).to_be_visible(timeout=30_000)
    expect(page.locator(f"#{key}-stop")).to_be_hidden(timeout=60_000)
    return found


def origin(page: Page, scope: str, lang: str) -> None:
    """Asserts that the badge in `scope` can be seen and says who answered, and how."""
    expect(page.locator(f"{scope} .badge").first).to_be_visible()
    expect(page.locator(f"{scope} .badge").first).to_have_text(re.compile(ORIGIN[lang]), use_inner_text=True)


def drawn_map(page: Page) -> Locator:
    """The map of the embedding tab; waits until its points are drawn, since the page fetches its script only then."""
    found = page.locator("#embedding-map canvas").first
    expect(found).to_be_visible(timeout=30_000)
    return found


def tool(page: Page, number: int) -> None:
    """Opens a tool beside the map: 0 selection, 1 clusters, 2 search, 3 labels."""
    page.locator("#embedding-tools").get_by_role("tab").nth(number).click()


def choose_file(page: Page, button: str, *files: FilePayload) -> None:
    """Uploads files through the system's file dialog, as a person does."""
    with page.expect_file_chooser() as chooser:
        page.click(button)
    chooser.value.set_files(list(files))


def text_file(name: str, text: str | bytes, kind: str = "text/plain") -> FilePayload:
    """A file to upload."""
    return {"name": name, "mimeType": kind, "buffer": text if isinstance(text, bytes) else text.encode()}


def toast(page: Page) -> Locator:
    """The notice that is on the page now."""
    return page.get_by_test_id("toast-text").last


def evidence_row(page: Page, key: str) -> Locator:
    """The folded row under each finished reply: its origin and how much evidence there is."""
    return page.locator(f"#{key}-bot .thought-group .title")


def say(page: Page, key: str, words: str) -> str:
    """Sends a message by Enter, waits for the end of the answer, and returns the answer."""
    rows = evidence_row(page, key)
    before = rows.count()
    field(page, f"{key}-box").fill(words)
    field(page, f"{key}-box").press("Enter")
    expect(rows).to_have_count(before + 1, timeout=30_000)
    ready(page, key)
    return replies(page, key).last.inner_text()


def ready(page: Page, key: str) -> None:
    """Waits until the box can send again."""
    expect(page.locator(f"#{key}-box").get_by_test_id("submit-button")).to_be_visible(timeout=20_000)


def replies(page: Page, key: str) -> Locator:
    """The answers in the chat, without their evidence rows."""
    return page.locator(f"#{key}-bot .message:not(.thought) > [data-testid=bot]")


def questions(page: Page, key: str) -> Locator:
    """The visitor's own messages in the chat."""
    return page.locator(f"#{key}-bot [data-testid=user]")


def act(page: Page, key: str) -> None:
    """The main action of a tab, on shipped or everyday input, to its end."""
    if key in ("chat", "haruhi"):
        say(page, key, "骆驼家族有哪些成员？")
    elif key == "embedding":
        field(page, "embedding-texts").fill("\n".join(LINES[:40]))
        press(page, key, "#embedding-map canvas")
        tool(page, 2)
        field(page, "embedding-query").fill("骆驼喝水")
        field(page, "embedding-query").press("Enter")
        expect(page.locator("#embedding-hits mark").first).to_be_visible(timeout=20_000)
    elif key != "home":
        box, result = {
            "summary": ("summary-text", "#summary-where mark"),
            "qa": ("qa-passage", "#qa-where mark"),
            "prophet": ("prophet-topic", "#prophet-words sup"),
        }[key]
        example(page, key).click()
        expect(field(page, box)).not_to_have_value("")
        press(page, key, result)
