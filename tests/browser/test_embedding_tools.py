"""The map's tools as a visitor handles them: pointing, labelling, filtering, handing over, taking away."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.actions import LINES, Visit, at, drawn_map, example, field, press, tool

pytestmark = pytest.mark.browser

TEXTS = 48  # of the first example
SONGS = "风沙沙，雨沙沙。驼铃响，走天涯。#驼铃\n月亮照着沙丘，骆驼睡在月下。#月夜\n小河流过村庄，小船摇过小河。#小河"
# the page where a browser has no WebGL
NO_WEBGL = """const usual = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith('webgl') ? null : usual.call(this, kind, ...more); }"""
PIXELS = """map => { const pen = map.querySelector('.map-points').getContext('2d'), { width, height } = pen.canvas;
  return pen.getImageData(0, 0, width, height).data.filter((value, at) => at % 4 === 3 && value).length; }"""


def mapped(page: Page) -> Locator:
    """The first example as a finished map that stands still."""
    example(page, "embedding").click()
    expect(field(page, "embedding-texts")).not_to_have_value("")
    return settled(page)


def settled(page: Page) -> Locator:
    """Draws what is given; the map once its points have come to rest."""
    press(page, "embedding", "#embedding-map canvas")
    drawn_map(page)
    page.wait_for_function("() => document.querySelector('#embedding-map .luotuo-map').map?.named?.length")
    found = page.locator("#embedding-map .luotuo-map")
    found.locator(".map-stage").evaluate("stage => stage.scrollIntoView({block: 'center'})")
    return found


def spot(found: Locator, row: int) -> tuple[float, float]:
    """Where a point lies on the page."""
    left, top = found.evaluate(
        "(root, row) => { const frame = root.map.stage.getBoundingClientRect(), spots = root.map.pixels();"
        " return [frame.left + spots[2 * row], frame.top + spots[2 * row + 1]]; }",
        row,
    )
    return left, top


def choose(page: Page, found: Locator, rows: int, *points: int) -> None:
    """Clicks points, with shift held from the second on, and waits until the hub knows of the selection."""
    for number, row in enumerate(points):
        if number:
            page.keyboard.down("Shift")
        page.mouse.click(*spot(found, row))
        page.keyboard.up("Shift")
    expect(page.locator("#embedding-selection tbody tr")).to_have_count(rows, timeout=20_000)


def boxed(page: Page, found: Locator, code: int) -> int:
    """Draws a box around all points of a colour; how many points lie in it."""
    left, top, right, low = found.evaluate(
        "(root, code) => { const frame = root.map.stage.getBoundingClientRect(), spots = root.map.pixels();"
        " const rows = [...root.map.codes.keys()].filter((row) => root.map.codes[row] === code);"
        " return [Math.min, Math.max].flatMap((most, at) => [frame.left, frame.top].map((from, axis) =>"
        " from + most(...rows.map((row) => spots[2 * row + axis])) + (at ? 4 : -4))); }",
        code,
    )
    found.locator(".map-box").click()
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, low, steps=3)
    page.mouse.up()
    found.locator(".map-pan").click()
    return int(found.get_attribute("data-chosen") or 0)


def label(page: Page, name: str, count: int) -> None:
    """Gives the selected points a label and waits until it stands among the examples."""
    field(page, "embedding-label-name").fill(name)
    page.click("#embedding-give")
    expect(page.locator("#embedding-taught")).to_contain_text(f"{name} · {count}", timeout=20_000)


def taken(page: Page, button: str) -> bytes:
    """The bytes of the file that a button makes."""
    with page.expect_download(timeout=30_000) as download:
        page.click(button)
    return Path(download.value.path()).read_bytes()


def test_points_labelled_on_the_map_teach_a_classifier_whose_labels_are_taken_away(visit: Visit) -> None:
    page = at(visit, "embedding")
    found = mapped(page)
    choose(page, found, 2, 0, 1)
    tool(page, 3)
    label(page, "甲", 2)
    inside = boxed(page, found, 0)
    assert 2 < inside < TEXTS
    expect(page.locator("#embedding-selection tbody tr")).to_have_count(inside, timeout=20_000)
    label(page, "乙", inside)
    page.click("#embedding-learn")
    expect(page.locator("#embedding-learnt table")).to_have_count(2, timeout=30_000)
    expect(page.locator("#embedding-map .map-legend")).to_contain_text("甲")
    rows = list(csv.DictReader(io.StringIO(taken(page, "#embedding-labels-csv").decode("utf-8-sig"))))
    assert len(rows) == TEXTS
    assert [row["learnt_label"] for row in rows[:2]] == ["甲", "甲"]
    assert sum(row["example"] == "1" for row in rows) == 2 + inside
    other = at(visit, "embedding")
    field(other, "embedding-texts").fill("\n".join(LINES[:12]))
    settled(other)
    tool(other, 3)
    expect(other.locator("#embedding-taught")).not_to_contain_text("甲")


def test_a_text_that_is_looked_at_leaves_zoom_and_filter_alone(visit: Visit) -> None:
    page = at(visit, "embedding")
    found = mapped(page)
    found.locator(".map-group").nth(0).click()
    found.locator(".map-stage").press("+")
    found.locator(".map-stage").press("Shift+ArrowUp")
    seen = "root => [root.map.camera.zoom, root.map.camera.y, root.map.flags.filter(flag => !flag).length]"
    before = found.evaluate(seen)
    row = found.evaluate(
        "root => { const { width, height } = root.map.size(), spots = root.map.pixels();"
        " return root.map.flags.findIndex((flag, row) => flag && spots[2 * row] > 9 && spots[2 * row] < width - 9 &&"
        " spots[2 * row + 1] > 9 && spots[2 * row + 1] < height - 9); }"
    )
    page.mouse.move(*spot(found, row))
    expect(found.locator(".map-tip")).to_be_visible(timeout=20_000)
    tool(page, 2)
    field(page, "embedding-query").fill("骆驼")
    expect(page.locator("#embedding-hits mark").first).to_be_visible(timeout=20_000)
    expect(found).not_to_have_attribute("data-lit", "0")
    assert found.evaluate(seen) == before
    assert before[0] > 1
    assert before[2] > 0


def test_a_selection_is_searched_by_and_handed_to_other_apps(visit: Visit) -> None:
    page = at(visit, "embedding")
    found = mapped(page)
    choose(page, found, 2, 0, 30)
    pair = page.locator("#embedding-selection tbody td:nth-child(2)").all_inner_texts()
    page.click("#embedding-like")
    expect(page.locator("#embedding-by-example")).to_contain_text(pair[0][:12], timeout=20_000)
    expect(page.locator("#embedding-hits .evidence li").first).to_be_visible()
    page.click("#embedding-forget")
    expect(found).to_have_attribute("data-lit", "0", timeout=20_000)
    tool(page, 0)
    for key, button, box in (
        ("qa", "#embedding-to-qa", "qa-passage"),
        ("summary", "#embedding-to-summary", "summary-text"),
    ):
        page.click(button)
        expect(page.locator(f"#tab-{key}-button")).to_have_attribute("aria-selected", "true", timeout=20_000)
        expect(field(page, box)).to_have_value("\n".join(pair), timeout=20_000)
        page.click("#tab-embedding-button")


def test_a_map_without_webgl_is_drawn_and_taken_away_as_picture_table_and_page(visit: Visit, tmp_path: Path) -> None:
    page = at(visit, "embedding")
    page.add_init_script(NO_WEBGL)
    page.reload()
    found = mapped(page)
    expect(found).to_have_attribute("data-painter", "canvas")
    assert found.evaluate(PIXELS) > TEXTS
    assert taken(page, "#embedding-map .map-picture").startswith(b"\x89PNG")
    svg = taken(page, "#embedding-map .map-vector").decode()
    assert svg.count("<circle") + svg.count("<polygon") == TEXTS
    assert svg.count("<text") == int(found.get_attribute("data-names") or 0)
    page.locator("#embedding-views").get_by_role("tab").nth(1).click()
    rows = list(csv.DictReader(io.StringIO(taken(page, "#embedding-save-csv").decode("utf-8-sig"))))
    assert len(rows) == TEXTS
    assert all(abs(float(row["x"])) <= 1 and row["cluster_name"] for row in rows)
    assert taken(page, "#embedding-save-parquet").startswith(b"PAR1")
    document = tmp_path / "map.html"
    document.write_bytes(taken(page, "#embedding-save-html"))
    alone = page.context.new_page()
    alone.goto(document.as_uri())
    expect(alone.locator(".luotuo-map")).to_have_attribute("data-drawn", str(TEXTS))
    alone.fill("#map-find", "骆驼")
    expect(alone.locator("#map-chosen li").first).to_contain_text("骆驼")


def test_halves_of_songs_are_joined_on_the_map_and_in_its_picture(visit: Visit) -> None:
    page = at(visit, "embedding")
    field(page, "embedding-texts").fill(SONGS)
    page.locator("#embedding-reading label").nth(1).click()
    found = settled(page)
    assert found.evaluate("root => [root.map.n, [...root.map.pairs]]") == [6, [0, 1, 2, 3, 4, 5]]
    assert taken(page, "#embedding-map .map-vector").decode().count("M") >= 3
    page.reload()
    expect(field(page, "embedding-texts")).to_have_value(SONGS, timeout=20_000)
