"""What a column of cells is when it becomes a colour: numbers on a scale, or names with a colour each."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_NUMBERS = 0.95  # share of the filled cells that must be numbers


def numeric(cells: Sequence[str]) -> "np.ndarray | None":
    """(n,) float32, NaN for what is no number; None unless nearly all filled cells are numbers, two of them different.

    >>> numeric(("1", "2.5%", "", "3,000"))
    array([1.0e+00, 2.5e+00,     nan, 3.0e+03], dtype=float32)
    """
    import numpy as np

    values = np.array([_number(cell) for cell in cells], np.float32)
    known = np.isfinite(values)
    filled = sum(bool(cell.strip()) for cell in cells)
    if not filled or known.sum() < _NUMBERS * filled or np.ptp(values[known]) == 0:
        return None
    return np.where(known, values, np.float32("nan"))


def _number(cell: str) -> float:
    try:
        return float(cell.strip().removesuffix("%").replace(",", ""))
    except ValueError:
        return float("nan")


def common(cells: Sequence[str], most: int = 12) -> "tuple[list[str], np.ndarray]":
    """At most `most` names, commonest first, and for each cell the number of its name, (n,) int32.

    When there are more, the rarer ones share the last number, whose name is "".

    >>> common(("甲", "乙", "甲", "丙", "丁"), 2)
    (['甲', ''], array([0, 1, 0, 1, 1], dtype=int32))
    """
    import numpy as np

    names = [name for name, _ in Counter(cells).most_common()]
    names = names if len(names) <= most else [*names[: most - 1], ""]
    number = {name: at for at, name in enumerate(names)}
    return names, np.array([number.get(cell, len(names) - 1) for cell in cells], np.int32)
