"""What the model still sees of a conversation: the newest turns within a token budget, and what remains of the rest.

The original adds whole pairs while they fit and, when not even the last one does, sends everything (`[-0:]`). Here the
budget is never exceeded: an over-long turn keeps its head and its tail. Turns that no longer fit are not lost: those
that share words with the message are recalled, or all of them live on in a rolling summary. Knows text and a counter.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from models.roleplay.bigrams import Bigrams
from models.roleplay.turns import Turn, spoken

Count = Callable[[str], int]

CUT = "……"  # stands where the middle of a turn was taken out
_WORTH = 0.12  # share of the message that an old turn must hold to be recalled
_RECALLED = 6  # old turns at most
_SHORTEST = 8  # characters of a turn under which a cut one says nothing


@dataclass(frozen=True, slots=True)
class History:
    """The turns that fit, oldest first, and those that did not."""

    kept: tuple[Turn, ...]
    dropped: tuple[Turn, ...]
    n_tokens: int  # of the kept ones as `spoken` writes them


def fit_history(turns: Sequence[Turn], budget: int, count: Count, *, pairs: bool = False) -> History:
    """The newest turns whose written lines cost at most `budget` tokens together; with `pairs` two by two.

    If the newest turn alone costs more, its middle is taken out; it is dropped when not even that helps.
    """
    kept: list[Turn] = []
    spent, step = 0, 2 if pairs else 1
    for end in range(len(turns), 0, -step):
        unit = turns[max(0, end - step) : end]
        size = sum(count(spoken(turn.speaker, turn.text)) for turn in unit)
        if spent + size > budget:
            break
        kept += reversed(unit)
        spent += size
    if not kept and turns:
        short = shortened(turns[-1], budget, count)
        if short:
            return History((short,), tuple(turns[:-1]), count(spoken(short.speaker, short.text)))
    return History(tuple(reversed(kept)), tuple(turns[: len(turns) - len(kept)]), spent)


def shortened(turn: Turn, budget: int, count: Count) -> Turn | None:
    """The turn with as little of its middle taken out as the budget asks for; None when nothing sensible is left."""
    low, high = 0, len(turn.text)  # characters kept: `low` fits as far as is known, `high` + 1 does not
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _cost(turn, middle, count) <= budget else (low, middle - 1)
    while low >= _SHORTEST and _cost(turn, low, count) > budget:  # tokens do not grow evenly with characters
        low -= 1
    return _middle_out(turn, low) if low >= min(_SHORTEST, len(turn.text)) and low else None


def _middle_out(turn: Turn, n_characters: int) -> Turn:
    if n_characters >= len(turn.text):
        return turn
    head = (n_characters + 1) // 2
    return Turn(turn.speaker, turn.text[:head] + CUT + turn.text[len(turn.text) - (n_characters - head) :])


def _cost(turn: Turn, n_characters: int, count: Count) -> int:
    return count(spoken(turn.speaker, _middle_out(turn, n_characters).text))


def recall_turns(dropped: Sequence[Turn], message: str, budget: int, count: Count) -> tuple[Turn, ...]:
    """Old turns that share most words with the message, each with the answer to it, in the order they were said."""
    if not dropped or budget <= 0:
        return ()
    scores = Bigrams([turn.text for turn in dropped]).scores(message)
    best = [int(at) for at in (-scores).argsort(kind="stable")[:_RECALLED] if scores[at] >= _WORTH]
    chosen: set[int] = set()
    for at in best:
        pair = {at, at + 1} & set(range(len(dropped))) - chosen
        cost = sum(count(spoken(dropped[one].speaker, dropped[one].text)) for one in pair)
        if cost <= budget:
            budget -= cost
            chosen |= pair
    return tuple(dropped[at] for at in sorted(chosen))


@dataclass(frozen=True, slots=True)
class Digest:
    """A summary of the first `n_turns` of a conversation."""

    text: str = ""
    n_turns: int = 0


def roll(digest: Digest, turns: Sequence[Turn], write: Callable[[str], str], *, every: int = 6) -> Digest:
    """The summary after `turns` have dropped out of sight; rewritten only when `every` more of them have.

    `write` makes a short text of a long one: a model, or the embedded summary. A conversation that was cut back (undo,
    another branch) to before the summary's end is summarised anew.
    """
    if len(turns) < digest.n_turns:
        digest = Digest()
    fresh = turns[digest.n_turns :]
    if len(fresh) < every:
        return digest
    told = "\n".join(filter(None, (digest.text, *_written(fresh))))
    return Digest(write(told).strip(), len(turns))


def _written(turns: Sequence[Turn]) -> Iterator[str]:
    return (spoken(turn.speaker, turn.text) for turn in turns)
