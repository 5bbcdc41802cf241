"""A market whose truth is known beforehand: received, judged and built for real, every figure must come out.

The rules are all there, but Great Expectations does not count them: of each filing it would say the same, which
`test_judges_agree` proves, and its work is most of a filing's time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filings import judge_by
from market_filing import file_market

from expectations.spec import load_standard
from ingest import registry, warehouse
from ingest.config import settings
from ingest.paths import Home
from ingest.synthetic.market import Order, write_market

pytestmark = pytest.mark.slow

# small, and with every kind of deal but a resale; the test of the world below says so
ORDER = Order(institutions=6, first="2025Q3", last="2026Q2", loans=300, defects=Decimal("0.12"), seed=18)


@dataclass(frozen=True)
class Filed:
    """What was generated, and what the platform made of it."""

    filings: dict[str, dict[str, Any]]
    market: dict[str, Any]
    verdicts: dict[str, str]
    states: dict[str, str]
    findings: dict[str, set[str]]
    warehouse: Path

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            return con.sql(sql).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filed]:
    root = tmp_path_factory.mktemp("market")
    standard = load_standard()
    write_market(ORDER, root / "market", standard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(root / "home"))
        settings.cache_clear()
        judge_by(patch, standard)
        verdicts = file_market(root / "market")
        place = Path(warehouse.build())
        truth = root / "market" / "truth"
        filings = json.loads((truth / "filings.json").read_text(encoding="utf-8"))
        yield Filed(
            filings={each["filing_id"]: each for each in filings},
            market=json.loads((truth / "market.json").read_text(encoding="utf-8")),
            verdicts=verdicts,
            states={record.filing_id: record.state for record in registry.all_filings()},
            findings={filing: _rules_that_found(Home(root / "home"), filing) for filing in verdicts},
            warehouse=place,
        )
    settings.cache_clear()


def _rules_that_found(home: Home, filing: str) -> set[str]:
    (report,) = home.outbox.glob(f"*/{filing}/report.json")
    return {each["rule_id"] for each in json.loads(report.read_text(encoding="utf-8"))["rules"]}


def test_the_world_holds_every_kind_of_thing(filed: Filed) -> None:
    deals = filed.market["deals"]
    assert {"agreed", "disputed", "waiting", "observed"} == {deal["sides"] for deal in deals}
    assert {True, False} == {deal["is_sale"] for deal in deals}
    assert any(deal["is_debt_to_equity"] for deal in deals)
    assert {"original", "correction", "withdrawal"} == {each["kind"] for each in filed.filings.values()}
    assert {"accepted", "rejected"} <= {each["verdict"] for each in filed.filings.values()}
    assert filed.market["tapes"]
    assert filed.market["recoveries"]


def test_each_filing_gets_the_verdict_that_it_must_get(filed: Filed) -> None:
    assert filed.verdicts == {filing: each["verdict"] for filing, each in filed.filings.items()}


def test_each_planted_defect_is_found_by_its_rule(filed: Filed) -> None:
    planted = {filing: set(each["rules"]) for filing, each in filed.filings.items() if each["rules"]}
    assert planted
    for filing, rules in planted.items():
        assert rules <= filed.findings[filing], filing


def test_corrections_and_withdrawals_leave_the_states_that_they_must(filed: Filed) -> None:
    assert filed.states == {filing: each["final_state"] for filing, each in filed.filings.items()}
    assert {"superseded", "withdrawn"} <= set(filed.states.values())


def test_quarterly_activity_is_the_worlds_own_sum_in_every_breakdown(filed: Filed) -> None:
    true = {_key(row): row for row in filed.market["quarterly_activity"]}
    found = {_key(row): row for row in filed.rows("select * from market.quarterly_activity")}
    assert found.keys() == true.keys()
    assert len(true) > 40
    names = {name for row in true.values() for name in row} - {"quarter", "breakdown", "breakdown_value"}
    assert len(names) > 8
    for key, row in found.items():
        assert {name: Decimal(row[name]) for name in names} == {
            name: Decimal(true[key].get(name, 0)) for name in names
        }, key


def test_ratios_are_the_quotients_of_the_true_sums(filed: Filed) -> None:
    true = {_key(row): row for row in filed.market["quarterly_activity"]}
    quotients = 0
    for row in filed.rows("select * from market.quarterly_activity"):
        sums = true[_key(row)]
        for ratio, above, below in (
            ("discount_ratio", "discount_price_cny", "priced_claim_cny"),
            ("principal_recovery_ratio", "recovery_price_cny", "priced_principal_cny"),
        ):
            if below not in sums:
                assert row[ratio] is None
            else:
                assert row[ratio] == float(sums[above]) / float(sums[below])
                quotients += 1
    assert quotients > 10


def test_the_two_sides_of_each_deal_stand_as_they_were_filed(filed: Filed) -> None:
    found = filed.rows(
        "select seller_id as seller, buyer_id as buyer, project_code, signed_quarter, reconciliation_status as sides, "
        "price_cny, is_completed as is_sale, is_resale, is_debt_to_equity from core.fct_transfers order by project_code"
    )
    for row in found:
        row["sides"] = {"one_sided": "waiting", "pending": "waiting"}.get(row["sides"], row["sides"])
        row["price_cny"] = None if row["price_cny"] is None else f"{row['price_cny']:.2f}"
        row["is_resale"] = bool(row["is_resale"])
    assert found == filed.market["deals"]


def test_recoveries_are_the_worlds_cash_and_costs_by_holder_and_month(filed: Filed) -> None:
    names = ("gross_cash_cny", "tax_cost_cny", "lawyer_cost_cny", "other_cost_cny", "net_cash_cny")
    sums = ", ".join(f"sum({name}) as {name}" for name in names)
    found = filed.rows(
        f"select holder_id as holder, month, route, {sums} from core.fct_recoveries where is_current "
        "group by all order by all"
    )
    assert [
        {**row, "month": row["month"].isoformat(), **{name: f"{row[name]:.2f}" for name in names}} for row in found
    ] == filed.market["recoveries"]


def test_tapes_are_accepted_loan_for_loan(filed: Filed) -> None:
    found = filed.rows(
        "select project_code, count(*) as loans, count(distinct borrower_key) as borrowers, "
        "sum(principal_cny) as principal_cny, sum(interest_cny) as interest_cny from core.fct_loans where is_current "
        "group by all order by 1"
    )
    assert [
        {**row, "principal_cny": f"{row['principal_cny']:.2f}", "interest_cny": f"{row['interest_cny']:.2f}"}
        for row in found
    ] == filed.market["tapes"]


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["quarter"], row["breakdown"], row["breakdown_value"]
