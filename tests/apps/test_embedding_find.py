"""Search and few-shot labels of the embedding tab, below its page."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.embedding import Atlas, Options, atlases, read_lines, search
from apps.embedding.classify import as_csv, classified
from apps.embedding.find import Query, comparable, scores, spans, terms
from apps.embedding.vectors import Vectors
from apps.embedding.words import hit_list
from models.errors import BadInput
from models.spec import Origin
from models.task import Task
from tests.apps.test_embedding import EVIL, THEMES, mapped
from tests.fakes import FakeEncoder, lent


@pytest.fixture(scope="module")
def themes() -> Atlas:
    """The first example by PCA."""
    return mapped("\n".join(THEMES), method="pca")


def plane(*angles: float) -> Atlas:
    """Texts whose vectors point in these directions, in degrees."""
    turned = np.deg2rad(np.array(angles))
    rows = np.column_stack([np.cos(turned), np.sin(turned)]).astype(np.float32)
    vectors = Vectors(rows, "", "uploaded", "t", Origin("neural", "uploaded", "uploaded"))
    corpus = read_lines("\n".join(f"第{n}条文本" for n in range(len(angles))))
    return next(atlases(corpus, Options(method="pca", clusters=1), Task(), vectors=vectors))


def test_search_marks_what_it_found(themes: Atlas) -> None:
    hits = search(themes, "沙漠裡的駱駝", 5, Task())  # traditional characters find simplified ones
    best = themes.corpus.texts[hits[0].row]
    assert "沙漠" in best
    assert {best[low:high] for low, high in hits[0].spans} == {"沙漠", "骆驼"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert search(themes, "量子色动力学", 5, Task()) == []
    with pytest.raises(BadInput):
        search(themes, "  ", 5, Task())


def test_hybrid_is_the_mean_of_cosine_and_words_and_both_can_be_seen(themes: Atlas) -> None:
    mixed = search(themes, Query("沙漠里的骆驼"), 20, Task())
    plain = search(themes, Query("沙漠里的骆驼", hybrid=False), 20, Task())
    assert all(hit.score == pytest.approx((hit.cosine + hit.words) / 2, abs=1e-5) for hit in mixed)
    assert all(hit.score == pytest.approx(hit.cosine, abs=1e-6) and hit.words == 0 for hit in plain)
    for query, hits in ((Query("沙漠里的骆驼"), mixed), (Query("沙漠里的骆驼", hybrid=False), plain)):
        whole = scores(themes, query, Task())
        assert [hit.row for hit in hits[:5]] == np.argsort(-whole, kind="stable")[:5].tolist()


def test_exact_search_by_example_counter_example_pair_and_analogy() -> None:
    atlas = plane(0, 10, 20, 90, 100, 180)
    assert [hit.row for hit in search(atlas, Query(like=(0,)), 2, Task())] == [1, 2]
    assert search(atlas, Query(like=(1,), unlike=(0,)), 1, Task())[0].row == 2
    assert search(atlas, Query(like=(2, 3)), 2, Task())[0].row in (1, 4)
    assert search(atlas, Query(analogy=(3, 0, 5)), 1, Task())[0].row == 4  # up instead of right, and left
    found = search(atlas, Query(like=(0,)), 9, Task())
    assert 0 not in {hit.row for hit in found}
    assert all(0 < hit.score <= 1 for hit in found)
    for wrong in (Query(like=(6,)), Query(unlike=(0,)), Query(like=(-1,))):
        with pytest.raises(BadInput):
            search(atlas, wrong, 1, Task())


def test_uploaded_vectors_without_a_model_are_searched_by_words() -> None:
    hits = search(plane(0, 90, 180), "第1条", 3, Task())
    assert hits[0].row == 1
    assert hits[0].words > 0.5


def test_ties_and_more_hits_than_texts_are_no_matter() -> None:
    assert [hit.row for hit in search(plane(0, 5, 5, 5, 5), Query(like=(0,)), 2, Task())] == [1, 2]
    assert len(search(plane(0, 5), Query(like=(0,)), 50, Task())) == 1


def test_the_sentence_that_carries_the_likeness_is_told() -> None:
    text = "今天天气不错，我们出门散步。骆驼的驼峰里储存着脂肪。晚上吃了面条。"
    atlas = mapped(f"{text}\n电脑死机了\n面条很好吃", method="pca", clusters=1)
    (hit, *_) = search(atlas, "驼峰里的脂肪", 3, Task())
    assert hit.sentence is not None
    assert text[slice(*hit.sentence)] == "骆驼的驼峰里储存着脂肪。"
    assert search(atlas, "死机", 1, Task())[0].sentence is None


def test_a_query_goes_to_the_model_of_the_map_and_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, choices = FakeEncoder(), []
    monkeypatch.setattr("models.encoder", lent(encoder, choices))
    corpus = read_lines("骆驼走\n沙漠热\n电脑坏了")
    atlas = next(atlases(corpus, Options(method="pca", clusters=1), Task(), choice="counter"))
    assert search(atlas, Query("电脑", hybrid=False), 1, Task())[0].row == 2
    assert set(choices) == {"counter"}
    monkeypatch.setattr("models.encoder", lent(FakeEncoder(revision="2")))
    with pytest.raises(BadInput, match="version"):
        search(atlas, "电脑", 1, Task())


@given(st.text(max_size=60), st.text(min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_spans_are_sorted_apart_and_inside(text: str, query: str) -> None:
    found = spans(comparable(text), terms(query))
    assert len(comparable(text)) == len(text)
    assert all(0 <= low < high <= len(text) for low, high in found)
    assert all(one[1] <= two[0] for one, two in zip(found, found[1:], strict=False))


def test_words_are_marked_whole_and_blanks_never() -> None:
    text = "优雅的雅虎 邮箱"
    assert [text[low:high] for low, high in spans(comparable(text), terms("雅虎 邮箱"))] == ["雅虎", "邮箱"]


def test_markup_in_texts_stays_text() -> None:
    atlas = mapped(f"{EVIL}\t{EVIL}\n骆驼在沙漠\t<i>标签\n沙漠里的骆驼\t甲", method="pca")
    shown = hit_list(atlas, search(atlas, "骆驼 <script>", 9, Task()))
    assert "<script" not in shown
    assert "<b onclick" not in shown


@pytest.mark.parametrize("method", ["logistic", "prototype"])
def test_a_few_examples_label_the_rest(themes: Atlas, method: str) -> None:
    labels = themes.corpus.labels
    classes = sorted(set(labels))
    examples = {row: name for name in classes for row in [n for n, label in enumerate(labels) if label == name][:4]}
    made = classified(themes, examples, Task(), method=method)
    right = [one == two for row, (one, two) in enumerate(zip(made.labels, labels, strict=True)) if row not in examples]
    assert np.mean(right) > 0.6  # a quarter by chance
    assert all(made.labels[row] == label for row, label in examples.items())
    assert made.confidence.min() > 0
    assert made.confidence.max() <= 1
    assert made.accuracy is not None
    assert made.confusion is not None
    assert (made.folds, made.confusion.sum()) == (4, len(examples))
    assert made.accuracy == pytest.approx(np.trace(made.confusion) / len(examples))
    assert made.baseline == pytest.approx(1 / len(classes))


def test_held_out_accuracy_does_not_know_the_answers() -> None:
    random = np.random.default_rng(0)
    atlas = plane(*random.uniform(0, 360, 200))
    noise = {row: "甲乙"[random.integers(2)] for row in range(200)}
    made = classified(atlas, noise, Task())
    assert made.accuracy is not None
    assert abs(made.accuracy - 0.5) < 0.12


def test_one_example_of_a_class_has_no_accuracy_and_one_class_is_refused(themes: Atlas) -> None:
    assert classified(themes, {0: "甲", 1: "乙", 2: "乙"}, Task()).accuracy is None
    for wrong in ({}, {0: "甲", 1: "甲"}, {0: "甲", 9_999: "乙"}, {0: "甲", 1: ""}):
        with pytest.raises(BadInput):
            classified(themes, wrong, Task())


def test_learnt_labels_as_csv_hold_no_formula(themes: Atlas) -> None:
    made = classified(themes, {0: "=1+1", 1: "乙"}, Task())
    rows = list(csv.DictReader(io.StringIO(as_csv(themes, made))))
    assert len(rows) == len(themes.labels)
    assert (rows[0]["learnt_label"], rows[0]["example"], rows[0]["confidence"]) == ("'=1+1", "1", "1.0000")
