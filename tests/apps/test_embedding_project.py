"""A whole analysis as one file: what was saved comes back, and no file can do harm."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.embedding import Atlas, Options, atlases, read_lines, search
from apps.embedding.atlas import relayout
from apps.embedding.grow import extended
from apps.embedding.lyrics import songs
from apps.embedding.project import opened, save_to, saved
from models.errors import BadInput
from models.task import Task
from tests.apps.test_embedding import THEMES, mapped
from tests.fakes import FakeEncoder, lent

pytestmark = pytest.mark.filterwarnings("ignore::ImportWarning")


@pytest.fixture(scope="module")
def themes() -> Atlas:
    return mapped("\n".join(THEMES), method="umap", dimensions=3, grouping="hdbscan")


@pytest.fixture(scope="module")
def file(themes: Atlas) -> bytes:
    return saved(themes)


def same(one: Atlas, other: Atlas) -> bool:
    """Whether two maps hold the same."""
    arrays = [(one.positions, other.positions), (one.labels, other.labels), (one.space.vectors, other.space.vectors)]
    facts = [(made.corpus, made.names, made.typical, made.options, made.method, made.links, made.finished)
             for made in (one, other)]  # fmt: skip
    texts = [(c.texts, c.labels, c.counts, c.lines, c.titles, c.columns, c.empty, c.total) for c, *_ in facts]
    rows = [made.rows.toarray() if hasattr(made.rows, "toarray") else made.rows for made in (one, other)]
    return (
        all((a == b).all() for a, b in arrays) and facts[0][1:] == facts[1][1:] and texts[0] == texts[1]
        and np.array_equal(*rows) and one.origin == other.origin
    )  # fmt: skip


def test_an_analysis_comes_back_and_goes_on(themes: Atlas, tmp_path: Path) -> None:
    path = tmp_path / "a.luotuo.zip"
    save_to(path, themes)
    back = opened(path, Task())
    assert same(themes, back)
    hits = [[(hit.row, hit.score) for hit in search(made, "沙漠里的骆驼", 5, Task())] for made in (themes, back)]
    assert hits[0] == hits[1]
    moved = [relayout(made, Options(method="pca"), Task()).positions for made in (themes, back)]
    assert (moved[0] == moved[1]).all()
    grown = [extended(made, read_lines("骆驼在沙漠里喝水"), Task()).positions for made in (themes, back)]
    assert (grown[0] == grown[1]).all()


def test_dense_vectors_and_links_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.encoder", lent(FakeEncoder()))
    made = songs("骆驼骆驼，沙漠沙漠。#一\n电脑电脑，骆驼电脑。#二")
    *_, atlas = atlases(made.corpus, Options(method="pca"), Task(), choice="counter", links=made.links)
    back = opened(saved(atlas), Task())
    assert same(atlas, back)
    assert back.links == made.links
    assert back.vectors.fingerprint == "counter@1"


@example(lines=["B", "E", "b\re"])  # two features in common, three dimensions asked for
@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=20), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_texts_come_back(lines: list[str]) -> None:
    try:
        atlas = mapped("\n".join(lines), method="pca")
    except BadInput:
        return
    assert same(atlas, opened(saved(atlas), Task()))


def changed(file: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """The file with one member changed, or left out for None."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = change(old.read(member)) if member == name else old.read(member)
            if data is not None:
                new.writestr(member, data)
    return out.getvalue()


def stored(array: np.ndarray) -> Callable[[bytes], bytes]:
    """Replaces a member by this array."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return lambda _: out.getvalue()


def edited(*keys: str, value: Any) -> Callable[[bytes], bytes]:
    """Sets a value inside a json member."""

    def change(data: bytes) -> bytes:
        whole = place = json.loads(data)
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        return json.dumps(whole).encode()

    return change


HOSTILE = {
    "no project": ("project.json", lambda _: None),
    "no json": ("project.json", lambda _: b"{"),
    "a list": ("project.json", lambda _: b"[]"),
    "deep": ("project.json", lambda _: b"[" * 200_000),
    "other format": ("project.json", edited("format", value="x")),
    "version": ("project.json", edited("version", value=99)),
    "no version": ("project.json", edited("version", value="1")),
    "method": ("project.json", edited("method", value="exec")),
    "option": ("project.json", edited("options", "neighbours", value=10**9)),
    "option kind": ("project.json", edited("options", "dimensions", value=2.0)),
    "option name": ("project.json", edited("options", "code", value="x")),
    "origin": ("project.json", edited("vectors", "origin", "how", value="<script>")),
    "name": ("project.json", edited("names", value=[[1]])),
    "typical": ("project.json", edited("typical", value=[[10**9]])),
    "links": ("project.json", edited("links", value=[[0, 1, 2]])),
    "texts": ("corpus.json", edited("texts", value=["a"])),
    "text kind": ("corpus.json", edited("labels", value=[None])),
    "count": ("corpus.json", edited("counts", value=["x"])),
    "columns": ("corpus.json", edited("columns", value={"a": ["b"]})),
    "pickle": ("positions.npy", stored(np.array([[{}]], object))),
    "bare pickle": ("positions.npy", lambda _: pickle.dumps([1])),
    "shape": ("positions.npy", stored(np.zeros((2, 3), np.float32))),
    "not finite": ("labels.npy", stored(np.array([np.nan]))),
    "labels": ("labels.npy", stored(np.full(48, 10**6))),
    "labels below": ("labels.npy", stored(np.full(48, -7))),
    "columns of rows": ("rows.indices.npy", stored(np.array([-5]))),
    "pointers": ("rows.indptr.npy", stored(np.arange(49)[::-1].copy())),
    "no rows": ("rows.data.npy", lambda _: None),
    "space": ("space.axes.npy", stored(np.zeros((1, 1), np.float32))),
    "promise": ("positions.npy", lambda data: data.replace(b"(48, 3), ", b"(9**99,),")),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_does_not_hang_together_is_refused(file: bytes, themes: Atlas, kind: str) -> None:
    assert len(themes.labels) == 48
    name, change = HOSTILE[kind]
    with pytest.raises(BadInput):
        opened(changed(file, name, change), Task())


def test_a_newer_file_says_so(file: bytes) -> None:
    with pytest.raises(BadInput, match="newer"):
        opened(changed(file, "project.json", edited("version", value=2)), Task())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_project_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        opened(data, Task())


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_refused_or_whole(file: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(file) - 1))
    broken = file[:at] + bytes([data.draw(st.integers(0, 255))]) + file[at + 1 :]
    try:
        opened(broken, Task())
    except BadInput:
        return


def test_a_bomb_is_refused_before_it_is_unpacked(file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.embedding.archive.MAX_UNPACKED", 1_000)
    with pytest.raises(BadInput, match="limit"):
        opened(file, Task())
