"""What a row of the catalogue of neural models is: ModelSpec and AdapterSpec.

Knows how a row is checked and how its bytes are told for any type of the weights that stay whole. Knows no row
(models/neural.py), reads no file but through models/sizes.py, and loads nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.architecture import layout
from models.sizes import DType, Role, held_bytes, predict
from models.spec import Precision

__all__ = ["CAPABILITIES", "LOADERS", "PROMPTS", "AdapterSpec", "ModelSpec"]

CAPABILITIES = ("respond", "summarize", "answer", "roleplay", "compose", "embed")
# template: the tokenizer's own; template-no-thinking: the same with enable_thinking=False; alpaca: the English Alpaca
# header of 2023; plain: the text as it is
PROMPTS = ("template", "template-no-thinking", "alpaca", "plain")
LOADERS = ("transformers", "sentence-transformers", "luotuo-bert")  # a family of our own adds its loader here


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model that can be loaded whole: a base for adapters, a chat model or an embedder."""

    key: str
    title: str
    repo: str  # on the model hub; the folder's name for a local one
    revision: str
    licence: str
    architecture: str  # model_type of its config.json
    n_bytes: Mapping[Precision, int] = field(compare=False)  # empty until a row of the user's has its config.json
    kv_bytes_per_token: int  # keys and values of one token in 16 bit
    context: int  # tokens
    good_for: tuple[str, ...]  # of CAPABILITIES, best first
    role: Role = "generate"
    prompt: str = "template"  # one of PROMPTS
    load: str = "transformers"  # one of LOADERS
    query: str = ""  # what an embedder wants before a search query
    config: Mapping[str, Any] = field(default_factory=dict, compare=False)
    folder: Path | None = None  # local weights, loaded from there and never downloaded

    def __post_init__(self) -> None:
        if not self.licence or not self.revision:
            raise ValueError(f"{self.key} needs a licence and a revision")
        if self.prompt not in PROMPTS or self.load not in LOADERS or set(self.good_for) - set(CAPABILITIES):
            raise ValueError(f"{self.key} names a prompt, a loader or a capability that does not exist")

    def held(self, precision: Precision, dtype: DType) -> int:
        """Bytes at a precision with `dtype` for what is left whole: from headers, from arithmetic, or as in the row.

        Raises BadInput when local weights are missing, KeyError when nothing is known yet.
        """
        if self.folder is not None:
            return predict(self.folder, precision, dtype=dtype, role=self.role)
        if self.config:
            return held_bytes(layout(self.config), self.config, precision, dtype=dtype, role=self.role)
        return self.n_bytes[precision]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSpec:
    """One PEFT adapter; `base` is the key of the model that it speaks through."""

    key: str
    title: str
    base: str
    repo: str
    revision: str
    licence: str
    n_bytes: int
    good_for: tuple[str, ...]
    prompt: str = "template"
    folder: Path | None = None

    def __post_init__(self) -> None:
        if not self.licence or not self.revision:
            raise ValueError(f"{self.key} needs a licence and a revision")
