"""From token ids to text as it appears: what a generating worker writes and a visitor reads.

`Writer` is the worker's end: tokens in, one stream of deltas out, with an end that is always told (a reason or an
error). `Stream` is the visitor's end: iterate, or `close()` to stop the computation. Deltas never hold U+FFFD and
never wait for a space; joined they are the full decode without its replacement characters. Knows nothing of torch
or of the model.

The published streamers lose errors, wait for spaces and run on when nobody reads; measured in the issue tracker of
the libraries and in this project's own trials, so this one is our own.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Literal

from models.decoding import Decoder, LoopWatch, StopStrings
from models.errors import Cancelled
from models.task import Task

Finish = Literal["stop", "length", "loop", "deadline", "cancelled"]


@dataclass(frozen=True, slots=True)
class _End:
    reason: Finish


Item = tuple[int, "str | _End | BaseException"]


class Writer:
    """The worker's end of one answer. Every method may be called from the worker's thread only."""

    def __init__(
        self,
        decode: Decoder,
        task: Task,
        *,
        stops: Sequence[str] = (),
        end_loops: bool = True,
        timeout_s: float | None = None,
        channel: "SimpleQueue[Item] | None" = None,
        column: int = 0,
    ) -> None:
        self._decode, self._task, self._stops = decode, task, StopStrings(stops)
        self._loops = LoopWatch() if end_loops else None
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self.channel: SimpleQueue[Item] = channel or SimpleQueue()
        self._column = column
        self.closed = False  # set by the reader: nobody wants the rest
        self.ended = False

    def push(self, token: int) -> None:
        """Shows one token; ends the answer at a stop string or in a loop."""
        self._send(self._stops.push(self._decode.push(token)))
        if self._stops.met:
            self._end("stop")
        elif self._loops and self._loops.push(token):
            self.finish("loop")

    def finish(self, reason: Finish) -> None:
        """Shows what was held back and ends the answer. Does nothing when it has ended."""
        if not self.ended:
            self._send(self._stops.push(self._decode.flush()) + self._stops.flush())
            self._end(reason)

    def fail(self, error: BaseException) -> None:
        """Raises `error` at the reader."""
        if not self.ended:
            self.ended = True
            self.channel.put((self._column, error))

    def unwanted(self) -> bool:
        """Whether the computation should end now: the reader left, pressed stop, or the time is over."""
        return self.closed or self._task.stopped or self._late()

    def leave(self) -> None:
        """Ends an unwanted answer the way it became unwanted."""
        if self._task.stopped:
            self.fail(Cancelled())
        else:
            self.finish("deadline" if self._late() and not self.closed else "cancelled")

    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _send(self, delta: str) -> None:
        if delta:
            self.channel.put((self._column, delta))

    def _end(self, reason: Finish) -> None:
        self.ended = True
        self.channel.put((self._column, _End(reason)))


class Columns:
    """The reader's end of several answers that grow side by side: yields (column, delta). Close it when done."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self._writers, self._channel = tuple(writers), writers[0].channel
        self._open = len(self._writers)
        self.finishes: list[Finish | None] = [None] * len(self._writers)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        """Waits for the next delta of any column. Raises what went wrong in the worker, Cancelled after a stop."""
        while self._open:
            column, item = self._channel.get()
            if isinstance(item, str):
                return column, item
            self._open -= 1
            if isinstance(item, BaseException):
                self.close()
                raise item
            self.finishes[column] = item.reason
        raise StopIteration

    def close(self, wait_s: float = 10.0) -> None:
        """Stops the computation and waits until the worker has let go of it, at most `wait_s` seconds."""
        for writer in self._writers:
            writer.closed = True
        until = time.monotonic() + wait_s
        while self._open:
            try:
                column, item = self._channel.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            if isinstance(item, _End):
                self.finishes[column] = item.reason
            self._open -= not isinstance(item, str)

    def __enter__(self) -> "Columns":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        for writer in self._writers:  # a reader that is forgotten rather than closed stops the computation too
            writer.closed = True


class Stream:
    """The reader's end of one answer: an iterator of deltas; afterwards `finish` says why it ended."""

    def __init__(self, writer: Writer) -> None:
        self._columns = Columns([writer])

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Waits for the next delta. Raises what went wrong in the worker, Cancelled after a stop."""
        return next(self._columns)[1]

    @property
    def finish(self) -> Finish | None:
        """Why the answer ended; None while it runs."""
        return self._columns.finishes[0]

    def close(self) -> None:
        """Stops the computation; returns when it has ended."""
        self._columns.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
