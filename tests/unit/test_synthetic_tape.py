"""Synthetic tapes: clean ones break no rule, planted defects are found by their rules and nothing else is."""

import csv
import datetime
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from expectations.spec import Standard, load_standard
from ingest import config
from ingest.check import check_path, checking
from ingest.report.model import Report
from ingest.synthetic_defects import DEFECTS
from ingest.synthetic_loans import LOANS_AT_A_TIME, Summary, TapeShape, loans_of
from ingest.synthetic_tape import (
    XLSX_ROWS,
    Tape,
    TapeForm,
    first_row,
    loan_rows,
    write_tape,
    write_tape_filing,
)
from ingest.synthetic_weights import PRODUCTS

SHAPE = TapeShape("SLXJ01-2026-031", "示例第一消费金融有限公司", datetime.date(2025, 12, 31))
MANY = Decimal("0.1")
FORMS: tuple[TapeForm, ...] = ("csv", "gb18030", "parquet", "jsonl", "xlsx")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "home"))
    config.settings.cache_clear()


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def checked(folder: Path, tape: Tape, standard: Standard, form: TapeForm = "csv", in_chinese: bool = True) -> Report:
    write_tape_filing(tape, folder, standard, "SLXJ01", "2026-01", form, in_chinese=in_chinese)
    return check_path(folder, standard)


@pytest.mark.parametrize("asset_type", PRODUCTS)
def test_a_clean_tape_breaks_no_rule(asset_type: str, tmp_path: Path, standard: Standard) -> None:
    loans = 20 if asset_type == "DG1" else 3_000  # one borrower's
    report = checked(tmp_path / "tape", Tape(replace(SHAPE, asset_type=asset_type), loans), standard)
    assert [(rule.rule_id, rule.count) for rule in report.rules] == []
    assert [(table.rows, table.accepted) for table in report.tables] == [(loans, loans)]


@pytest.mark.parametrize("seed", range(3))
def test_a_tape_of_twenty_loans_breaks_no_rule(seed: int, tmp_path: Path, standard: Standard) -> None:
    report = checked(tmp_path / "tape", Tape(replace(SHAPE, seed=seed), 20), standard)
    assert report.rules == ()
    assert [table.accepted for table in report.tables] == [20]


@pytest.mark.parametrize("form", FORMS)
def test_planted_defects_and_nothing_else_are_found(form: TapeForm, tmp_path: Path, standard: Standard) -> None:
    report = checked(tmp_path / "tape", Tape(SHAPE, 2_000, MANY), standard, form)
    with (tmp_path / "tape.truth.csv").open(encoding="utf-8") as file:
        truth = {(int(each["row"]), each["rule_id"]): each["kind"] for each in csv.DictReader(file)}
    planted = {defect.kind for defect in DEFECTS if not (form == "parquet" and defect.needs_text)}
    assert set(truth.values()) == planted
    assert len(planted) == (12 if form == "parquet" else 15)
    found = {(finding.row, finding.rule_id) for finding in report.findings}
    assert truth.keys() - found == set()
    # of a loan that stands twice both rows are shown
    pairs = {row - 1 for (row, _), kind in truth.items() if kind == "loan twice"}
    spoiled = {row for row, _ in truth}
    assert {place for place in found if place[0] not in spoiled} == {(row, "NPL-LOA-001") for row in pairs}


def test_at_a_rate_of_one_every_loan_is_spoiled() -> None:
    _, written = loan_rows(Tape(SHAPE, 300, Decimal(1)))
    assert [each.row for each in written.planted] == list(range(2, 302))
    assert {each.kind for each in written.planted} == {each.kind for each in DEFECTS if not each.copies}


def test_only_the_kinds_asked_for_are_planted() -> None:
    _, written = loan_rows(Tape(SHAPE, 2_000, MANY, frozenset({"rate as percentage"})))
    assert {(each.kind, each.rule_id) for each in written.planted} == {("rate as percentage", "NPL-LOA-032")}
    assert 120 < len(written.planted) < 220
    with pytest.raises(ValueError, match="no such"):
        Tape(SHAPE, 20, MANY, frozenset({"rate as a poem"}))


@pytest.mark.parametrize("form", FORMS)
def test_the_same_words_give_the_same_bytes(form: TapeForm, tmp_path: Path, standard: Standard) -> None:
    for name, tape in {"one": Tape(SHAPE, 500, MANY), "two": Tape(SHAPE, 500, MANY)}.items():
        write_tape(tape, tmp_path / name, standard, form)
    write_tape(Tape(replace(SHAPE, seed=2), 500, MANY), tmp_path / "other", standard, form)
    one, two, other = ((tmp_path / name).read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_every_format_holds_the_same_loans(tmp_path: Path, standard: Standard) -> None:
    kept = {}
    for form in FORMS:
        folder = tmp_path / form
        write_tape_filing(Tape(SHAPE, 300), folder, standard, "SLXJ01", "2026-01", form, in_chinese=form != "csv")
        with checking(folder, standard) as case:
            assert case.con is not None
            fields = ", ".join(field.name for field in standard.tables["loan"].fields)
            row = f"row_number - {first_row(form)}"
            kept[form] = case.con.execute(f"select {row}, {fields} from filed_loan order by 1").fetchall()
    assert len(kept["csv"]) == 300
    assert all(rows == kept["csv"] for rows in kept.values())


def test_a_longer_tape_begins_with_the_shorter_one() -> None:
    short, long = (loan_rows(Tape(SHAPE, loans))[0] for loans in (30, 70))
    assert long[:30] == short


def test_parts_of_a_long_tape_differ_and_add_up() -> None:
    summary = Summary()
    one = loans_of(SHAPE, 0, 1_000, summary)
    two = loans_of(SHAPE, 1, 1_000, summary)
    assert LOANS_AT_A_TIME % 4 == 0
    assert summary.loans == 2_000
    assert summary.borrowers == 1_500
    assert not set(one["loan_key"].to_pylist()) & set(two["loan_key"].to_pylist())


def test_a_buyers_tape_bears_the_sellers_keys() -> None:
    sold, _ = loan_rows(Tape(SHAPE, 50))
    bought, _ = loan_rows(Tape(replace(SHAPE, seed=9, key_seed=SHAPE.seed), 50))
    assert [row["loan_key"] for row in bought] == [row["loan_key"] for row in sold]
    assert [row["principal_cny"] for row in bought] != [row["principal_cny"] for row in sold]


def test_the_summary_is_what_the_loans_add_up_to() -> None:
    rows, written = loan_rows(Tape(SHAPE, 400))
    summary = written.summary
    totals = [Decimal(row["principal_interest_cny"] or 0) for row in rows]
    balances: Counter[str | None] = Counter()
    for row, total in zip(rows, totals, strict=True):
        balances[row["borrower_key"]] += int(100 * total)
    assert summary.principal == 100 * sum(Decimal(row["principal_cny"] or 0) for row in rows)
    assert summary.principal + summary.interest == 100 * sum(totals)
    assert summary.claim_days == sum(
        int(100 * total) * int(row["overdue_days"] or 0) for row, total in zip(rows, totals, strict=True)
    )
    assert summary.borrowers == len(balances) == 300
    assert summary.largest_borrower == max(balances.values())
    assert summary.five_tier == Counter(row["five_tier"] for row in rows)
    assert summary.litigation == Counter(row["litigation_state"] for row in rows)


def test_a_sheet_is_not_asked_to_hold_more_than_it_can(tmp_path: Path, standard: Standard) -> None:
    with pytest.raises(ValueError, match="sheet"):
        write_tape(Tape(SHAPE, XLSX_ROWS), tmp_path / "tape", standard, "xlsx")
    assert list(tmp_path.glob("*tape*")) == []
