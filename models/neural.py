"""MODELS and ADAPTERS: literal rows, one per neural model of the hub, and where living copies of lost ones are.

Knows repositories, revisions, licences, shapes and bytes; loads nothing. The bytes are arithmetic on the published
configuration that stands in the row (models/architecture.py, models/sizes.py), and a test does that arithmetic again.

Not established without a machine that reaches the model hub: a revision that reads `main` is not pinned; the pinned
ones were seen in public repositories and not looked up. Gemma's and Qwen3's configurations are as their makers
published them; of Mini-Luotuo only the file size (110M) and the feature width (3.5B) are known, and the vocabulary of
the 312M is the one that gives 312 million parameters at the shape of GPT-2 medium.
"""

from collections.abc import Mapping
from typing import Any

from models.modelspec import AdapterSpec, ModelSpec
from models.spec import Precision

__all__ = ["ADAPTERS", "LIVING_COPIES", "MODELS", "AdapterSpec", "ModelSpec"]

CHAT = ("respond", "summarize", "answer", "roleplay", "compose")

# Repositories that are gone or moved, and what stands in for them; `[overrides]` in models.toml adds and replaces.
LIVING_COPIES: Mapping[str, str] = {"decapoda-research/llama-7b-hf": "yahma/llama-7b-hf"}


def _bytes(*, fp32: int, half: int, int8: int, nf4: int) -> Mapping[Precision, int]:
    """Bytes per precision; what int8 and nf4 leave whole is counted in 16 bit."""
    halves = dict.fromkeys((Precision.FP16, Precision.BF16), half)
    return {Precision.FP32: fp32, **halves, Precision.INT8: int8, Precision.NF4: nf4}


def _decoder(
    kind: str, hidden: int, n_layers: int, heads: tuple[int, int], inner: int, vocab: int, context: int, **rest: object
) -> Mapping[str, Any]:
    """The part of a published config.json that its tensors follow from; `heads` are those of queries and of keys."""
    width = {"model_type": kind, "hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": n_layers}
    attention = {"num_attention_heads": heads[0], "num_key_value_heads": heads[1]}
    return {**width, **attention, "vocab_size": vocab, "max_position_embeddings": context, **rest}


def _gpt2(hidden: int, n_layers: int, n_heads: int, vocab: int) -> Mapping[str, Any]:
    shape = {"n_embd": hidden, "n_layer": n_layers, "n_head": n_heads}
    return {"model_type": "gpt2", **shape, "vocab_size": vocab, "n_positions": 1024}


def _encoder(
    kind: str, hidden: int, n_layers: int, n_heads: int, vocab: int, positions: int, **rest: object
) -> Mapping[str, Any]:
    width = {"model_type": kind, "hidden_size": hidden, "intermediate_size": 4 * hidden, "num_hidden_layers": n_layers}
    lengths = {"vocab_size": vocab, "max_position_embeddings": positions}
    return {**width, "num_attention_heads": n_heads, **lengths, **rest}


MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        key="qwen3-4b",
        title="Qwen3 4B Instruct",
        repo="Qwen/Qwen3-4B-Instruct-2507",
        revision="cdbee75f17c01a7cc42f958dc650907174af0554",
        licence="Apache-2.0",
        architecture="qwen3",
        n_bytes=_bytes(fp32=16_089_872_896, half=8_044_936_704, int8=4_416_044_544, nf4=2_822_061_312),
        kv_bytes_per_token=147_456,
        context=262_144,
        good_for=CHAT,
        config=_decoder("qwen3", 2560, 36, (32, 8), 9_728, 151_936, 262_144, head_dim=128, tie_word_embeddings=True),
    ),
    ModelSpec(
        key="qwen2.5-0.5b",
        title="Qwen2.5 0.5B Instruct",
        repo="Qwen/Qwen2.5-0.5B-Instruct",
        revision="7ae557604adf67be50417f59c2c2f167def9a775",
        licence="Apache-2.0",
        architecture="qwen2",
        n_bytes=_bytes(fp32=1_976_131_328, half=988_065_792, int8=631_455_744, nf4=473_700_864),
        kv_bytes_per_token=12_288,
        context=32_768,
        good_for=("respond", "summarize"),
        config=_decoder("qwen2", 896, 24, (14, 2), 4_864, 151_936, 32_768, tie_word_embeddings=True),
    ),
    ModelSpec(
        key="qwen3-8b",
        title="Qwen3 8B",
        repo="Qwen/Qwen3-8B",
        revision="b968826d9c46dd6066d109eabc6255188de91218",
        licence="Apache-2.0",
        architecture="qwen3",
        n_bytes=_bytes(fp32=32_762_941_952, half=16_381_471_232, int8=9_441_307_136, nf4=6_396_946_688),
        kv_bytes_per_token=147_456,
        context=40_960,
        prompt="template-no-thinking",
        good_for=CHAT,
        config=_decoder("qwen3", 4096, 36, (32, 8), 12_288, 151_936, 40_960, head_dim=128, tie_word_embeddings=False),
    ),
    ModelSpec(
        key="qwen2.5-7b",
        title="Qwen2.5 7B Instruct",
        repo="Qwen/Qwen2.5-7B-Instruct",
        revision="a09a35458c702b33eeacc393d103063234e8bc28",
        licence="Apache-2.0",
        architecture="qwen2",
        n_bytes=_bytes(fp32=30_462_466_560, half=15_231_233_536, int8=8_711_507_456, nf4=5_851_143_936),
        kv_bytes_per_token=57_344,
        context=32_768,
        good_for=CHAT,
        config=_decoder("qwen2", 3584, 28, (28, 4), 18_944, 152_064, 32_768, tie_word_embeddings=False),
    ),
    ModelSpec(
        key="glm-4-9b",
        title="GLM-4 9B Chat",
        repo="zai-org/glm-4-9b-chat-hf",
        revision="main",
        licence="GLM-4 licence (registration for commercial use)",
        architecture="glm",
        n_bytes=_bytes(fp32=37_599_805_696, half=18_799_902_976, int8=10_648_412_416, nf4=7_072_906_496),
        kv_bytes_per_token=40_960,
        context=131_072,
        good_for=CHAT,
        config=_decoder(
            "glm",
            4096,
            40,
            (32, 2),
            13_696,
            151_552,
            131_072,
            head_dim=128,
            attention_bias=True,
            tie_word_embeddings=False,
        ),
    ),
    ModelSpec(
        key="haruhi-zero-7b",
        title="Haruhi-Zero 7B 0.5",
        repo="silk-road/Haruhi-Zero-7B-0_5",
        revision="main",
        licence="not stated; base under the Tongyi Qianwen licence",
        architecture="qwen2",
        n_bytes=_bytes(fp32=30_885_298_688, half=15_442_649_600, int8=8_972_083_712, nf4=6_133_406_208),
        kv_bytes_per_token=524_288,
        context=32_768,
        good_for=("roleplay", "respond"),
        config=_decoder("qwen2", 4096, 32, (32, 32), 11_008, 151_936, 32_768, tie_word_embeddings=False),
    ),
    ModelSpec(
        key="haruhi-zero-gemma-2b",
        title="Haruhi-Zero Gemma 2B 0.5",
        repo="silk-road/Haruhi-Zero-Gemma-2B-0_5",
        revision="main",
        licence="not stated; base under the Gemma terms of use",
        architecture="gemma",
        n_bytes=_bytes(fp32=10_024_690_692, half=5_012_345_858, int8=3_033_375_746, nf4=2_163_504_002),
        kv_bytes_per_token=18_432,
        context=8_192,
        good_for=("roleplay", "respond"),
        config=_decoder("gemma", 2048, 18, (8, 1), 16_384, 256_000, 8_192, head_dim=256, tie_word_embeddings=True),
    ),
    ModelSpec(
        key="mini-luotuo-110m",
        title="Mini-Luotuo 110M",
        repo="Midkey/GPT2-110M-chinese-ft-luotuo",
        revision="main",
        licence="not stated; data CC BY-NC 4.0",
        architecture="gpt2",
        n_bytes=_bytes(fp32=497_759_232, half=248_879_616, int8=164_276_736, nf4=126_789_120),
        kv_bytes_per_token=36_864,
        context=1_024,
        prompt="alpaca",
        good_for=("respond",),
        config=_gpt2(768, 12, 12, 50_257),
    ),
    ModelSpec(
        key="mini-luotuo-312m",
        title="Mini-Luotuo 312M",
        repo="Midkey/GPT2-312M-chinese-ft-BertTokenizer-luotuo",
        revision="main",
        licence="not stated; data CC BY-NC 4.0",
        architecture="gpt2",
        n_bytes=_bytes(fp32=1_246_294_016, half=623_147_008, int8=322_041_856, nf4=189_042_688),
        kv_bytes_per_token=98_304,
        context=1_024,
        prompt="alpaca",
        good_for=("respond",),
        config=_gpt2(1024, 24, 16, 8_021),
    ),
    ModelSpec(
        key="mini-luotuo-3.5b",
        title="Mini-Luotuo 3.5B",
        repo="Midkey/GPT2-3.5B-chinese-ft-luotuo",
        revision="main",
        licence="not stated; data CC BY-NC 4.0",
        architecture="gpt2",
        n_bytes=_bytes(fp32=14_225_080_320, half=7_112_540_160, int8=3_718_471_680, nf4=2_228_805_120),
        kv_bytes_per_token=368_640,
        context=1_024,
        prompt="alpaca",
        good_for=("respond",),
        config=_gpt2(3072, 30, 32, 50_304),
    ),
    ModelSpec(
        key="llama-7b",
        title="LLaMA 7B",
        repo="yahma/llama-7b-hf",
        revision="main",
        licence="LLaMA-1 (other; research use)",
        architecture="llama",
        n_bytes=_bytes(fp32=26_953_662_976, half=13_476_831_744, int8=7_006_265_856, nf4=4_167_588_352),
        kv_bytes_per_token=524_288,
        context=2_048,
        prompt="alpaca",
        good_for=("respond",),
        config=_decoder("llama", 4096, 32, (32, 32), 11_008, 32_000, 2_048, tie_word_embeddings=False),
    ),
    ModelSpec(
        key="bge-small-zh",
        title="BGE small zh 1.5",
        repo="BAAI/bge-small-zh-v1.5",
        revision="7999e1d3359715c523056ef9478215996d62a620",
        licence="MIT",
        role="embed",
        architecture="bert",
        n_bytes=_bytes(fp32=95_823_872, half=47_916_032, int8=35_146_752, nf4=29_452_864),
        kv_bytes_per_token=0,
        context=512,
        prompt="plain",
        good_for=("embed",),
        config=_encoder("bert", 512, 4, 8, 21_128, 512),
        load="sentence-transformers",
        query="为这个句子生成表示以用于检索相关文章：",
    ),
    ModelSpec(
        key="bge-m3",
        title="BGE M3",
        repo="BAAI/bge-m3",
        revision="5617a9f61b028005a4858fdac845db406aefb181",
        licence="MIT",
        role="embed",
        architecture="xlm-roberta",
        n_bytes=_bytes(fp32=2_271_150_112, half=1_135_640_608, int8=833_490_976, nf4=700_032_096),
        kv_bytes_per_token=0,
        context=8_192,
        prompt="plain",
        good_for=("embed",),
        config=_encoder("xlm-roberta", 1024, 24, 16, 250_002, 8194, type_vocab_size=1),
        load="sentence-transformers",
    ),
    ModelSpec(
        key="qwen3-embedding-0.6b",
        title="Qwen3 Embedding 0.6B",
        repo="Qwen/Qwen3-Embedding-0.6B",
        revision="97b0c614be4d77ee51c0cef4e5f07c00f9eb65b3",
        licence="Apache-2.0",
        role="embed",
        architecture="qwen3",
        n_bytes=_bytes(fp32=2_383_106_560, half=1_191_553_536, int8=752_527_872, nf4=558_488_320),
        kv_bytes_per_token=0,
        context=32_768,
        prompt="plain",
        good_for=("embed",),
        config=_decoder("qwen3", 1024, 28, (16, 8), 3_072, 151_669, 32_768, head_dim=128, tie_word_embeddings=True),
        load="sentence-transformers",
        query="Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
    ),
    ModelSpec(
        key="luotuo-bert",
        title="Luotuo BERT",
        repo="silk-road/luotuo-bert",
        revision="main",
        licence="not stated",
        role="embed",
        architecture="bert",
        n_bytes=_bytes(fp32=413_803_520, half=206_905_856, int8=122_302_976, nf4=84_816_896),
        kv_bytes_per_token=0,
        context=512,
        prompt="plain",
        good_for=("embed",),
        config=_encoder("bert", 768, 12, 12, 21_128, 512, sentence_head=1536),
        load="luotuo-bert",
    ),
    ModelSpec(
        key="luotuo-bert-medium",
        title="Luotuo BERT medium",
        repo="silk-road/luotuo-bert-medium",
        revision="main",
        licence="not stated",
        role="embed",
        architecture="bert",
        n_bytes=_bytes(fp32=1_308_395_520, half=654_201_856, int8=353_096_704, nf4=220_100_608),
        kv_bytes_per_token=0,
        context=512,
        prompt="plain",
        good_for=("embed",),
        config=_encoder("bert", 1024, 24, 16, 21_128, 512, sentence_head=1536),
        load="luotuo-bert",
    ),
)

ADAPTERS: tuple[AdapterSpec, ...] = (
    AdapterSpec(
        key="luotuo-lora-7b-0.3",
        title="Vanilla Luotuo 0.3",
        base="llama-7b",
        repo="silk-road/luotuo-lora-7b-0.3",
        revision="6ee222a41a49b4bdeea8aacbf854416ad04f8bc2",
        licence="Apache-2.0",
        n_bytes=16_777_216,  # rank 8 on q_proj and v_proj of 32 layers, float32
        good_for=("respond",),
        prompt="alpaca",
    ),
    AdapterSpec(
        key="luotuo-lora-7b-0.1",
        title="Vanilla Luotuo 0.1",
        base="llama-7b",
        repo="qychen/luotuo-lora-7b-0.1",
        revision="main",
        licence="Apache-2.0",
        n_bytes=16_777_216,
        good_for=("respond",),
        prompt="alpaca",
    ),
)
