"""Role-play from scenes: a character answers with the line they really spoke in the place most like this one.

Knows how scenes are written and how to find a place in them; knows nothing of pictures, cards or who is visiting.
Both sides of a pair are indexed, the context and the reply: words of the visitor that the character took up count as
much as words of the partner. Where no place is clearly right, replies that resemble other candidates are preferred,
as in minimum Bayes risk decoding (Kumar & Byrne 2004): what the character usually says to such a line.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.embedded.phrasing import canonical
from models.embedded.retrieve import Index
from models.embedded.reveal import growing
from models.embedded.vectors import HashedEmbedder
from models.engine import Message, Reply
from models.errors import BadInput
from models.spec import Evidence, Origin
from models.task import Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FLOOR = 0.26  # likeness under which no place is close; see benchmarks/quality_dialogue.py
_CONTEXT, _EARLIER, _ROLE = 0.6, 0.2, 0.03  # beside the coverage of context and reply together
_CONSENSUS = 3.0  # of what the character usually says, where no place is clearly right
_CLEAR = 0.6  # likeness from which on a place is clearly right
_CANDIDATES = 10
_SHORT = 3  # characters
_SHOWN = 5
_MAX_QUERY = 1_000  # characters of a message that are searched for
_SPOKEN = re.compile(r"\s*([^:：「」{}\"]{0,24})[:：]\s*(.*)")
_NARRATOR = ("旁白", "Narrator", "narrator", "scene", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a scene."""

    role: str
    text: str
    kind: Literal["speech", "narration"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A titled run of lines."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the character speaks: who said what before, and the line itself."""

    title: str
    partner: str
    context: str
    earlier: str  # the line before the context, "" at the start of a scene
    line: str


@dataclass(frozen=True, slots=True)
class SceneHit:
    """A scene that came into question, with the line that the character speaks there."""

    title: str
    score: float  # 0 … 1, how like the place is
    context: str
    line: str
    index: int  # of the place, for `avoid`


@dataclass(frozen=True, slots=True)
class SceneReply:
    """The reply, which place it came from (-1 for none), and the scenes that came into question, best first."""

    reply: Reply
    index: int
    scenes: tuple[SceneHit, ...]

    def growing(self) -> Iterator[Reply]:
        """The reply, growing by a few characters."""
        return growing(self.reply)


def parse_scenes(text: str, title: str = "") -> tuple[Scene, ...]:
    """Scenes of a text: `## title` begins one, `role:「line」` is spoken, `旁白:…` and anything else is narration.

    Without any `##` the whole text is one scene called `title`. A line whose 「 is still open goes on below it.
    """
    scenes: list[tuple[str, list[Line]]] = [(title, [])]
    for raw in _joined(text):
        if raw.startswith("## "):
            scenes.append((raw[3:].strip(), []))
        elif line := _line(raw):
            scenes[-1][1].append(line)
    return tuple(Scene(name, tuple(lines)) for name, lines in scenes if lines)


def _joined(text: str) -> Iterator[str]:
    """Lines without blanks around them; a quotation that was not closed takes in what follows, up to five lines."""
    waiting: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if waiting and not line.startswith("##") and line:
            line = "\n".join([*waiting, line])
        elif waiting:
            yield "\n".join(waiting)
        waiting = []
        if line.count("「") > line.count("」") and line.count("\n") < 5:
            waiting = line.split("\n")
        elif line:
            yield line
    if waiting:
        yield "\n".join(waiting)


def _line(raw: str) -> Line | None:
    found = _SPOKEN.fullmatch(raw) or re.fullmatch(r"\s*([^:：「」{}\"]{1,24})[:：]\s*(「.*)", raw, re.DOTALL)
    role, said = (found[1].strip(), found[2].strip()) if found else ("", raw.strip())
    quoted = re.match(r"「(.*)」", said, re.DOTALL)  # remarks after the quotation are not spoken
    spoken = (quoted[1] if quoted else said.strip("「」")).strip()
    kind: Literal["speech", "narration"] = "narration" if role in _NARRATOR else "speech"
    return Line(role, spoken, kind) if spoken else None


class Scenes:
    """The scenes of one character, searchable. Immutable; safe to share between visitors."""

    def __init__(
        self, scenes: str | Sequence[Scene], speaker: str, *, deflections: Sequence[str] = (), default: str = "……"
    ) -> None:
        """`scenes` as text or parsed; `deflections` are what the character says when no place is close."""
        self.scenes = parse_scenes(scenes) if isinstance(scenes, str) else tuple(scenes)
        self.speaker = speaker
        self.places = tuple(place for scene in self.scenes for place in _places(scene, speaker))
        self._deflections = tuple(deflections) or (default,)

    @cached_property
    def _pairs(self) -> Index:
        return Index([f"{place.context}\n{place.line}" for place in self.places])

    @cached_property
    def _contexts(self) -> Index:
        return Index([canonical(place.context) for place in self.places])

    @cached_property
    def _earlier(self) -> Index:
        return Index([place.earlier for place in self.places])

    @cached_property
    def _lines(self) -> "csr_matrix":
        return HashedEmbedder().sparse([place.line for place in self.places], Task())

    def reply(self, messages: Sequence[Message], role: str, *, avoid: Collection[int] = (), task: Task) -> SceneReply:
        """What the character says to the last message, spoken by `role`; never a place in `avoid`.

        Raises BadInput("empty_text") when the last message is empty, Cancelled.
        """
        asked = messages[-1].text.strip() if messages else ""
        if not asked:
            raise BadInput("empty_text")
        task.check()
        before = messages[-2].text if len(messages) > 1 else ""
        likeness = self._likeness(asked[:_MAX_QUERY])
        ranked = self._rank(likeness, role, before[:_MAX_QUERY], avoid)
        task.check()
        hits = self._hits(ranked, likeness)
        if not hits or hits[0].score < FLOOR:
            return self._deflection(messages, hits)
        return SceneReply(_reply(hits[0].line, hits), hits[0].index, hits)

    def _likeness(self, asked: str) -> np.ndarray:
        """(places,) 0 … 1: how much of the message a place covers, and how like its context the message is.

        A few characters («谢谢你») say nothing of a reply that happens to hold them; they count in the context only.
        """
        form = canonical(asked)
        covered = self._contexts.coverage(form) if len(form) <= _SHORT else self._pairs.coverage(asked)
        return (covered + _CONTEXT * self._contexts.cosine(form)) / (1 + _CONTEXT)

    def _rank(self, likeness: np.ndarray, role: str, before: str, avoid: Collection[int]) -> list[int]:
        """Places, best first: likeness, the line before, the partner's role, and what the character usually says."""
        scores = (1 + _CONTEXT) * likeness + _EARLIER * self._earlier.coverage(before)
        scores += _ROLE * np.array([place.partner == role for place in self.places], np.float32)
        scores[[at for at in avoid if 0 <= at < len(scores)]] = -1.0
        order = [int(at) for at in np.argsort(-scores, kind="stable") if scores[at] >= 0]
        best = order[:_CANDIDATES]
        doubt = max(0.0, 1 - max((float(likeness[at]) for at in best), default=1.0) / _CLEAR)
        usual = self._consensus(best, scores[best])
        first = sorted(best, key=lambda at: -(scores[at] + _CONSENSUS * doubt * usual[at]))
        return [*first, *order[_CANDIDATES : 8 * _CANDIDATES]]

    def _consensus(self, places: Sequence[int], scores: np.ndarray) -> dict[int, float]:
        """For each of these places, how much its line is like the lines of the others, weighted by their scores."""
        if len(places) < 2 or scores.sum() <= 0:
            return dict.fromkeys(places, 0.0)
        rows = self._lines[list(places)]
        likeness = (rows @ rows.T).toarray()
        np.fill_diagonal(likeness, 0)
        return dict(zip(places, (likeness @ scores) / scores.sum(), strict=True))

    def _hits(self, ranked: Sequence[int], likeness: np.ndarray) -> tuple[SceneHit, ...]:
        """The best place of each of the best scenes."""
        hits: dict[str, SceneHit] = {}
        for at in ranked:
            place = self.places[at]
            hits.setdefault(place.title, SceneHit(place.title, float(likeness[at]), place.context, place.line, at))
            if len(hits) == _SHOWN:
                break
        return tuple(hits.values())

    def _deflection(self, messages: Sequence[Message], hits: tuple[SceneHit, ...]) -> SceneReply:
        """An in-voice way of saying that no place is close; not the one that was just used."""
        said = {message.text for message in messages[-4:] if message.role == "assistant"}
        fresh = [line for line in self._deflections if line not in said] or self._deflections
        return SceneReply(_reply(fresh[len(messages) // 2 % len(fresh)], hits, confident=False), -1, hits)


def _places(scene: Scene, speaker: str) -> Iterator[Place]:
    """Every line of the character that answers somebody or something."""
    lines = scene.lines
    for at in range(1, len(lines)):
        if lines[at].role == speaker and lines[at - 1].role != speaker:
            earlier = lines[at - 2].text if at > 1 else ""
            yield Place(scene.title, lines[at - 1].role, lines[at - 1].text, earlier, lines[at].text)


def _reply(text: str, hits: Sequence[SceneHit], *, confident: bool = True) -> Reply:
    evidence = tuple(Evidence(f"{hit.context}\n→ {hit.line}", hit.score, hit.title) for hit in hits)
    return Reply(text, Origin("retrieved"), evidence, confident)
