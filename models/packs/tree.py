"""The files of a pack, from a folder or a zip, behind one face: names and bytes, within limits.

Knows how archives attack: names that climb out (zip slip), links, members that unpack to gigabytes, members without
number, encrypted ones, directories that lie. Nothing is ever unpacked to disk. Names of zips made by Chinese Windows
come as GBK in cp437; they are read as what they are. Knows nothing of what the files mean.
"""

import io
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.documents.gate import shown
from models.errors import BadInput, HubError
from models.packs.lint import Lint
from models.task import Task

__all__ = ["MAX_BYTES", "MAX_FILES", "MAX_MEMBER", "MAX_UNPACKED", "Tree", "folder_tree", "safe_name", "zip_tree"]

MAX_BYTES = 256 * 2**20  # of an upload
MAX_UNPACKED = 512 * 2**20  # of all files of a pack
MAX_MEMBER = 64 * 2**20  # of one of them
MAX_FILES = 20_000
MAX_RATIO = 400  # unpacked to packed; text of one letter reaches 1000, real packs 10
SMALL = 8 * 2**20  # under which the ratio does not matter
MAX_DEPTH, MAX_NAME = 12, 1_000
_CHUNK = 1 << 20
_HEADER = 30  # bytes before the name of a member
_NOISE = ("__MACOSX/", ".git/", "__pycache__/")
_NOISE_NAMES = {".DS_Store", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Tree:
    """Files by their name with / between the parts. `read` gives the bytes, `path` the place on disk if any."""

    title: str  # of the folder or zip, for messages and as a name for want of a better one
    sizes: Mapping[str, int]  # name → bytes
    _paths: Mapping[str, str] | None = None
    _members: Mapping[str, zipfile.ZipInfo] | None = None
    _archive: zipfile.ZipFile | None = None
    _data: bytes = b""  # of the archive

    def path(self, name: str) -> Path | None:
        """Where a file lies on disk; None inside a zip."""
        return Path(self._paths[name]) if self._paths is not None else None

    def read(self, name: str, task: Task) -> bytes:
        """The bytes of a file. Raises BadInput file_broken for a damaged member, Cancelled."""
        if self._paths is not None:
            task.check()
            with open(self._paths[name], "rb") as file:
                return file.read()
        assert self._members is not None and self._archive is not None
        task.check()
        data = _inflated(self._data, self._members[name])
        return _unpacked(self._archive, self._members[name], task) if data is None else data

    def below(self, base: str) -> "Tree":
        """The part of the tree in a folder, "" for the whole; names without the folder's."""
        if not base:
            return self
        prefix, title = f"{base}/", base.rsplit("/", 1)[-1]

        def cut(table: Mapping[str, object] | None) -> dict[str, object] | None:
            return table and {name[len(prefix) :]: v for name, v in table.items() if name.startswith(prefix)}

        return Tree(title, cut(self.sizes), cut(self._paths), cut(self._members), self._archive, self._data)  # type: ignore[arg-type]


def folder_tree(root: Path, lint: Lint) -> Tree:
    """The files below a folder; links are not followed. Raises BadInput too_many_files, too_long."""
    paths: dict[str, str] = {}
    sizes: dict[str, int] = {}
    _walk(str(root), "", paths, sizes, lint)
    _check_total(sizes.values())
    return Tree(root.name, dict(sorted(sizes.items())), paths)


def _walk(folder: str, prefix: str, paths: dict[str, str], sizes: dict[str, int], lint: Lint) -> None:
    for entry in os.scandir(folder):
        name = f"{prefix}{_decoded(os.fsencode(entry.name)) or entry.name}"
        if entry.is_symlink():
            lint.add("link", name)
        elif entry.is_dir(follow_symlinks=False):
            if f"{entry.name}/" not in _NOISE and name.count("/") < MAX_DEPTH:
                _walk(entry.path, f"{name}/", paths, sizes, lint)
        elif entry.is_file(follow_symlinks=False) and entry.name not in _NOISE_NAMES:
            size = entry.stat(follow_symlinks=False).st_size
            if size > MAX_MEMBER:
                lint.add("too_large", name, limit=f"{MAX_MEMBER >> 20} MB")
                continue
            paths[name], sizes[name] = entry.path, size
            if len(sizes) > MAX_FILES:
                raise BadInput("too_many_files", limit=MAX_FILES)


def zip_tree(data: bytes, title: str, lint: Lint) -> Tree:
    """The files of a zip. Raises BadInput: file_broken, file_encrypted, too_many_files, too_long, pack_bomb."""
    name = shown(Path(title))
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise BadInput("file_broken", name=name) from error
    if len(infos) > MAX_FILES:
        raise BadInput("too_many_files", limit=MAX_FILES)
    if any(info.flag_bits & 1 for info in infos):
        raise BadInput("file_encrypted", name=name)
    members = _members(infos, lint)
    _check_total(info.file_size for info in members.values())
    unpacked = sum(info.file_size for info in members.values())
    if unpacked > SMALL and unpacked > MAX_RATIO * len(data):
        raise BadInput("pack_bomb", name=name)
    sizes = {name: info.file_size for name, info in members.items()}
    return Tree(Path(title).stem, sizes, None, members, archive, data)


def _members(infos: list[zipfile.ZipInfo], lint: Lint) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        raw = _real_name(info)
        if raw.endswith(("/", "\\")):
            continue
        name = safe_name(raw)
        if stat.S_ISLNK(info.external_attr >> 16):
            lint.add("link", raw)
        elif name is None:
            lint.add("unsafe_name", raw)
        elif info.file_size > MAX_MEMBER:
            lint.add("too_large", raw, limit=f"{MAX_MEMBER >> 20} MB")
        elif not name.startswith(_NOISE) and name.rsplit("/", 1)[-1] not in _NOISE_NAMES:
            members[name] = info
    return dict(sorted(members.items()))


def _real_name(info: zipfile.ZipInfo) -> str:
    """The name as its maker wrote it: zipfile takes names without the UTF-8 flag for cp437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        written = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    return _decoded(written) or info.filename


def _decoded(written: bytes) -> str:
    """A name of unknown encoding; "" when it is neither UTF-8 nor GBK."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def safe_name(raw: str) -> str | None:
    """A name of a member as a relative path with /; None for one that climbs out, is absolute, or is no name at all.

    >>> safe_name("a\\\\b.txt"), safe_name("a/../../b"), safe_name("/etc/x"), safe_name("C:\\\\x"), safe_name("./a")
    ('a/b.txt', None, None, None, 'a')
    """
    name = raw.replace("\\", "/")
    if name.startswith("/") or len(name) > MAX_NAME:
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or len(parts) > MAX_DEPTH or parts[0][1:2] == ":":
        return None
    if not name.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        return None
    return "/".join(parts)


def _check_total(sizes: Iterable[int]) -> None:
    """Raises BadInput too_long when a pack unpacks to more than MAX_UNPACKED."""
    if sum(sizes) > MAX_UNPACKED:
        raise BadInput("too_long", limit=f"{MAX_UNPACKED >> 20} MB")


def _inflated(data: bytes, info: zipfile.ZipInfo) -> bytes | None:
    """A small deflated member, straight from the bytes of the archive: a pack has thousands of them, and zipfile takes
    longer to open one than to unpack it. None where anything is out of the ordinary, which zipfile then judges."""
    at = info.header_offset
    if info.compress_type != zipfile.ZIP_DEFLATED or info.file_size > _CHUNK or data[at : at + 4] != b"PK\3\4":
        return None
    if len(data) < at + _HEADER:
        return None
    n_name, n_extra = struct.unpack_from("<HH", data, at + 26)
    start = at + _HEADER + n_name + n_extra
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        made = machine.decompress(data[start : start + info.compress_size], info.file_size + 1)
    except zlib.error:
        return None
    return made if len(made) == info.file_size and zlib.crc32(made) == info.CRC else None


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, task: Task) -> bytes:
    """A member; never more than its directory entry declares, which is within the limits."""
    parts, n_bytes = [], 0
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):
                task.check()
                n_bytes += len(chunk)
                if n_bytes > info.file_size:
                    raise zipfile.BadZipFile("longer than declared")
                parts.append(chunk)
    except (HubError, MemoryError):
        raise
    except Exception as error:  # BadZipFile, zlib.error, LZMAError …: decompressors have no common ancestor
        raise BadInput("file_broken", name=shown(Path(info.filename))) from error
    return b"".join(parts)
