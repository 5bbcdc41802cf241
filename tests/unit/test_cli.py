"""What scripts rely on: exit codes, formats, and errors in two languages instead of tracebacks."""

import csv
import io
import json

import pytest

from expectations.spec import load_standard
from ingest import cli, tabular


def npl(monkeypatch, capsys, *arguments):
    """Run `npl` in this process; return exit code, standard output and standard error."""
    monkeypatch.setattr("sys.argv", ["npl", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def test_standard_list_gives_every_rule_with_what_scripts_need(monkeypatch, capsys):
    code, out, _ = npl(monkeypatch, capsys, "standard", "list", "--format", "json")
    listed = json.loads(out)
    standard = load_standard()
    assert code == 0
    assert listed["version"] == standard.latest_version
    assert listed["tables"] == list(standard.tables)
    assert {rule["id"] for rule in listed["rules"]} == set(standard.rules)
    assert set(listed["rules"][0]) == {"id", "table", "scope", "severity", "category", "state", "since", "until"}
    active = [rule for rule in listed["rules"] if rule["state"] == "active"]
    assert sum(rule["table"] in ("package_notice", "transfer_result") for rule in active) >= 45


def test_standard_show_prints_a_rule_as_it_is_written(monkeypatch, capsys):
    code, out, _ = npl(monkeypatch, capsys, "standard", "show", "NPL-PKG-040")
    assert code == 0
    assert out == (load_standard().directory / "rules" / "NPL-PKG-040.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["NPL-XXX-999", "../standard", "/etc/passwd"])
def test_standard_show_of_anything_else_is_a_usage_error(monkeypatch, capsys, name):
    code, out, err = npl(monkeypatch, capsys, "standard", "show", name)
    assert (code, out) == (cli.EXIT_UNREADABLE, "")
    assert "标准中没有" in err
    assert "The standard has no" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "no such place"),
        ("file", "no such place"),
        ("collect", "no.csv", "--out", "x"),
        ("report", "no-filing"),
        ("status", "no-filing"),
        ("sql", "select 1"),
        ("release", "show"),
        ("release", "show", "../../etc"),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_told_and_exits_with_two(npl_home, monkeypatch, capsys, arguments):
    code, out, err = npl(monkeypatch, capsys, *arguments)
    assert code == cli.EXIT_UNREADABLE
    assert err.strip()
    assert "Traceback" not in out + err


def test_a_broken_standard_is_our_fault(npl_home, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    code, _, err = npl(monkeypatch, capsys, "check", str(tmp_path), "--standard", str(tmp_path / "empty"))
    assert code == cli.EXIT_OUR_FAULT
    assert "standard.yml" in err


ROWS = [("2025Q4", 19, None), ("季度", 1, 0.5)]
NAMES = ["quarter", "listed", "ratio"]


def test_a_table_lines_up_when_chinese_takes_two_columns():
    lines = tabular.render(NAMES, ROWS, "table").splitlines()
    assert lines == [
        "quarter  listed  ratio",
        "-------  ------  -----",
        "2025Q4       19",
        "季度          1    0.5",
        "(2 rows)",
    ]


def test_csv_and_json_hold_the_same_rows():
    assert list(csv.reader(io.StringIO(tabular.render(NAMES, ROWS, "csv")))) == [
        NAMES, ["2025Q4", "19", ""], ["季度", "1", "0.5"]]  # fmt: skip
    assert json.loads(tabular.render(NAMES, ROWS, "json")) == [dict(zip(NAMES, row, strict=True)) for row in ROWS]


def test_no_rows_are_no_rows_in_every_format(tmp_path):
    assert tabular.render(NAMES, [], "table").endswith("(0 rows)\n")
    assert tabular.render(NAMES, [], "csv") == "quarter,listed,ratio\n"
    assert json.loads(tabular.render(NAMES, [], "json")) == []
