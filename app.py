"""Luotuo Hub: `python app.py` opens the page; `python app.py --help` shows the options.

Every option has an environment variable of the same meaning (LUOTUO_HOST, LUOTUO_PORT …); the command line wins.
`demo` is the Blocks that hosting platforms look for; it is built when it is asked for.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps import APPS, find

if TYPE_CHECKING:
    import gradio as gr

    from apps.hub import Built

TRUE = {"1", "true", "yes", "on"}
PRECISIONS = ("", "fp32", "bf16", "fp16", "int8", "nf4")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this hub is served."""

    host: str
    port: int | None  # None: the first free one from 7860
    share: bool
    apps: str  # comma-separated keys; empty: all
    lang: str  # "zh", "en", or empty: what the browser asks for
    home: Path
    offline: bool
    open: bool
    budget: str  # of the models: a size, or a card to be treated as; empty: what is free
    precision: str  # of the models; empty: what suits the machine
    idle: float  # minutes after which an unused model is unloaded
    manage: bool  # whether the page may pin, unload and add models
    private: bool  # whether visitors may name servers in private networks
    uploads: bool  # whether visitors may add characters of their own


def settings(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Reads the command line over the environment over the defaults. Exits with a message on a bad value."""
    env = environ.get
    parser = argparse.ArgumentParser(
        prog="app.py", description="Luotuo Hub: the apps of the Luotuo family on one page."
    )
    host = env("LUOTUO_HOST") or env("GRADIO_SERVER_NAME") or "127.0.0.1"
    port = env("LUOTUO_PORT") or env("GRADIO_SERVER_PORT") or None
    parser.add_argument("--host", default=host, help="address to listen on (LUOTUO_HOST; default 127.0.0.1)")
    parser.add_argument("--port", default=port, type=_port, help="port (LUOTUO_PORT; default: first free from 7860)")
    share = _on(env("LUOTUO_SHARE")) or _on_colab(environ)
    parser.add_argument("--share", default=share, **_flag, help="make a public link (LUOTUO_SHARE; on Colab: on)")
    keys = ",".join(spec.key for spec in APPS)
    apps = env("LUOTUO_APPS", "")
    parser.add_argument("--apps", default=apps, type=_apps, help=f"tabs to mount (LUOTUO_APPS; default all: {keys})")
    lang = env("LUOTUO_LANG", "")
    words = "language of visitors who have not chosen one (LUOTUO_LANG; default: their browser's)"
    parser.add_argument("--lang", default=lang, type=_lang, metavar="{zh,en}", help=words)
    home = env("LUOTUO_HOME") or str(Path.home() / ".luotuo")
    words = "folder of your own characters and prophet pieces (LUOTUO_HOME; default ~/.luotuo)"
    parser.add_argument("--home", default=home, type=Path, help=words)
    offline = _on(env("LUOTUO_OFFLINE"))
    parser.add_argument("--offline", default=offline, **_flag, help="never reach for a model hub (LUOTUO_OFFLINE)")
    parser.add_argument("--open", default=_on(env("LUOTUO_OPEN")), **_flag, help="open the browser (LUOTUO_OPEN)")
    _model_options(parser, env)
    return Settings(**vars(parser.parse_args(argv)))


def _model_options(parser: argparse.ArgumentParser, env: Callable[..., Any]) -> None:
    """What concerns the model pool."""
    words = (
        "memory for models: a size such as 6GiB, or a card to be treated as, such as T4 (LUOTUO_BUDGET; default: free)"
    )
    parser.add_argument("--budget", default=env("LUOTUO_BUDGET", ""), type=_budget, help=words)
    words = "precision of models (LUOTUO_PRECISION; default: int8 where it can be computed)"
    parser.add_argument("--precision", default=env("LUOTUO_PRECISION", ""), choices=PRECISIONS, help=words)
    words = "minutes after which an unused model is unloaded (LUOTUO_IDLE; default 30)"
    parser.add_argument("--idle", default=float(env("LUOTUO_IDLE", "30")), type=float, help=words)
    manage = _on(env("LUOTUO_MANAGE", "0" if env("SPACE_ID") else "1"))
    words = "let the page pin, unload and add models (LUOTUO_MANAGE; default: on, but off on Spaces)"
    parser.add_argument("--manage", default=manage, **_flag, help=words)
    words = "let visitors name servers on this machine and in private networks (LUOTUO_PRIVATE; default: off)"
    parser.add_argument("--private", default=_on(env("LUOTUO_PRIVATE")), **_flag, help=words)
    words = "let visitors add characters of their own, seen by their browser only (LUOTUO_UPLOADS; default: on)"
    parser.add_argument("--uploads", default=_on(env("LUOTUO_UPLOADS", "1")), **_flag, help=words)


def _budget(value: str) -> str:
    """Checked without importing a model library: a size, or the name of a card."""
    from models.device import known_limit

    if value and not known_limit(value):
        raise argparse.ArgumentTypeError(f"{value} is neither a size such as 6GiB nor a known card")
    return value


_flag: dict[str, Any] = {"action": argparse.BooleanOptionalAction}


def _on(value: str | None) -> bool:
    return (value or "").strip().lower() in TRUE


def _on_colab(environ: Mapping[str, str]) -> bool:
    """A command in a Colab cell is a subprocess, where Gradio cannot see that it is on Colab."""
    return "COLAB_RELEASE_TAG" in environ or "COLAB_GPU" in environ


def _port(value: str) -> int:
    port = int(value)
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{value} is not a port (1 … 65535)")
    return port


def _apps(value: str) -> str:
    try:
        find(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return value


def _lang(value: str) -> str:
    if value not in ("", "zh", "en"):
        raise argparse.ArgumentTypeError(f"{value} is not zh or en")
    return value


def prepare(chosen: Settings) -> None:
    """Sets what must stand in the environment before Gradio or a model library is imported."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(chosen.home / "cache" / "numba"))
    if chosen.offline:
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")


def build(chosen: Settings) -> "Built":
    """The hub with the chosen apps."""
    from apps.hub import build_hub
    from models import instance

    instance.configure(
        instance.Settings(
            home=chosen.home,
            offline=chosen.offline,
            limit=chosen.budget,
            precision=chosen.precision,
            idle_s=60.0 * chosen.idle,
            manage=chosen.manage,
            uploads=chosen.uploads,
            private_ok=chosen.private,
        )
    )
    return build_hub(find(chosen.apps), home=chosen.home)


def serve(chosen: Settings) -> None:
    """Builds and serves the hub until it is interrupted."""
    prepare(chosen)
    from apps.hub import launch_options, warm_up

    built = build(chosen)
    built.demo.queue(max_size=64, default_concurrency_limit=8)
    options = launch_options(built, lang=chosen.lang)
    _, local, public = built.demo.launch(
        server_name=chosen.host, server_port=chosen.port, share=chosen.share, inbrowser=chosen.open,
        prevent_thread_lock=True, quiet=True, **options,
    )  # fmt: skip
    print(f"Luotuo Hub: {local}" + (f"  public: {public}" if public else ""), flush=True)
    warm_up(find(chosen.apps))
    built.demo.block_thread()


def __getattr__(name: str) -> "gr.Blocks":
    """`demo`, for platforms that import this module instead of running it."""
    if name != "demo":
        raise AttributeError(f"module 'app' has no attribute {name!r}")
    chosen = settings([], os.environ)
    prepare(chosen)
    globals()["demo"] = build(chosen).demo
    return globals()["demo"]


if __name__ == "__main__":
    serve(settings(sys.argv[1:], os.environ))
