"""Hashed vectors: unit rows, likeness in the right order, the same figures in every process, floors on real data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedded.vectors import BUCKETS, EmbeddedEmbedder
from models.errors import Cancelled
from models.task import Task

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


@given(st.lists(st.text(), max_size=8))
@settings(max_examples=60, deadline=None)
def test_rows_are_unit_or_zero_for_any_text(texts: list[str]) -> None:
    rows = EmbeddedEmbedder(dim=256).embed(texts, Task())
    assert rows.shape == (len(texts), 256)
    assert rows.dtype == np.float32
    lengths = np.linalg.norm(rows, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-3) | (lengths == 0))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_a_row_does_not_depend_on_its_neighbours(texts: list[str], at: int) -> None:
    embedder = EmbeddedEmbedder(dim=256)
    one = texts[at % len(texts)]
    alone = embedder.embed([one], Task())[0]
    assert np.allclose(embedder.embed(texts, Task())[at % len(texts)], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("一个男人在弹吉他", "男人正在弹吉他", "股市今天大幅下跌"),
        ("今天天气很好", "天气真好啊今天", "他把书放在桌子上"),
        ("駱駝在沙漠裡行走", "骆驼在沙漠里走", "电脑的内存不够用"),
        ("the camel walks in the desert", "camels walking through a desert", "the price of the shares"),
        ("ＬＯＲＡ微调", "lora 微调", "注意力机制"),
    ],
)
def test_like_texts_are_nearer(text: str, near: str, far: str) -> None:
    a, b, c = EmbeddedEmbedder().embed([text, near, far], Task())
    assert a @ b > a @ c + 0.1


def test_blank_texts_are_zero_and_emoji_are_not() -> None:
    rows = EmbeddedEmbedder(dim=64).embed(["", " \n\t", "。！？", "😀", "\ud800"], Task())
    assert [bool(row.any()) for row in rows] == [False, False, False, True, False]


def test_sparse_and_dense_agree_on_likeness() -> None:
    texts = ["骆驼会说话", "骆驼会唱歌", "今天股票涨了", "骆驼会说话"]
    embedder = EmbeddedEmbedder()
    exact = embedder.sparse(texts, Task())
    assert exact.shape == (4, BUCKETS)
    rows = embedder.embed(texts, Task())
    assert np.abs((exact @ exact.T).toarray() - rows @ rows.T).max() < 0.1


def test_svd_is_seeded_and_survives_tiny_corpora() -> None:
    embedder = EmbeddedEmbedder()
    matrix = embedder.sparse([f"第{n}句话说的是{n * n}" for n in range(30)], Task())
    first, second = embedder.dense(matrix, 8, seed=3), embedder.dense(matrix, 8, seed=3)
    assert first.shape == (30, 8)
    assert np.array_equal(first, second)
    for texts in ([], [""], ["骆驼"], ["骆驼", "骆驼"], ["", "驼"]):
        assert embedder.dense(embedder.sparse(texts, Task()), 8).shape[0] == len(texts)


def test_fit_damps_what_every_text_holds() -> None:
    texts = [f"骆驼驿站{name}" for name in ("摘要", "问答", "嵌入", "先知", "聊天", "首页")]
    plain, fitted = EmbeddedEmbedder(), EmbeddedEmbedder().fit(texts, Task())
    before = (plain.sparse(texts[:1], Task()) @ plain.sparse(texts[1:2], Task()).T)[0, 0]
    after = (fitted.sparse(texts[:1], Task()) @ fitted.sparse(texts[1:2], Task()).T)[0, 0]
    assert after < before


def test_the_same_in_another_process() -> None:
    code = (
        "from models.embedded.vectors import EmbeddedEmbedder as E; from models.task import Task;"
        "print(E(dim=64).embed(['骆驼会说话 camel 42'], Task()).tobytes().hex())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, env=environment)
    here = EmbeddedEmbedder(dim=64).embed(["骆驼会说话 camel 42"], Task())
    assert np.allclose(np.frombuffer(bytes.fromhex(other.stdout.decode().strip()), np.float32), here[0], atol=1e-6)


def test_a_megabyte_without_punctuation_and_a_stop() -> None:
    assert EmbeddedEmbedder(dim=256).embed(["骆驼" * 500_000], Task()).any()
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        EmbeddedEmbedder(dim=256).embed(["骆驼"], task)


def test_progress_reaches_the_end() -> None:
    task = Task()
    EmbeddedEmbedder(dim=64).embed([f"第{n}句" for n in range(5_000)], task)
    assert task.fraction == 1.0


@pytest.mark.skipif(not DATA.exists(), reason="the shared test data are not here")
def test_floors_on_real_data() -> None:
    from scipy.stats import spearmanr

    lines = (DATA / "embedding/stsb_zh/dev.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    embedder = EmbeddedEmbedder()
    left, right = (embedder.embed([pair[side] for pair in pairs], Task()) for side in "ab")
    assert spearmanr((left * right).sum(axis=1), [pair["score"] for pair in pairs])[0] >= 0.68
    articles = json.loads((DATA / "qa/cmrc2018/trial.json").read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    asked = [(qa["question"], at) for at, paragraph in enumerate(paragraphs) for qa in paragraph["qas"]]
    passages = embedder.embed([paragraph["context"] for paragraph in paragraphs], Task())
    questions = embedder.embed([question for question, _ in asked], Task())
    found = (questions @ passages.T).argmax(axis=1)
    assert np.mean(found == [at for _, at in asked]) >= 0.95
