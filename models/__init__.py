"""The public face of the engines. `engine_for("answer")` hands out the one shared engine for a capability.

Importing this package imports no engine and no heavy library; an engine is built at its first use, once.
"""

import importlib
import threading
from typing import Any

from models.catalogue import ENGINES, EngineSpec
from models.errors import UnknownModel
from models.task import Task

__all__ = ["ENGINES", "EngineSpec", "Task", "engine_for", "engine_spec", "warm"]

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


def warm(capability: str) -> None:
    """Builds an engine ahead of its first visitor."""
    engine_for(capability)
