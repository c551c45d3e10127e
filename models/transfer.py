"""A model hub over plain HTTP: what a repository holds, and the bytes of one file, continued where they broke off.

Why not huggingface_hub's own download: since version 1 it throws away what it has of a file when it is stopped, hands
over 10 MiB at a time, and its xet path cannot be stopped at all; 4 GB over a slow line need better. Bytes are checked
against the hash in the hub's list (sha256 of large files, git's sha1 of small ones). Authorization and addresses come
from huggingface_hub; the token is in no message and no log, and httpx drops it on the way to another host. Knows
nothing of visitors or of the cache.
"""

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from models.errors import Cancelled, HubError, ModelUnavailable

__all__ = ["Listing", "RemoteFile", "Repository"]

TIMEOUT_S = 10.0  # to connect, and between two pieces
N_TRIES = 5  # in a row without a single new byte
FIRST_PAUSE_S = 0.25  # doubled after every such try
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
CHUNK = 1 << 20  # bytes hashed between two looks at the stop

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository. `oid` is also its name among the cache's blobs."""

    path: str
    size: int  # bytes
    oid: str  # hex: sha256 of its bytes where `large`, else git's sha1 of a blob
    large: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A revision of a repository: its commit, and every file by its path."""

    commit: str
    files: dict[str, RemoteFile]


class _Again(Exception):
    """What may work the next time; its text is the reason."""


class Repository:
    """One revision of one repository on a hub. `stop` ends whatever runs, with Cancelled."""

    def __init__(self, endpoint: str, repo: str, revision: str, stop: threading.Event) -> None:
        from huggingface_hub.utils import build_hf_headers

        self.repo, self.revision = repo, revision
        self._endpoint, self._stop = endpoint.rstrip("/"), stop
        self._host = httpx.URL(self._endpoint).host
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}  # sizes and ranges are of the plain bytes
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT_S, follow_redirects=True)

    def close(self) -> None:
        """Frees the connections."""
        self._client.close()

    def listing(self) -> Listing:
        """What the revision holds now. Raises ModelUnavailable (unknown, refused, unreachable), Cancelled."""
        url = f"{self._endpoint}/api/models/{self.repo}/revision/{quote(self.revision, safe='')}"

        def ask() -> Listing:
            response = self._client.get(url, params={"blobs": "true"})
            self._check(response)
            try:
                told = response.json()
                return Listing(_hex(told["sha"]), {file.path: file for file in map(_file, told["siblings"])})
            except (ValueError, KeyError, TypeError, AttributeError):
                raise self._down("no list of files") from None

        return self._tried(ask, lambda: 0)

    def fill(self, part: Path, commit: str, file: RemoteFile, received: Callable[[int], None]) -> None:
        """Brings `part` to the whole of `file`, from where it ends; `received` hears how many bytes came, or were lost.

        Raises ModelUnavailable (also for bytes that are not what the list promised), Cancelled, OSError.
        """
        part.touch()

        def size() -> int:
            return part.stat().st_size

        while size() < file.size:
            self._tried(lambda: self._stream(part, commit, file, received), size)
        if size() != file.size or self._digest(part, file) != file.oid:
            received(-size())
            part.unlink()
            raise ModelUnavailable("weights_broken", name=f"{self.repo}/{file.path}")

    def _stream(self, part: Path, commit: str, file: RemoteFile, received: Callable[[int], None]) -> None:
        """One request for the rest of a file."""
        start = part.stat().st_size
        url = f"{self._endpoint}/{self.repo}/resolve/{commit}/{quote(file.path)}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._client.stream("GET", url, headers=headers) as response, part.open("ab") as out:
            self._check(response)
            if start and response.status_code != 206:  # a proxy that does not know ranges: from the beginning
                out.truncate(0)
                received(-start)
            for piece in response.iter_raw():
                if self._stop.is_set():
                    raise Cancelled
                out.write(piece)
                received(len(piece))
                if out.tell() > file.size:
                    return  # not this file; its digest will say so
        if part.stat().st_size == start:
            raise _Again("no bytes")

    def _tried(self, work: Callable[[], Result], size: Callable[[], int]) -> Result:
        """The result of `work`, tried again after what may pass; a try that brought bytes does not count."""
        failures = 0
        while True:
            if self._stop.is_set():
                raise Cancelled
            before = size()
            try:
                return work()
            except (httpx.RequestError, _Again) as error:
                failures = 1 if size() > before else failures + 1
                if failures >= N_TRIES:
                    raise self._down(str(error) if isinstance(error, _Again) else type(error).__name__) from None
            self._stop.wait(FIRST_PAUSE_S * 2 ** (failures - 1))

    def _check(self, response: httpx.Response) -> None:
        """Raises what an answer that is no success means; the hub tells some of it in headers of its own."""
        status, code = response.status_code, response.headers.get("X-Error-Code", "")
        if response.is_success:
            return
        if status in TRANSIENT:
            raise _Again(f"HTTP {status}")
        if code == "GatedRepo":
            raise ModelUnavailable("hub_gated", repo=self.repo)
        if code == "RevisionNotFound":
            raise ModelUnavailable("hub_revision", repo=self.repo, revision=self.revision)
        if code == "RepoNotFound" or status == 404:  # the hub says 401 for what an anonymous asker may not know of
            raise ModelUnavailable("hub_repo", repo=self.repo)
        if status in (401, 403):
            raise ModelUnavailable("hub_token", repo=self.repo, host=self._host)
        raise self._down(f"HTTP {status}")

    def _down(self, reason: str) -> HubError:
        return ModelUnavailable("hub_down", host=self._host, reason=reason)

    def _digest(self, path: Path, file: RemoteFile) -> str:
        """The hash of a file as the hub's list tells it."""
        digest = hashlib.sha256() if file.large else hashlib.sha1(b"blob %d\x00" % file.size, usedforsecurity=False)
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                if self._stop.is_set():
                    raise Cancelled
                digest.update(chunk)
        return digest.hexdigest()


def _file(row: dict[str, Any]) -> RemoteFile:
    """A row of `siblings`; large files carry the hash of their bytes, small ones only git's."""
    lfs = row.get("lfs")
    oid = _hex(lfs["sha256"] if lfs else row["blobId"])
    return RemoteFile(str(row["rfilename"]), int(lfs["size"] if lfs else row["size"]), oid, bool(lfs))


def _hex(value: object) -> str:
    """A hash, which becomes the name of a file. Raises ValueError for anything else."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", value):
        raise ValueError("no hash")
    return value
