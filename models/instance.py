"""The one pool of this process, made at its first use from the settings of the hub, and what a choice means.

A choice is the text that a model bar keeps for one visitor: "qwen3-4b", "llama-7b+luotuo-lora-7b-0.3",
"remote.NAME" or "remote.NAME+ADAPTER" for a server of models.toml, "visitor.TOKEN" for one that a visitor named with
a key of their own. The token is all that leaves this process: the key stays here, and nobody else can guess the token.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from models.device import decide
from models.downloads import Downloads
from models.engine import Encoder, Voice
from models.errors import UnknownModel
from models.held import HeldColumns, HeldEncoder, HeldVoice, hold_columns
from models.int8_cache import QuantisedCache
from models.modelspec import AdapterSpec, ModelSpec
from models.opening import Opening
from models.pool import ModelPool
from models.remote import RemoteServer
from models.remote.settings import RemoteSpec, connect, remotes
from models.remote.voice import RemoteEncoder, RemoteVoice
from models.rows import catalogue
from models.schedule import Policy
from models.spec import Precision
from models.task import Task

__all__ = [
    "Settings",
    "add",
    "columns",
    "configure",
    "encoder",
    "pool",
    "register",
    "server",
    "servers",
    "settings",
    "voice",
]

DISK_BYTES = 64 << 30  # of quantised checkpoints under <home>/cache/int8
VISITORS = 256  # servers of visitors that are remembered; the longest unused go first
FORGET_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the owner of the hub decides."""

    home: Path | None = None
    offline: bool = False
    limit: str = ""  # budget: a size (6GiB) or a card (T4); empty: what is free
    precision: str = ""  # fp32, fp16, bf16, int8, nf4; empty: what suits the machine
    idle_s: float = 1800.0  # a model that nobody used for so long goes
    manage: bool = True  # whether the page may pin, unload and add models
    uploads: bool = True  # whether visitors may add characters of their own
    private_ok: bool = False  # whether visitors may name servers on this machine and in private networks


_settings = Settings()
_pool: ModelPool | None = None
_servers: dict[str, RemoteSpec] | None = None  # read once, as the pool's catalogue is
_visitors: OrderedDict[str, tuple[float, RemoteServer]] = OrderedDict()
_lock = threading.Lock()


def configure(chosen: Settings) -> None:
    """Sets what the pool is made from; a pool that was made from other settings is given up."""
    global _settings, _pool, _servers
    with _lock:
        if chosen != _settings:
            _settings, _pool, _servers = chosen, None, None


def settings() -> Settings:
    """What was configured."""
    return _settings


def pool() -> ModelPool:
    """The pool, made at the first call. Raises BadInput for a models.toml that cannot be used."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = _made(_settings)
        return _pool


def _made(chosen: Settings) -> ModelPool:
    cache = QuantisedCache(chosen.home / "cache" / "int8", DISK_BYTES) if chosen.home else None
    wanted = Precision(chosen.precision) if chosen.precision else None
    look = partial(decide, wanted=wanted, limit=chosen.limit or None)
    return ModelPool(
        catalogue(chosen.home),
        Opening(Downloads(chosen.offline), cache),
        lambda role: look(role=role),  # type: ignore[arg-type]
        policy=Policy(idle_s=chosen.idle_s),
    )


def add(kind: str, row: ModelSpec | AdapterSpec, fields: Mapping[str, str]) -> None:
    """One row more, now in the pool and after a restart from <home>/models.toml. Raises BadInput."""
    import tomlkit

    pool().add(row)
    if _settings.home is None:
        return
    with _lock:
        path = _settings.home / "models.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.is_file() else tomlkit.document()
        table = document.setdefault(kind, tomlkit.table(is_super_table=True))
        table[row.key] = dict(fields)
        new = path.with_suffix(".new")
        new.write_text(tomlkit.dumps(document), encoding="utf-8")
        new.replace(path)


def register(named: RemoteServer) -> str:
    """Remembers a visitor's server; returns the choice that stands for it."""
    token, now = f"visitor.{secrets.token_urlsafe(18)}", time.monotonic()
    with _lock:
        _visitors[token] = (now, named)
        stale = [name for name, (used, _) in _visitors.items() if now - used > FORGET_S]
        for name in stale:
            del _visitors[name]
        while len(_visitors) > VISITORS:
            _visitors.popitem(last=False)
    return token


def _visitor(choice: str) -> RemoteServer:
    with _lock:
        if choice not in _visitors:
            raise UnknownModel("remote_forgotten")
        _visitors.move_to_end(choice)
        _, named = _visitors[choice]
        _visitors[choice] = (time.monotonic(), named)
        return named


def server(choice: str) -> RemoteServer | None:
    """The server that a choice means, None for a model of the pool.

    Raises UnknownModel for one that is forgotten or was never named, ModelUnavailable where its key is not set,
    BadInput for a models.toml that cannot be used.
    """
    if choice.startswith("visitor."):
        return _visitor(choice)
    if not choice.startswith("remote."):
        return None
    name, _, adapter = choice.removeprefix("remote.").partition("+")
    row = _remotes().get(name)
    if row is None or (adapter and adapter not in row.adapters):
        raise UnknownModel("remote_unknown", name=choice.removeprefix("remote."))
    return connect(row)


def servers(role: str) -> tuple[tuple[str, str], ...]:
    """(choice, title) of the servers that the owner of the hub has set up for a role, adapters beneath their base."""
    found: list[tuple[str, str]] = []
    for row in _remotes().values():
        if row.kind == role:
            found += [(f"remote.{row.name}", row.title)]
            found += [(f"remote.{row.name}+{adapter}", f"{adapter} ({row.title})") for adapter in row.adapters]
    return tuple(found)


def _remotes() -> dict[str, RemoteSpec]:
    global _servers
    with _lock:
        if _servers is None:
            _servers = remotes(_settings.home)
        return _servers


@contextmanager
def voice(choice: str, task: Task) -> Iterator[Voice]:
    """A model that writes, held until the block ends. Raises UnknownModel, ModelUnavailable, DoesNotFit, Busy,
    Cancelled."""
    remote = server(choice)
    if remote is not None:
        yield RemoteVoice(remote, choice.partition("+")[2])
        return
    key, _, adapter = choice.partition("+")
    with pool().lease(key, task, adapter=adapter) as lease:
        held = HeldVoice(lease)
        try:
            yield held
        finally:
            held.close()


@contextmanager
def columns(choice: str, adapters: Sequence[str], task: Task) -> Iterator[HeldColumns]:
    """The base of a choice ("" in `adapters`) and its adapters, held together, to answer side by side."""
    with ExitStack() as stack:
        yield hold_columns(pool(), choice.partition("+")[0], adapters, task, stack)


@contextmanager
def encoder(choice: str, task: Task) -> Iterator[Encoder]:
    """A model that embeds, held until the block ends. Raises as `voice`."""
    remote = server(choice)
    if remote is not None:
        yield RemoteEncoder(remote)
        return
    with pool().lease(choice, task, exact=True) as lease:
        yield HeldEncoder(lease)
