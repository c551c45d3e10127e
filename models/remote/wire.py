"""One exchange with a server: the request, patience with what passes, and a HubError for what does not.

A failed try is repeated while it can help (connection errors, 408, 429, 5xx) and nothing has been handed on yet; the
wait doubles, is jittered so that visitors do not come back in step, and is never shorter than Retry-After asks.
Knows the protocol's paths and error bodies; not what the answers are for. Runs in a loop of models.remote.bridge.
"""

import asyncio
import itertools
import json
import logging
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from models.errors import BadInput, HubError, ModelUnavailable, UnknownModel
from models.remote.address import GuardedTransport, base_url
from models.remote.deltas import Deltas, ServerSaid
from models.remote.events import EventReader, MalformedStream
from models.remote.listing import served
from models.remote.trouble import Transient, asked_to_wait, judged, lighter, said, says_no_model, shown

log = logging.getLogger(__name__)
_MAX_WAIT_S = 8.0  # between two tries, unless the server asks for more
_MAX_BYTES = 64 << 20  # of one answer; a stranger's server may send without end
_MAX_ERROR_BYTES = 64 << 10
_MAX_OFFERED = 12  # model names that an error lists

T = TypeVar("T")
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server, in seconds, and how often to ask again."""

    connect_s: float = 10.0
    first_s: float = 120.0  # from asking to the first token or the whole answer, further tries included
    next_s: float = 60.0  # between two tokens
    retries: int = 3
    backoff_s: float = 0.5  # before the first retry; doubles with each


class Wire:
    """Asks one server with one key. Holds no connection between two calls, so it can be shared and dropped freely."""

    def __init__(self, url: str, key: str, patience: Patience, *, private_ok: bool) -> None:
        self.base = base_url(url, private_ok=private_ok)
        self.host = httpx.URL(self.base).host
        self.patience = patience
        self._key = _usable(key, self.host)
        self._private_ok = private_ok

    def client(self) -> httpx.AsyncClient:
        """A client for one call: no cookie, no connection and no key of it reaches another."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return httpx.AsyncClient(
            transport=GuardedTransport(private_ok=self._private_ok),
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json", **headers},
            timeout=httpx.Timeout(None, connect=self.patience.connect_s),  # the rest is timed where the caller waits
            trust_env=False,
            follow_redirects=False,  # a redirect could lead the key to somebody else
        )

    def mask(self, text: str) -> str:
        """A stranger's text, fit to be shown."""
        return shown(text, self._key)

    async def stream(self, path: str, body: Body) -> AsyncIterator[str]:
        """Yields the pieces of an answer; "" is a sign of life. Raises HubError."""
        async with self.client() as client:
            async for delta in self._retried(lambda: self._deltas(client, path, body)):
                yield delta

    async def ask(self, client: httpx.AsyncClient, method: str, path: str, body: Body | None = None) -> Any:  # noqa: ANN401
        """The JSON of a whole answer. Raises HubError."""
        answers = [answer async for answer in self._retried(lambda: self._json(client, method, path, body))]
        return answers[0]

    async def _retried(self, once: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        for attempt in itertools.count():
            begun = False
            try:
                async for item in once():
                    begun = begun or bool(item)
                    yield item
                return
            except Transient as trouble:
                wait_s = self._wait_s(attempt, trouble.after_s)
                if begun or attempt >= self.patience.retries or wait_s > self.patience.first_s:
                    raise trouble.error from None
                log.info("%s: %s, trying again in %.1f s", self.host, trouble.error.code, wait_s)
            await asyncio.sleep(wait_s)

    def _wait_s(self, attempt: int, after_s: float | None) -> float:
        step_s = min(_MAX_WAIT_S, self.patience.backoff_s * 2**attempt)
        return random.uniform(0.5, 1.0) * step_s if after_s is None else after_s + random.uniform(0.0, 0.2) * step_s

    async def _deltas(self, client: httpx.AsyncClient, path: str, body: Body) -> AsyncIterator[str]:
        response = await self._open(client, "POST", path, body)
        answer = Deltas()
        try:
            async for data in _events(response):
                yield answer.read(data)
                if answer.done:
                    return
        except ServerSaid as error:
            reason = said(error.body, self._key)
            raise judged(error.status, reason, host=self.host, model=body["model"]) from None
        except MalformedStream as error:
            raise self._broken(str(error)) from None
        except httpx.RequestError as error:
            log.info("%s: connection lost: %s", self.host, self.mask(str(error)))
        finally:
            await response.aclose()
        if not answer.finished:
            raise Transient(ModelUnavailable("remote_cut", host=self.host))

    async def _json(self, client: httpx.AsyncClient, method: str, path: str, body: Body | None) -> AsyncIterator[Any]:
        response = await self._open(client, method, path, body)
        try:
            yield json.loads(await _body(response, _MAX_BYTES))
        except MalformedStream as error:
            raise self._broken(str(error)) from None
        except (ValueError, RecursionError):
            raise self._broken("the answer is not JSON") from None
        except httpx.RequestError:
            raise Transient(ModelUnavailable("remote_cut", host=self.host)) from None

    async def _open(self, client: httpx.AsyncClient, method: str, path: str, body: Body | None) -> httpx.Response:
        """The response once it is a success; its body is still to be read and closed. Raises Transient, HubError."""
        while True:
            content = None if body is None else json.dumps(body).encode("ascii")
            try:
                request = client.build_request(method, self.base + path, content=content)
                response = await client.send(request, stream=True)
                if response.is_success:
                    return response
                reason = said((await _body(response, _MAX_ERROR_BYTES, cut=True)).decode("utf-8", "replace"), self._key)
            except httpx.RequestError as error:
                why = self.mask(str(error) or type(error).__name__)
                raise Transient(ModelUnavailable("remote_down", host=self.host, reason=why)) from None
            less = lighter(body or {}, response.status_code, reason)
            if not body or less == body:
                raise await self._refusal(client, response, path, body or {}, reason)
            body = less

    async def _refusal(
        self, client: httpx.AsyncClient, response: httpx.Response, path: str, body: Body, reason: str
    ) -> Exception:
        """What an error answer means; where a model or path is unknown, after a look at what the server does offer."""
        status, model = response.status_code, str(body.get("model", ""))
        if response.is_redirect or (status in (404, 405) and path == "/models"):
            return BadInput("remote_not_api", url=self.base)
        after_s = asked_to_wait(response.headers)
        error = judged(status, reason, host=self.host, model=model, after_s=after_s)
        if not isinstance(error, UnknownModel) or path == "/models":
            return error
        try:
            [listing] = [answer async for answer in self._json(client, "GET", "/models", None)]
            names = [row.id for row in served(listing)]
        except (HubError, Transient, ValueError):
            return error if says_no_model(reason) else BadInput("remote_not_api", url=self.base)
        if model in names:  # so it is this kind of request that the server does not take
            return BadInput("remote_refused", host=self.host, reason=f"{path}: {reason or status}")
        offered = self.mask(", ".join(names[:_MAX_OFFERED])) or "—"
        return UnknownModel("remote_model", host=self.host, model=model, offered=offered)

    def _broken(self, reason: str) -> ModelUnavailable:
        return ModelUnavailable("remote_broken", host=self.host, reason=self.mask(reason))


def _usable(key: str, host: str) -> str:
    """The key without the blanks around it that a paste brings. Raises ModelUnavailable where no header can hold it."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelUnavailable("remote_key", host=host)
    return key


async def _events(response: httpx.Response) -> AsyncIterator[str]:
    """The data of each event. A server that does not stream answers with one JSON: that counts as one event."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield (await _body(response, _MAX_BYTES)).decode("utf-8", "replace")
        return
    if kind == "text/html":
        raise MalformedStream("this is a web page")
    reader, n_bytes = EventReader(), 0
    async for chunk in response.aiter_bytes():
        n_bytes += len(chunk)
        if n_bytes > _MAX_BYTES:
            raise MalformedStream(f"more than {_MAX_BYTES} bytes")
        for data in reader.feed(chunk):
            yield data
    for data in reader.end():
        yield data


async def _body(response: httpx.Response, limit: int, *, cut: bool = False) -> bytes:
    """The whole body, closed. Raises MalformedStream over the limit, unless the rest can be `cut`."""
    pieces, n_bytes = [], 0
    try:
        async for chunk in response.aiter_bytes():
            pieces.append(chunk)
            n_bytes += len(chunk)
            if n_bytes > limit and not cut:
                raise MalformedStream(f"more than {limit} bytes")
            if n_bytes > limit:
                break
    finally:
        await response.aclose()
    return b"".join(pieces)[:limit]
