"""Where the parts of a transformers model are, whatever its architecture: its window, its end tokens, its blocks, and
what its cache costs. Reads configurations and modules; runs nothing.
"""

from typing import Any


def context_of(model: Any) -> int:  # noqa: ANN401
    """Tokens that the model can see at once."""
    config = model.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", 2048))


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401
    """Ids that end an answer: the generation config's and the tokenizer's own."""
    listed = model.generation_config.eos_token_id
    ids = listed if isinstance(listed, list) else [listed]
    return frozenset(i for i in [*ids, tokenizer.eos_token_id] if i is not None)


def decoder_layers(model: Any) -> list[Any]:  # noqa: ANN401
    """The stack of transformer blocks."""
    import torch

    count = model.config.get_text_config().num_hidden_layers
    stacks = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count]
    return list(stacks[0]) if stacks else []


def kv_bytes_per_token(model: Any) -> int:  # noqa: ANN401
    """Bytes of keys and values that one token leaves in the cache, in the dtype that activations have."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize
