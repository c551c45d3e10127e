"""Fits the weights of the headline picker: `python -m benchmarks.train_headline [data folder]`.

Data: CSL abstracts with their titles (Apache-2.0), of which only numbers for abstract features are kept. Each candidate
of an abstract has a reward, its mean character ROUGE-1, -2 and -L against the title; the model is the softmax over the
candidates that comes closest (cross entropy) to softmax(SHARPNESS * reward), with an L2 penalty, by L-BFGS.
"""

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.quality import DATA
from benchmarks.rouge import rouge
from models.assets import ROOT
from models.embedded.headline_features import NAMES, Candidates, candidates

SHARPNESS, L2, ITERATIONS = 20.0, 0.002, 60
Example = tuple[Candidates, np.ndarray]  # candidates and (n, 3) float32, their ROUGE F1


def titles(data: Path) -> list[tuple[str, str]]:
    """(abstract, title) pairs of the CSL part."""
    lines = (data / "summary" / "csl_ts" / "dev.tsv").read_text(encoding="utf-8").splitlines()
    return [(abstract, title) for _, abstract, title in (line.split("\t") for line in lines)]


def examples(pairs: list[tuple[str, str]]) -> list[Example | None]:
    """Candidates and their rewards for each pair; None where an abstract has no candidate."""
    found: list[Example | None] = []
    for text, title in pairs:
        runs = candidates(text)
        spans = zip(runs.starts, runs.ends, strict=True) if runs else ()
        rewards = np.array([rouge(text[start:end], title) for start, end in spans], dtype=np.float32)
        found.append((runs, rewards) if runs else None)
    return found


def fit(given: list[Example]) -> np.ndarray:
    """(len(NAMES),) float32 weights."""
    from scipy.optimize import minimize

    wanted = [_softmax(SHARPNESS * rewards.mean(axis=1)) for _, rewards in given]

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        loss, slope, plain = 0.0, np.zeros(len(weights)), weights.astype(np.float32)
        for (runs, _), target in zip(given, wanted, strict=True):
            share = _softmax(runs.scores(plain))
            loss -= float(target @ np.log(share + 1e-30))
            slope += _gradient(runs, share - target)
        return loss / len(given) + L2 / 2 * float(weights @ weights), slope / len(given) + L2 * weights

    start = np.zeros(len(NAMES))
    return minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x.astype(np.float32)


def _softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores.astype(np.float64) - scores.max())
    return raised / raised.sum()


def _gradient(runs: Candidates, error: np.ndarray) -> np.ndarray:
    """(len(NAMES),): the features of all candidates, each weighted by its error."""
    first = np.bincount(runs.first, error, len(runs.before))
    last = np.bincount(runs.last, error, len(runs.after))
    return np.concatenate([first @ runs.before, last @ runs.after, error @ runs.inside])


def cross_validated(given: list[Example | None], folds: int = 5) -> np.ndarray:
    """(examples, 3) float32: ROUGE F1 of the headline picked with weights that were fitted without its fold."""
    scores = np.zeros((len(given), 3), dtype=np.float32)
    for fold in range(folds):
        weights = fit([each for at, each in enumerate(given) if each and at % folds != fold])
        for at, each in enumerate(given):
            if each and at % folds == fold:
                scores[at] = each[1][int(np.argmax(each[0].scores(weights)))]
    return scores


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    weights = fit([each for each in examples(titles(data)) if each])
    table = {name: round(float(w), 3) for name, w in zip(NAMES, weights, strict=True) if abs(w) >= 0.005}
    about = "python -m benchmarks.train_headline, on CSL titles; weights of abstract features, no words"
    path = ROOT / "embedded" / "headline.json"
    path.write_text(
        json.dumps({"source": about, "weights": table}, indent=0, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(f"{len(table)} weights → {path.name}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
