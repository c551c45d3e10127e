"""Candidate answers: runs of words of one sentence, each with its features as rows of the weight table.

Knows which spans are worth looking at. Knows nothing of the weights themselves.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.embedded.reader.features import span_codes
from models.embedded.reader.page import Page
from models.embedded.reader.passage import Ranked
from models.embedded.reader.question import HEADS, KINDS, Question
from models.embedded.reader.shape import CLAUSE_END, NOT_FIRST, NOT_LAST, Runs
from models.embedded.reader.table import (
    BORDER,
    BORDER_BY_KIND,
    FAR_EDGES,
    FIRST_ROW,
    N_CHARS,
    N_CLASSES,
    N_KINDS,
    N_TAGS,
    QUESTION,
    SPAN,
    SPAN_BY_KIND,
)

MAX_SPAN: Final = 15  # words; longer spans must start or end with a clause
MAX_LONG: Final = 60  # words


@dataclass(frozen=True, slots=True)
class Candidates:
    """n spans over t places; rows are numbers in the weight table, base features before crossed ones."""

    first: np.ndarray  # (n,) place of the first word
    last: np.ndarray  # (n,) place of the last word
    start_rows: np.ndarray  # (t, …) features of a place as the first word of a span
    end_rows: np.ndarray  # (t, …) the same as the last word
    span_rows: np.ndarray  # (n, …)
    start_dense: np.ndarray  # (t, 4) real numbers
    end_dense: np.ndarray  # (t, 4)
    span_dense: np.ndarray  # (n, 8)


def enumerate_spans(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """First and last places of all candidate spans, each (n,)."""
    starts = np.flatnonzero((page.sentence >= 0) & ~NOT_FIRST[page.tag])
    first = np.repeat(starts, MAX_SPAN)
    last = first + np.tile(np.arange(MAX_SPAN), len(starts))
    keep = last < len(page.tag)
    first, last = first[keep], last[keep]
    keep = (page.sentence[last] == page.sentence[first]) & ~NOT_LAST[page.tag[last]]
    long_first, long_last = _long_spans(page, starts)
    return np.concatenate([first[keep], long_first]), np.concatenate([last[keep], long_last])


def _long_spans(page: Page, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans beyond MAX_SPAN words: from a clause's start to a clause's end, or within one clause to its end."""
    ends = np.flatnonzero((page.sentence >= 0) & ~NOT_LAST[page.tag] & CLAUSE_END[np.append(page.tag[1:], 0)])
    low, high = starts[:, None], ends[None]
    opens = CLAUSE_END[page.tag[starts - 1]][:, None]
    good = (high - low >= MAX_SPAN) & (high - low < MAX_LONG) & (page.sentence[low] == page.sentence[high])
    good &= opens | (page.clause[low] == page.clause[high])
    at_low, at_high = np.nonzero(good)
    return starts[at_low], ends[at_high]


def describe(page: Page, question: Question, ranked: list[Ranked], source: int) -> Candidates:
    """All candidates of a page with their features; `source` is the style of answer, see table.SOURCES."""
    first, last = enumerate_spans(page)
    kind, head = KINDS.index(question.kind), HEADS.index(question.head_class)
    codes, dense = span_codes(Runs(page, first, last), question, ranked)
    asked = (kind, head, source, _wh_at(question), min(5, len(question.content)))
    rows = [FIRST_ROW[name] + codes[name] for name in SPAN]
    rows += [np.full(len(first), FIRST_ROW[name] + code) for name, code in zip(QUESTION, asked, strict=True)]
    rows += [FIRST_ROW[f"kind*{name}"] + kind * SPAN[name] + codes[name] for name in SPAN_BY_KIND]
    rows += [FIRST_ROW[name] + code for name, code in _crossed(page, first, last, codes, asked).items()]
    return Candidates(
        first,
        last,
        _border(page, "s", -1, kind, head),
        _border(page, "e", 1, kind, head),
        np.stack(rows, axis=1).astype(np.int32),
        page.mass_before,
        page.mass_after,
        dense,
    )


def _crossed(
    page: Page, first: np.ndarray, last: np.ndarray, codes: dict[str, np.ndarray], asked: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Codes (n,) for every name in table.CROSSED, in its order."""
    kind, head, source = asked[:3]
    return {
        "head*class": head * N_CLASSES + codes["class"],
        "head*chars": head * N_CHARS + codes["chars"],
        "source*chars": source * N_CHARS + codes["chars"],
        "source*clause": source * SPAN["clause"] + codes["clause"],
        "source*kind*chars": (source * N_KINDS + kind) * N_CHARS + codes["chars"],
        "tags": page.tag[first] * N_TAGS + page.tag[last],
        "around": page.tag[first - 1] * N_TAGS + page.tag[last + 1],
        "class*rank": codes["class"] * SPAN["rank"] + codes["rank"],
    }


def _wh_at(question: Question) -> int:
    """0 the wh-word opens the question, 1 stands inside, 2 ends it, 3 there is none."""
    if question.wh_start == len(question.source):
        return 3
    return 0 if question.wh_start == 0 else 2 if question.wh_end == len(question.source) else 1


def _border(page: Page, side: str, out: int, kind: int, head: int) -> np.ndarray:
    """Rows for each place as the border of a span; `out` is the step that leaves the span, -1 or 1."""
    distances, fit = (page.before, page.left_fit) if out < 0 else (page.after, page.right_fit)
    far = np.searchsorted(FAR_EDGES, distances)
    codes = {
        **{"tag0": page.tag, "tag-": _shift(page.tag, out), "tag--": _shift(page.tag, 2 * out)},
        "tag+": _shift(page.tag, -out),
        **{"fn-": _shift(page.function, out), "fn0": page.function, "fn--": _shift(page.function, 2 * out)},
        **{"m0": page.match, "m-": _shift(page.match, out), "m--": _shift(page.match, 2 * out)},
        "fit": fit,
        **{name: far[:, at] for at, name in enumerate(("l1", "r1", "l2", "r2"))},
        "depth": np.minimum(page.depth, 2),
    }
    rows = [FIRST_ROW[side + name] + codes[name] for name in BORDER]
    rows += [FIRST_ROW[f"kind*{side}{name}"] + kind * BORDER[name] + codes[name] for name in BORDER_BY_KIND]
    rows.append(FIRST_ROW[f"{side}fn-*tag0"] + codes["fn-"] * N_TAGS + page.tag)
    rows.append(FIRST_ROW[f"{side}head*tag0"] + head * N_TAGS + page.tag)
    return np.stack(rows, axis=1).astype(np.int32)


def _shift(codes: np.ndarray, by: int) -> np.ndarray:
    """codes[i + by], zero beyond the ends."""
    moved = np.zeros_like(codes)
    if by > 0:
        moved[:-by] = codes[by:]
    else:
        moved[-by:] = codes[:by]
    return moved
