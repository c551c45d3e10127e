"""The zips of ChatHaruhi 2.0: a system prompt and a chroma database of the scenes with their vectors. Reads only the
tables that hold texts and float32 vectors, through sqlite3, from a copy; the index files are left alone.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator

from models.errors import BadInput
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
_QUERY = """SELECT q.vector, m.string_value FROM embeddings_queue q JOIN embeddings e ON e.embedding_id = q.id
JOIN embedding_metadata m ON m.id = e.id WHERE m.key = 'chroma:document' AND q.vector IS NOT NULL ORDER BY e.id"""
_MAX_ROWS = 50_000


def is_chroma(tree: Tree) -> bool:
    """Whether the files hold such a database."""
    return any(name.rsplit("/", 1)[-1] == DATABASE for name in tree.sizes)


def read_chroma(tree: Tree, lint: Lint, task: Task) -> Pack:
    """The pack of such a zip. Raises BadInput("file_broken") for a database that cannot be read."""
    where = next(name for name in tree.sizes if name.rsplit("/", 1)[-1] == DATABASE)
    prompt = next((name for name in tree.sizes if name.rsplit("/", 1)[-1] == "system_prompt.txt"), "")
    persona = (text_of(tree.read(prompt, task), prompt, lint, task) or "") if prompt else ""
    lint.n_files += 1
    rows = list(_rows(tree.read(where, task), tree.title))
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


def _rows(data: bytes, name: str) -> Iterator[tuple[bytes, str]]:
    """(vector as little-endian float32, text) of every scene. A file is the only way into sqlite3 that works on all
    systems; it lies in a folder of its own and goes at once."""
    with tempfile.TemporaryDirectory(prefix="luotuo-") as folder:
        path = os.path.join(folder, DATABASE)
        with open(path, "wb") as file:
            file.write(data)
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
                for vector, text in connection.execute(_QUERY).fetchmany(_MAX_ROWS):
                    if isinstance(vector, bytes) and isinstance(text, str) and len(vector) <= 4 * MAX_DIM:
                        yield vector, text
        except sqlite3.Error as error:
            raise BadInput("file_broken", name=name) from error


def _big_endian(vector: bytes) -> bytes | None:
    import numpy as np

    return np.frombuffer(vector, "<f4").astype(">f4").tobytes() if len(vector) % 4 == 0 and vector else None
