"""Everybody who writes with one base takes turns here, token by token.

One worker thread owns the model's decode steps. Rows that run share every step, whatever their adapters; newcomers'
prompts go through in chunks between the steps of those who write already, so that a long prompt stalls nobody. Where
batching is not exact for an architecture (`max_rows_per_step=1`) rows take turns instead, each with its own cache. The
thread starts with the first row and ends when nothing is left. Knows no tensors (models/batching.py), no models' names.
"""

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from models.batching import Batch, Forward, Row, wasteful
from models.errors import DoesNotFit, ModelUnavailable

IDLE_S = 2.0  # the worker waits so long for another row before its thread ends


class Begins(Protocol):
    """How rows become something that steps: Batch, or what is made from it."""

    def __call__(self, rows: Sequence[Row], device: str) -> Batch:
        """What is to take its turns with the others."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that begin together, and in which kind of batch."""

    rows: list[Row]
    begins: Begins = Batch

    def alive(self) -> "Group":
        """Without the rows that have ended while they waited."""
        return Group([row for row in self.rows if not row.writer.ended], self.begins)


class Abandoned(Exception):
    """Raised inside a forward pass that nobody wants any more."""


class Lane:
    """The queue in front of one base, and the thread that serves it."""

    def __init__(
        self,
        forward: Forward,
        *,
        max_rows: int = 16,
        max_rows_per_step: int | None = None,
        chunk_tokens: int = 512,
        kv_tokens: int | None = None,
        relieve: Callable[[], None] | None = None,
    ) -> None:
        self._forward, self._max_rows, self._chunk_tokens = forward, max_rows, chunk_tokens
        self.max_rows_per_step = max_rows_per_step or max_rows
        self.kv_tokens = kv_tokens  # of cache, for all running rows together; None: no limit
        self._relieve = relieve  # makes room after an out-of-memory, before the one retry
        self._waiting: deque[Group] = deque()
        self._batches: list[Batch] = []
        self._current: Sequence[Row] = ()
        self._more = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, rows: Sequence[Row], begins: Begins = Batch) -> None:
        """Queues rows that begin together. Raises ModelUnavailable once the model is being unloaded."""
        with self._more:
            if self._closed:
                raise ModelUnavailable("model_unloaded")
            self._waiting.append(Group(list(rows), begins))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lane", daemon=True)
                self._thread.start()
            self._more.notify()

    def close(self, wait_s: float = 30.0) -> None:
        """Ends everything that runs; returns when the worker is gone."""
        with self._more:
            self._closed = True
            thread = self._thread
            self._more.notify()
        if thread is not None:
            thread.join(wait_s)

    def in_use(self) -> list[str | None]:
        """Adapters, as the layers know them, of all rows that run or wait."""
        with self._more:
            return [row.adapter for row in [*self._rows(), *self._queued()] if not row.writer.ended]

    def kv_tokens_free(self) -> int | None:
        """Tokens of cache that no running row may come to hold; None without a limit."""
        if self.kv_tokens is None:
            return None
        return max(0, self.kv_tokens - sum(row.n_reserved for row in self._rows() if not row.writer.ended))

    def check(self, *_: object) -> None:
        """Called before every layer: raises Abandoned once nobody wants the running pass, so that a long prompt
        can be stopped within a layer."""
        mine = threading.current_thread() is self._thread  # a pass that somebody else makes is not the lane's to end
        if mine and self._current and all(row.writer.unwanted() for row in self._current):
            raise Abandoned

    def _rows(self) -> list[Row]:
        return [row for batch in self._batches for row in batch.rows]

    def _queued(self) -> list[Row]:
        return [row for group in self._waiting for row in group.rows]

    def _work(self) -> None:
        import torch

        try:
            with torch.inference_mode():
                while self._wait():
                    self._round()
        except BaseException as fault:  # a reader must never wait for a worker that is gone
            self._fail_all(fault)

    def _wait(self) -> bool:
        """Whether there is work; gives the thread up when there was none for a while, or the lane was closed."""
        with self._more:
            if not self._closed and not self._batches and not self._waiting:
                self._more.wait(IDLE_S)
            if not self._closed and (self._batches or self._waiting):
                return True
            self._thread = None
        self._fail_all(ModelUnavailable("model_unloaded"))
        return False

    def _fail_all(self, error: BaseException) -> None:
        """Tells everybody who still runs or waits, and lets go of them."""
        with self._more:
            if self._thread is not threading.current_thread() and self._thread is not None:
                return  # a new worker has taken over what came after the old one had decided to go
            self._thread = None
            rows = [*self._rows(), *self._queued()]
            self._waiting.clear()
            self._batches = []
        for row in rows:
            row.writer.fail(error)

    def _round(self) -> None:
        """One step for everybody who writes, after one chunk of the prompts of those who are to begin."""
        self._sweep()
        self._admit()
        for batch in self._due():
            with self._faults_end(batch), self._running(batch.rows):
                batch.step(self._forward, self._chunk_tokens)
        self._sweep()
        self._merge()

    def _due(self) -> list[Batch]:
        """Newcomers in front, as they wait for a first word and the others for their next; several take turns, so
        that a short prompt does not wait for a long one."""
        beginning = [batch for batch in self._batches if batch.prefilling]
        writing = [batch for batch in self._batches if not batch.prefilling]
        self._batches = writing + beginning[1:] + beginning[:1]
        return beginning[:1] + writing

    def _sweep(self) -> None:
        """Lets go of rows that have ended or that nobody wants."""
        with self._more:
            queued = self._queued()
        for row in [*queued, *self._rows()]:
            if not row.writer.ended and row.writer.unwanted():
                row.writer.leave()
        for batch in self._batches:
            alive = [row for row in batch.rows if not row.writer.ended]
            if alive:
                batch.keep(alive)
            else:
                self._forget(batch)

    def _forget(self, batch: Batch) -> None:
        # a new list, as other threads may be reading the old one
        self._batches = [other for other in self._batches if other is not batch]

    def _admit(self) -> None:
        """Lets the first in the queue begin while there is room; nobody overtakes."""
        while True:
            with self._more:
                group = self._next_group()
                if group is None:
                    return
                parts = self._parts(group.rows) if group.begins is Batch else [group.rows]
                self._batches = self._batches + [group.begins(part, self._forward.device) for part in parts]

    def _next_group(self) -> Group | None:
        while self._waiting:
            group, running = self._waiting[0].alive(), self._rows()
            if group.rows and running and not self._fits(running, group.rows):
                return None
            self._waiting.popleft()
            if group.rows:
                return Group(group.rows + self._others_that_fit([*running, *group.rows], group.begins), group.begins)
        return None

    def _others_that_fit(self, running: list[Row], begins: Begins) -> list[Row]:
        """Further groups, so that prompts that arrived together go through the model together."""
        others: list[Row] = []
        while begins is Batch and self._waiting and self._waiting[0].begins is Batch:
            if not self._fits([*running, *others], self._waiting[0].rows):
                break
            others += self._waiting.popleft().alive().rows
        return others

    def _fits(self, running: Sequence[Row], group: Sequence[Row]) -> bool:
        if len(running) + len(group) > self._max_rows:
            return False
        return self.kv_tokens is None or sum(row.n_reserved for row in [*running, *group]) <= self.kv_tokens

    def _parts(self, rows: list[Row]) -> Iterator[list[Row]]:
        """Rows of like length together, as many as may share a step."""
        part: list[Row] = []
        for row in sorted(rows, key=lambda row: len(row.ids)):
            lengths = [len(other.ids) for other in [*part, row]]
            if part and (len(part) >= self.max_rows_per_step or wasteful(lengths)):
                yield part
                part = []
            part.append(row)
        if part:
            yield part

    def _merge(self) -> None:
        """Joins batches that write already, where that costs little padding."""
        ready = [batch for batch in self._batches if not batch.prefilling]
        for batch in ready[1:]:
            first = ready[0]
            rows = [*first.rows, *batch.rows]
            if len(rows) <= self.max_rows_per_step and not wasteful([len(row.ids) for row in rows]):
                first.join(batch)
                self._forget(batch)

    @contextmanager
    def _running(self, rows: Sequence[Row]) -> Iterator[None]:
        self._current = rows
        try:
            yield
        finally:
            self._current = ()

    @contextmanager
    def _faults_end(self, batch: Batch) -> Iterator[None]:
        """What goes wrong in a pass ends the rows that were in it, and nobody else's."""
        try:
            yield
        except Abandoned:
            for row in batch.rows:
                row.writer.leave()
            self._forget(batch)
        except Exception as error:
            self._fault(batch, error)
            self._forget(batch)

    def _fault(self, batch: Batch, error: Exception) -> None:
        if out_of_memory(error):
            self._retry(batch)
            return
        # as text: the frames of a kept traceback would keep the model alive after it was unloaded
        logging.getLogger(__name__).error("a pass failed:\n%s", traceback.format_exc())
        error.__context__ = None
        for row in batch.rows:
            row.writer.fail(error.with_traceback(None))

    def _retry(self, batch: Batch) -> None:
        """Makes room and begins again after the last token, once; then tells."""
        fresh = [row for row in batch.rows if self._relieve is not None and not row.retried]
        for row in batch.rows:
            if row not in fresh:
                row.writer.fail(DoesNotFit("out_of_memory"))
            row.retried = True
        if fresh and self._relieve is not None:
            self._relieve()
            again = [Group([row]) for row in fresh] if type(batch) is Batch else [Group(fresh, batch.again)]
            with self._more:
                self._waiting.extendleft(reversed(again))


def out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on any device."""
    told = str(error)
    known = type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError)
    return known or "can't allocate memory" in told or "not enough memory" in told
