"""One visitor's story with one character or several, as their browser keeps it: who is in it, and all that was said.

A pure value; every function gives a new one. What goes with an answer (who made it, the picture, the place it was
found in) lies in the `meta` of its node, so undo, swipes and branches bring it back without any further state. Knows no
models and no page.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from models.errors import BadInput
from models.packs.pack import Pack
from models.roleplay.conversation import Conversation, Node, from_dict
from models.roleplay.group import MAX_CAST, Member, Rule, Troupe, next_speaker
from models.roleplay.history import Digest
from models.roleplay.turns import MAX_ROLE

VERSION = 1
MAX_JSON = 4_000_000  # characters of a stored story; the browser's own limit for a page is 5 million
MAX_KEY = 80
Turn = Literal["named", "round", "hand"]  # who answers a message: who is called, in turn, or nobody until asked
RULES: tuple[Turn, ...] = ("named", "round", "hand")


@dataclass(frozen=True, slots=True)
class Seat:
    """A character in the story; `since` is how many messages had been said when they came in."""

    key: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """The first seat is the character whose story it is; others have been asked to join."""

    seats: tuple[Seat, ...] = ()
    tree: Conversation = Conversation()
    role: str = ""  # of the visitor
    rule: Turn = "named"
    inline: bool = False  # pictures in the chat as well
    digest: Digest = Digest()  # of messages that no model sees any more
    owner: str = ""  # the secret of this browser, under which its own packs are kept

    @property
    def key(self) -> str:
        """Id of the character whose story it is."""
        return self.seats[0].key if self.seats else ""

    def metas(self, key: str = "") -> Iterator[Mapping[str, Any]]:
        """What was kept with the answers that show, oldest first; those of one character with `key`."""
        for at in self.tree.path():
            node = self.tree.nodes[at]
            if node.side == "character" and (not key or str(node.meta.get("key", "")) == key):
                yield node.meta

    def numbers(self, name: str, key: str = "") -> list[int]:
        """Whole numbers kept under a name, oldest first: `place` of lines already spoken, `picture` of those shown."""
        return [value for meta in self.metas(key) if type(value := meta.get(name)) is int and value >= 0]

    def tried(self, key: str) -> list[Node]:
        """What a character answered to the last message before, on other ways from it."""
        nodes = (node for node in self.tree.nodes if node.parent == self.tree.tip and node.side == "character")
        return [node for node in nodes if node.meta.get("key") == key]

    def last(self) -> int:
        """Number of the last message that shows, -1 when there is none."""
        return self.tree.tip

    def enter(self, pack: Pack) -> "Story":
        """The same with one more character, who knows what is said from now on.

        Raises BadInput("cast_full"), BadInput("role_taken") for the visitor's own name.
        """
        if any(seat.key == pack.id for seat in self.seats):
            return self
        if len(self.seats) >= MAX_CAST:
            raise BadInput("cast_full", limit=MAX_CAST)
        if self.role and pack.is_own(self.role):
            raise BadInput("role_taken", name=self.role)
        return replace(self, seats=(*self.seats, Seat(pack.id, len(self.tree.path()))))

    def leave(self, key: str) -> "Story":
        """The same without a character; the last one stays."""
        rest = tuple(seat for seat in self.seats if seat.key != key)
        return replace(self, seats=rest) if rest else self

    def troupe(self, packs: Callable[[str], Pack]) -> Troupe:
        """The cast and what shows, for models.roleplay.group."""
        members = []
        for seat in self.seats:
            pack = packs(seat.key)
            names = (pack.speaker, pack.name.zh, pack.name.en, *pack.aliases)
            members.append(Member(pack.id, pack.speaker, tuple(dict.fromkeys(filter(None, names))), seat.since))
        return Troupe(tuple(members), self.tree.turns())

    def next(self, packs: Callable[[str], Pack]) -> str:
        """Id of who answers now, "" when the visitor decides."""
        if len(self.seats) == 1:
            return self.key
        return "" if self.rule == "hand" else next_speaker(self.troupe(packs), cast(Rule, self.rule))


def write(story: Story) -> str:
    """JSON for the browser. When it is too much for a browser to keep, ways that do not show are left out."""
    text = json.dumps(_plain(story), ensure_ascii=False, separators=(",", ":"))
    if len(text) > MAX_JSON:
        text = json.dumps(_plain(replace(story, tree=_shown(story.tree))), ensure_ascii=False, separators=(",", ":"))
    return text


def _plain(story: Story) -> dict[str, Any]:
    return {
        "version": VERSION,
        "seats": [[seat.key, seat.since] for seat in story.seats],
        "tree": story.tree.to_dict(),
        "role": story.role,
        "rule": story.rule,
        "inline": story.inline,
        "digest": [story.digest.text, story.digest.n_turns],
        "owner": story.owner,
    }


def _shown(tree: Conversation) -> Conversation:
    """Only what shows of a conversation."""
    nodes = [tree.nodes[at] for at in tree.path()]
    return Conversation(tuple(replace(node, parent=at - 1) for at, node in enumerate(nodes)), len(nodes) - 1)


def read(text: str) -> Story:
    """What `write` gave; of anything else what makes sense of it, at worst an empty story."""
    try:
        given = json.loads(text) if text and len(text) <= 2 * MAX_JSON else {}
    except (ValueError, RecursionError):
        given = {}
    if not isinstance(given, dict):
        return Story()
    rule, digest = given.get("rule"), given.get("digest")
    whole = isinstance(digest, list) and len(digest) == 2 and isinstance(digest[0], str) and type(digest[1]) is int
    return Story(
        tuple(_seats(given.get("seats"))),
        from_dict(given.get("tree")),
        _text(given.get("role"), MAX_ROLE),
        rule if rule in RULES else "named",
        given.get("inline") is True,
        Digest(digest[0][:20_000], max(0, digest[1])) if whole else Digest(),
        _text(given.get("owner"), MAX_KEY),
    )


def _seats(rows: object) -> Iterator[Seat]:
    known: set[str] = set()
    for row in rows[:MAX_CAST] if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and type(row[1]) is int:
            key = row[0][:MAX_KEY]
            if key and key not in known:
                known.add(key)
                yield Seat(key, max(0, row[1]))


def _text(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""
