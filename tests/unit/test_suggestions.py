"""What a report suggests is proved by the cell itself or by other figures; where nothing is proved, nothing is said."""

from collections.abc import Mapping, Sequence

import duckdb
import pytest
from judging import judge, rows_of

from expectations.compile import macros_of
from expectations.findings import Finding
from expectations.spec import Standard, load_standard

NOTICE, DEAL = "package_notice", "transfer_result"
Changes = Mapping[str, str]


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def found(standard: Standard, table: str, rule_id: str, *cases: Changes) -> Sequence[Finding]:
    """The findings of one rule, one for each of these changes of the example row, judged as one filing."""
    alone = standard.with_rules([standard.rules[rule_id]])
    outcome = judge(alone, {table: rows_of(alone, table, *cases)}, context=standard.head.examples.context)
    assert [finding.row for finding in outcome.findings] == list(range(2, 2 + len(cases)))
    return outcome.findings


def suggested(standard: Standard, table: str, rule_id: str, *cases: Changes) -> list[str | None]:
    return [finding.suggestion for finding in found(standard, table, rule_id, *cases)]


def suggested_of_cells(
    standard: Standard, table: str, rule_id: str, field: str, cells: Sequence[str]
) -> dict[str, str | None]:
    cases = [{field: cell} for cell in cells]
    return dict(zip(cells, suggested(standard, table, rule_id, *cases), strict=True))


WRITTEN_OTHERWISE: dict[str, dict[str, str | None]] = {
    "principal_cny": {
        "66,369,783.05": "66369783.05",
        "６６３６９７８３．０５": "66369783.05",
        "66369783.05元": "66369783.05",
        "6637万": "66370000",
        "19.7亿元": "1970000000",
        "19.7%": None,
        "202.3 billion": None,
        "66,36,9783": None,
        "1E+05": "100000",
        "1.23457E+11": None,  # six digits are where spreadsheets round
        "1E-05": None,
        "9" * 40 + "万": None,
    },
    "loan_count": {"756笔": "756", "756.0": "756", "756.5": None, "7万": None},
    "cutoff_date": {
        "45678": "2025-01-21",
        "12345": None,
        "2025/1/7": "2025-01-07",
        "2025年1月7日": "2025-01-07",
        "2025-01-07 00:00:00": "2025-01-07",
        "2025-01-07 17:00:00": None,
        "7/1/2025": None,
        "2025年1月": None,
    },
    "registration_deadline_at": {"20260324": "2026-03-24", "2026年3月24日 17:00": "2026-03-24 17:00:00"},
    "is_relisted": {"yes": "是", "有": None},
}


@pytest.mark.parametrize("field", WRITTEN_OTHERWISE)
def test_a_value_in_another_form_is_suggested_in_ours_when_it_can_mean_one_thing_only(
    standard: Standard, field: str
) -> None:
    meant = WRITTEN_OTHERWISE[field]
    assert suggested_of_cells(standard, NOTICE, "NPL-SCH-001", field, list(meant)) == meant


def test_a_percentage_is_a_ratio(standard: Standard) -> None:
    meant = {"8%": "0.08", "9.33％": "0.0933", "8折": None}
    assert suggested_of_cells(standard, DEAL, "NPL-SCH-001", "discount_ratio", list(meant)) == meant


@pytest.mark.parametrize(
    ("table", "field", "meant"),
    [
        (NOTICE, "asset_type", {"xf": "XF", "ＸＦ": "XF", "个人 消费贷款": "个人消费贷款", "个人消费": None}),
        (DEAL, "five_tier_before", {"05": "5", "０５": "5", "50": None}),
        (NOTICE, "valuation_data", {"资产包数据、司法数据": "资产包数据;司法数据", "资产包数据、传闻": None}),
    ],
)
def test_a_code_is_suggested_when_one_spelling_only_differs_in_case_blanks_width_or_zeros(
    standard: Standard, table: str, field: str, meant: Mapping[str, str | None]
) -> None:
    assert suggested_of_cells(standard, table, "NPL-SCH-002", field, list(meant)) == meant


def test_a_code_that_lost_its_leading_zeros_is_found_again(standard: Standard) -> None:
    """No list of this standard has such codes; one that gets them needs nothing more."""
    with duckdb.connect(":memory:") as con:
        for statement in macros_of(standard):
            con.execute(statement)
        asked = "spelling_meant('1', ['01', '2']), spelling_meant('1', ['01', '001']), spelling_meant('3', ['01'])"
        assert con.execute(f"select {asked}").fetchall() == [("01", None, None)]


def test_a_credit_code_is_mended_only_where_one_way_leads(standard: Standard) -> None:
    meant = {
        "91350100M000100Y44": "91350100M000100Y43",  # one wrong check character
        "91350100m000100y43": "91350100M000100Y43",
        "９1350100M000100Y43": "91350100M000100Y43",
        "91350100M00010OY43": "91350100M000100Y43",  # O for 0
        "91350100M000100Y34": None,  # swapped, or a wrong check character: two ways to mend it
        "91350100M000100Y4": None,
        "91350100M0001*0Y43": None,
    }
    assert suggested_of_cells(standard, DEAL, "NPL-TRF-015", "seller_uscc", list(meant)) == meant


@pytest.mark.parametrize(("table", "rule_id"), [(NOTICE, "NPL-PKG-040"), (DEAL, "NPL-TRF-037")])
def test_a_slip_of_unit_or_column_is_suggested_when_the_sums_then_hold(
    standard: Standard, table: str, rule_id: str
) -> None:
    swapped = {"principal_cny": "77604213.78", "claim_total_cny": "66369783.05"}
    cases: list[tuple[Changes, str | None]] = [
        ({"principal_cny": "6636.98"}, "principal_cny=66369783.05"),
        ({"interest_cny": "110061942400.00"}, "interest_cny=11006194.24"),
        ({"principal_cny": "6637.98"}, None),  # ten thousand times this is not what is missing
        ({"principal_cny": "6636978.31"}, None),  # ten times off is no unit
        (swapped, "principal_cny=66369783.05;claim_total_cny=77604213.78"),
        (swapped | {"claim_total_cny": "66369783.06"}, None),
        ({"principal_interest_cny": "77375977.92"}, "principal_interest_cny=77375977.29"),  # the claim proves the sum
        ({"principal_interest_cny": "77375977.92", "claim_total_cny": ""}, None),
    ]
    assert suggested(standard, table, rule_id, *(case for case, _ in cases)) == [meant for _, meant in cases]


def test_a_price_in_another_unit_is_suggested_when_the_cash_proves_it(standard: Standard) -> None:
    slip = {"price_cny": "619.01"}
    meant = ["price_cny=6190078.18", None]
    assert suggested(standard, DEAL, "NPL-TRF-044", slip, slip | {"cash_received_cny": ""}) == meant


def test_an_amount_is_suggested_when_its_print_proves_the_unit(standard: Standard) -> None:
    cases: list[tuple[str, str, str | None]] = [
        ("6636.98", "6636.98万元", "principal_cny=66369800.00"),
        ("663698.00", "6636.98万元", None),
        ("1970000000.00", "19.7 %", None),
        ("20230000000.00", "202.3 billion", None),
    ]
    changes = [{"principal_cny": filed, "amounts_as_printed": f"principal_cny={print_}"} for filed, print_, _ in cases]
    assert suggested(standard, NOTICE, "NPL-PKG-038", *changes) == [meant for *_, meant in cases]


def test_discount_and_recovery_are_swapped_back_when_the_price_proves_it(standard: Standard) -> None:
    rule = standard.rules["NPL-TRF-047"]
    (swapped,) = [{name: cell or "" for name, cell in row.items()} for row in rule.bad_rows]
    cases = [swapped, swapped | {"price_cny": ""}, swapped | {"price_cny": "3914046.91"}]
    meant = "discount_ratio=0.048000;principal_recovery_ratio=0.073000"
    assert suggested(standard, DEAL, rule.id, *cases) == [meant, None, None]


def test_a_ratio_that_is_a_percentage_is_suggested_and_one_that_is_wrong_is_not(standard: Standard) -> None:
    cases = [{"discount_ratio": "8.000000"}, {"discount_ratio": "0.090000"}]
    assert suggested(standard, DEAL, "NPL-TRF-048", *cases) == ["discount_ratio=0.080000", None]


def test_dates_are_swapped_back_when_a_third_date_proves_it(standard: Standard) -> None:
    deal = {"cutoff_date": "2026-04-02", "signed_date": "2025-12-31"}
    cases = [deal, deal | {"settled_date": "", "registered_date": ""}]
    assert suggested(standard, DEAL, "NPL-TRF-033", *cases) == ["cutoff_date=2025-12-31;signed_date=2026-04-02", None]
    notice = {"cutoff_date": "2026-03-13", "announced_date": "2025-12-31"}
    cases = [notice, notice | {"bid_date": ""}]
    meant = ["cutoff_date=2025-12-31;announced_date=2026-03-13", None]
    assert suggested(standard, NOTICE, "NPL-PKG-027", *cases) == meant


def test_counts_are_swapped_back_when_the_states_prove_it(standard: Standard) -> None:
    cases = [{"loan_count": "431", "borrower_count": filed} for filed in ("756", "755")]
    assert suggested(standard, NOTICE, "NPL-PKG-042", *cases) == ["loan_count=756;borrower_count=431", None]


def test_a_resident_id_is_neither_suggested_nor_printed(standard: Standard) -> None:
    (finding,) = found(standard, NOTICE, "NPL-SCH-005", {"remarks": "代码110105194912310021"})
    assert finding.suggestion is None
    assert "19491231" not in repr(finding)
