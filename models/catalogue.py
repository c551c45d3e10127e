"""ENGINES: literal rows, one per engine, with what it can do, its licence and the bytes it ships or holds.

Rows of the embedded engine need no download. Rows for neural models join this table with the model pool.
"""

from dataclasses import dataclass

from models.spec import How


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine. `load` is «module:name» of a class or function that takes no argument."""

    key: str
    capability: str  # what an app asks for: respond, summarize, answer, embed, roleplay, compose
    title: str
    how: How
    load: str
    licence: str
    shipped: tuple[str, ...]  # files under assets/ that it reads
    note: str

    def __post_init__(self) -> None:
        if not self.licence:
            raise ValueError(f"{self.key} needs a licence")


ENGINES: tuple[EngineSpec, ...] = (
    EngineSpec(
        key="embedded-knowledge",
        capability="respond",
        title="Embedded knowledge retrieval",
        how="retrieved",
        load="models.embedded.dialogue:embedded_knowledge",
        licence="Apache-2.0",
        shipped=("chat/knowledge.jsonl",),
        note="BM25 and n-gram cosine over question–answer pairs written for this hub",
    ),
    EngineSpec(
        key="embedded-summarizer",
        capability="summarize",
        title="Embedded summarizer",
        how="extractive",
        load="models.embedded.summary:EmbeddedSummarizer",
        licence="Apache-2.0",
        shipped=("embedded/headline.json",),
        note="centroid × position with MMR; log-linear headline picker",
    ),
    EngineSpec(
        key="embedded-reader",
        capability="answer",
        title="Embedded reader",
        how="extractive",
        load="models.embedded.reader:EmbeddedReader",
        licence="CC BY-SA 4.0 (weights)",
        shipped=("embedded/reader.npz",),
        note="span ranker on abstract features, calibrated confidence, answer completion",
    ),
    EngineSpec(
        key="embedded-vectors",
        capability="embed",
        title="Embedded n-gram vectors",
        how="rule",
        load="models.embedded.vectors:EmbeddedEmbedder",
        licence="Apache-2.0",
        shipped=(),
        note="hashed character 1–3-grams, idf weighted",
    ),
    EngineSpec(
        key="embedded-scenes",
        capability="roleplay",
        title="Embedded scene retrieval",
        how="retrieved",
        load="models.characters:characters",
        licence="Apache-2.0",
        shipped=("characters",),
        note="the original next line of the closest scene",
    ),
    EngineSpec(
        key="embedded-prophet",
        capability="compose",
        title="Embedded passage composer",
        how="rule",
        load="models.embedded.prophet:Prophet",
        licence="Apache-2.0",
        shipped=("prophet/pieces",),
        note="retrieved passages, and a piece put together from them by stated rules",
    ),
)
