"""`npl check`: its exit codes, its formats, and the folder it writes."""

import io
import json

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from expectations.spec import load_standard
from ingest import check, cli
from ingest.report import answer, xlsx
from ingest.synthetic_files import SyntheticFiling, folder_contents

STANDARD = load_standard()
NOTICE = "package_notice"
BROKEN_TIE = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}


@pytest.fixture
def filing(npl_home, tmp_path):
    """A function that writes a folder of notices, the first with these cells changed, and returns where it lies."""

    def write(first=None, rows=1):
        numbered = [
            {
                "notice_id": f"GG-{number}",
                "project_code": f"SLXJ01-2026-{number:03}",
                "package_name": f"示例第一消费金融有限公司关于2026年第{number}期个人不良贷款（个人消费贷款）转让项目",
            }
            for number in range(1, rows + 1)
        ]
        numbered[0] |= first or {}
        tables = {NOTICE: [STANDARD.example_row(NOTICE, row) for row in numbered]}
        place = tmp_path / "filing"
        place.mkdir()
        for name, content in folder_contents(STANDARD, SyntheticFiling("f", "SLXJ01", "2026-03", tables)).items():
            (place / name).write_bytes(content)
        return place

    return write


@pytest.fixture
def npl_check(monkeypatch, capfdbinary):
    """Run `npl check` in this process; return exit code and what it printed, as bytes."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["npl", "check", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capfdbinary.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return run


def test_an_accepted_filing_exits_with_zero(filing, npl_check):
    code, out, _ = npl_check(filing())
    assert (code, out.decode().splitlines()[0]) == (0, "已接收 Accepted")


def test_a_rejected_filing_exits_with_one(filing, npl_check):
    code, out, _ = npl_check(filing(BROKEN_TIE))
    assert (code, out.decode().splitlines()[0]) == (1, "退回 Rejected")


def test_held_rows_exit_with_one(filing, npl_check):
    relisted = "示例第一消费金融有限公司关于2026年第1期个人不良贷款（个人消费贷款）转让项目（重新挂牌）"
    code, out, _ = npl_check(filing({"package_name": relisted}, rows=40))
    assert (code, out.decode().splitlines()[0]) == (1, "部分暂扣后接收 Accepted with rows held")


def test_what_cannot_be_read_exits_with_two_and_still_gets_a_report(filing, npl_check, tmp_path):
    place = filing()
    (place / "filing.json").write_text("{")
    code, out, _ = npl_check(place, "--out", tmp_path / "out", "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (2, "unreadable")
    assert (tmp_path / "out" / answer.REPORT_JSON).read_bytes() == out


def test_a_fault_of_ours_exits_with_three_and_blames_nobody(filing, npl_check, monkeypatch):
    def broken(*_):
        raise duckdb.InternalException("boom")

    monkeypatch.setattr(check, "judge_typed", broken)
    code, out, err = npl_check(filing())
    assert (code, out) == (3, b"")
    assert "与报送内容无关" in err.decode()


@pytest.mark.parametrize(
    ("kind", "file"), [("json", answer.REPORT_JSON), ("html", answer.REPORT_HTML), ("csv", answer.FINDINGS_CSV)]
)
def test_each_format_prints_the_bytes_that_out_writes(filing, npl_check, tmp_path, kind, file):
    code, out, _ = npl_check(filing(BROKEN_TIE), "--format", kind, "--out", tmp_path / "out")
    assert code == 1
    assert (tmp_path / "out" / file).read_bytes() == out
    assert b"NPL-PKG-040" in out


def test_the_workbook_is_printed_whole(filing, npl_check):
    code, out, _ = npl_check(filing(BROKEN_TIE), "--format", "xlsx")
    assert code == 1
    rows = CalamineWorkbook.from_filelike(io.BytesIO(out)).get_sheet_by_name(xlsx.FINDINGS_SHEET).to_python()
    assert "NPL-PKG-040" in {row[1] for row in rows}
