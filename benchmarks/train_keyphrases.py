"""Fits the weights of the key phrase picker: `python -m benchmarks.train_keyphrases [data folder]`.

No keywords by authors are at hand, so the titles stand for them: a title (CSL, Apache-2.0) is cut at function words
and at the words that every title has («研究», «影响»), and the parts that the abstract holds too are its key phrases.
Logistic regression over abstract features; only their weights are kept.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

from benchmarks.quality import DATA
from benchmarks.train_headline import titles
from models.assets import ROOT
from models.embedded.keyphrase_features import Phrase, features, phrases
from models.embedded.text import sentences, tagged

STRENGTH = 0.01  # inverse of the L2 penalty
_CUT = re.compile(
    "的|与|及其|以及|及|和|或|对于|对|在|基于|关于|中|下|新|一种|几种|——|研究|分析|探讨|初探|探析|探索|应用|影响|进展|现状|问题|对策|"
    "策略|思考|比较|调查|评价|启示|作用|关系|特征|特点|方法|为例|以|浅析|浅谈|试论|论|我国|中国|[^\u3400-\u9fffA-Za-z0-9-]+"
)
Example = tuple[list[Phrase], list[dict[str, float]], set[str]]  # candidates, their features, the wanted phrases


def title_phrases(title: str, abstract: str) -> set[str]:
    """The parts of a title, lower-cased, 2 … 12 characters, that its abstract holds too."""
    parts = (part.strip().lower() for part in _CUT.split(title))
    return {part for part in parts if 2 <= len(part) <= 12 and not part.isdigit() and part in abstract.lower()}


def examples(pairs: list[tuple[str, str]]) -> list[Example]:
    found = []
    for abstract, title in pairs:
        cut = [tagged(piece.text) for piece in sentences(abstract)]
        offered = phrases(cut)
        found.append((offered, features(offered, max(1, len(cut))), title_phrases(title, abstract)))
    return found


def fit(given: list[Example]) -> tuple[dict[str, float], float]:
    """Weights by feature name, and the bias."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    rows = [{name: float(value) for name, value in row.items()} for _, table, _ in given for row in table]
    wanted = np.array([phrase.text in gold for offered, _, gold in given for phrase in offered])
    vectorizer = DictVectorizer()
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(vectorizer.fit_transform(rows), wanted)
    weights = zip(vectorizer.get_feature_names_out(), model.coef_[0], strict=True)
    return {str(name): round(float(weight), 3) for name, weight in weights}, round(float(model.intercept_[0]), 3)


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    weights, bias = fit(examples(titles(data)))
    table = {
        "source": "python -m benchmarks.train_keyphrases, on CSL titles; weights of abstract features, no words",
        "bias": bias,
        "weights": {name: weight for name, weight in weights.items() if weight},
    }
    path = ROOT / "embedded" / "keyphrases.json"
    path.write_text(json.dumps(table, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(table['weights'])} weights → {path.name}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
