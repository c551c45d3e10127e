"""What lies on one visitor's desk: the table that was uploaded, the map, the selection, the examples for teaching.

One Desk per visitor, in that visitor's gr.State only. Knows the atlas; knows nothing of Gradio or of markup.
"""

from dataclasses import dataclass, field
from pathlib import Path

from apps.embedding.atlas import Atlas
from apps.embedding.classify import Classified
from apps.embedding.columns import Columns
from apps.embedding.find import Query, scores
from apps.embedding.payload import Payload, by_cluster, by_column, by_group, by_value
from models.documents import Table
from models.strings import say
from models.task import Task

OWN = ("cluster", "label", "score", "guess", "confidence")  # colourings that are no column of the visitor's table
_COLUMN = "column:"


@dataclass(eq=False)
class Desk:
    """Everything that one visitor's session holds; handlers change it in place."""

    table: Table | None = None  # an uploaded table, instead of the text box
    columns: Columns | None = None
    vectors: Path | None = None  # an uploaded file of vectors
    atlas: Atlas | None = None
    chosen: tuple[int, ...] = ()  # rows of the selection
    clicked: float = -1.0  # when the page says that it was chosen: ms since it was opened
    like: tuple[int, ...] = ()  # rows of a search by example
    unlike: tuple[int, ...] = ()
    query: Query | None = None  # the last search
    examples: dict[int, str] = field(default_factory=dict)  # row → label that the visitor gave
    classified: Classified | None = None

    def lay(self, atlas: Atlas) -> None:
        """Puts a map on the desk. What was said of the rows of another corpus goes."""
        if self.atlas is None or self.atlas.corpus is not atlas.corpus:
            self.chosen = self.like = self.unlike = ()
            self.query, self.examples, self.classified = None, {}, None
        self.atlas = atlas

    def choose(self, rows: tuple[int, ...], clicked: object) -> bool:
        """Makes rows the selection; False when a later click is known already, since two may arrive in either order."""
        if not isinstance(clicked, int | float) or not clicked > self.clicked:
            return False
        self.chosen, self.clicked = rows, float(clicked)
        return True

    def colourings(self) -> list[str]:
        """Keys of what points can be coloured by now."""
        if self.atlas is None:
            return ["cluster"]
        there = {"cluster": True, "label": self.atlas.corpus.labelled, "score": self.query is not None,
                 "guess": self.classified is not None, "confidence": self.classified is not None}  # fmt: skip
        return [key for key in OWN if there[key]] + [f"{_COLUMN}{name}" for name in self.atlas.corpus.columns]

    def colouring(self, key: str, lang: str) -> Payload:
        """The colours of all points by `key`; by cluster when there is no such column now."""
        assert self.atlas is not None
        atlas, corpus = self.atlas, self.atlas.corpus
        if key not in self.colourings() or key == "cluster":
            return by_cluster(atlas, lang)
        if key == "label":
            return by_group(atlas, corpus.labels, lang)
        if key == "score" and self.query is not None:
            return by_value(scores(atlas, self.query, Task()), say("embedding.colour_score", lang))
        if key == "guess" and self.classified is not None:
            return by_group(atlas, self.classified.labels, lang)
        if key == "confidence" and self.classified is not None:
            return by_value(self.classified.confidence, say("embedding.colour_confidence", lang))
        name = key.removeprefix(_COLUMN)
        return by_column(atlas, corpus.columns[name], name, lang)


def colouring_name(key: str, lang: str) -> str:
    """How the menu calls a colouring: our own in the visitor's language, columns by their own names."""
    return key.removeprefix(_COLUMN) if key.startswith(_COLUMN) else say(f"embedding.colour_{key}", lang)
