"""The chat panel and what all tabs share: steering a conversation, errors that help, hostile text that stays text."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import (
    LANGS,
    LINES,
    Visit,
    at,
    choose_file,
    drawn_map,
    evidence_row,
    field,
    press,
    questions,
    ready,
    replies,
    say,
    shown,
    text_file,
    toast,
    tool,
)

pytestmark = pytest.mark.browser

# presses stop as soon as the first words of an answer stand there, quicker than a person could
STOP = """() => new Promise(done => { const timer = setInterval(() => {
  const stop = document.querySelector('#chat-box [data-testid=stop-button]');
  const said = [...document.querySelectorAll('#chat-bot [data-testid=bot]')].pop();
  if (stop && said && said.innerText.trim()) { clearInterval(timer); stop.click(); done(); } }, 5); })"""
HOSTILE = (
    '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    "<svg onload=window.hacked=1></svg>[骆驼](javascript:window.hacked=1)"
)
# what would have come of it if any of it had been taken for markup
PLANTED = """() => [...document.querySelectorAll("img[src=x], [onerror], [onload], a[href^='javascript:' i], script")]
  .filter(e => e.tagName !== 'SCRIPT' || e.text.includes('window.hacked')).map(e => e.outerHTML)"""


@pytest.mark.parametrize("lang", LANGS)
def test_an_empty_message_gets_a_notice_and_the_box_stays_usable(visit: Visit, lang: str) -> None:
    page = at(visit, "chat", lang)
    box = field(page, "chat-box")
    box.press("Enter")
    told = {"zh-CN": ("还没有文本", "请输入"), "en": ("There is no text yet", "Type or paste")}[lang]
    for part in told:
        expect(toast(page)).to_contain_text(part)
    expect(questions(page, "chat")).to_have_count(0)
    expect(box).to_be_editable()
    assert say(page, "chat", "你好").strip()


def test_stop_in_mid_answer_keeps_what_was_said_and_frees_the_box(visit: Visit) -> None:
    page = at(visit, "chat")
    whole = say(page, "chat", "What is Luotuo?")
    page.click("#chat-clear")
    expect(questions(page, "chat")).to_have_count(0)
    box = field(page, "chat-box")
    box.fill("What is Luotuo?")
    box.press("Enter")
    page.evaluate(STOP)
    ready(page, "chat")
    part = replies(page, "chat").last.inner_text().strip()
    page.wait_for_timeout(1500)  # a running answer would have grown by now
    assert replies(page, "chat").last.inner_text().strip() == part
    assert part and len(part) < len(whole.strip()) and whole.startswith(part)
    expect(evidence_row(page, "chat")).to_have_count(0)
    assert say(page, "chat", "你好").strip()


def test_retry_edit_undo_and_clear(visit: Visit) -> None:
    page = at(visit, "chat")
    first = say(page, "chat", "骆驼是什么项目？")
    say(page, "chat", "什么是 LoRA？")
    page.click("#chat-retry")
    expect(evidence_row(page, "chat")).to_have_count(1)
    expect(evidence_row(page, "chat")).to_have_count(2, timeout=20_000)
    ready(page, "chat")
    expect(questions(page, "chat")).to_have_text(["骆驼是什么项目？", "什么是 LoRA？"])
    edit(page, 0, "骆驼家族有哪些成员？")
    expect(questions(page, "chat")).to_have_text(["骆驼家族有哪些成员？"])
    expect(evidence_row(page, "chat")).to_have_count(1, timeout=20_000)
    ready(page, "chat")
    assert "骆驼QA" in replies(page, "chat").last.inner_text() != first
    page.click("#chat-undo")
    expect(field(page, "chat-box")).to_have_value("骆驼家族有哪些成员？")
    expect(questions(page, "chat")).to_have_count(0)
    field(page, "chat-box").press("Enter")
    expect(evidence_row(page, "chat")).to_have_count(1, timeout=20_000)
    page.click("#chat-clear")
    expect(questions(page, "chat")).to_have_count(0)
    expect(replies(page, "chat")).to_have_count(0)


def edit(page: Page, number: int, words: str) -> None:
    """Changes one of the visitor's own messages in the chat."""
    page.locator("#chat-bot button[aria-label=编辑]").nth(number).click()
    page.locator("#chat-bot textarea").fill(words)
    page.locator("#chat-bot button[aria-label=发送]").click()


def test_a_conversation_can_be_copied_saved_and_reloaded_by_its_own_visitor_only(visit: Visit) -> None:
    page = at(visit, "chat")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = say(page, "chat", "骆驼家族有哪些成员？").strip()
    page.locator("#chat-bot button[aria-label='Copy message']").last.click()
    page.wait_for_function("part => navigator.clipboard.readText().then(text => text.includes(part))", arg=answer[:20])
    with page.expect_download() as saved:
        page.click("#chat-export")
    assert re.fullmatch(r"luotuo-chat-[\d-]+\.md", saved.value.suggested_filename)
    text = saved.value.path().read_text(encoding="utf-8")
    assert "**我**\n\n骆驼家族有哪些成员？" in text and f"**回复**\n\n{answer}" in text and "> 1. " in text
    page.reload()
    shown(page, "chat")
    expect(questions(page, "chat")).to_have_text(["骆驼家族有哪些成员？"])
    expect(replies(page, "chat").last).to_contain_text(answer)
    stranger = at(visit, "chat")
    assert say(stranger, "chat", "你好").strip()
    expect(questions(stranger, "chat")).to_have_text(["你好"])


@pytest.mark.parametrize("lang", LANGS)
def test_errors_name_cause_and_remedy_in_the_visitors_language(visit: Visit, lang: str) -> None:
    page = at(visit, "qa", lang)
    page.click("#qa-run")
    empty = {"zh-CN": ("还没有文本", "上传文件或点一个示例"), "en": ("There is no text yet", "click an example")}[lang]
    for part in empty:
        expect(toast(page)).to_contain_text(part)
        expect(page.locator("#qa-status [role=alert]")).to_contain_text(part)
    choose_file(page, "#qa-upload", text_file("坏.pdf", b"%PDF-1.7\nnothing that follows is a pdf", "application/pdf"))
    broken = {"zh-CN": ("“坏.pdf”已损坏", "另存一份"), "en": ("“坏.pdf” is damaged", "save a fresh copy")}[lang]
    for part in broken:
        expect(page.locator("#qa-status [role=alert]")).to_contain_text(part, timeout=20_000)
        expect(toast(page)).to_contain_text(part)
    expect(page.locator("#qa-run")).to_be_enabled()


def harmless(page: Page, scope: str, *, seen: str = "<img src=x onerror=") -> None:
    """Asserts that the hostile text is there as text, and that nothing of it became markup or ran."""
    expect(page.locator(scope).first).to_contain_text(seen, timeout=20_000)
    assert page.evaluate(PLANTED) == []
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("key", ["chat", "haruhi"])
def test_hostile_messages_stay_text(visit: Visit, key: str) -> None:
    page = at(visit, key)
    say(page, key, HOSTILE)
    harmless(page, f"#{key}-bot [data-testid=user]")
    page.reload()
    shown(page, key)
    harmless(page, f"#{key}-bot [data-testid=user]")


def test_hostile_passages_questions_topics_and_lines_stay_text(visit: Visit) -> None:
    page = at(visit, "summary")
    text = f"骆驼{HOSTILE}住在沙漠。它们可以十天不喝水。商人靠{HOSTILE}骆驼运茶。"
    field(page, "summary-text").fill(text)
    press(page, "summary", "#summary-where mark")
    harmless(page, "#summary-where .passage")
    page.click("#summary-to-qa")
    shown(page, "qa")
    field(page, "qa-question").fill(f"{HOSTILE}骆驼住在哪里？")
    press(page, "qa", "#qa-answer .answer")
    harmless(page, "#qa-where")
    page.click("#tab-prophet-button")
    field(page, "prophet-topic").fill('<img src=x onerror="window.hacked=1">zxqv')
    press(page, "prophet", "#prophet-words .result")
    harmless(page, "#prophet-words")
    page.click("#tab-embedding-button")
    field(page, "embedding-texts").fill("\n".join(f"{HOSTILE}{line}\t{HOSTILE}" for line in LINES[:9]))
    press(page, "embedding", "#embedding-map canvas")
    drawn_map(page).hover(force=True)
    tool(page, 1)
    harmless(page, "#embedding-clusters")
    tool(page, 2)
    field(page, "embedding-query").fill(f"{HOSTILE}骆驼")
    field(page, "embedding-query").press("Enter")
    harmless(page, "#embedding-hits .evidence")


def test_hostile_names_of_uploaded_files_stay_text(visit: Visit) -> None:
    page = at(visit, "summary")
    name = "<img src=x onerror=window.hacked=1>"
    choose_file(page, "#summary-upload", text_file(f"{name}.txt", "骆驼住在沙漠。"))
    expect(page.locator("#summary-result [role=status]")).to_contain_text("7 字", timeout=20_000)
    choose_file(page, "#summary-upload", text_file(f"{name}.pdf", b"%PDF-1.7\n", "application/pdf"))
    expect(page.locator("#summary-status [role=alert]")).to_contain_text("已损坏", timeout=20_000)
    expect(toast(page)).to_contain_text("已损坏")
    page.click("#tab-prophet-button")
    choose_file(page, "#prophet-upload", text_file(f"{name}.txt", "渔夫问海是什么。海是回来的路。"))
    expect(page.locator("#prophet-words")).to_contain_text("已读入 1 篇", timeout=20_000)
    harmless(page, "#prophet-words", seen="img src=x onerror")
