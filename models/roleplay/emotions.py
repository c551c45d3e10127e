"""Which emotion a reply shows, by words that tell of it; enough to choose among the expressions of a card.

Knows the 28 labels of GoEmotions (Demszky et al. 2020), under which cards of SillyTavern name their expression
pictures, and further names in use for them. Counts cue words; understands neither irony nor negation.
"""

import json
from functools import lru_cache

from models.assets import read

# names that packs and cards use → the label they stand for
_ALIASES = {
    "happy": "joy", "smile": "joy", "laughing": "amusement", "laugh": "amusement", "angry": "anger", "mad": "anger",
    "sad": "sadness", "crying": "sadness", "surprised": "surprise", "shocked": "surprise", "scared": "fear",
    "shy": "embarrassment", "embarrassed": "embarrassment", "blush": "embarrassment", "confused": "confusion",
    "puzzled": "confusion", "thinking": "curiosity", "curious": "curiosity", "proud": "pride", "excited": "excitement",
    "annoyed": "annoyance", "bored": "annoyance", "sulky": "annoyance", "comforting": "caring", "warm": "caring",
    "nervous": "nervousness", "worried": "nervousness", "disgusted": "disgust", "loving": "love", "sorry": "remorse",
    "default": "neutral", "normal": "neutral", "content": "relief", "calm": "neutral", "determined": "optimism",
    "开心": "joy", "高兴": "joy", "生气": "anger", "愤怒": "anger", "悲伤": "sadness", "难过": "sadness",
    "惊讶": "surprise", "害羞": "embarrassment", "害怕": "fear", "平静": "neutral", "普通": "neutral", "得意": "pride",
}  # fmt: skip
_LONG = 4  # characters from which on a cue counts in full


def label(name: str) -> str:
    """The GoEmotions label that a picture's emotion stands for; its own name in lower case when none is known.

    >>> label("Happy"), label("joy_2"), label("stargazing")
    ('joy', 'joy', 'stargazing')
    """
    plain = name.strip().casefold().replace("-", "_")
    stem = plain.rstrip("0123456789").rstrip("_ ")
    return _ALIASES.get(stem, stem)


def emotions(reply: str) -> dict[str, float]:
    """Label → 0 … 1 for the emotions that the words of a reply tell of; empty when none do."""
    plain = reply.casefold()
    return {
        name: min(1.0, sum(min(len(cue), _LONG) / _LONG for cue in cues if cue in plain))
        for name, cues in _cues().items()
        if any(cue in plain for cue in cues)
    }


@lru_cache(maxsize=1)
def _cues() -> dict[str, tuple[str, ...]]:
    return {name: tuple(cues) for name, cues in json.loads(read("roleplay", "emotions.json")).items()}
