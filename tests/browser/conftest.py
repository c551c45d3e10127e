"""A browser page that fails its test on a console error, a page error or a request to any other host."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import browser
from tests.conftest import Hub


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture
def visit(chromium: Browser, hub: Hub) -> Iterator[Callable[..., Page]]:
    """visit("?tab=qa", lang="zh-CN", width=1280) opens a page as a new visitor; all of them are checked at the end."""
    with visits(chromium, hub) as opened:
        yield opened


@contextmanager
def visits(chromium: Browser, hub: Hub) -> Iterator[Callable[..., Page]]:
    """The same for any running hub."""
    contexts, complaints = [], []

    def watched(page: Page) -> Page:
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on("console", lambda line: complaints.append(f"console: {line.text}") if line.type == "error" else None)
        page.on("request", lambda request: complaints.append(request.url) if foreign(request.url) else None)
        return page

    def foreign(url: str) -> bool:
        return not url.startswith((hub.url, "data:", "blob:"))

    def opened(address: str = "", *, lang: str = "zh-CN", width: int = 1280) -> Page:
        context = chromium.new_context(locale=lang, viewport={"width": width, "height": 900}, accept_downloads=True)
        contexts.append(context)
        page = watched(context.new_page())
        page.goto(f"{hub.url}/{address}")
        page.wait_for_selector("#hub-tabs [role=tab]", timeout=60_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, complaints
