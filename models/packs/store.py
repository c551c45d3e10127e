"""Where packs live on disk: one folder a pack, which opens in a blink and survives restarts and crashes.

    <root>/<id>/pack.json      everything but scenes, pictures and vectors (models/packs/meta.py)
    <root>/<id>/scenes.json    the scenes to the letter, in one file: 1,700 files take longer to open than to read
    <root>/<id>/images/…       the pictures;  <root>/<id>/attachments/… what a card brought besides
    <root>/<id>/vectors/…      <n>.npy, mapped into memory when they are needed, and index.json

A pack is written beside its place and then moved there, so a crash leaves the old one or the new one. A broken pack is
listed with its error and can be deleted; it never stops the others. Knows files, not who may see them.
"""

import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.errors import BadInput
from models.packs.fields import Fields, parse_json, to_json
from models.packs.lines import scene
from models.packs.lint import Lint
from models.packs.meta import apply_meta, listed_scenes, meta_of
from models.packs.pack import Bilingual, Pack, Picture, Scene, Vectors
from models.packs.reading import picture_kind, slug, unique
from models.packs.tree import safe_name
from models.packs.vectors import with_mean

__all__ = ["Listed", "PackStore"]

PACK, SCENES, INDEX = "pack.json", "scenes.json", "index.json"
MAX_PACKS, MAX_BYTES = 200, 2 * 2**30
MAX_OPEN = 32  # packs that stay in memory


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
    """The packs below one folder. Safe to use from many threads of one process."""

    def __init__(
        self, root: Path, *, uploads: bool = True, max_packs: int = MAX_PACKS, max_bytes: int = MAX_BYTES
    ) -> None:
        self.root, self.uploads = root, uploads
        self._max_packs, self._max_bytes = max_packs, max_bytes
        self._lock = threading.RLock()
        self._open: dict[str, Pack] = {}
        self._cards: dict[str, tuple[int, Listed]] = {}

    def list(self) -> tuple[Listed, ...]:
        """All packs, by name."""
        if not self.root.is_dir():
            return ()
        found = [self._listed(folder) for folder in sorted(self.root.iterdir()) if _is_pack(folder)]
        return tuple(sorted(found, key=lambda one: one.name))

    def _listed(self, folder: Path) -> Listed:
        """The card of a pack, read again only when its file has changed."""
        try:
            stamp = (folder / PACK).stat().st_mtime_ns
            known = self._cards.get(folder.name)
            if known is None or known[0] != stamp:
                known = (stamp, _card(folder))
                self._cards[folder.name] = known
            return known[1]
        except (OSError, ValueError):
            return Listed(folder.name, folder.name, broken="pack_broken")

    def open(self, key: str) -> Pack:
        """A pack; the same value until it changes. Raises BadInput("unknown_character"), ("pack_broken")."""
        folder = self._folder(key)
        with self._lock:
            if key not in self._open:
                try:
                    pack = _read(folder)
                except (OSError, ValueError, KeyError, TypeError) as error:
                    raise BadInput("pack_broken", name=key) from error
                while len(self._open) >= MAX_OPEN:
                    del self._open[next(iter(self._open))]
                self._open[key] = pack
            return self._open[key]

    def _folder(self, key: str) -> Path:
        if slug(key) != key or not _is_pack(self.root / key):
            raise BadInput("unknown_character", name=key[:40])
        return self.root / key

    def save(self, pack: Pack, *, replace: bool = False) -> str:
        """Keeps a pack; gives the id that it got, which is its own unless that is taken and is not to be replaced.

        Raises BadInput("uploads_off"), ("pack_store_full").
        """
        if not self.uploads:
            raise BadInput("uploads_off")
        with self._lock:
            self.root.mkdir(parents=True, exist_ok=True)
            taken = [one.name for one in self.root.iterdir() if _is_pack(one)]
            key = slug(pack.id)
            key = key if replace and key in taken else unique(key, taken)
            self._check_room(len(taken) + (key not in taken))
            self._write(pack, key)
            return key

    def _check_room(self, n_packs: int) -> None:
        n_bytes = sum(one.stat().st_size for one in self.root.rglob("*") if one.is_file())
        if n_packs > self._max_packs or n_bytes > self._max_bytes:
            limit = f"{self._max_packs} / {self._max_bytes >> 30} GiB"
            raise BadInput("pack_store_full", limit=limit)

    def _write(self, pack: Pack, key: str) -> None:
        beside = self.root / f".{key}.{secrets.token_hex(4)}"
        try:
            _write(pack, beside)
            old = self.root / f".{key}.{secrets.token_hex(4)}.old"
            if (self.root / key).exists():
                os.replace(self.root / key, old)
            os.replace(beside, self.root / key)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self._open.pop(key, None)

    def save_vectors(self, key: str, vectors: Vectors) -> None:
        """Keeps what an embedder made of a pack, beside what others made. Raises BadInput("unknown_character")."""
        pack = self.open(key)
        known = {**pack.vectors, vectors.embedder: with_mean(vectors)}
        with self._lock:
            folder, beside = self._folder(key), self.root / f".{key}.{secrets.token_hex(4)}"
            beside.mkdir()
            try:
                _write_vectors(replace(pack, vectors=known), beside)
                shutil.rmtree(folder / "vectors", ignore_errors=True)
                os.replace(beside / "vectors", folder / "vectors")
            finally:
                shutil.rmtree(beside, ignore_errors=True)
            self._open.pop(key, None)

    def delete(self, key: str) -> None:
        """Throws a pack away for good, a broken one too. Raises BadInput("unknown_character")."""
        folder = self._folder(key)
        with self._lock:
            gone = self.root / f".{key}.{secrets.token_hex(4)}.old"
            os.replace(folder, gone)
            shutil.rmtree(gone, ignore_errors=True)
            self._open.pop(key, None)
            self._cards.pop(key, None)


def _is_pack(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and not folder.name.startswith(".")


def _write(pack: Pack, folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    pictures = []
    for one in pack.pictures:
        try:
            data = one.read()
        except OSError:
            continue
        if safe_name(one.file) == one.file and "/" not in one.file and picture_kind(data):
            (folder / "images" / one.file).write_bytes(data)
            pictures.append(one)
    names = _write_attachments(pack, folder)
    kept = replace(pack, pictures=tuple(pictures))
    about = {**meta_of(kept), "n_scenes": len(pack.scenes), "attachments": names}
    (folder / SCENES).write_text(to_json(listed_scenes(pack.scenes)), encoding="utf-8", newline="")
    _write_vectors(pack if len(pictures) == len(pack.pictures) else _without_captions(pack), folder)
    (folder / PACK).write_text(to_json(about, indent=1), encoding="utf-8", newline="")


def _write_attachments(pack: Pack, folder: Path) -> list[str]:
    names = []
    for number, (name, content) in enumerate(pack.attachments.items()):
        (folder / "attachments").mkdir(exist_ok=True)
        data = content if isinstance(content, bytes) else content.read_bytes()
        (folder / "attachments" / str(number)).write_bytes(data)
        names.append(name)
    return names


def _without_captions(pack: Pack) -> Pack:
    """The pack without caption vectors, whose rows would no longer match its pictures."""
    vectors = {key: replace(one, captions=None, caption_mean=None) for key, one in pack.vectors.items()}
    return replace(pack, vectors=vectors)


def _write_vectors(pack: Pack, folder: Path) -> None:
    import numpy as np

    (folder / "vectors").mkdir()
    index = []
    for number, one in enumerate(pack.vectors.values()):
        sides = [side for side in ("scenes", "captions") if getattr(one, side) is not None]
        for side in sides:
            np.save(folder / "vectors" / f"{number}-{side}.npy", np.asarray(getattr(one, side), np.float32))
        index.append({"embedder": one.embedder, "sides": sides, "calibration": dict(one.calibration)})
    (folder / "vectors" / INDEX).write_text(to_json(index), encoding="utf-8")


def _card(folder: Path) -> Listed:
    """What a list shows of a pack. Raises OSError, ValueError for a broken one."""
    fields = Fields(parse_json((folder / PACK).read_text(encoding="utf-8")), PACK, Lint())
    pictures = [one for _, one in fields.items("pictures") if isinstance(one, dict)]
    portrait = next((one for one in pictures if one.get("portrait")), pictures[0] if pictures else {})
    file = safe_name(str(portrait.get("file", "")))
    name, series = fields.bilingual("name"), fields.bilingual("series")
    return Listed(
        folder.name, name.to("zh") or folder.name, series.to("zh"), fields.text("language") or "zh",
        fields.number("n_scenes"), len(pictures), folder / "images" / file if file else None,
    )  # fmt: skip


def _read(folder: Path) -> Pack:
    data = (folder / PACK).read_bytes()
    about, lint = parse_json(data.decode("utf-8")), Lint()
    listed = parse_json((folder / SCENES).read_text(encoding="utf-8"))
    pictures = tuple(
        Picture(path.name, Bilingual(path.stem), path)
        for path in sorted((folder / "images").iterdir())
        if path.is_file()
    )
    empty = Pack(id=folder.name, name=Bilingual(folder.name), speaker=folder.name)
    pack = apply_meta(replace(empty, scenes=tuple(_scenes(listed)), pictures=pictures), data, lint, PACK)
    names = about.get("attachments", [])
    attachments = {str(name): folder / "attachments" / str(at) for at, name in enumerate(names)}
    return replace(pack, id=folder.name, attachments=attachments, vectors=dict(_vectors(folder, pack)))


def _scenes(listed: list[dict[str, Any]]) -> Iterator[Scene]:
    for one in listed:
        yield scene(one["title"], one["raw"], one.get("source", ""))


def _vectors(folder: Path, pack: Pack) -> Iterator[tuple[str, Vectors]]:
    """Matrices that still fit the pack; others are as good as absent, since they can be made again."""
    import numpy as np

    wanted = {"scenes": len(pack.scenes), "captions": len(pack.pictures)}
    try:
        index = json.loads((folder / "vectors" / INDEX).read_text(encoding="utf-8"))
        for number, one in enumerate(index):
            sides = {side: folder / "vectors" / f"{number}-{side}.npy" for side in one["sides"] if side in wanted}
            rows = {side: np.load(path, mmap_mode="r", allow_pickle=False) for side, path in sides.items()}
            rows = {side: found for side, found in rows.items() if len(found) == wanted[side]}
            if rows:
                yield one["embedder"], with_mean(Vectors(one["embedder"], calibration=one["calibration"], **rows))
    except (OSError, ValueError, KeyError, TypeError):
        return
