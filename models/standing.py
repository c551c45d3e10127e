"""Where every model stands, as the page shows it: what may be chosen, what is in memory, what a choice would cost.

Plain values for apps to draw; asks nothing of the network and loads nothing. While the machine has not been looked at
(that imports torch, in the background after the page is up) it says so instead of waiting.
"""

import time
from dataclasses import dataclass, replace
from typing import Literal

from models import instance
from models.device import Choice
from models.errors import HubError
from models.modelspec import AdapterSpec, ModelSpec
from models.opening import kv_tokens
from models.plan import Misfit, Part
from models.pool import ModelPool
from models.schedule import Holding
from models.spec import Precision

__all__ = ["Option", "Row", "Standing", "Totals", "options", "rows", "standing", "totals"]

State = Literal["embedded", "server", "ready", "loading", "room", "evict", "drain", "misfit", "unknown"]


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a model bar's menu."""

    choice: str
    title: str
    n_bytes: int  # as it would be loaded here; 0 where not known
    where: Literal["memory", "disk", "hub", "server"]
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What choosing a model means at this moment."""

    choice: str
    state: State
    title: str = ""
    repo: str = ""
    licence: str = ""
    precision: str = ""
    n_bytes: int = 0  # held, or needed
    n_context: int = 0
    here: bool = True  # its files are on this machine
    evicts: tuple[str, ...] = ()
    budget_bytes: int = 0
    fraction: float = 0.0  # of a load in progress
    note: str = ""  # i18n key of what is being done


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ledger."""

    part: Part
    title: str
    state: str
    n_bytes: int
    n_holders: int
    pinned: bool
    closing: bool
    idle_s: float
    load_s: float
    fraction: float
    note: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger's foot, and what this machine is."""

    used: int
    budget: int
    lost: int
    waiting: tuple[tuple[str, int], ...]  # title of a model, how many wait for it
    machine: Choice | None  # None: not looked at yet
    metrics: dict[str, float]


def looked() -> bool:
    """Whether the machine has been looked at; until then nothing here may ask, as it would wait for torch."""
    import sys

    return "torch" in sys.modules and hasattr(sys.modules["torch"], "cuda")


def options(capability: str) -> tuple[Option, ...]:
    """What may be chosen for a capability, models with their adapters beneath them, in the catalogue's order."""
    pool = instance.pool()
    found: list[Option] = []
    held = {holding.part.model for holding in pool.snapshot()[0].holdings}
    for spec in pool.catalogue.models.values():
        own = capability in spec.good_for
        adapters = [row for row in pool.catalogue.adapters_of(spec.key) if capability in row.good_for]
        if own or adapters:
            found += _with_adapters(pool, spec, adapters, own=own, held=spec.key in held)
    role = "embed" if capability == "embed" else "generate"
    found += [Option(choice, title, 0, "server") for choice, title in instance.servers(role)]
    return tuple(found)


def _with_adapters(
    pool: ModelPool, spec: ModelSpec, adapters: list[AdapterSpec], *, own: bool, held: bool
) -> list[Option]:
    here = pool.is_here(spec.key)
    size = spec.n_bytes.get(Precision.INT8 if spec.role == "generate" else Precision.FP16, 0)
    where: Literal["memory", "disk", "hub"] = "memory" if held else "disk" if here else "hub"
    base = [Option(spec.key, spec.title, size, where, spec.licence)] if own else []
    return base + [Option(f"{spec.key}+{row.key}", row.title, size, where, row.licence) for row in adapters]


def standing(choice: str) -> Standing:
    """What a choice means now. Raises UnknownModel for a choice that is not, or no longer, there."""
    if not choice:
        return Standing("", "embedded")
    server = instance.server(choice)
    if server is not None:
        return Standing(choice, "server", title=server.model, repo=server.host)
    pool = instance.pool()
    key, _, adapter = choice.partition("+")
    spec = pool.catalogue.model(key)
    title = pool.catalogue.adapters[adapter].title if adapter in pool.catalogue.adapters else spec.title
    base = Standing(choice, "unknown", title, spec.repo, spec.licence, here=pool.is_here(key))
    if not looked():
        return base
    return _in_pool(pool, spec, adapter, base)


def _in_pool(pool: ModelPool, spec: ModelSpec, adapter: str, base: Standing) -> Standing:
    machine = pool.choice(spec.role)
    base = replace(
        base, n_context=min(spec.context, kv_tokens(spec, machine)) if spec.role == "generate" else spec.context
    )
    snapshot, loads = pool.snapshot()
    for holding in snapshot.holdings:
        if holding.part.model == spec.key and not holding.part.adapter:
            load = loads.get(holding.part)
            state: State = "loading" if load else "ready"
            told = {"precision": holding.part.precision, "n_bytes": holding.n_bytes, "budget_bytes": snapshot.budget}
            return replace(
                base, state=state, fraction=load.fraction if load else 1.0, note=load.note if load else "", **told
            )
    try:
        planned, _ = pool.preview(spec.key, adapter)
    except HubError:
        return base
    if isinstance(planned, Misfit):
        return replace(base, state="misfit", n_bytes=planned.need_bytes, budget_bytes=planned.budget_bytes)
    evicts = tuple(_title(pool, part) for part in planned.victims)
    state = {"room": "room", "evict": "evict", "drain": "drain"}[planned.reason]  # type: ignore[assignment]
    rung = planned.rung
    return replace(base, state=state, precision=rung.part.precision, n_bytes=rung.n_bytes, evicts=evicts)


def rows() -> tuple[Row, ...]:
    """The ledger: every base, adapter and embedder in memory, bases before their adapters."""
    pool = instance.pool()
    snapshot, loads = pool.snapshot()
    return tuple(_row(pool, holding, loads.get(holding.part)) for holding in snapshot.holdings)


def _row(pool: ModelPool, holding: Holding, load: object) -> Row:
    return Row(
        holding.part,
        _title(pool, holding.part),
        holding.state.value,
        holding.n_bytes,
        len(holding.holders),
        holding.pinned,
        holding.closing,
        max(0.0, time.monotonic() - holding.last_use),
        holding.load_s,
        getattr(load, "fraction", 1.0),
        getattr(load, "note", ""),
    )


def totals() -> Totals:
    """Bytes held, the budget, who waits, what this machine is."""
    pool = instance.pool()
    snapshot, _ = pool.snapshot()
    waiting: dict[str, int] = {}
    for row in snapshot.queue:
        title = _title(pool, row.part)
        waiting[title] = waiting.get(title, 0) + 1
    machine = pool.choice("generate") if looked() else None
    budget = snapshot.budget or (machine.budget_bytes if machine else 0)
    return Totals(snapshot.used, budget, snapshot.lost, tuple(waiting.items()), machine, pool.metrics.as_dict())


def _title(pool: ModelPool, part: Part) -> str:
    if part.adapter:
        return pool.catalogue.adapters[part.adapter].title
    return pool.catalogue.models[part.model].title if part.model in pool.catalogue.models else part.model
