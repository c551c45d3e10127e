"""Packs on disk: there after a restart and after a crash, broken ones in nobody's way."""

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import BadInput
from models.packs import Pack, PackStore
from models.packs import store as stores
from models.packs.lines import scene
from models.packs.pack import Bilingual, Vectors
from tests.models.packs.made import LUOTUO, camel, png


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where packs go; not there yet."""
    return tmp_path / "home" / "packs"


def same(one: Pack, other: Pack) -> bool:
    """Whether two packs are equal in all that a store keeps, bytes and numbers included."""
    bare, also = replace(one, vectors={}), replace(other, vectors={})
    rows = all(
        np.array_equal(getattr(one.vectors[key], side), getattr(other.vectors[key], side))
        for key in one.vectors
        for side in ("scenes", "captions", "scene_mean", "caption_mean")
    )
    pictures = [picture.read() for picture in one.pictures] == [picture.read() for picture in other.pictures]
    return bare == also and pictures and rows and one.vectors == other.vectors


def test_a_pack_survives_a_restart(root: Path) -> None:
    pack = camel(extra={"data": {"x": [1, None]}}, attachments={"background/沙漠.png": png(7)})
    assert PackStore(root).list() == () and PackStore(root).save(pack) == "camel"
    back = PackStore(root).open("camel")
    assert same(pack, back) and back.vectors[LUOTUO].calibration == {"x": 0.5}
    assert isinstance(back.vectors[LUOTUO].scenes, np.memmap)
    attached = back.attachments["background/沙漠.png"]
    assert isinstance(attached, Path) and attached.read_bytes() == png(7)
    (listed,) = PackStore(root).list()
    assert (listed.id, listed.name, listed.series, listed.n_scenes, listed.n_pictures, listed.broken) == (
        "camel", "骆驼老师", "沙漠故事", 2, 3, "",
    )  # fmt: skip
    assert listed.portrait and listed.portrait.read_bytes() == png(1)


def test_ids_are_unique_unless_a_pack_is_replaced(root: Path) -> None:
    store = PackStore(root)
    assert [store.save(camel()), store.save(camel()), store.save(camel(id="../Camel"))] == [
        "camel",
        "camel-2",
        "Camel-3",
    ]
    first = store.open("camel")
    assert store.open("camel") is first
    assert store.save(camel(name=Bilingual("新")), replace=True) == "camel"
    assert store.open("camel").name.zh == "新" and len(store.list()) == 3
    assert first.scenes and sorted(one.name for one in root.iterdir()) == [".lock", "Camel-3", "camel", "camel-2"]


def test_a_pack_without_scenes_and_pictures(root: Path) -> None:
    bare = Pack(id="x", name=Bilingual("甲"), speaker="甲")
    assert same(PackStore(root).open(PackStore(root).save(bare)), bare)


def test_vectors_are_kept_for_each_embedder(root: Path) -> None:
    store = PackStore(root)
    store.save(camel(vectors={}))
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    store.save_vectors("camel", Vectors("a", scenes=rows))
    before = store.open("camel").vectors["a"].scenes
    store.save_vectors("camel", Vectors("b", captions=np.ones((3, 2)), calibration={"threshold": 1.5}))
    store.save_vectors("camel", Vectors("a", captions=np.zeros((3, 4))))
    vectors = PackStore(root).open("camel").vectors
    assert vectors["a"].scenes.tolist() == before.tolist() == rows.tolist() and vectors["a"].captions.shape == (3, 4)
    assert vectors["a"].scene_mean.tolist() == [2, 3, 4, 5] and vectors["b"].calibration == {"threshold": 1.5}
    with pytest.raises(ValueError):
        store.save_vectors("camel", Vectors("a", scenes=rows[:1]))
    store.save_vectors("camel", Vectors("a", scenes=rows + 1))
    assert store.open("camel").vectors["a"].scenes.tolist() == (rows + 1).tolist()
    assert len(list((root / "camel" / "vectors").glob("*.npy"))) == 6


def test_broken_vectors_are_as_good_as_absent(root: Path) -> None:
    PackStore(root).save(camel())
    for path in (root / "camel" / "vectors").glob("*scenes.npy"):
        path.write_bytes(path.read_bytes()[:100])
    assert not PackStore(root).open("camel").vectors
    (root / "camel" / "vectors" / "index.json").write_text("{")
    assert PackStore(root).open("camel").scenes


@pytest.mark.parametrize("file", ["pack.json", "scenes.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[[1]]", b"\xff\xfe", None])
def test_a_broken_pack_is_listed_and_stops_nobody(root: Path, file: str, content: bytes | None) -> None:
    store = PackStore(root)
    store.save(camel(id="broken"))
    store.save(camel(id="sound"))
    path = root / "broken" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    fresh = PackStore(root)
    with pytest.raises(BadInput) as caught:
        fresh.open("broken")
    assert caught.value.code == "pack_broken" and fresh.open("sound")
    assert {one.id: one.broken for one in fresh.list()} == {"broken": "pack_broken", "sound": ""}
    fresh.delete("broken")
    assert [one.id for one in PackStore(root).list()] == ["sound"]


class Crash(BaseException):
    """The machine goes off."""


@pytest.mark.parametrize("at", range(1, 4))
def test_a_crash_leaves_the_old_pack_or_the_new_one(root: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The power fails before the at-th step that makes a change visible; nothing is cleared up after it."""
    store = PackStore(root)
    store.save(camel())
    steps = 0
    replace_, rmtree = os.replace, shutil.rmtree

    def step(source: Path, target: Path) -> None:
        nonlocal steps
        steps += Path(target).parent == root
        if steps >= at:
            raise Crash
        replace_(source, target)

    monkeypatch.setattr(os, "replace", step)
    monkeypatch.setattr(stores.shutil, "rmtree", lambda path, **_: None if steps >= at else rmtree(path, **_))
    if at < 3:
        with pytest.raises(Crash):
            store.save(camel(name=Bilingual("新")), replace=True)
    else:
        store.save(camel(name=Bilingual("新")), replace=True)
    monkeypatch.undo()
    back = PackStore(root)
    assert same(back.open("camel"), camel(name=Bilingual("新") if at == 3 else camel().name))
    assert sorted(one.name for one in root.iterdir()) == [".lock", "camel"]


def test_a_full_disk_leaves_the_old_pack(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PackStore(root)
    store.save(camel())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError):
        store.save(camel(name=Bilingual("新")), replace=True)
    assert same(PackStore(root).open("camel"), camel()) and [one.id for one in store.list()] == ["camel"]


def test_limits_and_the_switch(root: Path) -> None:
    store = PackStore(root, max_packs=1)
    store.save(camel())
    for other in (store, PackStore(root, max_bytes=1000)):
        with pytest.raises(BadInput) as caught:
            other.save(camel(id="other"))
        assert caught.value.code == "pack_store_full" and [one.id for one in other.list()] == ["camel"]
    assert store.save(camel(), replace=True) == "camel"
    closed = PackStore(root, uploads=False)
    with pytest.raises(BadInput, match="cannot be added"):
        closed.save(camel())
    assert closed.open("camel")


@pytest.mark.parametrize("key", ["../camel", "", ".", "..", "camel/../camel", ".lock", "nobody", "a" * 500, "a\0b"])
def test_ids_that_are_none(root: Path, key: str) -> None:
    store = PackStore(root)
    store.save(camel())
    for ask in (store.open, store.delete):
        with pytest.raises(BadInput) as caught:
            ask(key)
        assert caught.value.code == "unknown_character"


def test_many_threads_and_two_stores(root: Path) -> None:
    one, other = PackStore(root), PackStore(root)
    texts = [camel(id=f"p{at % 3}", scenes=(scene("x", f"骆驼:「{at}」"),), vectors={}) for at in range(12)]
    failed: list[Exception] = []

    def work(at: int) -> None:
        try:
            store = one if at % 2 else other
            store.save(texts[at], replace=True)
            store.open(f"p{at % 3}")
            store.list()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and [listed.id for listed in other.list()] == ["p0", "p1", "p2"]
    assert all(len(one.open(f"p{at}").scenes) == 1 for at in range(3))
