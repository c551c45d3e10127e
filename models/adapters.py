"""Any number of LoRA adapters beside one shared base: loading, checking, counting, freeing.

PEFT puts the layers in; which adapter answers whom is models/lora.py's. Adapters are never merged: an int8 base is not
restored by unmerging (measured: 5.8 % off for good). There is never a second PEFT model on a base: the first would
answer with the second's adapter. Plain LoRA on linear layers only; everything else is refused by name,
and so is an adapter that does not belong on this base or changes nothing, before the base is touched.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import Busy, ModelUnavailable
from models.lora import RowwiseForward, Selection

if TYPE_CHECKING:
    import torch

PREFIX = "base_model.model."
PARTS = (".lora_A.weight", ".lora_B.weight")


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter that lies on the base."""

    key: str
    name: str  # as the layers know it; a catalogue key may hold dots, a module's name may not
    fingerprint: str  # 12 hex digits of SHA-256 over names, types, shapes and bytes of its tensors
    n_bytes: int


@dataclass
class Adapters:
    """All adapters of one base. Safe to use while answers are running."""

    model: Any  # a PreTrainedModel; LoRA layers are put into it
    selection: Selection
    _lora: Any = None  # PEFT's LoraModel; never a second one on the same base
    _by_key: dict[str, Adapter] = field(default_factory=dict)
    _n_added: int = 0

    def __getitem__(self, key: str) -> Adapter:
        """Raises ModelUnavailable when no such adapter lies on this base."""
        try:
            return self._by_key[key]
        except KeyError:
            raise ModelUnavailable("adapter_unknown", name=key) from None

    def __iter__(self) -> Iterator[Adapter]:
        return iter(tuple(self._by_key.values()))

    def add(self, key: str, folder: Path) -> Adapter:
        """Loads a PEFT LoRA folder beside the others; the same key twice is one adapter.

        Raises ModelUnavailable when files are missing, it is no plain LoRA, its tensors do not belong on this base,
        or all of lora_B is zero (an adapter that changes nothing). The base is untouched then.
        """
        if key in self._by_key:
            return self._by_key[key]
        config, tensors = read_config(folder, key), read_tensors(folder, key)
        targets = self._checked(config, tensors, key)
        with self.selection.turn:
            if key not in self._by_key:
                self._n_added += 1
                name = f"a{self._n_added}"
                self._inject(name, config, tensors, targets)
                held = list(self._parameters(name))
                if len(held) != len(tensors):  # PEFT put weights where the file has none, or the other way round
                    self._lora.delete_adapter(name)
                    self._take_over()
                    raise ModelUnavailable("adapter_mismatch", name=key)
                n_bytes = sum(tensor.numel() * tensor.element_size() for tensor in held)
                self._by_key[key] = Adapter(key, name, fingerprint(tensors), n_bytes)
        return self._by_key[key]

    def remove(self, key: str, in_use: Sequence[str | None] = ()) -> None:
        """Frees an adapter. Raises Busy while an answer uses it, ModelUnavailable when it is not here."""
        adapter = self[key]
        with self.selection.turn:
            if adapter.name in in_use:
                raise Busy("busy")
            self._lora.delete_adapter(adapter.name)
            self._take_over()
            del self._by_key[key]

    def _checked(self, config: Mapping[str, Any], tensors: "Mapping[str, torch.Tensor]", key: str) -> list[str]:
        """Paths of the layers that the tensors belong to, all of them accounted for."""
        if any(not name.startswith(PREFIX) or not name.endswith(PARTS) for name in tensors):
            raise ModelUnavailable("adapter_kind", name=key)
        if any(tensor.ndim == 3 for name, tensor in tensors.items() if name.endswith(PARTS[1])):
            raise ModelUnavailable("adapter_merged", name=key)
        stems = {name.removesuffix(PARTS[0]).removesuffix(PARTS[1]) for name in tensors}
        if not stems or any(stem + part not in tensors for stem in stems for part in PARTS):
            raise ModelUnavailable("adapter_mismatch", name=key)
        if not any(bool(tensors[stem + PARTS[1]].any()) for stem in stems):
            raise ModelUnavailable("adapter_zero", name=key)
        paths = sorted(stem.removeprefix(PREFIX) for stem in stems)
        if not all(self._takes(path, tensors) for path in paths) or not _covers(config["target_modules"], paths):
            raise ModelUnavailable("adapter_mismatch", name=key)
        return paths

    def _takes(self, path: str, tensors: "Mapping[str, torch.Tensor]") -> bool:
        """Whether the base has a linear layer of that name and shape."""
        try:
            module = self.model.get_submodule(path)
        except AttributeError:
            return False
        inner = getattr(module, "base_layer", module)
        n_in, n_out = getattr(inner, "in_features", None), getattr(inner, "out_features", None)
        if n_in is None and hasattr(inner, "nf"):  # GPT-2's Conv1D
            n_in, n_out = inner.nx, inner.nf
        a, b = (tensors[PREFIX + path + part] for part in PARTS)
        return a.ndim == b.ndim == 2 and (a.shape[1], b.shape[0]) == (n_in, n_out) and a.shape[0] == b.shape[1]

    def _inject(
        self, name: str, config: Mapping[str, Any], tensors: "Mapping[str, torch.Tensor]", targets: list[str]
    ) -> None:
        import torch
        from peft import LoraConfig, LoraModel

        lora = LoraConfig(
            r=config["r"],
            lora_alpha=config["lora_alpha"],
            use_rslora=bool(config.get("use_rslora")),
            rank_pattern=config.get("rank_pattern") or {},
            alpha_pattern=config.get("alpha_pattern") or {},
            fan_in_fan_out=hasattr(self._inner(targets[0]), "nf"),
            target_modules=targets,
            inference_mode=True,
        )
        if self._lora is None:
            self._lora = LoraModel(self.model, {name: lora}, name)
        else:
            self._lora.peft_config[name] = lora
            self._lora.inject_adapter(self.model, name)
        with torch.no_grad():
            for path in targets:
                layer = self.model.get_submodule(path)
                for part, stored in zip((layer.lora_A, layer.lora_B), PARTS, strict=True):
                    part[name].weight.copy_(tensors[PREFIX + path + stored])
        self._take_over()

    def _inner(self, path: str) -> Any:  # noqa: ANN401
        module = self.model.get_submodule(path)
        return getattr(module, "base_layer", module)

    def _take_over(self) -> None:
        for layer in self._layers():
            if not isinstance(layer.__dict__.get("forward"), RowwiseForward):
                layer.forward = RowwiseForward(layer, self.selection)
            layer.eval()
            layer.set_adapter([], inference_mode=True)  # PEFT's own selection stays empty
            layer.forward.stack()

    def _layers(self) -> list[Any]:
        from peft.tuners.lora import LoraLayer

        return [module for module in self.model.modules() if isinstance(module, LoraLayer)]

    def _parameters(self, name: str) -> "Iterator[torch.nn.Parameter]":
        for layer in self._layers():
            for part in (layer.lora_A, layer.lora_B):
                if name in part:
                    yield part[name].weight


def _covers(wanted: object, paths: Sequence[str]) -> bool:
    """Whether every kind of layer that the config names has weights; a pattern or nothing names none in particular."""
    if isinstance(wanted, str) or not wanted:
        return True
    return all(any(path == end or path.endswith("." + end) for path in paths) for end in wanted)


def read_config(folder: Path, key: str) -> dict[str, Any]:
    """adapter_config.json, also as peft wrote it in March 2023. Raises ModelUnavailable for what is no plain LoRA."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        config["r"], config["lora_alpha"] = int(config["r"]), float(config["lora_alpha"])
        config["target_modules"] = config.get("target_modules")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable("adapter_missing", name=key, reason=type(error).__name__) from None
    if config.get("enable_lora"):  # loralib's MergedLinear: one grouped convolution for query, key and value
        raise ModelUnavailable("adapter_merged", name=key)
    special = ("use_dora", "modules_to_save", "trainable_token_indices", "use_qalora", "use_bdlora")
    plain = config.get("peft_type") == "LORA" and config.get("bias", "none") == "none"
    if not plain or any(config.get(field) for field in special):
        raise ModelUnavailable("adapter_kind", name=key)
    return config


def read_tensors(folder: Path, key: str) -> "dict[str, torch.Tensor]":
    """Weights of an adapter, safetensors first; a pickle is read as weights only. Raises ModelUnavailable."""
    try:
        if (folder / "adapter_model.safetensors").is_file():
            from safetensors.torch import load_file

            return load_file(folder / "adapter_model.safetensors")
        import torch

        return torch.load(folder / "adapter_model.bin", map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its reader thinks of
        raise ModelUnavailable("adapter_missing", name=key, reason=type(error).__name__) from None


def fingerprint(tensors: "Mapping[str, torch.Tensor]") -> str:
    """12 hex digits that are the same for the same weights, whatever file they came in."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]
