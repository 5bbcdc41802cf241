"""CSV of every shape: line ends, quotes, separators, headers, titles, totals."""

from corpus.build import HEADER, Case, Outcome, Unreadable, csv, lines, rows

GOOD, AS_READ = "GG-1,甲,1\n", (2, "GG-1", "甲", "1")


def _lines(name: str, text: str, outcome: Outcome) -> Case:
    return Case(name, "shapes", lines(text), outcome)


def _whole(name: str, text: str | bytes, outcome: Outcome) -> Case:
    return Case(name, "shapes", csv(text), outcome)


SHAPES = [
    _lines("A short row is refused by its row", GOOD + "GG-2,乙\n", Unreadable("第 3 行 2 个", "row 3 has 2")),
    _lines("A long row is refused by its row", GOOD + "GG-2,乙,2,9\n", Unreadable("第 3 行 4 个", "row 3 has 4")),
    _lines("Rows beyond five are counted", "GG-2\n" * 9, Unreadable("有 9 行", "9 row(s)")),
    _lines(
        "A thousands separator without quotes is refused by its row",
        GOOD + "GG-2,乙,1,234.50\n",
        Unreadable("第 3 行 4 个", "row 3 has 4"),
    ),
    _lines("A quote inside a cell is refused", 'GG-1,甲"乙",1\n', Unreadable("第 2 行的双引号", "quotes of row 2")),
    _lines(
        "A quote that nothing closes is refused where it opens",
        'GG-1,"甲,1\nGG-2,乙,2\n',
        Unreadable("第 2 行的双引号", "quotes of row 2"),
    ),
    _lines(
        "An unbalanced quote before good rows with quotes is refused where it opens",
        'GG-1,"甲,1\nGG-2,"乙",2\n',
        Unreadable("第 2 行的双引号", "quotes of row 2"),
    ),
    _lines("Text after a closing quote is refused", 'GG-1,"甲"x,1\n', Unreadable("第 2 行的双引号", "quotes of row 2")),
    _lines("Doubled quotes are one quote", 'GG-1,"甲""乙""",1\n', rows((2, "GG-1", '甲"乙"', "1"))),
    _lines("Single quotes are no quotes", "GG-1,'甲',1\n", rows((2, "GG-1", "'甲'", "1"))),
    _lines(
        "A line break inside quotes makes no row",
        'GG-1,"甲\n乙",1\nGG-2,丙,2\n',
        rows((2, "GG-1", "甲\n乙", "1"), (3, "GG-2", "丙", "2")),
    ),
    _whole("CR alone ends lines", (HEADER + GOOD).replace("\n", "\r"), rows(AS_READ)),
    _whole(
        "Line ends may be mixed",
        HEADER.replace("\n", "\r\n") + "GG-1,甲,1\rGG-2,乙,2\nGG-3,丙,3",
        rows(AS_READ, (3, "GG-2", "乙", "2"), (4, "GG-3", "丙", "3")),
    ),
    _lines(
        "A NUL byte is refused by its row", GOOD + "GG-2,乙\0,2\n", Unreadable("第 3 行含有空字符", "row 3 holds a NUL")
    ),
    _lines(
        "NUL bytes that fill the end are refused", GOOD + "\0" * 512, Unreadable("第 3 行含有空字符", "row 3 holds")
    ),
    _whole(
        "Commas that trail every row make no column",
        "公告编号,项目名称,起始价(元),,\nGG-1,甲,1,,\n",
        rows(AS_READ),
    ),
    _whole(
        "Content under a header that trails without a name is refused by row and column",
        "公告编号,项目名称,起始价(元),,\nGG-1,甲,1,,\nGG-2,乙,2,,9\n",
        Unreadable("第 3 行 E 列", "row 3 holds something in column E"),
    ),
    _lines(
        "A comma that trails one row only is refused by its row",
        "GG-1,甲,1,\n",
        Unreadable("第 2 行 4 个", "row 2 has 4"),
    ),
    _whole("Semicolons are refused", (HEADER + GOOD).replace(",", ";"), Unreadable("用分号分隔", "by semicolons")),
    _whole("Tabs are refused", (HEADER + GOOD).replace(",", "\t"), Unreadable("用制表符分隔", "by tabs")),
    _whole(
        "Full-width commas are refused", (HEADER + GOOD).replace(",", "，"), Unreadable("全角逗号", "full-width comma")
    ),
    _whole("An empty file is refused", "", Unreadable("文件是空的", "the file is empty")),
    _whole("A file of one mark is refused", b"\xef\xbb\xbf", Unreadable("文件是空的", "the file is empty")),
    _whole("A file of line ends is refused", "\r\n\r\n \n,,\n", Unreadable("文件是空的", "the file is empty")),
    _whole("A header alone is a table of no rows", HEADER, rows()),
    _lines(
        "Blank lines between rows are counted",
        "\nGG-1,甲,1\n\n ,,\n\nGG-2,乙,2\n",
        rows((3, "GG-1", "甲", "1"), (7, "GG-2", "乙", "2")),
    ),
    _whole("Blank lines above the header are counted", "\n\n" + HEADER + GOOD, rows((4, "GG-1", "甲", "1"))),
    _lines("A second header row is a row", HEADER, rows((2, "公告编号", "项目名称", "起始价(元)"))),
    _whole(
        "A title line above the header is told",
        "资产包公告\n" + HEADER + GOOD,
        Unreadable("若第 1 行是标题", "If row 1 is a title"),
    ),
    _whole(
        "A title line of a spreadsheet is told",
        "资产包公告,,\n" + HEADER + GOOD,
        Unreadable("第 2 行 B 列", "row 2 holds something in column B"),
    ),
    _lines("A row of totals is a row", GOOD + "合计,,1\n", rows(AS_READ, (3, "合计", None, "1"))),
    _whole(
        "A header that stands twice is refused by columns",
        "公告编号,备注,备注\nGG-1,甲,1\n",
        Unreadable("B 列和 C 列列名相同", "columns B and C alike"),
    ),
    _whole(
        "Two names of one field are refused", "公告编号,notice_id\nGG-1,GG-1\n", Unreadable("公告编号", "notice_id")
    ),
    _whole(
        "An empty header between others is refused by column",
        "公告编号,,起始价(元)\nGG-1,甲,1\n",
        Unreadable("B 列没有列名", "no name in column B"),
    ),
    _whole(
        "A header row that was forgotten is told by what is missing",
        "GG-1,甲,1\nGG-2,乙,2\n",
        rows((2, "GG-2", "乙", "2")),
    ),
    _whole(
        "Headers may hold white space, full-width brackets and the mark of the template",
        "\u3000公告编号 , *项目名称,起始价（元）\nGG-1,甲,1\n",
        rows(AS_READ),
    ),
    _whole(
        "A header may be quoted and broken over lines",
        '公告编号,项目名称,"起始价\n(元)"\nGG-1,甲,1\n',
        rows((2, "GG-1", "甲", "1")),
    ),
    _whole("Excel's sep line is told", "sep=,\n" + HEADER + GOOD, Unreadable("表头有 2 列", "row 2 has 3")),
    _whole("JSON under the name of a CSV is refused", '{"a": 1,\n "b": 2}\n', Unreadable("第 1 行", "row 1")),
    _whole(
        "A workbook under the name of a CSV is refused",
        b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0",
        Unreadable("第 1 行", "1"),
    ),
]
