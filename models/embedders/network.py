"""The computation: a transformer, pooling, and the layers of a head, as one thing that maps token ids to vectors.

Knows torch and the recipe; knows nothing of texts, of visitors, or of turns.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoint import weight_files
from models.embedders.recipe import Dense, Pooling, Recipe
from models.errors import BadInput, ModelUnavailable
from models.hf import decoder_layers
from models.memory import held_bytes
from models.task import Task

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["Network"]

POOLS: "dict[Pooling, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]" = {
    "cls": lambda states, mask: states[:, 0],
    "lasttoken": lambda states, mask: states[range(len(states)), mask.sum(1) - 1],
    "mean": lambda states, mask: (states.float() * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True),
    "max": lambda states, mask: states.masked_fill(mask[:, :, None] == 0, float("-inf")).amax(1),
}


class Network:
    """Maps windows of token ids to vectors. Not for two threads at once."""

    def __init__(self, transformer: Any, recipe: Recipe, pad_id: int) -> None:  # noqa: ANN401
        """Raises ModelUnavailable when the head's tensors are missing, damaged or do not fit the transformer."""
        import torch

        self.transformer, self._pooling, self._pad_id = transformer, recipe.pooling, pad_id
        weight = transformer.get_input_embeddings().weight
        self.device, self._dtype = weight.device, weight.dtype
        width = transformer.config.get_text_config().hidden_size * len(recipe.pooling)
        self._steps, modules = [], [transformer]
        for part in recipe.head:
            if isinstance(part, Dense):
                linear = _linear(part, width).to(self.device, self._dtype)
                width = linear.out_features
                modules.append(linear)
                self._steps += [linear, getattr(torch.nn, part.activation)()]
            else:
                self._steps.append(partial(torch.nn.functional.normalize, dim=-1))
        self.dim = width
        self.n_bytes = held_bytes(torch.nn.ModuleList(modules))
        self._task = Task()
        for layer in decoder_layers(transformer):
            layer.register_forward_pre_hook(lambda *_: self._task.check())

    def vectors(self, rows: "Sequence[np.ndarray]", task: Task) -> "np.ndarray":
        """(n, dim) float32, not normalised, of rows of token ids. Raises Cancelled within a layer after a stop."""
        import torch

        self._task = task
        with torch.inference_mode():
            ids, mask = self._padded(rows)
            options = {"use_cache": False} if hasattr(self.transformer.config, "use_cache") else {}
            states = self.transformer(input_ids=ids, attention_mask=mask, **options).last_hidden_state
            vector = torch.cat([POOLS[mode](states, mask).to(self._dtype) for mode in self._pooling], dim=-1)
            for step in self._steps:
                vector = step(vector)
            return vector.float().cpu().numpy()

    def _padded(self, rows: "Sequence[np.ndarray]") -> "tuple[torch.Tensor, torch.Tensor]":
        """(n, longest) ids padded on the right and their mask, int64 on the device."""
        import torch

        ids = torch.full((len(rows), max(map(len, rows))), self._pad_id, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = torch.from_numpy(row)
            mask[at, : len(row)] = 1
        return ids.to(self.device), mask.to(self.device)


def _linear(part: Dense, width: int) -> Any:  # noqa: ANN401  (a torch.nn.Linear)
    """The layer with its stored weights."""
    import torch

    found = dict(_stored(part.folder, {f"{part.prefix}.weight", f"{part.prefix}.bias"}))
    weight, bias = found.get(f"{part.prefix}.weight"), found.get(f"{part.prefix}.bias")
    if weight is None:
        raise ModelUnavailable("weights_missing", name=f"{part.folder.name}/{part.prefix}.weight")
    if weight.ndim != 2 or weight.shape[1] != width or (bias is not None and bias.shape != weight.shape[:1]):
        raise ModelUnavailable("weights_broken", name=f"{part.folder.name}/{part.prefix}.weight")
    layer = torch.nn.Linear(width, len(weight), bias=bias is not None, device="meta")
    layer.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}), assign=True)
    return layer


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
