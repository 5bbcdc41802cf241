"""JSON lines as filed: one object a line; numbers digit by digit; every refusal names the line and repeats nothing."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import config
from ingest.errors import FilingError
from ingest.read import json_file
from ingest.read.json_file import read_json_lines

SECRET = "SECRET-CELL"


def rows(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_json_lines(content, "t.jsonl")[0].to_pylist()
    return found


def refusal(content: bytes, told: str | None = None) -> str:
    with pytest.raises(FilingError) as caught:
        read_json_lines(content, "t.jsonl", told)
    assert "t.jsonl" in caught.value.zh
    assert SECRET not in str(caught.value)
    return caught.value.en


def test_a_row_is_numbered_by_its_line_and_a_missing_key_is_an_empty_cell() -> None:
    assert rows('{"编号": "007", "b": " x "}\n\n  \r\n{"b": null, "c": ""}\n{"c": "last"}'.encode()) == [
        {"row_number": 1, "编号": "007", "b": "x", "c": None},
        {"row_number": 5, "编号": None, "b": None, "c": "last"},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12345678901234567890123456789", "12345678901234567890123456789"),
        ("12345678901234567.89", "12345678901234567.89"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("756.0", "756"),
        ("-2.50", "-2.5"),
        ("1E+05", "100000"),
        ("1.5e-3", "0.0015"),
        ("1e400", "1" + "0" * 400),
        ("9" * 5000, "9" * 5000),
        ("true", "是"),
        ("false", "否"),
        ('"2.50"', "2.50"),
        ('"\\u4e00\\n"', "一"),
    ],
)
def test_a_value_is_written_as_its_filer_would(value: str, text: str) -> None:
    assert rows(f'{{"a": {value}}}'.encode()) == [{"row_number": 1, "a": text}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encoding_is_found(encoding: str) -> None:
    table, found = read_json_lines('{"项目": "𠮷野"}\n'.encode(encoding), "t.jsonl")
    assert table["项目"].to_pylist() == ["𠮷野"]
    assert found == encoding.removesuffix("-sig")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"a": "SECRET-CELL"', "line 2 is not JSON at character"),
        ('{"a": 1} {"a": 2}', "line 2 is not JSON at character 10"),
        ("{'a': 1}", "line 2 is not JSON at character 2"),
        ('{"a": 01}', "line 2 is not JSON"),
        ('{"a": "\t"}', "line 2 is not JSON"),
        ('[{"a": 1}]', "line 2 is no JSON object"),
        ('"SECRET-CELL"', "line 2 is no JSON object"),
        ("null", "line 2 is no JSON object"),
        ('{"SECRET-CELL": 1, "SECRET-CELL": 2}', "line 2 has a key twice"),
        ('{"b": 1, "b ": 2}', "line 2 has a key twice"),
        ('{"A": 1}', "line 2 has a key that differs from an earlier one in case alone"),
        ('{"": 1}', "line 2 has a key that is empty"),
        ('{"\\ud800": 1}', "line 2 has a key that is empty or unreadable"),
        ('{"Row_Number": 1}', "line 2 has the key row_number"),
        ('{"a": ["SECRET-CELL"]}', "line 2 nests an object or a list"),
        ('{"a": {"b": 1}}', "line 2 nests an object or a list"),
        ('{"a": ' + "[" * 100_000, "line 2 nests"),
        ('{"a": NaN}', "line 2 holds NaN or Infinity"),
        ('{"a": -Infinity}', "line 2 holds NaN or Infinity"),
        ('{"a": 1e401}', "line 2 has a number that is too large"),
        ('{"a": 1e-000999999999999}', "line 2 has a number that is too large"),
        ('{"a": "SECRET-CELL\\ud800"}', "line 2 holds a text that is no Unicode"),
        ('{"a": "SECRET-CELL\\u0000"}', "row 2 holds a NUL"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_number(line: str, said: str) -> None:
    assert said in refusal(f'{{"a": 1}}\n{line}\n{{"a": 3}}'.encode())


@pytest.mark.parametrize("content", [b"", b"\n \n", b"{}\n{}"])
def test_a_file_without_data_is_refused(content: bytes) -> None:
    assert "the file is empty" in refusal(content)


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    assert "line 2 (byte 18) is not" in refusal(b'{"a": "x"}\n{"a":"\xff"}')
    assert "is not utf-8" in refusal('{"a": "项"}'.encode("gb18030"), told="utf-8")


def test_too_many_columns_and_too_long_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = "\n".join(json.dumps({f"c{number}": 1}) for number in range(1001))
    assert "1001 columns, at most 1000" in refusal(wide.encode())
    monkeypatch.setattr(json_file, "LONGEST_LINE", 1000)
    assert "line 2 is too long" in refusal(b'{"a": 1}\n{"a": "' + b"x" * 1000 + b'"}')


def test_few_bytes_that_become_a_huge_table_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPL_LARGEST_FILE_MB", "1")
    config.settings.cache_clear()
    try:
        wide = json.dumps({f"c{number}": 1 for number in range(500)})
        assert "at most 1 MB" in refusal(("\n".join([wide, *['{"c1":1}'] * 2000])).encode())
    finally:
        config.settings.cache_clear()


def test_rows_come_out_in_order_across_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "BATCH_ROWS", 7)
    content = "\n".join(json.dumps({"a": number} | ({"late": "x"} if number == 95 else {})) for number in range(100))
    found = rows(content.encode())
    assert [row["a"] for row in found] == [str(number) for number in range(100)]
    assert [row["row_number"] for row in found if row["late"]] == [96]


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys("abc", CELLS)), min_size=1), st.booleans())
def test_what_json_writes_is_what_is_read(filed: list[dict[str, Any]], as_ascii: bool) -> None:
    def text(value: Any) -> str | None:
        if isinstance(value, bool):
            return "是" if value else "否"
        return None if value is None else str(value).strip() or None

    content = "\n".join(json.dumps(row, ensure_ascii=as_ascii) for row in [{"a": "x", "b": "x", "c": "x"}, *filed])
    expected = [
        {"row_number": number} | {name: text(row.get(name)) for name in "abc"}
        for number, row in enumerate(filed, start=2)
    ]
    found = rows(content.encode())[1:]
    assert [row for row in expected if any(row[name] for name in "abc")] == found


@settings(max_examples=200, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e40"), max_value=Decimal("1e40")))
def test_a_number_is_never_rounded(number: Decimal) -> None:
    ((_, text),) = [row.values() for row in rows(f'{{"a": {number}}}'.replace("E+", "e").encode())]
    assert Decimal(text) == number
    assert "e" not in text.lower()


VALID = '{"编号": "GG-1", "金额": 1.50}\n{"编号": "GG-2", "金额": null, "是否": true}\n'.encode()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=100), st.text(max_size=50).map(lambda text: text.encode()), st.data()))
def test_no_bytes_raise_anything_but_a_refusal(junk: Any) -> None:
    content = bytearray(VALID)
    if isinstance(junk, bytes):
        content = bytearray(junk)
    else:
        for _ in range(junk.draw(st.integers(1, 5))):
            content[junk.draw(st.integers(0, len(content) - 1))] = junk.draw(st.integers(0, 255))
    try:
        found, _ = read_json_lines(bytes(content), "t.jsonl")
    except FilingError:
        return
    assert found.column_names[0] == "row_number"
    found.validate(full=True)
