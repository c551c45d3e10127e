"""A model hub on 127.0.0.1, in threads of the test: the list of a repository and its files with ranges, large ones
behind a redirect to another host as the real hub does it, and every way of failing on demand. It notes what was asked.
"""

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
LARGE = (".safetensors", ".bin")  # in git-lfs; their hash is sha256
PIECE = 4096  # bytes sent at once
Fault = Callable[["Handler"], bool]  # True when it has answered itself


@dataclass(frozen=True)
class Asked:
    """One request: `path` without the query, of a file only its name in the repository."""

    kind: str  # api, file, cdn
    path: str
    range: str
    token: str


class StubHub(ThreadingHTTPServer):
    """`repos` maps names to folders; `then(kind, ...)` puts faults in front, one per request of that kind."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.repos: dict[str, Path] = {}
        self.asked: list[Asked] = []
        self.faults: dict[str, deque[Fault]] = {"api": deque(), "file": deque(), "cdn": deque()}
        self.knows_ranges = True
        self.hold_after = -1  # bytes of a large file after which `gate` must be open; never where negative
        self.held, self.gate = threading.Event(), threading.Event()

    def then(self, kind: str, *faults: Fault) -> None:
        """The next requests of a kind meet these faults, one each."""
        self.faults[kind].extend(faults)

    def names(self, kind: str) -> list[str]:
        """What was asked for, in its order."""
        return [asked.path for asked in self.asked if asked.kind == kind]

    def handle_error(self, request: object, client_address: object) -> None:
        """An asker that leaves is what some tests are about."""


@contextmanager
def serving() -> Iterator[StubHub]:
    """A running hub."""
    stub = StubHub()
    thread = threading.Thread(target=stub.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.gate.set()
        stub.shutdown()
        stub.server_close()
        thread.join(5)


class Handler(BaseHTTPRequestHandler):
    """One connection: /api/models/O/N/revision/R, /O/N/resolve/R/FILE, and /cdn/O/N/FILE on the other host."""

    protocol_version = "HTTP/1.1"
    server: StubHub

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts[0] == "api":
            kind, repo, name = "api", "/".join(parts[2:4]), "/".join(parts[2:])
        elif parts[0] == "cdn":
            kind, repo, name = "cdn", "/".join(parts[1:3]), "/".join(parts[3:])
        else:
            kind, repo, name = "file", "/".join(parts[:2]), "/".join(parts[4:])
        told = self.headers
        self.server.asked.append(Asked(kind, name, told.get("Range", ""), told.get("Authorization", "")))
        faults = self.server.faults[kind]
        if faults and faults.popleft()(self):
            return
        if repo not in self.server.repos:
            return self.refuse(401, "RepoNotFound")
        if kind == "api":
            self._send_list(self.server.repos[repo])
        elif kind == "file" and name.endswith(LARGE):
            self._head(302, 0, Location=f"http://localhost:{self.server.port}/cdn/{repo}/{name}")
        else:
            self._send_file(self.server.repos[repo] / name)

    def refuse(self, status: int, code: str = "") -> None:
        """An answer without a body; `code` is the hub's own name of the error."""
        self._head(status, 0, **{"X-Error-Code": code})

    def cut(self, n_bytes: int) -> None:
        """Promises a file and breaks the connection after some of its bytes."""
        folder = next(iter(self.server.repos.values()))
        data = (folder / self.server.asked[-1].path).read_bytes()
        self._head(200, len(data))
        self.wfile.write(data[:n_bytes])
        self.close_connection = True

    def spoil(self) -> None:
        """Sends as many bytes as promised, and not those."""
        folder = next(iter(self.server.repos.values()))
        size = (folder / self.server.asked[-1].path).stat().st_size
        self._head(200, size)
        self.wfile.write(b"\0" * size)

    def _send_list(self, folder: Path) -> None:
        rows = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            data, name = path.read_bytes(), path.relative_to(folder).as_posix()
            oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            row: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": oid}
            if name.endswith(LARGE):
                row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            rows.append(row)
        body = json.dumps({"sha": COMMIT, "siblings": rows}).encode()
        self._head(200, len(body))
        self.wfile.write(body)

    def _send_file(self, path: Path) -> None:
        data, start = path.read_bytes(), 0
        asked = self.headers.get("Range", "")
        if asked and self.server.knows_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self._head(206 if start else 200, len(data) - start)
        for at in range(start, len(data), PIECE):
            if path.name.endswith(LARGE) and 0 <= self.server.hold_after <= at:
                self.server.held.set()
                self.server.gate.wait(30)
            self.wfile.write(data[at : at + PIECE])

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""
