"""What becomes of a transformer's hidden states: the recipe that an embedder's folder describes, read from JSON alone.

Knows modules.json as sentence-transformers 2 to 6 writes it, plain encoders, and luotuo-bert. Knows a closed list of
parts and refuses every other: a class that a file names is never imported. Reads no weights and imports no torch.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from models.errors import ModelUnavailable

__all__ = ["ACTIVATIONS", "Dense", "Kind", "Pooling", "Recipe", "read_recipe"]

Kind = Literal["sentence-transformers", "luotuo-bert"]
Pooling = Literal["cls", "mean", "max", "lasttoken"]
POOLINGS: tuple[Pooling, ...] = ("cls", "mean", "max", "lasttoken")
SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid")  # of torch.nn
# How families that were trained otherwise than by the mean are pooled where no modules.json says so
KNOWN_POOLINGS: dict[str, Pooling] = {"bge": "cls", "qwen3-embedding": "lasttoken"}
SETTINGS = ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json")
# Silk-road's sentence head as its printed module shows it: the activation comes last, after `fc`
LUOTUO_HEAD = (("mlp.dense", "Identity"), ("mlp.fc", "Tanh"))


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer and its activation; the tensors are `<prefix>.weight` and `<prefix>.bias` of a folder."""

    folder: Path
    prefix: str
    activation: str  # one of ACTIVATIONS


@dataclass(frozen=True, slots=True)
class Recipe:
    """The transformer's folder, how its states become one vector, and the layers that follow."""

    transformer: Path
    pooling: tuple[Pooling, ...]  # several are put side by side
    head: tuple[Dense | Literal["normalize"], ...] = ()
    folders: tuple[Path, ...] = ()  # all that the vectors depend on lies directly in these
    window: int | None = None  # tokens; None where only the transformer knows
    lower: bool = False  # texts are lowered before they are cut into tokens
    query: str = ""  # what the folder itself wants before a search


def read_recipe(folder: Path, kind: Kind, name: str) -> Recipe:
    """The recipe of a folder; `name` is what it is called, for errors and for families that are known by it.

    Raises ModelUnavailable for a part that is not known here, or a description that cannot be read.
    """
    try:
        if kind == "luotuo-bert":
            head = tuple(Dense(folder, prefix, activation) for prefix, activation in LUOTUO_HEAD)
            return Recipe(folder, ("cls",), head, folders=(folder,))
        if (folder / "modules.json").is_file():
            return _described(folder, name)
        pooling = next((pooling for family, pooling in KNOWN_POOLINGS.items() if family in name.lower()), "mean")
        return _with_settings(Recipe(folder, (pooling,), folders=(folder,)), folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelUnavailable("weights_broken", name=f"{name}/modules.json") from error


def _described(folder: Path, name: str) -> Recipe:
    """The recipe in modules.json: one Transformer, one Pooling, then Dense and Normalize in any order."""
    parts = [(_kind_of(entry), _inside(folder, entry.get("path", ""))) for entry in _json(folder / "modules.json")]
    if [kind for kind, _ in parts[:2]] != ["Transformer", "Pooling"]:
        raise ModelUnavailable("embedder_part", name=name, part=" + ".join(kind for kind, _ in parts))
    (_, transformer), (_, pooling), *rest = parts
    told = _settings(transformer)
    if told.get("transformer_task", "feature-extraction") != "feature-extraction" or told.get("query_expansion"):
        raise ModelUnavailable("embedder_part", name=name, part=f"Transformer {told.get('transformer_task')}")
    head = tuple(_head(kind, path, name) for kind, path in rest)
    folders = (folder, *dict.fromkeys(path for _, path in parts if path != folder))
    return _with_settings(Recipe(transformer, _pooling(pooling, name), head, folders=folders), folder)


def _kind_of(entry: dict[str, Any]) -> str:
    return str(entry["type"]).rpartition(".")[2] if str(entry["type"]).startswith("sentence_transformers.") else "?"


def _inside(folder: Path, path: str) -> Path:
    """A folder of the embedder's own; a path that leads elsewhere is refused."""
    if path and Path(path).name != path:
        raise ValueError(f"{path} lies elsewhere")
    return folder / path if path else folder


def _pooling(folder: Path, name: str) -> tuple[Pooling, ...]:
    told = _json(folder / "config.json")
    modes = told.get("pooling_mode")
    if modes is None:  # until version 5 every mode had a switch of its own; their vectors stood in this order
        modes = [mode for switch, mode in SWITCHES.items() if told.get(switch)] or ["mean"]
    modes = [modes] if isinstance(modes, str) else modes
    if not set(modes) <= set(POOLINGS) or told.get("include_prompt") is False:
        raise ModelUnavailable("embedder_part", name=name, part=f"Pooling {' + '.join(map(str, modes))}")
    return tuple(modes)


def _head(kind: str, folder: Path, name: str) -> Dense | Literal["normalize"]:
    if kind == "Normalize":
        return "normalize"
    told = _json(folder / "config.json") if kind == "Dense" else {}
    place, _, activation = str(told.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")
    usual = told.get("module_input_name", "sentence_embedding") == "sentence_embedding" and not told.get("use_residual")
    if kind != "Dense" or not place.startswith("torch.nn") or activation not in ACTIVATIONS or not usual:
        raise ModelUnavailable("embedder_part", name=name, part=f"{kind} {activation if told else ''}".strip())
    return Dense(folder, "linear", activation)


def _settings(transformer: Path) -> dict[str, Any]:
    """What sentence-transformers keeps beside a transformer."""
    found = next((transformer / file for file in SETTINGS if (transformer / file).is_file()), None)
    return dict(_json(found)) if found else {}


def _with_settings(recipe: Recipe, folder: Path) -> Recipe:
    """With the window, the lower case and the query's prompt that the folder asks for."""
    told, prompts = _settings(recipe.transformer), folder / "config_sentence_transformers.json"
    query = (_json(prompts).get("prompts") or {}).get("query", "") if prompts.is_file() else ""
    window = told.get("max_seq_length")
    return replace(
        recipe,
        window=window if isinstance(window, int) and window > 0 else None,
        lower=told.get("do_lower_case") is True,
        query=query if isinstance(query, str) else "",
    )


def _json(path: Path) -> Any:  # noqa: ANN401  (whatever the file holds)
    return json.loads(path.read_text(encoding="utf-8"))
