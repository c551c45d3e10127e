"""The middleware on the page's HTML: script, compression, and streams left alone."""

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import brotli

from apps.boot import Boot


def served(kind: bytes, parts: list[bytes], accept: bytes = b"gzip") -> tuple[dict[bytes, bytes], bytes, int]:
    """Headers, body and number of body messages of one answer through the middleware."""
    sent: list[dict[str, Any]] = []

    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        for at, part in enumerate(parts):
            await send({"type": "http.response.body", "body": part, "more_body": at + 1 < len(parts)})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "headers": [(b"accept-encoding", accept)]}
    with ThreadPoolExecutor(1) as apart:  # this thread may have a loop of its own by then: a browser's
        apart.submit(lambda: asyncio.run(Boot(inner, lang="zh-CN")(scope, None, send))).result()
    body = b"".join(message["body"] for message in sent[1:])
    return dict(sent[0]["headers"]), body, len(sent) - 1


def test_html_gets_the_script_and_is_compressed() -> None:
    page = b"<!doctype html><html><head><title>x</title></head>" + b"y" * 3000
    headers, body, _ = served(b"text/html; charset=utf-8", [page[:40], page[40:]])
    assert headers[b"content-encoding"] == b"gzip" and int(headers[b"content-length"]) == len(body)
    plain = gzip.decompress(body)
    assert plain.count(b"<script>") == 1 and b"'zh-CN'" in plain
    assert plain.index(b"<head><script>") > 0 and plain.endswith(b"yyy")


def test_html_is_smaller_still_for_a_browser_that_takes_brotli() -> None:
    page = b"<head></head>" + b"y" * 3000
    headers, body, _ = served(b"text/html", [page], accept=b"gzip, deflate, br")
    assert headers[b"content-encoding"] == b"br" and brotli.decompress(body).endswith(page[6:])


def test_html_for_a_client_without_gzip() -> None:
    headers, body, _ = served(b"text/html", [b"<head></head>" + b"y" * 3000], accept=b"identity")
    assert b"content-encoding" not in headers and int(headers[b"content-length"]) == len(body)


def test_a_stream_passes_piece_by_piece() -> None:
    headers, body, messages = served(b"text/event-stream", [b"data: 1\n\n", b"data: 2\n\n", b""])
    assert messages == 3 and body == b"data: 1\n\ndata: 2\n\n"
    assert headers[b"x-content-type-options"] == b"nosniff" and b"content-encoding" not in headers
