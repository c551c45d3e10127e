"""What may serve a request, best first: precisions of the wanted model, then a smaller model that stands in.

Fetches the files of what will be used and of nothing else. Knows rows, files and sizes; whether a rung fits at this
moment is asked of `preview`.
"""

from collections.abc import Callable, Sequence

from models.device import Choice
from models.errors import ModelUnavailable
from models.modelspec import AdapterSpec, ModelSpec
from models.opening import Opener
from models.plan import Misfit, Plan, Rung, ladder
from models.rows import Catalogue
from models.task import Task

SLOTS = 16  # leases on one base at once; more wait in line
SMALLER = "qwen2.5-0.5b"  # what is offered where a model fits in no precision, beside what is on this disk

Preview = Callable[[tuple[Rung, ...]], Plan | Misfit]


def adapter_of(catalogue: Catalogue, base: str, key: str) -> AdapterSpec:
    """The row of an adapter of a base. Raises ModelUnavailable."""
    for row in catalogue.adapters_of(base):
        if row.key == key:
            return row
    raise ModelUnavailable("adapter_unknown", name=key)


def fetched(
    catalogue: Catalogue, opener: Opener, choice: Choice, spec: ModelSpec, adapter: AdapterSpec | None, task: Task,
    preview: Preview, *, exact: bool,
) -> tuple[Rung, ...]:  # fmt: skip
    """The ladder of a request, with the files that its first possible rung needs; `exact` allows that rung only.

    Raises ModelUnavailable, BadInput where the size of a model is not known, Cancelled.
    """
    specs = [opener.ready(spec), *(() if exact else smaller(catalogue, opener, spec))]
    planned = preview(rungs(opener, choice, specs, adapter))
    if isinstance(planned, Plan):
        at = next(at for at, other in enumerate(specs) if other.key == planned.rung.part.model)
        specs = specs[at:]
        opener.fetch(specs[0], task)
        if adapter and specs[0].key == spec.key:
            opener.fetch(adapter, task)
        specs[0] = opener.ready(specs[0])
    usable = [specs[0], *(other for other in specs[1:] if other.folder is not None)]
    found = rungs(opener, choice, usable, adapter if specs[0].key == spec.key else None)
    return found[:1] if exact else found


def rungs(opener: Opener, choice: Choice, specs: Sequence[ModelSpec], adapter: AdapterSpec | None) -> tuple[Rung, ...]:
    """Every precision of every model, with bytes; the adapter belongs to the first model."""
    models = [(spec.key, {p.value: n for p, n in opener.sizes(spec, choice).items()}) for spec in specs]
    key, n_bytes = (adapter.key, adapter.n_bytes) if adapter else ("", 0)
    steps = [precision.value for precision in choice.ladder]
    return ladder(models, steps, adapter=key, adapter_bytes=n_bytes, slots=SLOTS)


def smaller(catalogue: Catalogue, opener: Opener, spec: ModelSpec) -> list[ModelSpec]:
    """Models that may stand in where one does not fit: smaller ones for the same use that are on this disk, and one
    small one that can be fetched. An embedder has no substitute: its vectors are compared with its own."""
    if spec.role == "embed" or not spec.n_bytes:
        return []
    size, use = max(spec.n_bytes.values()), spec.good_for[0]
    alike = [row for row in catalogue.models.values() if row.role == spec.role and use in row.good_for and row.n_bytes]
    ready = [opener.ready(row) for row in alike if max(row.n_bytes.values()) < size]
    usable = [row for row in ready if row.folder is not None or row.key == SMALLER]
    return sorted(usable, key=lambda row: -max(row.n_bytes.values()))
