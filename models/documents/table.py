"""A file as rows of cells: txt, csv, tsv, xlsx, json, jsonl, parquet. Knows how rows are written in
those formats (see `header` for where their names come from); knows nothing of what the columns mean, except which one
looks like running text.
"""

import csv
import io
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.documents.encoding import clean
from models.documents.gate import MAX_BYTES, MAX_UNPACKED, Watched, expect_office, fetch, kind, parsing, shown
from models.documents.header import has_header
from models.documents.text import plain
from models.errors import BadInput
from models.task import Task

MAX_ROWS = 200_000  # rows of data
MAX_CELLS = 5_000_000  # rows × columns after padding, so that one very wide row cannot fill the memory

_DELIMITERS = (",", "\t", ";", "|")
_ONE_COLUMN = "\x1f"  # a delimiter that clean text never holds
_SAMPLE_ROWS = 200
_PARQUET_ROWS = 256  # unpacked at a time
# What a reader would count: a CJK character or a word between blanks; not digits, links or hashes
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|(?<!\S)[^\W\d_][^\W\d_'’-]*[,.!?;:]?(?!\S)")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal width, cells as text. Without a header in the file the columns are called "1", "2", …"""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    header: bool  # whether the file itself named the columns


def read_table(path: Path, task: Task) -> Table:
    """The table in a txt (one line, one row), csv, tsv, xlsx, json, jsonl or parquet file; others are read as txt.

    Blank rows are left out, short ones padded, cells stripped. Raises BadInput (file_type, file_broken, file_encoding,
    file_encrypted, file_empty, file_line, too_long), Cancelled, and OSError when the file cannot be opened.
    """
    data, name = fetch(path), shown(path)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        table = _from_grid(_xlsx(data, name, task), task)
    elif suffix == ".parquet":
        table = _from_items(_parquet_items(data, name, task), task)
    elif suffix in (".csv", ".tsv"):
        table = _from_grid(_csv(plain(data, name, task), suffix, name), task)
    elif suffix in (".json", ".jsonl"):
        table = _from_items(_json_items(plain(data, name, task), suffix, name), task)
    else:
        lines = plain(data, name, task).split("\n")
        table = Table(("text",), [tuple(row) for row in _bounded(([line] for line in lines), task)], header=False)
    if not table.rows:
        raise BadInput("file_empty", name=name)
    return table


def text_column(table: Table) -> int:
    """Index of the column that most looks like running text: mean length in tokens × share of distinct cells."""

    def likeness(index: int) -> float:
        cells = [row[index] for row in table.rows[:_SAMPLE_ROWS]]
        tokens = sum(len(_TOKEN.findall(cell[:500])) + min(len(cell), 100) / 1000 for cell in cells)
        return tokens * len(set(cells))  # both means share the number of rows, which does not change the order

    return max(range(len(table.columns)), key=likeness, default=0)


def _bounded(rows: Iterable[Sequence[str]], task: Task) -> list[list[str]]:
    """The rows that hold something, cells clean and stripped, blank cells at the end cut off.

    Raises BadInput too_long at the first row beyond MAX_ROWS (and a header) or the first cell beyond MAX_CELLS.
    """
    kept: list[list[str]] = []
    n_cells = 0
    for number, row in enumerate(rows):
        if number % 256 == 0:
            task.check()
        cells = [clean(cell).strip() if cell else "" for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            kept.append(cells)
            n_cells += len(cells)
        _check_size(len(kept) - 1, n_cells)
    return kept


def _check_size(n_rows: int, n_cells: int) -> None:
    if n_rows > MAX_ROWS:
        raise BadInput("too_long", limit=f"{MAX_ROWS} rows / 行")
    if n_cells > MAX_CELLS:
        raise BadInput("too_long", limit=f"{MAX_CELLS} cells / 格")


def _from_grid(grid: Iterable[Sequence[str]], task: Task) -> Table:
    """A table from rows whose first one may be the header."""
    rows = _bounded(grid, task)
    if not rows:
        return Table((), [], header=False)
    width = max(map(len, rows))
    _check_size(len(rows) - 1, len(rows) * width)
    padded = [tuple(row) + ("",) * (width - len(row)) for row in rows]
    if not has_header(padded[: _SAMPLE_ROWS + 1]):
        _check_size(len(rows), 0)
        return Table(tuple(str(number + 1) for number in range(width)), padded, header=False)
    return Table(_distinct(padded[0]), padded[1:], header=True)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Column names with blanks numbered and repetitions told apart: they become choices in a menu."""
    taken: dict[str, None] = {}
    for number, name in enumerate(names, start=1):
        base = name or str(number)
        taken[base if base not in taken else f"{base} ({number})"] = None
    return tuple(taken)


def _csv(text: str, suffix: str, name: str) -> Iterator[list[str]]:
    """Rows of a csv; a quote that is opened and never closed is an ordinary character."""
    csv.field_size_limit(MAX_BYTES)
    delimiter = "\t" if suffix == ".tsv" else _delimiter(text)
    quoting = csv.QUOTE_NONE if _quote_stays_open(text, delimiter) else csv.QUOTE_MINIMAL
    with parsing(name):
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)


def _quote_stays_open(text: str, delimiter: str) -> bool:
    """Whether a strict reader trips over the quotes and their number is odd."""
    if text.count('"') % 2 == 0:
        return False
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error:
        return True
    return False


def _delimiter(text: str) -> str:
    """The delimiter under which most of the first rows are equally wide.

    csv.Sniffer is not used: with doubled quotes inside a cell it can take a comma for the "|" of the file.
    When nothing fits, a first line without any delimiter means one column.
    """
    best, best_share = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = Counter(_widths(text, delimiter))
        width, n_rows = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and n_rows / widths.total() > best_share:
            best, best_share = delimiter, n_rows / widths.total()
    first_line = text.lstrip().partition("\n")[0]
    lone = not any(delimiter in first_line for delimiter in _DELIMITERS)
    return _ONE_COLUMN if best_share < 0.8 and lone else best


def _widths(text: str, delimiter: str) -> Iterator[int]:
    """Numbers of cells in the first rows that are not blank."""
    reader = csv.reader(io.StringIO(text[: 1 << 18], newline=""), delimiter=delimiter)
    for row, _ in zip(filter(None, reader), range(_SAMPLE_ROWS), strict=False):
        yield len(row)


def _xlsx(data: bytes, name: str, task: Task) -> Iterator[list[str]]:
    """Rows of the first sheet that is not empty; formulas as their last computed value."""
    expect_office("xl/workbook.xml", data, name)
    from openpyxl import load_workbook

    with parsing(name), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and validations, which hold no data
        book = load_workbook(Watched(data, task), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # many programs write a wrong size into the file
            filled = False
            for row in sheet.iter_rows(values_only=True):
                filled = filled or any(cell is not None for cell in row)
                yield [_excel_text(cell) for cell in row]
            if filled:
                return


def _excel_text(value: object) -> str:
    """A cell as Excel would show it without a format: 15 digits, dates in ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return format(value, ".15g")
    return str(value).removesuffix(" 00:00:00").replace("_x000D_", "")


def _json_items(text: str, suffix: str, name: str) -> list[object]:
    """Items of a JSON list, of the only list in a JSON object, or of JSON lines. Raises BadInput file_line."""
    if suffix == ".jsonl":
        return _json_lines(text, name)
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # JSON lines under the name of .json
            return _json_lines(text, name)
        raise BadInput("file_line", name=name, line=error.lineno) from error
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, 100 000 open brackets
        raise BadInput("file_broken", name=name) from error
    lists = [value for value in whole.values() if isinstance(value, list)] if isinstance(whole, dict) else [whole]
    return lists[0] if len(lists) == 1 and isinstance(lists[0], list) else [whole]


def _json_lines(text: str, name: str) -> list[object]:
    items = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            items += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            raise BadInput("file_line", name=name, line=number) from error
    return items


def _from_items(items: list[object], task: Task) -> Table:
    """Objects give a column per key in the order of first sight; anything else goes into the column "text"."""
    records = [item if isinstance(item, dict) else {"text": item} for item in items]
    keys = dict.fromkeys(key for record in records for key in record)
    _check_size(len(records), len(records) * len(keys))
    rows = _bounded(([_json_text(record.get(key)) for key in keys] for record in records), task)
    padded = [tuple(row) + ("",) * (len(keys) - len(row)) for row in rows]
    named = any(isinstance(item, dict) for item in items)
    return Table(_distinct([clean(key) for key in keys]), padded, header=named)


def _parquet_items(data: bytes, name: str, task: Task) -> list[object]:
    """Rows of a parquet file as objects; lists and structures stay what they are, bytes that are no text are left out.

    The footer's sizes are checked first, and the unpacked characters while they come, since a dictionary can turn few
    bytes into many. Raises BadInput: file_type, file_broken, too_long.
    """
    if not data.startswith(b"PAR1"):
        raise BadInput("file_type" if kind(data) else "file_broken", name=name)
    with parsing(name):
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = pq.ParquetFile(pa.BufferReader(data))
        _check_size(file.metadata.num_rows, file.metadata.num_rows * file.metadata.num_columns)
        items: list[object] = []
        n_characters = 0
        for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
            task.check()
            columns = {key: [_plain_cell(cell) for cell in batch.column(key).to_pylist()] for key in batch.schema.names}
            n_characters += sum(len(cell) for cells in columns.values() for cell in cells)
            if n_characters > MAX_UNPACKED:
                raise BadInput("too_long", limit=f"{MAX_UNPACKED >> 20} MB")
            items += [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
        return items


def _plain_cell(value: object) -> str:
    """A parquet value as text: numbers as Excel writes them, dates in ISO 8601, lists and structures as JSON."""
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes):
        return value.decode("utf-8", "ignore")
    return _excel_text(value)


def _json_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
