"""Dots on a terminal: each character is a field of braille, 2 dots wide and 4 high."""

from __future__ import annotations

_BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """Dots are nearly square; (0, 0) is at the top left. What falls outside is left out."""

    def __init__(self, columns: int, rows: int) -> None:
        """In characters."""
        self.width, self.height = 2 * columns, 4 * rows
        self._fields = [[0] * columns for _ in range(rows)]

    def dot(self, x: float, y: float) -> None:
        """In dots, rounded to the nearest."""
        column, row = round(x), round(y)
        if 0 <= column < self.width and 0 <= row < self.height:
            self._fields[row // 4][column // 2] |= _BITS[row % 4][column % 2]

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """From one dot to another."""
        count = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
        for step in range(count + 1):
            share = step / count
            self.dot(x0 + share * (x1 - x0), y0 + share * (y1 - y0))

    def disc(self, x: float, y: float, radius: float) -> None:
        """Filled."""
        for column in range(round(x - radius), round(x + radius) + 1):
            for row in range(round(y - radius), round(y + radius) + 1):
                if (column - x) ** 2 + (row - y) ** 2 <= radius**2:
                    self.dot(column, row)

    def __str__(self) -> str:
        return "\n".join("".join(chr(_BLANK + field) for field in row) for row in self._fields)
