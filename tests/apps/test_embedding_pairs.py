"""Pairs, lyrics and two embedders side by side, below the page."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.embedding import Options, atlases
from apps.embedding.compare import compared
from apps.embedding.lyrics import halves, songs
from apps.embedding.pairs import MAX_PAIRS, cosine_matrix, paired, paired_vectors, read_pairs
from apps.embedding.vectors import Vectors
from models.documents import Table, read_table
from models.errors import BadInput
from models.spec import Origin
from models.task import Task


def vectors(rows: np.ndarray) -> Vectors:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Vectors(unit.astype(np.float32), "", "uploaded", "t", Origin("neural"))


PUBLISHED = [
    ("heatplot.csv", "heatmap", 0.80, 0.861),
    ("embed_data.csv", "openai_heatmap", 0.50, 0.651),
    ("sentspair_embed.csv", "script_heatmap", 0.85, 0.925),
]


@pytest.mark.parametrize(("name", "figure", "recall", "mrr"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_the_published_vectors_give_the_published_matrices(
    data: Path, name: str, figure: str, recall: float, mrr: float
) -> None:
    folder = data / "embedding" / "luotuo"
    first, second, ones, twos = read_pairs(read_table(folder / name, Task()))
    assert ones is not None
    assert twos is not None
    found = paired_vectors(first, second, ones, twos)
    assert round(found.recall, 2) == recall
    assert round(found.mrr, 3) == mrr
    published = json.loads((folder / "derived" / "published_plotly_figures.json").read_text(encoding="utf-8"))
    assert np.abs(np.array(published[figure]["data"][0]["z"]) - found.matrix).max() < 1e-12


def test_the_second_of_a_pair_is_found_by_likeness() -> None:
    found = paired(["骆驼在沙漠里走", "电脑又死机了"], ["沙漠里走着骆驼", "死机的电脑"], Task())
    assert (found.recall, found.mrr) == (1.0, 1.0)
    assert found.matrix.shape == (2, 2)
    assert found.matrix.dtype == np.float64


@pytest.mark.parametrize("n", [1, 2])
def test_a_single_pair_and_the_least_cell_are_no_special_case(n: int) -> None:
    ones, twos = np.eye(2)[:n], -np.eye(2)[:n]
    found = paired_vectors(["甲", "乙"][:n], ["丙", "丁"][:n], ones, twos)
    assert found.matrix.argmin() == 0
    assert found.ranks.tolist() == [n] * n


def test_uneven_many_or_no_pairs_are_refused() -> None:
    for first, second in (([], []), (["a"], ["a", "b"]), (["a"] * (MAX_PAIRS + 1), ["b"] * (MAX_PAIRS + 1))):
        with pytest.raises(BadInput):
            paired(first, second, Task())
    with pytest.raises(BadInput):
        paired_vectors(["a"], ["b"], np.ones((1, 2)), np.ones((1, 3)))


def test_rows_of_zeros_have_no_likeness() -> None:
    assert cosine_matrix(np.zeros((1, 3)), np.ones((2, 3))).tolist() == [[0.0, 0.0]]


def test_columns_of_texts_and_vectors_are_found_by_name_or_look() -> None:
    rows = [
        ("x1", "甲", "[1, 0]", "乙", "[0, 1]"),
        ("x2", "丙", "[1, 0]", "丁", "[0, 2]"),
        ("x3", "", "[1,0]", "戊", "[1,1]"),
    ]
    table = Table(("id", "first", "first_embed", "second", "second_embed"), rows, header=True)
    first, second, ones, twos = read_pairs(table)
    assert (first, second) == (("甲", "丙"), ("乙", "丁"))
    assert ones is not None
    assert twos is not None
    assert (ones.shape, twos.tolist()) == ((2, 2), [[0, 1], [0, 2]])
    broken = Table(table.columns, [*rows[:2], ("x", "己", "[1]", "庚", "[0, NaN]")], header=True)
    with pytest.raises(BadInput):
        read_pairs(broken)
    with pytest.raises(BadInput):
        read_pairs(Table(("only",), [("甲",)], header=True))


def test_songs_are_cut_at_marks_or_blanks_not_inside_words() -> None:
    made = songs("风沙沙，雨沙沙。驼铃响，走天涯。#驼铃\n\n默默 闭紧嘴唇 向前走\n默默 闭紧嘴唇 向前走\n啊\n")
    texts, labels = made.corpus.texts, made.corpus.labels
    assert texts[:2] == ("风沙沙，雨沙沙。", "驼铃响，走天涯。")
    assert labels[:4] == ("驼铃", "驼铃", "No.2", "No.2")
    assert all(" " in text or "闭紧嘴唇" in text or text in ("默默", "向前走") for text in texts[2:4])
    assert made.links[:2] == ((0, 1), (2, 3))
    assert texts[-1] == "啊"
    assert (made.corpus.total, made.corpus.empty) == (5, 1)
    *_, atlas = atlases(made.corpus, Options(method="pca"), Task(), links=made.links)
    assert atlas.links == made.links


@given(st.text(alphabet="骆驼ab，。 /…'", min_size=2, max_size=40))
@settings(max_examples=80, deadline=None)
def test_halves_lose_nothing_but_blanks(text: str) -> None:
    flat = " ".join(text.split())
    one, other = halves(flat)
    assert (one + other).replace(" ", "") == flat.replace(" ", "")
    assert len(flat) < 2 or one or not flat


def test_the_same_embedder_agrees_with_itself_and_a_shuffled_one_by_chance() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 16))
    same = compared(vectors(rows), vectors(rows.copy()), Task(), count=10)
    assert same.mean == 1.0
    assert all(abs(moved.before - moved.after) < 1e-6 for moved in same.moved)
    mixed = compared(vectors(rows), vectors(rows[::-1].copy()), Task(), count=10)
    assert abs(mixed.mean - mixed.chance) < 0.03
    assert mixed.chance == pytest.approx(10 / 299)
    moved = mixed.moved[0]
    unit = vectors(rows).rows
    assert moved.before == pytest.approx(float(unit[moved.row] @ unit[moved.other]), abs=1e-5)
    with pytest.raises(BadInput):
        compared(vectors(rows), vectors(rows[:5]), Task())
    few = compared(vectors(rows[:12]), vectors(rows[:12][::-1].copy()), Task())
    assert few.chance < 0.5  # where the nearest 15 are all there are, any two embedders agree


def test_one_text_has_no_neighbours_to_compare() -> None:
    assert compared(vectors(np.ones((1, 3))), vectors(np.ones((1, 2))), Task()).mean == 1.0
