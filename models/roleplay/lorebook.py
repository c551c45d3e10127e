"""Which entries of a lorebook the model is told now: those whose keys occur in the latest turns.

The rules are SillyTavern's world info (1.12): keys in the last `scan_depth` turns, secondary keys with four logics,
constant entries, entries that call further entries up to a recursion limit, groups of which one member speaks, a token
budget that is filled by order, highest last in the prompt. Fields that cards keep under `extra` or `extensions` are
honoured where they are sound; regular expressions of strangers are matched as plain text, since one of them could keep
a processor busy for ever.
"""

import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from models.packs.pack import Lore
from models.roleplay.turns import Turn, spoken

Why = Literal["constant", "key", "recursion"]
Cut = Literal["", "budget", "group", "chance"]

_LOGIC = ("any", "not_all", "not_any", "all")  # selectiveLogic 0 … 3
_MAX_SCANNED = 20_000  # characters
_WORDY = re.compile(r"[a-z0-9 '_-]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LoreOptions:
    """How the lorebook is read."""

    scan_depth: int = 2  # turns looked through, newest first
    budget: int = 400  # tokens
    recursion: int = 2  # how many times told entries may call further ones; 0 for never
    whole_words: bool = True  # Latin keys must stand alone: «art» is not in «party»


@dataclass(frozen=True, slots=True)
class Told:
    """An entry that was called, by what, and whether the model is told it."""

    entry: Lore
    index: int
    why: Why
    key: str  # that occurred; "" for a constant entry
    n_tokens: int
    cut: Cut = ""  # why it is not told; "" when it is


@dataclass(frozen=True, slots=True)
class LoreTrace:
    """All entries that were called, in the order of the prompt."""

    entries: tuple[Told, ...] = ()

    @property
    def n_tokens(self) -> int:
        """Tokens of what is told."""
        return sum(one.n_tokens for one in self.entries if not one.cut)

    def text(self, *, after: bool) -> str:
        """What stands before the persona, or after it; one entry a line."""
        return "\n".join(one.entry.content for one in self.entries if not one.cut and one.entry.after is after)


def activate(
    lore: Sequence[Lore], turns: Sequence[Turn], options: LoreOptions, count: Callable[[str], int], *, seed: int = 0
) -> LoreTrace:
    """The entries for a conversation whose newest turn is the last; `seed` decides entries that come by chance."""
    called = _called(lore, turns, options)
    called = _by_group(_by_chance(called, seed))
    return LoreTrace(
        tuple(sorted(_within(called, options.budget, count), key=lambda one: (one.entry.order, one.index)))
    )


def _called(lore: Sequence[Lore], turns: Sequence[Turn], options: LoreOptions) -> list[Told]:
    """Entries in the order in which they are called: by the turns, then by one another's content."""
    found: dict[int, Told] = {}
    for at, entry in enumerate(lore):
        depth = _number(entry, "scan_depth", options.scan_depth)
        heard = "\n".join(spoken(turn.speaker, turn.text) for turn in turns[-depth:]) if depth > 0 else ""
        if told := _told(entry, at, heard, "key", options):
            found[at] = told
    fresh = list(found.values())
    for _ in range(options.recursion):
        heard = "\n".join(told.entry.content for told in fresh if not _flag(told.entry, "prevent_recursion"))
        rest = [
            (at, entry) for at, entry in enumerate(lore) if at not in found and not _flag(entry, "exclude_recursion")
        ]
        fresh = [told for at, entry in rest if (told := _told(entry, at, heard, "recursion", options))]
        found |= {told.index: told for told in fresh}
        if not fresh:
            break
    return list(found.values())


def _told(entry: Lore, at: int, heard: str, why: Why, options: LoreOptions) -> Told | None:
    waits = why == "key" and _flag(entry, "delay_until_recursion")
    if not entry.enabled or not entry.content.strip() or waits:
        return None
    if entry.constant:
        return Told(entry, at, "constant", "", 0)
    text = heard[-_MAX_SCANNED:]
    key = next((key for key in entry.keys if _occurs(key, text, entry, options)), "")
    return Told(entry, at, why, key, 0) if key and _secondary(entry, text, options) else None


def _secondary(entry: Lore, text: str, options: LoreOptions) -> bool:
    """Whether the secondary keys agree: any of them, not all, none, or all, as the entry says."""
    if not entry.selective or not entry.secondary:
        return True
    found = [_occurs(key, text, entry, options) for key in entry.secondary]
    logic = _LOGIC[min(max(_number(entry, "selectiveLogic", 0), 0), 3)]
    return {"any": any(found), "not_all": not all(found), "not_any": not any(found), "all": all(found)}[logic]


def _occurs(key: str, text: str, entry: Lore, options: LoreOptions) -> bool:
    key = key.strip()
    if not key:
        return False
    if not entry.case_sensitive:
        key, text = key.casefold(), text.casefold()
    if not _flag(entry, "match_whole_words", default=options.whole_words) or not _WORDY.fullmatch(key):
        return key in text
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(key)}(?![A-Za-z0-9_])", text) is not None


def _by_chance(called: Sequence[Told], seed: int) -> Iterator[Told]:
    """Entries with a probability under 100 come by chance, the same for the same seed."""
    for told in called:
        percent = _number(told.entry, "probability", 100) if _flag(told.entry, "useProbability", default=True) else 100
        lucky = percent >= 100 or random.Random(f"{seed}:{told.index}").random() * 100 < percent
        yield told if lucky else Told(told.entry, told.index, told.why, told.key, 0, "chance")


def _by_group(called: Iterator[Told]) -> Iterator[Told]:
    """Of the entries of one inclusion group the one of the highest order speaks."""
    found = list(called)
    best: dict[str, Told] = {}
    for told in found:
        group = str(_field(told.entry, "group") or "")
        if group and not told.cut and (group not in best or told.entry.order > best[group].entry.order):
            best[group] = told
    for told in found:
        group = str(_field(told.entry, "group") or "")
        silent = group and not told.cut and best[group] is not told
        yield Told(told.entry, told.index, told.why, told.key, 0, "group") if silent else told


def _within(called: Iterator[Told], budget: int, count: Callable[[str], int]) -> Iterator[Told]:
    """Constant entries first, then by priority and order; what does not fit is cut and smaller ones still may come."""
    rank = sorted(called, key=lambda one: (one.why != "constant", -one.entry.priority, -one.entry.order, one.index))
    for told in rank:
        size = count(told.entry.content + "\n")
        cut: Cut = told.cut or ("budget" if size > budget else "")
        budget -= 0 if cut else size
        yield Told(told.entry, told.index, told.why, told.key, size, cut)


def _field(entry: Lore, name: str) -> Any:  # noqa: ANN401  (whatever a card holds)
    """A field of the card, from the entry itself or from its extensions, in either spelling."""
    snake = re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
    camel = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
    extensions = entry.extra.get("extensions")
    places: Collection[Mapping[str, Any]] = (entry.extra, extensions if isinstance(extensions, Mapping) else {})
    return next((place[key] for place in places for key in (name, snake, camel) if place.get(key) is not None), None)


def _number(entry: Lore, name: str, default: int) -> int:
    value = _field(entry, name)
    return (
        int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6 else default
    )


def _flag(entry: Lore, name: str, *, default: bool = False) -> bool:
    value = _field(entry, name)
    return value if isinstance(value, bool) else default
