"""The scenes of one character, searchable by one embedder: vectors and their centre, bigrams, duplicates.

Raw Luotuo cosines lie between 0.85 and 0.93 for any two scenes: all vectors share one large direction. Subtracting
the mean of the pack takes it out (Mu & Viswanath 2018, «All-but-the-Top», without the further components). Knows
which embedder made which vectors and never mixes them; knows nothing of budgets or prompts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Union

import numpy as np

from models.engine import Encoder
from models.roleplay.bigrams import Bigrams
from models.task import Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Matrix = Union[np.ndarray, "csr_matrix"]

EMBEDDED = "embedded"  # fingerprint of the hashed n-gram vectors that need no model
_PROBES = 3  # scenes that are embedded again to see whether stored vectors are this embedder's
_SAME = 0.99  # cosine from which on two vectors of one text come from one embedder; a foreign one reaches 0.1
_BATCH = 64  # scenes embedded between two looks at the task
_MARK = re.compile(r"[\W_]+")


@dataclass(frozen=True, eq=False)
class Shelf:
    """Immutable; made once per pack and embedder, shared by all visitors. Rows of `vectors` may have any length."""

    titles: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: Matrix = field(repr=False)  # (n, dim) float32; (n, 0) when scenes are found by their words alone
    fingerprint: str = EMBEDDED

    @cached_property
    def bigrams(self) -> Bigrams:
        """The index of shared words."""
        return Bigrams(self.texts)

    @cached_property
    def alike(self) -> tuple[int, ...]:
        """For every scene the first one with the same letters, whatever its marks and blanks."""
        first: dict[str, int] = {}
        return tuple(first.setdefault(_MARK.sub("", text), at) for at, text in enumerate(self.texts))

    @cached_property
    def unit(self) -> Matrix:
        """(n, dim) float32, rows of length 1 (0 for rows of zeros)."""
        if not isinstance(self.vectors, np.ndarray):
            return self.vectors
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return np.asarray(self.vectors / np.maximum(lengths, 1e-12), np.float32)

    @cached_property
    def _centre(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """The mean of the unit rows (dim,), (n,) part of each row along it, (n,) one over its distance, mean²."""
        mean = np.zeros(self.unit.shape[1], np.float32)
        if isinstance(self.unit, np.ndarray):  # hashed n-grams share no direction; centring costs them a little
            mean = self.unit.mean(axis=0)
        along = np.asarray(self.unit @ mean, np.float32).ravel()
        whole = float(mean @ mean)
        return mean, along - np.float32(whole), 1 / np.sqrt(np.maximum(1.0 - 2 * along + whole, 1e-9)), whole

    def measure(self, vector: Matrix) -> tuple[np.ndarray, np.ndarray]:
        """(n,) cosines with a query, and (n,) cosines after the pack's mean is taken off both; one matrix product."""
        query = np.asarray(vector.todense() if hasattr(vector, "todense") else vector, np.float32).ravel()
        length = float(query @ query) ** 0.5
        if not self.texts or not self.unit.shape[1] or length < 1e-12:
            return np.zeros(len(self.texts), np.float32), np.zeros(len(self.texts), np.float32)
        mean, along, nearness, whole = self._centre
        cosine = self.unit @ (query * np.float32(1 / length))
        shared = float(mean @ query) / length
        centred = cosine - along
        centred -= np.float32(shared)
        centred *= nearness * np.float32(max(1e-4, 1.0 - 2 * shared + whole) ** -0.5)
        return cosine, centred

    def exact(self, vector: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """(len(rows),) cosines in double precision, as the original computes them from the unnormalised vectors."""
        picked = np.asarray(self.vectors[list(rows)], np.float64)
        query = np.asarray(vector, np.float64).ravel()
        lengths = np.sqrt((picked * picked).sum(axis=1)) * np.sqrt((query * query).sum())
        return (picked * query).sum(axis=1) / np.maximum(lengths, 1e-300)

    def vector(self, query: str, encoder: Encoder | None, task: Task) -> Matrix:
        """The query in this shelf's space. Raises ValueError for an encoder that did not make the shelf, Cancelled."""
        fingerprint = encoder.fingerprint if encoder else EMBEDDED
        if fingerprint != self.fingerprint:
            raise ValueError(f"these vectors were made by {self.fingerprint}, not by {fingerprint}")
        return encoder.embed([query], task, query=True)[0] if encoder else hashed([query], task)


def shelve(
    titles: Sequence[str],
    texts: Sequence[str],
    *,
    encoder: Encoder | None = None,
    stored: Mapping[str, np.ndarray] | None = None,
    task: Task,
) -> Shelf:
    """A shelf for `encoder`, or for the embedded hashed vectors when there is none.

    `stored` holds (n, dim) matrices by the fingerprint, or the column name, of what made them. One of this encoder's
    fingerprint is taken; another of its width only if embedding a few scenes again gives the same vectors; else all
    scenes are embedded. Raises Cancelled.
    """
    if encoder is None:
        return Shelf(tuple(titles), tuple(texts), hashed(texts, task))
    rows = known_rows(texts, encoder, stored or {}, task)
    return Shelf(
        tuple(titles), tuple(texts), embedded(texts, encoder, task) if rows is None else rows, encoder.fingerprint
    )


def known_rows(
    texts: Sequence[str], encoder: Encoder, stored: Mapping[str, np.ndarray], task: Task
) -> np.ndarray | None:
    """The stored vectors that this encoder made of these texts, if there are any. Raises Cancelled."""
    shaped = {key: rows for key, rows in stored.items() if rows.shape == (len(texts), encoder.dim)}
    if encoder.fingerprint in shaped:
        return np.asarray(shaped[encoder.fingerprint], np.float32)
    return next(
        (np.asarray(rows, np.float32) for rows in shaped.values() if _made_by(texts, rows, encoder, task)), None
    )


def _made_by(texts: Sequence[str], rows: np.ndarray, encoder: Encoder, task: Task) -> bool:
    """Whether the shortest scenes, which no embedder cuts, get the vectors that are stored."""
    at = sorted(range(len(texts)), key=lambda one: len(texts[one]) or 1_000_000)[:_PROBES]
    if not at:
        return False
    fresh, old = encoder.embed([texts[one] for one in at], task), np.asarray(rows[at], np.float32)
    lengths = np.linalg.norm(fresh, axis=1) * np.linalg.norm(old, axis=1)
    return bool(np.all((fresh * old).sum(axis=1) >= _SAME * np.maximum(lengths, 1e-9)))


def embedded(texts: Sequence[str], encoder: Encoder, task: Task) -> np.ndarray:
    """(n, dim) float32 of all texts, with progress. Raises Cancelled."""
    parts = []
    for low in range(0, len(texts), _BATCH):
        task.step(low / len(texts))
        parts.append(encoder.embed(texts[low : low + _BATCH], task))
    return np.concatenate(parts) if parts else np.zeros((0, encoder.dim), np.float32)


def hashed(texts: Sequence[str], task: Task) -> "csr_matrix":
    """(n, buckets) unit rows of n-grams, the vectors that need no model. Raises Cancelled."""
    from models.embedded.vectors import HashedEmbedder

    return HashedEmbedder().sparse(texts, task)
