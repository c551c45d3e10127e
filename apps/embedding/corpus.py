"""The texts of a map: cleaned, identical ones counted once, with label, title and whatever else a table says of them.

Knows the visitor's text box; tables come in through `columns`. Knows nothing of vectors or of drawing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.documents.encoding import clean
from models.errors import BadInput

MAX_TEXTS = 200_000  # different ones; their vectors, map and search were measured to stay below 8 GB
_LABELLED = 0.8  # share of lines with exactly one tab from which on tabs mean labels


@dataclass(frozen=True, eq=False)  # no slots: the index for search hangs on it by a weak reference
class Corpus:
    """Different texts in the order of their first lines. All tuples, those of `columns` too, are equally long."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]  # "" where there is none
    counts: tuple[int, ...]  # how many lines hold this text with this label
    lines: tuple[int, ...]  # number of the first of them, from 1
    titles: tuple[str, ...] = ()  # () when there is no column of titles
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what else stood in the first of the lines
    empty: int = 0  # lines without text
    wordless: int = 0  # different texts that were left out because no engine can compare them, such as “——”
    total: int = 0  # lines or rows that were given, empty ones included

    @property
    def repeated(self) -> int:
        """Lines that say what an earlier line said."""
        return sum(self.counts) - len(self.counts)

    @property
    def labelled(self) -> bool:
        """Whether any text has a label."""
        return any(self.labels)

    def title(self, row: int) -> str:
        """The title of a text, "" without one."""
        return self.titles[row] if self.titles else ""

    def keep(self, rows: Sequence[int]) -> "Corpus":
        """The corpus with only these rows; the others count as wordless."""
        if len(rows) == len(self.texts):
            return self

        def kept(values: tuple) -> tuple:
            return tuple(values[row] for row in rows) if values else ()

        return replace(
            self,
            texts=kept(self.texts), labels=kept(self.labels), counts=kept(self.counts), lines=kept(self.lines),
            titles=kept(self.titles), columns={name: kept(cells) for name, cells in self.columns.items()},
            wordless=self.wordless + len(self.texts) - len(rows),
        )  # fmt: skip


def read_lines(text: str) -> Corpus:
    """One text per line. If nearly every line holds exactly one tab, what follows it is the line's label.

    Raises BadInput when no line holds a text, or more than MAX_TEXTS different ones come.

    >>> read_lines("骆驼\\n\\n沙漠\\n骆驼").counts
    (2, 1)
    """
    lines = clean(text).split("\n")
    if not lines[-1].strip():
        lines.pop()  # the end of the last line is no line
    filled = [line for line in lines if line.strip()]
    labelled = sum(_two_fields(line) for line in filled) >= _LABELLED * max(1, len(filled))
    return gathered(_parted(line) if labelled else (flat(line), "") for line in lines)


def gathered(pairs: Iterable[tuple[str, str]]) -> Corpus:
    """A corpus of (text, label), both flat; pairs without text are empty, the same pair again raises its count.

    Raises BadInput: empty_text, too_many_texts.
    """
    first: dict[tuple[str, str], int] = {}
    counts: Counter[tuple[str, str]] = Counter()
    empty = number = 0
    for number, pair in enumerate(pairs, 1):
        if not pair[0]:
            empty += 1
            continue
        first.setdefault(pair, number)
        counts[pair] += 1
    if not first:
        raise BadInput("empty_text")
    if len(first) > MAX_TEXTS:
        raise BadInput("too_many_texts", count=len(first), limit=MAX_TEXTS)
    texts, labels = zip(*first, strict=True)
    return Corpus(
        texts, labels, tuple(map(counts.__getitem__, first)), tuple(first.values()), empty=empty, total=number
    )


def _two_fields(line: str) -> bool:
    """Whether a text, one tab and perhaps a label stand in the line; an indented line has no label."""
    return line.count("\t") == 1 and bool(line.partition("\t")[0].strip())


def _parted(line: str) -> tuple[str, str]:
    said, _, label = line.partition("\t")
    return flat(said), flat(label)


def flat(text: str) -> str:
    """One blank for every white space, so that a text stays one line."""
    return " ".join(text.split())
