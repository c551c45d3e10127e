"""The embedding app as endpoints: map, search, clusters, learnt labels. Pure functions; the tab publishes them."""

from dataclasses import asdict
from typing import Any

from apps.embedding.atlas import Atlas, Options, atlases
from apps.embedding.classify import classified
from apps.embedding.corpus import Corpus, read_lines
from apps.embedding.find import search
from models.errors import BadInput
from models.task import Task

METHODS = ("umap", "pca", "tsne")


def embed_map(
    texts: list[str], method: str = "umap", clusters: int = 0, seed: int = 42, lang: str = "zh", model: str = ""
) -> dict[str, Any]:
    """Draws texts as a map: like texts lie close together.

    Args:
        texts: the texts; identical ones become one point with a count
        method: umap, pca or tsne
        clusters: how many clusters; 0 chooses by silhouette
        seed: same texts, options and seed give the same map
        lang: language of error messages, zh or en
        model: an embedder of the hub; empty is the embedded engine

    Returns:
        points (text, line, count, x, y in −1 … 1, cluster), clusters (size, typical texts), names (phrases of each
        cluster), method (pca when there are too few texts for the one asked for), origin.
    """
    if method not in METHODS or clusters < 0:
        raise BadInput("bad_option")
    options = Options(method=method, clusters=clusters, seed=abs(seed) % 2**31)  # type: ignore[arg-type]
    *_, atlas = atlases(_listed(texts), options, Task(), choice=model)
    corpus = atlas.corpus
    return {
        "points": [
            {"text": corpus.texts[row], "line": corpus.lines[row], "count": corpus.counts[row],
             "x": float(x), "y": float(y), "cluster": int(atlas.labels[row])}
            for row, (x, y) in enumerate(atlas.positions)
        ],
        "clusters": _clusters(atlas),
        "names": [list(phrases) for phrases in atlas.names],
        "method": atlas.method,
        "origin": asdict(atlas.origin),
    }  # fmt: skip


def cluster_texts(
    texts: list[str], method: str = "kmeans", clusters: int = 0, smallest: int = 0, lang: str = "zh", model: str = ""
) -> dict[str, Any]:
    """Groups texts by likeness and names the groups.

    Args:
        texts: the texts
        method: kmeans or hdbscan
        clusters: how many clusters of k-means; 0 chooses by silhouette
        smallest: least size of a cluster of HDBSCAN; 0 chooses by the number of texts
        lang: language of error messages, zh or en
        model: an embedder of the hub; empty is the embedded engine

    Returns:
        labels (one per different text, −1 for noise), texts, clusters (size, typical texts), names, origin.
    """
    options = Options(method="pca", grouping=method, clusters=clusters, smallest=smallest)  # type: ignore[arg-type]
    *_, atlas = atlases(_listed(texts), options, Task(), choice=model)
    return {
        "labels": atlas.labels.tolist(),
        "texts": list(atlas.corpus.texts),
        "clusters": _clusters(atlas),
        "names": [list(phrases) for phrases in atlas.names],
        "origin": asdict(atlas.origin),
    }


def classify_texts(
    texts: list[str], examples: dict[str, str], method: str = "logistic", lang: str = "zh", model: str = ""
) -> dict[str, Any]:
    """Labels texts after a few examples.

    Args:
        texts: the texts to label
        examples: text → label; at least two labels
        method: logistic or prototype
        lang: language of error messages, zh or en
        model: an embedder of the hub; empty is the embedded engine

    Returns:
        labels (text, label, confidence 0 … 1, in the order of the different texts), accuracy on held-out examples (null
        when a label has one example), baseline (share of the commonest label), origin.
    """
    if method not in ("logistic", "prototype") or not examples:
        raise BadInput("bad_option")
    flat = {" ".join(text.split()): label for text, label in examples.items()}
    corpus = _listed([*flat, *texts])
    atlas = next(atlases(corpus, Options(method="pca", clusters=1), Task(), choice=model))
    given = {row: flat[text] for row, text in enumerate(atlas.corpus.texts) if text in flat}
    made = classified(atlas, given, Task(), method=method)  # type: ignore[arg-type]
    asked = {" ".join(str(text).split()) for text in texts}
    return {
        "labels": [
            {"text": text, "label": made.labels[row], "confidence": round(float(made.confidence[row]), 4)}
            for row, text in enumerate(atlas.corpus.texts) if text in asked
        ],
        "accuracy": made.accuracy,
        "baseline": made.baseline,
        "origin": asdict(atlas.origin),
    }  # fmt: skip


def search_texts(
    texts: list[str], query: str, count: int = 10, lang: str = "zh", model: str = ""
) -> list[dict[str, Any]]:
    """Finds the texts that are most like a query.

    Args:
        texts: the texts
        query: a word or a sentence
        count: how many to return at most
        lang: language of error messages, zh or en
        model: an embedder of the hub; empty is the embedded engine

    Returns:
        Best first: text, line (from 1), score (0 … 1), spans (offsets of the query's words in the text).
    """
    if count < 1:
        raise BadInput("bad_option")
    atlas = next(atlases(_listed(texts), Options(method="pca", clusters=1), Task(), choice=model))
    return [
        {"text": atlas.corpus.texts[hit.row], "line": atlas.corpus.lines[hit.row], "score": round(hit.score, 4),
         "spans": [list(span) for span in hit.spans]}
        for hit in search(atlas, query, count, Task())
    ]  # fmt: skip


def _clusters(atlas: Atlas) -> list[dict[str, Any]]:
    return [
        {"size": int((atlas.labels == number).sum()), "typical": [atlas.corpus.texts[row] for row in rows]}
        for number, rows in enumerate(atlas.typical)
    ]


def _listed(texts: list[str]) -> Corpus:
    return read_lines("\n".join(" ".join(str(text).split()) for text in texts))
