"""Cuts a long text at sentence borders into parts that a model can see, by the model's own token count.

Knows sentences and a counting function; knows nothing of models.
"""

from collections.abc import Callable, Iterator

from models.embedded.text import Piece, sentences
from models.task import Task


def parts(text: str, limit: int, count: Callable[[str], int], task: Task) -> list[Piece]:
    """The text in as few stretches as sentence borders allow, each of at most `limit` tokens, in order.

    A sentence that alone has more is halved until it fits; blanks between stretches are left out. Raises Cancelled.
    """
    whole = Piece(text, 0, len(text))
    if count(text) <= limit:
        return [whole] if text.strip() else []
    made: list[Piece] = []
    start = end = size = 0
    for piece in _bounded(sentences(text) or [whole], limit, count):
        task.check()
        more = count(text[end : piece.end]) if size else 0
        if size and size + more <= limit:
            end, size = piece.end, size + more
            continue
        if size:
            made.append(Piece(text[start:end], start, end))
        start, end, size = piece.start, piece.end, max(1, count(piece.text))
    return [*made, Piece(text[start:end], start, end)]


def _bounded(pieces: list[Piece], limit: int, count: Callable[[str], int]) -> Iterator[Piece]:
    """Pieces of at most `limit` tokens; one character is never cut."""
    for piece in pieces:
        if len(piece.text) > 1 and count(piece.text) > limit:
            half = len(piece.text) // 2
            cut = piece.start + half
            halves = [Piece(piece.text[:half], piece.start, cut), Piece(piece.text[half:], cut, piece.end)]
            yield from _bounded(halves, limit, count)
        else:
            yield piece
