"""What an engine can be asked to do. The embedded engine implements these protocols today; neural engines
implement the same ones, so an app never knows which of them answered except by reading the Origin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from models.spec import Evidence, Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in a conversation, with where it comes from."""

    text: str
    origin: Origin
    evidence: tuple[Evidence, ...] = ()
    confident: bool = True  # False when the engine found nothing good enough and says so


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """How long a summary may be: `size` sentences or `size` characters; `style` says what kind of text it is."""

    size: int = 3
    unit: Literal["sentences", "characters"] = "sentences"
    style: Literal["auto", "article", "dialogue"] = "auto"


@dataclass(frozen=True, slots=True)
class Summary:
    """Chosen sentences in the order of the text, a headline, key phrases with weights."""

    text: str
    headline: str
    phrases: tuple[tuple[str, float], ...]
    origin: Origin
    evidence: tuple[Evidence, ...]  # the chosen sentences with their offsets


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the passage that answers a question; `text` is empty when the passage does not hold it."""

    text: str
    start: int
    end: int
    confidence: float  # 0 … 1, calibrated
    completed: str  # the question turned into a statement with the span in it; "" when that is not possible
    origin: Origin
    evidence: tuple[Evidence, ...]  # sentences, best first; the first holds the span


class Responder(Protocol):
    """Answers the last message of a conversation."""

    def respond(self, messages: Sequence[Message], task: Task) -> Iterator[Reply]:
        """Yields the growing reply; the last one is whole. Raises BadInput, Cancelled."""
        ...


class Summarizer(Protocol):
    """Makes a text shorter."""

    def summarize(self, text: str, options: SummaryOptions, task: Task) -> Summary:
        """Raises BadInput for an empty text, Cancelled."""
        ...


class Reader(Protocol):
    """Finds the answer to a question in a passage."""

    def answer(self, passage: str, question: str, task: Task) -> Answer:
        """Raises BadInput for an empty passage or question, Cancelled."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors whose cosine is their likeness."""

    def embed(self, texts: Sequence[str], task: Task) -> "np.ndarray":
        """Returns (n, dim) float32, rows of unit length (zero rows for texts without content). Raises Cancelled."""
        ...
