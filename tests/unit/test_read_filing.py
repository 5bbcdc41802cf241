"""A filing as handed in: folder, ZIP or workbook with exactly the files its manifest names, or refused."""

import hashlib
import io
import json
import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.headers import headers_of
from expectations.spec import Standard, load_standard
from ingest import config
from ingest.build import manifest_schema
from ingest.errors import FilingError
from ingest.read import read_filing

HEADERS = "公告编号,公告类型,*起始价（元）,note_of_ours\n"
NOTICES = (HEADERS + "GG-1,转让公告,100.00,x\n").encode()


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "institution": "SLXJ01",
        "period": "2026-03",
        "sequence": 1,
        "kind": "original",
        "tables": [{"table": "package_notice", "file": "公告.csv"}],
    } | changes


def filing(**changes: Any) -> dict[str, bytes]:
    """The files of a good filing."""
    return {"filing.json": json.dumps(manifest(**changes), ensure_ascii=False).encode(), "公告.csv": NOTICES}


def changed(**changes: Any) -> bytes:
    """A manifest that says something else."""
    return filing(**changes)["filing.json"]


def entry(**changes: Any) -> bytes:
    """A manifest whose one table says something else."""
    return changed(tables=[manifest()["tables"][0] | changes])


def folder_of(path: Path, files: dict[str, bytes]) -> Path:
    folder = path / "filing"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zip_of(path: Path, files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> Path:
    target = path / "filing.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, content)
    return target


def refusal(path: Path, standard: Standard) -> FilingError:
    with pytest.raises(FilingError) as caught:
        read_filing(path, standard)
    assert caught.value.zh
    assert caught.value.en
    return caught.value


def test_a_folder_is_read_with_columns_named_by_the_standard(tmp_path: Path, standard: Standard) -> None:
    content = read_filing(folder_of(tmp_path, filing()), standard)
    (table,) = content.tables
    assert (table.table, table.file, table.encoding) == ("package_notice", "公告.csv", "utf-8")
    assert table.sha256 == hashlib.sha256(NOTICES).hexdigest()
    assert content.manifest.about == "SLXJ01"
    assert content.manifest_bytes == filing()["filing.json"]
    assert table.rows.to_pylist() == [
        {
            "row_number": 2,
            "notice_id": "GG-1",
            "notice_type": "转让公告",
            "start_price_cny": "100.00",
            "note_of_ours": "x",
        }
    ]


def test_every_header_the_standard_knows_means_its_field(tmp_path: Path, standard: Standard) -> None:
    seen = 0
    for spec in standard.tables.values():
        for header, name in headers_of(standard, spec).items():
            tables = [{"table": spec.table, "file": "t.csv"}]
            files = {"filing.json": json.dumps(manifest(tables=tables)).encode(), "t.csv": f"{header}\nx\n".encode()}
            (table,) = read_filing(folder_of(tmp_path, files), standard).tables
            assert table.rows.column_names == ["row_number", name]
            seen += 1
    assert seen > 100


@pytest.mark.parametrize("inside", ["", "报送/"])
def test_a_zip_is_read_like_the_folder_it_was_made_of(tmp_path: Path, standard: Standard, inside: str) -> None:
    files = {inside + name: content for name, content in filing().items()}
    junk = {"__MACOSX/._filing.json": b"x", inside + ".DS_Store": b"x", inside + "._公告.csv": b"x"}
    zipped = read_filing(zip_of(tmp_path, files | junk), standard)
    folder = read_filing(folder_of(tmp_path, filing()), standard)
    assert zipped == folder


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_zip_without_utf8_names_is_read_as_windows_or_macos_wrote_it(
    tmp_path: Path, standard: Standard, encoding: str
) -> None:
    path = zip_of(tmp_path, {"filing.json": filing()["filing.json"], "placeholder.csv": NOTICES})
    raw = path.read_bytes()
    path.write_bytes(_renamed(raw, "placeholder.csv", "公告.csv".encode(encoding)))
    with zipfile.ZipFile(path) as archive:
        assert "公告.csv" not in archive.namelist()  # the case is what it says
    assert read_filing(path, standard).tables[0].file == "公告.csv"


def _renamed(raw: bytes, old: str, new: bytes) -> bytes:
    """The same ZIP with a member's name in bytes that Python's zipfile would not write."""
    source, buffer = zipfile.ZipFile(io.BytesIO(raw)), io.BytesIO()
    stand_in = "N" * len(new)
    with zipfile.ZipFile(buffer, "w") as archive:
        for info in source.infolist():
            name = stand_in if info.filename == old else info.filename
            archive.writestr(name, source.read(info))
    return buffer.getvalue().replace(stand_in.encode(), new)


def test_a_file_that_is_named_but_absent_is_refused_by_name(tmp_path: Path, standard: Standard) -> None:
    files = {"filing.json": filing()["filing.json"]}
    assert "公告.csv: named in filing.json but not there" in refusal(folder_of(tmp_path, files), standard).en


@pytest.mark.parametrize("extra", ["other.csv", "deep/other.csv"])
def test_a_file_that_nobody_named_is_refused_by_name(tmp_path: Path, standard: Standard, extra: str) -> None:
    files = filing() | {extra: b"x"}
    for path in (folder_of(tmp_path, files), zip_of(tmp_path, files)):
        assert f"{extra}: there, but not named" in refusal(path, standard).en


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"{", "not JSON at line 1"),
        (b'{"sequence": 1,}', "no comma follows the last item"),
        ("{“period”: 1}".encode(), "Quotes, colons and commas are ASCII ones"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * 1_000_001, "far too large"),
        (b'{"period": 1, "period": 2}', "a key stands twice"),
        (b"[]", "it must be an object"),
        (b'{"institution": "SLXJ01"}', "period is missing; sequence is missing; kind is missing"),
        (b'{"sequence": ' + b"1" * 5000 + b"}", "sequence must be: a whole number from 1 to 9999"),
        (changed(period="2026-13"), "period must be"),
        (changed(institution="x y"), "institution must be"),
        (changed(kind="first", sequence=0), "sequence must be: a whole number from 1 to 9999; kind must be: original,"),
        (changed(sequence=True), "sequence must be: a whole number"),
        (changed(standard_version=2.0), 'standard_version must be: a text, such as "2.0"'),
        (changed(sequnce=1), "sequnce is no known key (known are institution, subject, period, sequence, kind,"),
        (changed(颜色=1), "one key is no known key"),
        (changed(tables="公告.csv"), "tables must be: a list of entries"),
        (changed(tables=["公告.csv"]), "tables[0] must be an object"),
        (entry(table="loans"), "loans is no table of the standard. Its tables: collateral,"),
        (entry(hash=""), "tables[0].hash is no known key (known are table, file, rows, sha256, encoding)"),
        (entry(sha256="0"), "tables[0].sha256 must be: 64 hexadecimal digits"),
        (entry(rows=-1), "tables[0].rows must be: a whole number, 0 or more"),
        (entry(encoding="GBK"), "tables[0].encoding must be: utf-8 or gb18030 (GBK and GB2312 are parts of it)"),
        (changed(tables=[]), "`tables` is empty"),
        (
            changed(tables=[{"table": "package_notice", "file": name} for name in ("a.csv", "b.csv")]),
            "table package_notice is listed twice",
        ),
        (
            changed(tables=[{"table": name, "file": "公告.csv"} for name in ("package_notice", "loan")]),
            "file 公告.csv is listed twice",
        ),
        (changed(replaces="SLXJ01-2026-03-0001-00000000"), "`kind` is original, yet `replaces` names a filing"),
        (changed(kind="withdrawal"), "a withdrawal carries no data"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_the_key(
    tmp_path: Path, standard: Standard, content: bytes, said: str
) -> None:
    assert said in refusal(folder_of(tmp_path, filing() | {"filing.json": content}), standard).en


@pytest.mark.parametrize(
    "name",
    [
        "../公告.csv",
        "/公告.csv",
        "data\\公告.csv",
        "C:公告.csv",
        "./公告.csv",
        "a/../公告.csv",
        "a//公告.csv",
        "a/",
        ".",
        "",
        "x\0",
    ],
)
def test_a_manifest_that_names_a_file_elsewhere_is_refused(tmp_path: Path, standard: Standard, name: str) -> None:
    folder = folder_of(tmp_path, filing() | {"filing.json": entry(file=name)})
    assert "tables[0].file must be: the name of a file beside filing.json" in refusal(folder, standard).en
    schema = manifest_schema()["$defs"]["ManifestTable"]["properties"]["file"]
    assert not re.search(schema["pattern"], name)
    assert re.search(schema["pattern"], "数据/公告.csv")


@pytest.mark.parametrize("name", ["Notice.CSV", "notice.csv ", "ｎotice.csv"])
def test_a_file_that_is_called_a_little_otherwise_is_told_by_both_names(
    tmp_path: Path, standard: Standard, name: str
) -> None:
    folder = folder_of(tmp_path, {"filing.json": entry(file=name), "notice.csv": NOTICES})
    assert f'{name}: so says filing.json, but the file is called "notice.csv"' in refusal(folder, standard).en


def test_a_manifest_may_be_gb18030_and_its_digest_in_capitals(tmp_path: Path, standard: Standard) -> None:
    digest = hashlib.sha256(NOTICES).hexdigest()
    content = json.loads(entry(sha256=digest.upper()))
    encoded = json.dumps(content, ensure_ascii=False).encode("gb18030")
    assert "公告.csv".encode("gb18030") in encoded
    read = read_filing(folder_of(tmp_path, filing() | {"filing.json": encoded}), standard)
    assert read.manifest.tables[0].sha256 == read.tables[0].sha256 == digest


def test_a_workbook_that_withdraws_may_keep_its_empty_sheets(tmp_path: Path, standard: Standard) -> None:
    about = [*ABOUT[:4], ["类型", "撤回"], ["替代", "SLXJ01-2026-03-0001-00000000"]]
    path = workbook_of(tmp_path, {"filing": about, "资产包公告": SHEET[:1]})
    assert read_filing(path, standard).manifest.kind == "withdrawal"
    path = workbook_of(tmp_path, {"filing": about, "资产包公告": SHEET})
    assert "a withdrawal carries no data" in refusal(path, standard).en


def test_the_text_about_a_bad_manifest_never_repeats_what_stood_there(tmp_path: Path, standard: Standard) -> None:
    content = json.dumps(manifest(period="SECRET-1", kind="SECRET-2", **{"SECRET-3": 1})).encode()
    error = refusal(folder_of(tmp_path, filing() | {"filing.json": content}), standard)
    assert "SECRET" not in str(error)


def test_a_withdrawal_needs_no_tables(tmp_path: Path, standard: Standard) -> None:
    content = json.dumps(manifest(kind="withdrawal", replaces="SLXJ01-2026-03-0001-00000000", tables=[])).encode()
    assert read_filing(folder_of(tmp_path, {"filing.json": content}), standard).tables == ()


def test_two_columns_of_one_field_are_refused(tmp_path: Path, standard: Standard) -> None:
    files = filing() | {"公告.csv": "公告编号,notice_id\n1,2\n".encode()}
    assert (
        'columns "公告编号" and "notice_id" are both 公告编号 notice_id'
        in refusal(folder_of(tmp_path, files), standard).en
    )


def test_no_filing_json_or_two_of_them_are_refused(tmp_path: Path, standard: Standard) -> None:
    assert "found 0" in refusal(folder_of(tmp_path, {"公告.csv": NOTICES}), standard).en
    two = filing() | {"deep/filing.json": b"{}"}
    assert "found 2" in refusal(zip_of(tmp_path, two), standard).en


def link(info: zipfile.ZipInfo) -> None:
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16


def squeezed_away(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_LZMA


@pytest.mark.parametrize(
    ("files", "change", "said"),
    [
        (filing() | {"/etc/x.csv": b"x"}, None, "leads outside"),
        (filing() | {"../x.csv": b"x"}, None, "leads outside"),
        (filing() | {"a/../../x.csv": b"x"}, None, "leads outside"),
        (filing() | {"C:\\x.csv": b"x"}, None, "leads outside"),
        (filing(), link, "a link or special file"),
        (filing(), squeezed_away, "of an unknown kind"),
        (filing() | {"more.zip": b"PK"}, None, "an archive inside"),
        (filing() | {f"{number}.csv": b"x" for number in range(99)}, None, "101 files, at most 100"),
        (filing() | {"公告.csv": b"0" * 11_000_000}, None, "more than 200 times"),
    ],
)
def test_a_hostile_zip_is_refused(
    tmp_path: Path,
    standard: Standard,
    files: dict[str, bytes],
    change: Callable[[zipfile.ZipInfo], None] | None,
    said: str,
) -> None:
    assert said in refusal(zip_of(tmp_path, files, change or (lambda info: None)), standard).en


def test_an_encrypted_zip_is_refused_with_the_way_out(tmp_path: Path, standard: Standard) -> None:
    path = zip_of(tmp_path, filing())
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = raw.find(signature)
        while start >= 0:
            raw[start + offset] |= 1
            start = raw.find(signature, start + 4)
    path.write_bytes(raw)
    assert "without a password" in refusal(path, standard).en


def test_a_damaged_zip_is_refused(tmp_path: Path, standard: Standard) -> None:
    path = zip_of(tmp_path, filing())
    raw = bytearray(path.read_bytes())
    raw[60] ^= 0xFF
    path.write_bytes(raw)
    assert "the ZIP is broken" in refusal(path, standard).en


def test_more_than_the_platform_takes_is_refused(
    tmp_path: Path, standard: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.settings.cache_clear()
    monkeypatch.setenv("NPL_LARGEST_FILE_MB", "1")
    files = filing() | {"公告.csv": NOTICES + b"x,1,2,3\n" * 200_000}
    try:
        for path in (folder_of(tmp_path, files), zip_of(tmp_path, files)):
            assert "holds 1 MB, at most 1 MB" in refusal(path, standard).en
    finally:
        config.settings.cache_clear()


def test_a_link_in_a_folder_is_refused(tmp_path: Path, standard: Standard) -> None:
    folder = folder_of(tmp_path, {"filing.json": filing()["filing.json"]})
    (tmp_path / "elsewhere.csv").write_bytes(NOTICES)
    (folder / "公告.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert "公告.csv: not a plain file" in refusal(folder, standard).en


def test_other_files_are_refused_with_what_is_taken(tmp_path: Path, standard: Standard) -> None:
    (tmp_path / "公告.csv").write_bytes(NOTICES)
    assert "one XLSX workbook" in refusal(tmp_path / "公告.csv", standard).en
    assert "no such file" in refusal(tmp_path / "nothing.zip", standard).en
    tables = [{"table": "package_notice", "file": "公告.pdf"}]
    files = {"filing.json": filing(tables=tables)["filing.json"], "公告.pdf": b"%PDF"}
    assert "data files are .csv, .xlsx, .parquet or .jsonl" in refusal(folder_of(tmp_path, files), standard).en


def workbook_of(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    target = path / "报送.xlsx"
    book.save(target)
    return target


ABOUT: list[list[Any]] = [
    ["项目", "值"],
    ["报送机构", "SLXJ01"],
    ["period", "2026-03"],
    ["序号", 1],
    ["类型", "首次"],
    ["替代", None],
]
SHEET: list[list[Any]] = [["公告编号", "未偿本金总额(元)"], ["GG-1", 66369783.05], ["GG-2", 5]]


def test_a_workbook_is_a_whole_filing(tmp_path: Path, standard: Standard) -> None:
    sheets: dict[str, list[list[Any]]] = {
        "filing": ABOUT,
        "资产包公告": SHEET,
        "transfer_result": [["transfer_id"]],
        "说明": [["x"]],
        "Sheet1": [],
    }
    path = workbook_of(tmp_path, sheets)
    content = read_filing(path, standard)
    assert (content.manifest.institution, content.manifest.kind) == ("SLXJ01", "original")
    assert json.loads(content.manifest_bytes)["period"] == "2026-03"
    notices, results = content.tables
    assert (notices.table, results.table, results.rows.num_rows) == ("package_notice", "transfer_result", 0)
    assert notices.rows.to_pylist() == [
        {"row_number": 2, "notice_id": "GG-1", "principal_cny": "66369783.05"},
        {"row_number": 3, "notice_id": "GG-2", "principal_cny": "5"},
    ]
    assert notices.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_workbook_is_known_by_its_content_whatever_its_name(tmp_path: Path, standard: Standard) -> None:
    path = workbook_of(tmp_path, {"filing": ABOUT, "资产包公告": SHEET})
    assert read_filing(path.rename(tmp_path / "original"), standard).tables[0].rows.num_rows == 2


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"资产包公告": SHEET}, "no sheet named filing"),
        ({"filing": ABOUT, "资产包公告": SHEET, "公告（二）": SHEET}, "sheet 公告（二） is no table"),
        ({"filing": ABOUT, "资产包公告": SHEET, "package_notice": SHEET}, "two sheets for package_notice"),
        ({"filing": ABOUT}, "no table in it"),
        ({"filing": [*ABOUT, ["颜色", "red"]], "资产包公告": SHEET}, "row 7 has a key that is unknown"),
        ({"filing": ABOUT[:2], "资产包公告": SHEET}, "period is missing"),
    ],
)
def test_a_workbook_that_cannot_be_used_is_refused(
    tmp_path: Path, standard: Standard, sheets: dict[str, list[list[Any]]], said: str
) -> None:
    assert said in refusal(workbook_of(tmp_path, sheets), standard).en


def test_every_kind_of_data_file_gives_the_same_rows(tmp_path: Path, standard: Standard) -> None:
    cells = {"公告编号": ["GG-1", "GG-2"], "起始价(元)": [100.0, 2.5], "remarks": [None, "备注"]}
    lines = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    table, parquet = pa.table(cells), io.BytesIO()
    pq.write_table(table, parquet)
    text = "公告编号,起始价(元),remarks\nGG-1,100,\nGG-2,2.5,备注\n".encode()
    sheet = workbook_of(tmp_path, {"资产包公告": [list(cells), *[list(line.values()) for line in lines]]}).read_bytes()
    json_lines = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    contents = {
        "t.csv": text,
        "t.xlsx": sheet,
        "t.parquet": parquet.getvalue(),
        "t.jsonl": json_lines,
        "T.NDJSON": json_lines,
    }
    for name, content in contents.items():
        folder = tmp_path / name
        files = {"filing.json": entry(file=name), name: content}
        for path in (folder_of(folder, files), zip_of(folder, files)):
            (filed,) = read_filing(path, standard).tables
            first = 1 if name.lower().endswith("json") or name.endswith("jsonl") else 2
            assert filed.rows.to_pylist() == [
                {"row_number": first, "notice_id": "GG-1", "start_price_cny": "100", "remarks": None},
                {"row_number": first + 1, "notice_id": "GG-2", "start_price_cny": "2.5", "remarks": "备注"},
            ]
            assert filed.encoding == (None if name in ("t.xlsx", "t.parquet") else "utf-8")


@pytest.mark.parametrize("header", ["NOTICE_ID", " 公告 编号 ", "*公告编号", "ＮＯＴＩＣＥ＿ＩＤ"])
def test_spaces_width_and_case_make_no_other_header(tmp_path: Path, standard: Standard, header: str) -> None:
    files = filing() | {"公告.csv": f"{header}\nGG-1\n".encode()}
    assert read_filing(folder_of(tmp_path, files), standard).tables[0].rows.column_names == ["row_number", "notice_id"]


def test_a_workbook_can_be_one_table_of_a_folder(tmp_path: Path, standard: Standard) -> None:
    tables = [{"table": "package_notice", "file": "t.xlsx"}]
    book = workbook_of(tmp_path, {"资产包公告": SHEET, "Sheet2": [["x"]]}).read_bytes()
    files = {"filing.json": filing(tables=tables)["filing.json"], "t.xlsx": book}
    (table,) = read_filing(folder_of(tmp_path, files), standard).tables
    assert (table.encoding, table.rows["notice_id"].to_pylist()) == (None, ["GG-1", "GG-2"])
    book = workbook_of(tmp_path, {"Sheet1": SHEET, "Sheet2": [["x"]]}).read_bytes()
    assert "2 sheets to choose from" in refusal(folder_of(tmp_path, files | {"t.xlsx": book}), standard).en
