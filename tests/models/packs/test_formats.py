"""Every format becomes a pack, known by its content; what is written is read back as it was."""

import base64
import json
import sqlite3
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.packs import Pack, PackStore, merge, read_bytes, read_pack, write_charx, write_hub, write_png, write_zip
from models.packs.lines import scene
from models.packs.pack import Vectors
from tests.models.packs.made import DUNE, LUOTUO, WELL, WORDS, camel, png, task, zipped

RAW = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=60)


def told(pack: Pack) -> list[tuple[str, str]]:
    """What must survive of scenes."""
    return [(one.title, one.raw) for one in pack.scenes]


def test_a_folder_of_the_originals(tmp_path: Path) -> None:
    folder = tmp_path / "camel"
    files = {
        "system_prompt.txt": f"你正在扮演骆驼老师。{WORDS}".encode(),
        "texts/井边_2.txt": WELL.encode(),
        "texts/井边_10.txt": ("\ufeff" + DUNE).encode(),
        "texts/空.txt": b"\n",
        "texts/旧.txt": "小狐:「这是旧文件，是用国标码写的，一句话。」".encode("gb18030"),
        "images/骆驼在喝水 .jpg": png(1),
        "images/假的.jpg": b"not a picture",
        "text_image_dict.txt": "骆驼低头喝水\n骆驼在喝水\n别的\n没有这张\n".encode(),
        "run.py": b"raise SystemExit",
        "text_image.pkl": b"\x80\x04cposix\nsystem\n(S'false'\ntR.",
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    pack, report = read_pack(folder, task())
    assert [one.title for one in pack.scenes] == ["井边_2", "井边_10", "旧"] and pack.scenes[0].raw == WELL
    assert (pack.speaker, pack.name.zh, pack.roles) == ("骆驼", "骆驼老师", ("小狐",))
    assert [(one.file, one.caption.zh) for one in pack.pictures] == [("骆驼在喝水 .png", "骆驼低头喝水")]
    wanted = {"empty_scene": 1, "bom": 1, "encoding": 1, "not_a_picture": 1, "ignored_file": 2}
    assert {code: report.count(code) for code in wanted} == wanted
    assert report.worst() == "error" and report.format == "folder"
    assert next(one for one in report.findings if one.code == "stale_dictionary").places[0].line == 4
    assert all(one.text("zh") and one.text("en") for one in report.findings)


def test_a_zip_gives_everything_back() -> None:
    pack = camel()
    back, report = read_bytes(write_zip(pack), "骆驼.zip", task())
    assert told(back) == told(pack) and [one.read() for one in back.pictures] == [one.read() for one in pack.pictures]
    same = {**{name: getattr(pack, name) for name in pack.__dataclass_fields__}, "scenes": back.scenes, "vectors": {}}
    assert replace(back, vectors={}) == Pack(**same)
    for side in ("scenes", "captions", "scene_mean", "caption_mean"):
        assert np.array_equal(getattr(back.vectors[LUOTUO], side), getattr(pack.vectors[LUOTUO], side))
    assert report.worst() in (None, "info")


def test_a_pack_in_a_folder_of_a_zip_and_several_in_one() -> None:
    inner = {"system_prompt.txt": WORDS, "texts/a.txt": DUNE}
    pack, _ = read_bytes(zipped({f"下载/骆驼/{name}": text for name, text in inner.items()}), "x.zip", task())
    assert pack.speaker == "骆驼" and pack.persona.zh == WORDS
    two = {f"{name}/{file}": text for name in ("a", "b") for file, text in inner.items()}
    assert read_bytes(zipped(two), "x.zip", task())[1].count("several_packs") == 1


@given(st.lists(st.tuples(RAW, RAW), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_zip_and_hub_keep_any_text(texts: list[tuple[str, str]]) -> None:
    scenes = tuple(made for title, raw in texts if (made := scene(title, raw + "。")).lines)
    pack = camel(scenes=scenes, vectors={})
    assert told(read_bytes(write_zip(pack), "x.zip", task())[0]) == told(pack)
    assert told(read_bytes(write_hub(pack), "x.jsonl", task())[0]) == told(pack)


def test_rows_of_the_hub_with_big_endian_vectors() -> None:
    row = [0.5, -2.0] * 768
    packed = base64.b64encode(struct.pack("!1536f", *row)).decode()
    rows = [
        {"text": f"你正在扮演骆驼。{WORDS}", "luotuo_openai": "system_prompt"},
        {"text": "Reserve Config Setting Here", "luotuo_openai": "config"},
        {"enc_text": base64.b64encode(DUNE.encode()).decode(), "luotuo_openai": packed, "bge_zh_s15": packed[:512]},
        "not a row",
        {"text": WELL, "luotuo_openai": packed},
    ]
    pack, report = read_bytes("\n".join(json.dumps(one) for one in rows).encode(), "camel.jsonl", task())
    assert [one.raw for one in pack.scenes] == [DUNE, WELL] and pack.persona.zh.endswith(WORDS)
    assert pack.vectors[LUOTUO].scenes.tolist() == [row, row]
    assert set(pack.vectors) == {LUOTUO} and report.count("incomplete_vectors") == 1 and report.count("bad_row") == 1
    again = write_hub(pack).decode().splitlines()
    assert json.loads(again[2])["luotuo_openai"] == packed
    original = {name: json.loads(again[0])[name] for name in ("text", "luotuo_openai")}
    assert original == rows[0] and json.loads(again[1])["luotuo_openai"] == "config"


def test_unit_vectors_in_luotuos_column_are_from_ada() -> None:
    unit = base64.b64encode(struct.pack("!1536f", 1.0, *[0.0] * 1535)).decode()
    pack, report = read_bytes(json.dumps({"text": DUNE, "luotuo_openai": unit}).encode(), "x.jsonl", task())
    assert set(pack.vectors) == {"text-embedding-ada-002"} and report.count("ada_vectors") == 1


def test_vectors_of_another_file_are_merged_by_text() -> None:
    plain = camel(vectors={})
    stored = read_bytes(write_hub(camel(scenes=tuple(reversed(camel().scenes)))), "x.jsonl", task())[0]
    merged = merge(replace(plain, persona=replace(plain.persona, zh="")), stored)
    rows = stored.vectors[LUOTUO].scenes
    assert np.array_equal(merged.vectors[LUOTUO].scenes, rows[::-1]) and merged.persona == stored.persona
    assert not merge(
        replace(plain, scenes=(*plain.scenes, scene("新", "小狐:「另一段很不一样的剧情。」"))), stored
    ).vectors
    assert (
        merge(camel(), camel(pictures=(replace(camel().pictures[0], file="新.png"),))).vectors[LUOTUO].captions is None
    )


def test_the_files_of_version_one() -> None:
    lines = [json.dumps({f"井边｜｜｜{WELL}": [1.0, 2.0]}), json.dumps({f"沙丘｜｜｜{DUNE}": [3, 4]})]
    pack, report = read_bytes("\n".join(lines).encode(), "title_text_embed.jsonl", task())
    assert told(pack) == [("井边", WELL), ("沙丘", DUNE)] and report.format == "embeds"
    assert next(iter(pack.vectors.values())).scenes.tolist() == [[1, 2], [3, 4]]
    captions = b'{"\\u9a86\\u9a7c\\u5728\\u7b11": [1, 2]}\n{"x": [NaN, 1]}'
    found, report = read_bytes(captions, "image_embed.jsonl", task())
    assert [one.caption.zh for one in found.pictures] == ["骆驼在笑"] and report.count("bad_row") == 1


def test_scripts_are_cut_at_blank_lines_or_headings() -> None:
    text = f"{WELL.replace(chr(13), '').replace(chr(10) * 2, chr(10))}\n\n{DUNE}"
    pack, report = read_bytes(text.encode(), "剧本.txt", task())
    assert len(pack.scenes) == 2 and pack.scenes[1].raw == DUNE and report.format == "script"
    titled, _ = read_bytes(f"前言\n## 井边\n{WELL}\n## 沙丘\n{DUNE}".encode(), "剧本.txt", task())
    assert [one.title for one in titled.scenes] == ["剧本", "井边", "沙丘"]
    loose = "\n\n".join(f"骆驼:「第{at}句。」\n\n小狐:「嗯？」" for at in range(60))
    joined, _ = read_bytes(loose.encode(), "剧本.txt", task())
    assert len(joined.scenes) < 6 and sum(len(one.lines) for one in joined.scenes) == 120


def test_a_script_in_word(tmp_path: Path) -> None:
    from docx import Document

    document = Document()
    for line in (*DUNE.split("\n"), "", "小狐:「再见。」"):
        document.add_paragraph(line)
    document.save(str(tmp_path / "剧本.docx"))
    pack, report = read_pack(tmp_path / "剧本.docx", task())
    assert [len(one.lines) for one in pack.scenes] == [3, 1] and report.format == "script" and pack.speaker == "骆驼"


SRT = "1\n00:00:01,000 --> 00:00:02,000\n骆驼：<i>走吧。</i>\n\n2\n00:00:03,000 --> 00:00:04,000\n好。\n\n"
ASS = """[Script Info]
ScriptType: v4.00+
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,骆驼,0,0,0,,{\\i1}走吧。
Dialogue: 0,0:01:03.00,0:01:04.00,Default,小狐,0,0,0,,好。
"""


def test_subtitles() -> None:
    pack, report = read_bytes(SRT.encode(), "x.srt", task())
    assert [line[:3] for line in pack.scenes[0].lines] == [("骆驼", "走吧。", "speech"), ("", "好。", "speech")]
    assert report.format == "subtitles"
    pack, _ = read_bytes(ASS.encode(), "x.ass", task())
    assert [[line[:2] for line in one.lines] for one in pack.scenes] == [[("骆驼", "走吧。")], [("小狐", "好。")]]


def test_dialogues_of_novels() -> None:
    turns = [{"role": "", "text": "天黑了。", "if_scene": True}, {"role": "骆驼", "text": "睡吧。"}]
    lines = [json.dumps(turns), json.dumps({"dialogue": turns[1:], "source": "user"}), "[]"]
    pack, report = read_bytes("\n".join(lines).encode(), "novel.jsonl", task())
    assert [[line[:3] for line in one.lines] for one in pack.scenes] == [
        [("", "天黑了。", "narration"), ("骆驼", "睡吧。", "speech")],
        [("骆驼", "睡吧。", "speech")],
    ]
    assert report.format == "dialogue" and report.count("bad_row") == 1
    for value, n_scenes in ((turns, 1), ([turns, turns[1:]], 2)):
        whole, _ = read_bytes(json.dumps(value, indent=2).encode(), "novel.json", task())
        assert len(whole.scenes) == n_scenes and whole.speaker == "骆驼"


def chroma(path: Path, schema: str) -> bytes:
    """A database as chroma keeps it, as a zip of version 2."""
    connection = sqlite3.connect(path)
    connection.executescript(schema)
    connection.close()
    return zipped({"content/system_prompt.txt": WORDS, "content/camel/chroma.sqlite3": path.read_bytes()})


QUEUE = "CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, id TEXT, vector BLOB, metadata TEXT);"


def test_a_database_of_version_two(tmp_path: Path) -> None:
    row = np.arange(1536, dtype="<f4").tobytes().hex()
    metadata = json.dumps({"chroma:document": DUNE}, ensure_ascii=False)
    insert = f"INSERT INTO embeddings_queue VALUES (1, 'a', X'{row}', '{metadata}');"
    pack, report = read_bytes(chroma(tmp_path / "a", QUEUE + insert), "camel.zip", task())
    assert pack.scenes[0].raw == DUNE and pack.persona.zh == WORDS and report.format == "chroma"
    assert pack.vectors[LUOTUO].scenes.tolist() == [list(range(1536))]


ENDLESS = """CREATE VIEW embeddings_queue AS WITH RECURSIVE t(seq_id) AS (SELECT 1 UNION ALL SELECT seq_id + 1 FROM t)
SELECT seq_id, x'00' AS vector, '{}' AS metadata FROM t;"""


def test_a_hostile_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="damaged"):
        read_bytes(chroma(tmp_path / "a", ENDLESS), "camel.zip", task())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"  \n", "file_empty"),
        (b"[1, 2, 3]", "pack_unknown"),
        (b'{"a": 1}', "pack_unknown"),
        (b"%PDF-1.7 x", "file_type"),
        (b"\xff\xd8\xff\xe0 jpeg", "file_type"),
        (b"\x80\x04cposix\nsystem\n(S'false'\ntR.\x00\x01\x02\x03", "file_encoding"),
        (png(1), "pack_no_card"),
        (zipped({"a.pkl": b"x", "b.py": b"y"}), "pack_empty"),
    ],
)
def test_what_is_no_pack_is_refused_with_a_reason(data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_bytes(data, "x", task())
    assert caught.value.code == code and caught.value.text("zh")


def test_a_card_packed_alone_is_found() -> None:
    card = json.dumps({"name": "骆驼", "description": WORDS, "first_mes": "来。"})
    pack, report = read_bytes(zipped({"骆驼.json": card, "readme.txt": "x"}), "x.zip", task())
    assert pack.name.zh == "骆驼" and report.format == "card"


def test_half_a_surrogate_pair_does_not_stop_a_writer() -> None:
    rows = '{"text": "\\u9a86: \\ud83d\\ude00 \\ud83d", "title": "\\ud83d", "luotuo_openai": ""}'
    pack, _ = read_bytes(rows.encode(), "x.jsonl", task())
    assert "\U0001f600 \ufffd" in pack.scenes[0].raw and write_zip(pack) and write_hub(pack)


def test_a_stopped_task_stops_the_reader() -> None:
    stopped = task()
    stopped.stop()
    from models.errors import Cancelled

    with pytest.raises(Cancelled):
        read_bytes(write_zip(camel()), "x.zip", stopped)


def test_pictures_that_are_not_there_stay_out_with_their_vectors(tmp_path: Path) -> None:
    pack = camel()
    gone = replace(pack.pictures[1], content=tmp_path / "gone.png")
    lacking = replace(pack, pictures=(replace(pack.pictures[0], content=b""), gone, pack.pictures[2]))
    for write in (write_zip, write_png, write_charx):
        back, report = read_bytes(write(lacking), "x", task())
        assert [one.file for one in back.pictures][-1:] == ["远望.png"] and report.count("picture_missing") == 0
        assert report.worst() != "error" and len(back.pictures) == 1
    back = PackStore(tmp_path / "packs").open(PackStore(tmp_path / "packs").save(lacking))
    assert np.array_equal(back.vectors[LUOTUO].captions, pack.vectors[LUOTUO].captions[2:])


def test_vectors_that_do_not_fit_are_left_out() -> None:
    pack = camel()
    with pytest.raises(ValueError, match="zip"):
        write_zip(replace(pack, vectors={LUOTUO: Vectors(LUOTUO, scenes=np.ones((1, 1536), np.float32))}))
