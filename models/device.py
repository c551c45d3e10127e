"""What machine this is, and what follows from it: device, type, precision and budget, each with its reason.

`choose` is pure, so every rule is tested without the hardware that it is about; `probe` looks at the machine and is
the only part that imports torch. Knows no model: what fits is decided elsewhere, from `budget_bytes` and `ladder`.

Not measured here: T4, mps. Sources: bitsandbytes' documentation for the cards (LLM.int8 from 7.5, nf4 from 6.0),
NVIDIA's for bf16 (from 8.0); a CPU without the instructions was measured three to forty times slower in bf16.
"""

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from models.errors import BadInput
from models.sizes import WHOLE, DType, Role
from models.spec import Precision

__all__ = ["CARDS", "Choice", "Machine", "Reason", "budget", "choose", "cpu_features", "decide", "known_limit", "probe"]

GIB = 1 << 30
CUDA_RESERVE = GIB  # context and workspaces of one process; an estimate
BF16_FROM, INT8_FROM, NF4_FROM = (8, 0), (7, 5), (6, 0)
# Cards that LUOTUO_BUDGET can stand for: compute capability and the memory that is usable in practice
CARDS: Mapping[str, tuple[tuple[int, int], int]] = {
    "T4": ((7, 5), int(14.5 * GIB)),
    "P100": ((6, 0), int(15.5 * GIB)),
    "V100": ((7, 0), int(15.5 * GIB)),
    "L4": ((8, 9), 22 * GIB),
    "A10G": ((8, 6), 22 * GIB),
    "A100": ((8, 0), 39 * GIB),
}
UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?B)?", re.IGNORECASE)
# Instruction sets worth knowing of, as the kernel spells them on x86 and on Arm
FEATURES = frozenset("avx2 avx512f avx512_vnni avx_vnni avx512_bf16 amx_tile amx_int8 amx_bf16 bf16 i8mm".split())
BF16_FEATURES = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found; `device` is the best that is there."""

    device: Literal["cuda", "mps", "cpu"]
    name: str
    total_bytes: int  # of the device's own memory
    free_bytes: int
    capability: tuple[int, int] | None = None  # of a CUDA card
    features: frozenset[str] = frozenset()  # of the CPU, those in FEATURES
    n_cores: int = 1
    quantises: bool = True  # bitsandbytes is installed

    @property
    def bf16(self) -> bool:
        """Whether bf16 is computed in hardware."""
        if self.device == "cuda":
            return self.capability is not None and self.capability >= BF16_FROM
        return self.device == "cpu" and bool(self.features & BF16_FEATURES)


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence for the page: a key of assets/i18n and what fills it in."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """What models are loaded with on this machine."""

    device: str
    dtype: DType  # of everything that stays whole
    precision: Precision
    ladder: tuple[Precision, ...]  # precision first, then what may be tried where it does not fit
    budget_bytes: int
    reason: Reason  # of device, dtype and precision
    budget_reason: Reason


def decide(*, wanted: Precision | None = None, role: Role = "generate", limit: str | None = None) -> Choice:
    """`choose` for this machine; without a limit, LUOTUO_BUDGET's. Raises BadInput for a limit nobody understands."""
    return choose(probe(), wanted=wanted, role=role, limit=limit or os.environ.get("LUOTUO_BUDGET"))


def choose(
    machine: Machine, *, wanted: Precision | None = None, role: Role = "generate", limit: str | None = None
) -> Choice:
    """Device, type, precision and budget for a machine; pure.

    `wanted` is tried first and replaced only where the machine cannot compute it; without it a generator is held in
    8 bit and an embedder, which is small, whole. `limit` is a size (6GiB) or a card of CARDS: then everything is
    decided as if on that card. Raises BadInput for any other limit.
    """
    machine, card = _as_card(machine, limit)
    dtype = _dtype(machine)
    asked = wanted or (Precision.INT8 if role == "generate" else _whole(dtype))
    if asked in WHOLE and not (machine.device == "cuda" and asked is Precision.BF16 and not machine.bf16):
        dtype = WHOLE[asked]
    possible = _quantised(machine)
    whole = _whole(dtype)
    precision = asked if asked in possible else whole
    ladder = (precision, *(step for step in possible if list(Precision).index(step) > list(Precision).index(precision)))
    n_bytes, why = budget(machine, None if card else limit, card)
    return Choice(machine.device, dtype, precision, ladder, n_bytes, _reason(machine, asked, precision, dtype), why)


def budget(machine: Machine, limit: str | None, card: str = "") -> tuple[int, Reason]:
    """Bytes that models may hold, and why: what is free less a reserve, and never more than the limit.

    The reserve is CUDA's own gibibyte, or on shared memory a tenth of it and at least one gibibyte.
    """
    reserve = CUDA_RESERVE if machine.device == "cuda" else max(GIB, machine.total_bytes // 10)
    free = max(0, min(machine.free_bytes, machine.total_bytes) - reserve)
    asked = _size(limit) if limit else free
    values = {"budget": _gib(min(free, asked)), "free": _gib(machine.free_bytes), "total": _gib(machine.total_bytes)}
    if card:
        return free, Reason("device.budget_card", {**values, "card": card})
    return min(free, asked), Reason("device.budget_limit" if asked < free else "device.budget_free", values)


def probe() -> Machine:
    """What this machine is. Imports torch; takes about two seconds the first time."""
    import torch

    quantises = importlib.util.find_spec("bitsandbytes") is not None
    common = {"features": _cpu_features(), "n_cores": _n_cores(), "quantises": quantises}
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        capability = torch.cuda.get_device_capability()
        return Machine("cuda", torch.cuda.get_device_name(), total, free, capability, **common)
    total, free = _memory()
    if torch.backends.mps.is_available():
        return Machine("mps", "Apple GPU", total, free, **common)
    return Machine("cpu", _cpu_name(), total, free, **common)


def cpu_features(text: str) -> frozenset[str]:
    """The instruction sets that matter, from the text of /proc/cpuinfo (x86 `flags`, Arm `Features`)."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return FEATURES & frozenset(lines[0].split()) if lines else frozenset()


def _as_card(machine: Machine, limit: str | None) -> tuple[Machine, str]:
    """The machine cut down to a card, when the limit names one; a card is never made better than what is there."""
    name = (limit or "").strip().upper()
    if name not in CARDS:
        return machine, ""
    capability, usable = CARDS[name]
    capability = min(capability, machine.capability or (0, 0))
    smaller = {"total_bytes": min(usable, machine.total_bytes), "free_bytes": min(usable, machine.free_bytes)}
    return replace(machine, **smaller, capability=capability if machine.device == "cuda" else None), name


def known_limit(limit: str) -> bool:
    """Whether a limit is a card or a size that `choose` understands."""
    return limit.strip().upper() in CARDS or SIZE.fullmatch(limit.strip()) is not None


def _size(limit: str) -> int:
    """Bytes of «6GiB», «6 GB», «512M»; every unit is binary. Raises BadInput."""
    found = SIZE.fullmatch(limit.strip())
    if found is None:
        raise BadInput("budget_value", value=limit, cards=", ".join(CARDS))
    return int(float(found[1]) * (1 << UNITS[found[2].upper()]))


def _dtype(machine: Machine) -> DType:
    """The type of what stays whole: bf16 where hardware computes it, else fp16 on a GPU and fp32 on a CPU."""
    if machine.bf16:
        return "bfloat16"
    return "float32" if machine.device == "cpu" else "float16"


def _whole(dtype: DType) -> Precision:
    return next(precision for precision, name in WHOLE.items() if name == dtype)


def _quantised(machine: Machine) -> tuple[Precision, ...]:
    """The quantised precisions that bitsandbytes computes here, the most exact first."""
    if not machine.quantises or machine.device == "mps":
        return ()
    if machine.device == "cpu":
        return Precision.INT8, Precision.NF4
    steps = ((Precision.INT8, INT8_FROM), (Precision.NF4, NF4_FROM))
    return tuple(step for step, least in steps if (machine.capability or (0, 0)) >= least)


def _reason(machine: Machine, asked: Precision, precision: Precision, dtype: DType) -> Reason:
    """The one sentence that explains the choice: what could not be had, or what the type follows from."""
    major, minor = machine.capability or (0, 0)
    values = {"name": machine.name, "precision": precision.value, "dtype": dtype}
    if asked is not precision and asked not in WHOLE:
        key = "device.no_library" if not machine.quantises else "device.not_on_device"
        return Reason(key, {**values, "asked": asked.value})
    if machine.device == "cuda":
        key = "device.cuda_bf16" if machine.bf16 else "device.cuda_fp16"
        return Reason(key, {**values, "capability": f"{major}.{minor}"})
    if machine.device == "mps":
        return Reason("device.mps", values)
    if machine.bf16:
        return Reason("device.cpu_bf16", {**values, "feature": min(machine.features & BF16_FEATURES)})
    return Reason("device.cpu_fp32", values)


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / GIB:.1f} GiB"


def _cpu_features() -> frozenset[str]:
    """Of this machine; an Apple chip has no /proc/cpuinfo and is left without, which means float32."""
    path = Path("/proc/cpuinfo")
    return cpu_features(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else frozenset()


def _cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else "CPU"


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> tuple[int, int]:
    """Total and available bytes of main memory, within the container's own limit where there is one."""
    import psutil

    memory = psutil.virtual_memory()
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    if limit is None or limit >= memory.total:
        return memory.total, memory.available
    return limit, max(0, min(memory.available, limit - (used or 0)))


def _number(path: Path) -> int | None:
    """The number in a control file; None for «max» and where there is no such file."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
