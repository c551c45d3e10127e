"""From a table to a corpus: which column holds the texts, which the labels and titles, and what that would give.

Knows tables and the names people give to columns; knows nothing of vectors or of drawing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from apps.embedding.corpus import Corpus, flat, gathered
from models.documents import Table, text_column

_HEAD = 8  # rows in a preview
_LABEL_NAMES = frozenset(
    "label labels class category type tag topic sentiment polarity "
    "标签 类别 分类 类型 主题 情感 標籤 類別 分類 類型 主題".split()
)
_TITLE_NAMES = frozenset("title headline name 标题 题目 名称 標題 題目 名稱".split())


@dataclass(frozen=True, slots=True)
class Columns:
    """Indices of columns of a table; None where there is none of that kind."""

    text: int
    label: int | None = None
    title: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a table would give, before anything long has started."""

    rows: int
    texts: int  # different ones, told apart by label too
    empty: int  # rows without text
    repeated: int  # rows that say what an earlier row said
    longest: int  # characters
    head: tuple[tuple[str, ...], ...]  # the first rows of the table


def guessed(table: Table) -> Columns:
    """The columns that a visitor would most likely choose: the one of running text, and those named so."""
    text = text_column(table)
    return Columns(text, _named(table, _LABEL_NAMES, text), _named(table, _TITLE_NAMES, text))


def _named(table: Table, names: frozenset[str], text: int) -> int | None:
    for number, name in enumerate(table.columns):
        if number != text and name.lower().strip() in names:
            return number
    return None


def corpus_of(table: Table, columns: Columns) -> Corpus:
    """The texts of a table with labels, titles and all other columns; `lines` are rows of the table, from 1.

    White space in a text becomes one blank, embedded newlines included. Raises BadInput: empty_text, too_many_texts.
    """
    corpus = gathered(_pairs(table, columns))
    rows = [table.rows[line - 1] for line in corpus.lines]
    others = [at for at in range(len(table.columns)) if at not in (columns.text, columns.label, columns.title)]
    return replace(
        corpus,
        titles=() if columns.title is None else tuple(flat(row[columns.title]) for row in rows),
        columns={table.columns[at]: tuple(row[at] for row in rows) for at in others},
    )


def _pairs(table: Table, columns: Columns) -> Iterator[tuple[str, str]]:
    for row in table.rows:
        yield flat(row[columns.text]), "" if columns.label is None else flat(row[columns.label])


def preview(table: Table, columns: Columns) -> Preview:
    """Rows, different texts, empty and repeated rows, the longest text, the first rows. Raises as `corpus_of` does."""
    corpus = gathered(_pairs(table, columns))
    return Preview(
        rows=corpus.total,
        texts=len(corpus.texts),
        empty=corpus.empty,
        repeated=corpus.repeated,
        longest=max(map(len, corpus.texts)),
        head=tuple(table.rows[:_HEAD]),
    )
