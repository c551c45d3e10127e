"""From the asynchronous world of a network call to a plain iterator that a worker thread reads.

Every call gets a thread and an event loop of its own, so that nothing (connection, cookie, key) is shared between two
visitors, and so that a stop takes effect wherever the call is: connecting, waiting, backing off or streaming.
Knows nothing of HTTP.
"""

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from models.task import Task

_POLL_S = 0.05  # how soon a stop is noticed while nothing arrives
_END = object()

T = TypeVar("T")


def pump(source: AsyncIterator[T], task: Task, *, first_s: float, next_s: float) -> Iterator[T]:
    """Yields what an async iterator yields; closing this iterator cancels that one wherever it waits.

    An item may take `first_s` until one was true and `next_s` from then on; an item that is false is a sign of life
    and no more. The clock runs only while the caller waits. Raises TimeoutError, Cancelled, and what the source raises.
    """
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    job = loop.create_task(_fill(inbox, source))
    threading.Thread(target=_run, args=(loop, job), name="remote-call", daemon=True).start()
    wait_s = first_s
    try:
        while (item := _next(inbox, task, time.monotonic() + wait_s)) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
            if item:
                wait_s = next_s
    finally:
        with suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(job.cancel)


async def _fill(inbox: "queue.SimpleQueue[Any]", source: AsyncIterator[T]) -> None:
    try:
        async for item in source:
            inbox.put(item)
    except Exception as error:  # raised again where the caller waits
        inbox.put(error)
    inbox.put(_END)


def _run(loop: asyncio.AbstractEventLoop, job: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(job)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def _next(inbox: "queue.SimpleQueue[Any]", task: Task, deadline: float) -> object:
    while True:
        task.check()
        try:
            return inbox.get(timeout=max(0.0, min(_POLL_S, deadline - time.monotonic())))
        except queue.Empty:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
