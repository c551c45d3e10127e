"""The servers that the owner of the hub names: the `[remote.NAME]` tables of <home>/models.toml.

    [remote.team]
    base_url = "http://10.0.0.7:8000/v1"
    model = "qwen3-8b"
    key_env = "TEAM_KEY"                             # the name of an environment variable, never the key itself
    private_ok = true                                # this machine and private networks may be asked
    adapters = ["camelbell-c"]                       # LoRA names that the server lists beside the model
    kind = "generate"                                # or "embed"

Every field is checked before a server is asked. Keys are read when a server is made and are never kept in a row;
nothing here asks the network or knows how a visitor names a server of their own.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from models.errors import BadInput, ModelUnavailable
from models.remote.address import base_url
from models.remote.server import RemoteServer
from models.rows import KEY, read_toml, table

__all__ = ["RemoteSpec", "connect", "remotes", "spec"]

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")  # capitals only: a key that was pasted here is then no name
NEEDED = ("base_url", "model")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_names(value: object) -> bool:
    """Whether it is a list of distinct names that can stand behind the + of a choice."""
    return isinstance(value, list) and all(map(_is_text, value)) and len(set(value)) == len(value)


CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "base_url": (_is_text, "text"),
    "model": (_is_text, "text"),
    "title": (_is_text, "text"),
    "key_env": (lambda value: isinstance(value, str) and bool(VARIABLE.fullmatch(value)), "A-Z 0-9 _"),
    "private_ok": (lambda value: isinstance(value, bool), "true, false"),
    "kind": (lambda value: value in ("generate", "embed"), "generate, embed"),
    "adapters": (_is_names, '["name", …]'),
}


@dataclass(frozen=True, slots=True)
class RemoteSpec:
    """One server of the owner's."""

    name: str
    base_url: str
    model: str
    title: str
    key_env: str = ""  # empty: the server wants no key
    private_ok: bool = False
    kind: Literal["generate", "embed"] = "generate"
    adapters: tuple[str, ...] = ()


def remotes(home: Path | None) -> dict[str, RemoteSpec]:
    """The servers of <home>/models.toml by name, in its order. Raises BadInput for a table that cannot be used."""
    path = home / "models.toml" if home is not None else None
    tables = read_toml(path) if path is not None and path.is_file() else {}
    rows = table("remote", tables.get("remote", {}))
    return {name: spec(name, table(name, fields)) for name, fields in rows.items()}


def spec(name: str, fields: Mapping[str, Any]) -> RemoteSpec:
    """The row of one table. Raises BadInput."""
    if not KEY.fullmatch(name):
        raise BadInput("row_value", row=name, field="key", value=name, allowed="a-z 0-9 . _ -")
    for field, value in fields.items():
        _check(name, field, value)
    for field in NEEDED:
        if field not in fields:
            raise BadInput("remote_missing", row=name, field=field)
    if fields.get("adapters") and fields.get("kind") == "embed":
        raise BadInput("row_value", row=name, field="adapters", value="…", allowed='kind = "generate"')
    given = {**fields, "adapters": tuple(fields.get("adapters", ()))}
    given["base_url"] = base_url(fields["base_url"], private_ok=fields.get("private_ok", False))
    return RemoteSpec(**{"title": fields["model"], **given, "name": name})


def connect(row: RemoteSpec) -> RemoteServer:
    """The server of a row, with the key that its variable holds now. Raises ModelUnavailable where it holds none."""
    key = os.environ.get(row.key_env, "") if row.key_env else ""
    if row.key_env and not key.strip():
        raise ModelUnavailable("remote_key_env", row=row.name, variable=row.key_env)
    return RemoteServer(row.base_url, key, row.model, private_ok=row.private_ok)


def _check(name: str, field: str, value: object) -> None:
    """Raises BadInput for a field that no server has, or a value of the wrong kind."""
    if field not in CHECKS:
        raise BadInput("row_field", row=name, field=field, allowed=", ".join(CHECKS))
    good, allowed = CHECKS[field]
    if not good(value):
        shown = "…" if field == "key_env" else value  # people paste the key itself there
        raise BadInput("row_value", row=name, field=field, value=shown, allowed=allowed)
