"""The EBA's 135 fields: each has its place or its reason, and coded files become our loans and collateral."""

import csv
import re
from pathlib import Path

import pytest

from expectations.spec import load_standard
from ingest import cli
from ingest.eba import crosswalk, eba_fields, eba_values, full_code, rates_of
from ingest.errors import FilingError, UsageError
from ingest.read.eba import COLUMNS_FILE, KEY_FILE, import_eba
from ingest.read.eba_translate import EbaFiling, pseudonym

KEY = b"a key for tests only"
NAME, NATIONAL_ID, ADDRESS, BORN = "Invented Person", "ID-0001", "1 Invented Street", "1985-06-30"

COUNTERPARTIES = [
    {"1.02": "C1", "1.03": NAME, "1.05": "Borrower", "1.06": "Household", "1.07": BORN, "1.11": NATIONAL_ID},
    {"1.02": "C2", "1.03": "Guarantor", "1.05": "Protection provider", "1.06": "Other corporate"},
    {"1.02": "C3", "1.03": "Firm", "1.05": "Borrower", "1.06": "Something new"},
]
RELATIONS = [
    {"2.00": "C2", "2.01": "L1", "2.02": "", "2.03": ""},
    {"2.00": "C1", "2.01": "L1", "2.02": "", "2.03": ""},
    {"2.00": "C3", "2.01": "L2", "2.02": "", "2.03": ""},
    {"2.00": "", "2.01": "L1", "2.02": "M1", "2.03": "P1"},
    {"2.00": "", "2.01": "L2", "2.02": "", "2.03": "P1"},
]
LOANS = [
    {"3.00": "2025-12-31", "3.01": loan, "3.02": "2022-03-15", "3.08": currency, "3.09": "100.00", "3.1": "10.50",
     "3.13": "90", "3.32": "N", "3.38": "no", "3.15": "Fixed"}
    for loan, currency in (("L1", "CNY"), ("L2", "EUR"))
]  # fmt: skip
PROTECTIONS = [
    {"4.00": "P1", "4.01": "Residential", "4.03": ADDRESS, "4.13": "96.50", "4.19": "900.00", "4.20": "2025-09-30",
     "4.22": "Desktop", "4.23": "800.00", "4.24": "2024-01-31", "4.29": "Y", "4.18": "CNY"},
    {"4.00": "P2", "4.01": "Office", "4.03": "", "4.13": "", "4.19": "", "4.20": "", "4.22": "", "4.23": "",
     "4.24": "", "4.29": "", "4.18": ""},
]  # fmt: skip
MORTGAGES = [{"4.43": "M1", "4.44": "500.00", "4.45": "1"}]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0] if len(rows) == 1 else list(dict.fromkeys(k for r in rows for k in r)))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, rows in (
        ("1_counterparty", COUNTERPARTIES),
        ("2_relationship", RELATIONS),
        ("3_loan", LOANS),
        ("4_protection", PROTECTIONS),
        ("4_mortgage", MORTGAGES),
        ("5_collections", [{"5.00": "L1", "5.03": "12.00", "our own column": "x"}]),
    ):
        write(folder / f"{name}.csv", rows)
    return folder


def filing(**changes) -> EbaFiling:
    return EbaFiling(
        **{"institution": "SLXJ01", "holder_name": "示例银行", "project_code": "P-1", "key": KEY} | changes
    )


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def test_each_of_the_135_fields_is_mapped_or_explained_in_two_languages_and_never_both():
    fields, carried = eba_fields(), crosswalk(load_standard())
    assert len(fields) == 135
    assert set(carried) <= set(fields)
    assert len(carried) >= 60
    for code, field in fields.items():
        assert all((field.template, field.name, field.type, field.description)), code
        told = (field.not_filed_zh, field.not_filed_en)
        assert all(told) if code not in carried else not any(told), code


def test_every_reason_names_only_fields_that_exist():
    standard = load_standard()
    named = [
        match
        for field in eba_fields().values()
        for match in re.findall(r"\b(loan|collateral)\.(\w+)", field.not_filed_zh + field.not_filed_en)
    ]
    assert len(named) > 10
    assert {name for table, name in named if name not in standard.tables[table].by_name} == set()


def test_every_translated_choice_is_a_code_of_the_field_that_carries_it():
    standard, carried = load_standard(), crosswalk(load_standard())
    assert len(eba_values()) > 40
    for (code, _), ours in eba_values().items():
        lists = [spec.code_list or "defect" for _, spec in carried[code]]
        assert any(ours in {each.code for each in standard.codes[name]} for name in lists), (code, ours)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("2.00", "2.00"),
        ("2", "2.00"),
        ("3.1", "3.10"),
        ("3.01 Loan Identifier", "3.01"),
        ("9.99", None),
        ("loan", None),
    ],
)
def test_a_header_gives_its_code_even_after_a_spreadsheet_took_it_for_a_number(header, code):
    assert full_code(header) == code


def test_loans_and_collateral_are_joined_through_the_relationship_template(source, tmp_path):
    result = import_eba(source, tmp_path / "out", filing(), load_standard())
    assert result.rows == {"loan": 2, "collateral": 2}
    assert result.unlinked == 1, "P2 secures no loan"
    first, second = read(result.folder / "loan.csv")
    assert first["loan_key"] == pseudonym(KEY, "L1")
    assert first["borrower_key"] == pseudonym(KEY, "C1"), "the borrower, not the protection provider"
    assert (first["obligor_kind"], first["age_band"], first["currency"]) == (
        "GR",
        "A35",
        "CNY",
    )
    assert (first["principal_cny"], first["interest_cny"], first["principal_interest_cny"]) == (
        "100.00",
        "10.50",
        "110.50",
    )
    assert (first["restructuring_state"], first["is_securitised"], first["enforcement_state"]) == ("NONE", "否", "ZX")
    assert second["borrower_key"] == pseudonym(KEY, "C3")
    things = {row["loan_key"]: row for row in read(result.folder / "collateral.csv")}
    assert set(things) == {first["loan_key"], second["loan_key"]}
    of_first = things[first["loan_key"]]
    assert of_first["collateral_key"] == pseudonym(KEY, "P1")
    assert (of_first["collateral_type"], of_first["ranking"], of_first["registered_claim_cny"]) == ("ZZ", "1", "500.00")
    assert things[second["loan_key"]]["ranking"] == "1", "the mortgage goes with the thing"


def test_the_latest_valuation_keeps_its_own_date_and_method(source, tmp_path):
    result = import_eba(source, tmp_path / "out", filing(), load_standard())
    row = read(result.folder / "collateral.csv")[0]
    assert (row["valuation_cny"], row["valuation_date"], row["valuation_method"]) == ("900.00", "2025-09-30", "HUMAN")


def test_no_name_id_address_birth_date_or_internal_number_leaves_the_importer(source, tmp_path):
    result = import_eba(source, tmp_path / "out", filing(), load_standard())
    written = "".join(path.read_text("utf-8-sig") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert result.rows["loan"] == 2
    for secret in (NAME, NATIONAL_ID, ADDRESS, BORN, "L1", "C1", "P1"):
        assert secret not in written


def test_foreign_amounts_are_converted_at_the_given_rate_and_never_taken_for_yuan(source, tmp_path):
    without = read(import_eba(source, tmp_path / "a", filing(), load_standard()).folder / "loan.csv")[1]
    assert (without["principal_cny"], without["currency"]) == ("", "EUR")
    rated = filing(rates=rates_of(["EUR=8.105"]))
    row = read(import_eba(source, tmp_path / "b", rated, load_standard()).folder / "loan.csv")[1]
    assert (row["principal_cny"], row["interest_cny"], row["principal_interest_cny"]) == ("810.50", "85.10", "895.60")


@pytest.mark.parametrize("told", ["EUR", "EUR=0", "EUR=-1", "=8", "EUR=NaN", "EUR=eight"])
def test_what_is_no_rate_is_refused(told):
    with pytest.raises(UsageError):
        rates_of([told])


def test_every_column_is_told_with_what_became_of_it(source, tmp_path):
    result = import_eba(source, tmp_path / "out", filing(), load_standard())
    told = {(row["file"], row["code"] or row["header"]): row for row in read(tmp_path / "out" / COLUMNS_FILE)}
    headers = sum(len(path.read_text("utf-8").splitlines()[0].split(",")) for path in source.glob("*.csv"))
    assert len(told) == headers
    name = told["1_counterparty.csv", "1.03"]
    assert (name["cells"], name["imported"], name["target"]) == ("3", "0", "")
    assert name["zh"]
    assert name["en"]
    assert told["5_collections.csv", "our own column"]["en"] == "Not a code of the EBA's fields."
    assert told["1_counterparty.csv", "1.06"]["unread_values"] == "Something new x1"
    assert told["3_loan.csv", "3.09"]["unread_values"] == "EUR: no rate x1"
    assert (told["3_loan.csv", "3.09"]["cells"], told["3_loan.csv", "3.09"]["imported"]) == ("2", "1")
    assert {"1.03", "3.15", "4.03", "5.03"} <= {column.code for column in result.left_behind}


def test_a_rerun_gives_the_same_bytes(source, tmp_path):
    out = tmp_path / "out"
    import_eba(source, out, filing(), load_standard())
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert len(first) == 4
    import_eba(source, out, filing(), load_standard())
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first


def test_files_without_loans_or_with_a_wrong_cutoff_are_refused(source, tmp_path):
    write(source / "3_loan.csv", [LOANS[0] | {"3.00": "31/12/2025"}])
    with pytest.raises(FilingError, match="YYYY-MM-DD"):
        import_eba(source, tmp_path / "out", filing(), load_standard())
    (source / "3_loan.csv").unlink()
    with pytest.raises(FilingError, match=re.escape("3.01")):
        import_eba(source, tmp_path / "out", filing(), load_standard())


def test_the_command_writes_a_filing_that_the_checks_can_read(npl_home, source, tmp_path, monkeypatch, capsys):
    from ingest.check import check_path

    out = tmp_path / "out"
    monkeypatch.setattr(
        "sys.argv",
        ["npl", "import-eba", str(source), "--out", str(out), "--institution", "SLXJ01", "--project", "P-1",
         "--rate", "EUR=8"],
    )  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "loan 2，collateral 2" in said
    assert "1_counterparty.csv 1.06 -> loan.obligor_kind  1/3  Something new x1" in said
    assert "1.03" not in said, "columns that are not taken are counted here, and told in the file"
    assert "1.03,1.03,Name of Counterparty,3,0" in (out / COLUMNS_FILE).read_text(encoding="utf-8-sig")
    assert (out / KEY_FILE).stat().st_mode & 0o077 == 0
    report = check_path(out / "SLXJ01-P-1", load_standard())
    assert report.verdict != "unreadable"
    assert [(table.table, table.rows) for table in report.tables] == [("loan", 2), ("collateral", 2)]
    # a key, a date, a code and an amount that were imported are well formed
    schema = [finding for finding in report.findings if finding.rule_id in ("NPL-SCH-001", "NPL-SCH-002")]
    assert schema == []


def test_a_column_that_joins_the_templates_is_no_column_left_behind(source, tmp_path):
    columns = {each.code: each for each in import_eba(source, tmp_path / "out", filing(), load_standard()).columns}
    assert (columns["2.01"].cells, columns["2.01"].imported) == (5, 5)
    assert "Joins loans" in columns["2.01"].en


def test_recoveries_are_said_to_be_filed_elsewhere(source, tmp_path):
    columns = {each.code: each for each in import_eba(source, tmp_path / "out", filing(), load_standard()).columns}
    assert columns["5.00"].en == columns["5.03"].en
    assert "recoveries are filed month by month" in columns["5.03"].en
