"""The tab and its behaviour: chat, picture, memory, character. Knows characters and the page; what is replied is the
embedded engine's or played.py's, which picture goes with it album.py's.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from apps import ui, writing
from apps.given import turns
from apps.haruhi.album import Album, pane
from apps.haruhi.played import play, remembered
from apps.mount import PRIVATE, Mount
from apps.panel import MAX_MESSAGE, ChatPanel, Turn, messages, shown
from apps.saw import saw
from models.characters import Character, characters, known
from models.embedded.dialogue import SceneReply
from models.engine import GenOptions, Message
from models.errors import BadInput
from models.roleplay.replies import OPTIONS
from models.spec import Origin
from models.strings import say
from models.task import Task

REVEAL_S = 0.03
MAX_ROLE = 12  # characters of a visitor's role name


def role_name(role: str, who: Character) -> str:
    """A visitor's role, cleaned of the marks that scenes are written with. Raises BadInput for the character's own."""
    plain = "".join(mark for mark in (role or "") if mark not in ":：「」\n\r").strip()[:MAX_ROLE]
    if plain in (who.speaker, who.words("name", "zh"), who.words("name", "en")):
        raise BadInput("role_is_character", name=plain)
    return plain or str(who.card["roles"][0])


def reply(who: Character, role: str, said: Sequence[Message], used: Sequence[int], task: Task) -> SceneReply:
    """The character's answer to the last message. Raises BadInput, Cancelled."""
    return who.scenes.reply(said, role_name(role, who), avoid=frozenset(used), task=task)


def about(who: Character) -> str:
    """Name, where from, persona and how much there is of them."""
    count = ui.both("haruhi.scene_count", scenes=len(who.scenes.scenes), pictures=len(who.pictures))
    fields = {
        name: ui.both_words(who.words(name, "zh"), who.words(name, "en")) for name in ("name", "series", "persona")
    }
    return (
        f'<div class="about"><h3>{fields["name"]}</h3><p class="note">{fields["series"]} · {count}</p>'
        f"<p>{fields['persona']}</p></div>"
    )


def memory(found: SceneReply) -> str:
    """The scenes that were used, with scores, and where the line comes from."""
    return ui.badge(found.reply.origin) + ui.evidence_list(found.reply.evidence, title="haruhi.scenes")


class Stage:
    """The tab's behaviour for one hub: its characters, and the events that need them."""

    def __init__(self, cast: dict[str, Character]) -> None:
        self.cast, self.album = cast, Album()

    def respond(
        self, said: Sequence[Message], lang: str, task: Task, key: str, role: str, used: list[int], recent: list[int],
        choice: str = "", *settings: Any,  # noqa: ANN401  (see writing.options)
    ) -> Iterator[Turn]:  # fmt: skip
        """The growing reply; with its end come the picture, the scenes, what is not to be repeated, and what a model
        saw. A model that does not fit leaves the part to the scenes."""
        who = known(self.cast, key)
        if not choice:
            return self._replayed(who, role, said, used, recent, task)
        model = self._played(who, role, said, used, recent, choice, writing.options(*settings), task)
        return writing.or_embedded(
            model, lambda: self._replayed(who, role, said, used, recent, task, writing.FELL_BACK)
        )

    def _replayed(
        self, who: Character, role: str, said: Sequence[Message], used: list[int], recent: list[int], task: Task,
        note: str = "",
    ) -> Iterator[Turn]:  # fmt: skip
        """The character's own next line of the closest scene."""
        found = reply(who, role, said, used, task)
        for piece in found.growing():
            yield Turn(piece)
            time.sleep(REVEAL_S)
        picture, seen = self._picture(who, found.reply.text, recent, task)
        yield Turn(replace(found.reply, note=note), (picture, memory(found), [*used, found.index], seen, ""))

    def _played(
        self, who: Character, role: str, said: Sequence[Message], used: list[int], recent: list[int], choice: str,
        options: GenOptions, task: Task,
    ) -> Iterator[Turn]:  # fmt: skip
        """A new line by the chosen model."""
        for played in play(self.album, who, role_name(role, who), said, choice, options, task):
            yield Turn(played[0])
        found, prompt, voice = played
        picture, seen = self._picture(who, found.text, recent, task)
        yield Turn(found, (picture, remembered(found, prompt), used, seen, saw(voice)))

    def _picture(self, who: Character, text: str, recent: list[int], task: Task, *, asked: bool = False) -> Any:  # noqa: ANN401
        """The pane with the picture for a text, and the pictures shown lately with it."""
        found, seen = self.album.picked(who, text, recent, task, asked=asked)
        return pane(who, found.index, found), seen

    def roleplay(
        self,
        character: str,
        message: str,
        role: str = "",
        history: list[dict[str, str]] | None = None,
        lang: str = "zh",
        model: str = "",
    ) -> dict[str, Any]:
        """A character's reply, found in their scenes or written by a model.

        Args:
            character: id of the character: haruhi, camel, wukong
            message: what you say to them
            role: who you are; empty for the first of the character's usual partners
            history: earlier turns, each {"role": "user" or "assistant", "text": "…"}
            lang: language of error messages and notes, zh or en
            model: a model of the hub that plays the character, such as "haruhi-zero-7b"; empty for their own lines

        Returns:
            text, confident, origin, evidence (scenes with scores), picture (file, caption, score), note.
        """
        if not message.strip():
            raise BadInput("empty_text")
        if len(message) > MAX_MESSAGE:
            raise BadInput("too_long", limit=MAX_MESSAGE)
        who = known(self.cast, character)
        said, task = turns(history, message), Task()
        if model:
            *_, (found, _, _) = play(self.album, who, role_name(role, who), said, model, OPTIONS, task)
        else:
            found = reply(who, role, said, (), task).reply
        answer = {**asdict(found), "note": say(found.note, lang) if found.note else ""}
        if who.pictures:
            picked, _ = self.album.picked(who, found.text, [], task)
            shown = who.pictures[picked.index]
            answer["picture"] = {"file": shown["file"], "caption": shown["caption"], "score": picked.score}
        return answer

    def dress(self, key: str) -> tuple[Any, ...]:
        """What shows of a character whoever the visitor was talking to before: portrait, persona, roles, starters."""
        who = known(self.cast, key)
        samples = [[line] for line in who.card["starters"]]
        roles = gr.Dropdown(choices=who.card["roles"])
        return pane(who, who.marked("portrait")), about(who), roles, gr.Dataset(samples=samples)

    def greet(self, key: str, lang: str) -> tuple[Any, ...]:
        """A fresh conversation: the greeting, the first of the usual partners, nothing used yet."""
        who = known(self.cast, key)
        greeting = [{"role": "assistant", "content": shown(who.words("greeting", lang))}]
        return greeting, str(who.card["roles"][0]), ui.empty("haruhi.scenes_empty"), [], []

    def greet_again(self, history: list[dict[str, Any]], key: str, lang: str) -> Any:  # noqa: ANN401
        """The greeting in the visitor's language, unless the conversation has begun."""
        return gr.skip() if len(history) > 1 else self.greet(key, lang)[0]

    def show(self, history: list[dict[str, Any]], key: str, recent: list[int]) -> tuple[str, list[int]]:
        """A picture for the last reply in any case; one that was not shown lately, as those rank lower."""
        who = known(self.cast, key)
        said = [turn.text for turn in messages(history) if turn.role == "assistant"]
        text = said[-1] if said else who.words("greeting", "zh")
        return self._picture(who, text, recent or [who.marked("portrait")], Task(), asked=True)


def build(mount: Mount) -> None:
    """The tab: chat left, picture, scenes and character right (above the chat on a phone)."""
    cast = characters(mount.home / "characters")
    stage, first = Stage(cast), next(iter(cast.values()))
    ui.heading(mount)
    used, recent = gr.State([]), gr.State([])
    with gr.Row():
        names = [(who.words("name", "zh") + " · " + who.words("name", "en"), who.key) for who in cast.values()]
        key = gr.Radio(
            names, value=first.key, label=mount.t("character"), elem_id=mount.id("character"), scale=3, min_width=340
        )
        role = gr.Dropdown(
            first.card["roles"], value=first.card["roles"][0], label=mount.t("role"), info=mount.t("role_info"),
            allow_custom_value=True, elem_id=mount.id("role"), scale=1, min_width=200,
        )  # fmt: skip
    with gr.Row(equal_height=False, elem_classes="stage"):
        with gr.Column(scale=3):
            panel = ChatPanel(mount, examples=first.card["starters"], greeting=first.words("greeting", "zh"))
        with gr.Column(scale=2, elem_classes="pane"):
            picture = gr.HTML("", elem_id=mount.id("picture"))
            more = gr.Button(mount.t("give_picture"), size="sm", elem_id=mount.id("more"))
            scenes = gr.HTML(ui.empty("haruhi.scenes_empty"), elem_id=mount.id("scenes"))
            with gr.Accordion(mount.t("about"), open=False):
                person = gr.HTML(about(first))
            seen = gr.HTML("", elem_id=mount.id("saw"))
    settings = writing.settings(mount, "roleplay", OPTIONS)
    gr.HTML(f'<p class="note">{ui.badge(Origin("retrieved"))} {ui.both("haruhi.note")}</p>')

    panel.wire(stage.respond, [key, role, used, recent, *settings], [picture, scenes, used, recent, seen])
    plain: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}
    key.change(stage.dress, key, [picture, person, role, panel.picks], **plain)
    key.input(stage.greet, [key, mount.lang], [panel.bot, role, scenes, used, recent], **plain)
    mount.opening(lambda: pane(first, first.marked("portrait")), [], [picture])
    mount.lang.change(stage.greet_again, [panel.bot, key, mount.lang], panel.bot, **plain)
    more.click(stage.show, [panel.bot, key, recent], [picture, recent], **plain)
    mount.keep("character", key)
    mount.keep("role", role)
    mount.api(stage.roleplay, "roleplay")
