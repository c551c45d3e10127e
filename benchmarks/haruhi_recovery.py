"""How well a character answers in scenes that were taken out of their memory, and how well memory finds a scene.

Next line: a fifth of the scenes is left out; the reply to each of their lines ranks all that the character says in the
scenes left out by n-gram likeness to the reply; hit@k and MRR of the line that was really spoken. `echo`, which says
the question again, shows how much of this is words that question and answer share.
Format: a reply is out of format when it is empty, holds ### or a speaker's label, or `output.clean` would change it.
Conversation: the pack's left-out questions are asked one after another, 20 turns each; repeats are replies said before
in it, distinct-2 is different character bigrams over all of them.
Scene: the scenes stay; a line of one asks, and that scene is to be found: hit@1, hit@19, MRR, with and without each
part of the retrieval.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from benchmarks.haruhi_data import Asked, asked, folds
from benchmarks.quality import Row
from models.embedded.vectors import HashedEmbedder
from models.packs.pack import Pack
from models.roleplay.output import clean
from models.roleplay.recall import RecallOptions, retrieve
from models.roleplay.replay import replay, scenes_of
from models.roleplay.shelf import Shelf, shelve
from models.roleplay.turns import Turn, spoken
from models.task import Task

TURNS = 20  # of a conversation
_MARKS = re.compile(r"###|^[^:：\n]{1,12}[:：]「", re.MULTILINE)

Answer = Callable[[Sequence[Turn], str], str]  # turns, the last one asks; who asks → the reply
Engine = Callable[[Pack], Answer]


@dataclass(frozen=True, slots=True)
class Replies:
    """What an engine answered in the scenes that were left out of a pack."""

    pack: Pack
    asked: list[Asked]
    said: list[str]
    places: list[tuple[int, int]]  # of the true line: how many before it, how many as good, itself included
    chance: float  # MRR of a random order


def embedded(pack: Pack) -> Answer:
    """The embedded engine: scene replay."""
    scenes, used = scenes_of(pack, pack.language), list[int]()

    def answer(turns: Sequence[Turn], role: str) -> str:
        used[:] = used if len(turns) > 1 else []
        found = replay(scenes, turns, role, used, Task())
        used.append(found.index)
        return found.reply.text

    return answer


def echo(pack: Pack) -> Answer:
    """A floor: says the question again."""
    return lambda turns, role: turns[-1].text


def answered(pack: Pack, engine: Engine, per_fold: int) -> Replies:
    """Held-out lines asked, each as a conversation of its own with the line before it."""
    held_out, said, places, chances = [], [], [], []
    for kept, held in folds(pack):
        lines = list(dict.fromkeys(one.line for one in held))
        space = HashedEmbedder().sparse(lines, Task())
        answer = engine(kept)
        for place in held[:per_fold]:
            before = [Turn(role, text) for role, text in place.earlier[-1:]]
            reply = answer([*before, Turn(place.partner, place.context)], place.partner)
            likeness = (HashedEmbedder().sparse([reply], Task()) @ space.T).toarray()[0]
            places.append(_place_of(likeness, lines.index(place.line)))
            chances.append(float(np.mean(1 / np.arange(1, len(lines) + 1))))
            held_out.append(place)
            said.append(reply)
    return Replies(pack, held_out, said, places, fmean(chances))


def _place_of(likeness: np.ndarray, true: int) -> tuple[int, int]:
    """Lines before the true one, and lines as like as it, itself included."""
    return int((likeness > likeness[true]).sum()), int((likeness == likeness[true]).sum())


def _mrr(places: Sequence[tuple[int, int]]) -> float:
    """Mean reciprocal rank, expected over the orders of lines that are equally like."""
    return fmean(float(np.mean(1 / np.arange(first + 1, first + same + 1))) for first, same in places)


def _hit(places: Sequence[tuple[int, int]], k: int) -> float:
    """Share of true lines among the first k, expected likewise."""
    return fmean(min(1.0, max(0.0, (k - first) / same)) for first, same in places)


def recovery_rows(
    pack: Pack, engines: dict[str, Engine], per_fold: int, over_chance: dict[str, list[float]]
) -> Iterator[Row]:
    """hit@1, hit@10, MRR and the rate out of format, for every engine; MRR over chance is put into `over_chance`."""
    for name, engine in engines.items():
        found = answered(pack, engine, per_fold)
        note = f"{len(found.said)} lines, hit@1 {_hit(found.places, 1):.3f}, hit@10 {_hit(found.places, 10):.3f}"
        over_chance.setdefault(name, []).append(_mrr(found.places) / found.chance)
        yield Row(f"{pack.id}: next line, MRR, {name}", None, _mrr(found.places), f"{note}; chance {found.chance:.3f}")
        wrong = fmean(_out_of_format(pack, reply) for reply in found.said)
        if name != "echo":
            yield Row(f"{pack.id}: out of format, {name}", 0.02, wrong, "share of replies", ceiling=True)


def _out_of_format(pack: Pack, reply: str) -> bool:
    return not reply.strip() or bool(_MARKS.search(reply)) or clean(reply, (pack.speaker,), pack.roles) != reply.strip()


def conversation_rows(pack: Pack, name: str, engine: Engine) -> Iterator[Row]:
    """Repeats and distinct-2 over conversations of TURNS turns made of left-out questions."""
    kept, held = next(folds(pack))
    held, answer, said = held[: 3 * TURNS], engine(kept), list[list[str]]()
    for low in range(0, len(held) - TURNS + 1, TURNS):
        turns: list[Turn] = []
        for place in held[low : low + TURNS]:
            turns.append(Turn(pack.roles[0], place.context))
            turns.append(Turn(pack.speaker, answer(turns, pack.roles[0])))
        said.append([turn.text for turn in turns[1::2]])
    if not said:
        return
    repeats = [reply in earlier[:at] for earlier in said for at, reply in enumerate(earlier)]
    pairs = [reply[at : at + 2] for replies in said for reply in replies for at in range(len(reply) - 1)]
    yield Row(f"{pack.id}: repeated in a conversation, {name}", 0.02, fmean(repeats), "share of replies", ceiling=True)
    yield Row(f"{pack.id}: distinct-2, {name}", None, len(set(pairs)) / max(1, len(pairs)), f"{len(repeats)} replies")


WAYS = {
    "as the original": RecallOptions(centred=False, hybrid=False, distinct=False),
    "centred": RecallOptions(hybrid=False),
    "centred, with bigrams": RecallOptions(),
}


def scene_rows(pack: Pack, limit: int) -> Iterator[Row]:
    """How often the scene that a line is from is found by that line, with the embedded vectors."""
    shelf = shelve([str(at) for at in range(len(pack.scenes))], [one.text for one in pack.scenes], task=Task())
    places = [(at, one) for at, scene in enumerate(pack.scenes) for one in asked(pack, [scene])]
    places = places[:: max(1, len(places) // limit)]
    for name, options in WAYS.items():
        ranks = [_rank(shelf, at, place, options) for at, place in places]
        note = f"hit@1 {np.mean([rank < 1 for rank in ranks]):.3f}, hit@19 {np.mean([rank < 19 for rank in ranks]):.3f}"
        yield Row(f"{pack.id}: scene of a line, MRR, {name}", None, fmean(1 / (1 + rank) for rank in ranks), note)


def _rank(shelf: Shelf, scene: int, place: Asked, options: RecallOptions) -> int:
    query = spoken(place.partner, place.context)
    found = retrieve(shelf, query, shelf.vector(query, None, Task()), options, len)
    return next((at for at, one in enumerate(found.candidates) if one.index == scene), 10_000)


def neighbour_rows(shelf: Shelf, name: str, numbers: Sequence[tuple[str, int] | None]) -> Iterator[Row]:
    """On published vectors: a scene asks with its own vector and text; the scenes beside it are to be found (MRR)."""
    at = {number: row for row, number in enumerate(numbers) if number}
    for way, options in WAYS.items():
        found = []
        for row, number in enumerate(numbers):
            beside = [
                at[number[0], number[1] + step] for step in (-1, 1) if number and (number[0], number[1] + step) in at
            ]
            if not beside:
                continue
            every = RecallOptions(k=len(shelf.texts), centred=options.centred, hybrid=options.hybrid, distinct=False)
            seen = retrieve(shelf, shelf.texts[row], shelf.vectors[row], every, len, avoid=[row]).candidates
            found.append(1 / (1 + min(rank for rank, one in enumerate(seen) if one.index in beside)))
        if len(found) > 30:
            yield Row(
                f"{name}: scene beside, MRR, {way}", None, fmean(found), f"{len(found)} scenes, published vectors"
            )
