"""int8 on a CPU that is worth using: a forward for bitsandbytes layers over the library's own buffers.

bitsandbytes keeps a weight as `CB` (int8, out × in) and `SCB` (float32, the largest absolute value of each row), so
w = CB · SCB / 127. On a CPU its LLM.int8 forward quantises the activations and, without AVX-512, turns the whole weight
into floats at every call. Here the activations stay wide (weight-only int8): few rows go through torch's packed int8
kernel, many rows through a matrix product on blocks of weights, widened as they are needed. No weight is copied, no
row depends on what another visitor sends in the same batch, and the result is closer to the original.

`install` tests before it trusts: every kernel against dequantised float32 and against the library on each shape of
layer, then the speed; what is off or slower is not used. Knows no models, no devices but the CPU, no files.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bitsandbytes.nn import Linear8bitLt
    from torch import Tensor, nn

__all__ = ["Report", "install", "remove"]

FEW_ROWS = 16  # up to here reading the weights dominates; above it, multiplying (measured with AVX2 and with AVX-512)
# the packed kernel loads whole aligned vectors: elsewhere it ends the process (seen at 8 bytes, in a mapped file, and
# with rows that are no multiple of 16)
PACKED_WIDTH, PACKED_ALIGNMENT = 32, 16
BLOCK_WEIGHTS = 1 << 20  # weights widened at a time: 4 MiB of scratch whatever the layer
PROBE_OUTPUTS = 1024  # rows of a weight that the self-test looks at
MAX_ERROR = 0.01  # relative, against dequantised float32; bfloat16 alone costs 0.003
MAX_DISAGREEMENT = 0.05  # relative, against the library, whose own error is about 0.01
CLEARLY = 1.5  # the packed kernel is given up only where it is this much slower: noise must not choose
REPEATS = 15

Kernel = Callable[["Tensor", "Tensor", "Tensor", "Tensor | None"], "Tensor"]


@dataclass(frozen=True, slots=True)
class Report:
    """What the self-test found. `reason`: faster, no_int8_layers, inexact, slower, or failed."""

    used: bool
    reason: str
    speedup: float = 0.0  # over the library's forward, one row of the most frequent layer
    cosine: float = 0.0  # the worst of all probes, against dequantised float32
    error: float = 0.0  # likewise, relative in the Frobenius norm
    layers: int = 0
    kernels: tuple[str, str] = ("library", "library")  # for few and for many rows


@dataclass(frozen=True, slots=True)
class Probe:
    """One layer's numbers, at most about PROBE_OUTPUTS of its rows. Shapes: (out, in), (out,), (out,)."""

    weight: "Tensor"
    absmax: "Tensor"
    bias: "Tensor | None"
    threshold: float

    def inputs(self, rows: int) -> "Tensor":
        """(rows, in) float32 with a few loud columns, as activations of language models have them."""
        import torch

        generator = torch.Generator().manual_seed(rows)
        x = torch.randn(rows, self.weight.shape[1], generator=generator)
        x[:, :: max(1, x.shape[1] // 4)] *= 8.0
        return x

    def run(self, kernel: Kernel, x: "Tensor") -> "Tensor":
        """(rows, out) of one kernel."""
        return kernel(x, self.weight, self.absmax, self.bias)

    def library(self, x: "Tensor") -> "Tensor":
        """(rows, out) as bitsandbytes computes it; a state of its own leaves the layer untouched."""
        import bitsandbytes as bnb

        state = bnb.MatmulLtState()
        state.CB, state.SCB, state.has_fp16_weights, state.is_training = self.weight, self.absmax, False, False
        return bnb.matmul(x, self.weight, bias=self.bias, state=state, threshold=self.threshold)


def packed(x: "Tensor", weight: "Tensor", absmax: "Tensor", bias: "Tensor | None") -> "Tensor":
    """(rows, out) float32 through torch's weight-only int8 kernel; float32 inputs would make it 10 × slower."""
    import torch

    ones, zeros = _constants(weight.shape[0])
    rows = x.to(torch.bfloat16, copy=True, memory_format=torch.contiguous_format)  # a copy of its own is aligned
    y = torch._weight_int8pack_mm(rows, weight, ones)
    return torch.addcmul(zeros if bias is None else bias, y, absmax, value=1 / 127)  # scales stay float32


def blocks(x: "Tensor", weight: "Tensor", absmax: "Tensor", bias: "Tensor | None", *, half: bool = False) -> "Tensor":
    """(rows, out) float32; weights are widened to float32 (or bfloat16, `half`) block by block."""
    import torch

    dtype = torch.bfloat16 if half else torch.float32
    x, scale = x.to(dtype), absmax / 127
    y = x.new_empty(x.shape[0], weight.shape[0], dtype=torch.float32)
    step = max(64, BLOCK_WEIGHTS // weight.shape[1])
    for start in range(0, weight.shape[0], step):
        part = slice(start, start + step)
        torch.mul(x @ weight[part].to(dtype).T, scale[part], out=y[:, part])
    return y if bias is None else y.add_(bias)


KERNELS: dict[str, Kernel] = {"packed": packed, "float32 blocks": blocks, "bfloat16 blocks": partial(blocks, half=True)}


@lru_cache(maxsize=64)
def _constants(n: int) -> tuple["Tensor", "Tensor"]:
    """Ones in bfloat16 and zeros in float32, (n,) each, shared by all layers of that width."""
    import torch

    with torch.inference_mode(False):
        return torch.ones(n, dtype=torch.bfloat16), torch.zeros(n)


@lru_cache(maxsize=1)
def _fast_class() -> "type[Linear8bitLt]":
    """A subclass, so that PEFT, transformers and state_dict still see a bitsandbytes layer."""
    import torch
    from bitsandbytes.nn import Linear8bitLt

    class FastLinear8bitLt(Linear8bitLt):
        """bitsandbytes' layer with the forward of this module; training and other devices use the library's."""

        kernels: tuple[str, str]  # names, so that copies of the layer stay plain data

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """(…, in) → (…, out) in the dtype of x."""
            absmax, weight = _absmax(self), self.weight.data
            differentiated = x.requires_grad and torch.is_grad_enabled()
            if absmax is None or not weight.is_cpu or not x.is_cpu or self.training or differentiated or not x.numel():
                return super().forward(x)
            rows = x.reshape(-1, x.shape[-1])
            name = self.kernels[len(rows) > FEW_ROWS]
            kernel = KERNELS[name if _fits(name, weight) else "float32 blocks"]
            return kernel(rows, weight, absmax, self.bias).to(x.dtype).view(*x.shape[:-1], -1)

    return FastLinear8bitLt


def install(model: "nn.Module") -> Report:
    """Gives every bitsandbytes int8 layer on the CPU the fast forward, if the self-test finds it right and faster.

    Never raises for a model that cannot have it: the layers are then as they were. Installing twice is harmless.
    """
    layers = list(_layers(model))
    if not layers:
        return Report(False, "no_int8_layers")
    # without this the library logs one warning per layer and token
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    try:
        report = _self_test(layers)
    except Exception as error:
        # the packed kernel is private to torch and bitsandbytes' buffers to it: any change of theirs ends here;
        # told as text, since a kept record of the exception would keep the model alive through its frames
        told = f"{type(error).__name__}: {error}"
        logging.getLogger(__name__).warning("the int8 self-test broke; using bitsandbytes as it is: %s", told)
        return Report(False, "failed")
    if report.used:
        for layer in layers:
            layer.kernels = report.kernels
            layer.__class__ = _fast_class()
    return report


def remove(model: "nn.Module") -> None:
    """Gives the library's forward back to every layer."""
    from bitsandbytes.nn import Linear8bitLt

    for layer in model.modules():
        if isinstance(layer, _fast_class()):
            del layer.kernels
            layer.__class__ = Linear8bitLt


def _layers(model: "nn.Module") -> Iterator["Linear8bitLt"]:
    """Quantised layers on the CPU whose forward nobody else has replaced."""
    import sys

    if "bitsandbytes" not in sys.modules:  # then no model can hold its layers, and importing it takes seconds
        return
    import torch
    from bitsandbytes.nn import Linear8bitLt

    for layer in model.modules():
        if type(layer) not in (Linear8bitLt, _fast_class()) or "forward" in vars(layer):
            continue
        weight = layer.weight
        if weight.is_cpu and weight.dtype == torch.int8 and weight.is_contiguous() and _absmax(layer) is not None:
            yield layer


def _absmax(layer: "Linear8bitLt") -> "Tensor | None":
    """(out,) float32. The library moves it from the weight to the state at its first forward, in this order."""
    absmax = getattr(layer.weight, "SCB", None)
    return layer.state.SCB if absmax is None else absmax


def _fits(kernel: str, weight: "Tensor") -> bool:
    """Whether a kernel may touch a weight at all; asked at every call, for weights can be replaced."""
    return kernel != "packed" or (weight.shape[1] % PACKED_WIDTH == 0 and weight.data_ptr() % PACKED_ALIGNMENT == 0)


def _self_test(layers: "Sequence[Linear8bitLt]") -> Report:
    """Which kernels are right on every shape, and whether they beat the library on the most frequent one."""
    import torch

    shapes = Counter(tuple(layer.weight.shape) for layer in layers)
    by_shape = {tuple(layer.weight.shape): layer for layer in layers}
    with torch.inference_mode():
        probes = {shape: _probe(layer) for shape, layer in by_shape.items()}
        tried = {name: _exactness(name, list(probes.values())) for name in KERNELS}
        right = {name: exactness for name, exactness in tried.items() if exactness is not None}
        if "float32 blocks" not in right:  # what every shape can fall back on
            return Report(False, "inexact", layers=len(layers))
        few, speedup = _best_for_few(probes[shapes.most_common(1)[0][0]], packed_is_right="packed" in right)
    many = "bfloat16 blocks" if "bfloat16 blocks" in right and _multiplies_bfloat16() else "float32 blocks"
    cosines, errors = zip(*(right[name] for name in ("float32 blocks", few, many)), strict=True)
    if speedup < 1.0:
        return Report(False, "slower", speedup, min(cosines), max(errors), len(layers))
    return Report(True, "faster", speedup, min(cosines), max(errors), len(layers), (few, many))


def _probe(layer: "Linear8bitLt") -> Probe:
    """The last rows of a layer: their number keeps the remainder that a kernel's tail has to deal with."""
    n = min(len(layer.weight), PROBE_OUTPUTS + len(layer.weight) % PROBE_OUTPUTS)
    bias = None if layer.bias is None else layer.bias.data[-n:].float()
    return Probe(layer.weight.data[-n:], _absmax(layer)[-n:], bias, layer.state.threshold)


def _exactness(name: str, probes: Sequence[Probe]) -> tuple[float, float] | None:
    """The lowest cosine of a kernel to dequantised float32 and its largest relative error; None when it is off on any
    probe that it fits."""
    import torch

    cosine, worst = 1.0, 0.0
    for probe in (probe for probe in probes if _fits(name, probe.weight)):
        for rows in (1, 5, FEW_ROWS + 1):
            x = probe.inputs(rows)
            y = probe.run(KERNELS[name], x)
            exact = torch.nn.functional.linear(x, probe.weight.float() * (probe.absmax / 127)[:, None], probe.bias)
            error = _error(y, exact)
            if not (error <= MAX_ERROR and _error(y, probe.library(x)) <= MAX_DISAGREEMENT):  # NaN is off
                return None
            worst = max(worst, error)
            cosine = min(cosine, float(torch.cosine_similarity(y.flatten(), exact.flatten(), dim=0)))
    return cosine, worst


def _error(y: "Tensor", reference: "Tensor") -> float:
    """Relative error in the Frobenius norm; an all-zero reference (an empty row of weights) asks for zeros."""
    return float((y - reference).norm() / reference.norm().clamp_min(1e-12))


def _multiplies_bfloat16() -> bool:
    """Whether the processor does so natively (4 × float32's speed; without it 3 × slower). Asked, not timed: two loads
    on one machine must choose the same kernels, or the same prompt would not give the same bits."""
    import torch

    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and bool(capabilities.get("avx512_bf16"))


def _best_for_few(probe: Probe, *, packed_is_right: bool) -> tuple[str, float]:
    """The kernel for few rows, and how many times faster than the library it is on one row."""
    x = probe.inputs(1)
    names = ["float32 blocks", *(["packed"] if packed_is_right and _fits("packed", probe.weight) else [])]
    library, plain, *fast = _seconds([partial(probe.library, x), *(partial(probe.run, KERNELS[n], x) for n in names)])
    if fast and fast[0] < plain * CLEARLY:
        return "packed", library / fast[0]
    return "float32 blocks", library / plain


def _seconds(calls: Sequence[Callable[[], object]]) -> list[float]:
    """The best time of each call; taken in turns, so that a busy machine is busy for all of them."""
    best = [float("inf")] * len(calls)
    for _ in range(REPEATS):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    return best
