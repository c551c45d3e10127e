"""Which picture goes with a reply: likeness of meaning and of words, less what was shown lately, against a threshold.

The original takes the caption with the highest cosine; as all its vectors share one direction, two pictures take most
turns. Here both sides are centred (the pack's own lines, the captions), a caption said word for word counts as three
standard deviations, and a picture among the last five shown loses two and a half. Below a threshold that is calibrated
on the character's own lines no picture says anything of the reply: the previous one stays, else the neutral, else the
portrait. Knows captions, cues, emotions and vectors; no pixels. Figures: benchmarks/haruhi_pictures.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from models.embedded.text import normalise, sentences
from models.engine import Encoder
from models.packs.pack import Pack
from models.roleplay.emotions import emotions, label
from models.roleplay.output import clean
from models.roleplay.shelf import EMBEDDED, Matrix, hashed, known_rows
from models.task import Task

SAID = 3.0  # standard deviations for a caption that is said word for word
CUED = 2.0  # for cue words or an emotion that the reply tells of
LATELY = 2.5  # taken off each of the pictures shown lately
RECENT = 5  # how many those are
_SHOWN = 3
_MAX_SENTENCES = 40
_SAMPLE = 160  # own lines that the threshold is calibrated on
_HALF = 0.5  # share of a caption's bigrams from which on it counts as partly said
_SHORT = 4  # characters; shorter captions and cues say little when they occur

Why = Literal["matched", "asked", "previous", "neutral", "portrait", "none"]


@dataclass(frozen=True, slots=True)
class Shot:
    """What is known of one picture; `captions` in every language there is, best known first."""

    captions: tuple[str, ...]
    emotion: str = ""
    cues: tuple[str, ...] = ()
    portrait: bool = False
    neutral: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """A picture with its scores, in standard deviations of the pack's own lines."""

    index: int
    caption: str
    score: float  # meaning and words together, before anything is taken off
    words: float  # of it, what the words of the reply give
    lately: bool  # shown lately, so ranked lower


@dataclass(frozen=True, slots=True)
class Pick:
    """The picture to show (-1 for none), why that one, and the best three."""

    index: int
    score: float
    why: Why
    ranking: tuple[Ranked, ...] = ()


@dataclass(frozen=True, eq=False)
class Gallery:
    """The pictures of one character for one embedder. Immutable; shared by all visitors."""

    shots: tuple[Shot, ...]
    captions: Matrix = field(repr=False)  # (m, dim) unit rows, centred if `centre` is given
    centre: np.ndarray | None = field(default=None, repr=False)  # (dim,) mean of the character's own lines
    spread: float = 1.0  # standard deviation of the cosines of own lines with captions
    threshold: float = 0.0  # score under which no picture says anything
    fingerprint: str = EMBEDDED
    names: Collection[str] = ()  # of the character, for taking wrappers off

    def likeness(self, vectors: Matrix) -> np.ndarray:
        """(m,) for each picture the best of the rows (n, dim), in standard deviations."""
        if not self.shots or not self.captions.shape[1] or not vectors.shape[0]:
            return np.zeros(len(self.shots), np.float32)
        rows = vectors if self.centre is None else _unit(_unit(vectors) - self.centre)
        cosines = rows @ self.captions.T
        dense = cosines.toarray() if hasattr(cosines, "toarray") else np.asarray(cosines)
        return dense.max(axis=0) / np.float32(self.spread)


def pick(
    gallery: Gallery,
    reply: str,
    recent: Sequence[int] = (),
    *,
    encoder: Encoder | None = None,
    asked: bool = False,
    fresh: bool = False,
    task: Task,
) -> Pick:
    """The picture for a reply; `recent` are the indices shown lately, newest last. `asked`: show one in any case;
    `fresh`: one of those that were not shown lately.

    Raises ValueError for an encoder that did not make the gallery, Cancelled.
    """
    if (encoder.fingerprint if encoder else EMBEDDED) != gallery.fingerprint:
        raise ValueError(f"this gallery was made by {gallery.fingerprint}")
    said = spoken_parts(reply, gallery.names)
    rows = _embedded(said, encoder, task) if said and gallery.shots else np.zeros((0, gallery.captions.shape[1]))
    return choose(gallery, gallery.likeness(rows), words(gallery.shots, said), recent, asked=asked, fresh=fresh)


def choose(
    gallery: Gallery,
    likeness: np.ndarray,
    said: np.ndarray,
    recent: Sequence[int],
    *,
    asked: bool = False,
    fresh: bool = False,
) -> Pick:
    """The policy itself, pure: (m,) likeness of meaning and (m,) of words → the picture, or what stands in for it."""
    shots = gallery.shots
    if not shots:
        return Pick(-1, 0.0, "none")
    lately = [at for at in recent[-RECENT:] if 0 <= at < len(shots)]
    score = likeness + said
    score[_quiet(shots)] = 0.0
    ranked = score.copy()
    ranked[lately] -= np.inf if fresh and len(set(lately)) < len(shots) else LATELY
    order = np.argsort(-ranked, kind="stable")[:_SHOWN].tolist()
    listed = tuple(Ranked(at, shots[at].captions[0], float(score[at]), float(said[at]), at in lately) for at in order)
    if asked or score[order[0]] >= gallery.threshold and score[order[0]] > 0:
        return Pick(order[0], float(score[order[0]]), "asked" if asked else "matched", listed)
    return _stand_in(shots, lately, listed)


def _quiet(shots: Sequence[Shot]) -> list[int]:
    """Pictures that stand in where nothing fits and say nothing themselves; none when there are no others."""
    quiet = [at for at, shot in enumerate(shots) if shot.portrait or shot.neutral]
    return quiet if len(quiet) < len(shots) else []


def _stand_in(shots: Sequence[Shot], lately: Sequence[int], listed: tuple[Ranked, ...]) -> Pick:
    """What is shown when no picture fits: the one before, else the neutral one, else the portrait."""
    if lately:
        return Pick(lately[-1], 0.0, "previous", listed)
    for why in ("neutral", "portrait"):
        found = next((at for at, shot in enumerate(shots) if getattr(shot, why)), -1)
        if found >= 0:
            return Pick(found, 0.0, why, listed)
    calm = next((at for at, shot in enumerate(shots) if label(shot.emotion) == "neutral" and shot.emotion), -1)
    return Pick(calm, 0.0, "neutral" if calm >= 0 else "none", listed)


def spoken_parts(reply: str, names: Collection[str] = ()) -> list[str]:
    """What is said in a reply, without wrapper and stage directions, as `parts` cuts it; empty for nothing said."""
    return parts(_without_stage(clean(reply, names) or reply))


def parts(plain: str) -> list[str]:
    """A text and each of its sentences, each once; empty for an empty text."""
    pieces = [piece.text for piece in sentences(plain)[:_MAX_SENTENCES]]
    return list(dict.fromkeys(part for part in (plain.strip(), *pieces) if part))


def _without_stage(text: str) -> str:
    """The text without bracketed stage directions and without *actions*."""
    kept, closing = [], ""
    pairs = {"（": "）", "(": ")", "[": "]", "【": "】", "*": "*"}
    for mark in text:
        if closing:
            closing = "" if mark == closing or mark == "\n" else closing
        elif mark in pairs:
            closing = pairs[mark]
        else:
            kept.append(mark)
    return "".join(kept)


def words(shots: Sequence[Shot], said: Sequence[str]) -> np.ndarray:
    """(m,) what the words of the reply say for each picture: its caption, its cues, its emotion."""
    if not said:
        return np.zeros(len(shots))
    plain = [_letters(part) for part in said]
    felt = emotions(said[0])
    return np.array([max(_said(shot, plain), _called(shot, plain), _felt(shot, felt)) for shot in shots], np.float64)


def _said(shot: Shot, plain: Sequence[str]) -> float:
    """SAID for a caption said word for word, less for one that is said in good part."""
    best = 0.0
    for caption in map(_letters, shot.captions):
        if len(caption) < _SHORT:
            continue
        if any(caption in part for part in plain):
            return SAID
        pairs = {caption[at : at + 2] for at in range(len(caption) - 1)}
        sentence_pairs = ({part[at : at + 2] for at in range(len(part) - 1)} for part in plain[1:] or plain)
        share = max(len(pairs & held) / len(pairs) for held in sentence_pairs)
        best = max(best, share if share >= _HALF else 0.0)
    return best


def _called(shot: Shot, plain: Sequence[str]) -> float:
    """Up to CUED for the cue words that occur; longer ones say more, one character says nothing."""
    found = [len(cue) for cue in map(_letters, shot.cues) if len(cue) > 1 and any(cue in part for part in plain)]
    return CUED * min(1.0, sum(min(size, _SHORT) / _SHORT for size in sorted(found)[-2:]) * 0.75)


def _felt(shot: Shot, felt: Mapping[str, float]) -> float:
    return CUED * felt.get(label(shot.emotion), 0.0) if shot.emotion else 0.0


def _letters(text: str) -> str:
    """Letters and digits only, in one case: what two texts share whatever their marks and blanks."""
    return "".join(mark for mark in normalise(text) if mark.isalnum())


def shots_of(pack: Pack) -> tuple[Shot, ...]:
    """The pictures of a pack, in its order."""
    return tuple(
        Shot(
            tuple(dict.fromkeys(filter(None, (one.caption.zh, one.caption.en)))) or (one.emotion or one.file,),
            one.emotion, one.cues, one.portrait, one.neutral,
        )
        for one in pack.pictures
    )  # fmt: skip


def own_lines(pack: Pack) -> list[str]:
    """What the character says in the scenes, for `gallery` to calibrate on."""
    lines = (line for scene in pack.scenes for line in scene.lines)
    return [line.text for line in lines if line.kind == "speech" and line.text.strip() and pack.is_own(line.role)]


def gallery(
    shots: Sequence[Shot],
    lines: Sequence[str],
    *,
    names: Collection[str] = (),
    encoder: Encoder | None = None,
    stored: Mapping[str, np.ndarray] | None = None,
    task: Task,
) -> Gallery:
    """The gallery of a character, calibrated on their own `lines`: at the threshold half of those would show a picture.

    `stored` holds (m, dim) caption vectors by what made them, used as `shelf.shelve` does. Raises Cancelled.
    """
    described = [" ".join(dict.fromkeys((*shot.captions, *shot.cues))) for shot in shots]
    sample = [spoken_parts(line) for line in lines[:: max(1, len(lines) // _SAMPLE)][:_SAMPLE]]
    heard = [said[0] for said in sample if said]
    fingerprint = encoder.fingerprint if encoder else EMBEDDED
    if not shots:
        return Gallery((), np.zeros((0, 0), np.float32), fingerprint=fingerprint, names=tuple(names))
    kept = known_rows([shot.captions[0] for shot in shots], encoder, stored or {}, task) if encoder else None
    rows = _embedded(described, encoder, task) if kept is None else kept
    return calibrated(tuple(shots), rows, _embedded(heard, encoder, task), heard, fingerprint, tuple(names))


def calibrated(
    shots: tuple[Shot, ...], rows: Matrix, heard: Matrix, lines: Sequence[str], fingerprint: str, names: Collection[str]
) -> Gallery:
    """Centre, spread and threshold from (m, dim) caption vectors and the (n, dim) vectors of the character's lines."""
    if isinstance(rows, np.ndarray) and len(rows):
        captions = _unit(rows)
        captions = _unit(captions - captions.mean(axis=0)) if len(rows) > 2 else captions
        centre = _unit(heard).mean(axis=0) if len(heard) > 2 else np.zeros(rows.shape[1], np.float32)
    else:
        captions, centre = rows, None
    plain = Gallery(shots, captions, centre, fingerprint=fingerprint, names=names)
    each = np.array([plain.likeness(heard[at : at + 1]) for at in range(heard.shape[0])])
    if not each.size:
        return plain
    spread = max(1e-3, float(each.std()))
    scores = np.array([row / spread + words(shots, [line]) for row, line in zip(each, lines, strict=True)])
    scores[:, _quiet(shots)] = 0.0
    return Gallery(shots, captions, centre, spread, float(np.median(scores.max(axis=1))), fingerprint, names)


def _embedded(texts: Sequence[str], encoder: Encoder | None, task: Task) -> Matrix:
    return encoder.embed(texts, task) if encoder else hashed(texts, task)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
