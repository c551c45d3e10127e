"""Random models for the pool's benchmarks: a Llama of any size with adapters, and a tokenizer that can write each of
its words. Random weights say nothing about language; speed, memory and arithmetic are those of a real model of that
size. Knows nothing of what is measured.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

ADAPTERS = ("a", "b", "c", "d")
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
VOCABULARY = 8192


@dataclass(frozen=True, slots=True)
class Size:
    """Width and depth of a Llama; heads are 64 wide."""

    hidden: int = 512
    layers: int = 8
    context: int = 2048

    @property
    def heads(self) -> int:
        """Attention heads."""
        return max(1, self.hidden // 64)


SMALL = Size()  # 34 million parameters
TINY = Size(64, 2, 512)


def base(folder: Path, size: Size, *, device: str = "cpu", half: bool = False) -> Path:
    """Writes a random Llama and its tokenizer, in float32 or float16."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=size.hidden,
        intermediate_size=size.hidden * 11 // 4,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        vocab_size=VOCABULARY,
        max_position_embeddings=size.context,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=None,
        dtype=torch.float16 if half else torch.float32,
    )
    default = torch.get_default_dtype()
    torch.set_default_dtype(config.dtype)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(default)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def adapters(home: Path, size: Size, keys: tuple[str, ...] = ADAPTERS, rank: int = 8) -> dict[str, Path]:
    """Writes LoRAs on all linear layers, as PEFT saves them; lora_B is not zero, or all would answer like the base."""
    import torch
    from safetensors.torch import save_file

    made = {}
    for seed, key in enumerate(keys):
        random = torch.Generator().manual_seed(seed)
        made[key] = home / key
        made[key].mkdir(parents=True)
        tensors = {name: torch.randn(shape, generator=random) * 0.1 for name, shape in _lora_shapes(size, rank)}
        save_file(tensors, made[key] / "adapter_model.safetensors")
        config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": TARGETS, "bias": "none"}
        (made[key] / "adapter_config.json").write_text(json.dumps(config))
    return made


def _lora_shapes(size: Size, rank: int) -> Iterator[tuple[str, tuple[int, int]]]:
    wide = size.hidden * 11 // 4
    shapes = {"gate_proj": (size.hidden, wide), "up_proj": (size.hidden, wide), "down_proj": (wide, size.hidden)}
    for layer in range(size.layers):
        for target in TARGETS:
            n_in, n_out = shapes.get(target, (size.hidden, size.hidden))
            block = "mlp" if target in shapes else "self_attn"
            stem = f"base_model.model.model.layers.{layer}.{block}.{target}"
            yield f"{stem}.lora_A.weight", (rank, n_in)
            yield f"{stem}.lora_B.weight", (n_out, rank)


def tokenizer() -> "PreTrainedTokenizerFast":
    """A byte-level BPE whose words are all bytes and pairs of printable characters, without any end token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    shown = [letter for letter in letters if letter.isascii()]
    pairs = [(a, b) for a in shown for b in shown][: VOCABULARY - len(letters)]
    words = [*letters, *(a + b for a, b in pairs)]
    core: Any = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=pairs))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core)


def prompt(words: "PreTrainedTokenizerFast", n_tokens: int, at: int) -> str:
    """A text of exactly so many tokens, another one for every `at`."""
    text = ""
    while len(words(text)["input_ids"]) < n_tokens:
        text += chr(ord("a") + (len(text) * (at + 3) + at * 7 + len(text) // 5) % 26)
    return text
