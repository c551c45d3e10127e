"""Quantise once: checkpoints that are already quantised, kept on disk under the hub's home folder.

What is stored is transformers' own serialisation (`save_pretrained` of a bitsandbytes model: safetensors with int8
weights and their row scales), which `from_pretrained` maps into memory without quantising again; only the headers are
padded, so that mapped weights lie where vector instructions want them. An entry is a folder named by its key, made
elsewhere and renamed into place, with a manifest written last. What does not match its manifest is not used and is made
again; so is everything when a library or the source changes.

Files are recognised by size and a sample (head, tail and blocks in between), not by all of their bytes: reading those
would cost more than the quick load saves. A single bit that rots between two samples is not seen. Knows nothing of
torch, of devices, nor of how a model is loaded: the caller brings two functions for that.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from models.errors import HubError
from models.task import Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Loaded", "QuantisedCache", "sample"]

FORMAT = 1
MANIFEST = "manifest.json"
SOURCE_FILES = ("config.json", "generation_config.json", "*.index.json", "*.safetensors", "*.bin")
LIBRARIES = ("torch", "transformers", "bitsandbytes")
SHARD = "512MB"  # safetensors holds one shard in memory while it is written
ALIGNMENT = 64  # of the tensors' part of a file; int8.py's kernel needs 16, and a header ends on any multiple of 8
HEAD_BYTES, BLOCK_BYTES, BLOCKS = 1 << 20, 4096, 64
SPARE_BYTES = 1 << 30  # left free on the disk
DEAD_AFTER_S = 3600.0  # an unfinished entry that nobody has added a shard to for so long
UNFINISHED = ".new-"

log = logging.getLogger(__name__)
M = TypeVar("M", bound="PreTrainedModel")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[M]):
    """A model and whether it came from the cache."""

    model: M
    hit: bool


@dataclass(frozen=True, slots=True)
class QuantisedCache:
    """Entries under one folder, together at most `max_bytes`; the least recently loaded go first."""

    home: Path
    max_bytes: int

    def load(
        self, source: Path, recipe: str, *, quantise: Callable[[], M], reopen: Callable[[Path], M], task: Task
    ) -> Loaded[M]:
        """The model of a source folder, quantised now or earlier.

        `recipe` names all that the bytes depend on besides source and libraries, such as "int8 float32" (precision,
        and the dtype of what stays wide). `quantise` loads from the source, without adapters; `reopen` loads an entry:
        from_pretrained without quantization_config. Raises what these raise, FileNotFoundError for a source without
        weights, and Cancelled. Trouble with the cache itself is logged and costs only the time to quantise.
        """
        key = _key(source, recipe)
        model = self._reopened(key, reopen)
        task.check()
        if model is not None:
            return Loaded(model, hit=True)
        model = quantise()
        task.check()
        if _key(source, recipe) == key:  # else the source changed while it was read: nobody knows what this is
            self._keep(key, model)
        task.check()
        return Loaded(model, hit=False)

    def _reopened(self, key: str, reopen: Callable[[Path], M]) -> M | None:
        """The model of a whole entry, now the most recently used; what is broken is removed."""
        entry = self.home / key[:32]
        if not entry.is_dir():
            return None
        try:
            if _is_whole(entry, key):
                with suppress(OSError):  # a cache that can only be read is still a cache
                    os.utime(entry / MANIFEST)
                return reopen(entry)
            log.warning("a broken checkpoint in the cache is made again: %s", entry)
        except Exception as error:
            _raise_if_unrelated(error)
            log.warning("a cached checkpoint could not be read and is made again: %s", _text(error))
        _discard(entry)
        return None

    def _keep(self, key: str, model: "PreTrainedModel") -> None:
        """Writes an entry if there is room for it."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            if self._make_room(_n_bytes(model)):
                self._write(key, model)
        except Exception as error:
            _raise_if_unrelated(error)
            log.warning("the quantised checkpoint was not kept: %s", _text(error))

    def _write(self, key: str, model: "PreTrainedModel") -> None:
        """Writes beside, then renames; an entry that another process finished meanwhile is as good."""
        unfinished, entry = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.home)), self.home / key[:32]
        try:
            model.save_pretrained(unfinished, max_shard_size=SHARD)
            _seal(unfinished, key)
            if not _is_whole(entry, key):
                _discard(entry)
                unfinished.rename(entry)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def n_bytes(self) -> int:
        """Bytes on disk, unfinished entries included."""
        return sum(_folder_bytes(folder) for folder in self._folders())

    def _folders(self) -> Iterator[Path]:
        """Every entry, finished or not."""
        if self.home.is_dir():
            yield from (path for path in self.home.iterdir() if path.is_dir())

    def _make_room(self, n_bytes: int) -> bool:
        """Removes the dead, then the least recently used, until so many bytes fit; False when they cannot."""
        for folder in self._folders():
            if folder.name.startswith(UNFINISHED) and time.time() - folder.stat().st_mtime > DEAD_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
        finished = sorted((f for f in self._folders() if not f.name.startswith(UNFINISHED)), key=_last_use)
        while not (fits := self._fits(n_bytes)) and finished and n_bytes <= self.max_bytes:
            _discard(finished.pop(0))
        return fits

    def _fits(self, n_bytes: int) -> bool:
        """Whether budget and disk have so many bytes left."""
        spare = shutil.disk_usage(self.home).free - SPARE_BYTES
        return n_bytes <= spare and self.n_bytes() + n_bytes <= self.max_bytes


def _key(source: Path, recipe: str) -> str:
    """Hash of what the quantised bytes follow from. Raises FileNotFoundError for a folder without weights."""
    files = sorted({path for pattern in SOURCE_FILES for path in source.glob(pattern)})
    if not any(path.suffix in (".safetensors", ".bin") for path in files):
        raise FileNotFoundError(f"no weights in {source}")
    parts = [(path.name, path.stat().st_mtime_ns, sample(path)) for path in files]
    text = json.dumps([FORMAT, recipe, [(name, _version(name)) for name in LIBRARIES], parts])
    return hashlib.sha256(text.encode()).hexdigest()


def _version(library: str) -> str:
    """What is installed, without importing it."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def sample(path: Path) -> str:
    """SHA-256 of a file's size, its first MiB (a safetensors header lies there), blocks spread over it, and its end."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(HEAD_BYTES))
        for i in range(1, BLOCKS + 1) if size > HEAD_BYTES else ():
            file.seek(max(0, size * i // BLOCKS - BLOCK_BYTES))
            digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()


def _seal(folder: Path, key: str) -> None:
    """Brings every file to the disk, then writes the manifest."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        if path.suffix == ".safetensors":
            _align(path)
        _sync(path)
    manifest = {"key": key, "files": {path.name: sample(path) for path in files}}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    _sync(folder / MANIFEST)


def _align(path: Path) -> None:
    """Pads a safetensors header with spaces, as its format allows, until the tensors start on a multiple of 64."""
    aligned = path.with_suffix(".aligned")
    with path.open("rb") as old, aligned.open("wb") as new:
        header = old.read(int.from_bytes(old.read(8), "little"))
        header += b" " * (-(8 + len(header)) % ALIGNMENT)
        new.write(len(header).to_bytes(8, "little") + header)
        shutil.copyfileobj(old, new, HEAD_BYTES)
    aligned.replace(path)


def _sync(path: Path) -> None:
    """Waits until a file is on the disk: a rename that outlives its contents would look whole after a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _is_whole(entry: Path, key: str) -> bool:
    """Whether an entry is ours, for this key, with exactly the files that were written."""
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        names = {path.name for path in entry.iterdir()} - {MANIFEST}
        whole = manifest["key"] == key and manifest["files"].keys() == names
        return whole and all(sample(entry / name) == digest for name, digest in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _raise_if_unrelated(error: Exception) -> None:
    """Raises again what says nothing about the cache: a stop, or no memory for the model."""
    if isinstance(error, HubError | MemoryError) or "OutOfMemory" in type(error).__name__:
        raise error


def _text(error: Exception) -> str:
    """For the log: a record that holds the exception itself would keep a model alive through its frames."""
    return f"{type(error).__name__}: {error}"


def _discard(entry: Path) -> None:
    """Removes an entry in one step for all who look; a model that has it mapped keeps its pages on Linux and macOS."""
    if not entry.exists():
        return
    with suppress(OSError):  # on Windows a mapped file cannot go; it is tried again when room is needed
        doomed = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=entry.parent))
        try:
            entry.rename(doomed / entry.name)
        finally:
            shutil.rmtree(doomed, ignore_errors=True)


def _last_use(entry: Path) -> float:
    """When an entry was loaded last; 0 without a manifest."""
    try:
        return (entry / MANIFEST).stat().st_mtime
    except OSError:
        return 0.0


def _folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder, 0 for what vanishes meanwhile."""
    total = 0
    with suppress(OSError):
        for path in folder.iterdir():
            total += path.stat().st_size
    return total


def _n_bytes(model: "PreTrainedModel") -> int:
    """Bytes that saving will take, a header's worth aside; tied tensors are written once."""
    tensors = {tensor.data_ptr(): tensor for tensor in model.state_dict().values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
