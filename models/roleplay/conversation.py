"""A conversation that keeps every way it went: swipes, edits, branches, undo; a pure value that fits in a browser.

A tree of nodes; the path from the root to `tip` is what shows. Another answer to the same message is a sibling (a
swipe), an edited message as well, so nothing that was said is ever lost until it is deleted. Knows neither models nor
pages; `to_dict` and `from_dict` are what the browser stores, and `from_dict` takes nothing on trust.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from models.errors import BadInput
from models.roleplay.turns import MAX_ROLE, Turn

Side = Literal["user", "character"]

VERSION = 1
MAX_NODES = 20_000
MAX_TEXT = 60_000  # characters of one message
_ROOT = -1


@dataclass(frozen=True, slots=True)
class Node:
    """One message. `meta` is whatever the page keeps with it: origin, picture, places used; plain JSON."""

    side: Side
    speaker: str
    text: str
    parent: int  # number of the node before it; -1 at the beginning
    at: float = 0.0  # seconds since 1970
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conversation:
    """All nodes in the order they came, and the one at the end of what shows (-1: nothing was said yet)."""

    nodes: tuple[Node, ...] = ()
    tip: int = _ROOT
    undone: tuple[int, ...] = ()  # former tips, for redo

    def path(self) -> tuple[int, ...]:
        """Numbers of the nodes that show, oldest first."""
        found, at = [], self.tip
        while at != _ROOT:
            found.append(at)
            at = self.nodes[at].parent
        return tuple(reversed(found))

    def turns(self) -> tuple[Turn, ...]:
        """What shows, as role-play takes it."""
        return tuple(Turn(self.nodes[at].speaker, self.nodes[at].text) for at in self.path())

    def swipes(self, at: int) -> tuple[int, ...]:
        """All alternatives of a node, itself included, in the order they came."""
        node = self.nodes[at]
        same = (number for number, one in enumerate(self.nodes) if one.parent == node.parent and one.side == node.side)
        return tuple(same)

    def say(
        self, side: Side, speaker: str, text: str, meta: Mapping[str, Any] | None = None, *, at: float | None = None
    ) -> "Conversation":
        """A message after the tip. Raises BadInput("conversation_full")."""
        return self._add(Node(side, speaker, text[:MAX_TEXT], self.tip, time.time() if at is None else at, meta or {}))

    def swipe_in(self, at: int, text: str, meta: Mapping[str, Any] | None = None) -> "Conversation":
        """Another version of a node, shown now: a retried answer, or an edited message, which starts a branch.

        Raises BadInput("conversation_full"), ValueError for a number that is none.
        """
        node = self._node(at)
        return self._add(Node(node.side, node.speaker, text[:MAX_TEXT], node.parent, time.time(), meta or {}))

    def extend(self, text: str) -> "Conversation":
        """The last message with more text after it (continue)."""
        node = self._node(self.tip)
        nodes = list(self.nodes)
        nodes[self.tip] = replace(node, text=(node.text + text)[:MAX_TEXT])
        return replace(self, nodes=tuple(nodes))

    def annotate(self, at: int, **values: Any) -> "Conversation":  # noqa: ANN401  (plain JSON)
        """A message with more kept beside it; its text stays."""
        node = self._node(at)
        nodes = (*self.nodes[:at], replace(node, meta={**node.meta, **values}), *self.nodes[at + 1 :])
        return replace(self, nodes=nodes)

    def swipe(self, at: int, step: int) -> "Conversation":
        """The alternative `step` places further, and what followed it last."""
        siblings = self.swipes(at)
        chosen = siblings[(siblings.index(at) + step) % len(siblings)]
        return replace(self, tip=self._end_of(chosen), undone=())

    def before(self, at: int) -> "Conversation":
        """What showed before a node: where a retry of it begins. The node stays as an alternative."""
        return replace(self, tip=self._node(at).parent, undone=())

    def goto(self, at: int) -> "Conversation":
        """The branch that ends in a node."""
        self._node(at)
        return replace(self, tip=at, undone=())

    def onward(self) -> "Conversation":
        """The newest way on from the tip; the same at an end."""
        return replace(self, tip=self._end_of(self.tip)) if self.nodes else self

    def undo(self) -> "Conversation":
        """Takes the last exchange back: the answer and the message it answers."""
        if self.tip == _ROOT:
            return self
        at = self.tip
        while self.nodes[at].side != "user" and self.nodes[at].parent != _ROOT:
            at = self.nodes[at].parent
        if self.nodes[at].side != "user":
            return self  # a greeting is not undone
        return replace(self, tip=self.nodes[at].parent, undone=(*self.undone, self.tip))

    def redo(self) -> "Conversation":
        """Takes the last undo back."""
        return replace(self, tip=self.undone[-1], undone=self.undone[:-1]) if self.undone else self

    def branches(self) -> tuple[int, ...]:
        """The last nodes of all ways the conversation went."""
        inner = {node.parent for node in self.nodes}
        return tuple(at for at in range(len(self.nodes)) if at not in inner)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` gives the same conversation back."""
        rows = [[node.side[0], node.speaker, node.text, node.parent, node.at, dict(node.meta)] for node in self.nodes]
        return {"version": VERSION, "nodes": rows, "tip": self.tip, "undone": list(self.undone)}

    def _add(self, node: Node) -> "Conversation":
        if len(self.nodes) >= MAX_NODES:
            raise BadInput("conversation_full", limit=MAX_NODES)
        return Conversation((*self.nodes, node), len(self.nodes))

    def _node(self, at: int) -> Node:
        if not 0 <= at < len(self.nodes):
            raise ValueError(f"there is no message {at}")
        return self.nodes[at]

    def _end_of(self, at: int) -> int:
        """The newest end below a node, following the newest answer each time."""
        newest = {node.parent: number for number, node in enumerate(self.nodes)}
        while at in newest:
            at = newest[at]
        return at


def from_dict(stored: object) -> Conversation:
    """What `to_dict` gave; anything else gives what of it makes sense, at worst an empty conversation.

    Parents stand before their children, so no path can be a circle.
    """
    if not isinstance(stored, Mapping) or not isinstance(stored.get("nodes"), list):
        return Conversation()
    nodes: list[Node] = []
    for row in stored["nodes"][:MAX_NODES]:
        node = _node_of(row, len(nodes))
        if node is None:
            break  # later rows count from the beginning; after a broken one their numbers mean nothing
        nodes.append(node)
    tip = stored.get("tip")
    whole = isinstance(tip, int) and not isinstance(tip, bool) and _ROOT <= tip < len(nodes)
    undone = stored.get("undone")
    known = (one for one in (undone if isinstance(undone, list) else ()) if type(one) is int and 0 <= one < len(nodes))
    return Conversation(tuple(nodes), tip if whole else len(nodes) - 1, tuple(known))


def _node_of(row: object, number: int) -> Node | None:
    if not isinstance(row, list) or len(row) != 6:
        return None
    side, speaker, text, parent, at, meta = row
    typed = isinstance(speaker, str) and isinstance(text, str) and isinstance(parent, int) and isinstance(meta, Mapping)
    if not typed or side not in ("u", "c") or not _ROOT <= parent < number or not isinstance(at, int | float):
        return None
    side_name: Side = "user" if side == "u" else "character"
    return Node(side_name, speaker[:MAX_ROLE], text[:MAX_TEXT], int(parent), float(at), dict(meta))


def messages_of(conversation: Conversation) -> Iterator[tuple[int, Node, tuple[int, ...]]]:
    """Number, node and all its alternatives, for every message that shows; one pass over the tree."""
    families: dict[tuple[int, Side], list[int]] = {}
    for at, node in enumerate(conversation.nodes):
        families.setdefault((node.parent, node.side), []).append(at)
    for at in conversation.path():
        node = conversation.nodes[at]
        yield at, node, tuple(families[node.parent, node.side])
