"""Tiny checkpoints, built on the spot and offline: every generative architecture of the catalogue with random weights,
a byte-level BPE tokenizer trained on a few sentences, in every layout that is found on a model hub, and LoRA adapters
in today's and in March 2023's config format. Knows nothing of the engine that loads them.
"""

import importlib.util
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

ARCHITECTURES = ("llama", "qwen2", "qwen3", "glm", "gemma", "gpt2")
DEVICES = ["cpu"]  # and a card where one is at hand: what holds on one device must hold on the other
if importlib.util.find_spec("torch"):
    import torch

    DEVICES += ["cuda"] * torch.cuda.is_available()
Layout = Literal["safetensors", "sharded", "bin", "sharded-bin"]

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SENTENCES = (
    "骆驼在沙漠里慢慢地走，夜里有很多星星。",
    "今天的天气很好，我们去图书馆看书，然后吃饭。",
    "问：你叫什么名字？答：我叫小骆驼，很高兴认识你。",
    "The camel walks across the desert at night, and the stars are bright.",
    "### Instruction: summarise the text below. ### Response: it is about a camel 🐫.",
    "<think>\n\n</think>\n\nsystem user assistant 1234567890",
)
CONTEXT = 256  # tokens a tiny model can see


def tokenizer() -> "PreTrainedTokenizerFast":
    """A byte-level BPE of about 500 tokens: every text can be written, Chinese is cut inside characters."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, special_tokens=list(SPECIALS))
    core.train_from_iterator(SENTENCES, trainer)
    core.add_tokens([AddedToken("<think>", special=False)])  # Qwen3 has such a token: added, and yet not special
    fast = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHAT
    return fast


def checkpoint(
    folder: Path,
    architecture: str,
    *,
    layout: Layout = "safetensors",
    seed: int = 0,
    hidden: int = 64,
    context: int = CONTEXT,
) -> Path:
    """A model of random fp32 parameters (130 k at hidden 64) with its tokenizer, saved in the layout asked for."""
    import torch
    from transformers import AutoModelForCausalLM

    words = tokenizer()
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(_config(architecture, len(words), words.eos_token_id, hidden, context))
    _make_decided(model)
    words.save_pretrained(folder)
    if layout in ("safetensors", "sharded"):
        model.save_pretrained(folder, max_shard_size="200KB" if layout == "sharded" else "1GB")
    else:
        model.config.save_pretrained(folder)
        model.generation_config.save_pretrained(folder)
        _save_pickles(folder, model.state_dict(), shards=3 if layout == "sharded-bin" else 1)
    return folder


def _config(architecture: str, n_tokens: int, eos: int, hidden: int, context: int) -> object:
    from transformers import AutoConfig

    common = {"vocab_size": n_tokens, "eos_token_id": eos, "bos_token_id": None, "pad_token_id": 0}
    common |= {"initializer_range": 0.15}
    if architecture == "gpt2":
        return AutoConfig.for_model("gpt2", n_embd=hidden, n_layer=2, n_head=4, n_positions=context, **common)
    shape = {"hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"num_key_value_heads": 2, "head_dim": hidden // 4, "max_position_embeddings": context}
    return AutoConfig.for_model(architecture, **shape, **common)


def _make_decided(model: "torch.nn.Module") -> None:
    """Random biases and norms, so that a loader which forgets them is found out; no end token by accident."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * (0.1 if "norm" in name or "ln" in name else 0.02))


def _save_pickles(folder: Path, tensors: "dict[str, torch.Tensor]", *, shards: int) -> None:
    """pytorch_model.bin as it was saved before safetensors, in one file or in several with an index."""
    import torch

    if shards == 1:
        torch.save(tensors, folder / "pytorch_model.bin")
        return
    index: dict[str, str] = {}
    for number in range(shards):
        name = f"pytorch_model-{number + 1:05d}-of-{shards:05d}.bin"
        part = dict(list(tensors.items())[number::shards])
        torch.save(part, folder / name)
        index |= dict.fromkeys(part, name)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    (folder / "pytorch_model.bin.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": index})
    )


TARGETS = {"gpt2": ["c_attn", "c_proj", "c_fc"], "glm": ["q_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]}
LLAMA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def adapter(
    folder: Path,
    base: Path,
    *,
    seed: int,
    zero: bool = False,
    targets: list[str] | None = None,
    march_2023: bool = False,
) -> Path:
    """A rank-4 LoRA for a tiny base whose lora_B is random, not zero (else every adapter would equal the base)."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, local_files_only=True)
    wanted = targets or TARGETS.get(model.config.model_type, LLAMA_TARGETS)
    transposed = model.config.model_type == "gpt2"  # its Conv1D keeps weights as (in, out)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=wanted, task_type="CAUSAL_LM", fan_in_fan_out=transposed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a property that is on its way out
        peft = get_peft_model(model, config)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in peft.named_parameters():
            if "lora_" in name:
                scale = 0.0 if zero and "lora_B" in name else 0.15
                parameter.copy_(torch.randn(parameter.shape, generator=random) * scale)
    peft.save_pretrained(folder)
    if march_2023:
        _age(folder, wanted)
    return folder


def _age(folder: Path, targets: list[str]) -> None:
    """Rewrites a saved adapter as peft of March 2023 wrote it: a pickle, and a config with fields that are gone."""
    import torch
    from safetensors.torch import load_file

    weights = folder / "adapter_model.safetensors"
    torch.save(load_file(weights), folder / "adapter_model.bin")
    weights.unlink()
    old = {"base_model_name_or_path": "decapoda-research/llama-7b-hf", "bias": "none", "enable_lora": None}
    old |= {"fan_in_fan_out": False, "inference_mode": True, "lora_alpha": 8, "lora_dropout": 0.05}
    old |= {"merge_weights": False, "modules_to_save": None, "peft_type": "LORA", "r": 4}
    old |= {"target_modules": targets, "task_type": "CAUSAL_LM"}
    (folder / "adapter_config.json").write_text(json.dumps(old, indent=2))


def hub_cache(root: Path, source: Path, repo: str) -> Path:
    """Copies a checkpoint into the layout of a model hub's local cache; returns the cache folder."""
    revision = "0" * 40
    home = root / ("models--" + repo.replace("/", "--"))
    snapshot = home / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(revision)
    for path in source.iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    return root
