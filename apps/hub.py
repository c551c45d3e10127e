"""The page: header, home cards, one tab per AppSpec. Knows the registry; knows nothing of any one app.

An app that fails to import or build shows a card in its own tab and the others live; one that fails to run says so
where it runs (apps/work.py). After the page is up, a background thread warms engines and heavy libraries.
"""

import importlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.i18n import I18nData
from starlette.middleware import Middleware
from starlette.routing import Mount as Route
from starlette.staticfiles import StaticFiles

from apps import APPS, AppSpec, ledger
from apps.boot import Boot
from apps.mount import PRIVATE, Mount
from apps.theme import theme
from apps.ui import both, both_words
from models import engine_spec, instance, warm
from models.assets import asset, read
from models.errors import HubError, UnknownModel
from models.libraries import NEURAL, import_in_turn
from models.strings import table

log = logging.getLogger("luotuo")


@dataclass
class Built:
    """The finished hub: the Blocks to launch, and what each app left with the hub."""

    demo: gr.Blocks
    mounts: dict[str, Mount] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # app key → reason
    titles: dict[str, dict[str, str]] = field(default_factory=dict)  # label of each tab in both languages


def build_hub(apps: tuple[AppSpec, ...] = APPS, *, home: Path | None = None) -> Built:
    """Builds the page with all tabs. Never raises because of an app."""
    home = home or Path.home() / ".luotuo"
    with gr.Blocks(title="骆驼 Luotuo Hub", delete_cache=(3600, 86400), analytics_enabled=False) as demo:
        built = Built(demo)
        lang = gr.Textbox("zh-CN", visible=False)
        gr.HTML(_header(), elem_id="hub-header")
        with gr.Tabs(elem_id="hub-tabs", overflow_behavior="wrap") as tabs:
            _home(apps)
            for spec in apps:
                _mount(built, spec, lang, home)
        _handover(built, tabs)
        _restore(built, lang)
    return built


def _home(apps: tuple[AppSpec, ...]) -> None:
    with gr.Tab(I18nData("hub.home"), id="home", elem_id="tab-home"):
        gr.HTML(_cards(apps))
        ledger.build()


def _mount(built: Built, spec: AppSpec, lang: gr.Textbox, home: Path) -> None:
    """One app in its tab: the app itself, or a card that says why it is missing."""
    mount = Mount(spec, lang=lang, home=home)
    built.titles[f"app.{spec.key}"] = {"zh": spec.title.zh, "en": spec.title.en}
    with gr.Tab(I18nData(f"app.{spec.key}"), id=spec.key, elem_id=f"tab-{spec.key}") as tab:
        try:
            with gr.Column(elem_classes="app"):
                resolve(spec)(mount)
            built.mounts[spec.key] = mount
        except Exception as error:
            log.exception("app %s could not be mounted", spec.key)
            built.failed[spec.key] = str(error)
            tab.children.clear()
            _forget(built.demo, tab)
            gr.HTML(_failure(spec, error))


def resolve(spec: AppSpec) -> Callable[[Mount], None]:
    """The app's build function. Raises whatever importing it raises."""
    module, name = spec.build.split(":")
    return getattr(importlib.import_module(module), name)


def _forget(demo: gr.Blocks, tab: gr.Tab) -> None:
    """Takes the half-built components of a failed app, and their events, out of the page."""
    alive: set[int] = set()

    def walk(block: Any) -> None:  # noqa: ANN401  (a Gradio block)
        alive.add(block._id)
        for child in getattr(block, "children", []):
            walk(child)

    walk(demo)
    dead = {key for key in demo.blocks if key not in alive and key != demo._id}
    for key in dead:
        del demo.blocks[key]
    functions = demo.default_config.fns
    for key, function in list(functions.items()):
        parts = [*function.inputs, *function.outputs]
        if any(part._id in dead for part in parts) or any(target in dead for target, _ in function.targets):
            del functions[key]


def _handover(built: Built, tabs: gr.Tabs) -> None:
    """Lets one app's result fill another app's input, then opens that tab."""
    for mount in built.mounts.values():
        for button, source, target, name in mount.departures:
            goal = built.mounts.get(target)
            if goal is None or name not in goal.arrivals:
                button.visible = False
                continue
            button.click(
                lambda text, to=target: (text, gr.Tabs(selected=to)),
                source,
                [goal.arrivals[name], tabs],
                queue=False,
                show_progress="hidden",
                **PRIVATE,
            ).then(None, js=f"() => hubWent('{target}')", **PRIVATE)


def _restore(built: Built, lang: gr.Textbox) -> None:
    """On load: the visitor's language, and what the browser kept for each app. (The tab of the URL: hub.js.)"""
    kept = [pair for mount in built.mounts.values() for pair in mount.kept]
    slots = json.dumps([slot for slot, _ in kept])
    built.demo.load(None, None, lang, js="() => hubLang", **PRIVATE)
    built.demo.load(None, None, [part for _, part in kept], js=f"() => hubKept({slots})", **PRIVATE)
    for mount in built.mounts.values():
        for fill, inputs, outputs in mount.openings:
            built.demo.load(fill, inputs, outputs, queue=False, show_progress="hidden", **PRIVATE)


def _header() -> str:
    theme_button = f'<span aria-hidden="true">◐</span> <span class="label">{both("hub.theme")}</span>'
    return (
        f'<header class="top"><a class="brand" href="?tab=home" data-tab="home">{read("logo.svg")}'
        f"<span><strong>{both('hub.name')}</strong><small>{both('hub.promise')}</small></span></a>"
        f'<nav class="switches"><button type="button" id="hub-lang">{both("hub.other_language")}</button>'
        f'<button type="button" id="hub-theme">{theme_button}</button></nav></header>'
    )


def _cards(apps: tuple[AppSpec, ...]) -> str:
    cards = "".join(_card(spec) for spec in apps)
    return (
        f'<div class="home"><h1>{both("hub.welcome")}</h1><p>{both("hub.intro")}</p>'
        f'<div class="cards">{cards}</div><p class="note">{both("hub.home_note")}</p></div>'
    )


def _card(spec: AppSpec) -> str:
    """A real link, so it works with the keyboard, in a new tab and without waiting for the server."""
    try:
        icon = read("icons", f"{spec.key}.svg")
    except FileNotFoundError:
        icon = read("icons", "home.svg")
    return (
        f'<a class="card" href="?tab={spec.key}" data-tab="{spec.key}">{icon}'
        f"<strong>{both_words(spec.title.zh, spec.title.en)}</strong>"
        f"<span>{both_words(spec.tagline.zh, spec.tagline.en)}</span>{_engine_chip(spec)}</a>"
    )


def _engine_chip(spec: AppSpec) -> str:
    """Which engine would answer now, and how."""
    for need in spec.needs:
        try:
            how = engine_spec(need).how
        except UnknownModel:
            continue
        return f'<span class="badge {how}">{both("hub.embedded")} · {both(f"hub.how.{how}")}</span>'
    return f'<span class="badge none">{both("hub.no_engine")}</span>'


def _failure(spec: AppSpec, error: Exception) -> str:
    """The card of an app that could not be mounted: cause and remedy in both languages."""
    known = error if isinstance(error, HubError) else None
    phase = "app_import" if isinstance(error, ImportError) else "app_build"
    texts = [
        (known or HubError(phase, name=spec.title.to(lang), reason=f"{type(error).__name__}: {error}")).text(lang)
        for lang in ("zh", "en")
    ]
    title = both_words(spec.title.zh, spec.title.en)
    return f'<div class="failure" role="alert"><h2>{title}</h2><p>{both_words(*texts)}</p></div>'


def translations(built: Built) -> gr.I18n:
    """The labels that the page itself translates, as Gradio wants them; all other strings stay on the server."""
    labels = {"hub.home"}.union(*(mount.labels for mount in built.mounts.values()))
    words = {key: table()[key] for key in sorted(labels)} | built.titles
    return gr.I18n(
        **{"zh-CN": {key: pair["zh"] for key, pair in words.items()}},
        en={key: pair["en"] for key, pair in words.items()},
    )


def launch_options(built: Built, *, lang: str = "") -> dict[str, Any]:
    """Everything `Blocks.launch` needs to serve the hub: theme, words, middleware, and nothing public by accident."""
    default = {"zh": "zh-CN", "en": "en"}.get(lang, "")
    return {
        "theme": theme(),
        "css": read("app.css"),
        "head": f"<script>{read('hub.js')}</script>",
        "i18n": translations(built),
        "app_kwargs": {"middleware": [Middleware(Boot, lang=default)], "routes": _routes(built)},
        "favicon_path": str(asset("logo.svg")),
        "footer_links": ["api", "settings"],
        "max_file_size": "160mb",  # a saved map of 200,000 texts; documents: models/documents/gate.py
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
    }


def _routes(built: Built) -> list[Route]:
    """The assets folders that apps let the page fetch, by address; nothing else of the disk."""
    served = {address: path for mount in built.mounts.values() for address, path in mount.served.items()}
    return [Route(f"/{address}", StaticFiles(directory=path)) for address, path in served.items()]


def warm_up(apps: tuple[AppSpec, ...]) -> threading.Thread:
    """After the page is up: builds the engines of the mounted apps, calls each app's own `warm()` where it has one,
    then imports the libraries of the neural engines. All in a background thread; returns it.
    """

    def target() -> None:
        for spec in apps:
            for need in spec.needs:
                _quietly(warm, need)
        for spec in apps:
            _quietly(_warm_app, spec.build.split(":")[0])
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of kernels that nobody asked for
        for name in NEURAL:
            _quietly(import_in_turn, name)
        _quietly(instance.pool().choice, "generate")

    thread = threading.Thread(target=target, name="luotuo-warm", daemon=True)
    thread.start()
    return thread


def _warm_app(module: str) -> None:
    getattr(importlib.import_module(module), "warm", lambda: None)()


def _quietly(function: Callable[[str], object], name: str) -> None:
    try:
        function(name)
    except Exception as error:  # the app that needs it will say so with its remedy
        log.info("warming %s: %s", name, escape(str(error)))
