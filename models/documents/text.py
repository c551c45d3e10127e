"""A document as running text: txt, md, docx, pdf. Knows how words are laid out in those formats, and that a PDF breaks
its lines where the page ends; knows nothing of tables as data (see `table`).
"""

import logging
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from models.documents.encoding import clean, decode
from models.documents.gate import Watched, expect, expect_office, fetch, parsing, shown
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    from lxml.etree import _Element
    from pypdf import PdfReader

MAX_PAGES = 3000

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_UNREAD = {f"{_W}{name}" for name in ("pPr", "rPr", "del", "moveFrom")} | {_FALLBACK}  # layout, deleted, said twice
_MARKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}

# Kangxi radicals and ligatures that PDF fonts put in place of the characters people search for
_LOOKALIKE = re.compile("[\u2e9f\u2ef3\u2f00-\u2fd5\ufb00-\ufb06]")
_LINE_ENDS_THOUGHT = re.compile(r"[。！？!?…：:；;.]['\"”’」』）)]*$")
_CONTINUES = re.compile("[\u3400-\u9fff，。、；：？！”’」』）》a-z]")


def read_text(path: Path, task: Task) -> str:
    """The text of a txt, md, docx or pdf file, lines separated by \\n; another suffix is tried as plain text.

    Raises BadInput (file_type, file_broken, file_encoding, file_encrypted, file_scanned, file_empty, too_long),
    Cancelled, and OSError when the file itself cannot be opened.
    """
    data, name = fetch(path), shown(path)
    suffix = path.suffix.lower()
    if suffix == ".docx":
        text = docx(data, name, task)
    elif suffix == ".pdf":
        text = _pdf(data, name, task)
    else:
        text = plain(data, name, task)
    if not text.strip():
        raise BadInput("file_empty", name=name)
    return text


def plain(data: bytes, name: str, task: Task) -> str:
    """Bytes of a text file as clean text. Raises BadInput: file_type for a PDF or zip in disguise, file_encoding."""
    expect("", data, name)
    text = decode(data, task)
    if text is None:
        raise BadInput("file_encoding", name=name)
    return text


def docx(data: bytes, name: str, task: Task) -> str:
    """Paragraphs as lines, table rows as lines with tabs, in the order of the document."""
    expect_office("word/document.xml", data, name)
    from docx import Document

    with parsing(name):
        body = Document(Watched(data, task)).element.body
        return clean("\n".join(_blocks(body, task)))


def _blocks(element: "_Element", task: Task) -> Iterator[str]:
    """Texts of the paragraphs and table rows below `element`, those in content controls and insertions included.

    python-docx's own iterator sees only the direct children of the body. The depth of the recursion is bounded
    by libxml2, which refuses more than 256 levels.
    """
    for child in element:
        task.check()
        if child.tag == f"{_W}p":
            yield _inline(child)
        elif child.tag == f"{_W}tr":
            cells = [list(_blocks(cell, task)) for cell in child]
            yield "\t".join(" ".join(filter(None, cell)) for cell in cells if cell)  # no cell: properties of the row
        elif child.tag not in _UNREAD:
            yield from _blocks(child, task)


def _inline(element: "_Element") -> str:
    """Text of a paragraph or a part of it; a text box inside starts on a line of its own."""
    parts = []
    for child in element:
        if child.tag in (f"{_W}t", f"{_MATH}t"):
            parts.append(child.text or "")
        elif child.tag in _MARKS:
            parts.append(_MARKS[child.tag])
        elif child.tag not in _UNREAD:
            parts += ["\n" if child.tag == f"{_W}p" else "", _inline(child)]
    return "".join(parts)


def _pdf(data: bytes, name: str, task: Task) -> str:
    """Pages in order, one line break between them. Progress: one step a page."""
    expect("pdf", data, name)
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every oddity that it has overcome
    with parsing(name):
        reader = PdfReader(Watched(data, task))
        if reader.is_encrypted and not _unlocked(reader):
            raise BadInput("file_encrypted", name=name)
        pages = _pages(reader, task)
    if not any(page.strip() for page in pages):
        raise BadInput("file_scanned" if pages else "file_empty", name=name)
    return "\n".join(filter(None, pages))


def _unlocked(reader: "PdfReader") -> bool:
    """Whether the empty password opens it: then only printing or copying was restricted."""
    from pypdf.errors import DependencyError

    try:
        return bool(reader.decrypt(""))
    except DependencyError:  # AES needs a library that the hub does not ask for
        return False


def _pages(reader: "PdfReader", task: Task) -> list[str]:
    n_pages = len(reader.pages)
    if n_pages > MAX_PAGES:
        raise BadInput("too_long", limit=f"{MAX_PAGES} pages / 页")
    pages = []
    for number, page in enumerate(reader.pages):
        task.step(number / n_pages)
        text = page.extract_text(visitor_operand_before=lambda *_: task.check())
        pages.append(_unwrapped(clean(_LOOKALIKE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text))))
    return pages


def _unwrapped(page: str) -> str:
    """The page with sentences whole again: a full line that ends no thought is joined with the line that goes on.

    >>> print(_unwrapped("标题\\n骆驼是一种能在沙漠里走很远的路而不\\n用喝水的动物。"))
    标题
    骆驼是一种能在沙漠里走很远的路而不用喝水的动物。
    """
    lines = [line.strip() for line in page.strip().split("\n")]
    full = max(15, 0.8 * max(map(len, lines)))
    parts = lines[:1]
    for before, line in zip(lines, lines[1:], strict=False):
        goes_on = len(before) >= full and not _LINE_ENDS_THOUGHT.search(before) and _CONTINUES.match(line)
        if goes_on and before.endswith("-"):  # a word broken at the end of the line
            parts[-1] = before[:-1]
        elif not goes_on:
            parts.append("\n")
        elif before[-1:].isascii() and line[:1].isascii():
            parts.append(" ")
        parts.append(line)
    return "".join(parts)
