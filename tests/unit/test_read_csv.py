"""CSV as filed: every row kept and numbered as a spreadsheet shows it, or the file refused with the row's number."""

import csv
import io
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import FilingError
from ingest.read import csv_file
from ingest.read import encoding as encoding_module
from ingest.read.csv_file import read_csv

SECRET = "SECRET-CELL"


def rows_of(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_csv(text.encode(), "t.csv")[0].to_pylist()
    return found


def refusal(content: bytes | str, told: str | None = None) -> FilingError:
    with pytest.raises(FilingError) as caught:
        read_csv(content.encode() if isinstance(content, str) else content, "t.csv", told)
    assert "t.csv" in caught.value.zh
    assert "t.csv" in caught.value.en
    assert SECRET not in str(caught.value)
    return caught.value


def test_first_data_row_is_row_2_and_every_cell_is_text() -> None:
    table, encoding = read_csv(b"a,b\n007,2.50\n", "t.csv")
    assert table.schema == pa.schema({"row_number": pa.int64(), "a": pa.string(), "b": pa.string()})
    assert (table.to_pylist(), encoding) == ([{"row_number": 2, "a": "007", "b": "2.50"}], "utf-8")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_blank_lines_are_counted_and_a_quoted_line_break_makes_one_row(line_end: str) -> None:
    lines = ["", "a,b", "", "1,2", ",", f'"x{line_end}y",3', " , ", "", "", "4,5"]
    found = rows_of(line_end.join(lines))
    assert [(row["row_number"], row["a"], row["b"]) for row in found] == [
        (4, "1", "2"),
        (6, f"x{line_end}y", "3"),
        (10, "4", "5"),
    ]


def test_cells_are_trimmed_of_all_white_space_and_empty_ones_are_null() -> None:
    assert rows_of('a,b,c\n\u3000x\u00a0,"",  \n') == [{"row_number": 2, "a": "x", "b": None, "c": None}]


def test_doubled_quotes_and_commas_inside_quotes_stay_in_their_cell() -> None:
    assert rows_of('a,b\n"x ""y"", z",2\n""""," "\n') == [
        {"row_number": 2, "a": 'x "y", z', "b": "2"},
        {"row_number": 3, "a": '"', "b": None},
    ]


@pytest.mark.parametrize(
    ("content", "told", "found"),
    [
        ("项目编号,b\n张,1\n".encode(), None, "utf-8"),
        ("项目编号,b\n张,1\n".encode("utf-8-sig"), None, "utf-8"),
        ("项目编号,b\n张,1\n".encode("utf-8-sig"), "utf-8", "utf-8"),
        ("项目编号,b\n张,1\n".encode("gb18030"), None, "gb18030"),
        ("项目编号,b\n张,1\n".encode("gb18030"), "gb18030", "gb18030"),
        ("\ufeff项目编号,b\n张,1\n".encode("gb18030"), None, "gb18030"),
    ],
)
def test_encoding_is_found_and_its_mark_is_no_part_of_the_header(content: bytes, told: str | None, found: str) -> None:
    table, encoding = read_csv(content, "t.csv", told)
    assert encoding == found
    assert table.to_pylist() == [{"row_number": 2, "项目编号": "张", "b": "1"}]


def test_four_byte_characters_of_gb18030_are_read() -> None:
    content = "a,b\n𠮷野,㐀\n".encode("gb18030")
    assert b"\x95\x34" in content  # four bytes each: the case is what it says
    assert read_csv(content, "t.csv")[0].to_pylist() == [{"row_number": 2, "a": "𠮷野", "b": "㐀"}]


def test_a_character_split_between_two_pieces_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding_module, "PIECE", 3)
    for encoding in ("utf-8", "gb18030"):
        content = "项目,b\n𠮷野,1\n".encode(encoding)
        assert read_csv(content, "t.csv", encoding)[0]["项目"].to_pylist() == ["𠮷野"]


def test_bytes_of_no_encoding_are_refused_with_byte_and_line() -> None:
    error = refusal("项目,b\nx,1\n".encode() + b"\xff\xfe,2\n")
    assert "第 3 行（第 14 个字节）" in error.zh
    assert "line 3 (byte 14)" in error.en


def test_an_encoding_that_the_manifest_tells_wrongly_is_refused() -> None:
    assert "not utf-8" in refusal("项目\n张\n".encode("gb18030"), "utf-8").en
    assert "byte order mark" in refusal("项目\n".encode("utf-8-sig"), "gb18030").en


def test_unicode_text_of_excel_is_refused_with_the_way_out() -> None:
    assert "CSV UTF-8" in refusal("a,b\n1,2\n".encode("utf-16")).zh


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (f"a,b\n1,2\n{SECRET}\n", 3),
        (f"a,b\n1,2\n\n{SECRET},2,3\n4,5\n", 4),
        (f'a,b\n"1\n1",2\n"x,y",{SECRET},3\n', 3),
    ],
)
def test_a_row_with_another_number_of_cells_is_refused_by_its_row(text: str, row: int) -> None:
    error = refusal(text)
    assert f"第 {row} 行" in error.zh
    assert f"row {row} has" in error.en


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (f'a,b\n1,2\n"{SECRET},2\n3,4\n', 3),
        (f'a,b\n1,2\n"{SECRET},2\n"3",4\n', 3),
        (f'a,b\n{SECRET}"x,2\n', 2),
        (f'a,b\n1,2\n3,"{SECRET}"x\n', 3),
        (f'a,b\n"{SECRET}', 2),
    ],
)
def test_quotes_that_do_not_pair_are_refused_by_their_row(text: str, row: int) -> None:
    error = refusal(text)
    assert f"第 {row} 行" in error.zh
    assert f"row {row} " in error.en


def test_a_nul_byte_is_refused_by_its_row() -> None:
    assert "row 3 holds a NUL byte" in refusal(f"a,b\n1,2\n{SECRET}\0,4\n").en


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n\n , \n", "empty"),
        ("a,,c\n1,2,3\n", "no name in column B"),
        (f"{SECRET},b,{SECRET}\n", "columns A and C alike"),
        ("Notice_ID,notice_id\n", "columns A and B alike"),
        ("a,row_number\n", "column B is called row_number"),
    ],
)
def test_a_header_that_cannot_name_columns_is_refused(text: str, said: str) -> None:
    assert said in refusal(text).en


def test_a_header_alone_is_a_table_of_zero_rows() -> None:
    for text in ("a,b", "a,b\n", "a,b\n\n\n"):
        table, _ = read_csv(text.encode(), "t.csv")
        assert (table.num_rows, table.column_names) == (0, ["row_number", "a", "b"])


def test_a_line_break_inside_a_cell_survives_wherever_the_file_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"a,b\n" + b'1,"x\r\ny"\n' * 50
    for piece in range(1, 40):
        monkeypatch.setattr(csv_file, "PIECE", piece)
        assert read_csv(content, "t.csv")[0]["b"].to_pylist() == ["x\r\ny"] * 50


def test_a_mark_that_starts_a_cell_stays_wherever_the_file_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "PIECE", 4)
    content = "a\n\ufeffx\n\ufeffy\n\n\ufeffz".encode()
    assert read_csv(content, "t.csv")[0]["a"].to_pylist() == ["\ufeffx", "\ufeffy", "\ufeffz"]


def cell_text() -> st.SearchStrategy[str]:
    # white space at the ends is trimmed, NUL refused; line breaks, quotes and commas are the interesting ones
    edges = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
    return st.one_of(edges, st.sampled_from(['"', ",", "a\nb", "\r\r\n", "a\r\nb", "\r", '""', "中，文", "𠮷", ""]))


def spreadsheet_rows(rows: list[list[str]]) -> list[tuple[int, list[str | None]]]:
    """What must come back: row numbers from 2, cells trimmed, rows without content left out."""
    found = []
    for number, cells in enumerate(rows, start=2):
        tidied = [pa.compute.utf8_trim_whitespace(cell).as_py() or None for cell in cells]
        if any(tidied):
            found.append((number, tidied))
    return found


@given(
    data=st.data(),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    piece=st.sampled_from([4, 7, 64, 1 << 24]),
)
@settings(max_examples=300, deadline=None)
def test_any_table_written_by_csv_writer_reads_back_equal(
    data: st.DataObject, encoding: str, line_end: str, quoting: Literal[0, 1], piece: int
) -> None:
    width = data.draw(st.integers(1, 4))
    rows = data.draw(st.lists(st.lists(cell_text(), min_size=width, max_size=width), max_size=12))
    if (line_end, quoting) == ("\n", csv.QUOTE_MINIMAL):
        # Python 3.11's writer forgets to quote a lone CR here: what it writes is another table
        rows = [[cell.replace("\r", "") for cell in cells] for cells in rows]
    headers = [f"列{index}" for index in range(width)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=line_end, quoting=quoting).writerows([headers, *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "PIECE", piece)
        table, _ = read_csv(buffer.getvalue().encode(encoding), "t.csv", encoding)
    found = [(row["row_number"], [row[name] for name in headers]) for row in table.to_pylist()]
    assert found == spreadsheet_rows(rows)


@given(text=st.text('",\r\nx ', max_size=30), piece=st.sampled_from([3, 1 << 24]))
@settings(max_examples=500, deadline=None)
def test_any_text_is_refused_or_read_as_a_strict_reader_reads_it(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "PIECE", piece)
        try:
            table, _ = read_csv(b"a,b\n" + text.encode(), "t.csv")
        except FilingError:
            return
    strict = csv.reader(io.StringIO(text, newline=""), strict=True)
    expected = [cells for _, cells in spreadsheet_rows([*strict])]
    assert [[row["a"], row["b"]] for row in table.to_pylist()] == expected


def test_a_hundred_thousand_rows_keep_their_numbers_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "PIECE", 1 << 16)
    lines = ["a,b"] + ["" if number % 1000 == 0 else f'{number},"x{number}, y"' for number in range(2, 100_001)]
    table, _ = read_csv("\r\n".join(lines).encode(), "t.csv")
    assert table.num_rows == 99_999 - 100
    assert table["a"].to_pylist() == [str(number) for number in table["row_number"].to_pylist()]
