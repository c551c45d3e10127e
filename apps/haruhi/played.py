"""A reply by a model in the character's part: what it is asked, how it grows, what it was shown.

Knows the conversation and the chosen model; prompts and streaming are models.roleplay's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

import models
from apps import ui
from apps.haruhi.album import Album
from models.characters import Character
from models.engine import GenOptions, Message, Reply
from models.prompted import Watched
from models.roleplay.compose import Ask, Prompt, compose
from models.roleplay.formats import format_for
from models.roleplay.recall import Candidate
from models.roleplay.replies import reply
from models.roleplay.turns import Turn
from models.task import Task

Played = tuple[Reply, Prompt, Watched]
SHOWN = 12  # scenes that the memory panel lists


def play(
    album: Album, who: Character, role: str, said: Sequence[Message], choice: str, options: GenOptions, task: Task
) -> Iterator[Played]:
    """The growing reply of the chosen model in character. Raises as `models.voice` does, BadInput, Cancelled."""
    pack, shelf = album.pack(who), album.shelf(who, task)
    names = {"user": role, "assistant": who.speaker}
    turns = tuple(Turn(names.get(turn.role, who.speaker), turn.text) for turn in said[:-1])
    ask = Ask(pack, role, said[-1].text if said else "", turns)
    with models.voice(choice, task) as held:
        voice = Watched(held)
        reserve = min(options.max_new_tokens, voice.n_context // 2)
        prompt = compose(
            ask,
            shelf,
            form=format_for(choice),
            count=voice.count,
            n_context=voice.n_context,
            reserve=reserve,
            task=task,
        )
        for step in reply(voice, prompt, ask, options, task):
            yield replace(step.reply, note=step.note), prompt, voice


def remembered(found: Reply, prompt: Prompt) -> str:
    """Who answered, and the scenes that the model was shown or not, each with its scores, tokens and the reason."""
    rows = [one for recall in prompt.recalls for one in recall.candidates][:SHOWN]
    lines = "".join(_row(one) for one in rows)
    heads = "".join(f"<th>{ui.both(f'haruhi.memory.{name}')}</th>" for name in ("scene", "score", "tokens", "why"))
    title = ui.both("haruhi.memory.title", kept=sum(one.kept for one in rows), tokens=prompt.n_scene_tokens)
    table = f'<div class="map-table"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
    return f"{ui.badge(found.origin)}<details><summary>{title}</summary>{table if rows else ''}</details>"


def _row(one: Candidate) -> str:
    why = ui.both("haruhi.memory.kept") if one.kept else ui.both(f"haruhi.memory.{one.reason or 'unused'}")
    name = f"<details><summary>{escape(one.title)}</summary><p>{escape(one.text)}</p></details>"
    return f"<tr><td>{name}</td><td>{one.score:.2f}</td><td>{one.n_tokens}</td><td>{why}</td></tr>"
