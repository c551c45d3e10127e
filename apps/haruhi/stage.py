"""What the tab does when it is asked to: talk, retry, edit, branch, bring in others, show a picture, open and keep.

Every command takes the visitor's story and gives Views: what changes on the page, as plain values. The server keeps
nothing of a visitor between two commands. Knows stories, packs and the chosen models; no Gradio.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps import ui
from apps.haruhi import markup
from apps.haruhi.acting import Brains, Step, perform, suggest
from apps.haruhi.library import Library
from apps.haruhi.pane import memory, person, picture_pane
from apps.haruhi.record import changed, greeted, meta_of, roles, with_answer
from apps.haruhi.story import Story
from apps.panel import MAX_MESSAGE
from apps.saw import saw_of
from apps.work import changes, launch
from models.engine import Reply
from models.errors import BadInput, Cancelled
from models.packs.pack import Pack
from models.roleplay.compose import Mode
from models.roleplay.conversation import Conversation
from models.roleplay.history import Digest
from models.roleplay.pictures import Pick, pick
from models.roleplay.turns import NARRATOR, role_name
from models.spec import Origin
from models.task import Task

REVEAL_S = 0.03  # between the pieces of a line that was found, so that it can be read as it comes
STARTERS, SHORT = 4, 60  # lines to begin with; characters of one
TOLD = ("matched", "asked")  # reasons for which a picture counts as shown


@dataclass(frozen=True)
class View:
    """What changes on the page; None leaves a part as it is."""

    story: Story | None = None
    log: str | None = None
    live: str | None = None
    tools: str | None = None
    picture: str | None = None
    scenes: str | None = None
    person: str | None = None
    saw: str | None = None
    gallery: str | None = None
    starters: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    box: str | None = None
    busy: bool | None = None
    file: str | None = None
    error: BaseException | None = None


class Stage:
    """The tab's behaviour for one hub."""

    def __init__(self, library: Library) -> None:
        self.library = library

    # --- what shows -----------------------------------------------------------------------------------------------

    def cast(self, story: Story) -> list[Pack]:
        """The characters of a story, the first one first."""
        return [self.library.pack(story.owner, seat.key) for seat in story.seats]

    def start(self, pack: Pack, lang: str, story: Story, role: str = "") -> Story:
        """A fresh story with the character, who greets; further greetings of theirs are other ways to begin."""
        mine = role or (pack.roles[0] if pack.roles else "")
        fresh = Story(role=mine, inline=story.inline, owner=story.owner).enter(pack)
        greetings = dict.fromkeys(filter(None, (pack.greeting.to(lang), *pack.alternate_greetings)))
        tree = Conversation()
        for text in greetings:
            tree = replace(tree, tip=-1).say("character", pack.speaker, greeted(text, pack, mine), {"key": pack.id})
        return replace(fresh, tree=replace(tree, tip=0) if tree.nodes else tree)

    def whole(self, story: Story, lang: str) -> View:
        """Everything that shows of a story, for one that has just been opened."""
        cast = self.cast(story)
        pack = self._last_pack(story, cast)
        shown = next((meta for meta in reversed(list(story.metas())) if type(meta.get("picture")) is int), {})
        at = int(shown.get("picture", pack.marked("portrait")))
        own = cast[0].id not in self.library.shared
        return replace(
            self.talk(story, lang), picture=picture_pane(pack, at), person=person(cast[0], own=own),
            scenes=ui.empty("haruhi.scenes_empty"), saw="", starters=self.starters(cast[0]),
            roles=roles(cast, story.role),
        )  # fmt: skip

    def starters(self, pack: Pack) -> tuple[str, ...]:
        """What one may say first: the pack's own examples, else what others said to the character in the scenes."""
        heard = (place for place in self.library.scenes(pack).places if place.partner)
        short = (place.context for place in heard if 1 < len(place.context) <= SHORT)
        return pack.starters or tuple(dict.fromkeys(short))[:STARTERS]

    def talk(self, story: Story, lang: str) -> View:
        """The conversation and its tools."""
        cast = self.cast(story)
        return View(story, markup.log(story, cast, lang), "", markup.tools(story, cast, lang), busy=False)

    def _last_pack(self, story: Story, cast: list[Pack]) -> Pack:
        """Who spoke last."""
        key = next((str(meta.get("key")) for meta in reversed(list(story.metas())) if meta.get("picture")), "")
        return next((pack for pack in cast if pack.id == key), cast[0])

    # --- turns ----------------------------------------------------------------------------------------------------

    def say(self, story: Story, text: str, lang: str, brains: Brains, *, at: int | None = None) -> Iterator[View]:
        """The visitor's message, or with `at` another wording of an earlier one, and who answers it."""
        plain = (text or "").strip()[:MAX_MESSAGE]
        if not plain:
            raise BadInput("empty_text")
        role = self._role(story)
        tree = story.tree.say("user", role, plain) if at is None else story.tree.swipe_in(at, plain)
        asked = replace(story, tree=tree, role=role, digest=story.digest if at is None else Digest())
        key = asked.next(self.library.pack_for(asked))
        if not key:
            yield replace(self.talk(asked, lang), box="")
            return
        yield from self.act(asked, story, key, "reply", lang, brains, box="")

    def retry(self, story: Story, lang: str, brains: Brains, at: int | None = None) -> Iterator[View]:
        """Another answer in the place of the last one, or of message `at`, which stays as an alternative."""
        path = [
            n for n in story.tree.path() if story.tree.nodes[n].side == "character" and story.tree.nodes[n].parent >= 0
        ]
        tip_is_mine = story.last() >= 0 and story.tree.nodes[story.last()].side == "user"
        if at is None and tip_is_mine:
            key = story.next(self.library.pack_for(story)) or story.key
            yield from self.act(story, story, key, "reply", lang, brains)
            return
        where = at if at is not None else (path[-1] if path else -1)
        if where not in path:
            raise BadInput("nothing_to_retry")
        node = story.tree.nodes[where]
        key = str(node.meta.get("key", story.key))
        mode: Mode = "narrate" if node.speaker == NARRATOR else "reply"
        before = replace(story, tree=story.tree.before(where), digest=Digest())
        known = key if any(seat.key == key for seat in story.seats) else story.key
        yield from self.act(before, story, known, mode, lang, brains)

    def act(
        self, story: Story, former: Story, key: str, mode: Mode, lang: str, brains: Brains, *, box: str | None = None
    ) -> Iterator[View]:
        """A character's turn, growing on the page; when it fails the former story stands again, but for the message."""
        pack, task, step = self.library.pack(story.owner, key), Task(), None
        if box is not None and mode == "reply":
            former = story  # what the visitor said is not lost with the answer
        yield replace(self.talk(story, lang), live=markup.waiting("", 0), busy=True, box=box, scenes=None)
        outcome, thread = launch(lambda *_: self._performed(story, pack, mode, brains, task), task, lang, ())
        try:
            for _ in changes(task, thread, outcome):
                for step in outcome.newest():
                    yield View(live=markup.live(pack, step[0].reply.text, mode))
                if step is None:
                    yield View(live=markup.waiting(task.note, task.fraction))
        finally:
            task.stop()
        step = (outcome.newest() or (step,))[0]
        if outcome.error is not None or step is None or step[1] is None:
            error = None if isinstance(outcome.error, Cancelled) else outcome.error
            yield replace(self.talk(former, lang), error=error)
            return
        yield self._done(story, pack, mode, step[0], step[1], lang)

    def _performed(
        self, story: Story, pack: Pack, mode: Mode, brains: Brains, task: Task
    ) -> Iterator[tuple[Step, Pick | None]]:
        """The growing answer, at its end with the picture for it."""
        step = Step(Reply("", Origin("retrieved")))
        for step in perform(self.library, story, pack, mode, brains, task):
            yield step, None
            time.sleep(REVEAL_S if step.reply.origin.how == "retrieved" else 0)
        shown = (
            Pick(-1, 0.0, "previous")
            if mode == "narrate"
            else self._picture(story, pack, step.reply.text, brains, task)
        )
        yield step, shown

    def _picture(self, story: Story, pack: Pack, text: str, brains: Brains, task: Task, *, asked: bool = False) -> Pick:
        """The picture for a text, less what was shown of this character lately."""
        import models

        recent = [at for meta in story.metas(pack.id) for at in meta.get("shots", ()) if type(at) is int]
        if not brains.encoder or not pack.pictures:
            return pick(self.library.gallery(pack, None, task), text, recent, asked=asked, fresh=asked, task=task)
        with models.encoder(brains.encoder, task) as encoder:
            gallery = self.library.gallery(pack, encoder, task)
            return pick(gallery, text, recent, encoder=encoder, asked=asked, fresh=asked, task=task)

    def _done(self, story: Story, pack: Pack, mode: Mode, step: Step, shown: Pick, lang: str) -> View:
        """The answer as part of the story, and what it rests on."""
        meta = meta_of(pack, step)
        if shown.index >= 0 and mode != "narrate":
            shots = [shown.index] if shown.why in TOLD else []
            meta |= {"picture": shown.index, "why": shown.why, "shots": shots}
        tree = with_answer(story.tree, pack, mode, step.reply.text, meta)
        kept = replace(story, tree=tree, digest=step.digest if step.prompt else story.digest)
        view = replace(
            self.talk(kept, lang),
            scenes=memory(step.reply, step.prompt),
            saw=saw_of(step.seen) if step.seen else "",
        )  # fmt: skip
        return view if mode == "narrate" else replace(view, picture=picture_pane(pack, shown.index, shown))

    # --- commands -------------------------------------------------------------------------------------------------

    def suggest(self, story: Story, lang: str, brains: Brains) -> Iterator[View]:
        """What the visitor could say next, where the examples are."""
        pack = self._last_pack(story, self.cast(story))
        task = Task()
        yield View(live=markup.waiting("", 0), busy=True)
        outcome, thread = launch(lambda *_: suggest(self.library, story, pack, brains, task), task, lang, ())
        try:
            for _ in changes(task, thread, outcome):
                yield View(live=markup.waiting(task.note, task.fraction))
        finally:
            task.stop()
        found = (outcome.newest() or ((),))[0]
        error = outcome.error if outcome.error is not None else None if found else BadInput("no_suggestion")
        yield View(live="", busy=False, starters=found or None, error=None if isinstance(error, Cancelled) else error)

    def picture(self, story: Story, lang: str, brains: Brains) -> View:
        """A picture for the last answer in any case, one that was not shown lately."""
        cast = self.cast(story)
        path = [at for at in story.tree.path() if story.tree.nodes[at].side == "character"]
        spoken = [at for at in path if story.tree.nodes[at].speaker != NARRATOR]
        at = spoken[-1] if spoken else -1
        node = story.tree.nodes[at] if at >= 0 else None
        key = str(node.meta.get("key", "")) if node else ""
        pack = next((one for one in cast if one.id == key), cast[0])
        if not pack.pictures:
            raise BadInput("no_pictures")
        fresh = not any(meta.get("shots") for meta in story.metas(pack.id))
        shown = self._picture(story, pack, node.text if node else pack.speaker, brains, Task(), asked=True)
        if fresh and shown.index == pack.marked("portrait") and len(shown.ranking) > 1:
            shown = replace(shown, index=shown.ranking[1].index, score=shown.ranking[1].score)
        if node is None:
            return View(picture=picture_pane(pack, shown.index, shown))
        shots = [*(one for one in node.meta.get("shots", ()) if type(one) is int), shown.index][-20:]
        tree = story.tree.annotate(at, picture=shown.index, why="asked", shots=shots)
        return replace(self.talk(replace(story, tree=tree), lang), picture=picture_pane(pack, shown.index, shown))

    def moved(self, story: Story, do: Mapping[str, Any], lang: str) -> View:
        """Commands that only change what shows: swipe, undo, redo, goto, branch, clear, leave, rule, inline, edit."""
        tree, at = story.tree, do.get("at")
        if "at" in do and (type(at) is not int or not 0 <= at < len(tree.nodes)):
            raise BadInput("bad_option")
        name, box = do.get("do"), None
        if name == "undo":
            asked = [n for n in tree.path() if tree.nodes[n].side == "user"]
            box, tree = (tree.nodes[asked[-1]].text if asked else None), tree.undo()
        elif name == "clear":
            fresh = self.start(self.cast(story)[0], lang, story, story.role)
            return replace(self.whole(replace(fresh, seats=story.seats, rule=story.rule), lang), box="")
        elif name in ("leave", "rule", "inline"):
            return replace(self.talk(changed(story, do), lang))
        else:
            steps: dict[str, Callable[[], Conversation]] = {
                "redo": tree.redo,
                "swipe": lambda: tree.swipe(int(at or 0), 1 if do.get("step") == 1 else -1),
                "goto": lambda: tree.goto(int(at or 0)),
                "branch": lambda: tree.goto(int(at or 0)),
                "edit": lambda: tree.swipe_in(
                    int(at or 0), str(do.get("text", ""))[:MAX_MESSAGE], tree.nodes[int(at or 0)].meta
                ),
            }
            tree = steps[str(name)]()
        moved = replace(story, tree=tree, digest=Digest())
        view = self.whole(moved, lang)
        return replace(view, box=box, scenes=None, saw=None, starters=None, roles=None, person=None)

    def join(self, story: Story, key: str, lang: str) -> View:
        """One more character comes in."""
        pack = self.library.pack(story.owner, key)
        view = self.whole(story.enter(pack), lang)
        return replace(view, scenes=None, saw=None, starters=None)

    def stopped(self, story: Story, live: str, lang: str) -> View:
        """After stop: what was said so far becomes part of the story; a retry that had said nothing is taken back."""
        key, mode, text = markup.growing(live)
        tree = story.tree.onward()
        if text.strip() and any(seat.key == key for seat in story.seats):
            pack = self.library.pack(story.owner, key)
            known: Mode = "continue" if mode == "continue" else "narrate" if mode == "narrate" else "reply"
            tree = with_answer(story.tree, pack, known, text.strip(), {"key": key})
        return self.talk(replace(story, tree=tree), lang)

    def _role(self, story: Story) -> str:
        """The visitor's name, cleaned. Raises BadInput("role_is_character") for a name of anyone in the story."""
        cast = self.cast(story)
        names = {name for pack in cast for name in (pack.speaker, pack.name.zh, pack.name.en, *pack.aliases)}
        return role_name(story.role, names, cast[0].roles[0] if cast[0].roles else NARRATOR)
