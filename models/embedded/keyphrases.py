"""The phrases that a text, or each of several groups of texts, is about.

One text: a logistic model over abstract features (keyphrase_features.py) says how likely each phrase is one that its
author would put into the title; its weights (assets/embedded/keyphrases.json, written by `python -m
benchmarks.train_keyphrases`) name shapes, not words. Groups: class-based tf-idf (Grootendorst 2022, BERTopic).
Both read a bounded sample of what is too long: an even spread of sentences, or of lines of each group.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from models.assets import read
from models.embedded.keyphrase_features import Phrase, features, phrases
from models.embedded.text import Word, idf, sentences, tagged
from models.task import Task

MAX_TEXT = 20_000  # characters that are tagged (about 10 µs each); of a longer text an even spread of sentences
MAX_LINES = 4_000  # lines of all groups together that are tagged
MAX_LINE = 200  # characters of a line that are read


def key_phrases(text: str, count: int = 10, *, task: Task | None = None) -> list[tuple[str, float]]:
    """Up to `count` phrases, best first, each with its probability 0 … 1; empty if the text names nothing.

    Phrases are lower-cased. Raises Cancelled.
    """
    cut = [piece.text for piece in sentences(text)]
    sample = _spread(cut, MAX_TEXT)
    tagged_sentences = list(_tagged(sample, task or Task()))
    found = phrases(tagged_sentences)
    weights, bias = _weights()
    rows = features(found, max(1, len(sample)))
    score = {
        phrase.text: bias + sum(weights.get(name, 0.0) * value for name, value in row.items())
        for phrase, row in zip(found, rows, strict=True)
    }
    ranked = sorted(found, key=lambda phrase: -score[phrase.text])
    return [(phrase.text, 1 / (1 + math.exp(-score[phrase.text]))) for phrase in distinct(ranked, count)]


def class_phrases(groups: Sequence[Sequence[str]], count: int = 5, task: Task | None = None) -> list[list[str]]:
    """For each group of texts up to `count` phrases, best first, that it holds and the others do not.

    Weight of phrase t in group c: tf(t, c) / n(c) · log(1 + n / f(t)), with n(c) the phrases of c, n their mean over
    the groups, f(t) the phrases t in all groups; times the rarity of its words, which matters when there is one group.
    At most MAX_LINES lines are read, evenly spread over and within the groups. Raises Cancelled.
    """
    task = task or Task()
    per_group = max(20, MAX_LINES // max(1, len(groups)))
    counted = []
    for number, group in enumerate(groups):
        lines = [line[:MAX_LINE] for line in _every(group, per_group)]
        counted.append(_counted(phrases(list(_tagged(lines, task)))))
        task.step((number + 1) / len(groups))
    total: Counter[str] = Counter()
    for counts in counted:
        total.update({text: len(phrase.sentences) for text, phrase in counts.items()})
    mean = total.total() / max(1, len(groups))
    return [_best_of_class(counts, total, mean, count) for counts in counted]


def _tagged(texts: Sequence[str], task: Task) -> Iterator[list[Word]]:
    for text in texts:
        task.check()
        yield tagged(text)


def _spread(texts: list[str], most: int) -> list[str]:
    """The texts, or so many of them at even distances that they hold about `most` characters."""
    size = sum(map(len, texts))
    return texts if size <= most else _every(texts, max(1, int(len(texts) * most / size)))


def _every(texts: Sequence[str], most: int) -> list[str]:
    """At most `most` of the texts, at even distances."""
    step = max(1.0, len(texts) / most)
    return [texts[int(at * step)] for at in range(min(len(texts), most))]


def distinct(ranked: Sequence[Phrase], count: int) -> list[Phrase]:
    """The first `count` of phrases, best first, without those that occur only inside a better one or around it."""
    chosen: list[Phrase] = []
    for phrase in ranked:
        if len(chosen) == count:
            break
        if not any(_same(phrase, other) for other in chosen):
            chosen.append(phrase)
    return chosen


def _same(one: Phrase, other: Phrase) -> bool:
    nested = one.text in other.text or other.text in one.text
    return nested and len(one.sentences) == len(other.sentences)


def _counted(found: list[Phrase]) -> dict[str, Phrase]:
    return {phrase.text: phrase for phrase in found if len(phrase.text) > 1}


def _best_of_class(counts: dict[str, Phrase], total: Counter[str], mean: float, count: int) -> list[str]:
    size = sum(len(phrase.sentences) for phrase in counts.values())

    def weight(phrase: Phrase) -> float:
        often = len(phrase.sentences) / size * math.log(1 + mean / total[phrase.text])
        return often * sum(idf(word.text) for word in phrase.words) ** 0.5

    return [phrase.text for phrase in distinct(sorted(counts.values(), key=weight, reverse=True), count)]


@lru_cache(maxsize=1)
def _weights() -> tuple[dict[str, float], float]:
    table = json.loads(read("embedded", "keyphrases.json"))
    return table["weights"], table["bias"]
