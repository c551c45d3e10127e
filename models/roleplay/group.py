"""A scene with several characters, after the originals' StoryTeller: who is in it, who speaks next, what each knows.

Pure states: every function gives a new Troupe. A member knows what was said since they came in; their own lines are
theirs, all others come to them as said by others, so each answers from their own viewpoint and their own scenes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from models.errors import BadInput
from models.packs.pack import Pack
from models.roleplay.compose import Ask
from models.roleplay.turns import MAX_ROLE, NARRATORS, Turn

Rule = Literal["named", "round"]

MAX_CAST = 8
MAX_TURNS = 2_000
_MAX_TEXT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Member:
    """A character in the scene."""

    key: str  # id of the pack
    speaker: str  # the name under which their lines stand
    names: tuple[str, ...] = ()  # by which others may call them
    since: int = 0  # turns that were said before they came in


@dataclass(frozen=True, slots=True)
class Troupe:
    """The cast in the order they came in, what was said, and what was taken back (last one first to return)."""

    cast: tuple[Member, ...] = ()
    turns: tuple[Turn, ...] = ()
    undone: tuple[Turn, ...] = ()

    def member(self, key: str) -> Member:
        """Raises BadInput("unknown_character") for one who is not in the scene."""
        found = next((member for member in self.cast if member.key == key), None)
        if found is None:
            raise BadInput("unknown_character", name=key[:40])
        return found


def enter(troupe: Troupe, pack: Pack) -> Troupe:
    """A character comes in and will know what is said from now on; twice is once.

    Raises BadInput("cast_full"), BadInput("role_taken") when somebody in the scene has that name.
    """
    if any(member.key == pack.id for member in troupe.cast):
        return troupe
    if len(troupe.cast) >= MAX_CAST:
        raise BadInput("cast_full", limit=MAX_CAST)
    if any(pack.is_own(member.speaker) for member in troupe.cast):
        raise BadInput("role_taken", name=pack.speaker)
    names = tuple(dict.fromkeys(filter(None, (pack.speaker, pack.name.zh, pack.name.en, *pack.aliases))))
    return replace(troupe, cast=(*troupe.cast, Member(pack.id, pack.speaker, names, len(troupe.turns))))


def leave(troupe: Troupe, key: str) -> Troupe:
    """A character goes; what they said stays. Raises BadInput("unknown_character")."""
    gone = troupe.member(key)
    return replace(troupe, cast=tuple(member for member in troupe.cast if member is not gone))


def say(troupe: Troupe, speaker: str, text: str) -> Troupe:
    """Somebody says a line: a member, the visitor under any name, or the narrator.

    Raises BadInput("empty_text"), BadInput("conversation_full").
    """
    if not text.strip():
        raise BadInput("empty_text")
    if len(troupe.turns) >= MAX_TURNS:
        raise BadInput("conversation_full", limit=MAX_TURNS)
    return replace(troupe, turns=(*troupe.turns, Turn(speaker[:MAX_ROLE], text.strip()[:_MAX_TEXT])), undone=())


def undo(troupe: Troupe) -> Troupe:
    """Takes the last line back (Remove One Chat)."""
    return replace(troupe, turns=troupe.turns[:-1], undone=(*troupe.undone, *troupe.turns[-1:]))


def redo(troupe: Troupe) -> Troupe:
    """Says the line again that was taken back last (Recover One Chat)."""
    return replace(troupe, turns=(*troupe.turns, *troupe.undone[-1:]), undone=troupe.undone[:-1])


def next_speaker(troupe: Troupe, rule: Rule = "named") -> str:
    """Key of the member who speaks next, "" for an empty cast; never the one who spoke last while others are there.

    `round`: in the order they came in. `named`: the one whom the last line calls by name, the last one named if there
    are several; when nobody is called, the one who has been silent longest, of equals the first who came in.
    """
    last = troupe.turns[-1] if troupe.turns else Turn("", "")
    free = [member for member in troupe.cast if member.speaker != last.speaker] or list(troupe.cast)
    if not free:
        return ""
    if rule == "round":
        return _after(troupe, free).key
    called = [(at, member) for member in free if (at := _called(member, last.text)) >= 0]
    if called:
        return max(called, key=lambda pair: pair[0])[1].key
    return max(free, key=lambda member: (_silence(troupe, member), -troupe.cast.index(member))).key


def _after(troupe: Troupe, free: list[Member]) -> Member:
    """The member behind the one who spoke last among the cast."""
    speakers = [member.speaker for member in troupe.cast]
    spoke = next((speakers.index(turn.speaker) for turn in reversed(troupe.turns) if turn.speaker in speakers), -1)
    order = [troupe.cast[(spoke + step) % len(troupe.cast)] for step in range(1, len(troupe.cast) + 1)]
    return next(member for member in order if member in free)


def _called(member: Member, text: str) -> int:
    """Where the text names a member for the last time; -1 for never."""
    plain = text.casefold()
    return max((plain.rfind(name.casefold()) for name in (member.speaker, *member.names) if name), default=-1)


def _silence(troupe: Troupe, member: Member) -> int:
    """Turns since they spoke or came in."""
    turns = troupe.turns
    spoke = next((at for at in range(len(turns) - 1, -1, -1) if turns[at].speaker == member.speaker), None)
    return len(turns) - (spoke + 1 if spoke is not None else member.since)


def viewpoint(troupe: Troupe, key: str) -> tuple[Turn, ...]:
    """What a member knows of the scene. Raises BadInput("unknown_character")."""
    return troupe.turns[troupe.member(key).since :]


def ask_of(troupe: Troupe, pack: Pack) -> Ask:
    """What is asked of a member now: to answer the last line, or to go on when it was their own.

    Raises BadInput("unknown_character"), BadInput("empty_text") while nothing was said that they know of.
    """
    known = viewpoint(troupe, pack.id)
    if not known:
        raise BadInput("empty_text")
    if known[-1].speaker == pack.speaker:
        partner = next((turn.speaker for turn in reversed(known) if turn.speaker != pack.speaker), "")
        return Ask(pack, partner, "", known, "continue")
    return Ask(pack, known[-1].speaker, known[-1].text, known[:-1])


def to_dict(troupe: Troupe) -> dict[str, Any]:
    """Plain JSON for the browser's storage."""
    return {
        "cast": [[one.key, one.speaker, list(one.names), one.since] for one in troupe.cast],
        "turns": [[turn.speaker, turn.text] for turn in troupe.turns],
    }


def from_dict(stored: object) -> Troupe:
    """What `to_dict` gave; rows that are not sound are left out, and nothing sound gives an empty scene."""
    if not isinstance(stored, Mapping):
        return Troupe()
    turns = tuple(_turns(stored.get("turns")))
    return Troupe(tuple(_members(stored.get("cast"), len(turns))), turns)


def _turns(rows: object) -> Iterator[Turn]:
    for row in rows[:MAX_TURNS] if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 2 and all(isinstance(part, str) for part in row) and row[1].strip():
            yield Turn(row[0][:MAX_ROLE], row[1][:_MAX_TEXT])


def _members(rows: object, n_turns: int) -> Iterator[Member]:
    for row in rows[:MAX_CAST] if isinstance(rows, list) else ():
        if not isinstance(row, list) or len(row) != 4 or not isinstance(row[2], list):
            continue
        key, speaker, names, since = row
        typed = isinstance(key, str) and isinstance(speaker, str) and isinstance(since, int)
        if typed and key and speaker not in NARRATORS and since >= 0:
            plain = tuple(name[:MAX_ROLE] for name in names[:8] if isinstance(name, str))
            yield Member(key[:80], speaker[:MAX_ROLE], plain, min(since, n_turns))
