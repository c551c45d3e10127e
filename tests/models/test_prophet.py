"""Retrieval and composition of prose: themes are found, nothing is invented, foreign folders work."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.assets import asset
from models.embedded.prophet import FLOOR, Prophet, folder, prose
from models.errors import BadInput, Cancelled
from models.task import Task


@pytest.fixture(scope="module")
def prophet() -> Prophet:
    return Prophet()


def test_the_shipped_collection_is_whole(prophet: Prophet) -> None:
    assert len(prophet.pieces) >= 30
    assert all(len(piece.paragraphs) >= 3 and 150 < len(piece.text) < 800 for piece in prophet.pieces)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("加班", "工作"), ("童年", "孩子"), ("幼儿园", "孩子"), ("友谊", "友谊"), ("失眠", "睡眠"), ("friendship", "友谊"),
     ("退休", "衰老"), ("离婚", "婚姻"), ("买房还是租房", "选择")],
)  # fmt: skip
def test_a_topic_finds_its_theme_by_title_and_related_words(prophet: Prophet, topic: str, expected: str) -> None:
    found = prophet.retrieve(topic, 3, Task())
    assert found[0].prose.title == expected
    assert len({hit.prose.title for hit in found}) == 3
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_a_topic_that_no_piece_speaks_of_finds_nothing(prophet: Prophet) -> None:
    assert prophet.retrieve("qwertyuiop", 3, Task()) == []


@settings(max_examples=30, deadline=None)
@given(
    topic=st.one_of(st.text(min_size=1, max_size=30), st.sampled_from(["友谊", "时间与金钱", "爱"])),
    count=st.integers(1, 6),
)
def test_every_sentence_stands_in_the_piece_it_names(prophet: Prophet, topic: str, count: int) -> None:
    if not topic.strip():
        return
    found = prophet.retrieve(topic, count, Task())
    assert len(found) <= count
    if not found:
        return
    composed = prophet.compose(topic, found, Task())
    assert composed.lines and composed.origin.how == "rule"
    for line, number in composed.lines:
        assert line in found[number - 1].prose.text
        assert found[number - 1].score >= FLOOR
    assert len({line for line, _ in composed.lines}) == len(composed.lines)


def test_a_folder_of_one_theme_per_file_works(tmp_path: Path) -> None:
    (tmp_path / "茶馆.txt").write_text(
        "茶馆里的人问他。\r\n\r\n茶要慢慢喝，像等一个人。\r\n\r\n\r\n水凉了再烧。", "gb18030"
    )
    (tmp_path / "空白.txt").write_text("\n\n", "utf-8")
    (tmp_path / "桥.txt").write_text("\ufeff桥记得每一双鞋。\n\n不要问桥通向哪里，要问你为何过来。", "utf-8")
    (tmp_path / "坏.txt").write_bytes(bytes(range(256)) * 40)
    pieces = folder(tmp_path)
    assert [(piece.title, len(piece.paragraphs)) for piece in pieces] == [("桥", 2), ("茶馆", 3)]
    found = Prophet(pieces).retrieve("茶馆里的茶", 2, Task())
    assert found[0].prose.title == "茶馆"


def test_bad_topics_and_a_stop() -> None:
    small = Prophet([prose("桥", "桥记得每一双鞋。\n\n不要问桥通向哪里。")])
    with pytest.raises(BadInput):
        small.retrieve("  ", 1, Task())
    with pytest.raises(BadInput):
        small.retrieve("桥" * 201, 1, Task())
    stopped = Task()
    stopped.stop()
    with pytest.raises(Cancelled):
        small.retrieve("桥", 1, stopped)


def test_themes_name_shipped_pieces_only() -> None:
    import json

    themes = json.loads(asset("prophet", "themes.json").read_text("utf-8"))
    assert set(themes) == {path.stem for path in asset("prophet", "pieces").glob("*.txt")}


def test_the_original_collection(data: Path) -> None:
    """The folder of the original project reads as it is; a child is found under its own theme (a bug of 2023)."""
    pieces = folder(data / "prophet" / "prophet-data")
    assert len(pieces) == 26
    titles = {piece.title for piece in pieces}
    assert "孩子" in titles
    assert Prophet(pieces).retrieve("孩子", 3, Task())[0].prose.title == "孩子"
