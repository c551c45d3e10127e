"""Vectors that a visitor brings along: read from npy, npz, csv, tsv, parquet or jsonl, and checked.

Never unpickles. Sizes are told from headers before anything is read. Knows files; knows nothing of maps.
"""

import hashlib
import math
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import models
from apps.embedding.corpus import Corpus
from apps.embedding.pairs import MAX_DIM, vector_of
from apps.embedding.vectors import UPLOADED, Vectors
from models.documents import read_table
from models.documents.gate import parsing, shown
from models.errors import BadInput
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MAX_NUMBERS = 1 << 29  # of all rows together, 2 GiB as float32
MAX_ROWS = 1_000_000  # repeated and empty lines have rows too
_NAMES = ("embedding", "embeddings", "vector", "vectors", "embed", "emb", "向量")


def read_vectors(path: Path, task: Task, *, column: str | None = None) -> "np.ndarray":
    """(n, dim) float32 of a file, finite. `column` names the array of an npz or the column of a table; without it the
    one that looks like vectors.

    Raises BadInput (file_broken, file_type, vectors_shape, vectors_not_finite, too_long), Cancelled.
    """
    import numpy as np

    task.check()
    suffix, name = path.suffix.lower(), shown(path)
    if suffix == ".npy":
        with path.open("rb") as file:
            rows = read_npy(file, name)
    elif suffix == ".npz":
        rows = _npz(path, name, column)
    elif suffix == ".parquet":
        rows = _parquet(path, name, column)
    else:
        rows = _table(path, task, column)
    if rows.ndim != 2 or rows.shape[0] < 1 or rows.shape[1] < 2:
        raise BadInput("vectors_shape")
    rows = np.ascontiguousarray(rows, np.float32)
    task.check()
    if not np.isfinite(rows).all():
        raise BadInput("vectors_not_finite")
    return rows


def read_npy(file: IO[bytes], name: str, *, most: int = MAX_NUMBERS) -> "np.ndarray":
    """An array of numbers or truths in numpy's own format, its size checked before it is read.

    Raises BadInput: file_broken (also for objects, which would have to be unpickled), too_long.
    """
    import numpy as np
    from numpy.lib import format as npy

    with parsing(name):
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, fortran, kind = read(file)
        if kind.kind not in "fiub" or len(shape) > 2:
            raise BadInput("file_broken", name=name)
        size = math.prod(shape)
        if size > most:
            raise BadInput("too_long", limit=f"{most:,}")
        data = file.read(size * kind.itemsize)
        return np.frombuffer(data, kind, count=size).reshape(shape, order="F" if fortran else "C")


def _npz(path: Path, name: str, column: str | None) -> "np.ndarray":
    """The array called `column`, else one called like vectors, else the first of two dimensions."""
    with parsing(name), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        asked = [column] if column else [*(key for key in _NAMES if key in members), *members]
        for key in asked:
            if key in members and members[key].file_size <= 8 * MAX_NUMBERS:
                with archive.open(members[key]) as file:
                    rows = read_npy(file, name)
                if rows.ndim == 2:
                    return rows
    raise BadInput("vectors_shape")


def _parquet(path: Path, name: str, column: str | None) -> "np.ndarray":
    """A column of lists of numbers, else all columns of numbers."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    with parsing(name):
        file = pq.ParquetFile(path)
        _bounded(file)
        schema = file.schema_arrow
        lists = [field.name for field in schema if pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
                 or pa.types.is_fixed_size_list(field.type)]  # fmt: skip
        chosen = [column] if column else [key for key in lists if key.lower() in _NAMES] or lists
        if chosen:
            cells = file.read(columns=chosen[:1]).column(0).combine_chunks()
            widths = cells.value_lengths().to_numpy(zero_copy_only=False)
            if cells.null_count or len(set(widths.tolist())) != 1 or not 1 < widths[0] <= MAX_DIM:
                raise BadInput("vectors_shape")
            return cells.flatten().to_numpy(zero_copy_only=False).reshape(len(cells), int(widths[0]))
        numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
        whole = file.read(columns=numbers)
        return np.column_stack([part.to_numpy() for part in whole.columns]) if numbers else np.zeros((0, 0))


def _bounded(file: "object") -> None:
    """Raises BadInput too_long when the footer promises more than can be held."""
    about = file.metadata  # type: ignore[attr-defined]
    size = sum(about.row_group(at).total_byte_size for at in range(about.num_row_groups))
    if about.num_rows > MAX_ROWS or about.num_columns > MAX_DIM or size > 8 * MAX_NUMBERS:
        raise BadInput("too_long", limit=f"{MAX_ROWS:,}")


def _table(path: Path, task: Task, column: str | None) -> "np.ndarray":
    """A column of cells like [0.1, …], else all columns of numbers."""
    import numpy as np

    table = read_table(path, task)
    names = [name.strip().lower() for name in table.columns]
    first = table.rows[0]
    lists = [at for at, cell in enumerate(first) if cell.startswith("[")]
    chosen = [names.index(column.lower())] if column and column.lower() in names else sorted(
        lists, key=lambda at: names[at] not in _NAMES
    )  # fmt: skip
    if chosen:
        found = [vector_of(row[chosen[0]]) for row in table.rows]
        if len({len(row) for row in found}) != 1:
            raise BadInput("vectors_shape")
        return np.array(found, np.float32)
    numbers = [at for at, cell in enumerate(first) if _is_number(cell)]
    try:
        return np.array([[float(row[at]) for at in numbers] for row in table.rows], np.float32)
    except ValueError as error:
        raise BadInput("vectors_shape") from error


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def adopted(rows: "np.ndarray", corpus: Corpus, choice: str, task: Task) -> Vectors:
    """Rows from a file as the vectors of a corpus, one for every line that was given, or one for every different text.

    With a `choice` that model embeds the queries, so its dimension must be the same. Raises BadInput (vectors_count,
    vectors_dim, vectors_shape), what the model's lease raises, Cancelled.
    """
    import numpy as np

    if len(rows) not in (corpus.total, len(corpus.texts)):
        raise BadInput("vectors_count", rows=len(rows), lines=corpus.total, texts=len(corpus.texts))
    if len(rows) != len(corpus.texts):
        rows = rows[np.array(corpus.lines) - 1]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, length, out=np.zeros_like(rows, np.float32), where=length > 1e-12)
    if not choice:
        seal = hashlib.sha256(np.ascontiguousarray(unit).data).hexdigest()[:16]
        return Vectors(unit, "", UPLOADED, f"{UPLOADED}:{seal}", Origin("neural", UPLOADED, UPLOADED))
    with models.encoder(choice, task) as encoder:
        if encoder.dim != rows.shape[1]:
            raise BadInput("vectors_dim", given=rows.shape[1], wanted=encoder.dim)
        return Vectors(unit, choice, UPLOADED, encoder.fingerprint, Origin("neural", UPLOADED, encoder.origin.model))
