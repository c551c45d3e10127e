"""Bytes told before loading are the bytes held after it, on every architecture of the catalogue."""

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.architecture import layout
from models.checkpoint import Tensor, read_config, tensors
from models.errors import BadInput
from models.sizes import adapter_bytes, held_bytes, predict
from models.spec import Precision

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = [
    # bitsandbytes and torch's own imports, nothing of ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
TOLERANCE = 0.02
ROPE = {"hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 8, "intermediate_size": 640}
ROPE |= {"vocab_size": 3000, "max_position_embeddings": 512}
BERT = {"vocab_size": 3000, "hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4}
BERT |= {"intermediate_size": 512, "max_position_embeddings": 128}
T5 = {"vocab_size": 3000, "d_model": 256, "d_ff": 640, "d_kv": 32, "num_heads": 8, "num_layers": 2}
# name → (configuration, whether the model is an embedder)
BUILDS: dict[str, tuple[dict[str, Any], bool]] = {
    "llama": ({"model_type": "llama", **ROPE, "num_key_value_heads": 8}, False),
    "qwen2": ({"model_type": "qwen2", **ROPE, "num_key_value_heads": 2, "tie_word_embeddings": True}, False),
    "qwen3": ({"model_type": "qwen3", **ROPE, "num_key_value_heads": 4, "head_dim": 64}, False),
    "glm": ({"model_type": "glm", **ROPE, "num_key_value_heads": 2, "head_dim": 32, "attention_bias": True}, False),
    "gemma": ({"model_type": "gemma", **ROPE, "num_key_value_heads": 1, "head_dim": 64}, False),
    "gpt2": ({"model_type": "gpt2", "vocab_size": 3000, "n_positions": 256, "n_embd": 256, "n_layer": 3}, False),
    "bert": ({"model_type": "bert", **BERT}, True),
    "xlm-roberta": ({"model_type": "xlm-roberta", **BERT, "type_vocab_size": 1}, True),
    "t5": ({"model_type": "t5", **T5}, False),
    "flan-t5": ({"model_type": "t5", **T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}, False),
}
BUILDS["gpt2"][0]["n_head"] = 8


def _auto(name: str) -> Any:
    config, embeds = BUILDS[name]
    seq2seq = config["model_type"] == "t5"
    if embeds:
        return transformers.AutoModel
    return transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with random float32 weights of an architecture, built once: safetensors, in three shards for Qwen3."""
    root = tmp_path_factory.mktemp("checkpoints")

    def build(name: str) -> Path:
        if not (root / name).exists():
            torch.set_num_threads(1)
            torch.manual_seed(0)
            fields = dict(BUILDS[name][0])
            config = transformers.AutoConfig.for_model(fields.pop("model_type"), pad_token_id=0, **fields)
            model = _auto(name).from_config(config)
            model.save_pretrained(root / name, max_shard_size="4MB" if name == "qwen3" else "5GB")
        return root / name

    return build


def held(model: Any) -> int:
    """Bytes of every tensor of a loaded model, bitsandbytes' scales with them, storages counted once."""
    found: dict[tuple[int, int], int] = {}
    for tensor in _all_tensors(model):
        if tensor is not None and not tensor.is_meta:
            found[tensor.data_ptr(), tensor.numel()] = tensor.numel() * tensor.element_size()
    return sum(found.values())


def _all_tensors(model: Any) -> Iterator[Any]:
    yield from model.parameters()
    yield from model.buffers()
    for parameter in model.parameters():
        yield getattr(parameter, "SCB", None)
        if (state := getattr(parameter, "quant_state", None)) is not None:
            yield from (state.absmax, state.code)


def load(folder: Path, name: str, precision: Precision, dtype: str) -> Any:
    """The model as the engine loads it."""
    quantised = None
    if precision in (Precision.INT8, Precision.NF4):
        pytest.importorskip("bitsandbytes")
        keys = {Precision.INT8: {"load_in_8bit": True}}
        quantised = transformers.BitsAndBytesConfig(
            **keys.get(precision, {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"})
        )
    return _auto(name).from_pretrained(
        folder, dtype=dtype, quantization_config=quantised, device_map="cpu", trust_remote_code=False
    )


def _role(name: str) -> Any:
    return "embed" if BUILDS[name][1] else "generate"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", BUILDS)
def test_int8_is_told_within_two_percent(checkpoint: Callable[[str], Path], name: str, dtype: Any) -> None:
    folder = checkpoint(name)
    told = predict(folder, Precision.INT8, dtype=dtype, role=_role(name))
    assert told == pytest.approx(held(load(folder, name, Precision.INT8, dtype)), rel=TOLERANCE)


@pytest.mark.parametrize("name", BUILDS)
def test_nf4_and_whole_types_are_told_within_two_percent(checkpoint: Callable[[str], Path], name: str) -> None:
    folder = checkpoint(name)
    told = predict(folder, Precision.NF4, dtype="float16", role=_role(name))
    assert told == pytest.approx(held(load(folder, name, Precision.NF4, "float16")), rel=TOLERANCE)
    for precision, dtype in ((Precision.FP32, "float32"), (Precision.FP16, "float16"), (Precision.BF16, "bfloat16")):
        told = predict(folder, precision, role=_role(name))
        assert told == pytest.approx(held(load(folder, name, precision, dtype)), rel=TOLERANCE), precision


@pytest.mark.parametrize("name", BUILDS)
def test_arithmetic_on_the_configuration_lists_the_checkpoint(checkpoint: Callable[[str], Path], name: str) -> None:
    folder = checkpoint(name)
    stored = tensors(folder)
    computed = layout(BUILDS[name][0], "F32")
    assert {name: tensor for name, tensor in computed.items() if name not in stored} == {}
    assert {key: tensor for key, tensor in stored.items() if computed.get(key) != tensor and "lm_head" not in key} == {}
    for precision in Precision:
        sizes = [
            held_bytes(entries, read_config(folder), precision, dtype="float16", role=_role(name))
            for entries in (computed, stored)
        ]
        assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", ["qwen3", "t5", "gpt2"])
def test_an_int8_checkpoint_holds_what_it_stores(checkpoint: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    """The disk cache of a quantised model: its header, unlike the source's, has the int8 weights and their scales."""
    load(checkpoint(name), name, Precision.INT8, "float16").save_pretrained(tmp_path)
    again = _auto(name).from_pretrained(tmp_path)
    assert predict(tmp_path, Precision.INT8) == pytest.approx(held(again), rel=TOLERANCE)


def test_without_a_type_the_checkpoints_own_counts(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    """First what config.json says, then what the header says; never float32 by assumption."""
    _auto("llama").from_pretrained(checkpoint("llama"), dtype="bfloat16").save_pretrained(tmp_path)
    for quantised in (Precision.INT8, Precision.NF4):
        assert predict(tmp_path, quantised) == predict(checkpoint("llama"), quantised, dtype="bfloat16")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "dtype": None}))
    assert predict(tmp_path, Precision.INT8) == predict(checkpoint("llama"), Precision.INT8, dtype="bfloat16")
    assert predict(tmp_path, Precision.INT8) == pytest.approx(
        held(load(tmp_path, "llama", Precision.INT8, "auto")), rel=TOLERANCE
    )


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_old_bin_files(checkpoint: Callable[[str], Path], tmp_path: Path, legacy: bool) -> None:
    """GPT-2 as it was saved in 2023: causal masks, a stored copy of the tied head, two shards behind an index."""
    state = dict(_auto("gpt2").from_pretrained(checkpoint("gpt2")).state_dict())
    for layer in range(3):
        state[f"transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 1024, 1024, dtype=torch.uint8)
        state[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    names = sorted(state)
    placed = {name: f"pytorch_model-0000{1 + (at > 20)}-of-00002.bin" for at, name in enumerate(names)}
    for file in set(placed.values()):
        part = {name: state[name] for name in names if placed[name] == file}
        torch.save(part, tmp_path / file, _use_new_zipfile_serialization=not legacy)
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    shutil.copy(checkpoint("gpt2") / "config.json", tmp_path)
    for precision in (Precision.INT8, Precision.FP16):
        told = predict(tmp_path, precision, dtype="float16")
        assert told == predict(checkpoint("gpt2"), precision, dtype="float16")
        assert told == pytest.approx(held(load(tmp_path, "gpt2", precision, "float16")), rel=TOLERANCE)


@pytest.mark.parametrize("name, source", [("flan-t5", "shared"), ("qwen2", "model.embed_tokens")])
@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_a_tied_head_that_is_stored_all_the_same(
    checkpoint: Callable[[str], Path], tmp_path: Path, name: str, source: str, suffix: str
) -> None:
    """Held once when it is the embedding over again, twice when it is not, as in Flan-T5."""
    from safetensors.torch import load_file, save_file

    state = load_file(checkpoint(name) / "model.safetensors")
    shutil.copy(checkpoint(name) / "config.json", tmp_path)
    for shift in (0, 1):
        state["lm_head.weight"] = state[f"{source}.weight"] + shift
        if suffix == "bin":
            torch.save(state, tmp_path / "pytorch_model.bin")
        else:
            save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
        told = predict(tmp_path, Precision.INT8, dtype="float16")
        assert told == pytest.approx(held(load(tmp_path, name, Precision.INT8, "float16")), rel=TOLERANCE), shift


def test_heads_that_an_embedder_does_not_load(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    config, _ = BUILDS["bert"]
    fields = {key: value for key, value in config.items() if key != "model_type"}
    transformers.BertForPreTraining(transformers.BertConfig(**fields)).save_pretrained(tmp_path)
    told = predict(tmp_path, Precision.FP32, role="embed")
    assert told == predict(checkpoint("bert"), Precision.FP32, role="embed")


def test_adapters_are_counted_as_they_were_saved(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"q.lora_A.weight": torch.zeros(8, 64), "q.lora_B.weight": torch.zeros(64, 8)}, tmp_path / "x")
    (tmp_path / "x").rename(tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text("{}")
    assert adapter_bytes(tmp_path) == 2 * 8 * 64 * 4


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("bomb"),)


def test_a_pickle_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    for zipped in (True, False):
        torch.save({"w": _Bomb()}, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        with pytest.raises(BadInput) as caught:
            predict(tmp_path, Precision.INT8)
        assert caught.value.code == "weights_broken" and not (tmp_path / "bomb").exists()
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"w": 1}))
    with pytest.raises(BadInput):
        predict(tmp_path, Precision.INT8)


def test_what_is_missing_or_damaged_is_named(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    def code(folder: Path) -> str:
        with pytest.raises(BadInput) as caught:
            predict(folder, Precision.INT8)
        return caught.value.code

    assert code(tmp_path) == "weights_missing"
    shutil.copytree(checkpoint("qwen3"), tmp_path / "a")
    next((tmp_path / "a").glob("model-00002*")).unlink()
    assert code(tmp_path / "a") == "weights_missing"
    shutil.copytree(checkpoint("llama"), tmp_path / "b")
    whole = (tmp_path / "b" / "model.safetensors").read_bytes()
    (tmp_path / "b" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert code(tmp_path / "b") == "weights_broken"
    (tmp_path / "b" / "model.safetensors").write_bytes(b"\xff" * 64)
    assert code(tmp_path / "b") == "weights_broken"
    (tmp_path / "b" / "model.safetensors").unlink()
    index = {"weight_map": {"w": "../../secret.safetensors"}}
    (tmp_path / "b" / "model.safetensors.index.json").write_text(json.dumps(index))
    assert code(tmp_path / "b") == "weights_broken"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_weights_or_bad_input(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(len(data).to_bytes(8, "little") + data)
    try:
        assert predict(folder, Precision.INT8) >= 0
    except BadInput as error:
        assert error.code == "weights_broken"


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_quantised_is_smaller_and_never_free(rows: int, columns: int) -> None:
    entries = {"layer.weight": Tensor("F16", (rows, columns)), "lm_head.weight": Tensor("F16", (rows, columns))}
    n = rows * columns
    int8, nf4 = (held_bytes(entries, {}, precision, dtype="float16") for precision in (Precision.INT8, Precision.NF4))
    assert int8 == n + 4 * rows + 2 * n
    assert n / 2 + 2 * n < nf4 <= n / 2 + n / 16 + 70 + 2 * n
