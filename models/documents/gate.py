"""The gate an upload passes before a parser sees it: size, real kind, unpacked size, a name fit for a message.

Knows the first bytes of files and the directory of a zip; knows nothing of the text inside.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from models.errors import BadInput, HubError
from models.task import Task

MAX_BYTES = 20 * 2**20  # of the uploaded file
MAX_UNPACKED = 200 * 2**20  # declared size of all members of a docx or xlsx; zipfile never unpacks more than declared
MAX_NAME = 40  # characters of a file name in a message

Kind = Literal["pdf", "zip", "ole", "other", ""]

_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # a zip without members
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),  # doc, xls, ppt, and encrypted docx or xlsx
    (b"{\\rtf", "other"),
    (b"\x89PNG", "other"),
    (b"\xff\xd8\xff", "other"),  # jpeg
    (b"GIF8", "other"),
    (b"\x1f\x8b", "other"),  # gzip
    (b"Rar!", "other"),
    (b"7z\xbc\xaf\x27\x1c", "other"),
    (b"SQLite format 3", "other"),
    (b"\x7fELF", "other"),
)
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")  # the stream of an OLE file that holds a locked docx, xlsx


class Watched(io.BytesIO):
    """The bytes of an upload; a parser that reads from it stops as soon as the visitor does."""

    def __init__(self, data: bytes, task: Task) -> None:
        super().__init__(data)
        self._task = task

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads as BytesIO does. Raises Cancelled."""
        self._task.check()
        return super().read(size)


def shown(path: Path) -> str:
    """The base name as a message shows it: at most MAX_NAME characters, without control marks and surrogates.

    >>> shown(Path("folder") / ("骆" * 50 + ".txt")) == "骆" * 39 + "…"
    True
    """
    name = "".join(char if char.isprintable() else "?" for char in path.name)
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def fetch(path: Path) -> bytes:
    """All bytes of the file. Raises BadInput: too_long, file_empty."""
    if path.stat().st_size > MAX_BYTES:
        raise BadInput("too_long", limit=f"{MAX_BYTES >> 20} MB")
    data = path.read_bytes()
    if not data:
        raise BadInput("file_empty", name=shown(path))
    return data


def kind(data: bytes) -> Kind:
    """What the first bytes say the file is; "" for text and for what is not known."""
    return next((found for prefix, found in _SIGNATURES if data.startswith(prefix)), "")


def expect(wanted: Kind, data: bytes, name: str) -> None:
    """Raises BadInput unless the content is of the kind that the suffix promised: file_type, file_broken, …"""
    found: Kind = "pdf" if wanted == "pdf" and b"%PDF-" in data[:1024] else kind(data)
    if found == wanted:
        return
    if wanted == "zip" and found == "ole" and _ENCRYPTED_PACKAGE in data:
        raise BadInput("file_encrypted", name=name)
    raise BadInput("file_type" if found else "file_broken", name=name)


def expect_office(member: str, data: bytes, name: str) -> None:
    """Raises BadInput unless this is a zip of bearable size that holds `member`, the main part of the format."""
    expect("zip", data, name)
    with parsing(name), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    if any(info.flag_bits & 1 for info in members):
        raise BadInput("file_encrypted", name=name)
    if sum(info.file_size for info in members) > MAX_UNPACKED:
        raise BadInput("too_long", limit=f"{MAX_UNPACKED >> 20} MB")
    if member not in {info.filename for info in members}:
        raise BadInput("file_type", name=name)


@contextmanager
def parsing(name: str) -> Iterator[None]:
    """Parsers of damaged files raise almost anything; here it becomes BadInput file_broken."""
    try:
        yield
    except (HubError, MemoryError):
        raise
    except Exception as error:
        raise BadInput("file_broken", name=name) from error
