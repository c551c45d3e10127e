"""The computation: sentence-transformers' own modules in a row, as one thing that maps token ids to vectors.

Knows the library and the recipe; knows nothing of texts, of visitors, or of turns.

Two things do not go through the library. Its Transformer reads weights with `model_cls.from_pretrained(...)` alone
(base/modules/transformer.py, `_load_model`), which leaves no room for int8 weights from our cache and drops what
`output_loading_info` says, so that tensors which are not there would be random numbers: weights come from
models/weights.py, and that one method hands them on. And no loader of it knows luotuo-bert's head, which lies in the
transformer's own file: its tensors are read here and given to the library's Dense, which checks nothing of them.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoint import weight_files
from models.embedders.recipe import Dense, Recipe
from models.errors import BadInput, ModelUnavailable
from models.hf import decoder_layers
from models.memory import held_bytes
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["Network", "opened"]


def opened(folder: Path, weights: Callable[[], Any]) -> Any:  # noqa: ANN401  (a library's Transformer)
    """The library's Transformer of a folder, with its tokenizer; `weights` reads the model. No network, no code."""
    from sentence_transformers.base.modules import Transformer

    class Read(Transformer):
        """The library's, with weights that somebody has looked at."""

        def _load_model(self, *_: object, **__: object) -> Any:  # noqa: ANN401
            return weights()

    safe = {"local_files_only": True, "trust_remote_code": False}
    return Read(str(folder), processor_kwargs=dict(safe), config_kwargs=dict(safe), unpad_inputs=False)


class Network:
    """Maps windows of token ids to vectors. Not for two threads at once."""

    def __init__(self, first: Any, recipe: Recipe, pad_id: int) -> None:  # noqa: ANN401
        """`first` is from `opened`. Raises ModelUnavailable when the head's tensors are missing, damaged or do not
        fit the transformer."""
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Normalize
        from sentence_transformers.sentence_transformer.modules import Pooling

        self.transformer, self._pad_id = first.model, pad_id
        weight = self.transformer.get_input_embeddings().weight
        self.device = weight.device
        if hasattr(self.transformer.config, "use_cache"):
            self.transformer.config.use_cache = False
        pooling = Pooling(self.transformer.config.get_text_config().hidden_size, recipe.pooling)
        modules, width = [first, pooling], pooling.get_embedding_dimension()
        for part in recipe.head:
            modules.append(_dense(part, width, weight.dtype) if isinstance(part, Dense) else Normalize())
            width = modules[-1].get_embedding_dimension() if isinstance(part, Dense) else width
        library = SentenceTransformer(modules=modules, device=str(self.device), local_files_only=True)
        self._library, self.dim = library.eval(), width
        self.n_bytes = held_bytes(library)
        self._task = Task()
        for layer in decoder_layers(self.transformer):
            layer.register_forward_pre_hook(lambda *_: self._task.check())

    def vectors(self, rows: "Sequence[np.ndarray]", task: Task) -> "np.ndarray":
        """(n, dim) float32, not normalised, of rows of token ids. Raises Cancelled within a layer after a stop."""
        import torch

        self._task = task
        with torch.inference_mode():
            ids, mask = self._padded(rows)
            features = self._library({"input_ids": ids, "attention_mask": mask})
            return features["sentence_embedding"].float().cpu().numpy()

    def _padded(self, rows: "Sequence[np.ndarray]") -> "tuple[torch.Tensor, torch.Tensor]":
        """(n, longest) ids padded on the right and their mask, int64 on the device."""
        import torch

        ids = torch.full((len(rows), max(map(len, rows))), self._pad_id, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = torch.from_numpy(row)
            mask[at, : len(row)] = 1
        return ids.to(self.device), mask.to(self.device)


def _dense(part: Dense, width: int, dtype: "torch.dtype") -> Any:  # noqa: ANN401  (the library's Dense)
    """The library's layer with the stored weights."""
    import torch
    from sentence_transformers.base.modules import Dense as Layer

    found = dict(_stored(part.folder, {f"{part.prefix}.weight", f"{part.prefix}.bias"}))
    weight, bias = found.get(f"{part.prefix}.weight"), found.get(f"{part.prefix}.bias")
    if weight is None:
        raise ModelUnavailable("weights_missing", name=f"{part.folder.name}/{part.prefix}.weight")
    if weight.ndim != 2 or weight.shape[1] != width or (bias is not None and bias.shape != weight.shape[:1]):
        raise ModelUnavailable("weights_broken", name=f"{part.folder.name}/{part.prefix}.weight")
    activation = getattr(torch.nn, part.activation)()
    given = {"init_weight": weight.to(dtype), "init_bias": None if bias is None else bias.to(dtype)}
    return Layer(width, len(weight), bias=bias is not None, activation_function=activation, **given)


def _stored(folder: Path, names: set[str]) -> "Iterator[tuple[str, torch.Tensor]]":
    """Tensors of a folder by name; a pickle is read as weights only."""
    import torch
    from safetensors import safe_open

    try:
        files = weight_files(folder)
    except BadInput:
        raise ModelUnavailable("weights_missing", name=folder.name) from None
    for path in files:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                yield from ((name, file.get_tensor(name)) for name in names & set(file.keys()))
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
            yield from ((name, state[name].clone()) for name in names & set(state))
