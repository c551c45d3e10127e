"""A map as a table to take away, csv or parquet, and its positions in few bytes. Knows the atlas; nothing of pages."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apps.embedding.atlas import Atlas

if TYPE_CHECKING:
    import numpy as np

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets would compute
_AXES = ("x", "y", "z")


def as_csv(atlas: Atlas, *, extra: Mapping[str, Sequence[Any]] | None = None) -> str:
    """Line, count, text, label, title, coordinates, cluster with name, all other columns, then `extra` ones.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    columns = columns_of(atlas, extra)
    return rows_as_csv(list(columns), zip(*columns.values(), strict=True))


def rows_as_csv(heads: Sequence[str], rows: "Any") -> str:  # noqa: ANN401  (any iterable of rows)
    """Rows of any values as csv that no spreadsheet computes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_safe(head) for head in heads])
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def as_parquet(atlas: Atlas, *, extra: Mapping[str, Sequence[Any]] | None = None) -> bytes:
    """The same columns, numbers as numbers and texts to the letter."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = columns_of(atlas, extra)
    arrays = {name: pa.array(list(cells), type=_kind(name, cells)) for name, cells in columns.items()}
    out = io.BytesIO()
    pq.write_table(pa.table(arrays), out, compression="zstd")
    return out.getvalue()


def _kind(name: str, cells: Sequence[Any]) -> Any:  # noqa: ANN401
    """Strings where a column is empty or mixed; else what the values say."""
    import pyarrow as pa

    return pa.string() if not len(cells) or isinstance(cells[0], str) else None


def columns_of(atlas: Atlas, extra: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Sequence[Any]]:
    """Columns by name, row-aligned with the texts. A column of the visitor's that is called like one of ours gets a
    number behind its name."""
    corpus = atlas.corpus
    rounded = atlas.positions.astype(float).round(5).tolist()
    found: dict[str, Sequence[Any]] = {
        "line": corpus.lines, "count": corpus.counts, "text": corpus.texts, "label": corpus.labels,
        **({"title": corpus.titles} if corpus.titles else {}),
        **{_AXES[axis]: [place[axis] for place in rounded] for axis in range(atlas.positions.shape[1])},
        "cluster": [int(label) + 1 if label >= 0 else "" for label in atlas.labels],
        "cluster_name": [" · ".join(atlas.names[label]) if label >= 0 else "" for label in atlas.labels],
    }  # fmt: skip
    if "" in found["cluster"]:
        found["cluster"] = [str(number) for number in found["cluster"]]
    for name, cells in (*corpus.columns.items(), *(extra or {}).items()):
        found[_free(name, found)] = cells
    return found


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def packed(positions: "np.ndarray") -> "np.ndarray":
    """(n, 2 or 3) positions in −1 … 1 → uint16, 0 … 65,535: what a screen can show, in half the bytes."""
    import numpy as np

    return np.rint((np.clip(positions, -1, 1) + 1) * 32767.5).astype(np.uint16)


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
