"""Retrieval: the original's order and prompt to the letter, the trace, the budget, and whose vectors are used."""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.roleplay.bigrams import Bigrams
from models.roleplay.recall import DIVIDER, ORIGINAL_2, PREFIX, RecallOptions, retrieve
from models.roleplay.shelf import Shelf, shelve
from models.spec import Origin
from models.task import Task
from tests.models.roleplay.haruhi import SCENES, published, shelf


def original(
    vectors: Sequence[Sequence[float]], texts: Sequence[str], query: Sequence[float], k: int, budget: int
) -> str:
    """ChatHaruhi 2.0, NaiveDB.search and add_story, computed again plainly; a token is a character."""
    norms = [sqrt(sum(x**2 for x in row)) for row in vectors]
    length = sqrt(sum(x**2 for x in query))
    cosines = [
        sum(q * v for q, v in zip(query, row, strict=True)) / (length * norm)
        for row, norm in zip(vectors, norms, strict=True)
    ]
    best = sorted(range(len(cosines)), key=lambda at: cosines[at], reverse=True)[:k]
    story, spent = PREFIX, len(PREFIX)
    for at in best:
        cost = len(texts[at]) + len(DIVIDER)
        if spent + cost > budget:
            break
        spent, story = spent + cost, story + texts[at] + DIVIDER
    return story


@pytest.mark.parametrize("seed", range(4))
def test_settings_of_2_0_give_the_original_order_and_text(seed: int) -> None:
    scenes = shelf(120, seed=seed)
    query = scenes.vectors[seed] + np.float32(0.05)
    found = retrieve(scenes, "小驼:「绿洲」", query, ORIGINAL_2, len)
    assert found.text == original(scenes.vectors.tolist(), scenes.texts, query.tolist(), 19, 1500)
    assert found.n_tokens == len(found.text) <= 1500
    assert len(found.candidates) == 19


@pytest.mark.parametrize("pack", ["haruhi", "liyunlong"])
def test_settings_of_2_0_on_the_published_vectors(data: Path, pack: str) -> None:
    scenes = published(data, pack)
    rows = scenes.vectors.tolist()
    for at in (0, 17, 101):
        found = retrieve(scenes, "", scenes.vectors[at], ORIGINAL_2, len)
        assert found.text == original(rows, scenes.texts, rows[at], 19, 1500)
        assert found.candidates[0].index == at


def test_centring_undoes_what_the_published_vectors_share(data: Path) -> None:
    scenes = published(data, "liyunlong")
    measured = [scenes.measure(vector) for vector in scenes.vectors]
    raw, centred = (np.array([pair[at] for pair in measured]) for at in (0, 1))
    np.fill_diagonal(raw, -1)
    np.fill_diagonal(centred, -1)
    hubs = [np.bincount(np.argsort(-one, axis=1)[:, :10].ravel(), minlength=420) for one in (raw, centred)]
    assert (hubs[0].max(), hubs[1].max()) == (85, 30)  # haruhi.md §3: in-degree among ten neighbours
    assert ((hubs[0] == 0).sum(), (hubs[1] == 0).sum()) == (19, 4)
    plain = scenes.unit - scenes.unit.mean(axis=0)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    centre = scenes.unit[7] - scenes.unit.mean(axis=0)
    expected = plain @ (centre / np.linalg.norm(centre))
    np.testing.assert_allclose(scenes.measure(scenes.vectors[7])[1], expected, atol=1e-4)


@given(
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=30),
    budget=st.integers(0, 2500),
    k=st.integers(1, 25),
    hybrid=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_budget_holds_and_nothing_fitting_is_passed_over(
    sizes: list[int], budget: int, k: int, hybrid: bool
) -> None:
    texts = tuple("沙" * size + str(at) for at, size in enumerate(sizes))
    scenes = Shelf(texts, texts, np.random.default_rng(0).normal(size=(len(sizes), 4)).astype(np.float32), "test")
    options = RecallOptions(k=k, budget=budget, hybrid=hybrid, distinct=False)
    found = retrieve(scenes, "小驼:「沙沙」", np.ones(4, np.float32), options, len)
    assert len(found.candidates) == min(k, len(sizes))
    if found.kept:
        assert found.n_tokens == len(found.text) <= budget
    room = budget - len(PREFIX)
    for one in found.candidates:
        assert one.kept == (one.n_tokens <= room) == (not one.reason)
        room -= one.n_tokens if one.kept else 0


def test_every_scene_left_out_says_why() -> None:
    texts = (SCENES[0], SCENES[0].replace("，", " , "), "骆驼老师:「" + "沙" * 400 + "」", SCENES[1], SCENES[2])
    scenes = Shelf(tuple("abcde"), texts, np.eye(5, dtype=np.float32) + np.float32(1), "test")
    budget = len(PREFIX) + sum(len(text) + len(DIVIDER) for text in (SCENES[0], SCENES[1]))
    options = RecallOptions(budget=budget, hybrid=False)
    found = retrieve(scenes, "", np.array([5, 4, 3, 2, 1], np.float32), options, len, avoid=[4])
    assert [(one.title, one.reason) for one in found.candidates] == [
        ("a", ""),
        ("b", "duplicate"),
        ("c", "too_long"),
        ("d", ""),
    ]
    assert [one.title for one in found.kept] == ["a", "d"]


def test_words_find_what_vectors_do_not() -> None:
    scenes = Shelf(tuple("abcde"), SCENES, np.ones((5, 3), np.float32), "test")
    found = retrieve(scenes, "旅人:「驼峰」", np.ones(3, np.float32), RecallOptions(), len)
    assert found.candidates[0].index == 4
    assert found.candidates[0].bigram > 0.2


@given(st.text(max_size=80), st.lists(st.text(max_size=60), max_size=8))
@settings(max_examples=80, deadline=None)
def test_bigrams_count_what_a_plain_count_counts(query: str, texts: list[str]) -> None:
    scores = Bigrams(texts).scores(query)
    assert scores.shape == (len(texts),) and np.isfinite(scores).all() and (scores >= 0).all()
    if query and any("骆驼" in text for text in texts) and query == "骆驼":
        assert scores.max() > 0
    assert Bigrams([*texts, "骆驼老师"]).scores("骆驼")[-1] > 0


class Letters:
    """An Encoder that counts letters; `salt` makes it another one."""

    key, dim = "letters", 8

    def __init__(self, salt: int = 0) -> None:
        self.origin, self.fingerprint, self.salt = Origin("neural"), f"letters-{salt}", salt
        self.n_embedded = 0

    def embed(self, texts: Sequence[str], task: Task, *, query: bool = False) -> np.ndarray:
        self.n_embedded += len(texts)
        rows = np.zeros((len(texts), 8), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for char in text:
                row[(ord(char) * (1 + 6 * self.salt) + self.salt) % 8] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def test_stored_vectors_serve_only_the_embedder_that_made_them() -> None:
    own, other = Letters(0), Letters(1)
    stored = own.embed(SCENES, Task())
    titles = list("abcde")
    own.n_embedded = 0
    assert np.array_equal(
        shelve(titles, SCENES, encoder=own, stored={own.fingerprint: stored}, task=Task()).vectors, stored
    )
    assert own.n_embedded == 0
    shelve(titles, SCENES, encoder=own, stored={"luotuo_openai": stored}, task=Task())  # another name, the same maker
    assert own.n_embedded == 3, "three scenes prove who made them"
    fresh = shelve(titles, SCENES, encoder=other, stored={"luotuo_openai": stored}, task=Task())
    assert np.array_equal(fresh.vectors, other.embed(SCENES, Task()))
    with pytest.raises(ValueError, match="letters-1"):
        fresh.vector("你好", own, Task())


def test_without_an_encoder_the_embedded_vectors_answer() -> None:
    scenes = shelve(list("abcde"), SCENES, task=Task())
    query = "学生:「考试没考好怎么办？」"
    found = retrieve(scenes, query, scenes.vector(query, None, Task()), RecallOptions(), len)
    assert found.candidates[0].index == 3
    assert found.candidates[0].centred > 0.3
