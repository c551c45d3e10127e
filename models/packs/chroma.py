"""The zips of ChatHaruhi 2.0: a system prompt and a chroma database of the scenes with their vectors.

Reads one table, which holds texts and float32 vectors, through sqlite3; the index files are left alone. The database is
a stranger's: its schema is not trusted, views and virtual tables are not read, and a query that runs on is stopped.
"""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.documents.gate import shown
from models.errors import BadInput
from models.packs.fields import parse_json
from models.packs.folder import persona_names, scenes_of
from models.packs.lint import Lint
from models.packs.pack import Pack, Vectors
from models.packs.reading import bilingual, language_of, partners, slug, speaker_of, text_of
from models.packs.tree import Tree
from models.packs.vectors import MAX_DIM, add_vectors, embedder_of, matrix
from models.task import Task

__all__ = ["is_chroma", "read_chroma"]

DATABASE = "chroma.sqlite3"
COLUMN = "luotuo_openai"
_TABLE = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'embeddings_queue'"
_QUERY = "SELECT vector, metadata FROM embeddings_queue WHERE vector IS NOT NULL ORDER BY seq_id LIMIT 50000"
_DOCUMENT = "chroma:document"
_STEPS = 100_000  # of SQLite's machine between two looks at the task
_MAX_STEPS = 2_000  # such looks: some hundred times what the largest original needs


def is_chroma(tree: Tree) -> bool:
    """Whether the files hold such a database."""
    return any(name.rsplit("/", 1)[-1] == DATABASE for name in tree.sizes)


def read_chroma(tree: Tree, lint: Lint, task: Task) -> Pack:
    """The pack of such a zip. Raises BadInput("file_broken") for a database that cannot be read."""
    where = next(name for name in tree.sizes if name.rsplit("/", 1)[-1] == DATABASE)
    prompt = next((name for name in tree.sizes if name.rsplit("/", 1)[-1] == "system_prompt.txt"), "")
    persona = (text_of(tree.read(prompt, task), prompt, lint, task) or "") if prompt else ""
    lint.n_files += 1
    rows = list(_rows(tree.read(where, task), tree.title, task))
    scenes = scenes_of([(str(at + 1), text, where) for at, (_, text) in enumerate(rows)], lint)
    names, series = persona_names(persona)
    stem = where.split("/")[-2] if "/" in where else tree.title
    speaker = speaker_of(scenes, [*names, stem]) or stem
    lint.add("speaker_guessed", where, name=speaker)
    pack = Pack(
        id=slug(stem),
        name=bilingual(next((name for name in names if speaker in name), speaker)),
        speaker=speaker,
        language=language_of([*(one.raw for one in scenes), persona]),
        persona=bilingual(persona.strip()),
        scenes=tuple(scenes),
        roles=partners(scenes, [speaker, *names]),
        series=bilingual(series),
    )
    if len(scenes) != len(rows):
        return pack
    found = matrix([_big_endian(vector) for vector, _ in rows], where, COLUMN, lint)
    return pack if found is None else add_vectors(pack, Vectors(embedder_of(COLUMN, found), scenes=found))


def _rows(data: bytes, name: str, task: Task) -> Iterator[tuple[bytes, str]]:
    """(vector as little-endian float32, text) of every scene. A file is the only way into sqlite3 that works on all
    systems; it lies in a folder of its own and goes at once."""
    with tempfile.TemporaryDirectory(prefix="luotuo-") as folder:
        path = Path(folder) / DATABASE
        path.write_bytes(data)
        try:
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
                found = _asked(connection, task)
        except sqlite3.Error as error:
            task.check()
            raise BadInput("file_broken", name=shown(Path(name))) from error
    for vector, metadata in found:
        text = _document(metadata)
        if isinstance(vector, bytes) and text is not None and len(vector) <= 4 * MAX_DIM:
            yield vector, text


def _asked(connection: sqlite3.Connection, task: Task) -> list[tuple[object, object]]:
    looks = iter(range(_MAX_STEPS))
    connection.set_progress_handler(lambda: int(task.stopped or next(looks, None) is None), _STEPS)
    connection.execute("PRAGMA trusted_schema = OFF")
    table = connection.execute(_TABLE).fetchone()
    if table is None or "virtual" in str(table[0]).lower():
        raise sqlite3.DatabaseError("no such table")
    return connection.execute(_QUERY).fetchall()


def _document(metadata: object) -> str | None:
    """The text of a row, which chroma keeps among its metadata."""
    try:
        known = parse_json(str(metadata))
    except ValueError:
        return None
    text = known.get(_DOCUMENT) if isinstance(known, dict) else None
    return text if isinstance(text, str) else None


def _big_endian(vector: bytes) -> bytes | None:
    import numpy as np

    return np.frombuffer(vector, "<f4").astype(">f4").tobytes() if len(vector) % 4 == 0 and vector else None
