"""A character's turn: the line that they really spoke in their scenes, or a new one by a model, as it grows.

Knows a story, packs and the chosen models; what is retrieved, composed and cleaned is models.roleplay's. Nothing of the
page: what is told of a turn comes back as values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import models
from apps.haruhi.library import Library
from apps.haruhi.story import Story
from apps.writing import FELL_BACK
from models.embedded.dialogue import SceneReply
from models.engine import Encoder, FinalPrompt, GenOptions, Reply
from models.errors import BadInput, DoesNotFit
from models.packs.pack import Pack
from models.prompted import Watched
from models.roleplay.compose import Ask, Mode, Prompt, compose
from models.roleplay.formats import format_for
from models.roleplay.group import ask_of, viewpoint
from models.roleplay.history import Digest, roll
from models.roleplay.macros import named, slots
from models.roleplay.replay import next_lines, replay
from models.roleplay.replies import digester, reply, suggestions
from models.roleplay.shelf import Matrix, Shelf
from models.roleplay.turns import NARRATOR, Turn, spoken
from models.spec import Evidence, Origin
from models.task import Task

N_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Brains:
    """Who thinks for the characters: a choice of a model that writes and of an embedder, and how the first writes."""

    voice: str = ""
    encoder: str = ""
    options: GenOptions = GenOptions()


@dataclass(frozen=True, slots=True)
class Step:
    """The answer so far; the last one is whole and tells what it rests on."""

    reply: Reply
    place: int = -1  # of the line in the scenes, when it was found there
    prompt: Prompt | None = None  # what a model was asked with
    seen: FinalPrompt | None = None  # and saw, to the letter
    digest: Digest = Digest()


class Known:
    """An encoder's vectors of the texts that one turn needs, made before a model that writes is held: to hold one and
    wait for another could lock two visitors for good."""

    def __init__(self, encoder: Encoder, texts: Sequence[str], task: Task) -> None:
        self.fingerprint, self.dim = encoder.fingerprint, encoder.dim
        wanted = list(dict.fromkeys(texts))
        rows = encoder.embed(wanted, task, query=True)
        self._rows = dict(zip(wanted, rows, strict=True))

    def embed(self, texts: Sequence[str], task: Task, *, query: bool = False) -> Matrix:
        """(n, dim) of texts named before. Raises KeyError for others."""
        import numpy as np

        return np.stack([self._rows[text] for text in texts])


def perform(library: Library, story: Story, pack: Pack, mode: Mode, brains: Brains, task: Task) -> Iterator[Step]:
    """The growing answer of a character of the story. A model that does not fit leaves the part to the scenes.

    Raises as `models.voice` does, BadInput("empty_text"), BadInput("nothing_to_continue"), BadInput("no_narration"),
    Cancelled.
    """
    if brains.voice:
        try:
            yield from _played(library, story, pack, mode, brains, task)
            return
        except DoesNotFit as error:
            if error.code != "does_not_fit":
                raise
    note = FELL_BACK if brains.voice else ""
    yield from _replayed(library, story, pack, mode, note, task)


def suggest(library: Library, story: Story, pack: Pack, brains: Brains, task: Task) -> tuple[str, ...]:
    """What the visitor could say next, up to three lines. Raises as `perform`."""
    if not brains.voice:
        said = [turn.text for turn in story.tree.turns() if pack.is_own(turn.speaker)]
        return next_lines(library.scenes(pack), story.role, said[-1] if said else "", task, count=N_SUGGESTIONS)
    ask = Ask(pack, story.role, "", viewpoint(story.troupe(library.pack_for(story)), pack.id), "suggest")
    shelf, known = _memory(library, ask, brains, task)
    with models.voice(brains.voice, task) as held:
        voice = Watched(held)
        prompt = _prompt(ask, shelf, known, voice, brains, task)
        return suggestions(voice, prompt, ask, brains.options, task)


def _replayed(library: Library, story: Story, pack: Pack, mode: Mode, note: str, task: Task) -> Iterator[Step]:
    """The character's own next line of the closest scene, growing; without any model."""
    turns = viewpoint(story.troupe(library.pack_for(story)), pack.id)
    if mode == "continue":
        found = _going_on(library, story, pack)
    elif mode == "narrate":
        found = _narrated(library, story, pack, turns, task)
    else:
        found = _found(library, story, pack, turns, task)
    for piece in found.growing():
        task.check()
        yield Step(piece)
    yield Step(replace(found.reply, note=note), found.index)


def _found(library: Library, story: Story, pack: Pack, turns: Sequence[Turn], task: Task) -> SceneReply:
    """The character's line in the place most like this one; neither a line of before nor one that was tried here."""
    tried = story.tried(pack.id)
    places = {node.meta["place"] for node in tried if type(node.meta.get("place")) is int}
    vague = [Turn(node.speaker, node.text) for node in tried if "place" not in node.meta]
    role = turns[-1].speaker if turns else story.role
    used = places | set(story.numbers("place", pack.id))
    return replay(library.scenes(pack), [*turns[:-1], *vague, *turns[-1:]], role, used, task)


def _going_on(library: Library, story: Story, pack: Pack) -> SceneReply:
    """What the character says next in the scene in which the last answer was found."""
    places, scenes = story.numbers("place", pack.id), library.scenes(pack)
    at = places[-1] + 1 if places else -1
    if not 0 < at < len(scenes.places) or scenes.places[at].title != scenes.places[at - 1].title:
        raise BadInput("nothing_to_continue")
    place = scenes.places[at]
    told = Evidence(f"{place.context}\n→ {place.line}", 1.0, place.title)
    return SceneReply(Reply(place.line, Origin("retrieved"), (told,)), at, ())


def _narrated(library: Library, story: Story, pack: Pack, turns: Sequence[Turn], task: Task) -> SceneReply:
    """A stage direction of the scenes most like the last line, one that has not been told yet."""
    scenes, told = library.scenes(pack), {turn.text for turn in turns}
    heard = next((turn.text for turn in reversed(turns) if not turn.narration), "")
    if not heard:
        raise BadInput("no_narration")
    found = replay(scenes, [Turn(story.role, heard)], story.role, set(), task)
    titles = [hit.title for hit in found.scenes]
    by_title = {scene.title: scene for scene in reversed(scenes.scenes)}
    for title in titles:
        for line in by_title[title].lines:
            if line.kind == "narration" and line.text not in told:
                text = Reply(line.text, Origin("retrieved"), (Evidence(line.text, 1.0, title),))
                return SceneReply(text, -1, ())
    raise BadInput("no_narration")


def _played(
    library: Library, story: Story, pack: Pack, mode: Mode, brains: Brains, task: Task
) -> Iterator[Step]:  # fmt: skip
    """A new line by the chosen model."""
    ask = _asked(library, story, pack, mode)
    shelf, known = _memory(library, ask, brains, task)
    with models.voice(brains.voice, task) as held:
        voice = Watched(held)
        prompt = _prompt(ask, shelf, known, voice, brains, task)
        last = Step(Reply("", voice.origin))
        for step in reply(voice, prompt, ask, brains.options, task):
            last = Step(replace(step.reply, note=step.note))
            yield last
        last = replace(last, prompt=prompt, seen=voice.seen, digest=story.digest)
        yield last
        dropped = prompt.history.dropped
        if dropped:
            yield replace(last, digest=roll(story.digest, dropped, digester(voice, pack.language, task)))


def _asked(library: Library, story: Story, pack: Pack, mode: Mode) -> Ask:
    troupe = story.troupe(library.pack_for(story))
    if mode == "reply":
        return replace(ask_of(troupe, pack), digest=story.digest)
    known = viewpoint(troupe, pack.id)
    if mode == "continue" and (not known or known[-1].speaker not in (pack.speaker, NARRATOR)):
        raise BadInput("nothing_to_continue")
    return Ask(pack, story.role, "", known, mode, story.digest)


def _memory(library: Library, ask: Ask, brains: Brains, task: Task) -> tuple[Shelf, Known | None]:
    """The scenes for the chosen embedder, and its vectors of what will be searched for; it is let go then."""
    if not brains.encoder:
        return library.shelf(ask.pack, None, task), None
    with models.encoder(brains.encoder, task) as encoder:
        return library.shelf(ask.pack, encoder, task), Known(encoder, _queries(ask), task)


def _queries(ask: Ask) -> list[str]:
    """Every text that `compose` may search the scenes for."""
    heard = Turn(ask.role, ask.text) if ask.mode == "reply" else (ask.turns or (Turn("", ""),))[-1]
    char = ask.pack.name.to(ask.pack.language) or ask.pack.speaker
    personas = (named(text, char, ask.role) for text in (ask.pack.persona.zh, ask.pack.persona.en))
    asked = [slot.query for text in personas for _, slot in slots(text) if slot.query]
    return [spoken(heard.speaker, heard.text), heard.text, *asked]


def _prompt(ask: Ask, shelf: Shelf, known: Known | None, voice: Watched, brains: Brains, task: Task) -> Prompt:
    reserve = min(brains.options.max_new_tokens, voice.n_context // 2)
    return compose(
        ask, shelf, form=format_for(brains.voice), count=voice.count, n_context=voice.n_context, reserve=reserve,
        encoder=known, task=task,
    )  # fmt: skip
