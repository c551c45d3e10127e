"""Words that a query and a text share: which of the query's count, and where they stand. Knows nothing of vectors."""

from collections.abc import Sequence

from models.embedded.text import tagged
from models.embedded.variants import simplify

_MOST_SPANS = 50  # marks in one text
_CONTENT = tuple("navsijltmgz")  # first letters of jieba's tags for words that carry meaning


def terms(query: str) -> tuple[str, ...]:
    """The query's words that carry meaning; all its words if none does, or itself if it has no words; none is empty.

    >>> terms("快递为什么这么慢")
    ('快递', '慢')
    """
    words = [word for word in tagged(comparable(query)) if word.text.strip() and word.text.isalnum()]
    content = [word.text for word in words if word.tag.startswith(_CONTENT) or word.tag == "eng"]
    return tuple(dict.fromkeys(content or [word.text for word in words] or comparable(query).split()))


def comparable(text: str) -> str:
    """Lower case, simplified characters, character for character, so that offsets stay those of the text."""
    lowered = text.lower()
    return simplify(lowered if len(lowered) == len(text) else text)


def spans(text: str, wanted: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where the terms stand in a comparable text; longer terms win where two overlap."""
    taken: list[tuple[int, int]] = []
    for term in sorted(wanted, key=len, reverse=True):
        at = text.find(term)
        while at >= 0 and len(taken) < _MOST_SPANS:
            end = at + len(term)
            if all(end <= low or high <= at for low, high in taken):
                taken.append((at, end))
            at = text.find(term, end)
    return tuple(sorted(taken))
