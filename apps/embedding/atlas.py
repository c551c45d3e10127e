"""From a corpus to a finished map: vectors, clusters, names, positions. The one order in which the steps run.

Knows the steps and what each of them costs; knows nothing of Gradio or of drawing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from apps.embedding import clusters, layout
from apps.embedding.cache import VectorCache
from apps.embedding.corpus import Corpus, read_lines
from apps.embedding.layout.neighbours import Near
from apps.embedding.space import Space, spaced
from apps.embedding.stage import Stage
from apps.embedding.vectors import Vectors, embed, filled
from models.errors import BadInput
from models.spec import Origin
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

    from apps.embedding.vectors import Matrix

Grouping = Literal["kmeans", "hdbscan"]
_NEAR = 16  # neighbours that are kept at least: for a new layout with fewer, and to tell who stands alone


@dataclass(frozen=True, slots=True)
class Options:
    """What the visitor may choose. Raises BadInput bad_option for what no method can use."""

    method: layout.Method = "umap"
    dimensions: int = 2
    neighbours: int = 15  # of UMAP
    min_dist: float = 0.1  # of UMAP
    perplexity: float = 30.0  # of t-SNE
    grouping: Grouping = "kmeans"
    clusters: int = 0  # of k-means; 0 is automatic
    smallest: int = 0  # texts in a cluster of HDBSCAN at least; 0 is automatic
    seed: int = 42

    def __post_init__(self) -> None:
        named = self.method in layout.FEWEST and self.grouping in ("kmeans", "hdbscan") and self.dimensions in (2, 3)
        bounded = 2 <= self.neighbours <= 200 and 0 <= self.min_dist <= 1 and 1 < self.perplexity <= 200
        counted = 0 <= self.clusters <= 1_000 and self.smallest >= 0 and 0 <= self.seed < 2**31
        if not (named and bounded and counted):
            raise BadInput("bad_option")

    @property
    def shape(self) -> layout.Shape:
        """The part that is about positions."""
        return layout.Shape(
            self.method, self.dimensions, self.neighbours, self.min_dist, self.perplexity, self.seed
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """A map and all that search, table and export need. Rows are the texts of the corpus."""

    corpus: Corpus
    vectors: Vectors
    space: Space
    positions: "np.ndarray"  # (n, 2 or 3) float32, −1 … 1
    labels: "np.ndarray"  # (n,) int32, cluster of each text, the largest is 0; −1 is noise
    names: tuple[tuple[str, ...], ...]  # phrases of each cluster; () when nothing stands out
    typical: tuple[tuple[int, ...], ...]  # rows that stand for each cluster
    options: Options  # that were asked for
    method: layout.Method  # of the positions here
    finished: bool = False  # whether names and positions are the last ones
    near: Near | None = None  # of the texts in `space`; None before anybody needed them
    links: tuple[tuple[int, int], ...] = ()  # rows that belong together, such as the halves of a song
    named_by: Origin | None = None  # the neural model that named the clusters, if one did

    @property
    def rows(self) -> "Matrix":
        """(n, dim) unit rows of the texts."""
        return self.vectors.rows

    @property
    def origin(self) -> Origin:
        """Who made the vectors."""
        return self.vectors.origin

    @property
    def too_few(self) -> bool:
        """Whether there are too few texts for the method that was asked for."""
        return len(self.labels) < layout.FEWEST[self.options.method]

    def name(self, cluster: int) -> str:
        """Number and phrases of a cluster, as legend and table show it; "" for noise."""
        return f"{cluster + 1} {' · '.join(self.names[cluster])}".strip() if cluster >= 0 else ""


def atlases(
    corpus: Corpus, options: Options, task: Task, *, choice: str = "", cache: VectorCache | None = None,
    vectors: Vectors | None = None, links: tuple[tuple[int, int], ...] = (), every: bool = False,
) -> Iterator[Atlas]:  # fmt: skip
    """First the map by PCA with clusters that have only numbers, then the one by the chosen method with their names.

    The vectors come from the model of the visitor's `choice` through `cache`, unless they are given. `links` name rows
    of the corpus. Texts that the model cannot compare are left out, unless `every` row must keep its number. Raises
    BadInput when no text holds a word, what the model's lease raises, Cancelled.
    """
    made = vectors or embed(
        corpus.texts, choice, Stage(task, 0.0, 0.3 if choice else 0.1, "embedding.vectors"), cache=cache
    )
    kept = filled(made.rows)
    if not kept:
        raise BadInput("empty_text")
    if every:
        kept = list(range(len(corpus.texts)))
    corpus, made, links = corpus.keep(kept), made.keep(kept), _renumbered(links, kept)
    task.step(0.3 if choice else 0.1, "embedding.reducing")
    space = spaced(made.rows, options.seed)
    first = _first(corpus, made, space, options, task, links)
    yield first
    yield _final(first, task)


def warm() -> None:
    """Draws a small map, so that no visitor waits while libraries are imported and UMAP is compiled: 4 s, on a new
    machine half a minute. PCA comes first, as it does for visitors."""
    for _ in atlases(read_lines("\n".join(f"camel {number} {number % 7}" for number in range(60))), Options(), Task()):
        pass


def _renumbered(links: tuple[tuple[int, int], ...], kept: list[int]) -> tuple[tuple[int, int], ...]:
    place = {row: at for at, row in enumerate(kept)}
    return tuple((place[one], place[other]) for one, other in links if one in place and other in place)


def _first(
    corpus: Corpus, vectors: Vectors, space: Space, options: Options, task: Task, links: tuple[tuple[int, int], ...]
) -> Atlas:
    """What can be shown at once: PCA, and the clusters unless they depend on the final positions."""
    import numpy as np

    labels = np.zeros(len(space.vectors), np.int32)
    if options.grouping == "kmeans":
        stage = Stage(task, 0.35, 0.45, "embedding.clustering")
        labels = clusters.kmeans(space.vectors, options.clusters, options.seed, stage)
    return Atlas(
        corpus, vectors, space, layout.scaled(layout.pca(space.vectors, options.dimensions)), labels,
        ((),) * (int(labels.max()) + 1), clusters.typical(space.vectors, labels), options, "pca", links=links,
    )  # fmt: skip


def _final(first: Atlas, task: Task) -> Atlas:
    made = _arranged(first, first.options, Stage(task, 0.45, 0.9, "embedding.arranging"))
    if first.options.grouping == "hdbscan":
        made = _grouped(made, first.options, Stage(task, 0.9, 0.92, "embedding.clustering"))
    names = clusters.named(made.corpus.texts, made.labels, Stage(task, 0.92, 0.99, "embedding.naming"))
    return replace(made, names=names, finished=True)


def relayout(atlas: Atlas, options: Options, task: Task) -> Atlas:
    """The same texts, vectors and clusters at other positions; the neighbours that are known are used again.

    Raises Cancelled.
    """
    return _arranged(atlas, options, Stage(task, 0, 1, "embedding.arranging"))


def regroup(atlas: Atlas, options: Options, task: Task) -> Atlas:
    """The same positions in other clusters, with their names. Raises Cancelled."""
    made = _grouped(atlas, options, Stage(task, 0, 0.5, "embedding.clustering"))
    names = clusters.named(made.corpus.texts, made.labels, Stage(task, 0.5, 1, "embedding.naming"))
    return replace(made, names=names, named_by=None)


def with_neighbours(atlas: Atlas, count: int, task: Task) -> Atlas:
    """The atlas with at least so many nearest texts of each, as far as there are so many. Raises Cancelled."""
    count = min(max(count, _NEAR), len(atlas.labels))
    if atlas.near is not None and atlas.near.rows.shape[1] >= count:
        return atlas
    return replace(atlas, near=layout.neighbours(atlas.space.vectors, count, task))


def outliers(atlas: Atlas, count: int, task: Task) -> list[tuple[int, float]]:
    """Texts least like their nearest ones: (row, mean of 1 − cosine), strangest first. Raises Cancelled."""
    near = with_neighbours(atlas, _NEAR, task).near
    return clusters.lonely(near, count) if near else []


def _arranged(atlas: Atlas, options: Options, task: Task) -> Atlas:
    n = len(atlas.labels)
    count = layout.needed(options.shape, n)
    if count:
        atlas = with_neighbours(atlas, count, Stage(task, 0, 0.3, "embedding.arranging"))
    method = options.method if n >= layout.FEWEST[options.method] else "pca"
    positions = layout.arrange(
        atlas.space.vectors, atlas.near, options.shape, Stage(task, 0.3, 1, "embedding.arranging")
    )  # fmt: skip
    return replace(atlas, positions=positions, options=options, method=method)


def _grouped(atlas: Atlas, options: Options, task: Task) -> Atlas:
    if options.grouping == "hdbscan":
        labels = clusters.hdbscan(atlas.positions, options.smallest, options.seed, task)
    else:
        labels = clusters.kmeans(atlas.space.vectors, options.clusters, options.seed, task)
    options = replace(
        atlas.options, grouping=options.grouping, clusters=options.clusters, smallest=options.smallest
    )  # fmt: skip
    typical = clusters.typical(atlas.space.vectors, labels)
    return replace(atlas, labels=labels, typical=typical, options=options)
