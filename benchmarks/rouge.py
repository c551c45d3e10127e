"""Character ROUGE, the measure for Chinese summaries: F1 of shared characters, pairs, longest common subsequence.

White space is left out and letters are lower-cased; nothing else is normalised.
"""

from collections import Counter


def rouge(made: str, gold: str) -> tuple[float, float, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L, each 0 … 1.

    >>> rouge("骆驼说话", "骆驼")
    (0.6666666666666666, 0.5, 0.6666666666666666)
    """
    a, b = ("".join(text.split()).lower() for text in (made, gold))
    return _shared(a, b, 1), _shared(a, b, 2), _f1(_common_subsequence(a, b), len(a), len(b))


def _f1(hits: int, made: int, gold: int) -> float:
    return 2 * hits / (made + gold) if hits else 0.0


def _shared(a: str, b: str, n: int) -> float:
    x, y = (Counter(text[at : at + n] for at in range(len(text) - n + 1)) for text in (a, b))
    return _f1((x & y).total(), x.total(), y.total())


def _common_subsequence(a: str, b: str) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): one addition for each character of b."""
    places: dict[str, int] = {}
    for at, char in enumerate(a):
        places[char] = places.get(char, 0) | 1 << at
    full = (1 << len(a)) - 1
    row = full
    for char in b:
        held = row & places.get(char, 0)
        row = (row + held | row - held) & full
    return len(a) - row.bit_count()
