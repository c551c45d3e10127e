"""Room for those who wait: which claim may load now, which must wait for which victims.

Claims come in the order in which they are to be settled. While one waits for its victims' time slices, later ones
may overtake it only into bytes that it will not need. Knows parts and bytes; performs nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import inf

from models.plan import Part, Plan, Resident, Rung, plan


@dataclass(frozen=True, slots=True)
class Claim:
    """A rung of which something is missing, and what its room costs."""

    rung: Rung
    plan: Plan
    fits: bool  # it may load now, as far as bytes still held by unloads in progress allow
    n_bytes: int  # that it still needs, the adapter included
    first: Part  # what to load next; the adapter when its base is there or booked by an older claim
    due: bool  # its victims may be told to go


class Room:
    """What would be held if every claim so far had its room."""

    def __init__(self, residents: Iterable[Resident], limit: int, pins: Collection[Part]) -> None:
        self._limit, self._pins = limit, pins
        self._parts = {resident.part: resident for resident in residents}
        self._spare = limit - sum(resident.n_bytes for resident in self._parts.values())

    def claim(self, rung: Rung, now: float) -> Claim | None:
        """Books the room of one more rung; None when it needs none, or cannot have any."""
        if rung.part in self._parts and rung.part.base in self._parts:
            return None
        planned = plan((rung,), self._parts.values(), self._limit, now)
        if not isinstance(planned, Plan):
            return None
        # an adapter that goes together with its base has no slice of its own
        slices = {part.base if part.base in planned.drain else part for part in planned.drain}
        served = all(self._parts[part].slice_end <= now for part in slices)
        due = bool(planned.victims) and served
        first = rung.part if rung.part.base in self._parts else rung.part.base
        spare, need = self._spare, self._book(rung, planned)
        return Claim(rung, planned, not planned.victims and need <= max(0, spare), need, first, due)

    def _book(self, rung: Rung, planned: Plan) -> int:
        """Takes the victims out and the claim in. Returns the bytes it needs."""
        freed = sum(self._parts.pop(part).n_bytes for part in planned.victims)
        need = 0
        for part, n_bytes in ((rung.part.base, rung.n_bytes), (rung.part, rung.adapter_bytes)):
            if part not in self._parts:
                need += n_bytes
            held = self._parts[part].n_bytes if part in self._parts else n_bytes
            self._parts[part] = Resident(part, held, True, part in self._pins, 0.0, 0.0, inf)  # no later claim's prey
        # what later claims may take without ever standing in the way: before this claim's victims go, and after
        self._spare -= max(0, need - freed)
        return need
