"""How good the embedded engine's vectors are: likeness of sentences, question → passage search, news titles.

    python -m benchmarks.quality_vectors

Nothing was trained on any of these data; six weights were chosen by hand on the CMRC trial and DRCD dev passages.
"""

import json
import time
from pathlib import Path

import numpy as np

from benchmarks.quality import DATA, Row
from models.embedded.vectors import EmbeddedEmbedder
from models.task import Task


def measure(data: Path, limit: int | None) -> list[Row]:
    """All figures; `limit` keeps the first so many pairs, questions and titles."""
    from scipy.stats import spearmanr
    from sklearn.metrics import roc_auc_score

    started = time.process_time()
    EmbeddedEmbedder().embed(["暖机"], Task())
    rows = [Row("vectors: load, CPU ms", None, 1000 * (time.process_time() - started))]
    for part, floor in (("dev", 63.0), ("train", None)):
        cosine, score = _pairs(data / "embedding/stsb_zh" / f"{part}.jsonl", "score", limit)
        rows.append(Row(f"STS-B zh {part}, Spearman", floor, 100 * float(spearmanr(cosine, score)[0])))
    cosine, label = _pairs(data / "embedding/lcqmc/dev.jsonl", "label", limit)
    rows.append(Row("LCQMC dev, AUC", None, 100 * float(roc_auc_score(label, cosine))))
    rows.append(Row("LCQMC dev, accuracy", None, 100 * _best_accuracy(cosine, label), "at the best threshold"))
    rows += _search_rows("CMRC trial", 93.0, data / "qa/cmrc2018/trial.json", limit)
    rows += _search_rows("DRCD dev", 92.0, data / "qa/drcd/dev.json", limit)
    return rows + _title_rows(data / "embedding/thucnews_titles/dev.jsonl", limit)


def _lines(path: Path, limit: int | None) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:limit]]


def _pairs(path: Path, key: str, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of every pair, and what people said of it."""
    pairs, embedder = _lines(path, limit), EmbeddedEmbedder(dim=4096)
    left = embedder.embed([pair["a"] for pair in pairs], Task())
    right = embedder.embed([pair["b"] for pair in pairs], Task())
    return (left * right).sum(axis=1), np.array([pair[key] for pair in pairs])


def _best_accuracy(cosine: np.ndarray, label: np.ndarray) -> float:
    return max(float(((cosine > cut) == (label > 0)).mean()) for cut in np.linspace(0, 1, 101))


def _search_rows(name: str, floor: float, path: Path, limit: int | None) -> list[Row]:
    """R@1 of question → passage by `embed` as it comes, by `sparse`, and by `sparse` fitted on the passages."""
    passages, questions, gold = _squad(path, limit)
    started = time.process_time()
    embedder = EmbeddedEmbedder()
    stored, asked = embedder.embed(passages, Task()), embedder.embed(questions, Task())
    spent = 1000 * (time.process_time() - started) / (len(passages) + len(questions))
    rows = [Row(f"{name}, R@1", floor, _recall(asked @ stored.T, gold), f"{spent:.2f} CPU ms a text")]
    for note, tool in (("sparse", embedder), ("sparse, fitted", EmbeddedEmbedder().fit(passages, Task()))):
        likeness = (tool.sparse(questions, Task()) @ tool.sparse(passages, Task()).T).toarray()
        rows.append(Row(f"{name}, R@1 {note}", None, _recall(likeness, gold)))
    return rows


def _squad(path: Path, limit: int | None) -> tuple[list[str], list[str], np.ndarray]:
    """Passages, the first `limit` questions, and which passage each was asked of."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    asked = [(entry["question"], at) for at, paragraph in enumerate(paragraphs) for entry in paragraph["qas"]][:limit]
    return [p["context"] for p in paragraphs], [text for text, _ in asked], np.array([at for _, at in asked])


def _recall(likeness: np.ndarray, gold: np.ndarray) -> float:
    return 100 * float((likeness.argmax(axis=1) == gold).mean())


def _title_rows(path: Path, limit: int | None) -> list[Row]:
    """kNN accuracy (a fifth held out, 10 neighbours) and NMI of 10 k-means clusters with the ten classes."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    titles = _lines(path, limit)
    texts = [title["text"] for title in titles]
    _, label = np.unique([title["label"] for title in titles], return_inverse=True)
    order = np.random.default_rng(0).permutation(len(titles))
    held, kept = order[: len(order) // 5], order[len(order) // 5 :]
    vectors = EmbeddedEmbedder().embed(texts, Task())
    accuracy = 100 * _neighbours(vectors[held] @ vectors[kept].T, label[kept], label[held])
    started = time.process_time()
    embedder = EmbeddedEmbedder().fit(texts, Task())
    reduced = embedder.dense(embedder.sparse(texts, Task()), 128, seed=0)
    note = f"fitted, SVD 128: {time.process_time() - started:.1f} CPU s for {len(titles)} titles"
    found = KMeans(10, n_init=3, random_state=0).fit_predict(reduced)
    nmi = 100 * float(normalized_mutual_info_score(label, found))
    return [
        Row("THUCNews titles, kNN accuracy", 79.0, accuracy, "10 neighbours, a fifth held out, as it comes"),
        Row("THUCNews titles, k-means NMI", None, nmi, note),
    ]


def _neighbours(cosine: np.ndarray, known: np.ndarray, truth: np.ndarray, count: int = 10) -> float:
    """Accuracy of a vote of the nearest neighbours, weighted by cosine."""
    nearest = np.argpartition(-cosine, count, axis=1)[:, :count]
    votes = np.zeros((len(truth), known.max() + 1))
    for rank in range(count):
        at = nearest[:, rank]
        votes[np.arange(len(truth)), known[at]] += cosine[np.arange(len(truth)), at]
    return float((votes.argmax(axis=1) == truth).mean())


if __name__ == "__main__":
    for row in measure(DATA, None):
        print(f"{row.name:48} {row.value:8.1f}  floor {row.floor}  {row.note}")
