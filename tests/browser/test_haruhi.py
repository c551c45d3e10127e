"""The role-play tab as a person uses it: other answers, branches, guests, characters of one's own, files, reload."""

import json
import re
from dataclasses import replace

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from models.characters import characters
from models.packs import Bilingual, Pack, Scene, write_png, write_zip
from models.packs.house import pack_of
from models.packs.lines import scene
from tests.browser.actions import LANGS, Visit, at, evidence_row, field, questions, ready, replies, say, shown, toast

pytestmark = pytest.mark.browser

BORED = "好无聊啊，有什么好玩的吗？"


def postman() -> Pack:
    """A character of our own who ships with nothing."""
    told = "旅人:「信到了吗？」\n邮差:「风停了就到，我的骆驼认得路。」\n旅人:「风不停呢？」\n邮差:「那就等风累了。」\n"
    scenes: tuple[Scene, ...] = (scene("等信", told), scene("水囊", "旅人:「有水吗？」\n邮差:「半囊，分你一半。」\n"))
    return Pack(
        id="postman",
        name=Bilingual("沙漠邮差", "The Desert Postman"),
        speaker="邮差",
        persona=Bilingual("你是送信的人，说话慢。"),
        greeting=Bilingual("有你的信。", "A letter for you."),
        roles=("旅人",),
        scenes=scenes,
        pictures=pack_of(characters()["camel"]).pictures[:2],
    )


def upload(page: Page, kind: str, *files: FilePayload) -> None:
    """Chooses files in one of the tab's own upload fields."""
    page.locator(f"#tab-haruhi input[data-upload={kind}]").set_input_files(list(files))


def card(page: Page, name: str) -> Locator:
    """A character in the gallery."""
    return page.locator("#haruhi-character .who-card").filter(has_text=name)


def test_nothing_can_be_said_before_the_story_is_open(visit: Visit) -> None:
    page, held = visit(""), []
    page.route("**/queue/join*", lambda request: held.append(request))
    page.goto(f"{page.url.split('?')[0]}?tab=haruhi")
    shown(page, "haruhi")
    expect(field(page, "haruhi-box")).to_be_disabled()
    page.route("**/queue/join*", lambda request: request.continue_())  # from now on
    while held:
        held.pop().continue_()
    say(page, "haruhi", BORED)
    expect(page.locator("#haruhi-log .message")).to_have_count(3)  # the greeting, what was said, the answer


def test_answers_can_be_turned_over_edited_taken_back_and_found_again(visit: Visit) -> None:
    page = at(visit, "haruhi")
    first = say(page, "haruhi", BORED)
    page.click("#haruhi-retry")
    place = page.locator("#haruhi-log .place").last
    expect(place).to_have_text("2/2", timeout=20_000)
    ready(page, "haruhi")
    assert replies(page, "haruhi").last.inner_text() != first
    page.keyboard.press("ArrowLeft")
    expect(replies(page, "haruhi").last).to_have_text(first, timeout=10_000)
    expect(place).to_have_text("1/2")
    mine = page.locator("#haruhi-log .message.user")
    mine.locator("button.edit").click()
    mine.locator("textarea").fill("你相信有外星人吗？")
    mine.locator("textarea").press("Enter")
    expect(questions(page, "haruhi")).to_have_text(["你相信有外星人吗？"])
    expect(evidence_row(page, "haruhi")).to_have_count(1, timeout=20_000)
    ready(page, "haruhi")
    page.click("#haruhi-undo")
    expect(questions(page, "haruhi")).to_have_count(0)
    expect(field(page, "haruhi-box")).to_have_value("你相信有外星人吗？")
    page.click("#haruhi-redo")
    expect(questions(page, "haruhi")).to_have_text(["你相信有外星人吗？"])
    page.locator("#haruhi-tools .more summary").click()
    page.locator("#haruhi-tools .ways").get_by_text(first[:10]).first.click()
    expect(questions(page, "haruhi")).to_have_text([BORED])
    page.reload()
    shown(page, "haruhi")
    expect(questions(page, "haruhi")).to_have_text([BORED], timeout=20_000)
    expect(replies(page, "haruhi").last).to_have_text(first)


def test_the_story_goes_on_with_narration_suggestions_and_more(visit: Visit) -> None:
    page = at(visit, "haruhi")
    say(page, "haruhi", BORED)
    before = replies(page, "haruhi").count()
    page.click("#haruhi-narrate")
    told = page.locator("#haruhi-log .message.narration")
    expect(told).to_have_count(1, timeout=20_000)
    assert replies(page, "haruhi").count() == before + 1
    ready(page, "haruhi")
    page.click("#haruhi-suggest")
    examples = page.locator("#haruhi-examples button.gallery-item")
    expect(examples).to_have_count(3, timeout=20_000)
    line = examples.first.inner_text()
    examples.first.click()
    expect(questions(page, "haruhi").last).to_have_text(line, timeout=20_000)
    ready(page, "haruhi")
    text = replies(page, "haruhi").last.inner_text()
    page.click("#haruhi-continue")
    ready(page, "haruhi")
    going_on = re.compile(re.escape(text) + r"\s+\S")
    nothing = page.locator("#haruhi-live").get_by_text("没有可以接着说的")
    expect(replies(page, "haruhi").last.filter(has_text=going_on).or_(nothing).first).to_be_visible(timeout=20_000)
    switch = page.locator("#haruhi-tools input[type=checkbox]")
    page.locator("#haruhi-tools .more summary").click()
    switch.check()
    expect(page.locator("#haruhi-log .inline img").first).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("lang", LANGS)
def test_a_guest_answers_when_named_and_by_hand(visit: Visit, lang: str) -> None:
    page = at(visit, "haruhi", lang)
    card(page, "骆驼老师").locator("button.join").click()
    members = page.locator("#haruhi-tools .member")
    expect(members).to_have_count(2, timeout=20_000)
    say(page, "haruhi", "骆驼老师，什么是大语言模型？")
    speaker = page.locator("#haruhi-log .message.bot .who").last
    expect(speaker).to_have_text("骆驼老师")
    members.first.locator("button").first.click()
    expect(speaker).to_have_text("春日", timeout=20_000)
    ready(page, "haruhi")
    page.locator("#haruhi-tools .rules button").last.click()
    expect(page.locator("#haruhi-tools .rules button").last).to_have_class("on")
    count = replies(page, "haruhi").count()
    field(page, "haruhi-box").fill("大家好。")
    field(page, "haruhi-box").press("Enter")
    expect(questions(page, "haruhi").last).to_have_text("大家好。", timeout=10_000)
    ready(page, "haruhi")
    assert replies(page, "haruhi").count() == count, "nobody answers until asked"
    members.last.get_by_text("×").click()
    expect(members).to_have_count(0, timeout=10_000)


def test_a_character_out_of_the_form_can_be_talked_to_and_is_seen_by_its_maker_only(visit: Visit) -> None:
    page, other = at(visit, "haruhi"), at(visit, "haruhi")
    page.locator("#haruhi-character .wizard summary").click()
    form = page.locator("#haruhi-character form")
    form.locator("[name=name]").fill("灯塔婆婆")
    form.locator("[name=greeting]").fill("雾大，慢些走。")
    form.locator("[name=script]").fill("渔夫:「婆婆，看得见岸吗？」\n灯塔婆婆:「看得见灯，就看得见岸。」\n")
    form.locator("button[type=submit]").click()
    expect(replies(page, "haruhi")).to_contain_text(["雾大，慢些走。"], timeout=20_000)
    expect(field(page, "haruhi-role")).to_have_value("渔夫")
    assert say(page, "haruhi", "婆婆，看得见岸吗？") == "看得见灯，就看得见岸。"
    page.reload()
    shown(page, "haruhi")
    expect(card(page, "灯塔婆婆")).to_be_visible(timeout=20_000)
    expect(questions(page, "haruhi")).to_have_text(["婆婆，看得见岸吗？"])
    other.reload()
    shown(other, "haruhi")
    expect(card(other, "春日")).to_be_visible(timeout=20_000)
    expect(card(other, "灯塔婆婆")).to_have_count(0)
    page.locator("#haruhi-person summary").click()
    with page.expect_download() as saved:
        page.locator("#haruhi-person").get_by_role("button", name="charx").click()
    assert saved.value.suggested_filename.endswith(".charx")
    for _ in range(2):  # what cannot be taken back is asked for twice
        page.locator("#haruhi-person .danger").click()
    expect(card(page, "灯塔婆婆")).to_have_count(0, timeout=20_000)
    expect(replies(page, "haruhi")).to_have_count(1)


@pytest.mark.parametrize("kind", ["png", "zip"])
def test_a_card_and_an_original_zip_bring_scenes_pictures_and_a_report(visit: Visit, kind: str) -> None:
    page, pack = at(visit, "haruhi"), postman()
    data = write_png(pack) if kind == "png" else write_zip(replace(pack, scenes=(*pack.scenes, pack.scenes[0])))
    page.locator("#haruhi-character .wizard summary").click()
    upload(page, "pack", {"name": f"p.{kind}", "mimeType": "application/octet-stream", "buffer": data})
    expect(card(page, "沙漠邮差")).to_be_visible(timeout=20_000)
    expect(page.locator("#haruhi-character .report")).to_contain_text("沙漠邮差")
    if kind == "zip":
        expect(page.locator("#haruhi-character .report li.warning")).to_contain_text("和前面的一样")
    assert say(page, "haruhi", "信到了吗？") == "风停了就到，我的骆驼认得路。"
    expect(page.locator("#haruhi-picture .picture img")).to_be_visible()
    broken: FilePayload = {"name": "坏.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04nothing"}
    page.locator("#haruhi-character .wizard summary").click()
    upload(page, "pack", broken)
    expect(toast(page)).to_contain_text("坏.zip", timeout=20_000)
    ready(page, "haruhi")


def test_a_conversation_leaves_as_a_file_and_comes_back(visit: Visit) -> None:
    page = at(visit, "haruhi")
    answer = say(page, "haruhi", BORED)
    page.click("#haruhi-retry")
    expect(page.locator("#haruhi-log .place").last).to_have_text("2/2", timeout=20_000)
    ready(page, "haruhi")
    page.locator("#haruhi-tools .more summary").click()
    with page.expect_download() as saved:
        page.click("#haruhi-export-jsonl")
    data = saved.value.path().read_bytes()
    rows = [json.loads(line) for line in data.decode().splitlines()]
    assert rows[0]["character_name"] == "凉宫春日" and rows[2]["mes"] == BORED and rows[3]["swipes"][0] == answer
    for _ in range(2):
        page.click("#haruhi-clear")
    expect(questions(page, "haruhi")).to_have_count(0)
    page.locator("#haruhi-tools .more summary").click()
    upload(page, "chat", {"name": "chat.jsonl", "mimeType": "application/jsonl", "buffer": data})
    expect(questions(page, "haruhi")).to_have_text([BORED], timeout=20_000)
    expect(page.locator("#haruhi-log .place").last).to_have_text("2/2")
