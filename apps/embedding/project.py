"""A whole analysis as one file: a zip of npy arrays and json, versioned, without pickle; and back.

The file comes from anywhere, so everything in it is checked: names and sizes before reading, types, shapes, ranges.
What can be computed again in a moment, such as neighbours, is not kept. Knows the atlas; knows nothing of Gradio.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from apps.embedding.archive import Archive, corpus_from, expect, strings
from apps.embedding.atlas import Atlas, Options
from apps.embedding.corpus import MAX_TEXTS
from apps.embedding.layout import FEWEST
from apps.embedding.space import MOST_DIM, Space
from apps.embedding.vectors import EMBEDDED, Vectors
from models.documents.gate import parsing, shown
from models.embedded.vectors import BUCKETS
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

SUFFIX = ".luotuo.zip"
VERSION = 1
_FORMAT = "luotuo-map"
_SPACE = ("vectors", "axes", "centre", "columns", "weights")
_SPARSE = ("data", "indices", "indptr")
_HOWS = ("neural", "extractive", "retrieved", "rule")


def saved(atlas: Atlas, examples: Mapping[int, str] | None = None) -> bytes:
    """The file's bytes; `examples` are the labels that the visitor gave on the map, by row."""
    out = io.BytesIO()
    _write(out, atlas, examples or {})
    return out.getvalue()


def save_to(path: Path, atlas: Atlas, examples: Mapping[int, str] | None = None) -> None:
    """Writes the file."""
    with path.open("wb") as file:
        _write(file, atlas, examples or {})


def _write(out: IO[bytes], atlas: Atlas, examples: Mapping[int, str]) -> None:
    import numpy as np

    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, value in (("project", _about(atlas, examples)), ("corpus", _texts(atlas))):
            archive.writestr(f"{name}.json", json.dumps(value, ensure_ascii=False))
        for name, array in _arrays(atlas).items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def _about(atlas: Atlas, examples: Mapping[int, str]) -> dict[str, Any]:
    vectors = atlas.vectors
    return {
        "format": _FORMAT, "version": VERSION, "options": asdict(atlas.options), "method": atlas.method,
        "finished": atlas.finished, "names": atlas.names, "typical": atlas.typical, "links": atlas.links,
        "named_by": asdict(atlas.named_by) if atlas.named_by else None,
        "vectors": {"choice": vectors.choice, "key": vectors.key, "fingerprint": vectors.fingerprint,
                    "origin": asdict(vectors.origin), "shape": list(vectors.rows.shape)},
        "examples": [[row, label] for row, label in examples.items()],
    }  # fmt: skip


def _texts(atlas: Atlas) -> dict[str, Any]:
    corpus = atlas.corpus
    fields = ("texts", "labels", "counts", "lines", "titles", "empty", "wordless", "total")
    return {name: getattr(corpus, name) for name in fields} | {"columns": dict(corpus.columns)}


def _arrays(atlas: Atlas) -> "dict[str, np.ndarray]":
    from scipy.sparse import issparse

    rows = atlas.rows
    parts = {f"rows.{name}": getattr(rows, name) for name in _SPARSE} if issparse(rows) else {"rows": rows}
    space = {f"space.{name}": getattr(atlas.space, name) for name in _SPACE}
    return {"positions": atlas.positions, "labels": atlas.labels, **parts, **space}


def opened(source: Path | bytes, task: Task) -> Atlas:
    """The analysis in a file that `saved` or `save_to` has made.

    Raises BadInput: file_broken for what is no such file or does not hang together, project_version for one of a newer
    hub, too_long, bad_option. Raises Cancelled.
    """
    name = shown(source) if isinstance(source, Path) else "project"
    with parsing(name), zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
        archive = Archive(file, name, task)
        about = archive.json("project", dict)
        archive.check_version(about, _FORMAT, VERSION)
        corpus = corpus_from(archive.json("corpus", dict))
        n = len(corpus.texts)
        expect(1 <= n <= MAX_TEXTS)
        task.step(0.3)
        labels = archive.array("labels", "i", (n,)).astype("int32")
        expect(labels.min() >= -1)
        clusters = max(0, int(labels.max()) + 1)
        options = _options(about["options"])
        vectors = _vectors(archive, about["vectors"], n)
        task.step(0.6)
        positions = archive.array("positions", "f", (n, None)).astype("float32")
        expect(positions.shape[1] in (2, 3) and about["method"] in FEWEST)
        named_by = about["named_by"]
        return Atlas(
            corpus, vectors, _space(archive, vectors), positions, labels, _names(about["names"], clusters),
            tuple(_numbers(rows, n) for rows in _listed(about["typical"], clusters)), options, about["method"],
            about["finished"] is True, None, tuple(_pair(pair, n) for pair in _listed(about["links"])),
            _origin(named_by) if named_by else None,
        )  # fmt: skip


def examples_in(path: Path, n: int, task: Task) -> dict[int, str]:
    """The labels that the visitor had given, by row of `n`. Raises BadInput file_broken, Cancelled."""
    with parsing(shown(path)), zipfile.ZipFile(path) as file:
        given = _listed(Archive(file, shown(path), task).json("project", dict).get("examples", []))
        expect(all(len(_listed(pair)) == 2 for pair in given))
        rows, labels = _numbers([row for row, _ in given], n), strings(label for _, label in given)
        return dict(zip(rows, labels, strict=True))


def _options(about: Mapping[str, Any]) -> Options:
    usual = asdict(Options())
    expect(set(about) <= set(usual))
    for name, value in about.items():
        kinds = (int, float) if type(usual[name]) is float else (type(usual[name]),)
        expect(type(value) in kinds)
    return Options(**about)


def _vectors(archive: Archive, about: Mapping[str, Any], n: int) -> Vectors:
    """Dense or sparse rows, and who made them."""
    from scipy.sparse import csr_matrix

    choice, key, fingerprint = (about[name] for name in ("choice", "key", "fingerprint"))
    strings((choice, key, fingerprint))
    if key == EMBEDDED:
        indptr, indices = archive.array("rows.indptr", "i", (n + 1,)), archive.array("rows.indices", "i", (None,))
        data = archive.array("rows.data", "f", (len(indices),)).astype("float32")
        expect(indptr[0] == 0 and indptr[-1] == len(indices) and (indptr[1:] >= indptr[:-1]).all() and len(indices) > 0)
        expect(indices.min() >= 0 and indices.max() < BUCKETS)
        rows = csr_matrix((data, indices.astype("int32"), indptr.astype("int32")), (n, BUCKETS))
        rows.sum_duplicates()
        expect(abs(rows.data).max() <= 1.01)
        return Vectors(rows, "", EMBEDDED, EMBEDDED, _origin(about["origin"]))
    rows = archive.array("rows", "f", (n, None)).astype("float32")
    expect(abs(rows).max() <= 1.01)
    return Vectors(rows, choice, key, fingerprint, _origin(about["origin"]))


def _space(archive: Archive, vectors: Vectors) -> Space:
    flat = archive.array("space.vectors", "f", (vectors.rows.shape[0], None)).astype("float32")
    rank = flat.shape[1]
    expect(1 <= rank <= MOST_DIM)
    axes = archive.array("space.axes", "f", (None, rank)).astype("float32")
    if vectors.key == EMBEDDED:
        columns = archive.array("space.columns", "i", (len(axes),)).astype("int64")
        weights = archive.array("space.weights", "f", (len(axes),)).astype("float32")
        expect(len(columns) > 0 and columns.min() >= 0 and columns.max() < BUCKETS)
        return Space(flat, axes, flat[:0, 0], columns, weights)
    expect(len(axes) == vectors.rows.shape[1])
    centre = archive.array("space.centre", "f", (len(axes),)).astype("float32")
    return Space(flat, axes, centre, flat[:0, 0].astype("int64"), flat[:0, 0])


def _origin(about: Mapping[str, Any]) -> Origin:
    found = Origin(**about)
    strings(asdict(found).values())
    expect(found.how in _HOWS)
    return found


def _names(about: Any, clusters: int) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401
    return tuple(strings(phrases) for phrases in _listed(about, clusters))


def _listed(about: Any, length: int | None = None) -> list[Any]:  # noqa: ANN401
    expect(isinstance(about, list) and (length is None or len(about) == length))
    return about


def _numbers(about: Any, n: int) -> tuple[int, ...]:  # noqa: ANN401
    expect(all(type(row) is int and 0 <= row < n for row in _listed(about)))
    return tuple(about)


def _pair(about: Any, n: int) -> tuple[int, int]:  # noqa: ANN401
    one, other = _numbers(about, n)
    return one, other
