"""The embedding tab in the page: paste or upload, lasso, search, colours, take away, reopen."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models.strings import say
from tests.browser.actions import (
    LANGS,
    LINES,
    Visit,
    at,
    choose_file,
    drawn_map,
    field,
    origin,
    press,
    text_file,
    tool,
)

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("lang", LANGS)]


def lasso(page: Page) -> None:
    """Draws a lasso around the whole map."""
    page.locator("#embedding-map [role=toolbar] button").nth(1).click()
    canvas = drawn_map(page)
    canvas.evaluate("map => map.scrollIntoView({block: 'center'})")
    box = canvas.bounding_box()
    assert box is not None
    left, top, right, low = box["x"] + 4, box["y"] + 4, box["x"] + box["width"] - 4, box["y"] + box["height"] - 4
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, low), (left, low), (left, top)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def test_pasted_lines_are_lassoed_searched_recoloured_saved_and_reopened(
    visit: Visit, lang: str, tmp_path: Path
) -> None:
    page = at(visit, "embedding", lang)
    field(page, "embedding-texts").fill("\n".join(f"{line}\t{'甲乙'[n % 2]}" for n, line in enumerate(LINES[:40])))
    press(page, "embedding", "#embedding-map canvas")
    expect(page.locator("#embedding-facts")).to_contain_text("UMAP · 40", use_inner_text=True)
    origin(page, "#embedding-facts", lang)
    lasso(page)
    expect(page.locator("#embedding-selection tbody tr")).to_have_count(40, timeout=20_000)
    tool(page, 2)
    field(page, "embedding-query").fill("骆驼喝水")
    expect(page.locator("#embedding-hits .evidence li").first).to_contain_text("喝水", timeout=20_000)
    expect(page.locator("#embedding-hits mark").first).to_be_visible()
    colour = field(page, "embedding-colour")
    colour.click()
    page.get_by_role("option", name=say("embedding.colour_label", lang[:2]), exact=True).click()
    expect(page.locator("#embedding-map .map-legend")).to_contain_text("甲", timeout=20_000)
    page.locator("#embedding-views").get_by_role("tab").nth(1).click()
    with page.expect_download(timeout=30_000) as taken:
        page.click("#embedding-save-project")
    saved = tmp_path / "map.luotuo.zip"
    taken.value.save_as(saved)
    again = at(visit, "embedding", lang)
    again.locator("#embedding-views").get_by_role("tab").nth(1).click()
    file = {"name": saved.name, "mimeType": "application/zip", "buffer": saved.read_bytes()}
    choose_file(again, "#embedding-open", file)
    expect(again.locator("#embedding-project-status progress")).to_have_count(0, timeout=30_000)
    again.locator("#embedding-views").get_by_role("tab").nth(0).click()
    expect(again.locator("#embedding-facts")).to_contain_text("UMAP · 40", use_inner_text=True, timeout=30_000)
    drawn_map(again)


def test_an_uploaded_table_shows_its_columns_and_becomes_a_map(visit: Visit, lang: str) -> None:
    page = at(visit, "embedding", lang)
    lines = [line.replace("，", " ") for line in LINES[:12]]
    rows = [f"{number},{line},{'甲乙'[number % 2]}" for number, line in enumerate(lines)]
    choose_file(page, "#embedding-upload", text_file("班.csv", "\n".join(["编号,正文,班级", *rows]), "text/csv"))
    expect(page.locator("#embedding-preview tbody tr")).to_have_count(8, timeout=20_000)
    expect(page.locator("#embedding-preview th.is-text")).to_have_text("正文")
    press(page, "embedding", "#embedding-map canvas")
    expect(page.locator("#embedding-facts")).to_contain_text("12", use_inner_text=True)
