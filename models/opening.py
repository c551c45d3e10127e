"""How a row of the catalogue becomes an engine in memory: its files, its bytes at each precision, its loader.

Knows loaders by name and imports them when they are needed; knows nothing of budgets, visitors and turns, which are
models.pool's. Bytes are told before anything is loaded: from the headers of files that are here, else from the row.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from models.device import Choice
from models.downloads import Downloads, local_folder
from models.errors import BadInput
from models.int8_cache import QuantisedCache
from models.modelspec import AdapterSpec, ModelSpec
from models.rows import with_config
from models.sizes import DTYPE_BYTES
from models.spec import Precision
from models.task import Task

__all__ = ["Opened", "Opener", "Opening", "kv_tokens"]

LOADERS: Mapping[str, str] = {  # ModelSpec.load → «module:function»
    "transformers": "models.hf:load",
    "sentence-transformers": "models.embedders:load",
    "luotuo-bert": "models.embedders:load",
}
KV_BYTES = 5 << 28  # 1.25 GiB for the keys and values of all answers that run at once on one base …
KV_TOKENS = (4_096, 16_384)  # … but at least and at most so many tokens, and no more than MAX_ROWS whole contexts
MAX_ROWS = 16  # as models/hf.py
TRANSIENT = 1.3  # measured: peak of quantising on a CPU over what is held afterwards
QUANTISED = (Precision.INT8, Precision.NF4)


class Opened(Protocol):
    """An engine in memory: what models.hf and models.embedders make."""

    n_bytes: int

    def unload(self) -> bool:
        """Ends what runs and frees the weights; True when nothing holds them any more."""
        ...


class Opener(Protocol):
    """What the pool needs of the world outside of its books."""

    def ready(self, spec: ModelSpec) -> ModelSpec:
        """The row with its local folder, if its files are here. No network."""
        ...

    def fetch(self, spec: ModelSpec | AdapterSpec, task: Task) -> Path:
        """The folder with the files, downloaded first if need be. Raises ModelUnavailable, Cancelled."""
        ...

    def sizes(self, spec: ModelSpec, choice: Choice) -> Mapping[Precision, int]:
        """Bytes at the peak of loading for every precision of `choice.ladder`, with what answers take. Raises BadInput
        while nothing is known of a model."""
        ...

    def open(
        self, spec: ModelSpec, precision: Precision, choice: Choice, task: Task, relieve: Callable[[], None]
    ) -> tuple[Any, int]:
        """The engine and the bytes that it holds, with what answers take."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens models with the real libraries."""

    downloads: Downloads
    cache: QuantisedCache | None

    def ready(self, spec: ModelSpec) -> ModelSpec:
        """See Opener."""
        folder = local_folder(spec)
        return spec if folder is None or spec.folder is not None else replace(spec, folder=folder)

    def fetch(self, spec: ModelSpec | AdapterSpec, task: Task) -> Path:
        """See Opener."""
        return self.downloads.fetch(spec, task)

    def sizes(self, spec: ModelSpec, choice: Choice) -> Mapping[Precision, int]:
        """See Opener."""
        spec = self.ready(spec)
        if spec.folder is None and not spec.n_bytes:  # a row of the user's; its config.json tells
            spec = with_config(spec, self.downloads.fetch_config(spec, Task()))
        try:
            return {step: _peak(spec, step, choice) for step in choice.ladder}
        except KeyError:
            raise BadInput("model_size", name=spec.title) from None

    def open(
        self, spec: ModelSpec, precision: Precision, choice: Choice, task: Task, relieve: Callable[[], None]
    ) -> tuple[Any, int]:
        """See Opener."""
        module, name = LOADERS[spec.load].split(":")
        load = getattr(importlib.import_module(module), name)
        source = self.ready(spec).folder or spec.repo
        common = {"revision": None if spec.folder else spec.revision, "dtype": choice.dtype}
        if spec.role == "embed":
            kind = {"kind": spec.load, "query": spec.query, "cache": self.cache}
            engine = load(source, precision, choice.device, task, **common, **kind)
            return engine, engine.n_bytes
        tokens = kv_tokens(spec, choice)
        engine = load(
            source, precision, choice.device, task, **common,
            form=spec.prompt, cache=self.cache, kv_tokens=tokens, relieve=relieve,
        )  # fmt: skip
        return engine, engine.n_bytes + tokens * _kv_bytes(spec, choice)


def kv_tokens(spec: ModelSpec, choice: Choice) -> int:
    """Tokens that all answers on one base may hold in its cache together; one answer may have them all."""
    least, most = KV_TOKENS
    fitting = KV_BYTES // max(1, _kv_bytes(spec, choice))
    return min(max(least, min(most, fitting)) // 256 * 256, MAX_ROWS * spec.context)


def _kv_bytes(spec: ModelSpec, choice: Choice) -> int:
    """Of one token, in the type that is computed in; the row says them for 16 bit."""
    return spec.kv_bytes_per_token * DTYPE_BYTES[choice.dtype] // 2


def _peak(spec: ModelSpec, precision: Precision, choice: Choice) -> int:
    held = _held(spec, precision, choice.dtype)
    running = held + kv_tokens(spec, choice) * _kv_bytes(spec, choice) if spec.role == "generate" else held
    transient = TRANSIENT if choice.device == "cpu" and precision in QUANTISED else 1.0
    return max(running, int(held * transient))


@lru_cache(maxsize=256)
def _held_in(folder: Path, stamp: int, role: str, precision: Precision, dtype: str) -> int:
    """Headers are read once for as long as the folder does not change (`stamp`)."""
    from models.sizes import predict

    return predict(folder, precision, dtype=dtype, role=role)  # type: ignore[arg-type]


def _held(spec: ModelSpec, precision: Precision, dtype: str) -> int:
    if spec.folder is None:
        return spec.held(precision, dtype)  # type: ignore[arg-type]
    stamp = spec.folder.stat().st_mtime_ns if spec.folder.is_dir() else 0
    return _held_in(spec.folder, stamp, spec.role, precision, dtype)
