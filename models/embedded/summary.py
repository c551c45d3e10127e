"""Summaries made of the text's own sentences, with a headline and key phrases; no model, no download.

One scorer, centroid · (1 + p · position): p is on for articles and off for dialogue and transcripts, where the first
sentences are greetings. Maximal marginal relevance (Carbonell & Goldstein 1998) then picks sentences one by one under a
budget of sentences or characters, so that no two say the same.

Long texts (a novel of a million characters takes two seconds): sentences become hashed character pairs, one array
pass for document frequencies and a second for scores, each sentence against the centroid of its block of the text. The
text is divided into as many sections as the summary may have sentences; each puts its best few forward, and relevance
is weighed among these few hundred only, no section twice before each was heard once. The headline sees the opening and
the summary, the key phrases an even sample; nothing but these is tagged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from models.assets import read
from models.embedded.headline import MAX_TEXT, headline
from models.embedded.keyphrases import key_phrases
from models.embedded.salience import Vectors, vectors
from models.embedded.text import MAX_SENTENCE, Piece, clauses, sentences
from models.engine import Summary, SummaryOptions
from models.errors import BadInput
from models.spec import Evidence, Origin
from models.task import Task

POSITION = 1.0  # p for articles
DIVERSITY = 0.35  # of maximal marginal relevance: 0 only relevance, 1 only novelty
MIN_SENTENCE, MIN_IN_LONG = 8, 40  # characters; shorter sentences say too little to stand alone
SECTIONED = 20_000  # characters; a longer text is summarised section by section
BLOCK = 8_000  # characters of a long text that share a centroid: about a chapter
MAX_SECTIONS = 100
CANDIDATES = 400  # sentences of all sections together that relevance is weighed among
PHRASES = 10

_TURN = re.compile(r"^[ \t]*([^\s：:，。！？]{1,12})[ \t]*[：:]", re.MULTILINE)
_SPOKEN = re.compile(
    r"然后|就是说|对吧|是吧|对不对|这个|那个|那么|其实|我觉得|我们|咱们|大家|你|您|吧|呢|嘛|啊|呃|嗯|哦|OK"
)
_END = re.compile(r"[。！？!?….；;：:，,]\s*[”’\"'」』）)】》〉]*$")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a summary may still hold."""

    sentences: int
    characters: int

    def fits(self, length: int) -> bool:
        return self.sentences > 0 and length <= self.characters

    def less(self, length: int) -> "Budget":
        """What is left after a sentence of that length and the mark that may join it to the next."""
        return Budget(self.sentences - 1, self.characters - length - 1)


class EmbeddedSummarizer:
    """The Summarizer that needs nothing but the text."""

    def summarize(self, text: str, options: SummaryOptions, task: Task) -> Summary:
        """The best sentences in the order of the text; the whole text if it is within the budget.

        Never longer than a budget of characters: where not even one sentence fits, its best clauses are taken.
        Raises BadInput("empty_text"), Cancelled.
        """
        if not text.strip():
            raise BadInput("empty_text")
        task.step(0.02, "summary.step.read")
        cut = sentences(text) or _stretches(text)
        style = style_of(text) if options.style == "auto" else options.style
        task.step(0.1, "summary.step.rank")
        found = vectors(cut, task)
        scores = centrality(found, cut, style)
        task.step(0.5)
        chosen = choose(text, cut, found, scores, options, task)
        task.step(0.7, "summary.step.headline")
        line = headline(_excerpt(text, cut, chosen, style))
        task.step(0.8, "summary.step.phrases")
        phrases = key_phrases(text, PHRASES, task=task)
        task.step(1.0)
        whole = [piece.text for piece in chosen] == [piece.text for piece in cut]
        body = joined(text, chosen)
        if whole and (options.unit == "sentences" or len(text.strip()) <= options.size):
            body = text.strip()  # with its own breaks, which may be longer than the marks that join sentences
        return Summary(body, line, _scaled(phrases), _origin(), _evidence(cut, chosen, scores))


def style_of(text: str) -> str:
    """ "dialogue" for text in speakers' turns («甲：… 乙：…») and for transcripts of speech, else "article"."""
    sample = text[:20_000]
    lines = [line for line in sample.splitlines() if line.strip()]
    speakers = _TURN.findall(sample)
    # Speakers come back; the labels of a form or of a structured abstract do not.
    if len(speakers) >= 3 and len(speakers) >= 0.4 * len(lines) and len(set(speakers)) <= 0.7 * len(speakers):
        return "dialogue"
    return "dialogue" if len(_SPOKEN.findall(sample)) > 0.02 * len(sample) else "article"


def centrality(found: Vectors, cut: Sequence[Piece], style: str) -> np.ndarray:
    """(sentences,) float, the best one 1.0: closeness to the centroid, for articles more at the beginning."""
    lengths, is_long = np.array([len(piece.text) for piece in cut]), cut[-1].end > SECTIONED
    scores = found.closeness(np.array([piece.start // BLOCK if is_long else 0 for piece in cut]))
    if style == "article" and not is_long:
        scores = scores * (1 + POSITION / (1 + np.arange(len(scores))))
    scores = scores * np.minimum(1.0, lengths / (MIN_IN_LONG if is_long else MIN_SENTENCE))
    return scores / max(float(scores.max(initial=0.0)), 1e-9)


def choose(
    text: str, cut: Sequence[Piece], found: Vectors, scores: np.ndarray, options: SummaryOptions, task: Task
) -> list[Piece]:
    """The pieces of a summary in the order of the text: all sentences, the best, or clauses where none fits."""
    size = max(1, options.size)
    counted = options.unit == "sentences"
    budget = Budget(size if counted else len(cut), len(text) if counted else size)
    if (len(cut) <= size) if counted else (len(text.strip()) <= size):
        return list(cut)
    section = _sections(text, cut, size if counted else size // 30)
    candidates = _candidates(section, scores, [budget.fits(len(piece.text)) for piece in cut])
    picked = _picked(cut, found.rows(candidates), scores, section, candidates, budget, task) if candidates else []
    return [cut[at] for at in sorted(picked)] or _best_clauses(cut[int(np.argmax(scores))], size)


def _sections(text: str, cut: Sequence[Piece], wanted: int) -> np.ndarray:
    """(sentences,) int: the part of the text that each sentence lies in; one part for a text that is not long."""
    parts = 1 if len(text) <= SECTIONED else min(MAX_SECTIONS, max(1, wanted))
    return np.array([piece.start * parts // len(text) for piece in cut])


def _candidates(section: np.ndarray, scores: np.ndarray, fits: list[bool]) -> list[int]:
    """The best CANDIDATES sentences, the same number from each section."""
    order = np.argsort(-scores, kind="stable")
    quota = dict.fromkeys(range(int(section.max(initial=0)) + 1), CANDIDATES // (int(section.max(initial=0)) + 1))
    kept = []
    for at in order.tolist():
        part = int(section[at])
        if fits[at] and quota[part] > 0:
            quota[part] -= 1
            kept.append(at)
    return kept


def _picked(
    cut: Sequence[Piece],
    rows: np.ndarray,
    scores: np.ndarray,
    section: np.ndarray,
    candidates: list[int],
    budget: Budget,
    task: Task,
) -> list[int]:
    """Maximal marginal relevance: the next sentence is central and unlike those already picked."""
    scored, parts = scores[candidates], section[candidates]
    lengths = np.array([len(cut[at].text) for at in candidates])
    likeness, free = np.zeros(len(candidates)), np.ones(len(candidates), dtype=bool)
    heard = np.zeros(int(section.max()) + 1, dtype=int)
    picked: list[int] = []
    while True:
        task.check()
        open_ = free & (lengths <= budget.characters) if budget.sentences > 0 else np.zeros(len(free), dtype=bool)
        if not open_.any():
            return picked
        open_ &= heard[parts] == heard[parts][open_].min()
        best = int(np.argmax(np.where(open_, (1 - DIVERSITY) * scored - DIVERSITY * likeness, -np.inf)))
        picked.append(candidates[best])
        free[best], heard[parts[best]] = False, heard[parts[best]] + 1
        budget = budget.less(int(lengths[best]))
        likeness = np.maximum(likeness, rows @ rows[best])


def _best_clauses(sentence: Piece, size: int) -> list[Piece]:
    """The longest run of whole clauses of a sentence within `size` characters; its beginning if no clause fits."""
    parts = [Piece(p.text, p.start + sentence.start, p.end + sentence.start) for p in clauses(sentence.text)]
    runs = [(one.start, two.end) for at, one in enumerate(parts) for two in parts[at:] if two.end - one.start <= size]
    low, high = max(runs, key=lambda run: run[1] - run[0], default=(sentence.start, sentence.start + size))
    return [Piece(sentence.text[low - sentence.start : high - sentence.start], low, high)]


def joined(text: str, chosen: Sequence[Piece]) -> str:
    """Sentences as running text: a blank between English ones, a new line after a line that ends without a mark."""
    out = ""
    for before, piece in zip((None, *chosen), chosen, strict=False):
        if before is not None:
            turned = "\n" in text[before.end : piece.start] and (
                _TURN.match(piece.text) or not _END.search(before.text)
            )
            latin = before.text[-1].isascii() and piece.text[0].isascii()
            out += "\n" if turned else " " if latin else ""
        out += piece.text
    return out


def _excerpt(text: str, cut: Sequence[Piece], chosen: Sequence[Piece], style: str) -> str:
    """What the headline is looked for in: the whole of a short article, else the opening and the summary."""
    if style == "article" and len(text) <= MAX_TEXT:
        return text
    opening = [] if style == "dialogue" else list(cut[:3])
    return "\n".join(piece.text for piece in dict.fromkeys((*opening, *chosen)))


def _stretches(text: str) -> list[Piece]:
    """A text in which no word was found (emoji, a script that is not cut into sentences), in bounded parts."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    bounds = [(low, min(end, low + MAX_SENTENCE)) for low in range(start, end, MAX_SENTENCE)]
    return [Piece(text[low:high], low, high) for low, high in bounds]


def _scaled(phrases: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple((phrase, weight / phrases[0][1]) for phrase, weight in phrases)


def _evidence(cut: Sequence[Piece], chosen: Sequence[Piece], scores: np.ndarray) -> tuple[Evidence, ...]:
    """The chosen pieces; one that is part of a sentence carries the score of that sentence."""
    starts = np.array([piece.start for piece in cut])
    owner = np.searchsorted(starts, [piece.start for piece in chosen], side="right") - 1
    return tuple(
        Evidence(piece.text, round(float(scores[at]), 4), start=piece.start, end=piece.end)
        for piece, at in zip(chosen, owner, strict=True)
    )


def _origin() -> Origin:
    shipped = read("embedded", "headline.json") + read("embedded", "keyphrases.json")
    return Origin(how="extractive", fingerprint=sha256(shipped.encode()).hexdigest()[:12])
