"""The tensors of a model, by arithmetic on its published configuration.

Knows the families of the catalogue: Llama and its kin (Qwen2, Qwen3, Gemma, GLM), GPT-2, BERT and XLM-R, T5. From
config.json alone it lists every tensor that a checkpoint of that family stores, name and shape, so that bytes can be
told before anything is downloaded; tests compare the lists with checkpoints that transformers writes. Does not know
bytes (models/sizes.py) and knows no family that no row of the catalogue uses.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from models.checkpoint import Tensor

__all__ = ["FAMILIES", "context_length", "kv_bytes_per_token", "layout", "text_config", "tied_head"]

Config = Mapping[str, Any]
Shapes = Iterator[tuple[str, tuple[int, ...]]]
TIED_BY_DEFAULT = {"gpt2", "gemma", "bert", "xlm-roberta", "t5", "mt5", "umt5"}
ALWAYS_TIED = {"t5", "mt5"}  # transformers 5 ties them whatever the configuration says
QKV_BIAS = {"qwen2"}  # where the configuration has no word for it
ATTENTION = ("q_proj", "k_proj", "v_proj")


def text_config(config: Config) -> Config:
    """The part of a configuration that describes the language model: most often all of it."""
    inner = config.get("text_config")
    return inner if isinstance(inner, Mapping) else config


def layout(config: Config, dtype: str = "BF16") -> dict[str, Tensor]:
    """Every tensor of a checkpoint with this configuration. Raises KeyError for a family or a field not known."""
    shapes = FAMILIES[config["model_type"]](config)
    return {name: Tensor(dtype, shape) for name, shape in shapes}


def kv_bytes_per_token(config: Config, item_bytes: int = 2) -> int:
    """Bytes that one token takes in the KV cache: keys and values of every layer. 0 for encoders."""
    text = text_config(config)
    if text.get("model_type") == "gpt2":
        return 2 * text["n_layer"] * text["n_embd"] * item_bytes
    if text.get("model_type") in ("bert", "xlm-roberta", "roberta"):
        return 0
    if text.get("model_type") in ("t5", "mt5", "umt5"):
        layers = text.get("num_decoder_layers") or text["num_layers"]
        return 2 * layers * text["num_heads"] * text["d_kv"] * item_bytes
    heads = text["num_attention_heads"]
    head_size = text.get("head_dim") or text["hidden_size"] // heads
    return 2 * text["num_hidden_layers"] * (text.get("num_key_value_heads") or heads) * head_size * item_bytes


def context_length(config: Config) -> int:
    """Tokens that the model was made for; 512 where the configuration does not say (T5)."""
    text = text_config(config)
    return int(text.get("max_position_embeddings") or text.get("n_positions") or text.get("n_ctx") or 512)


def tied_head(name: str, entries: Mapping[str, Tensor], config: Config) -> bool:
    """Whether a stored tensor is only another name of the input embedding.

    It is when the configuration ties the two and their contents are the same, as far as their marks tell;
    transformers 5 keeps both when they differ.
    """
    kind = str(config.get("model_type"))
    if kind in ALWAYS_TIED:
        tied, sources = name.endswith(("embed_tokens.weight", "lm_head.weight")), ("shared",)
    else:
        told = config.get("tie_word_embeddings", kind in TIED_BY_DEFAULT)
        told = text_config(config).get("tie_word_embeddings", told)
        tied, sources = bool(told) and name.endswith("lm_head.weight"), ("embed_tokens", "wte", "word_embeddings")
    others = [
        entry for other, entry in entries.items() if other.split(".")[-2:] in ([one, "weight"] for one in sources)
    ]
    marks = {entry.mark for entry in others}
    return tied and bool(others) and ("" in marks or not entries[name].mark or entries[name].mark in marks)


def _llama(config: Config) -> Shapes:
    """Llama, Qwen2, Qwen3, Gemma and GLM: they differ in biases, in norms on heads, in GLM's fused gate and up."""
    kind, hidden, n_heads = config["model_type"], config["hidden_size"], config["num_attention_heads"]
    head_size = config.get("head_dim") or hidden // n_heads
    queries, keys = n_heads * head_size, (config.get("num_key_value_heads") or n_heads) * head_size
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, rows in zip(ATTENTION, (queries, keys, keys), strict=True):
            yield f"{at}self_attn.{name}.weight", (rows, hidden)
            if config.get("attention_bias", kind in QKV_BIAS):
                yield f"{at}self_attn.{name}.bias", (rows,)
        yield f"{at}self_attn.o_proj.weight", (hidden, queries)
        if kind == "llama" and config.get("attention_bias"):
            yield f"{at}self_attn.o_proj.bias", (hidden,)
        if kind == "qwen3":
            yield f"{at}self_attn.q_norm.weight", (head_size,)
            yield f"{at}self_attn.k_norm.weight", (head_size,)
        yield from _gated(at, kind, hidden, config["intermediate_size"])
        yield f"{at}input_layernorm.weight", (hidden,)
        yield f"{at}post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    if not config.get("tie_word_embeddings", kind in TIED_BY_DEFAULT):
        yield "lm_head.weight", (config["vocab_size"], hidden)


def _gated(at: str, kind: str, hidden: int, inner: int) -> Shapes:
    if kind == "glm":
        yield f"{at}mlp.gate_up_proj.weight", (2 * inner, hidden)
    else:
        yield f"{at}mlp.gate_proj.weight", (inner, hidden)
        yield f"{at}mlp.up_proj.weight", (inner, hidden)
    yield f"{at}mlp.down_proj.weight", (hidden, inner)


def _gpt2(config: Config) -> Shapes:
    """GPT-2, whose linear layers are Conv1D and hold their weights as (in, out)."""
    hidden, inner = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    yield "transformer.wte.weight", (config["vocab_size"], hidden)
    yield "transformer.wpe.weight", (config["n_positions"], hidden)
    for layer in range(config["n_layer"]):
        at = f"transformer.h.{layer}."
        for name, shape in (
            ("attn.c_attn", (hidden, 3 * hidden)),
            ("attn.c_proj", (hidden, hidden)),
            ("mlp.c_fc", (hidden, inner)),
            ("mlp.c_proj", (inner, hidden)),
        ):
            yield f"{at}{name}.weight", shape
            yield f"{at}{name}.bias", shape[1:]
        yield from _norm(f"{at}ln_1", hidden)
        yield from _norm(f"{at}ln_2", hidden)
    yield from _norm("transformer.ln_f", hidden)


def _bert(config: Config) -> Shapes:
    """BERT and XLM-R as AutoModel holds them; `sentence_head` adds luotuo-bert's two dense layers of that width."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    yield "embeddings.word_embeddings.weight", (config["vocab_size"], hidden)
    yield "embeddings.position_embeddings.weight", (config["max_position_embeddings"], hidden)
    yield "embeddings.token_type_embeddings.weight", (config.get("type_vocab_size", 2), hidden)
    yield from _norm("embeddings.LayerNorm", hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        for name in ("query", "key", "value"):
            yield from _dense(f"{at}attention.self.{name}", hidden, hidden)
        yield from _dense(f"{at}attention.output.dense", hidden, hidden)
        yield from _norm(f"{at}attention.output.LayerNorm", hidden)
        yield from _dense(f"{at}intermediate.dense", hidden, inner)
        yield from _dense(f"{at}output.dense", inner, hidden)
        yield from _norm(f"{at}output.LayerNorm", hidden)
    if width := config.get("sentence_head"):
        yield from _dense("mlp.dense", hidden, hidden)
        yield from _dense("mlp.fc", hidden, width)
    else:
        yield from _dense("pooler.dense", hidden, hidden)


def _t5(config: Config) -> Shapes:
    """T5 and mT5: encoder and decoder; a gated feed-forward where the configuration says so."""
    yield "shared.weight", (config["vocab_size"], config["d_model"])
    yield from _t5_stack("encoder", config, config["num_layers"])
    yield from _t5_stack("decoder", config, config.get("num_decoder_layers") or config["num_layers"])


def _t5_stack(side: str, config: Config, n_layers: int) -> Shapes:
    hidden, inner, heads = config["d_model"], config["d_ff"], config["num_heads"]
    attentions = ["SelfAttention"] if side == "encoder" else ["SelfAttention", "EncDecAttention"]
    gated = str(config.get("feed_forward_proj", "relu")).startswith("gated")
    for block in range(n_layers):
        at = f"{side}.block.{block}.layer."
        for place, name in enumerate(attentions):
            for letter in "qkv":
                yield f"{at}{place}.{name}.{letter}.weight", (heads * config["d_kv"], hidden)
            yield f"{at}{place}.{name}.o.weight", (hidden, heads * config["d_kv"])
            yield f"{at}{place}.layer_norm.weight", (hidden,)
        if block == 0:
            buckets = config.get("relative_attention_num_buckets", 32)
            yield f"{at}0.SelfAttention.relative_attention_bias.weight", (buckets, heads)
        last = len(attentions)
        for name in ("wi_0", "wi_1") if gated else ("wi",):
            yield f"{at}{last}.DenseReluDense.{name}.weight", (inner, hidden)
        yield f"{at}{last}.DenseReluDense.wo.weight", (hidden, inner)
        yield f"{at}{last}.layer_norm.weight", (hidden,)
    yield f"{side}.final_layer_norm.weight", (hidden,)


def _dense(name: str, inputs: int, outputs: int) -> Shapes:
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str, width: int) -> Shapes:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


FAMILIES: dict[str, Callable[[Config], Shapes]] = {
    **dict.fromkeys(("llama", "qwen2", "qwen3", "gemma", "glm"), _llama),
    **dict.fromkeys(("bert", "xlm-roberta"), _bert),
    "gpt2": _gpt2,
    "t5": _t5,
}
