"""An embedder's folder becomes unit vectors: the ones that its makers' library computes, for long texts as well, for
many visitors at once; what goes wrong is told, and after unloading nothing is left."""

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
from models.embedders.recipe import read_recipe
from models.embedders.turns import Turns
from models.errors import Cancelled, DoesNotFit, ModelUnavailable
from models.sizes import predict
from models.spec import Precision
from models.task import Task
from tests.models import tiny
from tests.models import tiny_embedders as tinies
from tests.models.watching import Recorder, models_alive

torch = pytest.importorskip("torch")
pytestmark = [
    # bitsandbytes' and torch's own imports, nothing of ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
TEXTS = ("骆驼在沙漠里慢慢地走", "Hello Camel!", " \n", "今天的天气很好，" * 3, "", "a\ud83d半个")
LONG = "骆驼在沙漠里慢慢地走，夜里有很多星星。" * 20


@pytest.fixture(autouse=True, scope="module")
def _few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            home = tmp_path_factory.mktemp(kind)
            made[kind] = tinies.luotuo(home) if kind == "luotuo" else tinies.embedder(home, kind)
        return made[kind]

    return make


@pytest.fixture(scope="module")
def bge(folder: Callable[[str], Path]) -> Iterator[NeuralEmbedder]:
    """Batches of two windows or so, so that a few texts are many batches."""
    embedder = load(folder("bert"), Precision.FP32, "cpu", Task(), query="为这个句子生成表示：", max_batch_tokens=96)
    yield embedder
    assert embedder.unload()


@pytest.mark.parametrize("kind", tinies.KINDS)
def test_vectors_are_those_of_sentence_transformers(kind: str, folder: Callable[[str], Path]) -> None:
    library = pytest.importorskip("sentence_transformers")
    embedder = load(folder(kind), Precision.FP32, "cpu", Task())
    rows = embedder.embed(TEXTS, Task())
    blank = [not text.strip() for text in TEXTS]
    assert rows.shape == (len(TEXTS), embedder.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [0.0 if empty else 1.0 for empty in blank], atol=1e-6)
    reference = library.SentenceTransformer(str(folder(kind)), device="cpu", local_files_only=True)
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


@pytest.mark.parametrize("kind", [*tinies.KINDS, "luotuo"])
def test_bytes_are_told_before_loading_at_every_precision(kind: str, folder: Callable[[str], Path]) -> None:
    recipe: Any = "luotuo-bert" if kind == "luotuo" else "sentence-transformers"
    whole = load(folder(kind), Precision.FP32, "cpu", Task(), kind=recipe)
    reference = whole.embed(TEXTS[:2], Task())
    assert whole.n_bytes == pytest.approx(predict(folder(kind), Precision.FP32, role="embed"), rel=0.02)
    for precision, likeness in ((Precision.BF16, 0.99), (Precision.INT8, 0.99), (Precision.NF4, 0.6)):
        embedder = load(folder(kind), precision, "cpu", Task(), kind=recipe)
        told = predict(folder(kind), precision, role="embed")
        assert embedder.n_bytes == pytest.approx(told, rel=0.02) and told < whole.n_bytes
        assert (embedder.embed(TEXTS[:2], Task()) * reference).sum(axis=1).min() > likeness
        assert embedder.unload()
    assert whole.unload()


def test_what_was_quantised_is_kept(folder: Callable[[str], Path], tmp_path: Path) -> None:
    from models.int8_cache import QuantisedCache

    rows = []
    for _ in range(2):
        cache = QuantisedCache(tmp_path / "cache", max_bytes=1 << 30)
        embedder = load(folder("bert"), Precision.INT8, "cpu", Task(), cache=cache)
        rows.append(embedder.embed(TEXTS, Task()))
        assert embedder.unload()
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)
    assert cache.n_bytes() > 0


def test_a_repository_in_the_local_cache_loads_offline(
    folder: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = shutil.copytree(folder("luotuo"), tmp_path / "flat")
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_CACHE", str(tiny.hub_cache(tmp_path / "hub", flat, "camel/luotuo"))
    )
    alike = [load(source, Precision.FP32, "cpu", Task(), kind="luotuo-bert") for source in ("camel/luotuo", flat)]
    np.testing.assert_array_equal(*(embedder.embed(TEXTS, Task()) for embedder in alike))
    assert len({embedder.fingerprint for embedder in alike}) == 1
    assert all(embedder.unload() for embedder in alike)
    with pytest.raises(ModelUnavailable) as missing:
        load("camel/nowhere", Precision.FP32, "cpu", Task())
    assert missing.value.code == "weights_missing"


def states(folder: Path, ids: Sequence[int]) -> Any:
    """The hidden states of one sequence, from a model of its own."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, local_files_only=True, dtype="float32").eval()
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state[0].numpy()


@pytest.mark.parametrize(("name", "first"), [("bge-tiny", True), ("some-bert", False)])
def test_an_encoder_without_a_description(
    name: str, first: bool, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    plain = shutil.copytree(folder("bert"), tmp_path / name)
    (plain / "modules.json").unlink()
    embedder = load(plain, Precision.FP32, "cpu", Task())
    text = "骆驼在沙漠里"
    found = states(plain, embedder._splitter._tokenizer(text)["input_ids"])
    expected = found[0] if first else found.mean(axis=0)
    np.testing.assert_allclose(embedder.embed([text], Task())[0], expected / np.linalg.norm(expected), atol=2e-6)
    assert embedder.unload()


def test_a_long_text_is_the_weighted_mean_of_its_windows(bge: NeuralEmbedder, folder: Callable[[str], Path]) -> None:
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder("bert"))
    content = words(LONG, add_special_tokens=False)["input_ids"]
    size = tinies.WINDOW - 2
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    assert len(parts) > 5 and len(parts[-1]) < size
    expected = np.zeros(bge.dim)
    for part in parts:
        vector = states(folder("bert"), [words.cls_token_id, *part, words.sep_token_id])[0]
        expected += len(part) * vector / np.linalg.norm(vector)
    np.testing.assert_allclose(bge.embed([LONG], Task())[0], expected / np.linalg.norm(expected), atol=2e-6)
    changed = bge.embed([LONG, LONG + "骆驼", "骆驼" + LONG], Task())
    assert abs(changed[1:] - changed[0]).max() > 1e-5  # neither end is cut off


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([*TEXTS, LONG[:90], LONG, "骆驼叫什么名字？", "x" * 200]), min_size=1, max_size=12))
def test_a_text_has_one_vector_whatever_stands_beside_it(bge: NeuralEmbedder, texts: list[str]) -> None:
    alone = np.concatenate([bge.embed([text], Task()) for text in texts])
    np.testing.assert_allclose(bge.embed(texts, Task()), alone, atol=2e-6)


def test_searches_get_the_models_instruction(bge: NeuralEmbedder, folder: Callable[[str], Path]) -> None:
    searched = bge.embed(["骆驼", " "], Task(), query=True)
    np.testing.assert_array_equal(searched, bge.embed(["为这个句子生成表示：骆驼", ""], Task()))
    assert abs(searched[0] - bge.embed(["骆驼"], Task())[0]).max() > 0.01


def test_the_folders_own_instruction_is_the_default(folder: Callable[[str], Path], tmp_path: Path) -> None:
    copy = shutil.copytree(folder("qwen3"), tmp_path / "copy")
    told = {"prompts": {"query": "Instruct: find\nQuery:", "document": ""}}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(told))
    embedder = load(copy, Precision.FP32, "cpu", Task())
    rows = embedder.embed(["camel"], Task(), query=True), embedder.embed(["Instruct: find\nQuery:camel"], Task())
    np.testing.assert_array_equal(*rows)
    assert embedder.unload()


def test_the_fingerprint_changes_with_all_that_changes_vectors(
    bge: NeuralEmbedder, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    def mark(source: Path, precision: Precision = Precision.FP32, query: str = "为这个句子生成表示：") -> str:
        return load(source, precision, "cpu", Task(), query=query).fingerprint

    copy = shutil.copytree(folder("bert"), tmp_path / "elsewhere")
    (copy / "README.md").write_text("words")
    assert mark(copy) == bge.fingerprint
    marks = {bge.fingerprint, mark(copy, Precision.BF16), mark(copy, query="other")}
    pooling = json.loads((copy / "1_Pooling" / "config.json").read_text())
    swapped = {**pooling, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (copy / "1_Pooling" / "config.json").write_text(json.dumps(swapped))
    assert len({*marks, mark(copy)}) == 4


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


def test_unload_ends_what_runs_and_tells_when_somebody_holds_the_model(folder: Callable[[str], Path]) -> None:
    before = models_alive()
    embedder = load(folder("bert"), Precision.FP32, "cpu", Task(), max_batch_tokens=50)
    task, failed = Recorder(), []
    task.step = lambda *_: None if embedder._network is None else unloaded.append(embedder.unload())  # type: ignore
    unloaded: list[bool] = []
    try:
        embedder.embed([LONG] * 4, task)
    except ModelUnavailable as error:
        failed.append(error)
    assert unloaded == [True] and failed[0].code == "model_unloaded"
    assert models_alive() == before  # also while the error is still at hand
    held = load(folder("bert"), Precision.FP32, "cpu", Task())
    holder = held._network.transformer
    assert not held.unload() and held.unload()
    del holder


def test_loading_tells_progress_and_can_be_stopped(folder: Callable[[str], Path]) -> None:
    task = Recorder()
    assert load(folder("qwen3"), Precision.FP32, "cpu", task).unload()
    fractions = [fraction for fraction, _ in task.told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(set(fractions)) > 8
    assert list(dict.fromkeys(note for _, note in task.told)) == [
        "model.reading",
        "model.loading",
        "model.checking",
        "model.ready",
    ]
    before = models_alive()
    for stop_at in (0.0, 0.4, 0.9):
        with pytest.raises(Cancelled):
            load(folder("qwen3"), Precision.FP32, "cpu", Recorder(stop_at))
    assert models_alive() == before


def _tensors(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _rewritten(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


FOREIGN = {"model_type": "chatglm", "auto_map": {"AutoModel": "modeling_x.X"}}
DAMAGE: list[tuple[str, Callable[[Path], Any], str]] = [
    ("cut off", lambda at: (at / "model.safetensors").write_bytes(b"\xff" * 64), "weights_broken"),
    ("no weights", lambda at: (at / "model.safetensors").unlink(), "weights_missing"),
    ("incomplete", lambda at: _tensors(at, lambda t: t.pop("encoder.layer.1.output.dense.weight")), "weights_missing"),
    ("not finite", lambda at: _tensors(at, lambda t: t["embeddings.LayerNorm.bias"].fill_(np.nan)), "model_not_finite"),
    ("foreign", lambda at: _rewritten(at / "config.json", **FOREIGN), "model_code"),
    ("no pooling", lambda at: (at / "1_Pooling" / "config.json").unlink(), "weights_broken"),
    ("no layer", lambda at: (at / "2_Dense" / "model.safetensors").unlink(), "weights_missing"),
    ("half a layer", lambda at: _tensors(at / "2_Dense", lambda t: t.pop("linear.weight")), "weights_missing"),
    ("wrong layer", lambda at: _tensors(at / "2_Dense", lambda t: t.update(t | WIDE)), "weights_broken"),
    ("own activation", lambda at: _rewritten(at / "2_Dense" / "config.json", **OWN), "embedder_part"),
    ("unknown pooling", lambda at: _rewritten(at / "1_Pooling" / "config.json", pooling_mode="rnn"), "embedder_part"),
    ("unknown part", lambda at: _part(at, "sentence_transformers.models.LSTM"), "embedder_part"),
    ("own part", lambda at: _part(at, "modeling_x.Dense"), "embedder_part"),
    ("elsewhere", lambda at: _part(at, "sentence_transformers.models.Dense", "../../x"), "weights_broken"),
]
WIDE = {"linear.weight": torch.zeros(24, 99)}
OWN = {"activation_function": "os.system"}


def _part(folder: Path, kind: str, path: str = "2_Dense") -> None:
    parts = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*parts, {"idx": 9, "path": path, "type": kind}]))


@pytest.mark.parametrize(("how", "damage", "code"), DAMAGE, ids=[how for how, _, _ in DAMAGE])
def test_a_failed_load_says_why_and_leaves_nothing(
    how: str, damage: Callable[[Path], Any], code: str, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    bad = shutil.copytree(folder("bert"), tmp_path / "bad")
    tinies.dense(bad / "2_Dense")
    _part(bad, "sentence_transformers.models.Dense")
    (bad / "modeling_x.py").write_text("raise SystemExit('code of a repository was run')")
    damage(bad)
    before = models_alive()
    with pytest.raises(ModelUnavailable) as failed:
        load(bad, Precision.FP32, "cpu", Task())
    assert failed.value.code == code
    assert models_alive() == before  # also while the error is still at hand
    assert failed.value.text("zh") and failed.value.text("en")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("bomb"),)


def test_a_pickled_head_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tinies.luotuo(tmp_path / "luotuo", pickled=True)
    torch.save({**torch.load(folder / "pytorch_model.bin"), "mlp.x": _Bomb()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable):
        load(folder, Precision.FP32, "cpu", Task(), kind="luotuo-bert")
    assert not (tmp_path / "bomb").exists()


def test_a_description_of_version_five_reads_the_same(folder: Callable[[str], Path], tmp_path: Path) -> None:
    """Other names of the classes, one name for the pooling, the window in the tokenizer."""
    new = shutil.copytree(folder("xlm-roberta"), tmp_path / "new")
    parts = json.loads((new / "modules.json").read_text())
    for part in parts:
        name = part["type"].rpartition(".")[2]
        part["type"] = f"sentence_transformers.base.modules.{name.lower()}.{name}"
    (new / "modules.json").write_text(json.dumps(parts))
    (new / "1_Pooling" / "config.json").write_text(json.dumps({"embedding_dimension": 64, "pooling_mode": "mean"}))
    (new / "sentence_bert_config.json").write_text(json.dumps({"transformer_task": "feature-extraction"}))
    old = read_recipe(folder("xlm-roberta"), "sentence-transformers", "x")
    found = read_recipe(new, "sentence-transformers", "x")
    assert found.pooling == old.pooling == ("mean",)
    assert [getattr(part, "activation", part) for part in found.head] == ["Tanh", "normalize"]
    assert found.window is None and old.window == tinies.WINDOW
