"""What a folder of weights says about itself: config.json, and the name, type and shape of every tensor.

Only headers are read, with the standard library: a few hundred kilobytes of a checkpoint of any size, and twelve of the
embedding and of the output head, to see whether they are one. Knows the two
layouts that transformers writes (safetensors and torch's .bin, whole or sharded behind an index) and PEFT adapters.
A .bin is a pickle; it is walked by an unpickler that knows eight harmless names and refuses every other, so nothing of
it is ever run. Does not know what a tensor is for (models/sizes.py) and imports no torch.
"""

import hashlib
import json
import math
import pickle
import re
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from models.errors import BadInput

__all__ = ["Tensor", "ITEM_BYTES", "is_adapter", "read_config", "tensors", "weight_files"]

# Bytes of one element, by the type's name in a safetensors header
ITEM_BYTES = {
    **{"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4},
    **{"F16": 2, "BF16": 2, "I16": 2, "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1},
}
HEADER_LIMIT = 100_000_000  # bytes; the limit of the safetensors format itself
# In the order in which from_pretrained looks for them
LAYOUTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
ADAPTER_LAYOUTS = ("adapter_model.safetensors", "adapter_model.bin")
# Tensors that may be stored twice and held once; transformers unties them when the two copies differ
TIEABLE = re.compile(r"(?:^|\.)(?:lm_head|embed_tokens|wte|shared|word_embeddings)\.weight$")
SAMPLE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a header."""

    dtype: str  # as in a safetensors header: F32, BF16, I8 …
    shape: tuple[int, ...]
    mark: str = field(default="", compare=False)  # of TIEABLE tensors: digest of three samples; "" where unknown

    @property
    def n(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


def is_adapter(folder: Path) -> bool:
    """Whether the folder holds a PEFT adapter and not a whole model."""
    return (folder / "adapter_config.json").is_file()


def read_config(folder: Path) -> dict[str, Any]:
    """config.json, or adapter_config.json of an adapter. Raises BadInput when neither is there or it is no object."""
    for name in ("adapter_config.json", "config.json"):
        if (folder / name).is_file():
            return _json_object(folder / name)
    raise BadInput("model_folder", name=folder.name)


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights. Raises BadInput when there are none or a shard is missing."""
    names = ADAPTER_LAYOUTS if is_adapter(folder) else LAYOUTS
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise BadInput("weights_missing", name=folder.name)
    files = [found] if found.suffix != ".json" else _shards(found)
    for path in files:
        if not path.is_file():
            raise BadInput("weights_missing", name=f"{folder.name}/{path.name}")
    return files


def tensors(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a checkpoint by name. Raises BadInput when a file is missing or damaged."""
    found: dict[str, Tensor] = {}
    for path in weight_files(folder):
        try:
            found.update(_safetensors(path) if path.suffix == ".safetensors" else _pickled(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error) as error:
            raise BadInput("weights_broken", name=f"{folder.name}/{path.name}") from error
        except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RecursionError) as error:
            raise BadInput("weights_broken", name=f"{folder.name}/{path.name}") from error
    return found


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("weights_broken", name=f"{path.parent.name}/{path.name}") from error
    if not isinstance(value, dict):
        raise BadInput("weights_broken", name=f"{path.parent.name}/{path.name}")
    return value


def _shards(index: Path) -> list[Path]:
    """The files that an index names; a name with a folder in it is refused, it could lead anywhere."""
    placed = _json_object(index).get("weight_map")
    names = sorted({str(name) for name in placed.values()}) if isinstance(placed, dict) else []
    if not names or any(Path(name).name != name for name in names):
        raise BadInput("weights_broken", name=f"{index.parent.name}/{index.name}")
    return [index.parent / name for name in names]


def _safetensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    """A header is 8 bytes of length and that many of JSON; the offsets are checked against the file's own size."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > HEADER_LIMIT:
            raise ValueError("header too long")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        n_data = path.stat().st_size - 8 - length
        for name, entry in header.items():
            tensor = Tensor(entry["dtype"], tuple(int(size) for size in entry["shape"]))
            start, end = entry["data_offsets"]
            if not 0 <= start <= end <= n_data or end - start != tensor.n * ITEM_BYTES[tensor.dtype]:
                raise ValueError("offsets do not fit the file")
            yield name, _marked(name, tensor, file, 8 + length + start)


def _marked(name: str, tensor: Tensor, file: IO[bytes], start: int) -> Tensor:
    """With the digest of its first, middle and last bytes, if it is one that may be stored twice."""
    if not TIEABLE.search(name):
        return replace(tensor, mark="")
    n_bytes = tensor.n * ITEM_BYTES[tensor.dtype]
    digest = hashlib.sha256(tensor.dtype.encode())
    for at in (0, n_bytes // 2, max(0, n_bytes - SAMPLE_BYTES)):
        file.seek(start + at)
        digest.update(file.read(min(SAMPLE_BYTES, n_bytes - at)))
    return replace(tensor, mark=digest.hexdigest())


def _pickled(path: Path) -> Iterator[tuple[str, Tensor]]:
    """A .bin: since torch 1.6 a zip with data.pkl in it, before that four pickles in a row, the fourth being ours."""
    if zipfile.is_zipfile(path):
        yield from _zipped(path)
        return
    with path.open("rb") as file:
        for _ in range(3):  # magic number, protocol version, endianness
            _Shapes(file).load()
        for name, tensor in _named(_Shapes(file).load()):
            yield name, replace(tensor, mark="")


def _zipped(path: Path) -> Iterator[tuple[str, Tensor]]:
    """Every storage is a file of the archive, uncompressed, called after its key: <anything>/data/<key>."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        inner = next((info for info in archive.infolist() if info.filename.endswith("/data.pkl")), None)
        if inner is None or inner.file_size > HEADER_LIMIT:
            raise ValueError("no data.pkl of a sensible size")
        with archive.open(inner) as file:
            state = _Shapes(file).load()
        for name, tensor in _named(state):
            key, _, offset = tensor.mark.partition("+")
            info = archive.getinfo(inner.filename.removesuffix("data.pkl") + f"data/{key}")
            raw.seek(info.header_offset + 26)  # lengths of the name and of the extra field, at the header's end
            n_name, n_extra = struct.unpack("<HH", raw.read(4))
            start = info.header_offset + 30 + n_name + n_extra
            yield name, _marked(name, tensor, raw, start + int(offset) * ITEM_BYTES[tensor.dtype])


def _named(state: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    yield from ((str(name), value) for name, value in state.items() if isinstance(value, Tensor))


# torch's storage classes, as a pickle names them
_STORAGES = {
    **{"FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64"},
    **{"LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8"},
    **{"ByteStorage": "U8", "BoolStorage": "BOOL"},
}


def _rebuilt(storage: tuple[Any, ...], offset: int, size: tuple[int, ...], *_rest: object) -> Tensor:
    """Stands for torch._utils._rebuild_tensor_v2: the shape of the tensor and its place instead of the tensor."""
    if storage[1] not in ITEM_BYTES:
        raise ValueError("unknown storage")
    return Tensor(storage[1], tuple(int(length) for length in size), mark=f"{storage[2]}+{int(offset)}")


def _parameter(data: Tensor, *_rest: object) -> Tensor:
    return data


class _Shapes(pickle.Unpickler):
    """Builds shapes where torch would build tensors; every name that a state dict does not need is refused."""

    KNOWN = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor"): _rebuilt,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
        ("torch._utils", "_rebuild_parameter"): _parameter,
    }

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8")

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  (the signature of pickle.Unpickler)
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a state dict")
        return self.KNOWN[module, name]

    def persistent_load(self, pid: tuple[Any, ...]) -> tuple[Any, ...]:
        """("storage", type, key, location, number of elements); the bytes themselves stay on disk."""
        return pid
