"""A server that speaks vLLM's contract, in threads of the test, with every way of failing on demand.

By default it answers well; `then(...)` puts failures in front, one per request. It notes who asked for what, and when
an asker was gone.
"""

import json
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BASE, LORA, KEY = "tiny-llama", "camel-lora", "sk-visitor-one-0123456789"
CONTEXT = 4096
DIM = 8
Fault = Callable[["Handler"], None]


@dataclass
class Seen:
    """One request as the server saw it; `gone` is set when the asker closed the connection too early."""

    path: str
    key: str
    body: dict[str, Any]
    at_s: float = field(default_factory=time.monotonic)
    gone: threading.Event = field(default_factory=threading.Event)
    n_chunks: int = 0  # pieces of the stream that were sent


class Stub(ThreadingHTTPServer):
    """`seen` holds all requests in their order; `cut` splits the bytes of a stream as the network would."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.keys = {KEY}
        self.seen: list[Seen] = []
        self.faults: deque[Fault] = deque()
        self.unknown_fields: set[str] = set()
        self.answer = "你好，骆驼🐫！"
        self.cut: Callable[[bytes], list[bytes]] = lambda stream: [stream]
        self.ended = threading.Event()

    def then(self, *faults: Fault) -> None:
        """The next requests meet these faults, one each."""
        self.faults.extend(faults)

    def handle_error(self, request: object, client_address: object) -> None:
        """An asker that leaves is what several tests are about."""


@contextmanager
def serving() -> Iterator[Stub]:
    """A running stub."""
    stub = Stub()
    thread = threading.Thread(target=stub.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.ended.set()
        stub.shutdown()
        stub.server_close()
        thread.join(5)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Stub
    seen: Seen

    def log_message(self, *_args: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        """/v1/models."""
        self._take({})

    def do_POST(self) -> None:
        """Everything else."""
        self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _take(self, body: dict[str, Any]) -> None:
        self.seen = Seen(self.path, self.headers.get("Authorization", "").removeprefix("Bearer "), body)
        self.server.seen.append(self.seen)
        fault = self.server.faults.popleft() if self.server.faults else answer_well
        fault(self)

    def error(self, status: int, message: str, **headers: str) -> None:
        """An error body in vLLM's shape."""
        kind = {400: "BadRequestError", 404: "NotFoundError"}.get(status, "Error")
        self.json({"error": {"message": message, "type": kind, "param": None, "code": status}}, status, **headers)

    def json(self, answer: object, status: int = 200, **headers: str) -> None:
        """A whole JSON answer."""
        self.whole(json.dumps(answer).encode(), "application/json", status, **headers)

    def whole(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        """A whole answer of any kind."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        """The head of an event stream."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        """One piece of it; b"" ends it."""
        self.seen.n_chunks += 1
        try:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        except ConnectionError:  # closed with data unread: the asker's kernel answers by a reset, not by an end
            self.seen.gone.set()
            raise

    def left(self, wait_s: float) -> bool:
        """Whether the asker closed the connection within that time."""
        readable, _, _ = select.select([self.connection], [], [], wait_s)
        try:
            if readable and not self.connection.recv(1):
                self.seen.gone.set()
        except ConnectionError:
            self.seen.gone.set()
        return self.seen.gone.is_set()


def event(text: str | None = None, *, chat: bool = True, finish: str | None = None, **more: object) -> bytes:
    """One event of an answer, as vLLM words it; characters are not escaped."""
    piece: dict[str, Any] = {"delta": {"content": text}} if chat else {"text": text or ""}
    row = {"id": "x", "model": BASE, "choices": [{"index": 0, **piece, "finish_reason": finish}], **more}
    return b"data: " + json.dumps(row, ensure_ascii=False).encode() + b"\n\n"


def stream_of(answer: str, *, chat: bool = True) -> bytes:
    """A whole good stream: role, one event per character, the reason of the end, usage, [DONE]."""
    role = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n' if chat else b""
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}\n\n'
    texts = b"".join(event(c, chat=chat) for c in answer)
    return role + texts + event("", chat=chat, finish="stop") + usage + b"data: [DONE]\n\n"


def answer_well(handler: Handler) -> None:
    """What vLLM does when nothing is wrong, and its own words when the request is."""
    stub, body = handler.server, handler.seen.body
    names = [BASE, LORA]
    if handler.seen.key not in stub.keys:
        return handler.json({"error": "Unauthorized"}, 401)
    if handler.path == "/v1/models":
        rows = [{"id": BASE, "max_model_len": CONTEXT, "parent": None}, {"id": LORA, "parent": BASE}]
        return handler.json({"object": "list", "data": rows})
    if unknown := sorted(stub.unknown_fields & set(body)):
        return handler.error(400, f"Unrecognized request argument supplied: {unknown[0]}")
    if body["model"] not in names:
        return handler.error(404, f"The model `{body['model']}` does not exist.")
    if handler.path == "/v1/embeddings":
        return handler.json({"data": [_vector(at, text) for at, text in enumerate(body["input"])][::-1]})
    if len(str(body.get("messages") or body.get("prompt"))) > CONTEXT:
        return handler.error(400, f"This model's maximum context length is {CONTEXT} tokens. However, you requested 9")
    handler.begin_stream()
    text = stub.answer.format(model=body["model"], key=handler.seen.key, question=body.get("messages"))
    for piece in stub.cut(stream_of(text, chat="messages" in body)):
        handler.chunk(piece)
    return handler.chunk(b"")


def _vector(at: int, text: str) -> dict[str, Any]:
    return {"object": "embedding", "index": at, "embedding": [len(text) + 1.0, *[1.0] * (DIM - 1)]}


def fails(status: int, message: str = "something", **headers: str) -> Fault:
    """An error answer."""
    return lambda handler: handler.error(status, message, **headers)


def sends(body: bytes, kind: str = "text/event-stream", status: int = 200, **headers: str) -> Fault:
    """These very bytes."""
    return lambda handler: handler.whole(body, kind, status, **headers)


def hangs(handler: Handler) -> None:
    """Takes the request and says nothing."""
    while not handler.server.ended.is_set() and not handler.left(0.02):
        pass


def babbles(handler: Handler) -> None:
    """Streams without end until the asker leaves."""
    handler.begin_stream()
    while not handler.server.ended.is_set() and not handler.left(0.01):
        handler.chunk(event("啊"))


def stalls(handler: Handler) -> None:
    """Says one thing, then nothing."""
    handler.begin_stream()
    handler.chunk(event("好"))
    hangs(handler)


def drops(*pieces: bytes) -> Fault:
    """Streams these pieces, then lets the connection fall in the middle of a chunk."""

    def drop(handler: Handler) -> None:
        handler.begin_stream()
        for piece in pieces:
            handler.chunk(piece)
        handler.wfile.write(b"ff\r\ndata: {")
        handler.wfile.flush()
        handler.connection.shutdown(2)
        handler.close_connection = True

    return drop


def hangs_up(handler: Handler) -> None:
    """Closes the connection without a word."""
    handler.connection.shutdown(2)
    handler.close_connection = True
