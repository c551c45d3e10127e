"""A reply without any model: the line that the character really spoke in the place most like this one.

Puts a Pack's scenes before models.embedded.scenes, which finds the place. A line that was said in this conversation is
not said again, whichever scene it stands in.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from models.embedded.dialogue import Line, Scene, SceneReply, Scenes
from models.engine import Message, SummaryOptions
from models.packs.pack import Pack
from models.roleplay.shelf import Shelf, shelve
from models.roleplay.turns import Turn
from models.task import Task


def scenes_of(pack: Pack, lang: str = "zh") -> Scenes:
    """The searchable scenes of a pack; build once and share. The character's other names count as their own lines."""
    scenes = [Scene(scene.title, tuple(_lines(pack, scene.lines))) for scene in pack.scenes]
    default = "……" if lang.startswith("zh") else "…"
    return Scenes(scenes, pack.speaker, deflections=pack.deflections, default=default)


def _lines(pack: Pack, lines: Sequence) -> Iterator[Line]:  # type: ignore[type-arg]  (of models.packs.pack.Line)
    for line in lines:
        if line.text.strip():
            role = pack.speaker if line.role and pack.is_own(line.role) else line.role
            yield Line(role, line.text.strip(), "speech" if line.kind == "speech" else "narration")


def shelf_of(pack: Pack, task: Task) -> Shelf:
    """The shelf of a pack for the embedded engine; with an Encoder call `shelf.shelve` and give it `pack.vectors`."""
    return shelve([scene.title for scene in pack.scenes], [scene.text for scene in pack.scenes], task=task)


def replay(scenes: Scenes, turns: Sequence[Turn], role: str, used: Collection[int], task: Task) -> SceneReply:
    """The character's answer to the last of `turns`, which `role` says; Origin retrieved, the scenes as evidence.

    `used` are the places of earlier answers; lines that any turn holds already are left out as well. Where no place is
    close the character says so, each time in other words; when those are used up, the closest line that is left.
    Raises BadInput("empty_text"), Cancelled.
    """
    said = {turn.text.strip() for turn in turns}
    again = {at for at, place in enumerate(scenes.places) if place.line.strip() in said}
    messages = [Message("user" if turn.speaker == role else "assistant", turn.text) for turn in turns]
    found = scenes.reply(messages, role, avoid=again | set(used), task=task)
    fresh = [hit for hit in found.scenes if hit.line.strip() not in said]
    if found.reply.text.strip() not in said or not fresh:
        return found
    return replace(found, reply=replace(found.reply, text=fresh[0].line), index=fresh[0].index)


def digest(text: str, task: Task) -> str:
    """What `history.roll` needs to sum up old turns without a model: three lines that say most. Raises Cancelled."""
    from models.embedded.summary import EmbeddedSummarizer

    if not text.strip():
        return ""
    return EmbeddedSummarizer().summarize(text, SummaryOptions(3, "sentences", "dialogue"), task).text


def next_lines(scenes: Scenes, partner: str, last: str, task: Task, *, count: int = 3) -> tuple[str, ...]:
    """What the visitor could say next without a model: what somebody said to the character in the scenes most like it.

    `last` is what the character said last. What really followed it comes first, then lines of the visitor's own role.
    """
    task.check()
    places = scenes.places
    if not places or not last.strip():
        return ()
    titles = [hit.title for hit in scenes.reply([Message("user", last)], partner, task=task).scenes]
    after = {at + 1 for at in range(len(places) - 1) if places[at].line.strip() == last.strip()}
    order = sorted(
        (at for at, place in enumerate(places) if place.title in titles or at in after),
        key=lambda at: (at not in after, places[at].partner != partner, at),
    )
    lines = (places[at].context for at in order if places[at].partner and len(places[at].context) > 1)
    return tuple(dict.fromkeys(line for line in lines if line.strip() != last.strip()))[:count]
