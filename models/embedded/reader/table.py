"""The table of weights that features are rows of: which feature has which stretch of it.

Base features come first and also feed the hidden layer; crossed ones (with the kind of question, or tag with tag) have
one linear weight each. Changing anything here needs new weights: python -m benchmarks.train_reader.
"""

from typing import Final

import numpy as np

from models.embedded.reader.question import HEADS, KINDS
from models.embedded.reader.words import MATCHES, N_FUNCTIONS, TAGS

CLASSES: Final = (
    *("other", "date", "number", "amount", "person", "place", "organisation", "title", "quote", "latin", "nominal"),
    *("phrase", "list", "clause", "clauses", "name"),
)
N_KINDS, N_TAGS, N_HEADS, N_CLASSES = len(KINDS), len(TAGS), len(HEADS), len(CLASSES)
SOURCES: Final = 2  # annotation styles: 0 that of CMRC trial, 1 that of DRCD; shipped weights hold one mixed style in 0

WORD_BINS: Final = np.repeat(np.arange(15), [1] * 10 + [2, 3, 5, 10, 31])  # by number of words, 0 … 60
CHAR_EDGES: Final = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38, 50, 70])
FAR_EDGES: Final = np.array([0, 1, 2, 4, 7, 13, 60])  # characters
SHARE_EDGES: Final = np.array([0.001, 0.15, 0.3, 0.45, 0.6, 0.8])
N_CHARS, N_FAR, N_SHARE = len(CHAR_EDGES) + 1, len(FAR_EDGES) + 1, len(SHARE_EDGES) + 1

# Of a word as the first or last of a span; - is the next word outside, -- the one after that, + the next one inside.
BORDER: Final = {
    **dict.fromkeys(("tag0", "tag-", "tag--", "tag+"), N_TAGS),
    **dict.fromkeys(("fn-", "fn0", "fn--"), N_FUNCTIONS),
    **dict.fromkeys(("m0", "m-", "m--"), len(MATCHES)),
    "fit": 9,
    **dict.fromkeys(("l1", "r1", "l2", "r2"), N_FAR),
    "depth": 3,
}
BORDER_BY_KIND: Final = ("tag0", "tag-", "tag+", "fn-", "fn0", "m-", "m0", "fit", "l1", "r1")
SPAN: Final = {
    **{"words": 15, "chars": N_CHARS, "class": N_CLASSES, "head": 6, "unit": 3, "clause": 12, "pauses": 4, "verbs": 4},
    **{"inside": N_SHARE, "outside": N_SHARE, "balance": 3, "echo": 2, "rank": 8, "gap": N_SHARE + 1},
    **{"cover": N_SHARE, "order": 6, "repeat": 3, "uj": 3},
}
SPAN_BY_KIND: Final = (
    *("words", "chars", "class", "head", "unit", "clause", "pauses", "verbs", "inside", "outside", "rank", "cover"),
    *("balance", "uj", "repeat"),
)
QUESTION: Final = {"kind": N_KINDS, "head_class": N_HEADS, "source": SOURCES, "wh_at": 4, "n_content": 6}
CROSSED: Final = {
    "head*class": N_HEADS * N_CLASSES,
    "head*chars": N_HEADS * N_CHARS,
    "source*chars": SOURCES * N_CHARS,
    "source*clause": SOURCES * SPAN["clause"],
    "source*kind*chars": SOURCES * N_KINDS * N_CHARS,
    "tags": N_TAGS * N_TAGS,
    "around": N_TAGS * N_TAGS,
    "class*rank": N_CLASSES * SPAN["rank"],
}


def _base_sizes() -> dict[str, int]:
    borders = {side + name: size for side in "se" for name, size in BORDER.items()}
    return borders | SPAN | QUESTION


def _crossed_sizes() -> dict[str, int]:
    sizes: dict[str, int] = {}
    for side in "se":
        sizes |= {f"kind*{side}{name}": N_KINDS * BORDER[name] for name in BORDER_BY_KIND}
        sizes |= {f"{side}fn-*tag0": N_FUNCTIONS * N_TAGS, f"{side}head*tag0": N_HEADS * N_TAGS}
    return sizes | {f"kind*{name}": N_KINDS * SPAN[name] for name in SPAN_BY_KIND} | CROSSED


SIZES: Final = _base_sizes() | _crossed_sizes()
FIRST_ROW: Final = dict(zip(SIZES, np.cumsum([0, *SIZES.values()])[:-1].tolist(), strict=True))
N_BASE: Final = sum(_base_sizes().values())
N_ROWS: Final = sum(SIZES.values())
N_BORDER_BASE: Final = len(BORDER)
N_SPAN_BASE: Final = len(SPAN) + len(QUESTION)
BORDER_DENSE, SPAN_DENSE = 4, 8
START, END, WHOLE = slice(0, 4), slice(4, 8), slice(8, 16)  # where each part's real-valued features lie
N_DENSE: Final = 16
