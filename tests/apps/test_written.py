"""The tabs with a model that writes, on a voice that says what it is told to: the real handlers and endpoints."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest

import models
from apps import chat, panel, prophet, qa, side_by_side, summary, writing
from apps.hub import build_hub
from apps.saw import saw
from apps.work import streamed
from models import prompted
from models.engine import FinalPrompt, GenOptions, Message, PromptPart
from models.errors import BadInput, ModelUnavailable
from models.task import Task
from tests.apps.test_robustness import EVIL, assert_inert
from tests.fakes import FakeComparer, FakeVoice, lent

PASSAGE = "小镇图书馆建于1936年，由退休船长陈海生捐资修建。最初馆内只有八百册书。"
WHO = "谁捐资修建了图书馆？"
SETTINGS = (256, 0.0, 0.9, 1.0, None)
REWRITTEN = "问题转义为：谁出钱建的图书馆？\n答案为：陈海生"


@pytest.fixture
def lend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Puts a voice in the place of the pool's; returns the choices that were asked for."""

    def put(voice: FakeVoice) -> list[str]:
        choices: list[str] = []
        monkeypatch.setattr(models, "voice", lent(voice, choices))
        return choices

    return put


def pressed(work: Callable[..., Any], outputs: int, *given: Any) -> tuple[Any, ...]:
    """What the page shows at the end of a run; what a step skips is what was there before."""
    shown: list[Any] = [None] * (3 + outputs)
    for values in streamed(work, outputs)("zh", *given):
        shown = [old if _skips(new) else new for old, new in zip(shown, values, strict=True)]
    assert shown[2] == "", shown[2]
    return tuple(shown[3:])


def _skips(value: Any) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update"


# chat


def sent(*given: Any) -> list[Any]:
    history = [{"role": "user", "content": panel.shown("骆驼喝什么？")}]
    return list(panel._streamer(chat.respond, 1)(history, "zh", *given))


def test_a_chosen_model_answers_in_the_chat(lend: Callable[..., list[str]]) -> None:
    voice = FakeVoice("喝<水>。", adapter="luotuo", finish="length")
    choices = lend(voice)
    history, seen = sent("fake+luotuo", "说文言", *SETTINGS)[-1]
    question, answer, origin = history
    assert choices == ["fake+luotuo"] and panel.text_of(answer["content"]) == "喝<水>。"
    assert "someone/fake + luotuo" in origin["metadata"]["title"] and "长度上限" in origin["metadata"]["title"]
    assert "依据" not in origin["metadata"]["title"], "a model has no evidence to count"
    assert voice.asked[0] == [Message("system", "说文言"), Message("user", "骆驼喝什么？")]
    assert voice.options[0] == GenOptions(256, 0.0, 0.9, timeout_s=writing.TIMEOUT_S)
    assert "&lt;user&gt;骆驼喝什么？" in seen
    assert panel.messages(history)[-1] == Message("assistant", "喝<水>。")


def test_without_a_choice_the_embedded_engine_answers_as_before(lend: Callable[..., list[str]]) -> None:
    choices = lend(FakeVoice("不该说话"))
    history, seen = sent("", "", *SETTINGS)[-1]
    assert choices == [] and seen == "" and history[-2]["content"] != "不该说话"
    assert "依据" in history[-1]["metadata"]["title"]


def test_a_model_that_fails_is_told_in_the_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, **_: told.append(text))

    def broken(choice: str, task: Task) -> Iterator[FakeVoice]:
        raise ModelUnavailable("weights_broken", name="fake")

    monkeypatch.setattr(models, "voice", broken)
    history, _ = sent("fake", "", *SETTINGS)[-1]
    assert "fake" in told[0] and history[-1]["metadata"]["title"] == "⚠️"
    assert panel.messages(history) == [Message("user", "骆驼喝什么？")]


def test_what_is_waited_for_is_said_and_gone_after_stop() -> None:
    task = Task()
    assert panel._waiting(task, "zh") == []
    task.step(0.4, "model.loading")
    rows = panel._waiting(task, "zh")
    assert "40%" in rows[0]["metadata"]["title"] and panel.messages(rows) == []
    assert panel._stopped([{"role": "user", "content": "?"}, *rows])[1] == [{"role": "user", "content": "?"}]


# questions


def test_qa_shows_the_model_beside_the_reader(lend: Callable[..., list[str]]) -> None:
    voice = FakeVoice(REWRITTEN)
    lend(voice)
    pane, marks, columns, seen = pressed(qa.work, 4, PASSAGE, WHO, False, "fake", *SETTINGS)
    assert "谁出钱建的图书馆？" in pane and "someone/fake" in pane and pane.count('class="result"') == 2
    assert "badge neural" in pane and "badge extractive" in pane and pane.count("<progress") == 1
    assert '<mark class="answer">陈海生</mark>' in marks and columns == "" and PASSAGE in seen
    assert len(voice.prompts) == 1, "one question, one answer"


def test_qa_shows_the_columns_of_the_original(lend: Callable[..., list[str]]) -> None:
    voice = FakeVoice(REWRITTEN, "船长", "答案为：陈船长", "不知道", adapter="luotuo-qa-lora-0.1")
    choices = lend(voice)
    _, _, columns, _ = pressed(qa.work, 4, PASSAGE, WHO, True, "fake+luotuo-qa-lora-0.1", *SETTINGS)
    cells = columns.split('<div class="result">')[1:]
    said = [cell.split('<p class="answer">')[1].split("</p>")[0] for cell in cells]
    assert said == ["船长", "陈海生", "陈船长", "不知道"]
    assert choices == ["fake+luotuo-qa-lora-0.1", "fake"], "the last column is the base without its adapter"
    assert f"原始问题为：{WHO}\n问题转义为:{WHO}\n答案为:" in voice.prompts[1]
    assert voice.prompts[2].endswith("原始问题为：谁出钱建的图书馆？\n")


def test_qa_says_when_the_passage_does_not_hold_it(lend: Callable[..., list[str]]) -> None:
    lend(FakeVoice("问题转义为：火星上有什么？\n答案为：原文未提及"))
    pane, marks, *_ = pressed(qa.work, 4, PASSAGE, "火星上有什么？", False, "fake", *SETTINGS)
    assert "原文未提及" in pane and '<mark class="answer">' not in marks
    lend(FakeVoice("答案为：李白"))
    pane, marks, *_ = pressed(qa.work, 4, PASSAGE, WHO, False, "fake", *SETTINGS)
    assert "不是原文里的原话" in pane and '<mark class="answer">' not in marks


# summary and Prophet


def test_summary_says_who_wrote_what_and_hands_the_text_over(lend: Callable[..., list[str]]) -> None:
    lend(FakeVoice("船长陈海生捐资修建了图书馆。"))
    given = (PASSAGE, None, "sentences", 2, 99, "auto", "fake", *SETTINGS)
    pane, marks, plain, seen = pressed(summary.work, 4, *given)
    assert plain == "船长陈海生捐资修建了图书馆。" and plain in pane
    assert pane.index("badge neural") < pane.index("badge extractive"), "headline and phrases are the embedded engine's"
    assert "<mark" in marks and "1936" in marks and "不超过2句话" in seen
    before = pressed(summary.work, 4, PASSAGE, None, "sentences", 2, 99, "auto", "", *SETTINGS)
    assert "badge neural" not in before[0] and before[3] == ""


def test_the_prophet_writes_after_the_pieces_that_are_shown(lend: Callable[..., list[str]], tmp_path: Any) -> None:
    voice = FakeVoice("<先知>:```朋友是一口井。\n不要问它有多深。```")
    lend(voice)
    pieces = models.engine_for("compose")
    work = lambda task, lang, *given: prophet.written(task, pieces, *given)  # noqa: E731
    words, behind, seen = pressed(work, 3, "友谊", 2, "fake", prophet.USUAL)
    assert "<p>朋友是一口井。</p><p>不要问它有多深。</p>" in words and "badge neural" in words and "友谊" in words
    assert "badge retrieved" in behind and "友谊" in behind and "市民" in seen
    words, behind, _ = pressed(work, 3, "zzzqqq", 2, "fake", prophet.USUAL)
    assert "凭空" in words and behind == ""


# what the model saw, settings, columns


def test_a_prompt_is_shown_to_the_letter_and_escaped() -> None:
    voice = prompted.Watched(FakeVoice("…"))
    assert saw(voice) == ""
    parts = (PromptPart("system", 10, 0), PromptPart("history", 20, 5), PromptPart("message", 30, 0))
    voice.seen, voice.n_prompts = FinalPrompt(f"<|im_start|>{EVIL}", 60, 100, 40, parts), 3
    markup = saw(voice)
    assert_inert(markup, holds="<|im_start|>")
    assert markup.count("<li>") == 4 and 'max="100" value="20"' in markup and "丢弃 5" in markup and "3 遍" in markup
    voice.seen = FinalPrompt("骆" * 50_000, 9, 100, 40, parts)
    assert len(saw(voice)) < 30_000


def test_everything_a_model_says_is_escaped(lend: Callable[..., list[str]]) -> None:
    lend(FakeVoice(f"问题转义为：{EVIL}\n答案为：{EVIL}"))
    panes = [*pressed(qa.work, 4, PASSAGE + EVIL, WHO, True, "fake+a", *SETTINGS)]
    lend(FakeVoice(EVIL, adapter=EVIL))
    panes += pressed(summary.work, 4, EVIL + PASSAGE, None, "sentences", 2, 99, "auto", "fake", *SETTINGS)[:2]
    pieces = models.engine_for("compose")
    panes += pressed(lambda task, _, *given: prophet.written(task, pieces, *given), 3, EVIL, 2, "fake", prophet.USUAL)
    for pane in filter(None, panes):
        assert_inert(pane)


def test_cleared_settings_are_off_and_wrong_ones_refused() -> None:
    assert writing.options(None, None, None, None, None) == GenOptions(512, 0.0, 1.0, timeout_s=writing.TIMEOUT_S)
    assert writing.options(10**9, 0.5, 0.5, 1.2, -3.0).max_new_tokens == writing.MOST_TOKENS
    assert writing.options(16, 0.5, 0.5, 1.2, -3.0).seed == 3
    with pytest.raises(BadInput):
        writing.options(16, 99.0, 0.5, 1.2, None)


def test_columns_are_compared_as_they_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    comparer, asked = FakeComparer({"": "沙漠", "luotuo-lora-7b-0.3": "<绿洲>"}), []

    def lend_columns(choice: str, adapters: list[str], task: Task) -> Any:
        asked.append((choice, adapters))
        return lent(comparer)("", task)  # type: ignore[arg-type]

    monkeypatch.setattr(models, "columns", lend_columns)
    names = ["luotuo-lora-7b-0.3", ""]
    (markup,) = pressed(side_by_side.ask, 1, "去哪？", names, "llama-7b+luotuo-lora-7b-0.1", "说文言", *SETTINGS)
    assert asked == [("llama-7b+luotuo-lora-7b-0.1", ["", "luotuo-lora-7b-0.3"])], "the base stands first"
    assert markup.count("<section") == 2 and "沙漠" in markup and "&lt;绿洲&gt;" in markup
    assert comparer.asked == [[Message("system", "说文言"), Message("user", "去哪？")]]
    for wrong in ([], ["", "a", "b", "c", "d"]):
        with pytest.raises(BadInput):
            next(side_by_side.ask(Task(), "zh", "去哪？", wrong, "llama-7b", "", *SETTINGS))


def test_columns_are_offered_for_a_base_with_adapters() -> None:
    assert side_by_side.offered("") == {} == side_by_side.offered("visitor.abc")
    found = side_by_side.offered("llama-7b+luotuo-lora-7b-0.3")
    assert next(iter(found)) == "" and {"luotuo-lora-7b-0.3", "luotuo-lora-7b-0.1"} < set(found)


# the built page and the endpoints


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build_hub(home=tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(
    ("app", "capability"), [("chat", "respond"), ("summary", "summarize"), ("qa", "answer"), ("prophet", "compose")]
)
def test_settings_show_when_a_model_is_chosen(built: Any, app: str, capability: str) -> None:
    config = json.loads(json.dumps(built.demo.get_config_file(), default=str))
    parts = {part["props"].get("elem_id"): part for part in config["components"]}
    box, choice = parts[f"{app}-writing"], built.mounts[app].chosen[capability]
    assert box["props"]["visible"] is False and box["props"]["open"] is False
    (toggle,) = [
        fn
        for fn in built.demo.fns.values()
        if (choice._id, "change") in fn.targets and [part._id for part in fn.outputs] == [box["id"]]
    ]
    assert toggle.fn("qwen3-4b").visible is True and toggle.fn("").visible is False


def test_every_handler_of_these_tabs_gets_the_choice(built: Any) -> None:
    for app, capability, n in (
        ("chat", "respond", 6),
        ("summary", "summarize", 1),
        ("qa", "answer", 1),
        ("prophet", "compose", 1),
    ):
        choice = built.mounts[app].chosen[capability]
        takers = [fn for fn in built.demo.fns.values() if choice in fn.inputs and len(fn.inputs) > 1]
        assert len(takers) >= n, app


@pytest.fixture
def endpoints(built: Any) -> dict[str, Callable[..., Any]]:
    return {str(fn.api_name): fn.fn for fn in built.demo.fns.values() if fn.api_visibility == "public" and fn.fn}


def test_endpoints_take_a_model(lend: Callable[..., list[str]], endpoints: dict[str, Callable[..., Any]]) -> None:
    choices = lend(FakeVoice(REWRITTEN, finish="length"))
    said = {
        "chat": endpoints["chat"]("骆驼喝什么？", model="fake"),
        "summarize": endpoints["summarize"](PASSAGE, model="fake"),
        "answer": endpoints["answer"](PASSAGE, WHO, lang="en", model="fake"),
        "prophet": endpoints["prophet"]("友谊", model="fake"),
    }
    assert choices == ["fake"] * 4
    assert all(result["origin"]["how"] == "neural" and result["note"] for result in said.values())
    assert said["answer"]["rewritten"] == "谁出钱建的图书馆？" and said["answer"]["text"] == "陈海生"
    assert said["answer"]["confidence"] is None and "length limit" in said["answer"]["note"]
    assert said["summarize"]["aside"]["how"] == "extractive" and said["prophet"]["pieces"]
    json.dumps(said)


def test_an_unknown_model_is_refused_in_a_sentence(endpoints: dict[str, Callable[..., Any]]) -> None:
    for name, given in (
        ("chat", ("你好",)),
        ("summarize", (PASSAGE,)),
        ("answer", (PASSAGE, WHO)),
        ("prophet", ("友谊",)),
    ):
        with pytest.raises(gr.Error) as failed:
            endpoints[name](*given, lang="en", model="no-such-model")
        assert "no such model" in str(failed.value)
