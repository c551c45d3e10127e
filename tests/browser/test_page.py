"""The page as a person meets it: languages, addresses, the back button, phones, accessibility, nothing lost."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps import APPS
from tests.browser.actions import Visit, act, at, shown

pytestmark = pytest.mark.browser
TABS = ["home", *(spec.key for spec in APPS)]

# Gradio's own markup, which the hub does not write; every entry names the component and the rule it breaks
OF_GRADIO = {
    ("aria-allowed-attr", ".empty"),
    ("aria-required-children", ".examples"),
    ("button-name", '<button class="icon-button'),  # Chatbot: the arrow inside the title of a folded row
    ("nested-interactive", 'class="title svelte-'),  # Chatbot: that title is a button around the arrow's button
}
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def selected(page: Page) -> str:
    return page.locator("#hub-tabs [role=tab][aria-selected=true]").get_attribute("data-tab-id") or ""


def test_the_tabs_stand_in_order_in_both_languages(visit: Visit) -> None:
    zh = visit().locator("#hub-tabs [role=tab]")
    expect(zh).to_have_text(["首页", *(spec.title.zh for spec in APPS)])
    en = visit(lang="en-GB").locator("#hub-tabs [role=tab]")
    expect(en).to_have_text(["Home", *(spec.title.en for spec in APPS)])


def test_language_switches_for_every_word_and_stays(visit: Visit) -> None:
    page = visit("?tab=qa")
    page.fill("#qa-passage textarea", "骆驼住在沙漠。")
    page.click("#hub-lang")
    expect(page.locator("#qa-run")).to_have_text("Ask")
    assert "lang=en" in page.url and selected(page) == "qa"
    expect(page.locator("#qa-passage textarea")).to_have_value("骆驼住在沙漠。")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.goto(page.url.split("?")[0])
    expect(page.locator("#hub-tabs [role=tab]").first).to_have_text("Home")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_no_word_of_the_other_language_is_left(visit: Visit, lang: str) -> None:
    page = visit(f"?lang={lang}")
    for key in TABS:
        page.click(f"#tab-{key}-button")
        shown(page, key)
        text = page.evaluate(VISIBLE_CHROME)
        if lang == "en":
            assert not [word for word in text if any("\u4e00" <= mark <= "\u9fff" for mark in word)], (key, text)
        assert not [word for word in text if word.startswith("__i18n__") or f"{key}." in word], (key, text)


# labels, buttons, headings and notes that can be seen; examples and the characters' own lines are content
VISIBLE_CHROME = """() => [...document.querySelectorAll(
  'label, button, h1, h2, h3, .note, .empty, .badge, [data-testid=block-info], summary')]
  .filter(e => e.offsetParent && !e.closest('[lang=zh], .examples, [id$=examples], .gallery, #hub-lang, .message-wrap,'
     + ' fieldset label, .content-text'))
  .map(e => e.innerText.trim()).filter(Boolean)"""


def test_the_back_button_and_the_cards(visit: Visit) -> None:
    page = visit()
    page.click("a.card[data-tab=summary]")
    expect(page.locator("#tab-summary-button")).to_have_attribute("aria-selected", "true")
    assert "tab=summary" in page.url
    page.click("#tab-qa-button")
    page.wait_for_url("**tab=qa**")
    page.go_back()
    expect(page.locator("#tab-summary-button")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.locator("#tab-home-button")).to_have_attribute("aria-selected", "true")


def test_an_unknown_tab_in_the_address_opens_home(visit: Visit) -> None:
    page = visit("?tab=%3Cscript%3Ealert(1)%3C/script%3E")
    assert selected(page) == "home"


def test_dark_is_remembered(visit: Visit) -> None:
    page = visit()
    page.click("#hub-theme")
    assert page.evaluate("document.body.classList.contains('dark')")
    page.reload()
    page.wait_for_selector("body.dark")


@pytest.mark.parametrize("key", TABS)
def test_every_tab_has_an_address_and_fits_a_phone_with_and_without_results(visit: Visit, key: str) -> None:
    page = at(visit, key, "en", width=390)
    chosen = page.locator(f"#tab-{key}-button").bounding_box()
    assert chosen and chosen["x"] >= 0 and chosen["x"] + chosen["width"] <= 390, "the chosen tab is out of sight"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    act(page, key)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_reaches_tabs_and_cards(visit: Visit) -> None:
    page = visit()
    reached = set()
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.tab || document.activeElement.id"))
    assert {"hub-lang", "hub-theme", "tab-home-button", *(spec.key for spec in APPS)} <= reached


@pytest.mark.parametrize("key", TABS)
def test_axe_finds_no_violation_in_our_markup(visit: Visit, key: str) -> None:
    page = at(visit, key)
    page.emulate_media(reduced_motion="reduce")  # colours change at once, so none is measured half-way
    assert not violations(page), "empty, light"
    page.click("#hub-theme")
    assert not violations(page), "empty, dark"
    if key == "home":
        return
    act(page, key)
    assert not violations(page), "with a result, dark"
    page.click("#hub-theme")
    assert not violations(page), "with a result, light"


def violations(page: Page) -> list[tuple[str, object, str]]:
    """What axe finds wrong now in markup that is ours: rule, element, remedy."""
    return [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in Axe().run(page, options=AXE).response["violations"]
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] + str(node["target"]) for name, part in OF_GRADIO)
    ]
