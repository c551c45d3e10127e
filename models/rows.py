"""The catalogue of neural models as this hub has it: the literal rows, the user's own, and what stands in for what.

Knows <home>/models.toml and local folders that transformers or PEFT saved. A row of the user's is checked field by
field before anything is loaded; code that comes with a model is never run, so there is no field that would allow it.

    [overrides]                                      # repository → repository or folder
    "decapoda-research/llama-7b-hf" = "~/models/llama-7b"
    [models.my-chat]                                 # `repo` on the model hub, or `folder` on this machine
    repo = "org/name"
    [adapters.my-voice]                              # `base` may be left out where adapter_config.json names it
    folder = "~/models/my-lora"

`[remote.NAME]` in the same file names servers; those tables are read by models/remote/settings.py.
Does not download: a row that names a repository has no bytes until `with_config` is given its config.json.
"""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.architecture import FAMILIES, context_length, kv_bytes_per_token, layout
from models.checkpoint import Tensor, is_adapter, read_config, tensors
from models.errors import BadInput, UnknownModel
from models.modelspec import CAPABILITIES, LOADERS, PROMPTS, AdapterSpec, ModelSpec
from models.neural import ADAPTERS, LIVING_COPIES, MODELS
from models.sizes import adapter_bytes, held_bytes
from models.spec import Precision

__all__ = ["KEY", "Catalogue", "catalogue", "local", "read_toml", "row", "table", "with_config"]

KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
REPO = re.compile(r"[\w.-]+/[\w.-]+")
TEXTS = ("title", "repo", "revision", "licence", "query", "base")
CHOICES = {"role": ("generate", "embed"), "prompt": PROMPTS, "load": LOADERS}
MODEL_FIELDS = ("repo", "folder", "title", "revision", "licence", "role", "prompt", "good_for", "context", "load")
FIELDS = {
    "models": (*MODEL_FIELDS, "query"),
    "adapters": ("base", "repo", "folder", "title", "revision", "licence", "prompt", "good_for"),
}
ENCODERS = ("bert", "xlm-roberta", "roberta")
LICENCE_UNKNOWN = "not stated"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every neural model and adapter of this hub, by key, and which repository stands in for which."""

    models: Mapping[str, ModelSpec]
    adapters: Mapping[str, AdapterSpec]
    overrides: Mapping[str, str]

    def model(self, key: str) -> ModelSpec:
        """The row of a model. Raises UnknownModel."""
        if key not in self.models:
            raise UnknownModel("unknown_model", name=key)
        return self.models[key]

    def adapters_of(self, base: str) -> tuple[AdapterSpec, ...]:
        """The adapters that speak through a base."""
        return tuple(adapter for adapter in self.adapters.values() if adapter.base == base)

    def base_of(self, name: str) -> str | None:
        """The key of the model that an adapter's `base_model_name_or_path` means, after the overrides."""
        living = _living(name, self.overrides)
        for spec in self.models.values():
            if living in (spec.key, spec.repo) or name in (spec.key, spec.repo):
                return spec.key
            if spec.folder is not None and _folder(living) == spec.folder:
                return spec.key
        return None

    def plus(self, spec: ModelSpec | AdapterSpec) -> "Catalogue":
        """The catalogue with one row more. Raises BadInput when the key is taken or an adapter's base is not here."""
        if spec.key in self.models or spec.key in self.adapters:
            raise BadInput("row_taken", row=spec.key)
        if isinstance(spec, ModelSpec):
            return replace(self, models={**self.models, spec.key: spec})
        base = self.base_of(spec.base)
        if base is None:
            raise BadInput("adapter_base", name=spec.key, base=spec.base)
        return replace(self, adapters={**self.adapters, spec.key: replace(spec, base=base)})


def catalogue(home: Path | None = None) -> Catalogue:
    """The literal rows and those of <home>/models.toml. Raises BadInput for a file or a row that cannot be used."""
    path = home / "models.toml" if home is not None else None
    tables = read_toml(path) if path is not None and path.is_file() else {}
    overrides = {**LIVING_COPIES, **_texts(tables.get("overrides", {}))}
    models = {spec.key: _moved(spec, overrides) for spec in MODELS}
    full = Catalogue(models, {spec.key: spec for spec in ADAPTERS}, overrides)
    for kind in ("models", "adapters"):
        for key, fields in table(kind, tables.get(kind, {})).items():
            full = full.plus(row(kind, key, table(key, fields)))
    return full


def row(kind: str, key: str, fields: Mapping[str, Any]) -> ModelSpec | AdapterSpec:
    """A row from the fields of models.toml or of the page; `kind` is models or adapters. Raises BadInput."""
    if not KEY.fullmatch(key):
        raise BadInput("row_value", row=key, field="key", value=key, allowed="a-z 0-9 . _ -")
    for name, value in fields.items():
        _check(key, name, value, FIELDS[kind])
    if ("repo" in fields) == ("folder" in fields):
        raise BadInput("row_missing", row=key, field="repo / folder")
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    if "folder" in given:
        folder = _folder(given.pop("folder"))
        if folder.is_dir() and is_adapter(folder) != (kind == "adapters"):
            raise BadInput("row_value", row=key, field="folder", value=fields["folder"], allowed=kind)
        return local(folder, key, **given)
    return _from_hub(kind, key, given)


def local(folder: Path, key: str = "", **given: Any) -> ModelSpec | AdapterSpec:  # noqa: ANN401
    """The row of a folder with weights, a base or an adapter, told apart by its own files. No network.

    `given` are fields of the row that are known better. Raises BadInput when the folder has no configuration, no
    weights, damaged ones, or needs code of its own.
    """
    config = read_config(folder)
    key = key or re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._")[:64] or "local"
    common: dict[str, Any] = {"key": key, "title": folder.name, "repo": folder.name, "folder": folder}
    common |= {"revision": "local", "licence": LICENCE_UNKNOWN}
    if is_adapter(folder):
        base = str(config.get("base_model_name_or_path") or "")
        fields = {**common, "base": base, "n_bytes": adapter_bytes(folder), "good_for": ("respond",)}
        return AdapterSpec(**{**fields, **given})
    return with_config(ModelSpec(**{**_UNREAD, **common, **given}), config)


def with_config(spec: ModelSpec, config: Mapping[str, Any]) -> ModelSpec:
    """The row with all that config.json tells: architecture, context, KV bytes, and bytes at every precision.

    Bytes stay unknown for a family that models/architecture.py has no words for, unless its weights lie in a folder.
    Raises BadInput when the model needs code of its own, which is never run, or local weights cannot be read.
    """
    kind = str(config.get("model_type", ""))
    if not kind or ("auto_map" in config and not _native(kind)):
        raise BadInput("model_code", name=spec.title, architecture=kind or "?")
    role = "embed" if kind in ENCODERS else spec.role
    entries = tensors(spec.folder) if spec.folder is not None else _layout(config)
    sizes = {precision: held_bytes(entries, config, precision, dtype="float16", role=role) for precision in Precision}
    return replace(
        spec,
        role=role,
        architecture=kind,
        n_bytes=sizes if entries else {},
        kv_bytes_per_token=0 if role == "embed" else _kv_bytes(config),
        context=spec.context or context_length(config),
        good_for=spec.good_for or _good_for(role),
        load=_loader(spec, role, entries),
        config=dict(config) if spec.folder is None and entries else {},
    )


_UNREAD: dict[str, Any] = {"architecture": "", "n_bytes": {}, "kv_bytes_per_token": 0, "context": 0, "good_for": ()}


def _layout(config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors that a configuration implies; none where the family or a number in it is not known."""
    try:
        return layout(config)
    except (KeyError, TypeError):
        return {}


def _kv_bytes(config: Mapping[str, Any]) -> int:
    try:
        return kv_bytes_per_token(config)
    except (KeyError, TypeError):
        return 0


def _loader(spec: ModelSpec, role: str, entries: Mapping[str, Tensor]) -> str:
    """Embedders go through sentence-transformers, those with luotuo-bert's head through its recipe."""
    if role != "embed" or spec.load != "transformers":
        return spec.load
    return "luotuo-bert" if "mlp.fc.weight" in entries else "sentence-transformers"


def _good_for(role: str) -> tuple[str, ...]:
    return ("embed",) if role == "embed" else tuple(name for name in CAPABILITIES if name != "embed")


def _from_hub(kind: str, key: str, given: dict[str, Any]) -> ModelSpec | AdapterSpec:
    if not REPO.fullmatch(given["repo"]):
        raise BadInput("row_value", row=key, field="repo", value=given["repo"], allowed="owner/name")
    common = {"key": key, "title": given["repo"], "revision": "main", "licence": LICENCE_UNKNOWN}
    if kind == "models":
        return ModelSpec(**{**_UNREAD, **common, **given})
    if "base" not in given:
        raise BadInput("row_missing", row=key, field="base")
    return AdapterSpec(**{**common, "n_bytes": 0, "good_for": ("respond",), **given})


def _check(key: str, name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raises BadInput for a field that no row has, or a value of the wrong kind."""
    if name not in allowed:
        raise BadInput("row_field", row=key, field=name, allowed=", ".join(allowed))
    expected = ""
    if name in CHOICES and value not in CHOICES[name]:
        expected = ", ".join(CHOICES[name])
    elif name == "good_for" and not (isinstance(value, list) and value and set(map(str, value)) <= set(CAPABILITIES)):
        expected = ", ".join(CAPABILITIES)
    elif name == "context" and not (isinstance(value, int) and 0 < value < 1 << 24):
        expected = "1 … 16777215"
    elif name in (*TEXTS, "folder") and not (isinstance(value, str) and (value.strip() or name == "query")):
        expected = "text"
    if expected:
        raise BadInput("row_value", row=key, field=name, value=value, allowed=expected)


def _moved(spec: ModelSpec, overrides: Mapping[str, str]) -> ModelSpec:
    """A literal row whose repository the user has put another repository or a folder in place of."""
    origins = [gone for gone, living in LIVING_COPIES.items() if living == spec.repo]
    target = next((_living(name, overrides) for name in (spec.repo, *origins) if name in overrides), spec.repo)
    if target == spec.repo:
        return spec
    if REPO.fullmatch(target) and not _folder(target).is_dir():
        return replace(spec, repo=target, revision="main")
    return replace(spec, repo=_folder(target).name, revision="local", folder=_folder(target))


def _living(name: str, overrides: Mapping[str, str]) -> str:
    """What a name stands for after every override; a circle ends where it began."""
    seen: set[str] = set()
    while name in overrides and name not in seen:
        seen.add(name)
        name = overrides[name]
    return name


def _native(kind: str) -> bool:
    """Whether transformers has the architecture itself, seen without importing it."""
    found = importlib.util.find_spec("transformers")
    places = found.submodule_search_locations if found else None
    return kind in FAMILIES or any((Path(at) / "models" / kind.replace("-", "_")).is_dir() for at in places or ())


def _folder(name: str) -> Path:
    return Path(name).expanduser().absolute()


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises BadInput when it is not TOML."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("rows_syntax", name=path.name, place=str(error)) from error


def table(name: str, value: object) -> dict[str, Any]:
    """The value, if it is a table. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput("row_value", row=name, field=name, value=value, allowed=f"[{name}]")
    return value


def _texts(value: object) -> dict[str, str]:
    texts = table("overrides", value)
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise BadInput("row_value", row="overrides", field=name, value=text, allowed="text")
    return texts
