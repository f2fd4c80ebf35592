"""The networks that are compared: each cell at equal hidden size and at equal parameter count.

Of two cells with the same hidden size one has up to four times the other's parameters, so that
neither comparison alone is fair: Chung et al., "Empirical evaluation of gated recurrent neural
networks on sequence modeling", NIPS workshop on deep learning (2014), compare at equal parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from models.cores import Cell

Equal = Literal["hidden size", "parameters"]


@dataclass(frozen=True, slots=True)
class Contestant:
    cell: Cell
    hidden: int
    equal: tuple[Equal, ...]
    """What it has in common with the GRU of the given size."""

    @property
    def name(self) -> str:
        return f"{self.cell} {self.hidden}"


def contestants(
    cells: Iterable[Cell], hidden: int, parameters: Callable[[Cell, int], int]
) -> tuple[Contestant, ...]:
    """Every cell with `hidden` units, then every cell with as many parameters as the GRU has then.

    A network that is both is one contestant. `parameters` counts those of a cell with so many
    units, the layers around it included.
    """
    cells = tuple(cells)
    target = parameters("gru", hidden)
    equal: dict[tuple[Cell, int], list[Equal]] = {(cell, hidden): ["hidden size"] for cell in cells}
    for cell in cells:
        size = nearest(lambda units, cell=cell: parameters(cell, units), target)  # type: ignore[misc]
        equal.setdefault((cell, size), []).append("parameters")
    return tuple(Contestant(cell, size, tuple(what)) for (cell, size), what in equal.items())


def nearest(count: Callable[[int], int], target: int) -> int:
    """The number from 1 on whose count is nearest to the target, the smaller of two.

    `count` grows with its argument.
    """
    above = 1
    while count(above) < target:
        above *= 2
    below = above // 2  # count(below) < target <= count(above), or above is 1
    while above - below > 1:
        middle = (below + above) // 2
        if count(middle) < target:
            below = middle
        else:
            above = middle
    if below and target - count(below) <= count(above) - target:
        return below
    return above
