"""What a run of words looks like from its tags alone: date, amount, person, title, list, clause …

Knows truth tables over tag codes. Knows nothing of questions or weights.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.embedded.reader.page import Page
from models.embedded.reader.table import CLASSES
from models.embedded.reader.words import TAG, TAGS


def _codes(names: str) -> np.ndarray:
    """A truth table over tag codes."""
    table = np.zeros(len(TAGS), bool)
    table[[TAG[name] for name in names.split()]] = True
    return table


NOT_FIRST: Final = _codes("comma pause stop colon semicolon close close_quote close_title u y mark percent dot pad")
NOT_LAST: Final = _codes("comma pause stop colon semicolon open open_quote open_title dot pad")
CLAUSE_END: Final = _codes("comma stop colon semicolon pad")
PAUSE: Final = _codes("pause")
VERB: Final = _codes("v")
OPEN: Final = _codes("open open_quote open_title")
CLOSE: Final = _codes("close close_quote close_title")
_TIME: Final = _codes("date digits numeral t dash m f")
_DATE: Final = _codes("date t")
_NUMBER: Final = _codes("digits numeral m percent dash")
_COUNT: Final = _codes("digits numeral m")
_UNIT: Final = _codes("q percent date")
_PERSON: Final = _codes("nr nrt dot x")
_SURNAMED: Final = _codes("nr nrt")
_PLACE: Final = _codes("ns s f")
_LATIN_RUN: Final = _codes("latin digits dash dot mark")
_LATIN: Final = _codes("latin")
_NAMELIKE: Final = _codes("nr nrt ns nt nz x latin dot n k j")
_NOMINAL: Final = _codes(
    "n nr nrt ns nt nz t s f m q vn a u k i l b j x latin digits numeral date dot dash open_title close_title "
    "open_quote close_quote mark percent unit"
)


@dataclass(frozen=True, slots=True)
class Runs:
    """n runs of words on a page, from place `first` to place `last`, both (n,) and included."""

    page: Page
    first: np.ndarray
    last: np.ndarray

    def count(self, values: np.ndarray) -> np.ndarray:
        """(n,) the sum over each run of a value that every place has."""
        sums = np.concatenate([[0], np.cumsum(values)])
        return sums[self.last + 1] - sums[self.first]

    def all_of(self, table: np.ndarray) -> np.ndarray:
        """(n,) whether every tag is in a truth table."""
        return self.count(table[self.page.tag]) == self.last - self.first + 1

    def any_of(self, table: np.ndarray) -> np.ndarray:
        """(n,) whether some tag is in a truth table."""
        return self.count(table[self.page.tag]) > 0


def classes(runs: Runs, one_clause: np.ndarray, pauses: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(n,) codes of CLASSES; where several rules hold, the later one wins."""
    a, b = runs.page.tag[runs.first], runs.page.tag[runs.last]
    nominal, short = runs.all_of(_NOMINAL), runs.last - runs.first < 4
    rules = (
        ("phrase", one_clause),
        ("nominal", nominal),
        ("list", (pauses > 0) & one_clause),
        ("clause", whole & one_clause),
        ("clauses", ~one_clause),
        ("name", runs.all_of(_NAMELIKE)),
        ("place", runs.all_of(_PLACE) | (nominal & ((b == TAG["ns"]) | (b == TAG["s"])))),
        ("organisation", nominal & (b == TAG["nt"])),
        ("person", runs.all_of(_PERSON) & runs.any_of(_SURNAMED)),
        ("latin", runs.all_of(_LATIN_RUN) & runs.any_of(_LATIN)),
        ("number", runs.all_of(_NUMBER) & runs.any_of(_COUNT)),
        ("amount", _NUMBER[a] & _UNIT[b] & short),
        ("date", runs.all_of(_TIME) & runs.any_of(_DATE)),
        ("title", (a == TAG["open_title"]) & (b == TAG["close_title"])),
        ("quote", (a == TAG["open_quote"]) & (b == TAG["close_quote"])),
    )
    found = np.zeros(len(a), int)
    for name, rule in rules:
        found[rule] = CLASSES.index(name)
    return found
