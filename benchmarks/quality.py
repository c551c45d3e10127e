"""The shape of a measured figure, and the data folder that quality is measured on."""

from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what was measured, the floor it must reach (None: information only), the value, how."""

    name: str
    floor: float | None
    value: float
    note: str = ""
    ceiling: bool = False  # the floor is a ceiling: smaller is better

    @property
    def holds(self) -> bool:
        """Whether the figure is on the right side of its floor, if it has one."""
        if self.floor is None:
            return True
        return self.value <= self.floor if self.ceiling else self.value >= self.floor
