"""The words that models are asked with: assets/prompts/<name>.<lang>.txt, and which model was trained on which.

Knows the families of the originals by the names of their adapters. A template's holes are {names}; what is put in is
never read as a template again.
"""

import re
from collections.abc import Mapping
from typing import Literal

from models.assets import read
from models.engine import GenOptions, Message, Voice
from models.errors import BadInput
from models.spec import Origin

Family = Literal["camelbell", "luotuo-qa", "alpaca", ""]

_FAMILIES: tuple[tuple[Family, re.Pattern[str]], ...] = (
    ("camelbell", re.compile(r"camel-?bell|tuoling|luotuoc", re.IGNORECASE)),
    ("luotuo-qa", re.compile(r"luotuo-?qa", re.IGNORECASE)),
    ("alpaca", re.compile(r"luotuo-lora|ft-luotuo|ft-.*-luotuo|mini-luotuo|alpaca", re.IGNORECASE)),
)
_HOLE = re.compile(r"\{(\w+)\}")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
MARGIN = 16  # tokens left free: texts joined may be cut into other tokens than texts apart
LEAST_ROOM = 64  # tokens; a model that leaves less for a text cannot be asked about it


def family(origin: Origin) -> Family:
    """Whose prompt a voice was trained on; "" for one that takes instructions in any words."""
    name = origin.adapter or f"{origin.engine} {origin.model}"
    return next((found for found, pattern in _FAMILIES if pattern.search(name)), "")


def language(text: str) -> str:
    """`en` for a text with many more Latin letters than Chinese characters, else `zh`."""
    sample = text[:4000]
    return "en" if len(_LATIN.findall(sample)) > 8 * len(_HAN.findall(sample)) else "zh"


def filled(name: str, values: Mapping[str, object]) -> str:
    """The shipped template `name` with its holes filled in, without the newline at the end of the file."""
    template = read("prompts", f"{name}.txt").removesuffix("\n")
    return _HOLE.sub(lambda hole: str(values[hole[1]]), template)


def room(voice: Voice, frame: str, options: GenOptions) -> int:
    """Tokens that are left for a text inside a prompt whose other words are `frame`. Raises BadInput for none."""
    reserved = min(options.max_new_tokens, voice.n_context // 2)
    left = voice.n_context - reserved - voice.count(frame) - _format_tokens(voice, options) - MARGIN
    if left < LEAST_ROOM:
        raise BadInput("too_long", limit=voice.n_context)
    return left


def _format_tokens(voice: Voice, options: GenOptions) -> int:
    """What the model's own chat format adds to one message."""
    return max(0, voice.final_prompt([Message("user", "。")], options).n_tokens - 1)
