"""A CSV with named columns, held as text until a column's numbers are asked for."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DELIMITERS = ",;\t|"
LARGEST = 1e15
"""The squares of a long column of such numbers can still be summed in float32."""


class Unusable(ValueError):
    """The data cannot be used as asked; the message is one line that says where and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    source: str
    """What messages call it."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """As many cells each as the header."""
    lines: tuple[int, ...]
    """Where each row stands in the file, from 1."""

    @classmethod
    def of(cls, source: str, numbered: Iterable[tuple[int, Sequence[str]]]) -> Self:
        """Of lines with their numbers, the header first, blank ones skipped. Raises Unusable."""
        filled = [
            (line, tuple(cell.strip() for cell in cells)) for line, cells in numbered if cells
        ]
        if not filled:
            raise Unusable(f"{source} is empty: it needs a line of column names and rows below it")
        (top, header), *rest = filled
        _check_header(source, top, header)
        for line, cells in rest:
            if len(cells) != len(header):
                raise Unusable(
                    f"{source}, line {line}: {_count(len(cells), 'cell')} where the header has "
                    f"{len(header)}: give each row a cell for each column"
                )
        if not rest:
            raise Unusable(f"{source} has a header and no rows")
        return cls(source, header, tuple(row for _, row in rest), tuple(line for line, _ in rest))

    def column(self, name: str) -> tuple[str, ...]:
        """Raises Unusable."""
        if name not in self.header:
            raise Unusable(
                f"{self.source} has no column {name!r}, but {', '.join(map(repr, self.header))}"
            )
        place = self.header.index(name)
        return tuple(row[place] for row in self.rows)

    def looks_numeric(self, name: str) -> bool:
        """Whether most of its cells that are filled hold numbers."""
        filled = [cell for cell in self.column(name) if cell]
        return 2 * sum(map(_is_number, filled)) > len(filled)

    def numbers(self, name: str) -> Floats:
        """[N]. Raises Unusable for a cell that is empty, no number, infinite, or beyond LARGEST."""
        cells = self.column(name)
        return np.array([self._number(name, *each) for each in zip(self.lines, cells, strict=True)])

    def _number(self, name: str, line: int, cell: str) -> float:
        where = f"{self.source}, line {line}, column {name!r}"
        if not cell:
            raise Unusable(f"{where}: the cell is empty: fill the gap, or leave the column out")
        if not _is_number(cell):
            raise Unusable(f"{where}: {cell!r} is no number: mend it, or leave the column out")
        value = float(cell)
        if not math.isfinite(value):
            raise Unusable(f"{where}: {cell!r} is not finite: mend it, or leave the column out")
        if abs(value) > LARGEST:
            raise Unusable(f"{where}: {cell!r} is beyond {LARGEST:g}: give it in a larger unit")
        return value


def read(path: Path, delimiter: str | None = None) -> Table:
    """A file in UTF-8, with or without a byte order mark. Raises Unusable.

    Without a delimiter, the one of DELIMITERS that gives the header the most cells.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise Unusable(f"{delimiter!r} is no delimiter: give one character, such as , or ;")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Unusable(
            f"{path}, line {line}: not in UTF-8 ({error.reason}): save the file as UTF-8"
        ) from error
    return Table.of(str(path), _numbered(str(path), text, delimiter))


def _numbered(source: str, text: str, delimiter: str | None) -> Iterator[tuple[int, Sequence[str]]]:
    line = 0
    separator = delimiter or _delimiter(next(filter(str.strip, text.splitlines()), ""))
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            line = reader.line_num
            yield line, cells
    except csv.Error as error:
        raise Unusable(f"{source}, line {line + 1}: {error}: mend the line") from error


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def _check_header(source: str, line: int, header: Sequence[str]) -> None:
    where = f"{source}, line {line}"
    if "" in header:
        place = header.index("") + 1
        raise Unusable(f"{where}: column {place} has no name: give each column one")
    if all(name[0].isdigit() or _is_number(name) for name in header):
        raise Unusable(f"{where} holds values, not names: put a header of names above the rows")
    twice = [name for place, name in enumerate(header) if name in header[:place]]
    if twice:
        raise Unusable(f"{where}: two columns are called {twice[0]!r}: rename one")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
