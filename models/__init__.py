"""The public face of the engines. `engine_for("answer")` hands out the one shared embedded engine for a capability;
`voice` and `encoder` hold the neural model of a visitor's choice for as long as it is needed.

A choice is the text that a model bar keeps for one visitor: "" for the embedded engine, "qwen3-4b" for a row of the
catalogue, "llama-7b+luotuo-lora-7b-0.3" for a base through an adapter. Importing this package imports no engine and no
heavy library; an engine is built at its first use, once.
"""

import importlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from models.catalogue import ENGINES, EngineSpec
from models.engine import Comparer, Encoder, Voice
from models.errors import UnknownModel
from models.task import Task

if TYPE_CHECKING:
    from models.modelspec import AdapterSpec

__all__ = [
    "ENGINES",
    "EngineSpec",
    "Task",
    "adapters_of",
    "columns",
    "encoder",
    "engine_for",
    "engine_spec",
    "voice",
    "warm",
]

_built: dict[str, Any] = {}
_lock = threading.Lock()


def engine_spec(capability: str) -> EngineSpec:
    """The row of the engine that would answer now. Raises UnknownModel."""
    for spec in ENGINES:
        if spec.capability == capability:
            return spec
    raise UnknownModel("unknown_model", name=capability)


def engine_for(capability: str) -> Any:  # noqa: ANN401  (the protocol depends on the capability; see models.engine)
    """The shared engine for a capability, built at first use; two visitors who ask at once cause one build."""
    spec = engine_spec(capability)
    with _lock:
        if spec.key not in _built:
            module, name = spec.load.split(":")
            _built[spec.key] = getattr(importlib.import_module(module), name)()
        return _built[spec.key]


@contextmanager
def voice(choice: str, task: Task) -> Iterator[Voice]:
    """A model that writes, held until the block ends. Raises UnknownModel, ModelUnavailable, DoesNotFit, Busy,
    Cancelled."""
    from models import instance

    with instance.voice(choice, task) as held:
        yield held


def adapters_of(choice: str) -> "tuple[AdapterSpec, ...]":
    """The adapters that lie on the base of a choice; none for a server. Raises BadInput for a broken models.toml."""
    from models import instance

    return instance.pool().catalogue.adapters_of(choice.partition("+")[0])


@contextmanager
def columns(choice: str, adapters: Sequence[str], task: Task) -> Iterator[Comparer]:
    """The base of a choice ("" in `adapters`) and adapters of it, held together until the block ends. Raises as
    `voice`."""
    from models import instance

    with instance.columns(choice, adapters, task) as held:
        yield held


@contextmanager
def encoder(choice: str, task: Task) -> Iterator[Encoder]:
    """A model that embeds, held until the block ends. Raises as `voice`."""
    from models import instance

    with instance.encoder(choice, task) as held:
        yield held


def warm(capability: str) -> None:
    """Builds an engine ahead of its first visitor."""
    engine_for(capability)
