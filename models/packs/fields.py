"""JSON from a stranger: parsed within limits, and its fields taken only as what they should be.

A field of the wrong type is noted in the report and counts as absent; it never stops a reader. Knows no format.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from models.packs.lint import Lint
from models.packs.pack import Bilingual
from models.packs.reading import bilingual

__all__ = ["Fields", "parse_json", "to_json"]

MAX_LIST = 20_000  # entries of one list
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")  # half of a surrogate pair, most often with its other half
_HALF = re.compile("[\ud800-\udfff]")


def parse_json(text: str) -> Any:  # noqa: ANN401  (whatever JSON holds)
    """The value of a JSON text. Raises ValueError for anything else, too deep nesting and too long numbers included."""
    try:
        value = json.loads(text, parse_constant=lambda _: None)
        return _mended(value) if _ESCAPED.search(text) else value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _mended(value: Any) -> Any:  # noqa: ANN401
    """The value with U+FFFD for halves of surrogate pairs, which no file can hold."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(one) for key, one in value.items()}
    return value


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON as the hub writes it: letters as they are."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


class Fields:
    """The fields of one JSON object, each read by the type it should have; `rest` tells what nobody asked for."""

    def __init__(self, given: object, file: str, lint: Lint) -> None:
        self._given: Mapping[str, Any] = given if isinstance(given, dict) else {}
        self._file, self._lint, self._asked = file, lint, set[str]()
        if not isinstance(given, dict):
            lint.add("bad_field", file, excerpt=str(given)[:60])

    def __contains__(self, key: str) -> bool:
        return self._given.get(key) is not None

    def _take(self, key: str, kind: type | tuple[type, ...]) -> Any:  # noqa: ANN401
        self._asked.add(key)
        value = self._given.get(key)
        if value is None or (isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)):
            return value
        self._lint.add("bad_field", self._file, excerpt=key)
        return None

    def text(self, key: str) -> str:
        """A text; a number counts as one."""
        value = self._take(key, (str, int, float))
        return "" if value is None else str(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self._take(key, bool)
        return default if value is None else bool(value)

    def number(self, key: str, default: int = 0) -> int:
        """A whole number of bearable size."""
        value = self._take(key, (int, float))
        return int(value) if value is not None and abs(value) < 1e9 else default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one text with commas counts as a list of them. Empty ones are left out."""
        value = self._take(key, (list, str))
        listed = value.split(",") if isinstance(value, str) else value or []
        found = tuple(str(one) for one in listed[:MAX_LIST] if isinstance(one, str | int | float))
        if len(found) < len(listed):
            self._lint.add("bad_field", self._file, excerpt=key)
        return tuple(one for one in found if one.strip())

    def words(self, key: str) -> Bilingual:
        """A text in two languages: {"zh", "en"}, or one text in whichever it is."""
        value = self._take(key, (dict, str))
        if isinstance(value, str):
            return bilingual(value)
        zh, en = ((value or {}).get(lang) for lang in ("zh", "en"))
        return Bilingual(zh if isinstance(zh, str) else "", en if isinstance(en, str) else "")

    def mapping(self, key: str) -> dict[str, Any]:
        """An object."""
        return dict(self._take(key, dict) or {})

    def items(self, key: str) -> Iterator[tuple[int, Any]]:
        """The entries of a list with their index; those of an object with numbers or names as keys, in order."""
        value = self._take(key, (list, dict)) or []
        yield from enumerate(list(value.values() if isinstance(value, dict) else value)[:MAX_LIST])

    def rest(self) -> dict[str, Any]:
        """All fields that were not asked for, verbatim."""
        return {key: value for key, value in self._given.items() if key not in self._asked}
