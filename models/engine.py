"""What an engine can be asked to do. The embedded engine implements these protocols today; neural engines
implement the same ones, so an app never knows which of them answered except by reading the Origin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from models.errors import BadInput
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
    note: str = ""  # i18n key of what the visitor should know of it, such as why it ends where it does


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """How long a summary may be: `size` sentences or `size` characters; `style` says what kind of text it is."""

    size: int = 3
    unit: Literal["sentences", "characters"] = "sentences"
    style: Literal["auto", "article", "dialogue"] = "auto"


@dataclass(frozen=True, slots=True)
class Summary:
    """Chosen or newly written sentences, a headline, key phrases with weights."""

    text: str
    headline: str
    phrases: tuple[tuple[str, float], ...]
    origin: Origin
    evidence: tuple[Evidence, ...]  # the chosen sentences, or those that speak for the written ones, with offsets
    aside: Origin | None = None  # of headline and phrases, where `origin` did not make them
    note: str = ""  # i18n key of what the visitor should know of it


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a question about a passage; `text` is empty when the passage does not hold it."""

    text: str
    start: int  # where it stands in the passage, in characters; -1 when it is not in there word for word
    end: int
    confidence: float | None  # 0 … 1, calibrated; None from a model that writes, which cannot tell
    completed: str  # the question turned into a statement with the span in it; "" when that is not possible
    origin: Origin
    evidence: tuple[Evidence, ...]  # sentences, best first; the first holds the span
    rewritten: str = ""  # the question in other words, as the original Luotuo-QA first put it
    note: str = ""  # i18n key of what the visitor should know of it


@dataclass(frozen=True, slots=True)
class GenOptions:
    """How a model picks its next token, and when it stops. Raises BadInput for values no model can use."""

    max_new_tokens: int = 512
    temperature: float = 0.7  # 0 is greedy
    top_p: float = 0.9  # 1 is off
    top_k: int = 0  # 0 is off
    repetition_penalty: float = 1.0  # 1 is off
    stop: tuple[str, ...] = ()  # texts that end the answer and are not part of it
    seed: int | None = None
    timeout_s: float | None = None  # the text ends where it is then
    end_loops: bool = True  # end a text that goes round in circles

    def __post_init__(self) -> None:
        bounded = 0.0 <= self.temperature <= 10.0 and 0.0 < self.top_p <= 1.0 and 0.1 <= self.repetition_penalty <= 10.0
        if not bounded or self.max_new_tokens < 1 or self.top_k < 0:
            raise BadInput("bad_option")


@dataclass(frozen=True, slots=True)
class PromptPart:
    """How many tokens of one part of a prompt the model saw, and how many had to go."""

    name: Literal["system", "history", "message", "format"]
    n_kept: int
    n_dropped: int


@dataclass(frozen=True, slots=True)
class FinalPrompt:
    """What the model saw, to the letter, and the token budget behind it."""

    text: str
    n_tokens: int
    n_context: int  # tokens the model can see at once
    n_reserved: int  # of these, kept free for the answer
    parts: tuple[PromptPart, ...]

    @property
    def n_dropped(self) -> int:
        """Tokens of the conversation that the model did not see."""
        return sum(part.n_dropped for part in self.parts)


class Generator(Protocol):
    """Writes text. Messages are put into the model's own chat format; a plain string is taken to the letter."""

    def generate(
        self, prompt: Sequence[Message] | str, options: GenOptions, *, adapter: str | None = None, task: Task
    ) -> Iterator[str]:
        """Yields deltas; close the iterator to stop. Raises BadInput, ModelUnavailable, Cancelled."""
        ...

    def final_prompt(self, prompt: Sequence[Message] | str, options: GenOptions) -> FinalPrompt:
        """What `generate` would let the model see. Raises BadInput when not even the last message fits."""
        ...


class Voice(Protocol):
    """A generator in use: one base, through one adapter or none. What a lease hands out; valid until the lease ends."""

    origin: Origin
    n_context: int  # tokens the model can see at once

    def generate(self, prompt: Sequence[Message] | str, options: GenOptions, *, task: Task) -> Iterator[str]:
        """Yields deltas; close the iterator to stop. Raises BadInput, ModelUnavailable, Cancelled."""
        ...

    def final_prompt(self, prompt: Sequence[Message] | str, options: GenOptions) -> FinalPrompt:
        """What `generate` would let the model see. Raises BadInput when not even the last message fits."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text, by the model's own tokenizer."""
        ...


class Comparer(Protocol):
    """One base with adapters in use, for answers side by side. What a lease hands out; valid until the lease ends."""

    origins: tuple[Origin, ...]  # who answers in each column

    def columns(self, prompt: Sequence[Message] | str, options: GenOptions, *, task: Task) -> Iterator[tuple[int, str]]:
        """Yields (column, delta), all columns growing together; close the iterator to stop.

        An iterator that has `finishes` tells in it why each column ended. Raises as `Voice.generate` does.
        """
        ...


class Encoder(Protocol):
    """An embedder in use. What a lease hands out; valid until the lease ends."""

    origin: Origin
    key: str  # «embedded», or the key of its catalogue row
    fingerprint: str  # the same as long as the same text gives the same vector: model, revision, precision
    dim: int

    def embed(self, texts: Sequence[str], task: Task, *, query: bool = False) -> "np.ndarray":
        """Returns (n, dim) float32, rows of unit length (zero for texts without content).

        Texts longer than the model's window are split and pooled, never cut. `query` says that these are searches,
        for models that were trained to be told. Raises Cancelled.
        """
        ...


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
