"""From a folder to a NeuralEmbedder that has been tried out: recipe, weights at a precision, head, self-check."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.checkpoint import read_config, tensors
from models.embedders.embedder import NeuralEmbedder
from models.embedders.network import Network
from models.embedders.recipe import Kind, Recipe, read_recipe
from models.embedders.windows import Splitter
from models.errors import BadInput, HubError, ModelUnavailable
from models.hf import context_of
from models.int8_cache import QuantisedCache, sample
from models.memory import give_back, trim
from models.rows import ENCODERS
from models.spec import Precision
from models.task import Task
from models.weights import folder_of, read_weights, told

__all__ = ["Kind", "load"]

# Padding included. Larger batches are no faster, and a visitor with one short text waits for one batch of every other.
MAX_BATCH_TOKENS = {"cpu": 2048, "cuda": 32768}
# Of all that a vector depends on; what else lies in a repository may change without changing a vector
VITAL = (".json", ".txt", ".model", ".safetensors", ".bin")
PROBES = ("骆驼", "The camel walks slowly.", "今天的天气很好，我们去图书馆看书，然后一起吃晚饭。")
LIKENESS = {Precision.FP32: 0.9999}  # cosine of a row alone and in a batch; int8 and 16 bit round
LOOSE_LIKENESS = 0.99


def load(
    source: Path | str,
    precision: Precision,
    device: str,
    task: Task,
    *,
    revision: str | None = None,
    kind: Kind = "sentence-transformers",
    query: str = "",
    dtype: str | None = None,
    cache: QuantisedCache | None = None,
    max_batch_tokens: int | None = None,
) -> NeuralEmbedder:
    """Loads an embedder from a folder, or by its id from the local hub cache, and tries it out.

    `query` is what searches want in front of them (default: what the folder itself says); `dtype` is what int8 and nf4
    leave whole, `cache` keeps what was quantised, as in models.hf. Raises ModelUnavailable (missing, damaged, of parts
    not known here, wrong in the self-check), DoesNotFit out of memory, Cancelled. After an error nothing of the model
    is left in memory.
    """
    problem: HubError | None = None
    try:
        # the model is in no variable of this function: the error that it raises keeps its frame
        recipe = read_recipe(folder_of(source, revision), kind, str(source))
        wanted = query or recipe.query
        return _checked(
            NeuralEmbedder(
                *_read(recipe, precision, device, task, dtype, cache),
                query=wanted,
                fingerprint=_fingerprint(recipe.folders, f"{precision.value} {dtype} {kind} {wanted}"),
                max_batch_tokens=max_batch_tokens or MAX_BATCH_TOKENS["cpu" if device == "cpu" else "cuda"],
            ),
            precision,
            task,
        )
    except HubError as error:
        problem = error.with_traceback(None)  # its frames would keep the half-loaded model
    except Exception as error:
        problem = told(error, source)
    give_back()
    raise problem


def _read(
    recipe: Recipe, precision: Precision, device: str, task: Task, dtype: str | None, cache: QuantisedCache | None
) -> tuple[Network, Splitter]:
    """The network and what cuts texts for it."""
    from transformers import AutoTokenizer

    # as in models.hf: a warning per layer, with records that would keep the model alive
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    task.step(0.0, "model.reading")
    folder, options = recipe.transformer, {"auto": "AutoModel", "options": _options(recipe.transformer)}
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer.is_fast:  # only these can cut a text into windows
        raise ModelUnavailable("embedder_part", name=folder.name, part=type(tokenizer).__name__)
    task.step(0.05, "model.loading")
    model = read_weights(folder, precision, device, task, dtype=dtype, cache=cache, **options).eval()
    if precision is Precision.INT8 and device == "cpu":
        from models.int8 import install

        install(model)
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else model.config.pad_token_id or 0
    window = min(filter(None, (_positions(model), recipe.window, int(tokenizer.model_max_length))))
    return Network(model, recipe, pad_id), Splitter(tokenizer, window, lower=recipe.lower)


def _options(folder: Path) -> dict[str, bool]:
    """BERT's kin make up a pooler at random where none is stored; it is not used here, and so not made."""
    try:
        stored, kind = tensors(folder), read_config(folder).get("model_type")
    except BadInput as error:
        raise ModelUnavailable(error.code, **error.values) from None
    return {"add_pooling_layer": any("pooler." in name for name in stored)} if kind in ENCODERS else {}


def _positions(model: Any) -> int:  # noqa: ANN401
    """Tokens that the model can see at once; RoBERTa's kin count positions from behind the padding's."""
    offset = (model.config.pad_token_id or 0) + 1 if model.config.model_type in ("roberta", "xlm-roberta") else 0
    return context_of(model) - offset


def _checked(embedder: NeuralEmbedder, precision: Precision, task: Task) -> NeuralEmbedder:
    """The embedder once its vectors are finite and the same alone and in a batch. Raises ModelUnavailable."""
    import numpy as np

    task.step(0.9, "model.checking")
    together = embedder.embed(PROBES, Task())
    for probe, row in zip(PROBES, together, strict=True):
        task.check()
        alone = embedder.embed([probe], Task())[0]
        if not (np.isfinite(row).all() and np.isfinite(alone).all()):
            raise ModelUnavailable("model_not_finite")
        if float(alone @ row) < LIKENESS.get(precision, LOOSE_LIKENESS):
            raise ModelUnavailable("model_self_check")
    trim()
    task.step(1.0, "model.ready")
    return embedder


def _fingerprint(folders: Sequence[Path], recipe: str) -> str:
    """12 hex digits of SHA-256 over the recipe and samples of all files that a vector depends on."""
    digest = hashlib.sha256(recipe.encode())
    for at, folder in enumerate(folders):  # not their names: a copy elsewhere makes the same vectors
        for path in sorted(path for path in folder.iterdir() if path.suffix in VITAL):
            digest.update(f"{at} {path.name} {sample(path)}".encode())
    return digest.hexdigest()[:12]
