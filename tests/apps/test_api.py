"""The seven public endpoints as gradio_client and plain REST see them: results with evidence, errors as sentences."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from apps.hub import build_hub
from models.assets import asset
from models.strings import say
from tests.conftest import Hub
from tests.wire import connect

PASSAGE = (
    "小镇图书馆建于1936年，由退休船长陈海生捐资修建。最初馆内只有八百册书，其中一半是航海日记。"
    "1998年洪水冲毁了一楼，居民们用一夜时间把两万多册书搬到了山上的小学。如今图书馆每周三晚上举办故事会。"
)
DIALOGUE = "小林：周末去爬山吗？\n阿明：好啊，几点？\n小林：八点在南门集合，记得带水。\n阿明：收到，我带相机。"
CAMELS = ["骆驼在沙漠里走路", "骆驼的驼峰里是脂肪", "沙漠里的骆驼不怕渴", "骆驼背着货物穿过沙漠"]
COFFEE = ["早上喝一杯咖啡", "咖啡豆要现磨才香", "这家店的咖啡很好喝", "下午喝咖啡睡不着"]


@pytest.fixture(scope="module")
def client(hub: Hub) -> Client:
    return connect(hub.url)


def asked(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "text": question}, {"role": "assistant", "text": answer}]


@pytest.mark.parametrize(
    ("question", "expected"), [("图书馆建于哪一年？", "1936年"), ("谁捐资修建了图书馆？", "陈海生")]
)
def test_answer_is_a_span_of_the_passage(client: Client, question: str, expected: str) -> None:
    found = client.predict(PASSAGE, question, api_name="/answer")
    assert found["found"] and expected in found["text"] and len(found["text"]) <= len(expected) + 4
    assert PASSAGE[found["start"] : found["end"]] == found["text"]
    assert 0.3 < found["confidence"] <= 1 and found["origin"]["how"] == "extractive"
    best = found["evidence"][0]
    assert best["start"] <= found["start"] < found["end"] <= best["end"]
    assert PASSAGE[best["start"] : best["end"]] == best["text"]


def test_answer_says_so_when_the_passage_does_not_hold_it(client: Client) -> None:
    found = client.predict(PASSAGE, "火星上有几座火山？", api_name="/answer")
    assert not found["found"] and found["text"] == "" and found["confidence"] < 0.5
    assert found["evidence"], "the closest sentences are shown instead"


@pytest.mark.parametrize(("size", "unit"), [(2, "sentences"), (40, "characters")])
def test_summary_keeps_to_its_size_and_shows_where_it_comes_from(client: Client, size: int, unit: str) -> None:
    made = client.predict(PASSAGE, size, unit, api_name="/summarize")
    assert 0 < len(made["text"]) < len(PASSAGE)
    assert (len(made["evidence"]) if unit == "sentences" else len(made["text"])) <= size
    assert made["headline"] and made["phrases"] and made["origin"]["how"] == "extractive"
    for piece in made["evidence"]:
        assert PASSAGE[piece["start"] : piece["end"]] == piece["text"] and piece["text"] in made["text"]


def test_summary_of_a_dialogue_names_who_speaks(client: Client) -> None:
    made = client.predict(DIALOGUE, 2, style="dialogue", api_name="/summarize")
    assert re.search("小林|阿明", made["text"]) and made["evidence"]


@pytest.mark.parametrize(
    ("message", "says", "source"),
    [("什么是 LoRA？", "矩阵", "c-lora"), ("What is CamelBell?", "CamelBell", "camelbell-what")],
)
def test_chat_answers_in_the_language_of_the_question(client: Client, message: str, says: str, source: str) -> None:
    reply = client.predict(message, api_name="/chat")
    assert reply["confident"] and says in reply["text"]
    assert reply["origin"] == {"how": "retrieved", "engine": "embedded", "model": "", "adapter": "", "fingerprint": ""}
    assert reply["evidence"][0]["source"] == source


def test_chat_reads_a_follow_up_with_its_history(client: Client) -> None:
    sources = {}
    for topic in ("骆驼嵌入", "驼铃"):
        history = asked(f"{topic}是什么？", client.predict(f"{topic}是什么？", api_name="/chat")["text"])
        sources[topic] = client.predict("它是怎么训练的？", history, api_name="/chat")["evidence"][0]["source"]
    assert sources["骆驼嵌入"].startswith("emb") and sources["驼铃"].startswith("camelbell")


def test_chat_does_not_pretend_to_know(client: Client) -> None:
    reply = client.predict("怎么做红烧肉？", api_name="/chat")
    assert not reply["confident"] and reply["text"] == say("chat.unknown", "zh")


@pytest.mark.parametrize("who", ["haruhi", "camel", "wukong"])
def test_a_character_speaks_a_line_of_their_own_scenes(client: Client, who: str) -> None:
    reply = client.predict(who, "你好，你是谁？", api_name="/roleplay")
    script = (asset("characters", who) / "scenes.txt").read_text(encoding="utf-8")
    assert reply["confident"] and reply["text"] in script and reply["origin"]["how"] == "retrieved"
    assert reply["text"] in reply["evidence"][0]["text"] and reply["evidence"][0]["source"] in script
    assert (asset("characters", who) / "pictures" / reply["picture"]["file"]).is_file()
    assert set(reply["picture"]["caption"]) == {"zh", "en"}


def test_a_character_does_not_repeat_what_history_holds(client: Client) -> None:
    strange = "量子纠缠的数学推导是什么"
    first = client.predict("wukong", strange, api_name="/roleplay")
    again = client.predict("wukong", strange, "唐僧", asked(strange, first["text"]), api_name="/roleplay")
    assert not first["confident"] and not again["confident"] and again["text"] != first["text"]


def test_prophet_composes_only_from_the_pieces_it_names(client: Client) -> None:
    made = client.predict("友谊", 2, api_name="/prophet")
    assert made["pieces"][0]["title"] == "友谊" and len(made["pieces"]) <= 2
    assert made["lines"] and made["text"] == "\n".join(line for line, _ in made["lines"])
    for line, number in made["lines"]:
        assert line in made["pieces"][number - 1]["text"]
    nothing = client.predict("zzzqqq", api_name="/prophet")
    assert (nothing["text"], nothing["lines"], nothing["pieces"]) == ("", [], [])


@pytest.mark.parametrize("name", ["prophet", "embed_map"])
def test_every_result_tells_its_origin_in_the_same_way(client: Client, name: str) -> None:
    given = ("友谊",) if name == "prophet" else (CAMELS, "pca")
    assert client.predict(*given, api_name=f"/{name}")["origin"]["engine"] == "embedded"


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_map_puts_like_texts_together_and_the_same_way_again(client: Client, method: str) -> None:
    texts = [*CAMELS, *COFFEE, CAMELS[0]]
    drawn = client.predict(texts, method, 2, 7, api_name="/embed_map")
    of = {point["text"]: point for point in drawn["points"]}
    groups = [{of[text]["cluster"] for text in pile} for pile in (CAMELS, COFFEE)]
    assert all(len(group) == 1 for group in groups) and groups[0] != groups[1]
    assert len(drawn["points"]) == len(texts) - 1 and of[CAMELS[0]]["count"] == 2
    assert all(-1 <= point[axis] <= 1 for point in drawn["points"] for axis in "xy")
    assert sorted(len(names) > 0 for names in drawn["names"]) == [True, True]
    assert {text for cluster in drawn["clusters"] for text in cluster["typical"]} <= set(texts)
    assert client.predict(texts, method, 2, 7, api_name="/embed_map") == drawn


def test_map_says_which_method_it_took_for_few_texts(client: Client) -> None:
    assert client.predict(CAMELS[:2], "umap", api_name="/embed_map")["method"] == "pca"


def test_search_finds_and_marks(client: Client) -> None:
    hits = client.predict([*COFFEE, *CAMELS], "沙漠里的骆驼", 3, api_name="/search_texts")
    assert hits[0]["text"] == "沙漠里的骆驼不怕渴" and hits[0]["line"] == 7 and len(hits) <= 3
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert {hits[0]["text"][start:end] for start, end in hits[0]["spans"]} >= {"骆驼", "沙漠"}


WRONG: list[tuple[str, tuple[Any, ...], str, dict[str, object]]] = [
    ("answer", ("", "问？"), "empty_text", {}),
    ("answer", (PASSAGE, " \n"), "empty_question", {}),
    ("summarize", ("　", 3, "sentences", "auto"), "empty_text", {}),
    ("summarize", (PASSAGE, 0, "sentences", "auto"), "bad_option", {}),
    ("summarize", (PASSAGE, 3, "words", "auto"), "bad_option", {}),
    ("summarize", (PASSAGE, 3, "sentences", "poem"), "bad_option", {}),
    ("chat", ("  ", None), "empty_text", {}),
    ("chat", ("长" * 4001, None), "too_long", {"limit": 4000}),
    ("roleplay", ("nobody", "你好", "", None), "unknown_character", {"name": "nobody"}),
    ("roleplay", ("haruhi", "", "", None), "empty_text", {}),
    ("roleplay", ("haruhi", "你好", "春日", None), "role_is_character", {"name": "春日"}),
    ("prophet", ("", 3), "empty_topic", {}),
    ("prophet", ("友" * 201, 3), "too_long", {"limit": 200}),
    ("embed_map", ([], "pca", 0, 1), "empty_text", {}),
    ("embed_map", (["——", "。。"], "pca", 0, 1), "empty_text", {}),
    ("embed_map", (CAMELS, "magic", 0, 1), "bad_option", {}),
    ("search_texts", (CAMELS, "", 3), "empty_question", {}),
]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("name", "given", "code", "values"), WRONG, ids=lambda value: str(value)[:24])
def test_errors_are_sentences_with_a_remedy(
    client: Client, name: str, given: tuple[Any, ...], code: str, values: dict[str, object], lang: str
) -> None:
    with pytest.raises(AppError) as failed:
        client.predict(*given, lang, api_name=f"/{name}")
    assert say(f"error.{code}", lang, **values) in str(failed.value)
    assert say(f"error.{code}.hint", lang, **values) in str(failed.value)


def test_plain_rest_takes_named_values_and_fills_in_the_rest(hub: Hub) -> None:
    """As curl would call it; see /gradio_api/openapi.json."""
    address = f"{hub.url}/gradio_api/call/v2/search_texts"
    with httpx.Client(timeout=60, trust_env=False) as http:
        begun = http.post(address, json={"texts": [*COFFEE, *CAMELS], "query": "咖啡豆"}).json()
        told = http.get(f"{address}/{begun['event_id']}").text
        paths = http.get(f"{hub.url}/gradio_api/openapi.json").json()["paths"]
    kind, data = re.findall(r"event: (\w+)\ndata: (.*)\n", told)[-1]
    assert kind == "complete" and json.loads(data)[0][0]["text"] == "咖啡豆要现磨才香"
    maps = ("embed_map", "search_texts", "cluster_texts", "classify_texts")
    declared = ("answer", "summarize", "chat", "roleplay", "prophet", *maps)
    assert {path for path in paths if "/call/v2/" in path} == {f"/gradio_api/call/v2/{name}" for name in declared}


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[..., Any]]:
    """The endpoints in this process: the hub's own log must stay free of incidents."""
    built = build_hub(home=tmp_path_factory.mktemp("home"))
    return {str(fn.api_name): fn.fn for fn in built.demo.fns.values() if fn.api_visibility == "public" and fn.fn}


MISSHAPEN = [
    ("answer", (None, "问？", "en")),
    ("summarize", (PASSAGE, "three", "sentences", "auto", "en")),
    ("chat", (5, None, "en")),
    ("chat", ("你好", "no list", "en")),
    ("chat", ("你好", [{"role": "user", "content": "hi"}], "en")),
    ("chat", ("你好", [{"role": "robot", "text": "hi"}], "en")),
    ("roleplay", ("haruhi", "你好", "", [{"text": "hi"}], "en")),
    ("roleplay", (["haruhi"], "你好", "", None, "en")),
    ("prophet", ("友谊", "many", "en")),
    ("embed_map", (CAMELS, "pca", "two", 1, "en")),
    ("embed_map", (CAMELS, "pca", -2, 1, "en")),
    ("search_texts", ("not a list", "骆驼", 3, "en")),
    ("search_texts", (CAMELS, "骆驼", -1, "en")),
]


@pytest.mark.parametrize(("name", "given"), MISSHAPEN, ids=lambda value: str(value)[:40])
def test_values_of_a_wrong_shape_are_told_as_such(
    endpoints: dict[str, Callable[..., Any]], name: str, given: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL), pytest.raises(gr.Error) as failed:
        endpoints[name](*given)
    assert say("error.bad_option", "en") in str(failed.value)
