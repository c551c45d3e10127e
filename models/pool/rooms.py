"""Where engines are: loading and unloading them in threads, and saying what came of it.

Knows the engines in memory, the progress of loads and the last error of each part; decides nothing. What happened goes
to `report` as an event of the scheduler's. A thread that reports holds no lock of this module.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.device import Choice
from models.errors import Cancelled, HubError, ModelUnavailable
from models.metrics import Metrics
from models.modelspec import AdapterSpec, ModelSpec
from models.opening import Opener
from models.plan import Part
from models.schedule import Event, Loaded, LoadFailed, Unloaded
from models.spec import Precision
from models.task import Task

log = logging.getLogger(__name__)


@dataclass
class EngineRoom:
    """Engines by part. Its dictionaries are changed by its threads only through single, atomic assignments."""

    opener: Opener
    report: Callable[[Event], None]
    relieve: Callable[[Part], None]  # called by an answer that ran out of memory; returns when room was made
    metrics: Metrics
    clock: Callable[[], float] = time.monotonic
    engines: dict[Part, Any] = field(default_factory=dict)
    loads: dict[Part, Task] = field(default_factory=dict)
    errors: dict[Part, HubError] = field(default_factory=dict)

    def load(self, part: Part, spec: ModelSpec, adapter: AdapterSpec | None, choice: Choice) -> None:
        """Begins to load a base, or an adapter onto its base; Loaded or LoadFailed follow."""
        self.loads[part] = Task()
        self._start(part, lambda: self._load(part, spec, adapter, choice))

    def unload(self, part: Part, n_bytes: int) -> None:
        """Begins to unload a part of so many bytes; Unloaded follows."""
        self.metrics.unloads += 1
        self._start(part, lambda: self._unload(part, n_bytes))

    def stop(self, part: Part) -> None:
        """Asks a load to end."""
        self.loads[part].stop()

    @staticmethod
    def _start(part: Part, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name=f"pool {part.model}", daemon=True).start()

    def _load(self, part: Part, spec: ModelSpec, adapter: AdapterSpec | None, choice: Choice) -> None:
        started, task = self.clock(), self.loads[part]
        event: Event
        try:
            n_bytes = self._add(part, adapter, task) if adapter else self._open(part, spec, choice, task)
            event = Loaded(part, n_bytes, self.clock() - started)
            self.metrics.loads += 1
            self.errors.pop(part, None)
        except Cancelled:
            event = LoadFailed(part, "cancelled")
        except Exception as error:
            told = self.errors[part] = _as_hub_error(error, part)
            self.metrics.failures += 1
            event = LoadFailed(part, told.code, out_of_memory=told.code == "out_of_memory")
        del self.loads[part]
        self.report(event)

    def _open(self, part: Part, spec: ModelSpec, choice: Choice, task: Task) -> int:
        precision = Precision(part.precision)
        engine, n_bytes = self.opener.open(spec, precision, choice, task, lambda: self.relieve(part))
        self.engines[part] = engine
        return n_bytes

    def _add(self, part: Part, adapter: AdapterSpec, task: Task) -> int:
        folder = self.opener.fetch(adapter, task)
        return self.engines[part.base].add_adapter(part.adapter, folder, form=adapter.prompt).n_bytes

    def _unload(self, part: Part, n_bytes: int) -> None:
        lost = 0
        try:
            if part.adapter:
                self.engines[part.base].remove_adapter(part.adapter)
            elif not self.engines.pop(part).unload():
                lost = n_bytes
        except Exception:
            log.exception("%s could not be unloaded", part)
            lost = n_bytes
        self.report(Unloaded(part, lost))


def _as_hub_error(error: Exception, part: Part) -> HubError:
    """A load that failed, as a sentence; without the frames, which would keep half a model."""
    if isinstance(error, HubError):
        return error.with_traceback(None)
    log.error("loading %s failed: %s: %s", part, type(error).__name__, error)
    return ModelUnavailable("weights_broken", name=part.model)
