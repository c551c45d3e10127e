"""Which phrases a text offers, and what each looks like from outside.

A candidate is a run of up to four content words without a function word between them; a run with a verb or an
adjective in it must occur twice, because only repetition shows that it is a term («压制式干扰») and no accident.
Its features are abstract: how often, how rare, how long, where, what kinds of words around it. Knows no weight.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from models.embedded.shapes import LISTS, NOMINAL, is_generic, kind
from models.embedded.text import Word, idf

MAX_WORDS, MAX_CHARS = 4, 12
MAX_LATIN_CHARS = 40  # of a phrase in English, which needs three times the letters

_SOFT = frozenset({"verb", "adjective"})
_EMPTY = "本文 该 其 一种 主要 重要 重点 目的 结论 结果 例 为例 本 问题 情况 方面 作者 笔者 相关 不同 是 有"
_NEVER = frozenset(_EMPTY.split())
_BEFORE = ("study", "propose", "use", "show", "based", "on", "here", "and", "aim")
_BEHIND = (*_BEFORE, "matter", "in")


@dataclass(slots=True)
class Phrase:
    """A candidate: its words at the first occurrence, and where in the text it occurs."""

    text: str
    words: list[Word]
    before: Word | None  # the neighbour at the first occurrence, within the sentence
    behind: Word | None
    sentences: list[int] = field(default_factory=list)  # one number for each occurrence
    whole: int = 0  # occurrences that fill their run of content words
    nominal: int = 0  # occurrences that fill their run of nouns

    @property
    def soft(self) -> bool:
        """Whether a verb or an adjective is part of it."""
        return any(kind(word) in _SOFT for word in self.words)


def phrases(tagged_sentences: Sequence[list[Word]]) -> list[Phrase]:
    """All candidates of a text given as tagged sentences, in the order of their first occurrence."""
    found: dict[str, Phrase] = {}
    for number, words in enumerate(tagged_sentences):
        for run_start, run_end in runs(words):
            for first in range(run_start, run_end):
                for last in range(first, min(run_end, first + 2 * MAX_WORDS)):
                    _note(found, words, number, (run_start, run_end), first, last)
    return _closed([phrase for phrase in found.values() if _is_candidate(phrase, len(tagged_sentences))])


def runs(words: list[Word]) -> Iterator[tuple[int, int]]:
    """[start, end) of the stretches of content words; a blank or hyphen between Latin words does not end one."""
    start = 0
    for at in range(len(words) + 1):
        if at < len(words) and (_fits(words[at]) or _glues(words, at)):
            continue
        if at > start:
            yield start, at
        start = at + 1


def _fits(word: Word) -> bool:
    return kind(word) in NOMINAL | _SOFT and word.text not in _NEVER and not is_english_function(word)


def is_english_function(word: Word) -> bool:
    """Whether a Latin word only holds others together."""
    return word.text.isascii() and is_generic(word)


def _glues(words: list[Word], at: int) -> bool:
    if words[at].text not in " -–·" or not 0 < at < len(words) - 1:
        return False
    return all(kind(word) == "latin" and not is_english_function(word) for word in (words[at - 1], words[at + 1]))


def _note(
    found: dict[str, Phrase], words: list[Word], number: int, run: tuple[int, int], first: int, last: int
) -> None:
    """Records the words [first, last] of a run as an occurrence of a phrase, if they are short enough for one."""
    part = words[first : last + 1]
    text = "".join(word.text for word in part).lower()
    held = [word for word in part if kind(word) not in ("blank", "dash", "symbol")]
    limit = MAX_LATIN_CHARS if text.isascii() else MAX_CHARS
    if len(text) > limit or len(held) > MAX_WORDS or held[:1] != part[:1] or held[-1:] != part[-1:]:
        return
    phrase = found.get(text)
    if phrase is None:
        before = words[first - 1] if first else None
        behind = words[last + 1] if last + 1 < len(words) else None
        phrase = found[text] = Phrase(text, held, before, behind)
    left, right = first == run[0], last == run[1] - 1
    phrase.sentences.append(number)
    phrase.whole += left and right
    phrase.nominal += (left or kind(words[first - 1]) in _SOFT) and (right or kind(words[last + 1]) in _SOFT)


def _is_candidate(phrase: Phrase, n_sentences: int) -> bool:
    text, words, often = phrase.text, phrase.words, len(phrase.sentences) > 1
    if all(map(is_generic, words)) or text.isdigit():
        return False
    if kind(words[-1]) in ("adjective", "attributive") or (len(words) == 1 and kind(words[0]) == "verb"):
        return False
    if len(text) == 1:  # one character is a term only when the text insists: «铁»
        return len(phrase.sentences) > max(2, n_sentences / 4) and kind(words[0]) == "noun" and not text.isascii()
    return often if phrase.soft else bool(phrase.nominal or often)


def _closed(found: list[Phrase]) -> list[Phrase]:
    """Without the phrases that recur, but never outside the same longer one: no «麦克风» where all are «麦克风阵列»."""
    _, around = _nesting(found)
    return [p for p in found if len(p.sentences) == 1 or around[p.text] < len(p.sentences)]


def features(found: Sequence[Phrase], n_sentences: int) -> list[dict[str, float]]:
    """The abstract features of each phrase, by name; names that are not there are 0."""
    inside, around = _nesting(found)
    return [
        {**_counts(p, inside[p.text], around[p.text]), **_form(p), **_places(p, n_sentences), **_neighbours(p)}
        for p in found
    ]


def _nesting(found: Sequence[Phrase]) -> tuple[Counter[str], Counter[str]]:
    """For each phrase the count of the most frequent one inside it, and of the most frequent one around it."""
    count = {phrase.text: len(phrase.sentences) for phrase in found}
    inside: Counter[str] = Counter()
    around: Counter[str] = Counter()
    for text, often in count.items():
        for start in range(len(text)):
            for end in range(start + 1, len(text) + 1):
                part = text[start:end]
                if part != text and part in count:
                    inside[text] = max(inside[text], count[part])
                    around[part] = max(around[part], often)
    return inside, around


def _counts(phrase: Phrase, inside: int, around: int) -> dict[str, float]:
    tf = len(phrase.sentences)
    rarity = [idf(word.text) if len(word.text) > 1 else 3.0 for word in phrase.words]
    return {
        f"count {min(tf, 5)}": 1,
        "log count": math.log(tf),
        "rarity": sum(rarity) / 20,
        "mean rarity": sum(rarity) / len(rarity) / 10,
        "least rarity": min(rarity) / 10,
        "most rarity": max(rarity) / 10,
        "log count times rarity": math.log(tf * sum(rarity)),
        "whole": phrase.whole / tf,
        "nominal": phrase.nominal / tf,
        "has around": around > 0,
        "share around": around / tf,
        "has inside": inside > 0,
        "share of inside": tf / inside if inside else 0,
    }


def _form(phrase: Phrase) -> dict[str, float]:
    words = phrase.words
    return {
        f"length {min(len(phrase.text), 10)}": 1,
        f"words {len(words)}": 1,
        f"first {kind(words[0])}": 1,
        f"last {kind(words[-1])}": 1,
        "soft": phrase.soft,
        "generic first": is_generic(words[0]),
        "generic last": is_generic(words[-1]),
        "ascii": phrase.text.isascii(),
        "has single": min(len(word.text) for word in words) == 1,
    }


def _places(phrase: Phrase, n_sentences: int) -> dict[str, float]:
    held, first = set(phrase.sentences), phrase.words[0].start
    return {
        "in first sentence": 0 in held,
        "in last sentence": n_sentences - 1 in held,
        "spread": len(held) / n_sentences,
        "log sentences": math.log(len(held)),
        "first sentence": phrase.sentences[0] / n_sentences,
        "early": phrase.sentences[0] == 0 and first < 25,
    }


def _neighbours(phrase: Phrase) -> dict[str, float]:
    row: dict[str, float] = defaultdict(float)
    for side, word, lists in (("before", phrase.before, _BEFORE), ("behind", phrase.behind, _BEHIND)):
        row[f"{side} {kind(word) if word else 'edge'}"] = 1
        for name in lists:
            row[f"{side} list {name}"] = float(word is not None and word.text in LISTS[name])
    return dict(row)
