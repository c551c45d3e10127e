"""The bar at the top of a tab: which engine answers there, what another one would cost, load it, name a server.

One HTML component per capability; assets/bar.js draws it and asks the functions below every two seconds while it can be
seen. The visitor's choice lies in the hidden field of `mount.choice`, and in their browser. Knows standings; loads
nothing itself.
"""

import json
import secrets
import threading
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from apps.bilingual import both, both_words
from apps.mount import Mount
from apps.work import explain
from models import Task, instance
from models.errors import BadInput, Cancelled, HubError, UnknownModel
from models.remote import RemoteServer
from models.standing import Option, Standing, options, standing
from models.strings import language, say, table

GIB = 1 << 30
LOADABLE = ("room", "evict", "drain", "unknown")
MAX_JOBS = 64  # loads that somebody asked for with the button and that have not ended
_jobs: dict[str, Task] = {}
_errors: dict[str, HubError] = {}
_lock = threading.Lock()

TEMPLATE = """<div class="bar">
<label><span class="bar-label">{engine}</span><select aria-label="{aria}"></select></label>
<div class="line" role="status" aria-live="polite"></div>
<button type="button" class="load" hidden>{load}</button><button type="button" class="halt" hidden>{stop}</button>
<button type="button" class="own" aria-expanded="false">{own}</button>
<form hidden><p class="note">{note}</p>
<label>{url}<input name="url" type="url" required maxlength="300" placeholder="https://host:8000/v1"></label>
<label>{model}<input name="model" maxlength="200" placeholder="Qwen/Qwen3-4B-Instruct-2507"></label>
<label>{key}<input name="key" type="password" maxlength="500" autocomplete="off"></label>
<button type="submit">{connect}</button><output></output></form></div>"""


def build(mount: Mount, capabilities: Sequence[str] = ()) -> None:
    """One bar for every capability that the app's models can serve, or for some of them. Its markup is fetched by the
    script: six bars in the first HTML would weigh as much as an app."""
    for capability in capabilities or mount.spec.needs:
        field = mount.choice(capability)
        names = json.dumps({"field": field.elem_id})
        gr.HTML(
            "",
            html_template="<div></div>",
            js_on_load=f"hubScript('bar').then(() => hubBar(element, server, {names}))",
            elem_id=mount.id(f"bar-{capability}"),
            elem_classes="model-bar",
            server_functions=[drawer(capability), looker(capability), load, halt, connect],
        )
        mount.keep(f"model-{capability}", field)


def drawer(capability: str) -> Any:  # noqa: ANN401  (a function of one argument, as Gradio calls it)
    """The function that a bar asks for its markup."""

    def shell(_: Any = None) -> str:  # noqa: ANN401
        words = {name: both(f"bar.{name}") for name in ("load", "own", "note", "url", "model", "key", "connect")}
        words |= {"stop": both("hub.stop"), "engine": both(f"bar.for.{capability}")}
        aria = escape(f"{say('bar.engine', 'zh')} {say('bar.engine', 'en')}")
        return TEMPLATE.format(**words, aria=aria)

    return shell


def looker(capability: str) -> Any:  # noqa: ANN401  (a function of one argument, as Gradio calls it)
    """The function that a bar asks what to show."""

    def look(given: Any = None) -> dict[str, Any]:  # noqa: ANN401
        asked = given if isinstance(given, dict) else {}
        choice, lang = str(asked.get("choice", "")), language(str(asked.get("lang", "")))
        gone = False
        try:
            now = standing(choice)
        except UnknownModel:
            now, gone = Standing("", "embedded"), True
        job = str(asked.get("job", ""))
        busy = now.state == "loading" or job in _jobs
        error = _errors.pop(job, None)
        return {
            "choice": now.choice,
            "gone": gone,
            "options": menu(options(capability), now, lang),
            "line": failed(error) if error else line(now),
            "loadable": now.state in LOADABLE,
            "busy": busy,
        }

    return look


def menu(found: tuple[Option, ...], now: Standing, lang: str) -> list[tuple[str, str]]:
    """(choice, words) of every entry; a server of the visitor's own is listed for them alone."""
    entries = [("", say("hub.embedded", lang))]
    for option in found:
        size = f" · {gib(option.n_bytes)}" if option.n_bytes else ""
        entries.append((option.choice, f"{option.title}{size} · {say(f'bar.where.{option.where}', lang)}"))
    if now.state == "server" and now.choice.startswith("visitor."):
        entries.append((now.choice, f"{now.title} @ {now.repo}"))
    return entries


def line(now: Standing) -> str:
    """One line of markup: state, precision and bytes, and what loading it would evict."""
    if now.state == "loading":
        words = both(now.note if now.note in table() else "hub.working")
        percent = round(now.fraction * 100)
        return f'<progress max="100" value="{percent}" aria-label="{percent}%"></progress> {words} {percent}%'
    values = {"evicts": "、".join(now.evicts), "title": now.title, "host": now.repo}
    told = both(f"bar.state.{now.state}", **values)
    facts = [escape(now.precision), gib(now.n_bytes) if now.n_bytes else ""]
    facts += [both("bar.context", count=now.n_context)] if now.n_context and now.state != "unknown" else []
    facts += [escape(now.licence)] if now.licence else []
    shown = " · ".join(fact for fact in facts if fact)
    download = "" if now.here or now.state in ("server", "embedded") else f" {both('bar.download')}"
    return f'<span class="state {now.state}">{told}</span> <span class="facts">{shown}{download}</span>'


def failed(error: HubError) -> str:
    """Why a load with the button did not succeed."""
    return f'<span class="state misfit">{both_words(error.text("zh"), error.text("en"))}</span>'


def load(given: Any = None) -> dict[str, str]:  # noqa: ANN401
    """Begins to load a choice; the answer names the job. What comes of it is in the next looks."""
    choice = str(given.get("choice", "")) if isinstance(given, dict) else ""
    with _lock:
        if not choice or choice.startswith(("visitor.", "remote.")) or len(_jobs) >= MAX_JOBS:
            return {"job": ""}
        job = secrets.token_hex(8)
        _jobs[job] = Task()
    threading.Thread(target=_load, args=(job, choice), name="luotuo-load", daemon=True).start()
    return {"job": job}


def _load(job: str, choice: str) -> None:
    key, _, adapter = choice.partition("+")
    try:
        with instance.pool().lease(key, _jobs[job], adapter=adapter):
            pass
    except Cancelled:
        pass
    except HubError as error:
        _remember(job, error)
    except Exception as error:
        _remember(job, HubError("internal", incident=explain(error, "en")[-7:]))
    finally:
        del _jobs[job]


def _remember(job: str, error: HubError) -> None:
    with _lock:
        while len(_errors) >= MAX_JOBS:
            del _errors[next(iter(_errors))]
        _errors[job] = error


def halt(given: Any = None) -> dict[str, str]:  # noqa: ANN401
    """Stops a load that this visitor began; it ends if nobody else waits for it."""
    job = str(given.get("job", "")) if isinstance(given, dict) else ""
    if job in _jobs:
        _jobs[job].stop()
    return {"job": ""}


def connect(given: Any = None) -> dict[str, str]:  # noqa: ANN401
    """A server of the visitor's own: asked what it offers, then remembered for them. The key stays in memory here."""
    asked = {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    lang = language(asked.get("lang", ""))
    try:
        url, key, model = asked.get("url", "").strip(), asked.get("key", ""), asked.get("model", "").strip()
        offered = RemoteServer(url, key, model, private_ok=instance.settings().private_ok).models()
        names = [served.id for served in offered]
        chosen = model or (names[0] if len(names) == 1 else "")
        if chosen not in names:
            listed = ", ".join(names[:12])
            raise BadInput("remote_model", host=url[:80], model=model or "—", offered=listed or "—")
        server = RemoteServer(url, key, chosen, private_ok=instance.settings().private_ok)
        return {"choice": instance.register(server), "words": ""}
    except Exception as error:
        return {"choice": "", "words": explain(error, lang)}


def gib(n_bytes: int) -> str:
    """Bytes as a person reads them."""
    return f"{n_bytes / GIB:.1f} GiB" if n_bytes >= GIB / 10 else f"{n_bytes / (1 << 20):.0f} MiB"
