"""What of a repository a model needs, and whether all of it lies in the local cache already.

Knows the names that transformers, sentence-transformers and PEFT read, and the layout of the local hub cache
(models--owner--name with blobs, snapshots and refs). Asks no network and reads no weights.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from models.checkpoint import weight_files
from models.errors import BadInput
from models.modelspec import AdapterSpec, ModelSpec

__all__ = ["COMMIT", "config_name", "hub_cache", "local_folder", "needed", "repo_home", "snapshot"]

COMMIT = re.compile(r"[0-9a-f]{40}")
# Everything but weights that loading reads; what is not named here is never downloaded, above all no code
SETTINGS = re.compile(
    r"(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template"
    r"|modules|config_sentence_transformers|sentence_\w+_config)\.json"
    r"|vocab\.txt|merges\.txt|(?:tokenizer|spiece|spm|sentencepiece\.bpe)\.model|chat_template\.jinja"
)
TEMPLATES = re.compile(r"additional_chat_templates/[\w-]+\.jinja")
MODULE = re.compile(r"\d+_\w+")  # a folder of sentence-transformers: 1_Pooling, 2_Dense
FORMATS = (("model", "safetensors"), ("pytorch_model", "bin"))  # best first; only one of them is downloaded
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")


def hub_cache() -> Path:
    """The folder of the local hub cache: HF_HUB_CACHE, else what HF_HOME says."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repo_home(cache: Path, repo: str) -> Path:
    """The folder of one repository in the cache."""
    return cache / ("models--" + repo.replace("/", "--"))


def config_name(spec: ModelSpec | AdapterSpec) -> str:
    """The file that says what kind of model or adapter it is."""
    return "adapter_config.json" if isinstance(spec, AdapterSpec) else "config.json"


def needed(spec: ModelSpec | AdapterSpec, paths: Iterable[str]) -> list[str]:
    """Which files of a repository loading needs: settings first, then weights in the one best format.

    Without weights or configuration among `paths`, there are none in the answer.
    """
    there = set(paths)
    if isinstance(spec, AdapterSpec):
        weights = [f"adapter_model.{kind}" for _, kind in FORMATS if f"adapter_model.{kind}" in there][:1]
        return sorted(there & {"adapter_config.json"}) + weights
    folders: dict[str, set[str]] = {}
    for path in there:
        folder, _, name = path.rpartition("/")
        if not folder or MODULE.fullmatch(folder):
            folders.setdefault(folder and folder + "/", set()).add(name)
    settings = [at + name for at, names in folders.items() for name in names if SETTINGS.fullmatch(name)]
    settings += [path for path in there if TEMPLATES.fullmatch(path)]
    return sorted(settings) + [at + name for at, names in sorted(folders.items()) for name in _weights(names)]


def _weights(names: set[str]) -> list[str]:
    """The weight files of one folder, with their index where there are several."""
    for stem, kind in FORMATS:
        index = f"{stem}.{kind}.index.json"
        if f"{stem}.{kind}" in names:
            return [f"{stem}.{kind}"]
        if index in names:
            return [index, *sorted(name for name in names if re.fullmatch(rf"{stem}-\d+-of-\d+\.{kind}", name))]
    return []


def local_folder(spec: ModelSpec | AdapterSpec, cache: Path | None = None) -> Path | None:
    """Where the files of a model or adapter lie on this machine, or None: its own folder, else its snapshot in the
    hub cache, if that has all that loading needs. A revision that is a branch is what the cache last saw it as."""
    if spec.folder is not None:
        return spec.folder if spec.folder.is_dir() else None
    found = snapshot(cache or hub_cache(), spec.repo, spec.revision)
    return found if found is not None and _is_whole(spec, found) else None


def snapshot(cache: Path, repo: str, revision: str) -> Path | None:
    """The folder of a revision in the hub cache, whole or not."""
    home = repo_home(cache, repo)
    if not COMMIT.fullmatch(revision):
        ref = home / "refs" / revision
        revision = ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
    folder = home / "snapshots" / revision
    return folder if COMMIT.fullmatch(revision) and folder.is_dir() else None


def _is_whole(spec: ModelSpec | AdapterSpec, folder: Path) -> bool:
    """Whether configuration, tokenizer and every weight file are there; a link to a blob that is gone is not."""
    try:
        if isinstance(spec, AdapterSpec):
            return (folder / "adapter_config.json").is_file() and bool(weight_files(folder))
        first, *others = _modules(folder)
        tokenizer = any((at / name).is_file() for at in (first, folder) for name in TOKENIZERS)
        configs = all((at / "config.json").is_file() for at in (first, *others))
        weighted = (first, *(at for at in others if "Dense" in at.name))
        return tokenizer and configs and all(weight_files(at) for at in weighted)
    except (BadInput, OSError, ValueError, KeyError, TypeError):
        return False


def _modules(folder: Path) -> list[Path]:
    """The folders of a model's parts, the transformer first; a plain transformers model is its own only part."""
    if not (folder / "modules.json").is_file():
        return [folder]
    rows = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    paths = [str(row["path"]) for row in rows if not str(row["type"]).endswith("Normalize")]  # which has no files
    return [folder / path for path in paths] or [folder]
