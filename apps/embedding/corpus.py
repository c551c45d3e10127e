"""The texts of a map: one per line, cleaned, identical ones counted once, with an optional label after a tab.

Knows the visitor's text box and tables; knows nothing of vectors or of drawing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.documents import Table
from models.documents.encoding import clean
from models.errors import BadInput

MAX_TEXTS = 20_000  # different ones; beyond that the browser draws too slowly
_LABELLED = 0.8  # share of lines with exactly one tab from which on tabs mean labels


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Different texts in the order of their first lines. All four tuples are equally long."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]  # "" where there is none
    counts: tuple[int, ...]  # how many lines hold this text with this label
    lines: tuple[int, ...]  # number of the first of them, from 1
    empty: int = 0  # lines without text
    beyond: int = 0  # different texts that were left out because there were more than MAX_TEXTS
    wordless: int = 0  # different texts that were left out because no engine can compare them, such as “——”

    @property
    def repeated(self) -> int:
        """Lines that say what an earlier line said."""
        return sum(self.counts) - len(self.counts)

    @property
    def labelled(self) -> bool:
        """Whether any text has a label."""
        return any(self.labels)

    def keep(self, rows: Sequence[int]) -> "Corpus":
        """The corpus with only these rows; the others count as wordless."""
        return replace(
            self,
            texts=tuple(self.texts[row] for row in rows),
            labels=tuple(self.labels[row] for row in rows),
            counts=tuple(self.counts[row] for row in rows),
            lines=tuple(self.lines[row] for row in rows),
            wordless=self.wordless + len(self.texts) - len(rows),
        )


def read_lines(text: str) -> Corpus:
    """One text per line. If nearly every line holds exactly one tab, what follows it is the line's label.

    Raises BadInput when no line holds a text.

    >>> read_lines("骆驼\\n\\n沙漠\\n骆驼").counts
    (2, 1)
    """
    lines = clean(text).split("\n")
    filled = [line for line in lines if line.strip()]
    labelled = sum(_two_fields(line) for line in filled) >= _LABELLED * max(1, len(filled))
    first: dict[tuple[str, str], int] = {}
    counts: Counter[tuple[str, str]] = Counter()
    empty = 0
    for number, line in enumerate(lines, 1):
        said, label = _parted(line) if labelled else (_flat(line), "")
        if not said:
            empty += 1
            continue
        first.setdefault((said, label), number)
        counts[said, label] += 1
    return _corpus(first, counts, empty - (not lines[-1].strip()))  # the end of the last line is no line


def _corpus(first: dict[tuple[str, str], int], counts: Counter[tuple[str, str]], empty: int) -> Corpus:
    if not first:
        raise BadInput("empty_text")
    kept = list(first)[:MAX_TEXTS]
    return Corpus(
        texts=tuple(text for text, _ in kept),
        labels=tuple(label for _, label in kept),
        counts=tuple(counts[pair] for pair in kept),
        lines=tuple(first[pair] for pair in kept),
        empty=empty,
        beyond=len(first) - len(kept),
    )


def _two_fields(line: str) -> bool:
    """Whether a text, one tab and perhaps a label stand in the line; an indented line has no label."""
    return line.count("\t") == 1 and bool(line.partition("\t")[0].strip())


def _parted(line: str) -> tuple[str, str]:
    said, _, label = line.partition("\t")
    return _flat(said), _flat(label)


def _flat(text: str) -> str:
    """One blank for every white space, so that a text stays one line."""
    return " ".join(text.split())


def as_lines(table: Table, column: int, label: int | None) -> str:
    """A column of a table as lines for the text box, with another column as labels behind tabs.

    A table of one column is taken as it is, with the tabs that a text file may hold.
    """
    if len(table.columns) == 1:
        return "\n".join(_cell(row, 0).replace("\n", " ") for row in table.rows)
    lines = []
    for row in table.rows:
        text = _flat(_cell(row, column))
        lines.append(text if label is None or not text else f"{text}\t{_flat(_cell(row, label)) or '—'}")
    return "\n".join(lines)


def _cell(row: Sequence[object], column: int) -> str:
    return "" if column >= len(row) or row[column] is None else str(row[column])
