"""Workbooks: what Excel, WPS, LibreOffice and programs write, and what none of them would."""

import datetime
import re
from collections.abc import Callable
from typing import Any

from corpus.build import BOOK_FILE, Case, Outcome, Unreadable, archive, book, put, repacked, rows, written

BROKEN = Unreadable(f"{BOOK_FILE}：不是可读的 XLSX", f"{BOOK_FILE}: not a readable XLSX")
SHEET, STRINGS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


def _good(target: Any, sheet: Any) -> None:
    sheet.write_row(1, 0, ["GG-1", "甲", 1])


def _cells(*values: Any) -> Callable[[Any, Any], None]:
    """Row 2 holds these values."""
    return lambda target, sheet: sheet.write_row(1, 0, values)


def _number(value: float, number_format: Any = "General") -> Callable[[Any, Any], None]:
    """Row 2 holds this number under a format in its last cell."""

    def fill(target: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["GG-1", "甲"])
        sheet.write_number(1, 2, value, target.add_format({"num_format": number_format}))

    return fill


def _calculated(content: bytes) -> bytes:
    """As if Excel had saved it: xlsxwriter leaves formulas to be calculated."""
    return repacked(content, {WORKBOOK: put(' fullCalcOnLoad="1"', "")})


def _formula(value: Any) -> Callable[[Any, Any], None]:
    def fill(target: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["GG-1", "甲"])
        sheet.write_formula(1, 2, "=1+1", None, value)

    return fill


def _more_sheets(target: Any, sheet: Any) -> None:
    _good(target, sheet)
    for name, hide in (("草稿", "hide"), ("深藏", "very_hidden")):
        other = target.add_worksheet(name)
        other.write(0, 0, "x")
        getattr(other, hide)()


def _hidden_rows(target: Any, sheet: Any) -> None:
    sheet.write_row(1, 0, ["GG-1", "甲", 1])
    sheet.write_row(2, 0, ["GG-2", "乙", 2])
    sheet.set_row(2, None, None, {"hidden": True})
    sheet.set_column(1, 1, None, None, {"hidden": True})
    sheet.autofilter(0, 0, 2, 2)


def _chart(target: Any, sheet: Any) -> None:
    _good(target, sheet)
    chart = target.add_chart({"type": "column"})
    chart.add_series({"values": "=资产包公告!$C$2:$C$2"})
    target.add_chartsheet("图").set_chart(chart)


def _merged(first: int, column: int, last: int, last_column: int) -> Callable[[Any, Any], None]:
    def fill(target: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["GG-1", "甲", 1])
        sheet.write_row(2, 0, ["GG-2", "乙", 2])
        sheet.merge_range(first, column, last, last_column, "合")

    return fill


def _rich(target: Any, sheet: Any) -> None:
    sheet.write_row(1, 0, ["GG-1"])
    sheet.write_rich_string(1, 1, "甲", target.add_format({"bold": True}), "乙", "丙")
    sheet.write_number(1, 2, 1)


def _protected(target: Any, sheet: Any) -> None:
    _good(target, sheet)
    sheet.protect("secret")


def _external(target: Any, sheet: Any) -> None:
    sheet.write_row(1, 0, ["GG-1", "甲"])
    sheet.write_formula(1, 2, "='[other.xlsx]Sheet1'!A1", None, 7)


def _linked(target: Any, sheet: Any) -> None:
    sheet.write_url(1, 0, "http://127.0.0.1/x", string="GG-1")
    sheet.write_row(1, 1, ["甲", 1])


def far_apart() -> bytes:
    return written(lambda target, sheet: sheet.write(1_048_575, 16_383, 1))


def _case(name: str, content: bytes, outcome: Outcome) -> Case:
    return Case(name, "workbooks", book(content), outcome)


def _written(name: str, fill: Callable[[Any, Any], None], outcome: Outcome, **options: Any) -> Case:
    return _case(name, written(fill, options), outcome)


def _one(price: str | None, name: str = "甲", notice: str = "GG-1") -> Outcome:
    return rows((2, notice, name, price))


GOOD = written(_good)
BILLION_LAUGHS = "".join(
    [
        '<!DOCTYPE x [<!ENTITY a "haha">',
        *(f'<!ENTITY {chr(98 + step)} "{f"&{chr(97 + step)};" * 10}">' for step in range(9)),
        "]>",
    ]
)
MACROS = (
    '<Relationship Id="m" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="x.bin"/>'
)
LEAK = '<!DOCTYPE x [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'


def _entities(part: bytes, declared: str, used: str) -> bytes:
    start = part.index(b"?>") + 2
    return part[:start] + declared.encode() + part[start:].replace("甲".encode(), used.encode())


WORKBOOKS = [
    _written("Numbers and texts are read as typed", _good, _one("1")),
    _written("A number stored as text is a text", _cells("GG-1", "甲", "0012.50"), _one("0012.50")),
    _written(
        "A long id stored as text keeps its digits",
        _cells("123456789012345678", "甲", 1),
        _one("1", notice="123456789012345678"),
    ),
    _written(
        "A long id stored as number has lost digits and is refused by its cell",
        _cells(123456789012345678, "甲", 1),
        Unreadable("第 2 行 A 列", "row 2 column A"),
    ),
    _written("Fifteen digits are kept", _number(123456789012.34), _one("123456789012.34")),
    _written("Noise of binary arithmetic is no digit", _number(0.1 + 0.2), _one("0.3")),
    _case(
        "Cents that fifteen digits can't hold are refused by their cell",
        repacked(written(_number(1.5)), {SHEET: put("<v>1.5</v>", "<v>12345678901234.567</v>")}),
        Unreadable("第 2 行 C 列", "row 2 column C"),
    ),
    _written("A large exponent is written out", _number(1e11), _one("100000000000")),
    _written("A small exponent is written out", _number(1.5e-7), _one("0.00000015")),
    _written("A percentage is its number", _number(0.125, "0.0%"), _one("0.125")),
    _written(
        "A currency format is no part of a number", _number(1234.5, '"¥"#,##0.00;[Red]-"¥"#,##0.00'), _one("1234.5")
    ),
    _written("万元 as a format is no part of a number", _number(12000, '0!.0,"万元"'), _one("12000")),
    _written("A day is read in ISO form", _number(45664, "yyyy-mm-dd"), _one("2025-01-07")),
    _written("A day in Chinese form is a day", _number(45664, '[$-804]yyyy"年"m"月"d"日";@'), _one("2025-01-07")),
    _written("A built-in Chinese day is a day", _number(45664, 31), _one("2025-01-07")),
    _written("A day and a time", _number(45664.708333333336, "yyyy-mm-dd hh:mm"), _one("2025-01-07 17:00:00")),
    _written("A time alone", _number(0.3958333333333333, "h:mm"), _one("09:30:00")),
    _written("Hours beyond a day", _number(1.5, "[h]:mm"), _one("36:00:00")),
    _written("A day without a day's format is its number", _number(45664), _one("45664")),
    _written("A day before the false leap day of 1900", _number(59, "yyyy-mm-dd"), _one("1900-02-28")),
    _written("The false leap day of 1900 is no real day", _number(60, "yyyy-mm-dd"), _one("1900-02-29")),
    _written("A day after the false leap day of 1900", _number(61, "yyyy-mm-dd"), _one("1900-03-01")),
    _written("A negative day is its number", _number(-5, "yyyy-mm-dd"), _one("-5")),
    _written("A day after the year 9999 is its number", _number(9999999, "yyyy-mm-dd"), _one("9999999")),
    _written(
        "Days counted from 1904 are the days shown",
        lambda target, sheet: (
            sheet.write_row(1, 0, ["GG-1", "甲"]),
            sheet.write_datetime(1, 2, datetime.datetime(2025, 1, 7), target.add_format({"num_format": "yyyy-mm-dd"})),
        ),
        _one("2025-01-07"),
        date_1904=True,
    ),
    _written("Yes and no are words", _cells("GG-1", True, False), rows((2, "GG-1", "是", "否"))),
    _written("Rich text is text", _rich, _one("1", "甲乙丙")),
    _written("A line break in a cell stays", _cells("GG-1", "甲\n乙", 1), _one("1", "甲\n乙")),
    _written("What XML can't hold is read as it was", _cells("GG-1", "甲_x000D_乙", 1), _one("1", "甲_x000D_乙")),
    _written("Texts beside the cells are read", _good, _one("1"), constant_memory=True),
    _written("A link's text is read, its target is not", _linked, _one("1")),
    _case("A formula counts by its value", _calculated(written(_formula(2))), _one("2")),
    _case("A formula's text counts", _calculated(written(_formula("二"))), _one("二")),
    _case("A formula's failure is kept", _calculated(written(_formula("#REF!"))), _one("#REF!")),
    _case("A value of another workbook counts", _calculated(written(_external)), _one("7")),
    _case(
        "A formula without a value is refused by its cell",
        repacked(_calculated(written(_formula(2))), {SHEET: put("<v>2</v>", "")}),
        Unreadable("1 个公式没有计算结果：第 2 行 C 列", "row 2 column C"),
    ),
    _written(
        "A formula that its program never calculated is refused by its cell",
        _formula(0),
        Unreadable("1 个公式没有计算结果：第 2 行 C 列", "row 2 column C"),
    ),
    _written(
        "Merged cells in the table are refused by their range",
        _merged(1, 1, 2, 1),
        Unreadable("合并单元格：B2:B3", "B2:B3"),
    ),
    _written("A merged header is refused by its range", _merged(0, 1, 0, 2), Unreadable("B1:C1", "B1:C1")),
    _written(
        "Merged cells below the table are no harm",
        lambda target, sheet: (_good(target, sheet), sheet.merge_range(5, 0, 6, 1, "")),
        _one("1"),
    ),
    _written(
        "Hidden and filtered rows and hidden columns are read",
        _hidden_rows,
        rows((2, "GG-1", "甲", "1"), (3, "GG-2", "乙", "2")),
    ),
    _written("Hidden and very hidden sheets that are no table are passed over", _more_sheets, _one("1")),
    _written("A chart sheet holds no cells", _chart, _one("1")),
    _written("A protected sheet is read", _protected, _one("1")),
    _written(
        "Content beside the table is refused by its cell",
        _cells("GG-1", "甲", 1, None, "注"),
        Unreadable("第 2 行 E 列", "row 2 column E"),
    ),
    _written(
        "An empty row between rows is counted",
        lambda target, sheet: sheet.write_row(4, 0, ["GG-1", "甲", 1]),
        rows((5, "GG-1", "甲", "1")),
    ),
    _case(
        "A declared size is not believed", repacked(GOOD, {SHEET: put('ref="A1:C2"', 'ref="A1:XFD1048576"')}), _one("1")
    ),
    _case(
        "A prefix of the namespace is read",
        repacked(GOOD, {SHEET: lambda part: re.sub(rb"<(/?)(\w)", rb"<\1x:\2", part).replace(b"xmlns=", b"xmlns:x=")}),
        _one("1"),
    ),
    _case(
        "Cells without addresses follow each other",
        repacked(GOOD, {SHEET: lambda part: re.sub(rb'<c r="[A-Z]\d"', b"<c", part)}),
        _one("1"),
    ),
    _case("Texts that are missing are refused", repacked(GOOD, {STRINGS: None}), BROKEN),
    _case("A text that is not there is refused", repacked(GOOD, {SHEET: put("<v>3</v>", "<v>99</v>")}), BROKEN),
    _case("A text before the first is refused", repacked(GOOD, {SHEET: put("<v>3</v>", "<v>-1</v>")}), BROKEN),
    _case(
        "A row that stands twice is refused",
        repacked(GOOD, {SHEET: lambda part: re.sub(rb'r="([ABC]?)2"', rb'r="\g<1>1"', part)}),
        BROKEN,
    ),
    _case("A cell that stands twice is refused", repacked(GOOD, {SHEET: put('r="B2"', 'r="A2"')}), BROKEN),
    _case("A cell in another row is refused", repacked(GOOD, {SHEET: put('r="B2"', 'r="B7"')}), BROKEN),
    _case("A column that Excel does not have is refused", repacked(GOOD, {SHEET: put('r="C2"', 'r="XFE2"')}), BROKEN),
    _case("A row that Excel does not have is refused", repacked(GOOD, {SHEET: put('"2"', '"1048577"')}), BROKEN),
    _case("A sheet without its part is refused", repacked(GOOD, {SHEET: None}), BROKEN),
    _case("A cell longer than Excel takes is refused", repacked(GOOD, {STRINGS: put("甲", "长" * 40_000)}), BROKEN),
    _case(
        "Entities that multiply are refused",
        repacked(GOOD, {STRINGS: lambda part: _entities(part, BILLION_LAUGHS, "&j;")}),
        BROKEN,
    ),
    _case(
        "Entities that read other files are refused",
        repacked(GOOD, {STRINGS: lambda part: _entities(part, LEAK, "&leak;")}),
        BROKEN,
    ),
    _case(
        "Entities in the workbook's own part are refused",
        repacked(GOOD, {WORKBOOK: lambda part: _entities(part, LEAK, "甲")}),
        BROKEN,
    ),
    _case(
        "Macros are refused with the way out",
        repacked(GOOD, {RELATIONS: put("</Relationships>", f"{MACROS}</Relationships>")}),
        Unreadable("含有宏", "holds macros"),
    ),
    _case(
        ".xls and encrypted workbooks are refused with the way out",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        Unreadable("去掉密码并另存为", "Remove the password"),
    ),
    _case(
        ".xlsb is refused with the way out",
        repacked(GOOD, {"_rels/.rels": put("xl/workbook.xml", "xl/workbook.bin")}),
        Unreadable("另存为 .xlsx", "Save it as .xlsx"),
    ),
    _case(
        ".ods under the name .xlsx is refused with the way out",
        archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}),
        Unreadable("另存为 .xlsx", "Save it as .xlsx"),
    ),
    _case("A CSV under the name .xlsx is refused", b"a,b\n1,2\n", BROKEN),
    _case("A workbook that was cut is refused", GOOD[: len(GOOD) // 2], BROKEN),
    _case(
        "An empty sheet is refused",
        repacked(GOOD, {SHEET: lambda part: part[: part.index(b"<sheetData>")] + b"<sheetData/></worksheet>"}),
        Unreadable("工作表是空的", "the sheet is empty"),
    ),
    _case(
        "A title above the header is told",
        repacked(GOOD, {SHEET: lambda part: re.sub(rb'<c r="[BC]1".*?</c>', b"", part)}),
        Unreadable("若第 1 行是标题", "If row 1 is a title"),
    ),
]
