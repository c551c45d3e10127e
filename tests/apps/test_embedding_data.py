"""Data in and out of the embedding tab: tables, columns, vectors, the cache on disk, new texts, exports."""

import csv
import io
import json
import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.embedding import Atlas, Options, atlases, read_lines
from apps.embedding import corpus as corpora
from apps.embedding.cache import VectorCache, key_of
from apps.embedding.columns import Columns, corpus_of, guessed, preview
from apps.embedding.export import as_csv, as_parquet, packed
from apps.embedding.grow import extended
from apps.embedding.kinds import common, numeric
from apps.embedding.precomputed import adopted, read_vectors
from apps.embedding.vectors import embed
from models.documents import Table, read_table
from models.errors import BadInput, Cancelled
from models.task import Task
from tests.apps.test_embedding import THEMES, Stopping, mapped
from tests.fakes import FakeEncoder, lent

LETTERS = st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff\u2028\u2029")
CELLS = st.text(LETTERS, max_size=12)
GRIDS = st.integers(1, 4).flatmap(lambda w: st.lists(st.lists(CELLS, min_size=w, max_size=w), min_size=1, max_size=8))


def filled(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows as a reader gives them: cells stripped, blank rows left out."""
    stripped = [tuple(cell.strip() for cell in row) for row in rows]
    return [row for row in stripped if any(row)]


@given(GRIDS)
@settings(max_examples=50, deadline=None)
def test_a_parquet_file_reads_back(tmp_path_factory: pytest.TempPathFactory, grid: list[list[str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"列{at}" for at in range(len(grid[0]))]
    path = tmp_path_factory.mktemp("parquet") / "t.parquet"
    pq.write_table(pa.table({name: [row[at] for row in grid] for at, name in enumerate(names)}), path)
    wanted = filled([tuple(row) for row in grid])
    if not wanted:
        with pytest.raises(BadInput):
            read_table(path, Task())
        return
    table = read_table(path, Task())
    assert table.columns == tuple(names)
    assert table.rows == wanted


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_row_of_a_table_is_lost_uncounted(rows: list[tuple[str, str, str]]) -> None:
    table = Table(("文", "类", "id"), rows, header=True)
    texts = {(" ".join(row[0].split()), " ".join(row[1].split())) for row in rows if row[0].split()}
    if not texts:
        with pytest.raises(BadInput):
            corpus_of(table, Columns(0, 1))
        return
    corpus, shown = corpus_of(table, Columns(0, 1)), preview(table, Columns(0, 1))
    assert set(zip(corpus.texts, corpus.labels, strict=True)) == texts
    assert sum(corpus.counts) + corpus.empty == corpus.total == shown.rows == len(rows)
    assert (shown.texts, shown.empty, shown.repeated) == (len(texts), corpus.empty, corpus.repeated)
    assert corpus.columns["id"] == tuple(rows[line - 1][2] for line in corpus.lines)


def test_parquet_of_numbers_dates_lists_and_damage(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": [1.5, None], "v": [[1.0, 2.0], None], "t": ["第一\n行", "二"]}), path)
    assert read_table(path, Task()).rows == [("1.5", "[1.0, 2.0]", "第一\n行"), ("", "", "二")]
    for broken in (b"PAR1" + b"x" * 40 + b"PAR1", b"\x1f\x8bxx", b"hello", path.read_bytes()[:-9]):
        path.write_bytes(broken)
        with pytest.raises(BadInput):
            read_table(path, Task())


def test_columns_are_guessed_and_embedded_newlines_are_one_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        '\ufeff标题,正文,类别,年\r\n一,"骆驼在\r\n沙漠里走路",甲,2001\r\n二,电脑又坏了怎么办,乙,2002\r\n'.encode()
    )
    table = read_table(path, Task())
    columns = guessed(table)
    assert columns == Columns(1, 2, 0)
    corpus = corpus_of(table, columns)
    assert corpus.texts[0] == "骆驼在 沙漠里走路"
    assert (corpus.labels, corpus.title(1)) == (("甲", "乙"), "二")
    assert numeric(corpus.columns["年"]).tolist() == [2001, 2002]
    assert common(("甲", "乙", "甲"))[0] == ["甲", "乙"]


def test_more_texts_than_the_limit_get_a_clear_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "MAX_TEXTS", 3)
    assert len(read_lines("a\nb\nc\nc").texts) == 3
    with pytest.raises(BadInput, match="limit is 3"):
        read_lines("a\nb\nc\nd")


def test_only_what_is_new_is_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, cache = FakeEncoder(), VectorCache(tmp_path / "cache" / "vectors")
    monkeypatch.setattr("models.encoder", lent(encoder))
    first = embed(["骆驼", "沙漠沙"], "counter", Task(), cache=cache)
    again = embed(["沙漠沙", "电脑", "骆驼"], "counter", Task(), cache=cache)
    assert encoder.seen == ["沙漠沙", "骆驼", "电脑"]
    assert (first.reused, again.reused) == (0, 2)
    assert (again.rows[[2, 0]] == first.rows).all()
    monkeypatch.setattr("models.encoder", lent(FakeEncoder(revision="2")))
    assert embed(["骆驼"], "counter", Task(), cache=cache).reused == 0  # another revision is another model
    assert b"\xe9\xaa\x86" not in cache.path.read_bytes()  # no text on disk


def test_what_was_embedded_before_a_stop_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, cache = FakeEncoder(), VectorCache(tmp_path)
    monkeypatch.setattr("models.encoder", lent(encoder))
    texts = [f"骆驼{n}" for n in range(1_200)]
    with pytest.raises(Cancelled):
        embed(texts, "counter", Stopping(0.4), cache=cache)
    done = len(encoder.seen)
    task = Task()
    assert embed(texts, "counter", task, cache=cache).reused == done > 0
    assert len(encoder.seen) == 1_200
    assert task.rate > 0


def _fill(folder: str, start: int) -> None:
    cache = VectorCache(Path(folder))
    for at in range(start, start + 40):
        cache.put("m", [key_of(str(at))], np.full((1, 4), at, np.float32))


def test_the_cache_is_shared_by_processes_and_threads(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_fill, args=(str(tmp_path), start)) for start in (0, 40)]
    others.append(threading.Thread(target=_fill, args=(str(tmp_path), 80)))
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    rows, known = VectorCache(tmp_path).get("m", [key_of(str(at)) for at in range(120)], 4)
    assert known.all()
    assert (rows[:, 0] == np.arange(120)).all()


def test_the_cache_is_bounded_and_survives_damage(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, limit=400_000)
    for start in range(0, 1_000, 100):
        cache.put("m", [key_of(str(at)) for at in range(start, start + 100)], np.ones((100, 256), np.float32))
    assert cache.size() <= 400_000
    assert cache.get("m", [key_of("999")], 256)[1].all()
    assert not cache.get("m", [key_of("0")], 256)[1].any()
    assert not cache.get("m", [key_of("999")], 128)[1].any()  # of another width
    cache.path.write_bytes(b"no database" * 500)
    for _ in range(2):
        cache.put("m", [key_of("a")], np.ones((1, 4), np.float32))
    assert cache.get("m", [key_of("a")], 4)[1].all()


@pytest.mark.parametrize("suffix", ["npy", "npz", "parquet", "csv", "jsonl", "tsv"])
def test_vectors_are_read_from_files(tmp_path: Path, suffix: str) -> None:
    rows, path = np.array([[1.0, 0.0], [0.5, -2.0]], np.float32), tmp_path / f"v.{suffix}"
    if suffix == "npy":
        np.save(path, rows)
    elif suffix == "npz":
        np.savez(path, ids=np.arange(2), vectors=rows)
    elif suffix == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"id": [1, 2], "embedding": rows.tolist()}), path)
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps({"text": "骆", "embedding": row}) for row in rows.tolist()))
    elif suffix == "tsv":
        path.write_text("\n".join("\t".join(map(str, row)) for row in rows.tolist()))
    else:
        path.write_text('text,embedding\n"骆","[1.0, 0.0]"\n"驼","[0.5, -2.0]"\n', encoding="utf-8")
    assert (read_vectors(path, Task()) == rows).all()


@pytest.mark.parametrize("kind", ["object", "nan", "header", "one", "short"])
def test_hostile_vectors_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "v.npy"
    array = {"object": np.array([[{}], [1]], object), "nan": np.array([[np.nan, 1.0]]), "one": np.ones((3, 1))}.get(
        kind
    )
    np.save(path, np.ones((2, 2)) if array is None else array, allow_pickle=True)
    if kind == "header":  # promises a thousand times more than it holds
        path.write_bytes(path.read_bytes().replace(b"(2, 2)", b"(9**9,"))
    if kind == "short":
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(BadInput):
        read_vectors(path, Task())


def test_vectors_stand_for_lines_or_texts_and_match_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = read_lines("骆\n\n驼\n骆\n")
    rows = np.array([[3, 0], [9, 9], [0, 2], [3, 0]], np.float32)
    assert adopted(rows, corpus, "", Task()).rows.tolist() == [[1, 0], [0, 1]]
    assert adopted(rows[[0, 2]], corpus, "", Task()).rows.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(BadInput):
        adopted(rows[:3], corpus, "", Task())
    monkeypatch.setattr("models.encoder", lent(FakeEncoder()))
    with pytest.raises(BadInput, match="dimensions"):
        adopted(rows, corpus, "counter", Task())


@pytest.fixture(scope="module")
def themes() -> Atlas:
    return mapped("\n".join(THEMES), method="pca")


def test_new_texts_come_onto_the_map_and_old_points_stay(themes: Atlas) -> None:
    n = len(themes.labels)
    known = themes.corpus.texts[0]
    grown = extended(themes, read_lines(f"{THEMES[0]}\n沙漠里的骆驼走得很慢\t\n——\n沙漠里的骆驼走得很慢"), Task())
    new = [row for row, text in enumerate(grown.corpus.texts) if text.startswith("沙漠里的骆驼走得很慢")]
    assert new[0] >= n
    assert (grown.positions[:n] == themes.positions).all()
    assert (grown.labels[:n] == themes.labels).all()
    assert grown.names == themes.names
    assert grown.rows.shape[0] == len(grown.positions) == len(grown.labels) == len(grown.corpus.texts)
    camels = [row for row, text in enumerate(themes.corpus.texts) if "骆驼" in text and "沙" in text]
    assert grown.labels[new[0]] in {themes.labels[row] for row in camels}
    assert grown.corpus.wordless == 1
    again = extended(themes, read_lines(f"{known}\t{themes.corpus.labels[0]}"), Task())
    assert again.corpus.counts[0] == themes.corpus.counts[0] + 1
    assert len(again.labels) == n


def test_new_texts_cost_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = FakeEncoder()
    monkeypatch.setattr("models.encoder", lent(encoder))
    corpus = read_lines("\n".join(f"骆驼{'沙漠' * (n % 5)}{'电脑' * (n % 3)}{n}" for n in range(30)))
    *_, atlas = atlases(corpus, Options(method="pca"), Task(), choice="counter")
    encoder.seen.clear()
    extended(atlas, read_lines("电脑电脑\n骆驼骆驼"), Task())
    assert sorted(encoder.seen) == ["电脑电脑", "骆驼骆驼"]


def test_the_table_reads_back_and_holds_no_formula() -> None:
    atlas = mapped('=1+1 骆驼\n"引号", 逗号\n骆驼\n骆驼', method="pca")
    rows = list(csv.DictReader(io.StringIO(as_csv(atlas, extra={"text": ["a", "b", "c"]}))))
    assert [row["text"] for row in rows] == ["'=1+1 骆驼", '"引号", 逗号', "骆驼"]
    assert [row["count"] for row in rows] == ["1", "1", "2"]
    assert [row["text (2)"] for row in rows] == ["a", "b", "c"]


def test_parquet_holds_texts_to_the_letter_and_numbers_as_numbers(themes: Atlas) -> None:
    import pyarrow.parquet as pq

    found = pq.read_table(io.BytesIO(as_parquet(themes))).to_pydict()
    assert tuple(found["text"]) == themes.corpus.texts
    assert np.abs(np.array(found["x"]) - themes.positions[:, 0]).max() < 1e-4
    assert found["cluster"] == (themes.labels + 1).tolist()


def test_positions_are_packed_into_sixteen_bits() -> None:
    assert packed(np.array([[-1.0, 1.0], [0.0, 2.0]])).tolist() == [[0, 65535], [32768, 65535]]
