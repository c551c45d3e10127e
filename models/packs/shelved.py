"""One pack as a folder of the store: written whole, read back to the letter, its matrices mapped into memory.

    pack.json  scenes.json  images/  attachments/<n>
    vectors/index.json      what each embedder made, and in which files; replaced in one step, after the files
    vectors/<n>-<token>-scenes.npy, -captions.npy, -means.npy

Knows the layout; who may write when is models/packs/store.py.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.packs.fields import parse_json, to_json
from models.packs.lines import scene
from models.packs.lint import Lint
from models.packs.meta import apply_fields, listed_scenes, meta_of
from models.packs.pack import Bilingual, Pack, Picture, Vectors
from models.packs.reading import unique
from models.packs.tree import safe_name
from models.packs.vectors import with_mean
from models.packs.writing import with_bytes

if TYPE_CHECKING:
    import numpy as np

__all__ = ["INDEX", "PACK", "SCENES", "add_matrices", "read_shelved", "write_shelved"]

PACK, SCENES, INDEX = "pack.json", "scenes.json", "index.json"
_ROWS = ("scenes", "captions")
_MEANS = {"scenes": "scene_mean", "captions": "caption_mean"}


def write_shelved(pack: Pack, folder: Path) -> None:
    """The pack as a new folder. Pictures whose file has gone, or that are none, stay out. Raises OSError."""
    pack = with_bytes(pack)
    (folder / "images").mkdir(parents=True)
    pictures: dict[str, Picture] = {}
    for one in pack.pictures:
        file = unique(safe_name(one.file.replace("/", "_")) or "picture", pictures)
        (folder / "images" / file).write_bytes(one.read())
        pictures[file] = replace(one, file=file)
    about = {**meta_of(replace(pack, pictures=tuple(pictures.values()))), "n_scenes": len(pack.scenes)}
    about["attachments"] = _write_attachments(pack, folder)
    _write(folder / SCENES, listed_scenes(pack.scenes))
    _write(folder / PACK, about)
    for vectors in pack.vectors.values():
        add_matrices(folder, vectors)


def _write(path: Path, value: object) -> None:
    path.write_text(to_json(value, indent=1), encoding="utf-8", newline="")


def _write_attachments(pack: Pack, folder: Path) -> list[str]:
    names = []
    for number, (name, content) in enumerate(pack.attachments.items()):
        (folder / "attachments").mkdir(exist_ok=True)
        data = content if isinstance(content, bytes) else content.read_bytes()
        (folder / "attachments" / str(number)).write_bytes(data)
        names.append(name)
    return names


def read_shelved(folder: Path) -> Pack:
    """The pack of a folder. Raises OSError, ValueError, KeyError, TypeError for a broken one."""
    about = parse_json((folder / PACK).read_text(encoding="utf-8"))
    if not isinstance(about, dict):
        raise ValueError(f"{PACK} is no object")
    listed = parse_json((folder / SCENES).read_text(encoding="utf-8"))
    scenes = tuple(scene(one["title"], one["raw"], one.get("source", "")) for one in listed)
    with os.scandir(folder / "images") as entries:
        files = sorted(one.name for one in entries if one.is_file(follow_symlinks=False))
    pictures = tuple(Picture(name, Bilingual(name.rpartition(".")[0]), folder / "images" / name) for name in files)
    empty = Pack(id=folder.name, name=Bilingual(folder.name), speaker=folder.name, scenes=scenes, pictures=pictures)
    pack = apply_fields(empty, about, Lint(), PACK)
    names = about.get("attachments", [])
    attachments = {str(name): folder / "attachments" / str(at) for at, name in enumerate(names)}
    pack = replace(pack, id=folder.name, attachments=attachments)
    return replace(pack, vectors=dict(_matrices(folder / "vectors", pack)))


def add_matrices(folder: Path, vectors: Vectors) -> None:
    """Keeps the matrices of an embedder; a side that they lack stays as it was, matrices of others too.

    The index is replaced in one step, so a reader sees the old matrices or the new ones. Raises OSError.
    """
    import numpy as np

    place = folder / "vectors"
    place.mkdir(exist_ok=True)
    index = _index(place)
    files = dict(index.get(vectors.embedder, {}).get("files", {}))
    vectors, token = with_mean(vectors), secrets.token_hex(4)
    for side in _ROWS:
        rows = getattr(vectors, side)
        if rows is not None and len(rows):
            files |= {side: f"{token}-{side}.npy", _MEANS[side]: f"{token}-{_MEANS[side]}.npy"}
            np.save(place / files[side], np.asarray(rows, np.float32), allow_pickle=False)
            np.save(place / files[_MEANS[side]], getattr(vectors, _MEANS[side]), allow_pickle=False)
    index[vectors.embedder] = {"files": files, "calibration": dict(vectors.calibration)}
    _write(place / f"{INDEX}.{token}", index)
    os.replace(place / f"{INDEX}.{token}", place / INDEX)
    used = {INDEX, *(name for one in index.values() for name in one["files"].values())}
    for path in place.iterdir():
        if path.name not in used:
            with suppress(OSError):  # some systems keep a file that somebody has mapped
                path.unlink()


def _index(place: Path) -> dict[str, Any]:
    try:
        index = parse_json((place / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _matrices(place: Path, pack: Pack) -> Iterator[tuple[str, Vectors]]:
    """Matrices that still fit the pack; others are as good as absent, since they can be made again."""
    wanted = {"scenes": len(pack.scenes), "captions": len(pack.pictures)}
    for embedder, known in _index(place).items():
        try:
            found: dict[str, np.ndarray] = {}
            for side, n_rows in wanted.items():
                found |= _side(place, known["files"], side, n_rows)
            if found:
                yield embedder, Vectors(embedder, calibration=known["calibration"], **found)
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _side(place: Path, files: Mapping[str, str], side: str, n_rows: int) -> "dict[str, np.ndarray]":
    """The rows, mapped, and their mean; nothing when they are not there or are of another pack."""
    import numpy as np

    if side not in files:
        return {}
    rows = np.load(place / Path(files[side]).name, mmap_mode="r", allow_pickle=False)
    mean = np.load(place / Path(files[_MEANS[side]]).name, allow_pickle=False)
    if rows.ndim != 2 or len(rows) != n_rows or mean.shape != rows.shape[1:]:
        return {}
    return {side: rows, _MEANS[side]: mean}
