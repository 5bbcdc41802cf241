"""A worksheet that an institution filled in and files back: corrected values and reasons, each with its row.

Cells are told by what stands in the worksheet's own columns, so it may be sorted, filtered and shortened. What the
cells are corrections of is not known here: `ingest.worksheet` applies them.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from expectations.spec import Standard
from ingest.errors import FilingError, legible
from ingest.manifest import FINGERPRINT_PATTERN, Answer
from ingest.read.xlsx_file import Workbook
from ingest.reasons import ANSWERABLE, answers_of, choices, reason_code, reasons
from ingest.report.cells import EMPTY

MARKER_SHEET = "npl-worksheet"
"""Its presence makes a workbook a worksheet; rows of key and value, see `MARKER_KEYS`."""
WORK_SHEET = "更正"
MARKER_KEYS = ("filing_id", "sha256", "verdict")
HEADERS = {
    "corrected": "更正值 Corrected value",
    "reason": "理由 Reason",
    "row": "行 Row",
    "table": "table",
    "field": "field",
    "severity": "severity",
    "fingerprint": "fingerprint",
}
"""Headers of the columns that are read back; the others are for people."""
BLANKED = {EMPTY, "(空)"}
"""Written as the corrected value, they empty the cell."""

_WORKBOOK = "xl/workbook.xml"
_LARGEST_WORKBOOK_PART = 1 << 20
_FILING_ID = re.compile(r"[A-Za-z0-9-]{1,120}")
_ROW = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Correction:
    """One cell of the base filing and what shall stand in it (null: nothing); `line` is the worksheet's row."""

    line: int
    table: str
    row: int
    field: str
    value: str | None


@dataclass(frozen=True)
class Worksheet:
    """What a filled worksheet says: which filing it works on, what came of that one, corrections and answers."""

    file: str
    filing_id: str
    sha256: str
    verdict: str
    corrections: tuple[Correction, ...]
    answers: tuple[Answer, ...]


def read_worksheet(path: Path, standard: Standard) -> Worksheet | None:
    """Return what a filled worksheet says; null when the path is none.

    Raises:
        FilingError: damaged, nothing filled in, or a row that can't be meant; the row is told.
    """
    if path.is_symlink() or not path.is_file() or not _may_be_worksheet(path):
        return None
    book = Workbook(path.read_bytes(), legible(path.name))
    if MARKER_SHEET not in book.sheets:
        return None
    return _Reader(book, standard).read()


def _may_be_worksheet(path: Path) -> bool:
    """Whether the marker's name stands among the sheets: told without reading the workbook, which may be a big one."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_WORKBOOK) as part:
            return MARKER_SHEET.encode() in part.read(_LARGEST_WORKBOOK_PART)
    except (KeyError, zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError):
        return False  # no workbook, or a broken one: the reader of filings tells


@dataclass
class _Reader:
    book: Workbook
    standard: Standard

    def read(self) -> Worksheet:
        marker = self._marker()
        corrections: dict[tuple[str, int, str], Correction] = {}
        answered: dict[str, tuple[int, str]] = {}
        corrected_at: dict[tuple[str, str], int] = {}
        answered_at: dict[tuple[str, str], int] = {}
        for line, cells in self._filled_lines():
            finding = (cells["fingerprint"], cells["row"])
            if cells["corrected"]:
                self._add_correction(corrections, self._correction(line, cells))
                corrected_at.setdefault(finding, line)
            if cells["reason"]:
                self._add_answer(answered, line, cells["fingerprint"], self._reason(line, cells))
                answered_at.setdefault(finding, line)
        for finding in corrected_at.keys() & answered_at.keys():
            lines = sorted({corrected_at[finding], answered_at[finding]})
            raise self._error(
                lines[0],
                "同一问题既填了更正值又填了理由。有误就更正，属实才写理由，请只留一项。",
                "one finding has both a corrected value and a reason. Correct what is wrong, give a reason for what is "
                "right: keep one of them.",
            )
        if not corrections and not answered:
            raise FilingError(
                f"{self.book.file}：更正表没有填写任何内容。请填写“{HEADERS['corrected']}”或“{HEADERS['reason']}”。",
                f"{self.book.file}: nothing is filled in. Fill a corrected value or a reason.",
            )
        return Worksheet(
            file=self.book.file,
            **marker,
            corrections=tuple(corrections.values()),
            answers=answers_of((fingerprint, code) for fingerprint, (_, code) in answered.items()),
        )

    def _marker(self) -> dict[str, str]:
        told = {cells[0]: cells[1] for _, cells in self.book.lines(MARKER_SHEET) if len(cells) > 1}
        marker = {key: told.get(key, "") for key in MARKER_KEYS}
        if not _FILING_ID.fullmatch(marker["filing_id"]) or not all(marker.values()):
            raise self._damaged(f"工作表 {MARKER_SHEET}", f"sheet {MARKER_SHEET}")
        return marker

    def _filled_lines(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Line number and cells by key of every line in which the filer wrote something."""
        if WORK_SHEET not in self.book.sheets:
            raise self._damaged(f"工作表“{WORK_SHEET}”", f"sheet {WORK_SHEET}")
        lines = self.book.lines(WORK_SHEET)
        _, header = next(lines, (0, []))
        if any(header.count(text) != 1 for text in HEADERS.values()):
            raise self._damaged(f"工作表“{WORK_SHEET}”的表头", f"the header of sheet {WORK_SHEET}")
        places = {key: header.index(text) for key, text in HEADERS.items()}
        for line, cells in lines:
            told = {key: cells[place] if place < len(cells) else "" for key, place in places.items()}
            if told["corrected"] or told["reason"]:
                yield line, told

    def _correction(self, line: int, cells: Mapping[str, str]) -> Correction:
        spec = self.standard.tables.get(cells["table"])
        if spec is None or cells["field"] not in spec.by_name or not _ROW.fullmatch(cells["row"]):
            raise self._error(
                line,
                "这一行不对应报送中的某个单元格，不能填更正值（或所在的行已被改动）。请在原文件中修改。",
                "this row stands for no cell of the filing, so it takes no corrected value (or the row was altered). "
                "Mend it in your own file.",
            )
        value = None if cells["corrected"] in BLANKED else cells["corrected"]
        return Correction(line, cells["table"], int(cells["row"]), cells["field"], value)

    def _add_correction(self, corrections: dict[tuple[str, int, str], Correction], one: Correction) -> None:
        other = corrections.setdefault((one.table, one.row, one.field), one)
        if other.value != one.value:
            raise self._error(
                one.line,
                f"与第 {other.line} 行更正的是同一个单元格，但更正值不同。",
                f"corrects the same cell as row {other.line}, with another value.",
            )

    def _reason(self, line: int, cells: Mapping[str, str]) -> str:
        if cells["severity"] != ANSWERABLE or not re.fullmatch(FINGERPRINT_PATTERN, cells["fingerprint"]):
            raise self._error(
                line, "不是警告，不能用理由答复，只能更正。", "is no warning: it takes no reason, only a correction."
            )
        code = reason_code(self.standard, cells["reason"])
        if code is None:
            zh, en = choices(reasons(self.standard))
            raise self._error(line, f"理由不在代码表中。可用：{zh}。", f"the reason is none of: {en}.")
        return code

    def _add_answer(self, answered: dict[str, tuple[int, str]], line: int, fingerprint: str, code: str) -> None:
        other, given = answered.setdefault(fingerprint, (line, code))
        if given != code:
            raise self._error(
                line,
                f"与第 {other} 行是同一问题，但理由不同。",
                f"the same finding as row {other}, with another reason.",
            )

    def _error(self, line: int, zh: str, en: str) -> FilingError:
        return FilingError(
            f"{self.book.file}[{WORK_SHEET}]：第 {line} 行：{zh}", f"{self.book.file}[{WORK_SHEET}]: row {line}: {en}"
        )

    def _damaged(self, zh: str, en: str) -> FilingError:
        return FilingError(
            f"{self.book.file}：{zh}缺失或已被改动。请重新取用平台答复中的 worksheet.xlsx，只填写可填的两列。",
            f"{self.book.file}: {en} is missing or was altered. Take worksheet.xlsx from the platform's answer again "
            "and fill only the two columns that are open.",
        )
