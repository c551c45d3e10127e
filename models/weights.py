"""From files to a transformers model in memory, offline: the folder of a repository, precision, progress, completeness.

Safetensors first, else the older pickles (read as weights only); code of a repository is never run. Knows nothing of
what is done with the model.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.errors import DoesNotFit, HubError, ModelUnavailable
from models.int8_cache import QuantisedCache
from models.lanes import out_of_memory
from models.spec import Precision
from models.task import Task

DTYPES = {Precision.FP32: "float32", Precision.BF16: "bfloat16", Precision.FP16: "float16"}

_LOADING = threading.Lock()  # transformers' progress hook is one for the whole process


def folder_of(source: Path | str, revision: str | None = None) -> Path:
    """The folder of a model: itself, or the snapshot of a repository in the local cache. Raises ModelUnavailable."""
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(source), revision=revision, local_files_only=True))
    except (OSError, ValueError):
        raise ModelUnavailable("weights_missing", name=str(source)) from None


def told(error: Exception, source: Path | str) -> HubError:
    """What a visitor should hear about a load that failed; the traceback goes to the log, not into the error."""
    name, text = Path(source).name, str(error)
    logging.getLogger(__name__).warning("could not load %s: %s: %s", name, type(error).__name__, text[:500])
    if out_of_memory(error):
        return DoesNotFit("out_of_memory")
    if "trust_remote_code" in text or "does not recognize this architecture" in text:
        return ModelUnavailable("model_code", name=name, architecture="?")
    return ModelUnavailable("weights_broken", name=name)


def read_weights(
    folder: Path,
    precision: Precision,
    device: str,
    task: Task,
    *,
    dtype: str | None,
    cache: QuantisedCache | None,
    auto: str = "AutoModelForCausalLM",
    options: Mapping[str, Any] | None = None,
) -> Any:  # noqa: ANN401  (a PreTrainedModel)
    """The model, quantised now or taken from the cache. Raises ModelUnavailable when tensors are missing.

    `auto` is the class of transformers that picks the architecture's own; `options` go to its constructor.
    """
    chosen = DTYPES.get(precision) or dtype or ("auto" if device == "cpu" else "float16")
    settings: dict[str, Any] = {"auto": auto, "dtype": chosen, **(options or {})}
    quantisation = _quantisation(precision, device)
    if device != "cpu" or quantisation is not None:
        settings["device_map"] = {"": device}  # plain CPU weights stay mapped from the file without it
    if quantisation is None:
        return _read(folder, task, settings)

    def quantise() -> Any:  # noqa: ANN401
        return _read(folder, task, {**settings, "quantization_config": quantisation})

    if cache is None:
        return quantise()
    recipe = f"{precision.value} {chosen} {auto}"
    return cache.load(
        folder, recipe, quantise=quantise, reopen=lambda entry: _read(entry, task, settings), task=task
    ).model


def _read(folder: Path, task: Task, settings: dict[str, Any]) -> Any:  # noqa: ANN401
    import transformers

    given = dict(settings)
    auto = getattr(transformers, given.pop("auto"))
    with _LOADING, _progress(task):
        model, info = auto.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, output_loading_info=True, **given
        )
    if info["missing_keys"]:  # transformers fills these with random numbers and only warns
        raise ModelUnavailable("weights_missing", name=folder.name)
    return model


def _quantisation(precision: Precision, device: str) -> Any:  # noqa: ANN401  (BitsAndBytesConfig | None)
    if precision not in (Precision.INT8, Precision.NF4):
        return None
    import torch
    from transformers import BitsAndBytesConfig

    if precision is Precision.INT8:
        return BitsAndBytesConfig(load_in_8bit=True)
    compute = torch.float32 if device == "cpu" else torch.float16
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)


@contextmanager
def _progress(task: Task) -> Iterator[None]:
    """Inside, transformers' progress bars move the task from 0.05 to 0.9, and a stop ends the load."""
    from transformers.utils import logging as bars

    class Bar:
        """As much of a tqdm bar as transformers uses."""

        def __init__(self, items: Any = None, *_: object, **options: Any) -> None:  # noqa: ANN401
            self._items, self._n = items, 0
            self._total = options.get("total") or (len(items) if hasattr(items, "__len__") else 0)

        def __iter__(self) -> Iterator[Any]:
            for item in self._items:
                self.update()
                yield item

        def update(self, n: int = 1) -> None:
            self._n += n
            task.step(0.05 + 0.85 * min(1.0, self._n / max(1, self._total)))

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_, **__: None

    previous = bars.set_tqdm_hook(lambda _, items, options: Bar(*items, **options))
    try:
        yield
    finally:
        bars.set_tqdm_hook(previous)
