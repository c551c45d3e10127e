"""The catalogue of neural models: its literal rows, rows of the user's own, and adapters that find their base."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.architecture import context_length, kv_bytes_per_token, layout
from models.device import GIB
from models.errors import BadInput, HubError, UnknownModel
from models.modelspec import AdapterSpec, ModelSpec
from models.neural import ADAPTERS, MODELS
from models.rows import catalogue, local, row, with_config
from models.spec import Precision

LLAMA = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
LLAMA |= {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300, "max_position_embeddings": 128}
LORA = {"base_model_name_or_path": "decapoda-research/llama-7b-hf", "peft_type": "LORA", "enable_lora": None}


def write(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A safetensors file of zeros, by the format's own rules."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with a tiny Llama."""
    folder = tmp_path / "My Llama"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA))
    write(folder / "model.safetensors", {name: tensor.shape for name, tensor in layout(LLAMA).items()})
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A folder with a LoRA in the format of March 2023."""
    folder = tmp_path / "voice"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(LORA))
    write(folder / "adapter_model.safetensors", {"q_proj.lora_A.weight": (8, 64), "q_proj.lora_B.weight": (64, 8)})
    return folder


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.key)
def test_every_row_is_the_arithmetic_of_its_configuration(spec: ModelSpec) -> None:
    assert {precision: spec.held(precision, "float16") for precision in Precision} == dict(spec.n_bytes)
    assert spec.architecture == spec.config["model_type"]
    assert spec.kv_bytes_per_token == (0 if spec.role == "embed" else kv_bytes_per_token(spec.config))
    assert 0 < spec.context <= context_length(spec.config)
    assert ("embed" in spec.good_for) == (spec.role == "embed")


# GiB as published or measured by others: model → (precision, figure)
KNOWN = [
    ("qwen3-4b", "int8", 4.1),
    ("qwen2.5-0.5b", "int8", 0.6),
    ("qwen3-8b", "int8", 8.8),
    ("qwen2.5-7b", "int8", 8.1),
    ("glm-4-9b", "int8", 9.9),
    ("haruhi-zero-7b", "int8", 8.4),
    ("haruhi-zero-gemma-2b", "int8", 2.8),
    ("mini-luotuo-3.5b", "fp16", 6.6),
    ("llama-7b", "fp16", 12.6),
    ("glm-4-9b", "bf16", 17.5),
    ("bge-small-zh", "fp32", 0.1),
]


@pytest.mark.parametrize("key, precision, gib", KNOWN)
def test_rows_agree_with_figures_from_elsewhere(key: str, precision: str, gib: float) -> None:
    assert round(catalogue().model(key).n_bytes[Precision(precision)] / GIB, 1) == gib


@pytest.mark.parametrize(
    "key, millions",
    [("mini-luotuo-110m", 124), ("mini-luotuo-312m", 312), ("luotuo-bert-medium", 327), ("bge-m3", 568)],
)
def test_parameters(key: str, millions: int) -> None:
    n = sum(tensor.n for tensor in layout(catalogue().model(key).config).values())
    assert round(n / 1e6) == millions


def test_the_catalogue_is_whole() -> None:
    keys = [spec.key for spec in (*MODELS, *ADAPTERS)]
    assert len(set(keys)) == len(keys)
    assert all(spec.base in keys for spec in ADAPTERS)
    assert next(spec.key for spec in MODELS if spec.role == "embed") == "bge-small-zh", "the default embedder"
    assert MODELS[0].key == "qwen3-4b", "the default chat model"
    with pytest.raises(UnknownModel):
        catalogue().model("gpt-9")


def test_what_stays_whole_in_float32_costs_more() -> None:
    spec = catalogue().model("qwen3-8b")
    embeddings = 2 * spec.config["vocab_size"] * spec.config["hidden_size"]
    extra = spec.held(Precision.INT8, "float32") - spec.held(Precision.INT8, "bfloat16")
    assert 2 * embeddings < extra < 2.01 * embeddings


def test_a_folder_is_a_row(base: Path) -> None:
    spec = local(base)
    assert isinstance(spec, ModelSpec) and spec.key == "my-llama" and spec.folder == base
    assert (spec.architecture, spec.context, spec.kv_bytes_per_token) == ("llama", 128, 2 * 2 * 2 * 16 * 2)
    assert spec.held(Precision.INT8, "float16") == spec.n_bytes[Precision.INT8] < spec.n_bytes[Precision.FP16]
    assert spec.good_for[0] == "respond" and spec.licence


def test_an_adapter_finds_its_base_through_the_overrides(adapter: Path, base: Path, tmp_path: Path) -> None:
    spec = local(adapter)
    assert isinstance(spec, AdapterSpec) and spec.n_bytes == 2 * 8 * 64 * 2
    assert catalogue().plus(spec).adapters_of("llama-7b")[-1].key == "voice"
    moved = f'[overrides]\n"decapoda-research/llama-7b-hf" = "{base.as_posix()}"\n'
    (tmp_path / "models.toml").write_text(f'{moved}[adapters.mine]\nfolder = "{adapter.as_posix()}"\n')
    full = catalogue(tmp_path)
    assert full.model("llama-7b").folder == base and full.adapters["mine"].base == "llama-7b"
    (tmp_path / "models.toml").write_text('[overrides]\n"decapoda-research/llama-7b-hf" = "someone/llama-7b"\n')
    assert catalogue(tmp_path).model("llama-7b").repo == "someone/llama-7b"
    assert catalogue(tmp_path).base_of("decapoda-research/llama-7b-hf") == "llama-7b"


def test_rows_from_toml(base: Path, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(
        f"""
        [models.my-chat]
        repo = "org/name"
        title = "我的模型"
        good_for = ["roleplay", "respond"]
        prompt = "alpaca"
        [models.mine]
        folder = "{base.as_posix()}"
        context = 64
        [adapters.my-voice]
        base = "my-chat"
        repo = "org/voice"
        """,
        encoding="utf-8",
    )
    full = catalogue(tmp_path)
    spec = full.model("my-chat")
    assert (spec.title, spec.prompt, spec.revision, dict(spec.n_bytes)) == ("我的模型", "alpaca", "main", {})
    assert full.model("mine").context == 64 and full.adapters_of("my-chat")[0].key == "my-voice"
    told = with_config(spec, {**LLAMA, "max_position_embeddings": 4096})
    assert told.context == 4096 and told.good_for == ("roleplay", "respond") and told.n_bytes[Precision.INT8] > 0


BAD = [
    ("models", "Ünreadable", {"repo": "a/b"}, "row_value"),
    ("models", "a", {"repo": "a/b", "trust_remote_code": True}, "row_field"),
    ("models", "a", {}, "row_missing"),
    ("models", "a", {"repo": "a/b", "folder": "c"}, "row_missing"),
    ("models", "a", {"repo": "../../etc"}, "row_value"),
    ("models", "a", {"repo": 3}, "row_value"),
    ("models", "a", {"repo": "a/b", "good_for": ["everything"]}, "row_value"),
    ("models", "a", {"repo": "a/b", "context": -1}, "row_value"),
    ("models", "a", {"repo": "a/b", "prompt": "secret"}, "row_value"),
    ("models", "a", {"folder": "/nowhere/at/all"}, "model_folder"),
    ("adapters", "a", {"repo": "a/b"}, "row_missing"),
]


@pytest.mark.parametrize("kind, key, fields, code", BAD)
def test_a_bad_row_is_refused_in_words(kind: str, key: str, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        row(kind, key, fields)
    assert caught.value.code == code
    assert all(caught.value.message(lang) and caught.value.hint(lang) for lang in ("zh", "en"))


@pytest.mark.parametrize(
    "text, code",
    [
        ("[models", "rows_syntax"),
        ("models = 3", "row_value"),
        ("[models]\na = 3", "row_value"),
        ('[models.qwen3-4b]\nrepo = "a/b"', "row_taken"),
        ('[adapters.a]\nrepo = "a/b"\nbase = "no/such"', "adapter_base"),
        ("[overrides]\na = 3", "row_value"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(BadInput) as caught:
        catalogue(tmp_path)
    assert caught.value.code == code and caught.value.text("en")


def test_code_that_comes_with_a_model_is_never_run(base: Path, adapter: Path) -> None:
    custom = {**LLAMA, "model_type": "chatglm", "auto_map": {"AutoModel": "modeling_chatglm.ChatGLMModel"}}
    (base / "config.json").write_text(json.dumps(custom))
    with pytest.raises(BadInput) as caught:
        local(base)
    assert caught.value.code == "model_code" and "chatglm" in caught.value.message("en")
    with pytest.raises(BadInput):
        row("models", "a", {"folder": str(adapter)})


toml = st.dictionaries(
    st.text(max_size=8), st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=3)), max_size=4
)


@given(st.sampled_from(["models", "adapters"]), st.text(max_size=8), toml)
def test_any_row_is_a_row_or_bad_input(kind: str, key: str, fields: dict[str, Any]) -> None:
    try:
        assert row(kind, key, fields).key == key
    except HubError as error:
        assert isinstance(error, BadInput)
