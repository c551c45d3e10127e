"""The endpoint: a character's reply as REST and MCP hand it out. Knows the hub's shared characters and no visitor."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from apps.given import turns
from apps.haruhi.acting import Brains, Step, perform
from apps.haruhi.stage import Stage
from apps.haruhi.story import Story
from apps.panel import MAX_MESSAGE
from models.engine import GenOptions, Message
from models.errors import BadInput
from models.packs.pack import Pack
from models.roleplay.conversation import Conversation
from models.roleplay.pictures import pick
from models.roleplay.replies import OPTIONS
from models.roleplay.turns import role_name
from models.strings import say
from models.task import Task


def reply(stage: Stage, pack: Pack, role: str, said: list[Message], model: str, options: GenOptions) -> Step:
    """The whole answer to the last message. Raises BadInput, and as `models.voice` does."""
    mine = role_name(role or "", pack.names, pack.roles[0])
    story = Story(role=mine).enter(pack)
    tree = Conversation()
    for turn in said:
        speaker = mine if turn.role == "user" else pack.speaker
        tree = tree.say("user" if turn.role == "user" else "character", speaker, turn.text, {"key": pack.id}, at=0.0)
    *_, last = perform(stage.library, replace(story, tree=tree), pack, "reply", Brains(model, "", options), Task())
    return last


def endpoint(stage: Stage) -> Callable[..., dict[str, Any]]:
    """The function that is published."""

    def roleplay(
        character: str, message: str, role: str = "", history: list[dict[str, str]] | None = None, lang: str = "zh",
        model: str = "",
    ) -> dict[str, Any]:  # fmt: skip
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
        pack = stage.library.pack("", character)
        found = reply(stage, pack, role, turns(history, message), model, OPTIONS).reply
        answer = {**asdict(found), "note": say(found.note, lang) if found.note else ""}
        if pack.pictures:
            picked = pick(stage.library.gallery(pack, None, Task()), found.text, (), task=Task())
            shown = pack.pictures[picked.index]
            caption = {"zh": shown.caption.to("zh"), "en": shown.caption.to("en")}
            answer["picture"] = {"file": shown.file, "caption": caption, "score": picked.score}
        return answer

    return roleplay
