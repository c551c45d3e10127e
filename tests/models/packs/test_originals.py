"""The published packs, where they are present: every line is read, every byte of their text comes back."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.packs import PackStore, merge, read_bytes, read_pack, write_charx, write_hub, write_png, write_zip
from models.packs.pack import Pack
from tests.models.packs.made import LUOTUO, task

PACKS = ("haruhi", "liyunlong", "wangduoyu", "tangshiye", "wanderer", "Megumi", "Sheldon")


@pytest.fixture
def folder(data: Path) -> Path:
    """The folder of the packs."""
    return data / "haruhi"


def raws(pack: Pack) -> list[str]:
    """The texts of all scenes."""
    return [one.raw for one in pack.scenes]


@pytest.mark.parametrize("key", PACKS)
def test_no_line_is_lost(folder: Path, key: str) -> None:
    pack, report = read_pack(folder / key, task())
    texts = {path.stem: path.read_bytes().decode("utf-8") for path in (folder / key / "texts").glob("*.txt")}
    told = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))[key]
    assert len(texts) == told["texts"]
    assert {one.title: one.raw for one in pack.scenes} == {title: text for title, text in texts.items() if text.strip()}
    for one in pack.scenes:
        assert "".join(line.raw for line in one.lines) == one.raw
    spoken = sum(bool(line.text) for one in pack.scenes for line in one.lines)
    assert spoken >= told["dialogue_lines"] - report.count("empty_quotation") - report.count("json_like")
    assert pack.speaker == told["role_short"] and set(told["partners"][:1]) <= set(pack.roles)
    assert len(pack.pictures) == len(list((folder / key).glob("images/*"))) and pack.language == told["lang"]
    assert report.n_lines >= spoken and report.worst() != "error"


def test_the_report_says_what_was_odd(folder: Path) -> None:
    reports = {key: read_pack(folder / key, task())[1] for key in PACKS}
    assert reports["Megumi"].count("carriage_returns") == 20 and reports["Megumi"].count("short_persona") == 1
    assert reports["wanderer"].count("empty_scene") == 1 and reports["wanderer"].count("json_like") > 50
    assert reports["haruhi"].count("stale_dictionary") == 18 and reports["Sheldon"].count("long_scene") == 170
    assert reports["tangshiye"].count("name_direction") > 10 and reports["wangduoyu"].count("unclosed") > 0
    ignored = next(one for one in reports["liyunlong"].findings if one.code == "ignored_file")
    assert ignored.count > 10 and ignored.places[0].file.startswith("dialogues/")


@pytest.mark.parametrize("key", PACKS)
def test_their_text_comes_back_from_every_format(folder: Path, tmp_path: Path, key: str) -> None:
    pack, _ = read_pack(folder / key, task())
    for write in (write_zip, write_hub, write_png, write_charx):
        back, report = read_bytes(write(pack), "x", task())
        assert raws(back) == raws(pack) and back.speaker == pack.speaker and back.persona == pack.persona
        if write is not write_hub:
            assert [one.read() for one in back.pictures] == [one.read() for one in pack.pictures]
    stored = PackStore(tmp_path).open(PackStore(tmp_path).save(pack))
    assert replace(stored, id=pack.id, scenes=()) == replace(pack, scenes=()) and raws(stored) == raws(pack)


@pytest.mark.parametrize("key", ["haruhi", "liyunlong"])
def test_stored_vectors_find_their_scenes(folder: Path, key: str) -> None:
    pack, _ = read_pack(folder / key, task())
    for path in (folder / "_precomputed_luotuo" / f"{key}.jsonl", folder / "_legacy_jsonl" / key / "image_embed.jsonl"):
        pack = merge(pack, read_pack(path, task())[0])
    vectors = pack.vectors[LUOTUO]
    assert vectors.scenes.shape == (len(pack.scenes), 1536) and vectors.captions.shape == (len(pack.pictures), 1536)
    assert 0.9 < np.linalg.norm(vectors.scenes, axis=1).mean() < 1.05
    back, _ = read_bytes(write_zip(pack), "x.zip", task())
    assert np.array_equal(back.vectors[LUOTUO].scenes, vectors.scenes)
    rows = (folder / "_precomputed_luotuo" / f"{key}.jsonl").read_text(encoding="utf-8").splitlines()
    again = write_hub(read_pack(folder / "_precomputed_luotuo" / f"{key}.jsonl", task())[0]).decode().splitlines()
    assert [json.loads(row)["luotuo_openai"] for row in again] == [json.loads(row)["luotuo_openai"] for row in rows]


def test_a_lorebook_of_sillytavern(data: Path) -> None:
    pack, report = read_pack(data / "cards" / "Eldoria_lorebook.json", task())
    assert report.format == "lorebook" and len(pack.lore) > 3 and "eldoria" in pack.lore[0].keys
