"""One prompt out of everything that matters now: persona, lore, scenes, earlier turns, the message; within a budget.

Knows a Pack, a shelf and a token counter. How the parts are written is `formats`; which parts there are and how many
tokens each may take is decided here, and told: a Prompt holds the whole trace. What is left of the model's context
after persona and message goes to lore, scenes and history, in this order, each up to its share.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from models.engine import Encoder, Message
from models.errors import BadInput
from models.packs.pack import Pack
from models.prompted.wording import filled as template
from models.roleplay.formats import FORMATS, ZERO, Content, Material
from models.roleplay.history import Digest, History, fit_history, recall_turns
from models.roleplay.lorebook import LoreOptions, LoreTrace, activate
from models.roleplay.macros import Slot, filled, named, slots
from models.roleplay.recall import ORIGINAL_1, PREFIX, Recall, RecallOptions, retrieve
from models.roleplay.shelf import Shelf
from models.roleplay.turns import NARRATOR, Turn, spoken
from models.task import Task

Count = Callable[[str], int]
Mode = Literal["reply", "continue", "narrate", "suggest"]

SUGAR = "Classic scenes for the role are as follows:\n{{RAG多对话|token<=1000|n<=5}}\n"  # 3.0 adds it to packs of 2.0
_SLOTTED = ("haruhi3", "haruhi-zero")
_MARGIN = 64  # tokens for the marks of a chat format, and for texts that cost more when joined
_MARKS = 10  # tokens that a chat format puts around every turn
_SCENES = 0.5  # share of what is left that scenes may take at most
_LORE = 0.25
_EARLIER = 0.15  # for recalled turns and the summary
_LEAST = 32  # tokens that must be left for the conversation


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a character: who says what to them, after what was said."""

    pack: Pack
    role: str  # of the visitor
    text: str  # "" unless the mode is "reply"
    turns: tuple[Turn, ...] = ()  # earlier ones, oldest first
    mode: Mode = "reply"
    digest: Digest = Digest()  # of turns that fell out of sight


@dataclass(frozen=True, slots=True)
class Budgets:
    """Tokens at most; what the model's context allows may be less."""

    history: int = 100_000  # the originals: 1,200
    pairs: bool = False  # keep or drop a message together with its answer, as the originals do
    lore: LoreOptions = field(default_factory=LoreOptions)
    recall: RecallOptions = field(default_factory=RecallOptions)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given, and why. `content` goes to Voice.generate; `stops` belong in GenOptions.stop."""

    content: Content
    form: str
    mode: Mode
    stops: tuple[str, ...]
    recalls: tuple[Recall, ...]  # one; several for a persona with several slots; none without scenes
    lore: LoreTrace
    history: History
    earlier: tuple[Turn, ...]  # old turns that were recalled

    @property
    def n_scene_tokens(self) -> int:
        """Tokens of the scenes."""
        return sum(recall.n_tokens for recall in self.recalls)


def compose(
    ask: Ask,
    shelf: Shelf | None,
    *,
    form: str = "template",
    count: Count = len,
    n_context: int = 4096,
    reserve: int = 512,
    budgets: Budgets | None = None,
    encoder: Encoder | None = None,
    task: Task,
) -> Prompt:
    """The prompt for a model that sees `n_context` tokens, of which `reserve` stay free for the answer.

    Raises BadInput("empty_text") for no message, BadInput("too_long") when persona and message leave no room,
    Cancelled.
    """
    return _Desk(ask, shelf, form, count, budgets or Budgets(), encoder, task).prompt(n_context - reserve)


class _Desk:
    """Where one prompt is put together."""

    def __init__(
        self,
        ask: Ask,
        shelf: Shelf | None,
        form: str,
        count: Count,
        budgets: Budgets,
        encoder: Encoder | None,
        task: Task,
    ) -> None:
        self.ask, self.shelf, self.form, self.count, self.budgets = ask, shelf, form, count, budgets
        self.encoder, self.task, self.pack = encoder, task, ask.pack
        self.lang = "en" if ask.pack.language == "en" else "zh"
        self.recalls: list[Recall] = []
        if ask.mode == "reply" and not ask.text.strip():
            raise BadInput("empty_text")

    def prompt(self, room: int) -> Prompt:
        query, after = self._query(), self._named(self.pack.after_history)
        system = self._system()
        frame = self.count(ZERO) if self.form in _SLOTTED else 0
        room -= frame + self.count(system) + self.count(spoken(query.speaker, query.text)) + self.count(after) + _MARGIN
        if room < _LEAST:
            raise BadInput("too_long", limit=room + self.count(self._heard().text))
        lore = self._lore(int(room * _LORE))
        room -= lore.n_tokens
        system = "\n\n".join(
            filter(None, (self._named(lore.text(after=False)), system, self._named(lore.text(after=True))))
        )
        system, scenes = self._scenes(system, int(room * _SCENES))
        room -= sum(recall.n_tokens for recall in self.recalls)
        history, earlier, told = self._history(room)
        given = Material(
            self._char, "\n\n".join(filter(None, (system, told))), scenes,
            tuple(one.text for recall in self.recalls for one in recall.kept), history.kept, query, self._own, after,
        )  # fmt: skip
        stops = self._stops() if self.ask.mode != "suggest" else ()
        return Prompt(
            FORMATS[self.form](given), self.form, self.ask.mode, stops, tuple(self.recalls), lore, history, earlier
        )

    @property
    def _char(self) -> str:
        return self.pack.name.to(self.lang) or self.pack.speaker

    @property
    def _own(self) -> frozenset[str]:
        """Names under which the character's turns stand in the conversation."""
        return frozenset(filter(None, (self.pack.speaker, self.pack.name.zh, self.pack.name.en, *self.pack.aliases)))

    def _named(self, text: str) -> str:
        return named(text, self._char, self.ask.role)

    def _heard(self) -> Turn:
        """What scenes are searched for: the message, or for our own instructions the last thing that was said."""
        return (
            Turn(self.ask.role, self.ask.text) if self.ask.mode == "reply" else (self.ask.turns or (Turn("", ""),))[-1]
        )

    def _query(self) -> Turn:
        """The message, or an instruction of ours, which nobody in the story says."""
        if self.ask.mode == "reply":
            return Turn(self.ask.role, self.ask.text)
        names = {"char": self._char, "user": self.ask.role}
        return Turn("", template(f"roleplay-{self.ask.mode}.{self.lang}", names))

    def _system(self) -> str:
        """Who the character is; for models of today also how to play, for the old formats their persona alone."""
        persona = self.pack.persona.to(self.lang)
        if self.form.startswith("template"):
            rules = template(f"roleplay.{self.lang}", {"char": self._char, "user": self.ask.role})
            own = self.pack.instructions.replace("{{original}}", rules)
            parts = (own or rules, persona, self.pack.personality, self.pack.scenario)
            return self._named("\n\n".join(part.strip() for part in parts if part.strip()))
        if self.form in _SLOTTED and not any(slots(persona)) and self.shelf and self.shelf.texts:
            persona += SUGAR
        return self._named(persona)

    def _lore(self, room: int) -> LoreTrace:
        options = replace(self.budgets.lore, budget=min(room, self.budgets.lore.budget))
        heard = (*self.ask.turns, self._heard()) if self.ask.mode == "reply" else self.ask.turns
        return activate(self.pack.lore, heard, options, self.count)

    def _scenes(self, system: str, room: int) -> tuple[str, str]:
        """The system message with its slots filled, and the scenes that stand outside of it."""
        if any(slots(system)):
            return filled(system, lambda slot: self._slot(slot, room)), ""
        if not self.shelf or not self.shelf.texts or self.form in _SLOTTED:
            return system, ""
        options = self._options(room)
        heard = self._heard()
        self._retrieve(spoken(heard.speaker, heard.text), options, ())
        recall = self.recalls[-1]
        return system, "" if self.form.startswith("template") and not recall.kept else recall.text

    def _options(self, room: int) -> RecallOptions:
        options = replace(self.budgets.recall, budget=min(room, self.budgets.recall.budget))
        if self.form == "haruhi1":
            return replace(options, prefix=ORIGINAL_1.prefix, divider=ORIGINAL_1.divider)
        if self.form == "haruhi-plain":
            return replace(options, prefix="\n")
        if self.form == "haruhi-train":
            return replace(options, prefix="", divider="###")
        if self.form.startswith("template") and options.prefix == PREFIX:
            told = template(f"roleplay-scenes.{self.lang}", {"char": self._char})
            return replace(options, prefix=told + "\n###\n")
        return options

    def _slot(self, slot: Slot, room: int) -> list[str]:
        """The scenes of one slot, none that another slot has."""
        if not self.shelf:
            return []
        room -= sum(recall.n_tokens for recall in self.recalls)
        budget = min(room, slot.max_tokens) if slot.max_tokens > 0 else room
        options = replace(self.budgets.recall, k=slot.n, budget=budget, prefix="", divider="")
        used = [one.index for recall in self.recalls for one in recall.kept]
        self._retrieve(slot.query or self._heard().text, options, used)
        return [one.text for one in self.recalls[-1].kept]

    def _retrieve(self, query: str, options: RecallOptions, avoid: Sequence[int]) -> None:
        vector = self.shelf.vector(query, self.encoder, self.task)
        self.recalls.append(retrieve(self.shelf, query, vector, options, self.count, avoid=avoid))

    def _history(self, room: int) -> tuple[History, tuple[Turn, ...], str]:
        """The newest turns, old ones that matter now, and how the model is told of these and of the summary."""
        whole = self._fitted(room)
        if not whole.dropped or not self.form.startswith("template"):
            return whole, (), ""
        aside = int(room * _EARLIER)
        history = self._fitted(room - aside)
        head = template(f"roleplay-earlier.{self.lang}", {})
        digest = self.ask.digest.text if self.count(self.ask.digest.text) <= aside // 2 else ""
        left = aside - self.count(head) - self.count(digest) - 4
        earlier = recall_turns(history.dropped, self._heard().text, left, self.count)
        lines = "\n".join(filter(None, (digest, *(spoken(turn.speaker, turn.text) for turn in earlier))))
        return history, earlier, f"{head}\n{lines}" if lines else ""

    def _fitted(self, room: int) -> History:
        """The history within its own budget, and with the marks around its turns within the model's context."""
        turns, pairs = self.ask.turns, self.budgets.pairs
        history = fit_history(turns, min(room, self.budgets.history), self.count, pairs=pairs)
        while history.kept and history.n_tokens + _MARKS * len(history.kept) > room:
            less = min(history.n_tokens, room - _MARKS * len(history.kept)) - 1
            history = fit_history(turns, less, self.count, pairs=pairs)
        return history

    def _stops(self) -> tuple[str, ...]:
        """Where somebody else's line would begin, and the dividers of scenes."""
        people = dict.fromkeys((self.ask.role, NARRATOR, *(turn.speaker for turn in self.ask.turns[-6:])))
        others = [name for name in people if name and name not in self._own]
        return ("\n###", *(f"\n{name}{colon}" for name in others for colon in ":："))


def messages(content: Content) -> tuple[Message, ...]:
    """The prompt as messages, for the eye; a plain text is one message of the visitor's."""
    return (Message("user", content),) if isinstance(content, str) else content
