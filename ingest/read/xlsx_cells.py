"""The cells of one sheet, row by row: as texts, with notes on those that the workbook does not tell for certain."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from ingest.read.columns import NO, YES
from ingest.read.xlsx_parts import LONGEST_TEXT, TRUE, Attributes, BrokenWorkbookError, parse, unescaped
from ingest.read.xlsx_values import Kind, LostDigitsError, date_text, number_text

CELLS_SHOWN = 5
LAST_ROW, LAST_COLUMN = 1 << 20, 1 << 14
RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")
Cell = tuple[int, int]  # row from 1, column from 0


@dataclass
class CellsTold:
    """Cells with one fault: how many there are, and the first few."""

    count: int = 0
    first: list[Cell] = field(default_factory=list)

    def add(self, row: int, column: int) -> None:
        self.count += 1
        if len(self.first) < CELLS_SHOWN:
            self.first.append((row, column))


@dataclass
class SheetCells:
    """Reads the cells of one sheet; after the last row, what could not be read as it stands."""

    strings: Sequence[str]
    kinds: Sequence[Kind]
    from_1904: bool
    formulas: CellsTold = field(default_factory=CellsTold)
    uncalculated: CellsTold = field(default_factory=CellsTold)  # formulas without a value
    lost_digits: CellsTold = field(default_factory=CellsTold)
    merged: list[tuple[Cell, Cell]] = field(default_factory=list)  # first and last cell

    def rows(self, source: IO[bytes]) -> Iterator[tuple[int, dict[int, str]]]:
        """Row number and texts by column of every row with content.

        Raises:
            one of BREAKAGE: damaged, rows or cells out of order or twice, or a text that is not there.
        """
        self._row, self._number, self._column = 0, "0", -1
        self._columns: dict[str, int] = {}
        self._done: list[tuple[int, dict[int, str]]] = []
        self._cells: dict[int, str] = {}
        self._is_collecting = self._has_formula = False
        self._phonetic = 0
        self._stored = ""
        self._type, self._style = "n", 0
        for _ in parse(source, self._start, self._end, self._text):
            done, self._done = self._done, []
            yield from done

    def _start(self, element: str, attributes: Attributes) -> None:
        if element == "c":
            self._place(attributes.get("r"))
            self._type, self._style = attributes.get("t", "n"), int(attributes.get("s", "0"))
            self._has_formula = False
            self._stored = ""
        elif element in ("v", "t"):
            self._is_collecting = not self._phonetic
        elif element == "f":
            self._has_formula = True
        elif element == "row":
            number = int(attributes.get("r", self._row + 1))
            if not self._row < number <= LAST_ROW:
                raise BrokenWorkbookError("row out of order")
            self._row, self._number, self._column, self._cells = number, str(number), -1, {}
        elif element == "rPh":
            self._phonetic += 1
        elif element == "mergeCell":
            match = RANGE.fullmatch(attributes["ref"])
            if match:
                first = int(match[2]), self._index(match[1])
                self.merged.append((first, (int(match[4]), self._index(match[3]))))

    def _end(self, element: str) -> None:
        if element in ("v", "t"):
            self._is_collecting = False
        elif element == "c":
            if self._has_formula:
                self._note_formula()
            if self._stored:
                text = self._value().strip()
                if text:
                    self._cells[self._column] = text
        elif element == "row":
            if self._cells:
                self._done.append((self._row, self._cells))
        elif element == "rPh":
            self._phonetic -= 1

    def _text(self, part: str) -> None:
        if self._is_collecting:
            self._stored += part
            if len(self._stored) > LONGEST_TEXT:
                raise BrokenWorkbookError("a text longer than a cell can hold")

    def _place(self, address: str | None) -> None:
        """Go to a cell of this row; cells stand in order, and those without an address follow each other."""
        column = self._column + 1
        if address is not None:
            letters = address.removesuffix(self._number)
            column = self._columns.get(letters, -1)
            if column < 0:
                column = self._index(letters)
        if not self._column < column < LAST_COLUMN:
            raise BrokenWorkbookError("cell out of order")
        self._column = column

    def _index(self, letters: str) -> int:
        """0 for A, 26 for AA; remembered, since every row asks."""
        index = 0
        for letter in letters:
            index = index * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
        if not 0 < index <= LAST_COLUMN:
            raise BrokenWorkbookError("no such column")
        self._columns[letters] = index - 1
        return index - 1

    def _note_formula(self) -> None:
        self.formulas.add(self._row, self._column)
        if not self._stored and self._type != "str":
            self.uncalculated.add(self._row, self._column)

    def _value(self) -> str:
        stored, kind = self._stored, self._type
        if kind == "s":
            index = int(stored)
            if not 0 <= index < len(self.strings):
                raise BrokenWorkbookError("a text that is not there")
            return self.strings[index]
        if kind == "n":
            return self._number_text(stored.strip())
        if kind in ("str", "inlineStr"):
            return unescaped(stored)
        if kind == "b":
            return YES if stored in TRUE else NO
        if kind == "d":
            return stored.removesuffix("T00:00:00").replace("T", " ")
        if kind == "e":
            return stored
        raise BrokenWorkbookError("type of cell")

    def _number_text(self, stored: str) -> str:
        kind = self.kinds[self._style] if self._style < len(self.kinds) else "number"
        try:
            return number_text(stored) if kind == "number" else date_text(stored, kind, self.from_1904)
        except LostDigitsError:
            self.lost_digits.add(self._row, self._column)
            return stored
