"""Every tab does its work in the page, in Chinese and in English: own input, an example, what a person then sees."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import (
    LANGS,
    Visit,
    at,
    choose_file,
    evidence_row,
    example,
    field,
    origin,
    press,
    questions,
    replies,
    say,
    shown,
    text_file,
)

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("lang", LANGS)]

NEWS = (
    "昨天夜里，一场大雪封住了通往石桥村的山路。村民王桂兰腹痛难忍，乡医院的救护车开不进来。"
    "消息传开后，三十多名村民带着铁锹上了山，用了四个小时清出一条两公里长的通道。"
    "凌晨两点，王桂兰被送到县医院，医生诊断为急性阑尾炎，手术很顺利。"
    "县交通局表示，今年冬天会在石桥村常备一台除雪车。"
)


def words(lang: str, zh: str, en: str) -> str:
    """What the page says in the visitor's language."""
    return zh if lang.startswith("zh") else en


def marked(page: Page, scope: str) -> list[str]:
    """The marked stretches of the source, in reading order."""
    return page.locator(f"{scope} .passage mark").all_inner_texts()


def test_a_summary_stands_in_the_source_and_keeps_to_its_length(visit: Visit, lang: str) -> None:
    page = at(visit, "summary", lang)
    expect(page.locator("#summary-result")).to_contain_text(words(lang, "摘要会出现在这里", "summary will appear here"))
    example(page, "summary").click()
    expect(field(page, "summary-text")).to_have_value(re.compile("青石镇"))
    press(page, "summary", "#summary-where mark")
    chosen = marked(page, "#summary-where")
    source = field(page, "summary-text").input_value()
    short = page.locator("#summary-result .short").inner_text()
    assert 1 <= len(chosen) <= 3
    assert all(sentence.strip() in source and sentence.strip() in short for sentence in chosen)
    assert page.locator("#summary-result .answer").inner_text().strip()
    assert page.locator("#summary-result .phrases li").count() >= 3
    origin(page, "#summary-result", lang)
    field(page, "summary-text").fill(NEWS)
    shorten(page, lang)


def shorten(page: Page, lang: str) -> None:
    """Asks for at most 60 characters, and gets them."""
    page.locator("#summary-unit").get_by_text(words(lang, "字数", "characters")).click()
    number = page.locator("#summary-budget input[type=number]")
    expect(number).to_be_visible()
    expect(page.locator("#summary-size")).to_be_hidden()
    number.fill("60")
    number.press("Tab")
    page.click("#summary-run")
    told = words(lang, f"{len(NEWS)} 字 → ", f"{len(NEWS)} → ")
    expect(page.locator("#summary-result .note")).to_contain_text(told, use_inner_text=True, timeout=20_000)
    assert 10 <= len("".join(page.locator("#summary-result .short p").all_inner_texts())) <= 60


def test_texts_are_handed_from_summary_to_qa_and_back(visit: Visit, lang: str) -> None:
    page = at(visit, "summary", lang)
    field(page, "summary-text").fill(NEWS)
    page.click("#summary-to-qa")
    shown(page, "qa")
    expect(field(page, "qa-passage")).to_have_value(NEWS)
    assert "tab=qa" in page.url
    field(page, "qa-passage").fill(NEWS[:80])
    page.get_by_role("button", name=words(lang, "把原文送去摘要", "Send the passage to Summary")).click()
    shown(page, "summary")
    expect(field(page, "summary-text")).to_have_value(NEWS[:80])
    assert "tab=summary" in page.url


def test_qa_marks_the_answer_or_says_that_the_text_is_silent(visit: Visit, lang: str) -> None:
    page = at(visit, "qa", lang)
    example(page, "qa").click()
    expect(field(page, "qa-question")).to_have_value(re.compile("驼峰"))
    answer = press(page, "qa", "#qa-answer .answer").inner_text()
    assert "脂肪" in answer
    assert page.locator("#qa-where mark.answer").inner_text() == answer
    assert answer in page.locator("#qa-answer .completed").inner_text()
    told = re.compile(words(lang, r"把握 \d+%", r"Confidence \d+%"))
    expect(page.locator("#qa-answer .meter")).to_have_text(told, use_inner_text=True)
    origin(page, "#qa-answer", lang)
    field(page, "qa-passage").fill(NEWS)
    field(page, "qa-question").fill("医生诊断王桂兰得了什么病？")
    field(page, "qa-question").press("Enter")
    expect(page.locator("#qa-answer .answer")).to_contain_text("阑尾炎", timeout=30_000)
    example(page, "qa", 4).click()
    expect(field(page, "qa-question")).to_have_value("图书馆的馆长叫什么名字？")
    page.click("#qa-run")
    silent = words(lang, "原文未提及", "Not mentioned in the passage")
    expect(page.locator("#qa-answer .answer")).to_have_text(silent, use_inner_text=True, timeout=30_000)
    expect(page.locator("#qa-where .evidence li").first).to_be_visible()
    expect(page.locator("#qa-where mark.answer")).to_have_count(0)
    origin(page, "#qa-answer", lang)


def test_another_character_brings_portrait_and_starters(visit: Visit, lang: str) -> None:
    page = at(visit, "haruhi", lang)
    portrait = page.locator("#haruhi-picture .picture img")
    expect(portrait).to_be_visible(timeout=20_000)
    before, starter = portrait.get_attribute("src"), example(page, "haruhi").inner_text()
    page.locator("#haruhi-character").get_by_text(words(lang, "骆驼老师", "Teacher Camel")).click()
    expect(portrait).not_to_have_attribute("src", before or "")
    expect(example(page, "haruhi")).not_to_have_text(starter)
    greeting = words(lang, "我是骆驼老师", "I'm Teacher Camel")
    expect(replies(page, "haruhi")).to_contain_text([greeting])
    expect(field(page, "haruhi-role")).to_have_value("小驼")
    example(page, "haruhi").click()
    expect(evidence_row(page, "haruhi")).to_have_count(1, timeout=20_000)
    expect(questions(page, "haruhi")).to_have_text(["大语言模型到底是什么？"])


def test_a_character_replies_with_scenes_and_pictures(visit: Visit, lang: str) -> None:
    page = at(visit, "haruhi", lang)
    assert say(page, "haruhi", "好无聊啊，有什么好玩的吗？").strip()
    scenes = page.locator("#haruhi-scenes .evidence li")
    expect(scenes.first).to_be_visible(timeout=20_000)
    assert all(re.fullmatch(r"\d\.\d\d", score) for score in scenes.locator(".score").all_inner_texts())
    origin(page, "#haruhi-scenes", lang)
    expect(page.locator("#haruhi-picture figcaption")).not_to_be_empty()
    picture = page.locator("#haruhi-picture .picture img")
    seen = [picture.get_attribute("src") or ""]
    for _ in range(2):
        page.get_by_role("button", name=words(lang, "给我一个图", "Show me a picture")).click()
        expect(picture).not_to_have_attribute("src", seen[-1])
        seen.append(picture.get_attribute("src") or "")
    assert len(set(seen)) == 3


def test_the_prophet_numbers_every_sentence(visit: Visit, lang: str) -> None:
    page = at(visit, "prophet", lang)
    example(page, "prophet", 3).click()
    expect(field(page, "prophet-topic")).to_have_value("友谊")
    press(page, "prophet", "#prophet-words sup")
    lines = page.locator("#prophet-words [lang=zh] > p")
    pieces = page.locator("#prophet-behind details")
    numbers = {int(number) for number in page.locator("#prophet-words sup").all_inner_texts()}
    assert lines.count() >= 3 and page.locator("#prophet-words sup").count() == lines.count()
    assert numbers <= set(range(1, pieces.count() + 1))
    marks = pieces.first.locator("mark").all_inner_texts()
    assert marks and all(mark in page.locator("#prophet-words").inner_text() for mark in marks)
    origin(page, "#prophet-words", lang)
    origin(page, "#prophet-behind", lang)
    field(page, "prophet-topic").fill("zxqv")
    field(page, "prophet-topic").press("Enter")
    silent = words(lang, "没有哪一篇谈到“zxqv”", "No piece speaks of “zxqv”")
    expect(page.locator("#prophet-words")).to_contain_text(silent, use_inner_text=True, timeout=20_000)
    expect(pieces).to_have_count(0)


def test_the_prophet_speaks_from_uploaded_pieces(visit: Visit, lang: str) -> None:
    page = at(visit, "prophet", lang)
    sea = "渔夫问海是什么。\n\n海不是水，海是回来的路。你们记得浪，却忘了岸。\n\n所以出海的人要先认得灯。"
    bread = "面包师说面团会呼吸。\n\n你们以为等待是空的，其实等待在发酵。\n\n急火只能烤出一层硬壳。"
    choose_file(page, "#prophet-upload", text_file("出海.txt", sea), text_file("等待.txt", bread))
    told = words(lang, "已读入 2 篇", "2 pieces read")
    expect(page.locator("#prophet-words")).to_contain_text(told, use_inner_text=True, timeout=20_000)
    expect(page.get_by_label(words(lang, "我上传的", "My uploads"))).to_be_checked()
    field(page, "prophet-topic").fill("出海")
    press(page, "prophet", "#prophet-words sup")
    expect(page.locator("#prophet-behind details").first).to_contain_text("1. 出海")
    expect(page.locator("#prophet-behind mark").first).to_be_visible()


def test_chat_answers_with_evidence_or_says_that_it_does_not_know(visit: Visit, lang: str) -> None:
    page = at(visit, "chat", lang)
    example(page, "chat", 1 if lang == "zh-CN" else 7).click()
    expect(evidence_row(page, "chat")).to_have_count(1, timeout=20_000)
    expect(replies(page, "chat").first).to_contain_text(words(lang, "骆驼QA", "CamelBell"))
    row = evidence_row(page, "chat").first
    told = words(lang, r"检索 · 内置引擎 · 依据 \d 条", r"retrieved · Embedded engine · \d pieces of evidence")
    expect(row).to_have_text(re.compile(told))
    row.click()
    expect(page.locator("#chat-bot .thought-group .content").first).to_contain_text(re.compile(r"\(\d\.\d\d\)"))
    unknown = say(page, "chat", words(lang, "请把圆周率算到第一百万位", "Please prove the Riemann hypothesis now"))
    assert words(lang, "这个我不知道", "I do not know") in unknown
