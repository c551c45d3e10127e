"""How many bytes a model holds once it is loaded, told before it is loaded.

Knows which tensors transformers 5 keeps, in which type, and which of them bitsandbytes quantises; the rules were read
from its quantizers (get_keys_to_not_convert, replace_with_bnb_linear) and are checked in tests against loaded models.
What is counted: parameters, buffers, LLM.int8's scale per row, nf4's scale per 64 weights. What is not: the KV cache
(kv_bytes_per_token), activations, and a framework's own workspace. Imports no torch.

The traps: a checkpoint is cast to one type on loading, so its own types count only where no type is asked for; tied
output heads are stored by some and held by none; old .bin files carry masks and positions that are no longer loaded;
T5's `wo` is never quantised and is float32 in a float16 model; rotary and position buffers are never saved.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from models.architecture import text_config, tied_head
from models.checkpoint import ITEM_BYTES, Tensor, read_config, tensors
from models.spec import Precision

__all__ = ["DType", "Role", "adapter_bytes", "held_bytes", "predict"]

DType = Literal["float32", "float16", "bfloat16"]
Role = Literal["generate", "embed"]

FLOAT_TYPES: dict[str, DType] = {"F64": "float32", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
WHOLE: dict[Precision, DType] = {
    Precision.FP32: "float32",
    Precision.FP16: "float16",
    Precision.BF16: "bfloat16",
}
DTYPE_BYTES: dict[DType, int] = {"float32": 4, "float16": 2, "bfloat16": 2}
NF4_BLOCK = 64  # weights that share a scale; BitsAndBytesConfig leaves the scales themselves in float32 by default
NF4_CODE_BYTES = 16 * 4  # the table of the 16 values, one a layer

# Saved by older versions of transformers, loaded by none of today's
DROPPED = re.compile(
    r"(?:^|\.)(?:rotary_emb\.inv_freq|(?:cross)?attn\.(?:masked_)?bias|crossattention\.(?:masked_)?bias"
    r"|position_ids|token_type_ids|weight_format|weight\.quant_state\.bitsandbytes__\w+)$"
)
TASK_HEAD = re.compile(r"^(?:lm_head|cls|qa_outputs|classifier|score)\.")  # AutoModel leaves them out
SCALES = re.compile(r"\.(?:SCB|absmax|nested_absmax|quant_map|nested_quant_map)$")  # float32 whatever the model is in
OUTPUT_HEADS = {"lm_head", "embed_out", "output_layer"}
EMBEDDINGS = {"wte", "wpe", "shared", "relative_attention_bias"}
FLOAT32_MODULES = {"t5": {"wo"}, "mt5": {"wo"}, "umt5": {"wo"}, "longt5": {"wo"}, "pix2struct": {"wo"}, "udop": {"wo"}}
CONV1D = {"c_attn", "q_attn", "c_proj", "c_fc"}  # GPT-2's linear layers hold their weight as (in, out)


def predict(folder: Path, precision: Precision, *, dtype: DType | None = None, role: Role = "generate") -> int:
    """Bytes that the checkpoint in `folder` will hold in memory at `precision`.

    `dtype` is the type of what int8 and nf4 leave whole; without it, the type that transformers would choose itself.
    Raises BadInput when the folder has no weights, or damaged ones.
    """
    entries = tensors(folder)
    for dense in sorted(folder.glob("*_Dense")) if role == "embed" else ():  # sentence-transformers' layers on top
        entries |= {f"mlp.{dense.name}.{name}": tensor for name, tensor in tensors(dense).items()}
    return held_bytes(entries, read_config(folder), precision, dtype=dtype, role=role)


def adapter_bytes(folder: Path) -> int:
    """Bytes of a PEFT adapter, which is kept in the types it was saved in. Raises BadInput."""
    return sum(tensor.n * ITEM_BYTES[tensor.dtype] for tensor in tensors(folder).values())


def held_bytes(
    entries: Mapping[str, Tensor],
    config: Mapping[str, Any],
    precision: Precision,
    *,
    dtype: DType | None = None,
    role: Role = "generate",
) -> int:
    """The same from names and shapes, whether they come from headers or from arithmetic on a configuration."""
    kept = {name: tensor for name, tensor in entries.items() if _is_loaded(name, tensor, entries, config, role)}
    chosen = WHOLE.get(precision) or dtype or own_dtype(kept, config)
    if "quantization_config" in config:  # quantised before it was saved; held as it lies there
        chosen, precision = dtype or own_dtype(kept, config), Precision.FP32
    total = sum(_tensor_bytes(name, tensor, config, precision, chosen) for name, tensor in kept.items())
    return total + _buffer_bytes(config, chosen)


def own_dtype(entries: Mapping[str, Tensor], config: Mapping[str, Any]) -> DType:
    """The type that from_pretrained takes when none is asked for: the configuration's, else that of the first float."""
    text = text_config(config)
    named = config.get("dtype") or config.get("torch_dtype") or text.get("dtype") or text.get("torch_dtype")
    if named in DTYPE_BYTES:
        return named
    floats = (FLOAT_TYPES[tensor.dtype] for tensor in entries.values() if tensor.dtype in FLOAT_TYPES)
    return next(floats, "float32")


def _is_loaded(name: str, tensor: Tensor, entries: Mapping[str, Tensor], config: Mapping[str, Any], role: Role) -> bool:
    """Whether a stored tensor becomes a tensor of its own in the model."""
    # GPT-2's old causal mask is called attn.bias and has four dimensions; a vector of that name is a real bias
    if DROPPED.search(name) and not (name.endswith("attn.bias") and len(tensor.shape) == 1):
        return False
    if role == "embed" and TASK_HEAD.match(name):
        return False
    return not tied_head(name, entries, config)


def _tensor_bytes(name: str, tensor: Tensor, config: Mapping[str, Any], precision: Precision, dtype: DType) -> int:
    if tensor.dtype not in FLOAT_TYPES:
        return tensor.n * ITEM_BYTES[tensor.dtype]
    if SCALES.search(name):
        return tensor.n * 4
    float32_modules = FLOAT32_MODULES.get(str(config.get("model_type")), set())
    parts = set(name.split("."))
    if parts & float32_modules:
        return tensor.n * (4 if dtype == "float16" else DTYPE_BYTES[dtype])
    if precision in (Precision.INT8, Precision.NF4) and _is_linear(name, tensor):
        return _int8_bytes(parts, tensor) if precision is Precision.INT8 else _nf4_bytes(tensor.n)
    return tensor.n * DTYPE_BYTES[dtype]


def _is_linear(name: str, tensor: Tensor) -> bool:
    """Whether bitsandbytes replaces the layer: a matrix that is no embedding, no output head and no sentence head."""
    parts = name.split(".")
    if len(tensor.shape) != 2 or parts[-1] != "weight" or set(parts) & (OUTPUT_HEADS | EMBEDDINGS):
        return False
    return not any("embed" in part for part in parts) and parts[0] not in ("mlp", "cls")


def _int8_bytes(parts: set[str], tensor: Tensor) -> int:
    """One byte a weight and a float32 scale for every output row."""
    rows = tensor.shape[1] if parts & CONV1D else tensor.shape[0]
    return tensor.n + 4 * rows


def _nf4_bytes(n: int) -> int:
    """Half a byte a weight, a float32 scale for every block, and the table of values."""
    return (n + 1) // 2 + 4 * math.ceil(n / NF4_BLOCK) + NF4_CODE_BYTES


def _buffer_bytes(config: Mapping[str, Any], dtype: DType) -> int:
    """Buffers that are made on loading and never saved."""
    text = text_config(config)
    if text.get("model_type") in ("bert", "xlm-roberta", "roberta"):
        return 2 * 8 * int(text.get("max_position_embeddings", 512))  # int64 positions and token types
    if "num_key_value_heads" not in text:
        return 0
    heads = int(text.get("num_attention_heads", 1))
    head_size = int(text.get("head_dim") or int(text["hidden_size"]) // heads)
    whole = 0.5 if text.get("model_type") == "glm" else 1.0  # how much of a head turns, unless the configuration says
    rotated = int(head_size * float(text.get("partial_rotary_factor") or whole))
    scale = DTYPE_BYTES[dtype] if text.get("model_type") == "gemma" else 0  # embed_scale
    return 2 * 4 * (rotated // 2) + scale  # inverse frequencies and their unscaled copy, float32
