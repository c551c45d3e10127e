"""An embedder's folder becomes an embedder: as many bytes as were told, from every layout; what goes wrong is told, and
after a failure or an unloading nothing is left."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.embedders import load
from models.embedders.recipe import read_recipe
from models.errors import Cancelled, ModelUnavailable
from models.sizes import predict
from models.spec import Precision
from models.task import Task
from tests.models import tiny
from tests.models import tiny_embedders as tinies
from tests.models.watching import Recorder, models_alive

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # bitsandbytes' and torch's own imports, nothing of ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
TEXTS = ("骆驼在沙漠里慢慢地走", "Hello Camel!", " \n", "今天的天气很好，" * 3, "", "a\ud83d半个")
LONG = "骆驼在沙漠里慢慢地走，夜里有很多星星。" * 20


@pytest.mark.parametrize("kind", [*tinies.KINDS, "luotuo"])
def test_bytes_are_told_before_loading_at_every_precision(kind: str, embedder_folder: Callable[[str], Path]) -> None:
    recipe: Any = "luotuo-bert" if kind == "luotuo" else "sentence-transformers"
    whole = load(embedder_folder(kind), Precision.FP32, "cpu", Task(), kind=recipe)
    reference = whole.embed(TEXTS[:2], Task())
    assert whole.n_bytes == pytest.approx(predict(embedder_folder(kind), Precision.FP32, role="embed"), rel=0.02)
    for precision, likeness in ((Precision.BF16, 0.99), (Precision.INT8, 0.99), (Precision.NF4, 0.6)):
        embedder = load(embedder_folder(kind), precision, "cpu", Task(), kind=recipe)
        told = predict(embedder_folder(kind), precision, role="embed")
        assert embedder.n_bytes == pytest.approx(told, rel=0.02) and told < whole.n_bytes
        assert (embedder.embed(TEXTS[:2], Task()) * reference).sum(axis=1).min() > likeness
        assert embedder.unload()
    assert whole.unload()


def test_what_was_quantised_is_kept(embedder_folder: Callable[[str], Path], tmp_path: Path) -> None:
    from models.int8_cache import QuantisedCache

    rows = []
    for _ in range(2):
        cache = QuantisedCache(tmp_path / "cache", max_bytes=1 << 30)
        embedder = load(embedder_folder("bert"), Precision.INT8, "cpu", Task(), cache=cache)
        rows.append(embedder.embed(TEXTS, Task()))
        assert embedder.unload()
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)
    assert cache.n_bytes() > 0


def test_a_repository_in_the_local_cache_loads_offline(
    embedder_folder: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = shutil.copytree(embedder_folder("luotuo"), tmp_path / "flat")
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


def test_the_fingerprint_changes_with_all_that_changes_vectors(
    embedder_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    def mark(source: Path, precision: Precision = Precision.FP32, query: str = "") -> str:
        return load(source, precision, "cpu", Task(), query=query).fingerprint

    copy = shutil.copytree(embedder_folder("bert"), tmp_path / "elsewhere")
    (copy / "README.md").write_text("words")
    assert mark(copy) == mark(embedder_folder("bert"))
    marks = {mark(copy), mark(copy, Precision.BF16), mark(copy, query="other")}
    pooling = json.loads((copy / "1_Pooling" / "config.json").read_text())
    swapped = {**pooling, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (copy / "1_Pooling" / "config.json").write_text(json.dumps(swapped))
    assert len({*marks, mark(copy)}) == 4


def test_unload_ends_what_runs_and_tells_when_somebody_holds_the_model(embedder_folder: Callable[[str], Path]) -> None:
    before = models_alive()
    embedder = load(embedder_folder("bert"), Precision.FP32, "cpu", Task(), max_batch_tokens=50)
    task, failed = Recorder(), []
    task.step = lambda *_: None if embedder._network is None else unloaded.append(embedder.unload())  # type: ignore
    unloaded: list[bool] = []
    try:
        embedder.embed([LONG] * 4, task)
    except ModelUnavailable as error:
        failed.append(error)
    assert unloaded == [True] and failed[0].code == "model_unloaded"
    assert models_alive() == before  # also while the error is still at hand
    held = load(embedder_folder("bert"), Precision.FP32, "cpu", Task())
    holder = held._network.transformer
    assert not held.unload() and held.unload()
    del holder


def test_loading_tells_progress_and_can_be_stopped(embedder_folder: Callable[[str], Path]) -> None:
    task = Recorder()
    assert load(embedder_folder("qwen3"), Precision.FP32, "cpu", task).unload()
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
            load(embedder_folder("qwen3"), Precision.FP32, "cpu", Recorder(stop_at))
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
    how: str, damage: Callable[[Path], Any], code: str, embedder_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    bad = shutil.copytree(embedder_folder("bert"), tmp_path / "bad")
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


def test_a_description_of_version_five_reads_the_same(embedder_folder: Callable[[str], Path], tmp_path: Path) -> None:
    """Other names of the classes, one name for the pooling, the window in the tokenizer."""
    new = shutil.copytree(embedder_folder("xlm-roberta"), tmp_path / "new")
    parts = json.loads((new / "modules.json").read_text())
    for part in parts:
        name = part["type"].rpartition(".")[2]
        part["type"] = f"sentence_transformers.base.modules.{name.lower()}.{name}"
    (new / "modules.json").write_text(json.dumps(parts))
    (new / "1_Pooling" / "config.json").write_text(json.dumps({"embedding_dimension": 64, "pooling_mode": "mean"}))
    (new / "sentence_bert_config.json").write_text(json.dumps({"transformer_task": "feature-extraction"}))
    old = read_recipe(embedder_folder("xlm-roberta"), "sentence-transformers", "x")
    found = read_recipe(new, "sentence-transformers", "x")
    assert found.pooling == old.pooling == ("mean",)
    assert [getattr(part, "activation", part) for part in found.head] == ["Tanh", "normalize"]
    assert found.window is None and old.window == tinies.WINDOW
