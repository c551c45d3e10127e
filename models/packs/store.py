"""Where packs live on disk: one folder a pack, which opens in a blink and survives restarts and crashes.

    <root>/<id>/pack.json      everything but scenes, pictures and vectors (models/packs/meta.py)
    <root>/<id>/scenes.json    the scenes to the letter, in one file: 1,700 files take longer to open than to read
    <root>/<id>/images/…       the pictures;  <root>/<id>/attachments/… what a card brought besides
    <root>/<id>/vectors/…      matrices (models/packs/shelved.py)

A pack is written beside its place and then moved there; whatever a crash left half done is put right by the next start,
so that the old pack or the new one is there. A broken pack is listed with its error and can be deleted; it never stops
the others. Several processes may share a root. Knows files, not who may see them.
"""

import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from models.errors import BadInput
from models.packs.fields import Fields, parse_json
from models.packs.lint import Lint
from models.packs.pack import Pack, Vectors
from models.packs.reading import slug, unique
from models.packs.shelved import INDEX, PACK, SCENES, add_matrices, read_shelved, write_shelved
from models.packs.tree import safe_name

__all__ = ["Listed", "PackStore"]

MAX_PACKS, MAX_BYTES = 200, 2 * 2**30
MAX_OPEN = 32  # packs that stay in memory
LOCK, OLD, GONE = ".lock", ".old", ".gone"  # .<id>.<token>.old: a pack whose successor is on its way
WAIT_S = 60


@dataclass(frozen=True, slots=True)
class Listed:
    """A pack as a list shows it. `broken` is the code of the error that opening it would raise, "" for a sound one."""

    id: str
    name: str
    series: str = ""
    language: str = ""
    n_scenes: int = 0
    n_pictures: int = 0
    portrait: Path | None = None
    broken: str = ""


class PackStore:
    """The packs below one folder. Safe to use from many threads and processes."""

    def __init__(
        self, root: Path, *, uploads: bool = True, max_packs: int = MAX_PACKS, max_bytes: int = MAX_BYTES
    ) -> None:
        self.root, self.uploads = root, uploads
        self._max_packs, self._max_bytes = max_packs, max_bytes
        self._lock = threading.RLock()
        self._open: dict[str, tuple[tuple[int, ...], Pack]] = {}
        self._cards: dict[str, tuple[tuple[int, ...], Listed]] = {}
        if root.is_dir():
            with self._alone():
                self._recover()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else writes below the root, no other process either."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock, FileLock(self.root / LOCK, timeout=WAIT_S):
            yield

    def _recover(self) -> None:
        """Puts back what a crash left without a successor, and clears away what nobody needs."""
        for folder in list(self.root.glob(".*.*")):
            key = folder.name[1:].split(".")[0]
            if folder.is_dir() and folder.suffix == OLD and not (self.root / key).exists():
                os.replace(folder, self.root / key)
            else:
                shutil.rmtree(folder, ignore_errors=True)

    def list(self) -> tuple[Listed, ...]:
        """All packs, by name."""
        if not self.root.is_dir():
            return ()
        with self._lock:
            found = [self._listed(folder) for folder in sorted(self.root.iterdir()) if _is_pack(folder)]
        return tuple(sorted(found, key=lambda one: one.name))

    def _listed(self, folder: Path) -> Listed:
        """The card of a pack, read again only when its files have changed."""
        stamp = _stamp(folder)
        known = self._cards.get(folder.name)
        if known is None or known[0] != stamp:
            try:
                card = _card(folder)
            except (OSError, ValueError):
                card = _broken(folder.name)
            known = self._cards[folder.name] = (stamp, card)
        return known[1]

    def open(self, key: str) -> Pack:
        """A pack; the same value as long as it is not changed. Raises BadInput("unknown_character", "pack_broken")."""
        folder = self._folder(key)
        with self._lock:
            stamp = _stamp(folder)
            if key not in self._open or self._open[key][0] != stamp:
                try:
                    pack = read_shelved(folder)
                except (OSError, ValueError, KeyError, TypeError) as error:
                    self._cards[key] = (stamp, _broken(key))
                    raise BadInput("pack_broken", name=key) from error
                self._open.pop(key, None)
                while len(self._open) >= MAX_OPEN:
                    del self._open[next(iter(self._open))]
                self._open[key] = (stamp, pack)
            return self._open[key][1]

    def _folder(self, key: str) -> Path:
        if slug(key) != key or not _is_pack(self.root / key):
            raise BadInput("unknown_character", name=key[:40])
        return self.root / key

    def save(self, pack: Pack, *, replace: bool = False) -> str:
        """Keeps a pack; gives the id that it got, which is its own unless that is taken and is not to be replaced.

        Raises BadInput("uploads_off"), ("pack_store_full"), OSError when the disk is full.
        """
        if not self.uploads:
            raise BadInput("uploads_off")
        with self._alone():
            taken = [one.name for one in self.root.iterdir() if _is_pack(one)]
            key = slug(pack.id)
            key = key if replace and key in taken else unique(key, taken)
            if key not in taken and len(taken) >= self._max_packs:
                raise self._full()
            beside = self._beside(key)
            try:
                write_shelved(pack, beside)
                self._check_room(key)
                self._move(beside, key)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
            return key

    def _beside(self, key: str, end: str = "") -> Path:
        return self.root / f".{key}.{secrets.token_hex(4)}{end}"

    def _check_room(self, key: str) -> None:
        """Raises BadInput("pack_store_full") when all packs but the one to be replaced hold too many bytes."""
        folders = [one for one in self.root.iterdir() if one.is_dir() and one.name != key]
        if sum(map(_n_bytes, folders)) > self._max_bytes:
            raise self._full()

    def _full(self) -> BadInput:
        return BadInput("pack_store_full", limit=f"{self._max_packs} / {self._max_bytes >> 20} MB")

    def _move(self, beside: Path, key: str) -> None:
        """Puts a written pack into its place; at every moment the old one or the new one can be recovered."""
        old = self._beside(key, OLD)
        if (self.root / key).exists():
            os.replace(self.root / key, old)
        os.replace(beside, self.root / key)
        shutil.rmtree(old, ignore_errors=True)

    def save_vectors(self, key: str, vectors: Vectors) -> None:
        """Keeps what an embedder made of a pack, beside what others made; a side that is None stays as it was.

        Raises BadInput("unknown_character"), ("pack_broken"), ValueError unless there is a row for every scene
        (picture).
        """
        with self._alone():
            pack = self.open(key)
            for rows, wanted in ((vectors.scenes, pack.scenes), (vectors.captions, pack.pictures)):
                if rows is not None and len(rows) != len(wanted):
                    raise ValueError(f"{len(rows)} rows for {len(wanted)}")
            add_matrices(self._folder(key), vectors)

    def delete(self, key: str) -> None:
        """Throws a pack away for good, a broken one too. Raises BadInput("unknown_character")."""
        with self._alone():
            folder, gone = self._folder(key), self._beside(key, GONE)
            os.replace(folder, gone)
            shutil.rmtree(gone, ignore_errors=True)
            self._open.pop(key, None)
            self._cards.pop(key, None)


def _is_pack(folder: Path) -> bool:
    return not folder.name.startswith(".") and folder.is_dir() and not folder.is_symlink()


def _stamp(folder: Path) -> tuple[int, ...]:
    """What changes when a pack changes."""
    return tuple(part for name in (PACK, SCENES, f"vectors/{INDEX}") for part in _changed(folder / name))


def _changed(path: Path) -> tuple[int, int]:
    """Two files written within one tick of the clock are still two files."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


def _n_bytes(folder: Path) -> int:
    return sum(one.stat().st_size for one in _files(folder.rglob("*")))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    return (one for one in paths if one.is_file() and not one.is_symlink())


def _broken(key: str) -> Listed:
    return Listed(key, key, broken="pack_broken")


def _card(folder: Path) -> Listed:
    """What a list shows of a pack. Raises OSError, ValueError for a broken one."""
    (folder / SCENES).stat()
    fields = Fields(parse_json((folder / PACK).read_text(encoding="utf-8")), PACK, Lint())
    pictures = [one for _, one in fields.items("pictures") if isinstance(one, dict)]
    portrait = next((one for one in pictures if one.get("portrait")), pictures[0] if pictures else {})
    file = safe_name(str(portrait.get("file", "")))
    name, series = fields.words("name"), fields.words("series")
    return Listed(
        folder.name, name.to("zh") or folder.name, series.to("zh"), fields.text("language") or "zh",
        fields.number("n_scenes"), len(pictures), folder / "images" / file if file else None,
    )  # fmt: skip
