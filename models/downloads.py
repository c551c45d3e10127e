"""Files of models and adapters from the model hub into its local cache, once for everybody who waits for them.

The cache keeps the layout of huggingface_hub, so whatever else uses it finds the files and the other way round. A
snapshot's links are made when every byte is there and checked: a download that is stopped leaves no half a model, and
its bytes are kept for the next time. Downloads run in daemon threads: neither a visitor who leaves nor the end of the
process waits for the network. Knows nothing of memory or of engines; which files are needed is models/snapshot.py's.
"""

import errno
import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from models.checkpoint import read_config
from models.errors import BadInput, Cancelled, DoesNotFit, HubError, ModelUnavailable
from models.modelspec import AdapterSpec, ModelSpec
from models.snapshot import COMMIT, config_name, hub_cache, local_folder, needed, repo_home, snapshot
from models.task import Task
from models.transfer import Listing, RemoteFile, Repository

__all__ = ["Downloads", "local_folder"]

N_CONNECTIONS = 4  # files of one repository at once
TICK_S = 0.1  # between two looks of a visitor at the progress
SPARE_BYTES = 256 << 20  # left free on the disk
LINK_LIMIT = 1 << 20  # bytes; where links are impossible, smaller files are copied and larger ones moved

log = logging.getLogger(__name__)


@dataclass
class _Flight:
    """One download and those who wait for it."""

    visitors: int = 0
    total: int = 0  # bytes; 0 until the list of files is known
    done: int = 0
    stop: threading.Event = field(default_factory=threading.Event)  # the last visitor has left, or a file failed
    ended: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def received(self, n_bytes: int) -> None:
        """Counts bytes; negative ones were lost."""
        with self._lock:
            self.done += n_bytes

    @property
    def fraction(self) -> float:
        """0 … 1."""
        return self.done / self.total if self.total else 0.0


class Downloads:
    """All downloads of this process. `offline` means that no network is ever asked."""

    def __init__(self, offline: bool, *, cache: Path | None = None, endpoint: str | None = None) -> None:
        self.offline, self._cache, self._endpoint = offline, cache, endpoint
        self._flights: dict[tuple[str, ...], _Flight] = {}
        self._lock = threading.Lock()

    def fetch(self, spec: ModelSpec | AdapterSpec, task: Task) -> Path:
        """The folder of a model or adapter, downloaded first where it is not here; progress goes to `task`.

        Visitors who want the same one share a download, which ends when the last of them has stopped. Raises
        ModelUnavailable (offline, unknown, refused, unreachable, damaged), DoesNotFit (disk), BadInput, Cancelled.
        """
        task.check()
        found = local_folder(spec, self._cache)
        if found is None:
            self._wait(spec, task, whole=True)
            found = local_folder(spec, self._cache)
        if found is None:  # its index names shards, or modules.json parts, that the repository does not have
            raise ModelUnavailable("weights_missing", name=spec.repo)
        return found

    def fetch_config(self, spec: ModelSpec | AdapterSpec, task: Task) -> dict[str, Any]:
        """config.json (adapter_config.json of an adapter) and nothing else. Raises what `fetch` raises."""
        task.check()
        found = self._config_folder(spec)
        if found is None:
            self._wait(spec, task, whole=False)
            found = self._config_folder(spec)
        if found is None:
            raise BadInput("model_folder", name=spec.repo)
        return read_config(found)

    def _config_folder(self, spec: ModelSpec | AdapterSpec) -> Path | None:
        found = spec.folder or snapshot(self._cache or hub_cache(), spec.repo, spec.revision)
        return found if found is not None and (found / config_name(spec)).is_file() else None

    def _wait(self, spec: ModelSpec | AdapterSpec, task: Task, *, whole: bool) -> None:
        """Joins the download of a repository, or starts it, and stays until it has ended or the task is stopped."""
        from huggingface_hub import constants

        if spec.folder is not None or self.offline or constants.is_offline_mode():
            raise ModelUnavailable("weights_missing", name=spec.repo)
        key = (spec.repo, spec.revision, type(spec).__name__, "whole" if whole else "config")
        flight = self._join(key, spec, whole)
        try:
            while not flight.ended.wait(TICK_S):
                task.step(flight.fraction, "pool.downloading" if flight.total else "pool.asking")
            if flight.error is not None:
                raise _again(flight.error)
            task.step(1.0, "pool.downloading")
        finally:
            self._leave(key, flight)

    def _join(self, key: tuple[str, ...], spec: ModelSpec | AdapterSpec, whole: bool) -> _Flight:
        with self._lock:
            flight = self._flights.get(key)
            if flight is None or flight.stop.is_set():
                flight = self._flights[key] = _Flight()
                target = threading.Thread(target=self._run, args=(flight, spec, whole), name=key[0], daemon=True)
                target.start()
            flight.visitors += 1
            return flight

    def _leave(self, key: tuple[str, ...], flight: _Flight) -> None:
        with self._lock:
            flight.visitors -= 1
            if flight.visitors == 0:
                flight.stop.set()
                if self._flights.get(key) is flight:
                    del self._flights[key]

    def _run(self, flight: _Flight, spec: ModelSpec | AdapterSpec, whole: bool) -> None:
        """The thread of a download."""
        from huggingface_hub import constants

        try:
            endpoint = self._endpoint or constants.ENDPOINT
            with closing(Repository(endpoint, spec.repo, spec.revision, flight.stop)) as hub:
                self._download(flight, spec, hub, whole)
        except OSError as error:
            flight.error = _disk_error(error, spec.title)
        except BaseException as error:
            flight.error = error
        finally:
            if flight.error is not None and not isinstance(flight.error, Cancelled):
                log.warning("could not download %s: %s", spec.repo, flight.error)
            flight.ended.set()

    def _download(self, flight: _Flight, spec: ModelSpec | AdapterSpec, hub: Repository, whole: bool) -> None:
        store = _Store(repo_home(self._cache or hub_cache(), spec.repo))
        listing = hub.listing()
        files = _chosen(spec, listing, whole)
        blobs = {file.oid: file for file in files if not store.has(listing.commit, file)}
        missing = sum(file.size for file in blobs.values())
        flight.received(sum(store.n_kept(file) for file in blobs.values()))
        flight.total = max(1, missing)
        _check_disk(store.home, missing - flight.done, spec.title)
        log.info("downloading %s at %s: %d bytes", spec.repo, listing.commit, missing - flight.done)

        def bring(file: RemoteFile) -> None:
            store.bring(hub, listing.commit, file, flight)

        _each(blobs.values(), bring, flight.stop)
        for file in files:
            store.link(listing.commit, file)
        store.name(spec.revision, listing.commit)


class _Store:
    """One repository in the local cache, in the layout of huggingface_hub."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._blobs, self._locks = home / "blobs", home.parent / ".locks" / home.name

    def has(self, commit: str, file: RemoteFile) -> bool:
        """Whether the whole file is here, under this commit or another."""
        return (self._blobs / file.oid).is_file() or self._place(commit, file).is_file()

    def n_kept(self, file: RemoteFile) -> int:
        """Bytes of an earlier try."""
        part = self._part(file)
        return part.stat().st_size if part.is_file() else 0

    def bring(self, hub: Repository, commit: str, file: RemoteFile, flight: _Flight) -> None:
        """Downloads a file's bytes, unless another process or an older download does; then waits for those."""
        from filelock import Timeout
        from huggingface_hub.utils import WeakFileLock

        self._blobs.mkdir(parents=True, exist_ok=True)
        self._locks.mkdir(parents=True, exist_ok=True)
        counted = self.n_kept(file)
        while True:
            try:
                with WeakFileLock(self._locks / f"{file.oid}.lock", timeout=2 * TICK_S):
                    if not self.has(commit, file):
                        flight.received(self.n_kept(file) - counted)  # the older download went on for a moment
                        hub.fill(self._part(file), commit, file, flight.received)
                        os.replace(self._part(file), self._blobs / file.oid)
                    return
            except Timeout:
                if flight.stop.is_set():
                    raise Cancelled from None

    def link(self, commit: str, file: RemoteFile) -> None:
        """Shows a blob under its own name in the snapshot."""
        place, blob = self._place(commit, file), self._blobs / file.oid
        if place.is_file():
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # a link whose blob was deleted
        try:
            place.symlink_to(os.path.relpath(blob, place.parent))
        except OSError:  # Windows without the right to, or a mounted drive
            (shutil.copyfile if file.size < LINK_LIMIT else shutil.move)(blob, place)

    def name(self, revision: str, commit: str) -> None:
        """Notes what a branch or a tag is now."""
        if COMMIT.fullmatch(revision) or ".." in PurePosixPath(revision).parts or revision.startswith("/"):
            return
        ref = self.home / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        fresh = ref.with_name(f"{ref.name}.{threading.get_ident()}")
        fresh.write_text(commit, encoding="utf-8")
        os.replace(fresh, ref)

    def _place(self, commit: str, file: RemoteFile) -> Path:
        return self.home / "snapshots" / commit / file.path

    def _part(self, file: RemoteFile) -> Path:
        return self._blobs / f"{file.oid}.incomplete"


def _chosen(spec: ModelSpec | AdapterSpec, listing: Listing, whole: bool) -> list[RemoteFile]:
    """The files to have. Raises BadInput without a configuration, ModelUnavailable without weights."""
    config = config_name(spec)
    if config not in listing.files:
        raise BadInput("model_folder", name=spec.repo)
    names = needed(spec, listing.files) if whole else [config]
    if whole and not any(name.endswith((".safetensors", ".bin")) for name in names):
        raise ModelUnavailable("weights_missing", name=spec.repo)
    return [listing.files[name] for name in names]


def _check_disk(home: Path, n_bytes: int, title: str) -> None:
    """Raises DoesNotFit when the disk of the cache cannot take so much."""
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if n_bytes and n_bytes + SPARE_BYTES > free:
        raise _no_disk(title, n_bytes + SPARE_BYTES, free)


def _no_disk(title: str, need: int, free: int) -> DoesNotFit:
    return DoesNotFit("no_disk", model=title, need=f"{need / 2**30:.1f} GiB", free=f"{free / 2**30:.1f} GiB")


def _disk_error(error: OSError, title: str) -> HubError:
    """What it means that the cache cannot be written."""
    if error.errno == errno.ENOSPC:
        return _no_disk(title, SPARE_BYTES, 0)
    return ModelUnavailable("cache_blocked", model=title, reason=error.strerror or type(error).__name__)


def _again(error: BaseException) -> BaseException:
    """The same error for each of several visitors: an exception belongs to the thread that raises it."""
    if type(error) in (BadInput, DoesNotFit, ModelUnavailable):
        return type(error)(error.code, **error.values)  # type: ignore[attr-defined]
    return error


def _each(files: Iterable[RemoteFile], bring: Callable[[RemoteFile], None], stop: threading.Event) -> None:
    """Brings several files at once; the first error stops the others and is raised. No executor: it would keep the
    process alive until its threads have ended."""
    waiting, errors, taking = deque(files), list[BaseException](), threading.Lock()

    def work() -> None:
        while not errors:
            with taking:
                if not waiting:
                    return
                file = waiting.popleft()
            try:
                bring(file)
            except BaseException as error:
                errors.append(error)
                stop.set()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(N_CONNECTIONS, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
