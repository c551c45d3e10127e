"""Reading a zip that may be hostile: members and sizes checked first, json and npy only, every value of known type.

Raises ValueError for what does not hang together; the caller turns that into a sentence. Knows nothing of maps.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from apps.embedding.corpus import Corpus
from apps.embedding.precomputed import MAX_NUMBERS, read_npy
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

MAX_JSON = 400 << 20  # bytes of one json member
MAX_UNPACKED = 4 << 30  # bytes of all members
_MEMBERS = 64
_FORMS = ("texts", "labels", "titles")


def expect(holds: object) -> None:
    """Raises ValueError unless it holds."""
    if not holds:
        raise ValueError("this does not hang together")


def strings(values: Iterable[Any]) -> tuple[str, ...]:
    """The values, all of them texts. Raises ValueError."""
    found = tuple(values)
    expect(all(type(value) is str for value in found))
    return found


def _counts(values: Any, least: int) -> tuple[int, ...]:  # noqa: ANN401
    expect(isinstance(values, list) and all(type(value) is int and least <= value < 1 << 40 for value in values))
    return tuple(values)


class Archive:
    """The members of an open zip."""

    def __init__(self, file: zipfile.ZipFile, name: str, task: Task) -> None:
        """Raises BadInput too_long, ValueError."""
        self._file, self._name, self._task = file, name, task
        members = file.infolist()
        expect(len(members) <= _MEMBERS and len({info.filename for info in members}) == len(members))
        if sum(info.file_size for info in members) > MAX_UNPACKED:
            raise BadInput("too_long", limit=f"{MAX_UNPACKED >> 30} GB")

    def json(self, name: str, kind: type) -> Any:  # noqa: ANN401
        """A json member of a known kind. Raises BadInput too_long, ValueError, KeyError, Cancelled."""
        self._task.check()
        info = self._file.getinfo(f"{name}.json")
        if info.file_size > MAX_JSON:
            raise BadInput("too_long", limit=f"{MAX_JSON >> 20} MB")
        found = json.loads(self._file.read(info).decode("utf-8"))
        expect(isinstance(found, kind))
        return found

    def check_version(self, about: Mapping[str, Any], form: str, version: int) -> None:
        """Raises BadInput project_version for files of a newer hub, ValueError for others."""
        given = about.get("version")
        expect(about.get("format") == form and type(given) is int and given >= 1)
        if given > version:
            raise BadInput("project_version", name=self._name, given=given, known=version)

    def array(self, name: str, kind: str, shape: tuple[int | None, ...]) -> "np.ndarray":
        """A finite npy member, `kind` f or i, of a shape in which None is any length.

        Raises BadInput (file_broken, too_long), ValueError, KeyError, Cancelled.
        """
        import numpy as np

        self._task.check()
        with self._file.open(f"{name}.npy") as file:
            found = read_npy(file, self._name, most=MAX_NUMBERS)
        expect(found.dtype.kind == kind and found.ndim == len(shape))
        expect(all(wanted is None or wanted == given for wanted, given in zip(shape, found.shape, strict=True)))
        expect(np.isfinite(found).all())
        return found


def corpus_from(about: Mapping[str, Any]) -> Corpus:
    """A corpus whose columns are equally long. Raises ValueError, KeyError, TypeError."""
    texts, labels, titles = (strings(_listed(about[name])) for name in _FORMS)
    counts, lines = _counts(about["counts"], 1), _counts(about["lines"], 1)
    columns = about["columns"]
    expect(isinstance(columns, dict) and len(columns) <= 1_000)
    others = {name: strings(_listed(cells)) for name, cells in columns.items()}
    n = len(texts)
    expect(all(len(part) == n for part in (labels, counts, lines, *others.values())) and len(titles) in (0, n))
    empty, wordless, total = _counts([about[name] for name in ("empty", "wordless", "total")], 0)
    return Corpus(texts, labels, counts, lines, titles, others, empty, wordless, total)


def _listed(about: Any) -> list[Any]:  # noqa: ANN401
    expect(isinstance(about, list))
    return about
