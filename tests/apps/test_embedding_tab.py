"""The handlers of the embedding tab as the page calls them, on one visitor's desk: every tool on a small map."""

from pathlib import Path

import numpy as np
import pytest

from apps.embedding import tab
from apps.embedding.cache import VectorCache
from apps.embedding.desk import Desk
from apps.embedding.figure import heatmap
from apps.embedding.pairs import paired
from apps.embedding.payload import bits, rows_of_bits
from apps.embedding.tabs import data, groups, pairs, project, search, selection, teach, twins
from models.errors import BadInput
from models.task import Task
from tests.apps.test_embedding import EVIL, THEMES
from tests.fakes import FakeEncoder, FakeVoice, lent

OPTIONS = ("pca", 2, 15, 0.1, 30, "kmeans", 0, 0, 42)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with the first example on it."""
    made = Desk()
    text = "\n".join(THEMES)
    list(tab.draw(VectorCache(tmp_path / "v"), Task(), "zh", made, text, "lines", "", "cluster", *OPTIONS))
    return made


def test_every_tool_answers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.atlas is not None
    n = len(desk.atlas.labels)
    selection.heard({"bits": bits((0, 1, 2), n), "ms": 2.5}, "zh", desk)
    selection.heard({"bits": bits((0,), n), "ms": 2}, "zh", desk)  # an earlier click that arrives late
    assert selection.shown(desk)[1].count("\n") == 2
    assert desk.chosen == (0, 1, 2)
    assert "<ol" in groups.find_outliers(Task(), "zh", desk)
    assert groups.find_duplicates(Task(), "zh", desk, 0.95)
    assert "<table" in groups.agree(Task(), "zh", desk)
    monkeypatch.setattr("models.voice", lent(FakeVoice("沙漠", engine="namer")))
    groups.speak(Task(), "zh", desk, "namer", "cluster")
    assert desk.atlas.name(0) == "1 沙漠"
    assert "<ol" in search.look("zh", desk, "骆驼", True, "cluster")[1]
    search.example("like", "zh", desk, "", True, "score")
    assert desk.query is not None
    assert desk.query.like == (0, 1, 2)
    teach.give("zh", desk, "甲")
    teach.take_known("zh", desk)
    assert "%" in teach.learn(Task(), "zh", desk, "logistic")[0]
    for key in desk.colourings():
        assert desk.colouring(key, "en")["codes"]


def test_a_map_is_taken_away_and_reopened_on_another_desk(desk: Desk, tmp_path: Path) -> None:
    teach.take_known("zh", desk)
    teach.learn(Task(), "zh", desk, "prototype")
    made = {kind: Path(project.made(kind, Task(), "zh", desk, "cluster")) for kind in (*project.KINDS, "labels")}
    assert all(path.stat().st_size > 100 for path in made.values())
    other = Desk()
    tab.reopen(Task(), "zh", other, str(made["project"]), "cluster")
    assert other.atlas is not None
    assert desk.atlas is not None
    assert (other.atlas.positions == desk.atlas.positions).all()
    tab.add(VectorCache(tmp_path / "v"), Task(), "zh", other, "骆驼在沙漠里喝水", "cluster")
    assert len(other.atlas.labels) == len(desk.atlas.labels) + 1


def test_labels_given_by_hand_come_back_with_the_analysis(desk: Desk) -> None:
    desk.chosen = (3, 5)
    teach.give("zh", desk, "甲")
    other = Desk()
    shown = tab.reopen(Task(), "zh", other, project.made("project", Task(), "zh", desk, "cluster"), "cluster")
    assert other.examples == {3: "甲", 5: "甲"}
    assert any("甲 · 2" in part for part in shown if isinstance(part, str))


def test_a_new_layout_keeps_selection_and_hits_and_a_new_corpus_drops_them(desk: Desk, tmp_path: Path) -> None:
    search.look("zh", desk, "骆驼", True, "cluster")
    desk.chosen = (0, 2)
    _, drawn, *_ = tab.apply(Task(), "zh", desk, "cluster", "pca", 3, 15, 0.1, 30, "kmeans", 2, 0, 42)
    assert rows_of_bits(drawn.props["chosen"]["bits"], len(THEMES)) == (0, 2)
    assert drawn.props["lit"]
    text = "\n".join(THEMES[:6])
    cache = VectorCache(tmp_path / "v")
    *_, (_, drawn, *_) = tab.draw(cache, Task(), "zh", desk, text, "lines", "", "cluster", *OPTIONS)
    assert (drawn.props["chosen"]["bits"], drawn.props["lit"]) == ("", [])


def test_an_emptied_search_leaves_the_colours_of_its_scores(desk: Desk) -> None:
    search.look("zh", desk, "骆驼", True, "score")
    chart, hits, menu = search.look("zh", desk, " ", True, "score")
    assert (menu.value, chart.props["lit"]) == ("cluster", [])
    assert chart.props["colour"]["names"]
    assert "<li" not in hits


def test_parameters_and_songs_and_vectors(desk: Desk, tmp_path: Path) -> None:
    assert desk.atlas is not None
    before = desk.atlas
    tab.apply(Task(), "zh", desk, "cluster", "pca", 3, 15, 0.1, 30, "kmeans", 2, 0, 42)
    assert desk.atlas.positions.shape[1] == 3
    assert (len(desk.atlas.names), desk.atlas.vectors is before.vectors) == (2, True)
    np.save(tmp_path / "v.npy", np.eye(4, dtype=np.float32))
    data.take_vectors("zh", desk, str(tmp_path / "v.npy"))
    text = "骆驼走，沙漠热。#一\n电脑坏，键盘响。#二"
    list(tab.draw(VectorCache(tmp_path / "v"), Task(), "zh", desk, text, "lyrics", "", "cluster", *OPTIONS))
    assert desk.atlas.links == ((0, 1), (2, 3))
    assert desk.atlas.vectors.key == "uploaded"
    with pytest.raises(BadInput):
        groups.needs_map(Desk())


def test_two_embedders_side_by_side(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.encoder", lent(FakeEncoder()))
    left, right, said = twins.compare(VectorCache(tmp_path / "v"), Task(), "zh", desk, Desk(), "counter")
    assert left.value["n"] == right.value["n"] == len(THEMES)  # though this model knows nothing of some of them
    assert "<table" in said


def test_pairs_become_a_heatmap_with_their_diagonal_outlined(tmp_path: Path) -> None:
    said, _ = pairs.compare(VectorCache(tmp_path), Task(), "zh", f"骆驼走\n{EVIL}", f"走骆驼\n{EVIL}", "")
    assert "<script" not in said
    drawn = heatmap(paired(["骆驼走", EVIL], ["走骆驼", EVIL], Task()), "zh")
    assert len(drawn.layout.shapes) == 2
    assert "<script" not in drawn.to_json().replace("\\u003c", "<")
    assert drawn.layout.height < 1_000  # whatever the number of pairs
