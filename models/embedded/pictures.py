"""Which picture of a character goes with a reply. Knows captions, cue words and what was shown lately; no pixels."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.embedded.text import normalise, sentences
from models.embedded.vectors import HashedEmbedder
from models.task import Task

_FLOOR = 0.09  # likeness under which no picture says anything about the reply
_CUE = 0.3  # for a cue that occurs word for word, and more for every character of it up to _LONG_CUE
_LONG_CUE = 6
_REPEAT = 0.12  # taken off the picture shown last; half of it off the one before, and so on
_STAGE = re.compile(r"[（(][^）)]{0,40}[）)]")
_MAX_SENTENCES = 40


def pick_picture(reply_text: str, pictures: Sequence[Mapping[str, Any]], recent: Sequence[int]) -> tuple[int, float]:
    """Index of the picture that fits best and its score (about 0 … 1); the neutral one, at 0, when none fits.

    `pictures` hold `caption` (text, or text by language), `cues`, `emotion`, and `neutral` for one of them; `recent`
    are the indices shown lately, newest last. The score is the best over the sentences of the reply, so one clear
    sentence decides and a long reply is not a blur. Raises ValueError for no pictures.
    """
    if not pictures:
        raise ValueError("no pictures to pick from")
    neutral = next((at for at, picture in enumerate(pictures) if picture.get("neutral")), 0)
    parts = _parts(reply_text)
    if not parts:
        return neutral, 0.0
    scores = np.maximum(_likeness(parts, pictures), _cued(parts, pictures))
    scores[neutral] = 0.0
    ranked = scores - _penalties(len(pictures), recent)
    best = int(ranked.argmax())
    return (best, float(scores[best])) if ranked[best] >= _FLOOR else (neutral, 0.0)


def _parts(reply: str) -> list[str]:
    """The sentences of a reply, and the stage directions in it, which tell more than any sentence."""
    directions = [found[1:-1] for found in _STAGE.findall(reply)]
    return [*directions, *(piece.text for piece in sentences(reply)[:_MAX_SENTENCES])]


def _likeness(parts: Sequence[str], pictures: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(pictures,) best cosine of any part of the reply with caption and cues together."""
    embedder = HashedEmbedder()
    described = [" ".join((*_captions(picture), *_cues(picture))) for picture in pictures]
    cosines = embedder.sparse(parts, Task()) @ embedder.sparse(described, Task()).T
    return np.asarray(cosines.max(axis=0).todense(), dtype=np.float64).ravel()


def _cued(parts: Sequence[str], pictures: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(pictures,) for cues that occur word for word: longer ones say more, one-character ones nothing."""
    whole = normalise(" ".join(parts))
    return np.array([sum(sorted(_cue_scores(whole, picture))[-2:]) for picture in pictures], np.float64)


def _cue_scores(whole: str, picture: Mapping[str, Any]) -> list[float]:
    found = [cue for cue in _cues(picture) if len(cue) > 1 and normalise(cue) in whole]
    return [_CUE * (0.4 + 0.6 * min(len(cue), _LONG_CUE) / _LONG_CUE) for cue in found]


def _captions(picture: Mapping[str, Any]) -> list[str]:
    caption = picture.get("caption", "")
    return list(caption.values()) if isinstance(caption, Mapping) else [str(caption)]


def _cues(picture: Mapping[str, Any]) -> list[str]:
    return [str(cue) for cue in picture.get("cues", ())]


def _penalties(count: int, recent: Sequence[int]) -> np.ndarray:
    """(count,) what is taken off pictures shown lately."""
    penalties = np.zeros(count)
    for age, at in enumerate(reversed(recent)):
        if 0 <= at < count:
            penalties[at] = max(penalties[at], _REPEAT / (1 + age))
    return penalties
