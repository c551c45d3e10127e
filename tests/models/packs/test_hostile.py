"""What a stranger may pack: names that climb out, links, bombs, locks, code. Nothing of it is run, unpacked or read."""

import io
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.packs import PackStore, read_bytes, read_pack
from models.packs import tree as trees
from models.packs.lint import Lint
from models.packs.tree import folder_tree, safe_name, zip_tree
from tests.models.packs.made import DUNE, WORDS, camel, png, task, zipped

PARTS = st.sampled_from(
    ["..", ".", "", "a", "骆驼", "C:", "~", "\\", "CON", "a\x00b", "\x1b[31m", "%2e%2e", "..\\..", "/"]
)
NAMES = st.lists(PARTS, min_size=1, max_size=6).map("/".join) | st.text(max_size=30)


@given(NAMES)
@settings(max_examples=400, deadline=None)
def test_a_safe_name_stays_below_its_folder(raw: str) -> None:
    name = safe_name(raw)
    if name is not None:
        parts = name.split("/")
        assert parts and not {"", ".", ".."} & set(parts) and "\\" not in name and name[1:2] != ":"
        assert name.isprintable() or not any(ord(char) < 32 for char in name)
        assert os.path.normpath(f"/home/x/{name}").startswith("/home/x/")


@given(st.lists(NAMES.filter(bool), min_size=1, max_size=5, unique=True))
@settings(max_examples=60, deadline=None)
def test_names_of_a_zip_never_leave_it(names: list[str]) -> None:
    infos = {
        info.filename: info for name in names if (info := zipfile.ZipInfo(name.encode("utf-8", "replace").decode()))
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for info in infos.values():
            archive.writestr(info, b"x")
    tree = zip_tree(out.getvalue(), "x.zip", Lint())
    assert all(safe_name(name) == name and tree.read(name, task()) == b"x" for name in tree.sizes)


def test_names_written_by_chinese_windows() -> None:
    mark = "GBK0.TXT"
    data = zipped({"system_prompt.txt": WORDS, f"texts/{mark}": DUNE})
    raw = data.replace(mark.encode(), "井边".encode("gbk") + b".txt")
    assert len(raw) == len(data) and raw != data
    pack, _ = read_bytes(raw, "x.zip", task())
    assert [one.title for one in pack.scenes] == ["井边"]


def test_links_and_climbing_names_are_noted_and_left_out(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("texts/a.txt", DUNE)
        archive.writestr("../../evil.txt", "x")
        link = zipfile.ZipInfo("texts/link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    pack, report = read_bytes(out.getvalue(), "x.zip", task())
    assert len(pack.scenes) == 1 and report.count("unsafe_name") == 1 and report.count("link") == 1
    (tmp_path / "secret").write_text("骆驼:「秘密」")
    (tmp_path / "pack" / "texts").mkdir(parents=True)
    (tmp_path / "pack" / "texts" / "a.txt").write_text(DUNE, encoding="utf-8")
    (tmp_path / "pack" / "texts" / "b.txt").symlink_to(tmp_path / "secret")
    pack, report = read_pack(tmp_path / "pack", task())
    assert len(pack.scenes) == 1 and report.count("link") == 1


def test_bombs_and_locks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(4):
            archive.writestr(f"texts/{at}.txt", b"\0" * (16 << 20))
    locked = bytearray(zipped({"texts/a.txt": DUNE}))
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        where = bytes(locked).index(mark) + at
        locked[where] |= 1
    cases = {"pack_bomb": out.getvalue(), "file_encrypted": bytes(locked), "file_broken": zipped({"a": b"x"})[:-8]}
    for code, data in cases.items():
        with pytest.raises(BadInput) as caught:
            read_bytes(data, "x.zip", task())
        assert caught.value.code == code
    monkeypatch.setattr(trees, "MAX_FILES", 3)
    with pytest.raises(BadInput, match="3"):
        read_bytes(zipped({f"texts/{at}.txt": b"x" for at in range(4)}), "x.zip", task())
    monkeypatch.setattr(trees, "MAX_UNPACKED", 1)
    with pytest.raises(BadInput, match="limit"):
        read_bytes(zipped({"texts/a.txt": DUNE}), "x.zip", task())


def test_a_member_longer_than_it_says_is_broken() -> None:
    data = bytearray(zipped({"texts/a.txt": DUNE.encode()}))
    size = len(DUNE.encode())
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        where = bytes(data).index(mark) + at
        assert struct.unpack_from("<I", data, where)[0] == size
        struct.pack_into("<I", data, where, size - 5)
    with pytest.raises(BadInput):
        read_bytes(bytes(data), "x.zip", task())


@given(st.binary(max_size=400), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_pack_or_a_reason(data: bytes, start: int) -> None:
    heads = (b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"[Script Info]\n")
    try:
        pack, report = read_bytes(heads[start] + data, "x", task())
    except BadInput as error:
        assert error.text("zh") and error.text("en")
    else:
        assert pack.roles and all(one.text("zh") for one in report.findings)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_a_pack_or_a_reason(data: st.DataObject) -> None:
    from models.packs import write_charx, write_hub, write_png, write_zip

    small = camel(vectors={})
    whole = bytearray(
        data.draw(st.sampled_from([write(small) for write in (write_zip, write_png, write_charx, write_hub)]))
    )
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        pack, report = read_bytes(bytes(whole), "x", task())
    except BadInput as error:
        assert error.text("zh")
    else:
        assert pack.roles and report.format


def test_pickles_and_programs_are_never_read(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode()
    files = {
        "texts/a.txt": DUNE,
        "texts.pkl": code,
        "jsonl/text_image.pkl": code,
        "texts/b.pkl": code,
        "setup.py": "1 / 0",
    }
    pack, report = read_bytes(zipped(files), "x.zip", task())
    assert len(pack.scenes) == 1 and not mark.exists() and report.count("ignored_file") >= 2


def test_hostile_names_in_a_description_do_not_reach_the_disk(tmp_path: Path) -> None:
    meta = {
        "id": "../../evil", "name": {"zh": "x"}, "speaker": "骆驼",
        "pictures": [{"file": "../../../evil.png"}, {"file": "a.png", "caption": {"zh": "笑"}}],
        "scenes": [{"file": "texts/../../x", "title": "y"}],
    }  # fmt: skip
    files = {"luotuo.json": json.dumps(meta), "texts/a.txt": DUNE, "images/a.png": png(1)}
    pack, report = read_bytes(zipped(files), "x.zip", task())
    assert pack.id == "evil" and [one.caption.zh for one in pack.pictures] == ["笑"]
    assert report.count("picture_missing") == 1
    key = PackStore(tmp_path / "store").save(pack)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["store"] and key == "evil"


def test_names_that_are_no_text_do_not_stop_a_folder(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    with open(os.fsencode(tmp_path / "texts") + b"/" + "井边.txt".encode("gbk"), "wb") as file:
        file.write(DUNE.encode())
    assert list(folder_tree(tmp_path, Lint()).sizes) == ["texts/井边.txt"]
