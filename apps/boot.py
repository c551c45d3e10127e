"""A small ASGI middleware around the page: language before first paint, <html lang>, compression, later scripts.

Gradio 6 picks the language from navigator.language before any `head` script runs and does not compress the
document. Knows nothing of the apps. A plain ASGI class, so streamed answers are never buffered.
"""

import gzip
from typing import Any

import brotli

from models.assets import read

Scope = dict[str, Any]
Message = dict[str, Any]
PAGE_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
MIN_PACKED = 1024  # bytes; smaller documents are sent as they are
SCRIPTS = {"bar", "ledger"}  # assets/<name>.js that the page asks for when it first needs them (hubScript in hub.js)


class Boot:
    """Holds back HTML answers, puts the boot script after <head>, compresses; lets all else through untouched."""

    def __init__(self, app: Any, *, lang: str = "") -> None:  # noqa: ANN401  (an ASGI app)
        self.app = app
        self.script = f"<script>{read('boot.js').replace('__DEFAULT_LANG__', lang)}</script>".encode()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401
        """Serves one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        name = (
            scope.get("path", "").removeprefix(scope.get("root_path", "")).removeprefix("/luotuo/").removesuffix(".js")
        )
        if name in SCRIPTS:
            await _script(name, send)
            return
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
        page = _Page(send, self.script, accepted=accepted, bodiless=scope["method"] == "HEAD")
        await self.app(scope, receive, page.send)


async def _script(name: str, send: Any) -> None:  # noqa: ANN401
    body = read(f"{name}.js").encode()
    headers = [(b"content-type", b"text/javascript; charset=utf-8"), (b"cache-control", b"no-cache"), *PAGE_HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _packed(body: bytes, accepted: bytes) -> tuple[bytes, bytes]:
    """A body as small as the browser takes it, and the name of its coding, empty for none. Brotli, which browsers take
    over https and from this machine, leaves a quarter less than gzip of a page full of component descriptions."""
    if len(body) <= MIN_PACKED:
        return body, b""
    names = {part.split(b";")[0].strip() for part in accepted.split(b",")}
    if b"br" in names:
        return brotli.compress(body, quality=7), b"br"
    return (gzip.compress(body, 6), b"gzip") if b"gzip" in names else (body, b"")


class _Page:
    """One answer on its way out: collected when it is HTML, forwarded otherwise."""

    def __init__(self, send: Any, script: bytes, *, accepted: bytes, bodiless: bool) -> None:  # noqa: ANN401
        self.out, self.script, self.accepted, self.bodiless = send, script, accepted, bodiless
        self.start: Message | None = None  # the held head of an HTML answer
        self.body = b""

    async def send(self, message: Message) -> None:
        """Takes one ASGI message from the app."""
        if message["type"] == "http.response.start":
            await self._head(message)
        elif self.start is None:
            await self.out(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish()

    async def _head(self, message: Message) -> None:
        kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
        html = bool(kinds) and kinds[0].startswith(b"text/html")
        if html and not self.bodiless:
            self.start = message
            return
        message["headers"] = [*message["headers"], *(PAGE_HEADERS if html else PAGE_HEADERS[:1])]
        await self.out(message)

    async def _finish(self) -> None:
        assert self.start is not None
        body = self.body.replace(b"<head>", b"<head>" + self.script, 1)
        dropped = (b"content-length", b"content-encoding")
        headers = [pair for pair in self.start["headers"] if pair[0].lower() not in dropped]
        headers += PAGE_HEADERS
        body, coding = _packed(body, self.accepted)
        if coding:
            headers += [(b"content-encoding", coding), (b"vary", b"Accept-Encoding")]
        headers.append((b"content-length", str(len(body)).encode()))
        await self.out({**self.start, "headers": headers})
        await self.out({"type": "http.response.body", "body": body, "more_body": False})
