"""The standard's rules in plain terms: other engines judge by them as the platform does."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from expectations.plain import plain_checks
from expectations.plain_terms import (
    Clause,
    Column,
    Compared,
    Constant,
    NotPlainError,
    OneOf,
    PlainCheck,
    opposite,
    simplified,
)
from expectations.spec import Standard, load_standard
from ingest import config
from ingest.bench import rivals
from ingest.bench.cases import PERIOD, SHAPE
from ingest.check import check_path
from ingest.synthetic_defects import DEFECTS
from ingest.synthetic_tape import LOAN, Tape, write_tape_filing

PRODUCT = OneOf("product", (("XF", True), ("XK", False), (None, None)))
IS_CARD = OneOf("product", (("XF", False), ("XK", True), (None, None)))
FEW = Compared(Column("overdue_days"), "<=", Constant(360))


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


@pytest.fixture(scope="module")
def checks(standard: Standard) -> list[PlainCheck]:
    return plain_checks(standard, LOAN)[0]


@pytest.fixture(scope="module")
def spoiled(standard: Standard, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[rivals.Finding]]:
    """A tape with every kind of defect, and what the platform finds in it: one finding a rule, field and row."""
    folder = tmp_path_factory.mktemp("rivals") / "tape"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(folder.with_name("home")))
        config.settings.cache_clear()
        written = write_tape_filing(Tape(SHAPE, 1_000, Decimal("0.1")), folder, standard, "SLXJ01", PERIOD)
        report = check_path(folder, standard)
    config.settings.cache_clear()
    assert {each.kind for each in written.planted} == {defect.kind for defect in DEFECTS}
    assert report.findings_total == len(report.findings)
    return folder / "loan.csv", sorted((each.rule_id, each.row) for each in report.findings if each.row)


def test_pandera_finds_just_what_the_platform_finds(standard, checks, spoiled) -> None:
    file, found = spoiled
    said = {each.check.rule.id for each in checks}
    expected = [each for each in found if each[0] in said]
    assert {rule for rule, _ in found} - said >= {"NPL-SCH-005", "NPL-LOA-003"}
    assert len({rule for rule, _ in expected}) >= 12
    assert rivals.findings("pandera_polars", str(file), standard, checks) == expected


def test_stock_expectations_find_just_what_the_platform_finds(standard, checks, spoiled) -> None:
    file, found = spoiled
    planted = {(defect.rule_id, defect.field) for defect in DEFECTS}
    few = [  # an expectation costs 80 ms however few the rows
        each
        for each in checks
        if each.check.rule.id in {rule for rule, _ in planted}
        and (each.check.field is None or (each.check.rule.id, each.check.field) in planted)
    ]
    expected = [each for each in found if each[0] in {check.check.rule.id for check in few}]
    assert 12 <= len(few) < 20
    assert {type(clause.atom).__name__ for each in few for clause in each.clauses} >= {"Compared", "Matches", "Unique"}
    assert rivals.findings("great_expectations_pandas", str(file), standard, few) == expected


def test_rules_hold_on_their_good_examples_and_break_on_their_bad_ones(standard, checks, tmp_path) -> None:
    of_rows = [each for each in checks if each.check.rule.scope == "row" and not each.check.rule.example_table]
    assert len(of_rows) > 35
    fields = standard.tables[LOAN].fields
    rows, expected = [], {}
    for each in of_rows:
        rule = each.check.rule
        for example, breaks in [(row, False) for row in rule.good_rows] + [(row, True) for row in rule.bad_rows]:
            expected[rule.id, rivals.FIRST_ROW + len(rows)] = breaks
            rows.append(standard.example_row(LOAN, example))
    file = tmp_path / "examples.csv"
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(field.zh for field in fields)
        writer.writerows([row[field.name] for field in fields] for row in rows)
    found = set(rivals.findings("pandera_polars", str(file), standard, checks))
    assert {place: place in found for place in expected} == expected


def test_what_cannot_be_said_plainly_is_told_with_its_reason(standard, checks) -> None:
    plain, left_out = plain_checks(standard, LOAN)
    assert [each.check.index for each in plain] == [each.check.index for each in checks]
    reasons = {each.check.rule.id: each.reason for each in left_out}
    assert reasons["NPL-LOA-069"] == "looks at other rows or tables"
    assert reasons["NPL-SCH-005"] == "personal data by cell"
    assert reasons["NPL-LOA-060"] == "unknown counts as broken"
    assert not reasons.keys() & {each.check.rule.id for each in checks}
    assert reasons.keys() | {each.check.rule.id for each in checks} >= {
        rule.id for rule in standard.rules_of(LOAN) if rule.id.startswith("NPL-LOA")
    }


def test_one_of_two_clauses_holds_where_the_other_is_false() -> None:
    either = Clause((), PRODUCT) | Clause((), FEW)
    assert either == Clause((opposite(PRODUCT),), FEW)
    assert opposite(FEW) == Compared(Column("overdue_days"), ">", Constant(360))


def test_a_clause_that_no_code_can_break_is_left_out() -> None:
    assert simplified(Clause((PRODUCT, IS_CARD), FEW)) is None
    assert simplified(Clause((PRODUCT,), PRODUCT)) is None
    assert simplified(Clause((PRODUCT,), None)) == Clause((), opposite(PRODUCT))
    with pytest.raises(NotPlainError):
        simplified(Clause((), None))
