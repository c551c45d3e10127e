"""Tiny embedders, built on the spot and offline: random weights and real tokenizers in the layouts that are found on a
model hub. Knows nothing of the engine that loads them.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.models.tiny import SENTENCES, tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

KINDS = ("bert", "xlm-roberta", "qwen3")
WINDOW = 48  # tokens
HIDDEN = 64
SHAPE = {"hidden_size": HIDDEN, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}


def words(kind: str) -> "PreTrainedTokenizerFast":
    """A tokenizer of the family: WordPiece for BERT, Unigram for XLM-R, byte-level BPE with a last token for Qwen3."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "qwen3":
        fast = tokenizer()
        last = ("<|endoftext|>", fast.convert_tokens_to_ids("<|endoftext|>"))
        fast.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="$A <|endoftext|>", special_tokens=[last]
        )
        return PreTrainedTokenizerFast(
            tokenizer_object=fast.backend_tokenizer,
            pad_token="<|endoftext|>",
            eos_token="<|im_end|>",
            padding_side="left",
        )
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    core, trainer = Tokenizer(models.WordPiece(unk_token="[UNK]")), trainers.WordPieceTrainer
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if kind == "xlm-roberta":
        names = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
        core, trainer = Tokenizer(models.Unigram()), trainers.UnigramTrainer
        core.pre_tokenizer = pre_tokenizers.Metaspace()
    options = {"unk_token": "<unk>"} if kind == "xlm-roberta" else {}
    core.train_from_iterator(SENTENCES, trainer(vocab_size=400, special_tokens=list(names.values()), **options))
    ends = [(names[end], core.token_to_id(names[end])) for end in ("cls_token", "sep_token")]
    core.post_processor = processors.TemplateProcessing(single=f"{ends[0][0]} $A {ends[1][0]}", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=core, **names)


def transformer(kind: str, fast: "PreTrainedTokenizerFast", **options: Any) -> "PreTrainedModel":
    """A random encoder, decided enough that a forgotten layer is found out."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    common = {"vocab_size": len(fast), "pad_token_id": fast.pad_token_id, "initializer_range": 0.2, **SHAPE}
    if kind == "qwen3":
        common |= {"num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 128, "eos_token_id": 2}
    else:
        positions = WINDOW + 2 if kind == "xlm-roberta" else WINDOW
        common |= {"max_position_embeddings": positions, "type_vocab_size": 1 if kind == "xlm-roberta" else 2}
    model = AutoModel.from_config(AutoConfig.for_model(kind, **common), **options)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def embedder(folder: Path, kind: str) -> Path:
    """A directory as sentence-transformers lays it out on a hub: bge (cls), an XLM-R with mean pooling and a Dense
    layer, Qwen3-Embedding (last token)."""
    fast = words(kind)
    fast.model_max_length = WINDOW
    fast.save_pretrained(folder)
    transformer(kind, fast).save_pretrained(folder)
    modes = {"bert": "cls_token", "xlm-roberta": "mean_tokens", "qwen3": "lasttoken"}
    switches = {f"pooling_mode_{mode}": mode == modes[kind] for mode in (*modes.values(), "max_tokens")}
    parts = [("Transformer", ""), ("Pooling", "1_Pooling")]
    (folder / "1_Pooling").mkdir()
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": HIDDEN, **switches})
    if kind == "xlm-roberta":
        parts.append(("Dense", "2_Dense"))
        dense(folder / "2_Dense")
    parts.append(("Normalize", f"{len(parts)}_Normalize"))
    (folder / parts[-1][1]).mkdir()
    rows = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{name}"}
        for at, (name, path) in enumerate(parts)
    ]
    _write(folder / "modules.json", rows)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": WINDOW, "do_lower_case": kind == "xlm-roberta"})
    return folder


def dense(folder: Path, *, activation: str = "torch.nn.modules.activation.Tanh") -> None:
    """A layer from 64 to 24 numbers."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    told = {"in_features": HIDDEN, "out_features": 24, "bias": True, "activation_function": activation}
    _write(folder / "config.json", told)
    random = torch.Generator().manual_seed(1)
    tensors = {"linear.weight": torch.randn(24, HIDDEN, generator=random), "linear.bias": torch.randn(24)}
    save_file(tensors, folder / "model.safetensors")


def luotuo(folder: Path, *, prefix: str = "bert.", pickled: bool = False) -> Path:
    """luotuo-bert's layout: a BERT without pooler and the two layers of its sentence head, in one file."""
    import torch
    from safetensors.torch import save_file

    fast = words("bert")
    model = transformer("bert", fast, add_pooling_layer=False)
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    random = torch.Generator().manual_seed(2)
    for name, shape in (("dense", (HIDDEN, HIDDEN)), ("fc", (160, HIDDEN))):
        state[f"mlp.{name}.weight"] = torch.randn(shape, generator=random) * 0.2
        state[f"mlp.{name}.bias"] = torch.randn(shape[:1], generator=random) * 0.2
    fast.save_pretrained(folder)
    model.config.architectures = ["BertForSentence"]
    model.config.save_pretrained(folder)
    if pickled:
        torch.save(state, folder / "pytorch_model.bin")
    else:
        save_file(state, folder / "model.safetensors", {"format": "pt"})
    return folder


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
