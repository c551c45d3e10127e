"""Texts as rows whose cosine is their likeness: by the encoder of the visitor's choice, or by the embedded engine.

Knows the seam to the models, the cache on disk, and that the embedded engine offers exact sparse rows. Knows nothing
of maps or of drawing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import models
from apps.embedding.cache import VectorCache, key_of
from apps.embedding.stage import Stage
from models.errors import BadInput
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from models.engine import Encoder

    Matrix: TypeAlias = np.ndarray | csr_matrix

EMBEDDED = "embedded"
UPLOADED = "uploaded"
_AT_ONCE = 512  # texts between two looks at the cache on disk: what is embedded is kept even if the visitor stops


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Rows of texts and who made them. Rows of different `fingerprint` must not be compared."""

    rows: "Matrix"  # (n, dim) float32 unit rows, zero for texts without content; sparse from the embedded engine
    choice: str  # what the visitor chose; "" is the embedded engine
    key: str  # «embedded», «uploaded», or the key of a catalogue row
    fingerprint: str
    origin: Origin
    reused: int = 0  # rows that came from the cache

    def keep(self, rows: Sequence[int]) -> "Vectors":
        """Only these rows."""
        return self if len(rows) == self.rows.shape[0] else replace(self, rows=self.rows[list(rows)])


def embed(texts: Sequence[str], choice: str, task: Task, *, cache: VectorCache | None = None) -> Vectors:
    """Vectors of texts; with a cache only what it does not hold is computed.

    Raises what the lease of the chosen model raises (UnknownModel, ModelUnavailable, DoesNotFit, Busy), Cancelled.
    """
    if not choice:
        return Vectors(_embedded(texts, task), "", EMBEDDED, EMBEDDED, embedded_origin())
    with models.encoder(choice, task) as encoder:
        rows, reused = _encoded(texts, encoder, task, cache)
        return Vectors(rows, choice, encoder.key, encoder.fingerprint, encoder.origin, reused)


def embedded_origin() -> Origin:
    """Who made the rows of the embedded engine."""
    return Origin(models.engine_spec("embed").how)


def asked(texts: Sequence[str], vectors: Vectors, task: Task, *, query: bool = True) -> "Matrix | None":
    """Rows of texts that can be compared with `vectors`; None when those were uploaded without a model.

    `query` says that they are searches. Raises as `embed` does, and BadInput other_encoder when the model of that name
    is another one by now, such as a newer revision.
    """
    if vectors.key == EMBEDDED:
        return _embedded(texts, task)
    if not vectors.choice:
        return None
    with models.encoder(vectors.choice, task) as encoder:
        if encoder.fingerprint != vectors.fingerprint:
            raise BadInput("other_encoder")
        return encoder.embed(texts, task, query=query)


def _embedded(texts: Sequence[str], task: Task) -> "Matrix":
    return models.engine_for("embed").sparse(texts, task)


def _encoded(
    texts: Sequence[str], encoder: "Encoder", task: Task, cache: VectorCache | None
) -> "tuple[np.ndarray, int]":
    """Rows, and how many of them were known. The longest texts come first: so batches need little padding, and time
    is left over in the end rather than missing."""
    import numpy as np

    keys = [key_of(text) for text in texts]
    rows, known = np.zeros((len(texts), encoder.dim), np.float32), np.zeros(len(texts), bool)
    if cache:
        rows, known = cache.get(encoder.fingerprint, keys, encoder.dim)
    missing = sorted(np.flatnonzero(~known).tolist(), key=lambda row: -len(texts[row]))
    pace = Pace(sum(len(texts[row]) for row in missing), task)
    for start in range(0, len(missing), _AT_ONCE):
        batch = missing[start : start + _AT_ONCE]
        some = [texts[row] for row in batch]
        rows[batch] = encoder.embed(some, Stage(task, *pace.stretch(some), task.note))
        if cache:
            cache.put(encoder.fingerprint, [keys[row] for row in batch], rows[batch])
        pace.done(some)
    return rows, int(known.sum())


class Pace:
    """How fast texts are embedded and how long it will still take, told to the task."""

    def __init__(self, characters: int, task: Task) -> None:
        self.whole, self.task, self.begun = max(1, characters), task, time.monotonic()
        self.characters = self.texts = 0

    def stretch(self, texts: Sequence[str]) -> tuple[float, float]:
        """From where to where these texts bring the progress."""
        return self.characters / self.whole, (self.characters + sum(map(len, texts))) / self.whole

    def done(self, texts: Sequence[str]) -> None:
        """Counts them, and says texts a second and seconds left. Raises Cancelled."""
        self.texts += len(texts)
        self.characters += sum(map(len, texts))
        gone = max(1e-6, time.monotonic() - self.begun)
        left = gone * (self.whole - self.characters) / max(1, self.characters)
        self.task.tell(rate=self.texts / gone, left_s=left)
        self.task.step(self.characters / self.whole)


def filled(rows: "Matrix") -> list[int]:
    """Numbers of the rows that are not zero."""
    import numpy as np
    from scipy.sparse import issparse

    used = np.diff(rows.indptr) > 0 if issparse(rows) else rows.any(axis=1)
    return np.flatnonzero(used).tolist()
