"""The fast int8 forward and the cache of quantised checkpoints, on tiny models built here."""

import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models import int8, int8_cache
from models.errors import Cancelled
from models.int8_cache import QuantisedCache
from models.task import Task

torch = pytest.importorskip("torch")
pytest.importorskip("bitsandbytes")

if TYPE_CHECKING:
    from transformers import PreTrainedModel

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
IDS = torch.arange(40)[None] % 64
KERNELS = dict(int8.KERNELS)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads on a busy machine wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose layers have widths that are and are not multiples of 32."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 100, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(**shape, vocab_size=64, attention_bias=True, max_position_embeddings=128))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    folder = tmp_path_factory.mktemp("source")
    model.save_pretrained(folder)
    return folder


def wide(source: Path) -> "PreTrainedModel":
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()


def quantised(source: Path) -> "PreTrainedModel":
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_8bit=True)
    return AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.float32, quantization_config=config, device_map={"": "cpu"}
    ).eval()


def reopened(folder: Path) -> "PreTrainedModel":
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, device_map={"": "cpu"}).eval()


def logits(model: "PreTrainedModel") -> "torch.Tensor":
    """Of a prompt and of one more token with the key-value cache: many rows, then one."""
    with torch.inference_mode():
        first = model(IDS, use_cache=True)
        return torch.cat([first.logits, model(IDS[:, :1], past_key_values=first.past_key_values).logits], dim=1)


def cosine(a: "torch.Tensor", b: "torch.Tensor") -> float:
    return float(torch.cosine_similarity(a[0], b[0], dim=-1).min())


def always_faster(monkeypatch: pytest.MonkeyPatch, *, library: float = 1.0) -> None:
    """The clock of the self-test; tiny layers on a busy machine say nothing about speed."""
    monkeypatch.setattr(int8, "_seconds", lambda calls: [library, 0.5, 0.2][: len(calls)])


def test_close_to_float32_and_closer_than_the_library(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_faster(monkeypatch)
    exact, model = logits(wide(source)), quantised(source)
    library = logits(model)
    weights = {name: tensor.data_ptr() for name, tensor in model.state_dict().items() if "weight_format" not in name}
    report = int8.install(model)
    assert (report.used, report.reason, report.kernels[0]) == (True, "faster", "packed")
    assert report.layers == 14 and report.cosine > 0.9999 and report.speedup == pytest.approx(5.0)
    assert cosine(logits(model), exact) >= max(0.995, cosine(library, exact))
    after = {name: tensor.data_ptr() for name, tensor in model.state_dict().items() if "weight_format" not in name}
    assert after == weights  # nothing was copied
    assert int8.install(model).used
    int8.remove(model)
    assert torch.equal(logits(model), library)


@pytest.mark.parametrize("many", ["float32 blocks", "bfloat16 blocks"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_every_kernel_on_odd_shapes(many: str, dtype: "torch.dtype") -> None:
    for out, width, rows in [(7, 33, 1), (1030, 64, 3), (5, 32, 40), (1, 1, 2), (300, 4100, 17)]:
        weight = torch.randint(-127, 128, (out, width), dtype=torch.int8)
        absmax, bias, x = torch.rand(out) + 0.1, torch.randn(out), torch.randn(rows, width).to(dtype)
        exact = x.float() @ (weight.float() * (absmax / 127)[:, None]).T + bias
        for name in {many, "packed"} if width % int8.PACKED_WIDTH == 0 else {many}:
            y = int8.KERNELS[name](x, weight, absmax, bias)
            assert y.shape == (rows, out) and float((y - exact).norm() / exact.norm()) < int8.MAX_ERROR


def test_a_row_does_not_depend_on_its_neighbours(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_faster(monkeypatch)
    model = quantised(source)
    int8.install(model)
    layer = model.model.layers[0].self_attn.q_proj
    x = torch.randn(2, 64)
    loud = torch.stack([x[0], x[1] * 100])
    with torch.inference_mode():
        assert torch.equal(layer(x)[0], layer(loud)[0])
        assert layer(x[:0]).shape == (0, 64)
        assert layer(x.bfloat16()).dtype == torch.bfloat16
        assert layer(x[None]).shape == (1, 2, 64)


def test_a_weight_that_is_not_aligned_does_not_end_the_process(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_faster(monkeypatch)
    model = quantised(source)
    int8.install(model)
    layer = model.model.layers[0].self_attn.q_proj
    x = torch.randn(1, 66).bfloat16()[:, 1:65]  # neither are such inputs
    with torch.inference_mode():
        expected = layer(x)
        memory = torch.zeros(layer.weight.numel() + 64, dtype=torch.int8)
        start = -memory.data_ptr() % 64 + 8
        shifted = memory[start : start + layer.weight.numel()].view(layer.weight.shape)
        layer.weight.data = shifted.copy_(layer.weight.data)
        assert int8.install(model).used
        assert float((layer(x) - expected).norm() / expected.norm()) < int8.MAX_ERROR


def off(x: "torch.Tensor", weight: "torch.Tensor", absmax: "torch.Tensor", bias: "torch.Tensor") -> "torch.Tensor":
    return KERNELS["float32 blocks"](x, weight, absmax, bias) * 1.1  # the cosine is 1 all the same


def raising(*_: object) -> "torch.Tensor":
    raise RuntimeError("no such operator")


@pytest.mark.parametrize(
    ("broken", "reason", "few"),
    [
        ({"packed": off}, "faster", "float32 blocks"),
        ({"packed": off, "float32 blocks": off, "bfloat16 blocks": off}, "inexact", "library"),
        ({"packed": raising}, "failed", "library"),
    ],
)
def test_a_failed_self_test_leaves_the_library(
    broken: dict[str, Callable[..., object]], reason: str, few: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always_faster(monkeypatch)
    for name, kernel in broken.items():
        monkeypatch.setitem(int8.KERNELS, name, kernel)
    model = quantised(source)
    library = logits(model)
    report = int8.install(model)
    assert (report.reason, report.kernels[0], report.used) == (reason, few, reason == "faster")
    if not report.used:
        assert torch.equal(logits(model), library)


def test_slower_or_nothing_to_do(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_faster(monkeypatch, library=0.1)
    model = quantised(source)
    assert (int8.install(model).used, int8.install(model).reason) == (False, "slower")
    assert int8.install(wide(source)).reason == "no_int8_layers"


def test_copies_training_and_hooks_keep_working(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_faster(monkeypatch)
    model = quantised(source)
    hooked = model.model.layers[0].mlp.up_proj
    hooked.forward = lambda x: torch.zeros(*x.shape[:-1], 100)  # as accelerate's hooks do
    assert int8.install(model).layers == 13
    expected = logits(model)
    assert torch.equal(logits(copy.deepcopy(model)), expected)
    x = torch.randn(3, 64, requires_grad=True)
    model.model.layers[1].mlp.up_proj(x).sum().backward()  # as LoRA training would
    assert x.grad is not None and float(x.grad.abs().sum()) > 0


class Shop:
    """A cache and a count of what was quantised and what was reopened."""

    def __init__(self, home: Path, source: Path, max_bytes: int = 1 << 30) -> None:
        self.cache, self.source, self.made, self.opened = QuantisedCache(home, max_bytes), source, 0, 0

    def load(self, recipe: str = "int8 float32") -> "PreTrainedModel":
        def quantise() -> "PreTrainedModel":
            self.made += 1
            return quantised(self.source)

        def reopen(folder: Path) -> "PreTrainedModel":
            self.opened += 1
            return reopened(folder)

        loaded = self.cache.load(self.source, recipe, quantise=quantise, reopen=reopen, task=Task())
        assert not list(self.cache.home.glob(f"{int8_cache.UNFINISHED}*")), "leftovers"
        return loaded.model

    def entries(self) -> list[Path]:
        return sorted(self.cache.home.iterdir())


@pytest.fixture
def shop(tmp_path: Path, source: Path) -> Shop:
    return Shop(tmp_path / "home" / "quantised", source)


def test_the_second_load_is_bitwise_the_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop.load()
    second = shop.load()
    assert (shop.made, shop.opened) == (1, 1)
    assert torch.equal(logits(first), logits(second))
    layers = [module for module in second.modules() if hasattr(module, "state") and module.in_features % 32 == 0]
    assert len(layers) == 12 and all(int8._fits("packed", layer.weight) for layer in layers)
    always_faster(monkeypatch)
    assert int8.install(first).used and int8.install(second).used
    assert torch.equal(logits(first), logits(second))


def test_another_recipe_source_or_library_is_another_entry(
    shop: Shop, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load()
    shop.load("int8 bfloat16")
    monkeypatch.setattr(int8_cache, "_version", lambda name: "99")
    shop.load()
    monkeypatch.undo()
    weights = source / "model.safetensors"
    before = weights.stat()
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    shop.load()
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    shop.load()
    assert (shop.made, shop.opened, len(shop.entries())) == (4, 1, 4)


def truncated(entry: Path) -> None:
    weights = entry / "model.safetensors"
    os.truncate(weights, weights.stat().st_size - 100)


def rewritten(entry: Path) -> None:
    with (entry / "model.safetensors").open("r+b") as file:
        file.seek(-64, os.SEEK_END)
        file.write(bytes(64))


def foreign(entry: Path) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    (entry / "manifest.json").write_text(json.dumps(manifest | {"key": "0" * 64}))


def planted(entry: Path) -> None:
    (entry / "pytorch_model.bin").write_bytes(b"pickle")


def unsealed(entry: Path) -> None:
    (entry / "manifest.json").unlink()


def nonsense(entry: Path) -> None:
    (entry / "manifest.json").write_text("[1]")


def sealed_but_unreadable(entry: Path) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    (entry / "model.safetensors").write_bytes(b"not safetensors")
    manifest["files"]["model.safetensors"] = int8_cache.sample(entry / "model.safetensors")
    (entry / "manifest.json").write_text(json.dumps(manifest))


DAMAGE = [truncated, rewritten, foreign, planted, unsealed, nonsense, sealed_but_unreadable]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_broken_entry_is_made_again(damage: Callable[[Path], None], shop: Shop) -> None:
    expected = logits(shop.load())
    damage(shop.entries()[0])
    assert torch.equal(logits(shop.load()), expected)
    assert shop.made == 2
    shop.load()
    assert shop.made == 2 and len(shop.entries()) == 1


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("bad config")])
def test_a_write_that_fails_leaves_nothing_and_costs_nothing(
    error: Exception, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedModel

    def breaks(self: object, folder: Path, **_: object) -> None:
        (Path(folder) / "model-00001-of-00002.safetensors").write_bytes(b"half")
        raise error

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", breaks)
    assert logits(shop.load()).isfinite().all()
    assert shop.entries() == []


def test_a_stop_passes_and_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task()
    task.stop()
    with pytest.raises(Cancelled):
        shop.cache.load(shop.source, "int8", quantise=lambda: quantised(shop.source), reopen=reopened, task=task)
    assert not shop.cache.home.exists()
    shop.load()

    def out_of_memory(folder: Path) -> "PreTrainedModel":
        raise torch.OutOfMemoryError("no room for the model")

    with pytest.raises(torch.OutOfMemoryError):
        shop.cache.load(shop.source, "int8 float32", quantise=shop.load, reopen=out_of_memory, task=Task())
    assert len(shop.entries()) == 1  # it is not the entry's fault
    with pytest.raises(FileNotFoundError):
        shop.cache.load(shop.cache.home, "int8", quantise=shop.load, reopen=reopened, task=Task())


def test_size_is_bounded_and_the_dead_are_buried(tmp_path: Path, source: Path) -> None:
    shop = Shop(tmp_path / "home", source)
    shop.load("a")
    size = shop.cache.n_bytes()
    shop.cache = QuantisedCache(shop.cache.home, int(size * 2.5))
    dead = shop.cache.home / f"{int8_cache.UNFINISHED}crashed"
    dead.mkdir()
    os.utime(dead, (0, 0))
    for recipe in ("b", "a", "c"):  # "a" is used again, so "b" has to go
        shop.load(recipe)
        time.sleep(0.02)
    assert shop.cache.n_bytes() <= shop.cache.max_bytes and not dead.exists()
    made = shop.made
    shop.load("a"), shop.load("c")
    assert shop.made == made
    shop.cache = QuantisedCache(tmp_path / "small", size // 2)
    shop.load("a")
    assert shop.entries() == []  # larger than the whole cache: not kept
