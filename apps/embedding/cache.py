"""Vectors on disk, so that a text is embedded once: (fingerprint of the model, SHA-256 of the text) → float32 row.

One SQLite file in WAL mode: atomic, safe between threads and between processes, bounded; what has not been used for
the longest time goes first. Holds no text. A file that cannot be used is no reason not to work: then nothing is kept.
Knows nothing of texts' meaning or of models.
"""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

LIMIT = 4 << 30  # bytes of the file; a million rows of 1,024 numbers
_TAKEN_DOWN = 0.9  # of the limit, after rows had to go
_AT_ONCE = 500  # keys in one question: below the number of variables that any SQLite takes
_WAIT_S = 30.0  # for another process that writes
_DAY_S = 86_400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS model (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS vector (
  id INTEGER PRIMARY KEY, model INTEGER NOT NULL, key BLOB NOT NULL, day INTEGER NOT NULL, row BLOB NOT NULL,
  UNIQUE (model, key)
);
CREATE INDEX IF NOT EXISTS vector_by_day ON vector (day);
"""
log = logging.getLogger("luotuo")
_T = TypeVar("_T")


def key_of(text: str) -> bytes:
    """32 bytes that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class VectorCache:
    """The cache in a folder. Every call opens the file and closes it, so the object may go anywhere."""

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        """`limit` bounds the file in bytes."""
        self.path, self.limit = folder / "vectors.sqlite3", limit

    def get(self, fingerprint: str, keys: Sequence[bytes], dim: int) -> "tuple[np.ndarray, np.ndarray]":
        """(n, dim) float32, zero where nothing is known, and (n,) bool: which rows are known."""
        import numpy as np

        rows, known = np.zeros((len(keys), dim), np.float32), np.zeros(len(keys), bool)
        places: dict[bytes, list[int]] = {}
        for at, key in enumerate(keys):
            places.setdefault(key, []).append(at)

        def read(base: sqlite3.Connection) -> None:
            for key, row in _found(base, fingerprint, list(places)):
                if len(row) == 4 * dim:
                    rows[places[key]] = np.frombuffer(row, "<f4")
                    known[places[key]] = True

        self._using(read, None)
        return rows, known

    def put(self, fingerprint: str, keys: Sequence[bytes], rows: "np.ndarray") -> None:
        """Keeps (n, dim) float32 rows; older ones go when the file outgrows its limit."""
        import numpy as np

        exact = np.ascontiguousarray(rows, "<f4")

        def write(base: sqlite3.Connection) -> None:
            with base:
                base.execute("INSERT OR IGNORE INTO model (fingerprint) VALUES (?)", (fingerprint,))
                model = _model(base, fingerprint)
                given = ((model, key, _today(), row.tobytes()) for key, row in zip(keys, exact, strict=True))
                base.executemany("INSERT OR REPLACE INTO vector (model, key, day, row) VALUES (?, ?, ?, ?)", given)
            self._shrink(base)

        self._using(write, None)

    def size(self) -> int:
        """Bytes that the rows take."""
        return self._using(_used, 0)

    def _shrink(self, base: sqlite3.Connection) -> None:
        """Deletes what was not used for the longest time until a tenth of the limit is free."""
        while (used := _used(base)) > self.limit:
            (count,) = base.execute("SELECT COUNT(*) FROM vector").fetchone()
            share = 1 - _TAKEN_DOWN * self.limit / used
            oldest = "SELECT id FROM vector ORDER BY day, id LIMIT ?"
            with base:
                base.execute(f"DELETE FROM vector WHERE id IN ({oldest})", (max(1, int(share * count)),))
            base.execute("PRAGMA incremental_vacuum").fetchall()
            if count <= 1:
                return

    def _using(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """The work done on the open file. A damaged file is thrown away; whatever else fails is logged and left."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(_opened(self.path)) as base:
                return work(base)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                self.path.unlink(missing_ok=True)
            log.warning("vector cache: %s", error)
        except OSError as error:
            log.warning("vector cache: %s", error)
        return otherwise


def _opened(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        base.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect in a new file only
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")  # after a power cut the last rows may be missing, never wrong
        base.executescript(_SCHEMA)
    except sqlite3.Error:
        base.close()
        raise
    return base


def _found(base: sqlite3.Connection, fingerprint: str, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Key and row of those that are known; they count as used today."""
    model = _model(base, fingerprint)
    for start in range(0, len(keys) if model else 0, _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        found = base.execute(
            f"SELECT id, key, day, row FROM vector WHERE model = ? AND key IN ({marks})", (model, *some)
        )
        old = []
        for number, key, day, row in found:
            old += [(number,)] * (day != _today())
            yield key, row
        with base:
            base.executemany(f"UPDATE vector SET day = {_today()} WHERE id = ?", old)


def _model(base: sqlite3.Connection, fingerprint: str) -> int:
    """The number of a model in this file, 0 for one that it does not know."""
    found = base.execute("SELECT id FROM model WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return found[0] if found else 0


def _used(base: sqlite3.Connection) -> int:
    pages, free, size = (
        base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _today() -> int:
    return int(time.time() // _DAY_S)
