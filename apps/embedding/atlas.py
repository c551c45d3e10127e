"""From lines to a finished map: vectors, clusters, names, positions. The one order in which the steps run.

Knows the steps and what each of them costs; knows nothing of Gradio or of drawing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apps.embedding import clusters, layout
from apps.embedding.corpus import Corpus
from apps.embedding.stage import Stage
from apps.embedding.vectors import dense, filled, rows_of
from models import engine_spec
from models.errors import BadInput
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

    from apps.embedding.vectors import Matrix


@dataclass(frozen=True, slots=True)
class Options:
    """What the visitor may choose. `clusters` 0 means automatic."""

    method: layout.Method = "umap"
    clusters: int = 0
    neighbours: int = 15
    perplexity: float = 30.0
    seed: int = 42


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """A map and all that search, table and export need. Rows are the texts of the corpus."""

    corpus: Corpus
    rows: "Matrix"  # (n, dim) unit rows of the engine
    positions: "np.ndarray"  # (n, 2) float32, −1 … 1
    labels: "np.ndarray"  # (n,) int32, cluster of each text, the largest is 0
    names: tuple[tuple[str, ...], ...]  # phrases of each cluster; () when nothing stands out
    typical: tuple[tuple[int, ...], ...]  # rows that stand for each cluster
    method: layout.Method  # of the positions here
    finished: bool  # whether names and positions are the last ones
    too_few: bool  # texts for the method that was asked for
    origin: Origin

    def name(self, cluster: int) -> str:
        """Number and phrases of a cluster, as legend and table show it."""
        return f"{cluster + 1} {' · '.join(self.names[cluster])}".strip()


def atlases(corpus: Corpus, options: Options, task: Task) -> Iterator[Atlas]:
    """First the map by PCA with clusters that have only numbers, then the one by the chosen method with their names.

    Raises BadInput when no text holds a word, Cancelled.
    """
    rows = rows_of(corpus.texts, Stage(task, 0.0, 0.1, "embedding.vectors"))
    kept = filled(rows)
    if not kept:
        raise BadInput("empty_text")
    corpus, rows = corpus.keep(kept), rows[kept]
    task.step(0.1, "embedding.reducing")
    vectors = dense(rows, options.seed)
    labels = clusters.cluster(vectors, options.clusters, options.seed, Stage(task, 0.2, 0.35, "embedding.clustering"))
    unnamed: tuple[tuple[str, ...], ...] = ((),) * (int(labels.max()) + 1)
    method = options.method if len(vectors) >= layout.FEWEST[options.method] else "pca"
    first = Atlas(
        corpus, rows, layout.scaled(layout.pca(vectors)), labels, unnamed, clusters.typical(vectors, labels),
        "pca", False, method != options.method, Origin(engine_spec("embed").how),
    )  # fmt: skip
    yield first
    names = clusters.named(corpus.texts, labels, Stage(task, 0.35, 0.5, "embedding.naming"))
    positions = layout.arrange(
        vectors, method, count=options.neighbours, perplexity=options.perplexity, seed=options.seed,
        task=Stage(task, 0.5, 0.99, "embedding.arranging"),
    )  # fmt: skip
    yield replace(first, names=names, positions=positions, method=method, finished=True)
