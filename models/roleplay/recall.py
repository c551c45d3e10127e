"""Which scenes a character remembers now: ranked, packed into a token budget, with the reason for every scene left out.

`retrieve` is pure. Its defaults: vectors centred on the pack's mean, fused with character bigrams; duplicates dropped;
a scene that does not fit is passed over and the next one tried. ORIGINAL_2 is ChatHaruhi 2.0 to the letter (NaiveDB
cosine, k = 19, 1,500 tokens, stop at the first scene that does not fit), whose order and text come out exactly.

Fusion is a weighted sum of scores over their root mean square, which needs no ranks; weight and ceiling were set by
benchmarks/haruhi.py on real vectors (a scene asks, the scenes beside it in the story are to be found).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from models.roleplay.shelf import Matrix, Shelf

PREFIX = "Classic scenes for the role are as follows:\n"
DIVIDER = "\n###\n"
_WORDS = 1.5  # weight of the bigrams beside the vectors, each over its root mean square
_CEILING = 4.0  # for the bigrams; a short message would reach 20 with one shared name
_SPARE = 32  # rows beyond k that are ranked again in double precision, for ties in single precision

Reason = Literal["", "too_long", "budget", "after_overflow", "duplicate", "avoided"]


@dataclass(frozen=True, slots=True)
class RecallOptions:
    """How scenes are chosen. Tokens are those of the counter that `retrieve` is given."""

    k: int = 19  # scenes that come into question
    budget: int = 1_500  # tokens of prefix, scenes and dividers together
    centred: bool = True  # take the pack's mean off all vectors
    hybrid: bool = True  # fuse with character bigrams
    overflow: Literal["continue", "break"] = "continue"  # at a scene that does not fit
    distinct: bool = True  # leave out scenes with the same letters as a better one
    nearest_last: bool = False  # the originals put the most similar scene first
    prefix: str = PREFIX
    divider: str = DIVIDER
    joints: bool = True  # prefix and dividers count; 1.0 counted the scenes alone
    first_always: bool = False  # the best scene stands whatever it costs, as in 3.0


ORIGINAL_2 = RecallOptions(centred=False, hybrid=False, overflow="break", distinct=False)
ORIGINAL_1 = replace(ORIGINAL_2, k=7, prefix="\n", divider="\n", joints=False)


class Candidate(NamedTuple):
    """A scene that came into question."""

    index: int
    title: str
    text: str
    cosine: float  # as the original computes it
    centred: float  # cosine after the mean is taken off
    bigram: float  # share of the message's bigrams, weighted by rarity
    score: float  # what it was ranked by
    n_tokens: int  # with its divider
    kept: bool
    reason: Reason  # why it was left out; "" for a kept one


@dataclass(frozen=True, slots=True)
class Recall:
    """The whole trace, best scene first."""

    query: str
    candidates: tuple[Candidate, ...]
    n_tokens: int  # of `text`, by the sum over its parts
    options: RecallOptions

    @property
    def kept(self) -> tuple[Candidate, ...]:
        """The scenes that the character remembers, in the order of the prompt."""
        kept = tuple(one for one in self.candidates if one.kept)
        return kept[::-1] if self.options.nearest_last else kept

    @property
    def text(self) -> str:
        """What the prompt holds: prefix, then each scene and a divider; the prefix alone when none was kept."""
        return self.options.prefix + "".join(one.text + self.options.divider for one in self.kept)


def retrieve(
    shelf: Shelf,
    query: str,
    vector: Matrix | None,
    options: RecallOptions,
    count: Callable[[str], int],
    *,
    avoid: Collection[int] = (),
) -> Recall:
    """The scenes for a message: `query` as `turns.spoken` writes it, `vector` from `shelf.vector` (None: words alone).

    `count` gives tokens by the model's own tokenizer. Scenes in `avoid` stay out (slots of one prompt share none).
    """
    ranked = _Ranked(shelf, query, vector, options)
    order = ranked.best(options.k, avoid)
    sizes, reasons = _packed(shelf, order.tolist(), options, count)
    n_tokens = count(options.prefix) if options.joints else 0
    n_tokens += sum(size for size, reason in zip(sizes, reasons, strict=True) if not reason)
    return Recall(query, ranked.traced(order, sizes, reasons), n_tokens, options)


def _packed(
    shelf: Shelf, order: list[int], options: RecallOptions, count: Callable[[str], int]
) -> tuple[list[int], list[Reason]]:
    """Tokens of each scene and the reason for leaving it out, in the order of the ranking."""
    prefix, divider = (count(options.prefix), count(options.divider)) if options.joints else (0, 0)
    room = whole = options.budget - prefix
    texts, alike, seen, over = shelf.texts, shelf.alike, set[int](), False
    sizes = [count(texts[at]) + divider for at in order]
    reasons: list[Reason] = []
    for at, size in zip(order, sizes, strict=True):
        reason: Reason = ""
        if over:
            reason = "after_overflow"
        elif options.distinct and alike[at] in seen:
            reason = "duplicate"
        elif size > room and (seen or not options.first_always):
            reason = "too_long" if size > whole else "budget"
            over = options.overflow == "break"
        else:
            room -= size
            seen.add(alike[at])
        reasons.append(reason)
    return sizes, reasons


class _Ranked:
    """The scores of all scenes for one message."""

    def __init__(self, shelf: Shelf, query: str, vector: Matrix | None, options: RecallOptions) -> None:
        self._shelf, self._vector = shelf, vector
        worded = options.hybrid or vector is None
        self._bigram = shelf.bigrams.scores(query) if worded else np.zeros(len(shelf.texts))
        self._cosine, self._centred = (self._bigram * 0,) * 2 if vector is None else shelf.measure(vector)
        self._exact = not (worded or options.centred) and isinstance(shelf.vectors, np.ndarray)
        if vector is None:
            self._scores = self._bigram
        elif options.hybrid:
            meaning = self._centred if options.centred else self._cosine - self._cosine.mean()
            self._scores = _scaled(meaning, 1.0)
            self._scores += np.minimum(_scaled(self._bigram, _WORDS), _WORDS * _CEILING)
        else:
            self._scores = self._centred if options.centred else self._cosine

    def best(self, k: int, avoid: Collection[int]) -> np.ndarray:
        """The k best scenes, ties in the order of the pack, as Python's stable sort leaves them."""
        scores = self._scores
        if avoid:
            scores = scores.copy()
            scores[[at for at in avoid if 0 <= at < len(scores)]] = -np.inf
        wide = k + (_SPARE if self._exact else 0)
        order = np.argpartition(scores, -wide)[-wide:] if wide < len(scores) else np.arange(len(scores))
        order.sort()
        order = order[np.isfinite(scores[order])] if avoid else order
        fine = self._shelf.exact(self._vector, order) if self._exact else scores[order]
        return order[np.argsort(-fine, kind="stable")[:k]]

    def traced(self, order: np.ndarray, sizes: list[int], reasons: list[Reason]) -> tuple[Candidate, ...]:
        """The candidates, with what every score was."""
        numbers = [column[order].tolist() for column in (self._cosine, self._centred, self._bigram, self._scores)]
        rows, kept = order.tolist(), [not reason for reason in reasons]
        titles, texts = ([column[at] for at in rows] for column in (self._shelf.titles, self._shelf.texts))
        return tuple(map(Candidate._make, zip(rows, titles, texts, *numbers, sizes, kept, reasons, strict=True)))


def _scaled(scores: np.ndarray, weight: float) -> np.ndarray:
    """Scores over their root mean square: how far each stands out, for scores whose usual value is 0."""
    spread = (float(scores @ scores) / max(1, len(scores))) ** 0.5
    return scores * (weight / max(spread, 1e-6))
