"""The demo set and the examples: every verdict is the planned one, every planted defect is found by its rule alone."""

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from expectations.spec import Standard, load_standard
from ingest import config, registry
from ingest.check import check_path
from ingest.config import PROJECT_DIR
from ingest.read.notices import NOTICES_FILE
from ingest.receive import content_digest, receive
from ingest.register import institution
from ingest.report.model import Report
from ingest.synthetic import (
    BIG_FILING_ROWS,
    EXAMPLES_FOLDER,
    HELD_ISSUE,
    NOTICE,
    TRANSFER,
    demo_filings,
    example_files,
    write_demo_correction,
    write_demo_filings,
)

# Filing, verdict, and the one rule that it breaks.
PLANNED = {
    "SLXJ01/2026-04-teaser": ("accepted", None),
    "SLXJ01/2026-05-sale": ("accepted", None),
    "SLXJ01/2026-06-transfer": ("accepted", None),
    "SLZG01/2026-06-purchase": ("accepted", None),
    "SLYH02/2026-06.xlsx": ("accepted", None),
    "SLZG02/2026-06-purchase": ("accepted", None),
    "SLQC01/2026-05-sale.zip": ("accepted", None),
    "SLQC01/2026-07-relisting.zip": ("accepted", None),
    "SLYH01/2026-06-packages.zip": ("accepted_with_holds", "NPL-PKG-064"),
    "SLYH01/2026-05-sale": ("rejected", "NPL-PKG-040"),
    "SLYH02/2026-08-sale": ("rejected", "NPL-SCH-005"),
    "SLQC01/2026-09-sale.zip": ("accepted", "NPL-SCH-007"),
    "SLYH01/2026-09-sale": ("unreadable", None),
    "SLXJ01/2026-07-tape": ("accepted", None),
    "SLYH02/2026-07-tape.xlsx": ("accepted", None),
    "SLZG02/2026-09-recoveries": ("accepted", None),
}


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo set in the inbox of an empty home."""
    root = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(root))
        config.settings.cache_clear()
        assert write_demo_filings(root / "inbox") == len(PLANNED)
        yield root / "inbox"
    config.settings.cache_clear()


@pytest.fixture(scope="module")
def reports(inbox: Path, standard: Standard) -> dict[str, Report]:
    return {entry.relative_to(inbox).as_posix(): check_path(entry, standard) for entry in sorted(inbox.glob("*/*"))}


@pytest.mark.parametrize("entry", PLANNED)
def test_a_demo_filing_gets_its_planned_verdict_for_its_planned_reason(entry: str, reports: dict[str, Report]) -> None:
    verdict, rule = PLANNED[entry]
    report = reports[entry]
    assert (report.verdict, [each.rule_id for each in report.rules]) == (verdict, [rule] if rule else [])


def test_nothing_else_lies_in_the_inboxes(reports: dict[str, Report]) -> None:
    assert set(reports) == set(PLANNED)


def test_the_sum_that_misses_by_one_cent_is_told_with_its_parts(reports: dict[str, Report]) -> None:
    (finding,) = reports["SLYH01/2026-05-sale"].findings
    principal, interest, total = (
        float(finding.values[name] or 0) for name in ("principal_cny", "interest_cny", "principal_interest_cny")
    )
    assert round(total - principal - interest, 2) == 0.01
    assert finding.row == 2


def test_one_row_of_the_big_filing_is_held_and_all_others_are_accepted(reports: dict[str, Report]) -> None:
    report = reports["SLYH01/2026-06-packages.zip"]
    (table,) = report.tables
    (finding,) = report.findings
    assert (table.rows, table.accepted, table.held) == (BIG_FILING_ROWS, BIG_FILING_ROWS - 1, 1)
    assert finding.row == HELD_ISSUE + 1, "the header is row 1"


def test_the_personal_data_that_was_filed_stands_nowhere_in_the_report(inbox: Path, reports: dict[str, Report]) -> None:
    entry = "SLYH02/2026-08-sale"
    filed = (inbox / entry / "package_notice.csv").read_text(encoding="utf-8-sig")
    answered = reports[entry].to_json_bytes().decode()
    for secret in ("张某某", "13800000000"):
        assert secret in filed
        assert secret not in answered
    assert "***" in answered


def test_writing_the_demo_set_again_elsewhere_gives_the_same_bytes(inbox: Path, tmp_path: Path) -> None:
    write_demo_filings(tmp_path)
    write_demo_filings(tmp_path)
    first, second = (
        {entry.relative_to(root).as_posix(): content_digest(entry) for entry in root.glob("*/*")}
        for root in (inbox, tmp_path)
    )
    assert len(first) == len(PLANNED)
    assert first == second


def test_the_demo_set_shows_every_format(inbox: Path) -> None:
    tables = [path.read_bytes() for path in inbox.rglob("*.csv")]
    assert any(content.startswith("公告编号,".encode()) for content in tables), "UTF-8 with Chinese headers"
    assert any(content.startswith(b"\xef\xbb\xbftransfer_id,") for content in tables), "UTF-8 with BOM, field names"
    assert list(inbox.glob("*/*.xlsx"))
    assert any("公告编号,".encode("gb18030") in path.read_bytes() for path in inbox.glob("*/*.zip")), "GB18030 in a ZIP"


def test_only_invented_institutions_file_and_trade(standard: Standard) -> None:
    names = {
        row[field]
        for filing in demo_filings(standard)
        for rows in filing.tables.values()
        for row in rows
        for field in ("seller_name", "buyer_name", "holder_name", "originator_name")
        if row.get(field)
    }
    known = [institution(filing.institution) for filing in demo_filings(standard)]
    assert known
    assert all(each and each["is_demo"] for each in known)
    assert len(names) == 6
    assert all(name.startswith("示例") for name in names if name)


def test_no_demo_filing_falls_into_the_time_of_the_real_notices(standard: Standard) -> None:
    with NOTICES_FILE.open(encoding="utf-8", newline="") as handle:
        announced = [row["announce_date"] for row in csv.DictReader(handle)]
    assert announced
    assert min(filing.period for filing in demo_filings(standard)) > max(announced)[:7]


def test_packages_end_agreed_disputed_and_one_sided(standard: Standard) -> None:
    prices: dict[str, dict[str, str]] = {}
    for filing in demo_filings(standard):
        for row in filing.tables.get(TRANSFER, []):
            prices.setdefault(str(row["project_code"]), {})[str(row["filer_side"])] = str(row["price_cny"])
    disputed, one_sided = prices.pop("SLYH02-2026-003"), prices.pop("SLQC01-2026-001")
    assert float(disputed["seller"]) - float(disputed["buyer"]) == 36_000
    assert list(one_sided) == ["seller"]
    assert set(prices) == {"SLXJ01-2026-011", "SLXJ01-2026-012", "SLYH02-2026-005"}
    assert all(sides["seller"] == sides["buyer"] for sides in prices.values())


def test_what_is_filed_loan_by_loan_adds_up_to_its_notice_and_its_deal(standard: Standard) -> None:
    tapes = [filing for filing in demo_filings(standard) if "loan" in filing.tables]
    assert len(tapes) == 2
    for filing in tapes:
        loans = filing.tables["loan"]
        assert len(loans) == 20
        for (told,) in (filing.tables[NOTICE], filing.tables[TRANSFER]):
            assert told["loan_count"] == "20"
            assert told["borrower_count"] == str(len({loan["borrower_key"] for loan in loans}))
            for name in ("principal_cny", "interest_cny", "principal_interest_cny", "claim_total_cny"):
                assert Decimal(str(told[name])) == sum(Decimal(str(loan[name])) for loan in loans)


def test_every_mortgage_and_pledge_of_the_tapes_has_its_collateral_and_no_other_loan(standard: Standard) -> None:
    (filing,) = [filing for filing in demo_filings(standard) if "collateral" in filing.tables]
    secured = {loan["loan_key"] for loan in filing.tables["loan"] if loan["guarantee"] in ("DY", "ZY")}
    things = filing.tables["collateral"]
    assert {thing["loan_key"] for thing in things} == secured
    assert len({thing["collateral_key"] for thing in things}) < len(things), "one thing secures two loans"
    assert {"GQ"} < {thing["collateral_type"] for thing in things}
    everywhere = [loan["loan_key"] for each in demo_filings(standard) for loan in each.tables.get("loan", [])]
    assert len(set(everywhere)) == len(everywhere) == 40


def test_the_correction_is_accepted_once_its_original_is_in_force(inbox: Path, standard: Standard) -> None:
    original = receive(inbox / "SLXJ01" / "2026-05-sale", "SLXJ01")
    correction = write_demo_correction(inbox.parent / "corrections", original)
    assert [rule.rule_id for rule in check_path(correction, standard).rules] == ["NPL-FIL-011"]
    registry.set_state(original, "accepted")
    try:
        report = check_path(correction, standard)
    finally:
        registry.set_state(original, "received")
    assert (report.verdict, report.rules) == ("accepted", ())
    assert json.loads((correction / "filing.json").read_text(encoding="utf-8"))["replaces"] == original


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize("verdict", ["accepted", "rejected", "unreadable"])
def test_an_example_gets_the_verdict_that_its_folder_promises(verdict: str, standard: Standard) -> None:
    folder = {"accepted": "good"}.get(verdict, verdict)
    assert check_path(PROJECT_DIR / EXAMPLES_FOLDER / folder, standard).verdict == verdict


@pytest.mark.usefixtures("inbox")
def test_the_rejected_example_is_told_its_four_slips_and_nothing_else(standard: Standard) -> None:
    report = check_path(PROJECT_DIR / EXAMPLES_FOLDER / "rejected", standard)
    found = {(finding.row, finding.fields[-1]) for finding in report.findings}
    assert found == {(2, "principal_interest_cny"), (2, "sale_method"), (3, "overdue_definition"), (3, "cutoff_date")}
    assert report.findings_total == 4


@pytest.mark.usefixtures("inbox")
def test_the_good_example_breaks_no_rule(standard: Standard) -> None:
    report = check_path(PROJECT_DIR / EXAMPLES_FOLDER / "good", standard)
    assert (report.rules, [table.rows for table in report.tables]) == ((), [2])


def test_the_committed_examples_are_what_the_standard_gives(standard: Standard) -> None:
    files = example_files(standard)
    assert len(files) == 6
    assert {name: (PROJECT_DIR / name).read_bytes() for name in files} == files
