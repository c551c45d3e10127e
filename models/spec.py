"""The small values that everything else passes around: who answered, how, and on what evidence."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

How = Literal["neural", "extractive", "retrieved", "rule"]


class Precision(str, Enum):
    """How weights are held: whole in one float type, or linear layers quantised by bitsandbytes."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    INT8 = "int8"  # LLM.int8: one byte a weight and one fp32 scale a row
    NF4 = "nf4"  # half a byte a weight and one fp32 scale for every 64


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made an output and how. It travels with every output, so nothing extracted can pass as generated."""

    how: How
    engine: str = "embedded"  # "embedded", or the catalogue key of a neural model
    model: str = ""  # repository id, for neural engines
    adapter: str = ""
    fingerprint: str = ""  # of the adapter or of the shipped weights


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece that an output rests on: a sentence, a scene, a passage, a picture."""

    text: str
    score: float  # higher is better; the engine's own scale
    source: str = ""  # title of the scene, file or entry
    start: int = -1  # character offsets in the visitor's text; -1 when it is not from there
    end: int = -1
