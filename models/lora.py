"""How one LoRA layer answers many visitors at once, each with his own adapter.

PEFT's selection is one global state: `set_adapter` from several threads answered 11 of 12 requests with the wrong
adapter, and an error inside `generate(adapter_names=…)` leaves hooks behind (huggingface/peft#3475). Here a layer's
forward asks a `Selection`, which is set for one forward pass, under a lock, row by row; a switch is a few microseconds.
Knows rows and layers; knows nothing of files and keys (models/adapters.py).
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Rows = slice | list[int]
Layout = tuple[tuple[str, int, float], ...]  # adapters of one layer: name, rank, scaling
WIDEST = 512  # summed ranks beyond which computing every adapter for every row costs more than it saves
CHEAP = 1 << 21  # multiplications that take as long as the calls that one more adapter costs (measured on a CPU)


class Turn:
    """A lock that is handed over in the order of asking; a plain lock would let a busy decode loop starve the rest."""

    def __init__(self) -> None:
        self._guard, self._waiting = threading.Lock(), deque[threading.Lock]()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class Selection:
    """Which adapter answers which row of the forward pass that runs now. One pass at a time."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.n_rows = 0
        self.groups: tuple[tuple[str, Rows], ...] = ()
        self._shares: dict[Layout, torch.Tensor] = {}  # of the running pass; most layers have one layout

    @contextmanager
    def use(self, adapters: Sequence[str | None]) -> Iterator[None]:
        """For the pass inside: one adapter, or None for the bare base, per row."""
        with self.turn:
            self.n_rows, self.groups = len(adapters), group(adapters)
            try:
                yield
            finally:
                self.n_rows, self.groups = 0, ()
                self._shares.clear()

    def shares(self, layout: Layout, like: "torch.Tensor") -> "torch.Tensor":
        """(rows, 1, summed ranks): the scaling where a row's own adapter lies, else zero."""
        if layout not in self._shares:
            shares = like.new_zeros(self.n_rows, 1, sum(rank for _, rank, _ in layout))
            rows_of, start = dict(self.groups), 0
            for name, rank, scaling in layout:
                if name in rows_of:
                    shares[rows_of[name], :, start : start + rank] = scaling
                start += rank
            self._shares[layout] = shares
        return self._shares[layout]


def group(adapters: Sequence[str | None]) -> tuple[tuple[str, Rows], ...]:
    """Adapter → its rows, as a slice where they are neighbours: a view costs nothing, an index copies."""
    groups = []
    for name in dict.fromkeys(adapter for adapter in adapters if adapter is not None):
        rows = [at for at, adapter in enumerate(adapters) if adapter == name]
        together = rows[-1] - rows[0] + 1 == len(rows)
        groups.append((name, slice(rows[0], rows[-1] + 1) if together else rows))
    return tuple(groups)


class RowwiseForward:
    """Takes the place of one LoRA layer's forward: base for all rows, then each adapter for its own."""

    def __init__(self, layer: Any, selection: Selection) -> None:  # noqa: ANN401  (a peft LoraLayer)
        self._layer, self._selection = layer, selection
        self._layout: Layout = ()
        self._a: torch.Tensor | None = None  # (summed ranks, in): all adapters of the layer under one another
        self._b: torch.Tensor | None = None  # (out, summed ranks)

    def stack(self) -> None:
        """Moves the adapters' weights into two matrices; PEFT's own parameters become views of them."""
        import torch

        layer, names = self._layer, list(self._layer.lora_A)
        ranks = [layer.lora_A[name].weight.shape[0] for name in names]
        self._layout = tuple((name, rank, layer.scaling[name]) for name, rank in zip(names, ranks, strict=True))
        self._a = self._b = None
        if not names:
            return
        with torch.no_grad():
            self._a = torch.cat([layer.lora_A[name].weight for name in names])
            self._b = torch.cat([layer.lora_B[name].weight for name in names], dim=1)
            for name, a, b in zip(names, self._a.split(ranks), self._b.split(ranks, dim=1), strict=True):
                layer.lora_A[name].weight.data, layer.lora_B[name].weight.data = a, b

    def __call__(self, x: "torch.Tensor", *args: object, **options: object) -> "torch.Tensor":
        """x: (rows, tokens, in) → (rows, tokens, out)."""
        y = self._layer.base_layer(x, *args, **options)
        groups = self._selection.groups
        if groups and x.shape[0] != self._selection.n_rows:
            raise RuntimeError(f"{x.shape[0]} rows reached a LoRA layer that expects {self._selection.n_rows}")
        mixed = len(groups) > 1 and self._a is not None and self._is_cheaper(x, y, len(groups))
        return self._all_at_once(x, y) if mixed else self._one_by_one(x, y, groups)

    def _is_cheaper(self, x: "torch.Tensor", y: "torch.Tensor", n_groups: int) -> bool:
        """Whether every adapter for every row is less work than the calls for each adapter's own rows."""
        rank = self._a.shape[0]
        if x.shape[1] == 1:
            return rank <= WIDEST
        return x.shape[0] * x.shape[1] * rank * (x.shape[2] + y.shape[2]) <= CHEAP * n_groups

    def _one_by_one(self, x: "torch.Tensor", y: "torch.Tensor", groups: Sequence[tuple[str, Rows]]) -> "torch.Tensor":
        layer = self._layer
        for name, rows in groups:
            if name in layer.lora_A:
                a, b = layer.lora_A[name], layer.lora_B[name]
                y[rows] += (b(a(x[rows].to(a.weight.dtype))) * layer.scaling[name]).to(y.dtype)
        return y

    def _all_at_once(self, x: "torch.Tensor", y: "torch.Tensor") -> "torch.Tensor":
        """Every adapter for every row in two products, and all but the row's own times zero: for few tokens
        calls cost more than the arithmetic they save (S-LoRA and Punica have kernels for it)."""
        from torch.nn.functional import linear

        inner = linear(x.to(self._a.dtype), self._a) * self._selection.shares(self._layout, self._a)
        y += linear(inner, self._b).to(y.dtype)
        return y
