"""What is searched for: words, examples, counter-examples, an analogy; and the direction in which that lies.

Knows vectors; knows nothing of words or of what is found.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.embedding.vectors import Vectors, asked
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MAX_QUERY = 500  # characters that are read
_AGAINST = 0.5  # how much of the counter-examples' mean is taken away


@dataclass(frozen=True, slots=True)
class Query:
    """A search. Rows that it names are never among its hits."""

    text: str = ""
    like: tuple[int, ...] = ()  # examples: their mean is looked for; of two rows, the middle of the pair
    unlike: tuple[int, ...] = ()  # counter-examples
    analogy: tuple[int, int, int] | None = None  # (a, b, c): what is to c as a is to b
    hybrid: bool = True  # whether shared words count as well

    @property
    def named(self) -> tuple[int, ...]:
        """All rows in it."""
        return (*self.like, *self.unlike, *(self.analogy or ()))

    @property
    def said(self) -> str:
        """The text, as much as is read."""
        return self.text[:MAX_QUERY].strip()


def direction(vectors: Vectors, query: Query, task: Task) -> "np.ndarray | None":
    """(dim,) float32 of unit length; None when there are only words and no model to embed them.

    Raises BadInput (empty_question, bad_option for rows that are not there, other_encoder), what the model's lease
    raises, Cancelled.
    """
    import numpy as np

    n = vectors.rows.shape[0]
    if not (query.said or query.like or query.analogy):
        raise BadInput("empty_question")
    if not all(0 <= row < n for row in query.named):
        raise BadInput("bad_option")
    parts = _parts(vectors, query, task)
    if not parts:
        return None
    whole = np.sum(parts, axis=0)
    return (whole / (np.linalg.norm(whole) or 1)).astype(np.float32)


def _parts(vectors: Vectors, query: Query, task: Task) -> "list[np.ndarray]":
    """(dim,) summands of the direction."""
    parts = []
    if query.said:
        row = asked([query.said], vectors, task)
        parts += [] if row is None else [flat(row)]
    if query.like:
        parts.append(_mean(vectors, query.like))
    if query.analogy:
        a, b, c = query.analogy
        parts.append(_mean(vectors, (a,)) - _mean(vectors, (b,)) + _mean(vectors, (c,)))
    if query.unlike and parts:
        parts.append(-_AGAINST * _mean(vectors, query.unlike))
    return parts


def _mean(vectors: Vectors, rows: tuple[int, ...]) -> "np.ndarray":
    return flat(vectors.rows[list(rows)].mean(axis=0))


def flat(row: object) -> "np.ndarray":
    """One row, dense or sparse or a matrix, as (dim,)."""
    import numpy as np

    return np.asarray(row.toarray() if hasattr(row, "toarray") else row).ravel()  # type: ignore[attr-defined]
