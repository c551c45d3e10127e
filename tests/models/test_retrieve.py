"""Search: the right document first, a score that means the same for every query, and any input survives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.retrieve import Index, top
from models.errors import Cancelled
from models.task import Task

DOCUMENTS = [
    "骆驼是什么项目？",
    "驼铃A 的训练数据有多少条？",
    "怎么切换界面语言？",
    "How do I switch the language?",
    "余弦相似度怎么算",
    "驼铃C 能处理多长的文章？",
]


@pytest.mark.parametrize(
    ("query", "best"),
    [("训练数据有几条", 1), ("切换语言", 2), ("switch language please", 3), ("余弦相似度", 4), ("驼铃C的文章", 5)],
)
def test_the_nearest_document_comes_first(query: str, best: int) -> None:
    hits = Index(DOCUMENTS).search(query, 3)
    assert hits[0].index == best
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_the_score_tells_a_close_match_from_none() -> None:
    index = Index(DOCUMENTS)
    assert all(index.search(document, 1)[0].score > 0.8 for document in DOCUMENTS)
    for strange in ("红烧肉的做法", "量子纠缠", "mount everest"):
        assert not (hits := index.search(strange, 1)) or hits[0].score < 0.3


def test_cosine_prefers_the_document_that_says_nothing_else() -> None:
    index = Index(["你好", "你好，今天我们来讲讲沙漠里的骆驼怎么找水"])
    likeness = index.cosine("你好")
    assert likeness[0] > 0.99 > 2 * likeness[1]


@given(st.lists(st.text(), max_size=6), st.text())
@settings(max_examples=60, deadline=None)
def test_scores_stay_between_zero_and_one(documents: list[str], query: str) -> None:
    index = Index(documents)
    for scores in (index.coverage(query), index.cosine(query)):
        assert scores.shape == (len(documents),)
        assert np.all((scores >= 0) & (scores <= 1.001))
    assert len(index.search(query, 3)) <= min(3, len(documents))


def test_ties_keep_the_order_of_the_documents() -> None:
    assert [hit.index for hit in top(np.array([0.5, 0.0, 0.5, 0.7]), 9)] == [3, 0, 2]


def test_building_can_be_stopped() -> None:
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        Index(DOCUMENTS, task)
