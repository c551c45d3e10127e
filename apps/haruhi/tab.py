"""The tab: gallery on top, the conversation, and beside it picture, memory and character (above the chat on a phone).

Knows Gradio and which component shows which part of a View; what happens is apps/haruhi/stage.py's and wizard.py's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from apps import modelbar, ui, writing
from apps.given import scrubbed
from apps.haruhi import api, markup
from apps.haruhi.acting import Brains
from apps.haruhi.library import Library
from apps.haruhi.stage import Stage, View
from apps.haruhi.story import Story, read, write
from apps.haruhi.wizard import Wizard
from apps.mount import PRIVATE, Mount
from apps.panel import MAX_MESSAGE
from apps.work import toast
from models import instance
from models.errors import BadInput
from models.roleplay.replies import OPTIONS

_WAKE = """import(new URL('ADDRESS/haruhi.js', document.baseURI).href)
  .then((part) => part.mount(element, (what) => trigger('act', what), upload));"""
_KEEP = "(text) => { window.hubStory ? window.hubStory(text) : (window.hubStoryKept = text); return []; }"
_FETCH = """(file) => {
  if (file && file.url !== window.hubFetched) {
    window.hubFetched = file.url;
    setTimeout(() => document.querySelector('#haruhi-file').click(), 150);
  }
  return [];
}"""
MOST_FILES = 60  # of one upload


class Desk:
    """Every command of the page, by name, for one hub."""

    def __init__(self, home: Path) -> None:
        self.stage = Stage(Library(home, uploads=instance.settings().uploads))
        self.wizard = Wizard(self.stage)

    def say(self, text: str, story: str, role: str, lang: str, *brains: Any) -> Iterator[View]:  # noqa: ANN401
        """The visitor's message."""
        now = self._now(story, role)
        yield from self.stage.say(now, scrubbed(text or ""), lang, _brains(*brains))

    def act(self, given: Any, story: str, role: str, lang: str, *brains: Any) -> Iterator[View]:  # noqa: ANN401
        """What a button asks for."""
        do = scrubbed(given) if isinstance(given, dict) else {}
        name, now, mind = str(do.get("do", "")), self._now(story, role), _brains(*brains)
        if name == "open":
            yield self.wizard.open(do, read(story) if not do.get("owner") else Story(), lang)
        elif name in ("continue", "narrate"):
            yield from self.stage.act(now, now, self._speaker(now), name, lang, mind)  # type: ignore[arg-type]
        elif name == "speak" and any(seat.key == do.get("key") for seat in now.seats):
            yield from self.stage.act(now, now, str(do["key"]), "reply", lang, mind)
        elif name == "retry" or (name == "swipe" and do.get("step") == 1 and self._at_end(now, do.get("at"))):
            yield from self.stage.retry(now, lang, mind, do.get("at") if type(do.get("at")) is int else None)
        elif name == "edit" and self._mine(now, do.get("at")):
            yield from self.stage.say(now, str(do.get("text", "")), lang, mind, at=int(do["at"]))
        else:
            yield from self._quick(name, do, now, lang, mind)

    def _quick(self, name: str, do: Mapping[str, Any], now: Story, lang: str, mind: Brains) -> Iterator[View]:
        if name == "suggest":
            yield from self.stage.suggest(now, lang, mind)
        elif name == "picture":
            yield self.stage.picture(now, lang, mind)
        elif name == "join":
            yield self.wizard.shown_after(self.stage.join(now, str(do.get("key", "")), lang), lang)
        elif name == "leave":
            yield self.wizard.shown_after(self.stage.moved(now, do, lang), lang)
        elif name == "bring":
            yield from self.wizard.bring(_uploaded(do), now, lang, mind)
        elif name == "create":
            fields = do.get("fields")
            yield from self.wizard.create(fields if isinstance(fields, dict) else {}, now, lang, mind)
        elif name == "chat":
            yield self.wizard.chat_in(_uploaded(do)[0], now, lang)
        elif name == "forget":
            yield self.wizard.forget(do, now, lang)
        elif name == "pack":
            yield self.wizard.pack_file(str(do.get("kind", "")), now)
        elif name == "export":
            yield self.wizard.chat_file(str(do.get("kind", "")), now, lang)
        elif name in ("swipe", "undo", "redo", "goto", "branch", "clear", "rule", "inline", "edit"):
            yield self.stage.moved(now, do, lang)
        else:
            raise BadInput("bad_option")

    def stop(self, story: str, live: str, role: str, lang: str) -> Iterator[View]:
        """What stands after the stop button."""
        yield self.stage.stopped(self._now(story, role), live or "", lang)

    def _now(self, story: str, role: str) -> Story:
        """The visitor's story, with the role that their field says."""
        now = self.stage.library.known(read(story or ""))
        return replace(now, role=(role or "").strip() or now.role)

    def _speaker(self, story: Story) -> str:
        """Who goes on: the character who spoke last."""
        last = next((str(meta.get("key", "")) for meta in reversed(list(story.metas()))), story.key)
        return last if any(seat.key == last for seat in story.seats) else story.key

    def _at_end(self, story: Story, at: object) -> bool:
        """Whether there is no further alternative of a message, so that a new one is wanted."""
        there = type(at) is int and 0 <= at < len(story.tree.nodes)
        return there and story.tree.nodes[at].side == "character" and story.tree.swipes(at)[-1] == at  # type: ignore[index, arg-type]

    def _mine(self, story: Story, at: object) -> bool:
        return type(at) is int and 0 <= at < len(story.tree.nodes) and story.tree.nodes[at].side == "user"  # type: ignore[index]


def _brains(encoder: str, choice: str, *settings: Any) -> Brains:  # noqa: ANN401
    return Brains(choice or "", encoder or "", writing.options(*settings))


def _uploaded(do: Mapping[str, Any]) -> list[Path]:
    """The files that the page has uploaded just now; nothing else of the disk. Raises BadInput("bad_option")."""
    folder = Path(get_upload_folder()).resolve()
    given = do.get("paths")
    paths = [Path(str(one)).resolve() for one in (given if isinstance(given, list) else [])[:MOST_FILES]]
    if not paths or not all(path.is_relative_to(folder) and path.is_file() for path in paths):
        raise BadInput("bad_option")
    return paths


def build(mount: Mount) -> None:
    """The tab."""
    desk = Desk(mount.home)
    first = desk.stage.library.first
    ui.heading(mount, bars=["roleplay"])
    address = mount.serves("haruhi")
    board = gr.HTML(
        "", js_on_load=_WAKE.replace("ADDRESS", address), elem_id=mount.id("character"), apply_default_css=False
    )
    story = gr.Textbox("", visible="hidden", elem_id=mount.id("story"))
    with gr.Row(equal_height=False, elem_classes="stage"):
        with gr.Column(scale=3):
            with gr.Column(elem_id=mount.id("bot"), elem_classes="talk"):
                log, live = _part(mount, "log"), _part(mount, "live")
            with gr.Row(elem_classes="speak"):
                role = gr.Dropdown(
                    first.roles, value=first.roles[0], label=mount.t("role"), allow_custom_value=True,
                    elem_id=mount.id("role"), scale=1, min_width=130,
                )  # fmt: skip
                box = gr.Textbox(  # locked until a story is open: what is said before would not be in it
                    placeholder=mount.t("placeholder"), label=mount.t("hub.message"), submit_btn=True, stop_btn=False,
                    max_length=MAX_MESSAGE, lines=1, max_lines=6, elem_id=mount.id("box"), scale=4, interactive=False,
                )  # fmt: skip
            tools = _part(mount, "tools")
            picks = gr.Dataset(
                components=[box], samples=[[line] for line in first.starters], label=mount.t("hub.examples"),
                elem_id=mount.id("examples"), type="values",
            )  # fmt: skip
        with gr.Column(scale=2, elem_classes="pane"):
            picture, scenes = _part(mount, "picture"), gr.HTML("", elem_id=mount.id("scenes"))
            saw, person = gr.HTML("", elem_id=mount.id("saw")), _part(mount, "person")
            file = gr.DownloadButton("file", visible="hidden", elem_id=mount.id("file"))
    modelbar.build(mount, ["embed"])
    settings = [mount.choice("embed"), *writing.settings(mount, "roleplay", OPTIONS)]
    gr.HTML(f'<p class="note">{ui.both("haruhi.note")}</p>')
    parts = {
        "story": story, "log": log, "live": live, "tools": tools, "picture": picture, "scenes": scenes, "saw": saw,
        "person": person, "gallery": board, "starters": picks, "roles": role, "box": box, "file": file,
    }  # fmt: skip
    _wire(mount, desk, parts, settings)
    mount.api(api.endpoint(desk.stage), "roleplay")


def _part(mount: Mount, name: str) -> gr.HTML:
    """A place for markup of ours, to which Gradio adds no style of its own."""
    return gr.HTML("", elem_id=mount.id(name), apply_default_css=False, js_on_load=None)


def _wire(mount: Mount, desk: Desk, parts: dict[str, Any], settings: list[gr.components.Component]) -> None:
    """Connects the box, the examples and every button of the page."""
    story, role, box, lang = parts["story"], parts["roles"], parts["box"], mount.lang
    common, outputs = [story, role, lang, *settings], list(dict.fromkeys(parts.values()))
    plain: dict[str, Any] = {
        "show_progress": "hidden", "concurrency_id": f"{mount.spec.key}-chat", "concurrency_limit": 8, **PRIVATE,
    }  # fmt: skip
    asked = parts["gallery"].act(_heard(desk.act, parts), common, outputs, trigger_mode="multiple", **plain)
    asked.success(None, parts["file"], None, js=_FETCH, **PRIVATE)
    running = [
        box.submit(_handler(desk.say, parts), [box, *common], outputs, **plain),
        parts["starters"].click(_handler(_first(desk.say), parts), [parts["starters"], *common], outputs, **plain),
        asked,
    ]
    stop = _handler(desk.stop, parts)
    box.stop(stop, [story, parts["live"], role, lang], outputs, cancels=running, show_progress="hidden", **PRIVATE)
    story.change(None, story, None, js=_KEEP, **PRIVATE)


def _first(say: Callable[..., Iterator[View]]) -> Callable[..., Iterator[View]]:
    """`say` for an example, which comes as a row of one."""
    return lambda row, *rest: say(row[0], *rest)


def _handler(work: Callable[..., Iterator[View]], parts: dict[str, Any]) -> Callable[..., Iterator[dict[Any, Any]]]:
    def handler(*values: Any) -> Iterator[dict[Any, Any]]:  # noqa: ANN401
        yield from _updates(lambda: work(*values), parts, str(values[3]))

    return handler


def _heard(work: Callable[..., Iterator[View]], parts: dict[str, Any]) -> Callable[..., Iterator[dict[Any, Any]]]:
    def handler(event: gr.EventData, *values: Any) -> Iterator[dict[Any, Any]]:  # noqa: ANN401
        yield from _updates(lambda: work(event._data, *values), parts, str(values[2]))

    return handler


def _updates(work: Callable[[], Iterator[View]], parts: dict[str, Any], lang: str) -> Iterator[dict[Any, Any]]:
    """What the components show, view by view. An error becomes a toast and a line; the box always comes back."""
    try:
        for view in work():
            if view.error is not None:
                words = toast(view.error, lang)
                view = replace(view, live=markup.notice(words), busy=False)
            yield _shown(view, parts)
    except Exception as error:
        words = toast(error, lang)
        yield _shown(View(live=markup.notice(words), busy=False), parts)


def _shown(view: View, parts: dict[str, Any]) -> dict[Any, Any]:
    """The updates of one view."""
    texts = ("log", "live", "tools", "picture", "scenes", "saw", "person", "gallery", "file")
    shown = {parts[name]: value for name in texts if (value := getattr(view, name)) is not None}
    if view.story is not None:
        shown[parts["story"]] = write(view.story)
    if view.starters is not None:
        shown[parts["starters"]] = gr.Dataset(samples=[[line] for line in view.starters])
    if view.roles is not None:
        shown[parts["roles"]] = gr.Dropdown(choices=list(view.roles), value=view.roles[0])
    box: dict[str, Any] = {}
    if view.busy is not None:
        box = {"submit_btn": not view.busy, "stop_btn": view.busy, "interactive": True}
    box |= {} if view.box is None else {"value": view.box}
    return shown | ({parts["box"]: gr.Textbox(**box)} if box else {})
