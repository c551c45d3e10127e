"""The form in which the reader looks at a text: simplified characters, lower case, every offset unchanged."""

import re
from typing import Final

from models.embedded.variants import simplify

# Where folding one character at a time would spoil a common word: 著名 and 甚至 are simplified already.
_KEPT: Final = re.compile(r"著(?=[名作称稱书書录錄述者有])|(?<=[编編所名原专專巨合])著|甚(?![麼么])")


def plain(text: str) -> str:
    """Same length as `text`; lower case only where that keeps the length.

    >>> plain("誰是著名的QA專家？")
    '谁是著名的qa专家？'
    """
    folded = simplify(text)
    kept = [match.start() for match in _KEPT.finditer(text)]
    if kept:
        chars = list(folded)
        for at in kept:
            chars[at] = text[at]
        folded = "".join(chars)
    lower = folded.lower()
    return lower if len(lower) == len(folded) else folded
