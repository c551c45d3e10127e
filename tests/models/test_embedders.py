"""An embedder's vectors: the ones that its makers' library computes, for long texts as well, and for many visitors at
once."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.embedders import NeuralEmbedder, load
from models.embedders.network import Network
from models.embedders.turns import Turns
from models.errors import Cancelled, DoesNotFit
from models.sizes import predict
from models.spec import Precision
from models.task import Task
from tests.models import tiny_embedders as tinies
from tests.models.watching import Recorder

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # bitsandbytes' and torch's own imports, nothing of ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
TEXTS = ("骆驼在沙漠里慢慢地走", "Hello Camel!", " \n", "今天的天气很好，" * 3, "", "a\ud83d半个")
LONG = "骆驼在沙漠里慢慢地走，夜里有很多星星。" * 20


@pytest.fixture(scope="module")
def bge(embedder_folder: Callable[[str], Path]) -> Iterator[NeuralEmbedder]:
    """Batches of two windows or so, so that a few texts are many batches."""
    embedder = load(
        embedder_folder("bert"), Precision.FP32, "cpu", Task(), query="为这个句子生成表示：", max_batch_tokens=96
    )
    yield embedder
    assert embedder.unload()


@pytest.mark.parametrize("kind", tinies.KINDS)
def test_vectors_are_those_of_sentence_transformers(kind: str, embedder_folder: Callable[[str], Path]) -> None:
    library = pytest.importorskip("sentence_transformers")
    embedder = load(embedder_folder(kind), Precision.FP32, "cpu", Task())
    rows = embedder.embed(TEXTS, Task())
    blank = [not text.strip() for text in TEXTS]
    assert rows.shape == (len(TEXTS), embedder.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [0.0 if empty else 1.0 for empty in blank], atol=1e-6)
    reference = library.SentenceTransformer(str(embedder_folder(kind)), device="cpu", local_files_only=True)
    encodable = [text.encode("utf-8", "replace").decode() for text in TEXTS if text.strip()]
    np.testing.assert_allclose(rows[~np.array(blank)], reference.encode(encodable), atol=2e-6)
    assert embedder.unload()


def luotuo_by_hand(folder: Path, text: str) -> Any:
    """tanh(fc(dense(first state))) of one text, with nothing of ours in it. Not of unit length."""
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertConfig, BertModel

    stored = folder / "model.safetensors"
    state = load_file(stored) if stored.exists() else torch.load(folder / "pytorch_model.bin", weights_only=True)
    body = {name.removeprefix("bert."): tensor for name, tensor in state.items() if "mlp." not in name}
    model = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False).eval()
    model.load_state_dict(body)
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        first = model(ids).last_hidden_state[0, 0]
        inner = state["mlp.dense.weight"] @ first + state["mlp.dense.bias"]
        return torch.tanh(state["mlp.fc.weight"] @ inner + state["mlp.fc.bias"]).numpy()


@pytest.mark.parametrize("prefix", ["", "bert."])
@pytest.mark.parametrize("pickled", [False, True])
def test_luotuo_bert_and_its_head(prefix: str, pickled: bool, tmp_path: Path) -> None:
    folder = tinies.luotuo(tmp_path, prefix=prefix, pickled=pickled)
    embedder = load(folder, Precision.FP32, "cpu", Task(), kind="luotuo-bert")
    texts = ["骆驼在沙漠里慢慢地走", "今天的天气很好"]
    expected = np.array([luotuo_by_hand(folder, text) for text in texts])
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    assert abs(norms[0] - 1) > 0.1  # the recipe's own vectors are not of unit length; the rows handed out are
    np.testing.assert_allclose(embedder.embed(texts, Task()), expected / norms, atol=2e-6)
    assert embedder.dim == 160 and embedder.n_bytes == predict(folder, Precision.FP32, role="embed")
    assert embedder.unload()


def states(folder: Path, ids: Sequence[int]) -> Any:
    """The hidden states of one sequence, from a model of its own."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype="float32").eval()
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state[0].numpy()


@pytest.mark.parametrize(("name", "first"), [("bge-tiny", True), ("some-bert", False)])
def test_an_encoder_without_a_description(
    name: str, first: bool, embedder_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    plain = shutil.copytree(embedder_folder("bert"), tmp_path / name)
    (plain / "modules.json").unlink()
    embedder = load(plain, Precision.FP32, "cpu", Task())
    text = "骆驼在沙漠里"
    found = states(plain, embedder._splitter._tokenizer(text)["input_ids"])
    expected = found[0] if first else found.mean(axis=0)
    np.testing.assert_allclose(embedder.embed([text], Task())[0], expected / np.linalg.norm(expected), atol=2e-6)
    assert embedder.unload()


def test_a_long_text_is_the_weighted_mean_of_its_windows(
    bge: NeuralEmbedder, embedder_folder: Callable[[str], Path]
) -> None:
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(embedder_folder("bert"))
    content = words(LONG, add_special_tokens=False)["input_ids"]
    size = tinies.WINDOW - 2
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    assert len(parts) > 5 and len(parts[-1]) < size
    expected = np.zeros(bge.dim)
    for part in parts:
        vector = states(embedder_folder("bert"), [words.cls_token_id, *part, words.sep_token_id])[0]
        expected += len(part) * vector / np.linalg.norm(vector)
    np.testing.assert_allclose(bge.embed([LONG], Task())[0], expected / np.linalg.norm(expected), atol=2e-6)
    changed = bge.embed([LONG, LONG + "骆驼", "骆驼" + LONG], Task())
    assert abs(changed[1:] - changed[0]).max() > 1e-5  # neither end is cut off


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([*TEXTS, LONG[:90], LONG, "骆驼叫什么名字？", "x" * 200]), min_size=1, max_size=12))
def test_a_text_has_one_vector_whatever_stands_beside_it(bge: NeuralEmbedder, texts: list[str]) -> None:
    alone = np.concatenate([bge.embed([text], Task()) for text in texts])
    np.testing.assert_allclose(bge.embed(texts, Task()), alone, atol=2e-6)


def test_searches_get_the_models_instruction(bge: NeuralEmbedder, embedder_folder: Callable[[str], Path]) -> None:
    searched = bge.embed(["骆驼", " "], Task(), query=True)
    np.testing.assert_array_equal(searched, bge.embed(["为这个句子生成表示：骆驼", ""], Task()))
    assert abs(searched[0] - bge.embed(["骆驼"], Task())[0]).max() > 0.01


def test_the_folders_own_instruction_is_the_default(embedder_folder: Callable[[str], Path], tmp_path: Path) -> None:
    copy = shutil.copytree(embedder_folder("qwen3"), tmp_path / "copy")
    told = {"prompts": {"query": "Instruct: find\nQuery:", "document": ""}}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(told))
    embedder = load(copy, Precision.FP32, "cpu", Task())
    rows = embedder.embed(["camel"], Task(), query=True), embedder.embed(["Instruct: find\nQuery:camel"], Task())
    np.testing.assert_array_equal(*rows)
    assert embedder.unload()


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """The task of every batch that was begun."""
    begun: list[Task] = []
    original = Network.vectors

    def seen(self: Network, rows: Any, task: Task) -> Any:
        begun.append(task)
        return original(self, rows, task)

    monkeypatch.setattr(Network, "vectors", seen)
    return begun


def test_progress_and_a_stop_between_batches(bge: NeuralEmbedder, passes: list[Task]) -> None:
    task = Recorder()
    bge.embed([LONG] * 3, task)
    fractions = [fraction for fraction, _ in task.told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(fractions) == len(passes) > 5
    passes.clear()
    with pytest.raises(Cancelled):
        bge.embed([LONG] * 3, Recorder(stop_at=0.2))
    assert 1 <= len(passes) <= 4
    assert bge.embed(["骆驼"], Task()).any()


def test_a_stop_inside_a_batch_is_heard_within_a_layer(bge: NeuralEmbedder) -> None:
    reached, task = [], Task()
    layers = bge._network.transformer.encoder.layer

    def seen(at: int) -> None:
        reached.append(at)
        task.stop()

    hooks = [layers[at].register_forward_hook(lambda *_, at=at: seen(at)) for at in range(2)]
    try:
        with pytest.raises(Cancelled):
            bge.embed(["骆驼"], task)
        assert reached == [0]
    finally:
        for hook in hooks:
            hook.remove()


def test_visitors_take_turns_and_get_what_they_would_get_alone(bge: NeuralEmbedder, passes: list[Task]) -> None:
    many, one, begun = Task(), Task(), threading.Event()
    alone = bge.embed([LONG] * 8, Task()), bge.embed(["骆驼"], Task())
    passes.clear()
    rows: dict[str, Any] = {}
    many.step = lambda *_: begun.set()  # type: ignore[method-assign]
    visitors = [threading.Thread(target=lambda: rows.update(many=bge.embed([LONG] * 8, many)))]
    visitors.append(threading.Thread(target=lambda: begun.wait(10) and rows.update(one=bge.embed(["骆驼"], one))))
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(60)
    np.testing.assert_array_equal(rows["many"], alone[0])
    np.testing.assert_array_equal(rows["one"], alone[1])
    assert passes.index(one) < len(passes) - 5  # in the middle of the other's batches, not after them


def test_turns_are_had_in_the_order_of_asking() -> None:
    """Whoever lets go and asks again at once stands behind those who waited."""
    turns, order, threads = Turns(), [], []

    def visit(who: int) -> None:
        for _ in range(3):
            with turns.turn():
                order.append(who)

    with turns.turn():
        for who in range(3):
            asked = turns._asked
            threads.append(threading.Thread(target=visit, args=(who,)))
            threads[-1].start()
            while turns._asked == asked:
                time.sleep(0.001)
        assert not order
    for thread in threads:
        thread.join(10)
    assert order[:3] == [0, 1, 2] and len(order) == 9


def test_memory_that_does_not_suffice_halves_the_batch_or_tells(
    bge: NeuralEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = bge.embed([*TEXTS, LONG], Task())
    original, room = Network.vectors, [1]

    def full(self: Network, rows: Any, task: Task) -> Any:
        if len(rows) > room[0]:
            raise MemoryError
        return original(self, rows, task)

    monkeypatch.setattr(Network, "vectors", full)
    np.testing.assert_allclose(bge.embed([*TEXTS, LONG], Task()), expected, atol=2e-6)
    room[0] = 0
    with pytest.raises(DoesNotFit):
        bge.embed(["骆驼"], Task())
