"""Character cards of every version: read, written so that other programs open them, and nothing lost on the way."""

import base64
import io
import json
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.errors import BadInput
from models.packs import Pack, merge, read_bytes, write_charx, write_png
from models.packs.card import write_card
from tests.models.packs.made import WORDS, camel, png, task, zipped

V1 = {"name": "骆驼", "description": WORDS, "personality": "慢", "scenario": "", "first_mes": "来。", "mes_example": ""}
BOOK = {
    "name": "沙漠", "scan_depth": 5, "extensions": {"x": 1},
    "entries": [
        {"keys": ["绿洲"], "content": "在北边。", "insertion_order": 7, "enabled": True, "constant": True,
         "position": "after_char", "extensions": {"depth": 4, "probability": 80}, "odd": [1]},
        {"keys": ["没有内容"]},
    ],
}  # fmt: skip
V2 = {
    "spec": "chara_card_v2", "spec_version": "2.0",
    "data": {**V1, "alternate_greetings": ["早。", "晚。"], "tags": ["动物"], "creator": "us",
             "creator_notes": "注", "unknown": {"a": [1, None]},
             "system_prompt": "{{original}}", "post_history_instructions": "喝水", "character_version": "1",
             "extensions": {"fav": True, "depth_prompt": {"depth": 4}}, "character_book": BOOK},
}  # fmt: skip


def card_png(**cards: object) -> bytes:
    """A PNG with a tEXt chunk for each card."""
    texts = [
        (b"tEXt", key.encode() + b"\0" + base64.b64encode(json.dumps(card).encode())) for key, card in cards.items()
    ]
    return png(1, *texts)


def written(data: bytes) -> dict[str, Any]:
    """The V3 card of a charx, or of a PNG as Pillow reads it."""
    if data.startswith(b"PK"):
        return json.loads(zipfile.ZipFile(io.BytesIO(data)).read("card.json"))
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert set(image.text) >= {"chara", "ccv3"}
        assert json.loads(base64.b64decode(image.text["chara"]))["spec"] == "chara_card_v2"
        return json.loads(base64.b64decode(image.text["ccv3"]))


def test_the_oldest_cards() -> None:
    examples = "<START>\n{{user}}: 有水吗？\n{{char}}: 有。\n*喝水*\n<START>\n{{char}}: 走。"
    pack, report = read_bytes(json.dumps({**V1, "mes_example": examples}).encode(), "x.json", task())
    assert (pack.name.zh, pack.persona.zh, pack.greeting.zh, pack.personality) == ("骆驼", WORDS, "来。", "慢")
    assert [[line[:2] for line in one.lines] for one in pack.scenes] == [
        [("用户", "有水吗？"), ("骆驼", "有。 *喝水*")],
        [("骆驼", "走。")],
    ]
    assert report.format == "card" and pack.examples == examples and pack.roles


def test_a_card_with_a_lorebook() -> None:
    pack, report = read_bytes(json.dumps(V2).encode(), "x.json", task())
    entry = pack.lore[0]
    assert (entry.keys, entry.content, entry.order, entry.constant, entry.after) == (
        ("绿洲",),
        "在北边。",
        7,
        True,
        True,
    )
    assert report.count("bad_entry") == 1 and pack.alternate_greetings == ("早。", "晚。")
    for data in (write_png(pack), write_charx(pack)):
        back = written(data)["data"]
        assert {key: back[key] for key in V2["data"] if key not in ("character_book", "extensions")} == {
            key: value for key, value in V2["data"].items() if key not in ("character_book", "extensions")
        }
        assert back["extensions"].items() >= V2["data"]["extensions"].items()
        entry = back["character_book"]["entries"][0]
        assert entry.items() >= BOOK["entries"][0].items() and back["character_book"]["scan_depth"] == 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=8),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=6), one, max_size=3),
    max_leaves=6,
)
NEW = st.dictionaries(st.text(min_size=1, max_size=8).map("x_{}".format), JSON.filter(lambda one: one is not None))


@given(NEW, NEW, NEW)
@settings(max_examples=60, deadline=None)
def test_unknown_fields_survive(fields: dict, extensions: dict, beside: dict) -> None:
    clean = json.loads(json.dumps([fields, extensions, beside], ensure_ascii=False).encode("utf-8", "replace"))
    fields, extensions, beside = clean
    card = {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        **beside,
        "data": {**V1, **fields, "extensions": extensions},
    }
    pack, _ = read_bytes(json.dumps(card).encode(), "x.json", task())
    for data in (write_png(pack), write_charx(pack)):
        once = written(data)
        again = written(write_charx(read_bytes(data, "x", task())[0]))
        for back in (once, again):
            assert back.items() >= beside.items() and back["data"].items() >= fields.items()
            assert back["data"]["extensions"].items() >= extensions.items()


@pytest.mark.parametrize("write", [write_png, write_charx])
def test_a_pack_as_a_card_and_back(write: Any) -> None:
    pack = camel()
    back, report = read_bytes(write(pack), "x", task())
    assert [(one.title, one.raw) for one in back.scenes[:2]] == [(one.title, one.raw) for one in pack.scenes]
    assert [one.read() for one in back.pictures] == [one.read() for one in pack.pictures]
    same = {**{name: getattr(pack, name) for name in pack.__dataclass_fields__}, "scenes": back.scenes, "vectors": {}}
    assert replace(back, extra={}, lore=pack.lore, vectors={}) == Pack(**same)
    assert back.lore == pack.lore and report.worst() in (None, "info")


def test_what_other_programs_find_in_a_card() -> None:
    card = written(write_charx(camel()))
    assert card["spec"] == "chara_card_v3" and card["data"]["nickname"] == "骆驼"
    assets = {(one["type"], one["name"]): one["uri"] for one in card["data"]["assets"]}
    assert set(assets) == {("icon", "main"), ("emotion", "anger"), ("emotion", "远望")}
    archive = zipfile.ZipFile(io.BytesIO(write_charx(camel())))
    assert all(uri.startswith("embeded://") and uri[10:] in archive.namelist() for uri in assets.values())


def test_the_newest_card_in_a_png_is_read() -> None:
    newer = {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**V1, "name": "新"}}
    assert read_bytes(card_png(chara=V1, ccv3=newer), "x.png", task())[0].name.zh == "新"
    assert read_bytes(card_png(ccv3=newer, chara=V2), "x.png", task())[0].name.zh == "新"
    assert read_bytes(card_png(chara=V2, ccv3={"broken": 1}), "x.png", task())[0].name.zh == "骆驼"
    pack, _ = read_bytes(card_png(chara=V1), "x.png", task())
    assert len(pack.pictures) == 1 and pack.pictures[0].portrait and b"chara" not in pack.pictures[0].read()


def test_compressed_and_broken_chunks() -> None:
    packed = zlib.compress(base64.b64encode(json.dumps(V1).encode()))
    for kind, body in ((b"zTXt", b"chara\0\0" + packed), (b"iTXt", b"chara\0\1\0\0\0" + packed)):
        assert read_bytes(png(1, (kind, body)), "x.png", task())[0].name.zh == "骆驼"
    good = card_png(chara=V1)
    assert read_bytes(good[:-12], "x.png", task())[0].name.zh == "骆驼"  # without its end
    deep = base64.b64encode(b"[" * 50_000 + b"]" * 50_000)
    bomb = b"chara\0\0" + zlib.compress(b"A" * (80 << 20), 9)
    for data in (
        good[:80],
        png(1, (b"tEXt", b"chara\0" + deep)),
        png(1, (b"zTXt", bomb)),
        png(1, (b"tEXt", b"chara\0!")),
    ):
        with pytest.raises(BadInput) as caught:
            read_bytes(data, "x.png", task())
        assert caught.value.code == "pack_no_card"


def charx(assets: list[dict[str, str]], files: dict[str, bytes | str]) -> bytes:
    """A charx with these assets."""
    card = {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**V1, "assets": assets}}
    return zipped({"card.json": json.dumps(card), **files})


def test_assets_of_a_charx() -> None:
    inline = "data:image/png;base64," + base64.b64encode(png(9)).decode()
    assets = [
        {"type": "icon", "name": "main", "uri": "embeded://assets/icon/a.png", "ext": "png"},
        {"type": "emotion", "name": "joy", "uri": "embedded://assets/e/b.png", "ext": "png"},
        {"type": "emotion", "name": "anger", "uri": inline, "ext": "png"},
        {"type": "background", "name": "沙漠", "uri": "embeded://assets/bg.png", "ext": "png"},
        {"type": "emotion", "name": "far", "uri": "https://example.org/x.png", "ext": "png"},
        {"type": "emotion", "name": "out", "uri": "embeded://../../etc/passwd", "ext": "png"},
        {"type": "icon", "name": "user", "uri": "ccdefault:", "ext": "png"},
    ]
    files = {"assets/icon/a.png": png(1), "assets/e/b.png": png(2), "assets/bg.png": png(3)}
    pack, report = read_bytes(charx(assets, files), "x.charx", task())
    assert [(one.emotion, one.portrait) for one in pack.pictures] == [("", True), ("joy", False), ("anger", False)]
    assert [one.read() for one in pack.pictures] == [png(1), png(2), png(9)]
    assert report.count("remote_asset") == 1 and report.count("picture_missing") == 1
    back = written(write_charx(pack))["data"]["assets"]
    assert [one for one in back if one["type"] in ("background", "emotion") and one["name"] in ("沙漠", "far")] == [
        assets[3], assets[4],
    ]  # fmt: skip
    again, _ = read_bytes(write_charx(pack), "x.charx", task())
    assert list(again.attachments.values()) == [png(3)]


def test_a_charx_behind_its_portrait() -> None:
    data = b"\xff\xd8\xff\xe0" + b"portrait" * 9 + charx([], {})
    pack, report = read_bytes(data, "x.jpeg", task())
    assert pack.name.zh == "骆驼" and report.format == "charx"


def test_drawings_that_act_are_left_out() -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    asset = {"type": "emotion", "name": "joy", "uri": "embeded://a.svg", "ext": "svg"}
    pack, report = read_bytes(charx([asset], {"a.svg": drawing}), "x.charx", task())
    assert not pack.pictures and report.count("unsafe_picture") == 1


def test_fields_of_the_wrong_type_are_noted() -> None:
    data = {**V1, "description": ["x"], "tags": "a, b", "alternate_greetings": {"0": "x"}, "extensions": 3,
            "assets": "x", "character_book": "x"}  # fmt: skip
    pack, report = read_bytes(json.dumps({"spec": "chara_card_v2", "data": data}).encode(), "x.json", task())
    assert pack.name.zh == "骆驼" and report.count("bad_field") >= 4 and write_card(pack, [])


def test_a_lorebook_of_its_own_is_merged() -> None:
    entry = {
        "uid": 0,
        "key": ["绿洲"],
        "keysecondary": [],
        "content": "在北边。",
        "order": 5,
        "disable": False,
        "depth": 2,
    }
    book, report = read_bytes(json.dumps({"entries": {"0": entry}}).encode(), "沙漠.json", task())
    merged = merge(camel(lore=()), book)
    assert report.format == "lorebook" and merged.lore[0].keys == ("绿洲",) and merged.name == camel().name
    assert write_card(merged, [])["data"]["character_book"]["entries"][0]["extensions"]["depth"] == 2
