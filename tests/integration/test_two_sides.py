"""Both filers of a deal are told what the other said: from two filings to what lies in each outbox."""

import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from filings import decide_one, put

from expectations.spec import Row, load_standard
from ingest import reconcile, registry, warehouse
from ingest.config import settings
from ingest.paths import Home
from ingest.report.answer import REPORT_JSON
from ingest.report.reconciliation import RECONCILIATION_HTML, RECONCILIATION_JSON
from ingest.synthetic import TRANSFER, Package, transfer_row

SELLER, BUYER = "SLXJ01", "SLZG01"
AGREED, DISPUTED, ALONE, RENAMED = (Package(SELLER, issue, "XF") for issue in (31, 32, 33, 34))
MISTAKEN_CODE = "SLXJ01-2026-34"
SIGNED = datetime.date(2026, 6, 15)
PRICE = Decimal("3000000.00")


def sold(package: Package, side: str, **changes: str) -> Row:
    return transfer_row(load_standard(), package, side, BUYER, SIGNED, PRICE) | changes


class Told:
    """A filing's answers: its report and its reconciliation."""

    def __init__(self, home: Home, filing_id: str) -> None:
        record = registry.find(filing_id)
        assert record is not None
        self.folder = home.answer(record.folder, filing_id)
        self.report: dict[str, Any] = json.loads((self.folder / REPORT_JSON).read_bytes())
        self.reconciliation: dict[str, Any] = json.loads((self.folder / RECONCILIATION_JSON).read_bytes())
        self.page = (self.folder / RECONCILIATION_HTML).read_text(encoding="utf-8")

    def statuses(self) -> dict[str, str]:
        return {deal["project_code"]: deal["status"] for deal in self.reconciliation["deals"]}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Told, Told, dict[str, bytes]]]:
    """What seller and buyer were told, and the bytes of both reports before the other side was set against them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(tmp_path_factory.mktemp("reconcile") / "home"))
        settings.cache_clear()
        home = Home(settings().home)
        put(
            "sale",
            [sold(package, "seller") for package in (AGREED, DISPUTED, ALONE, RENAMED)],
            table=TRANSFER,
            period="2026-06",
        )
        seller_id, seller_state = decide_one()
        lower = {"price_cny": "2900000.00", "cash_received_cny": "2900000.00"} | {
            "discount_ratio": "",
            "principal_recovery_ratio": "",
        }
        put(
            "purchase",
            [
                sold(AGREED, "buyer"),
                sold(DISPUTED, "buyer", **lower),
                sold(RENAMED, "buyer", project_code=MISTAKEN_CODE),
            ],
            table=TRANSFER,
            period="2026-06",
            institution=BUYER,
        )
        buyer_id, buyer_state = decide_one()
        assert (seller_state, buyer_state) == ("accepted", "accepted")
        reports = {
            filing: (home.answer(folder, filing) / REPORT_JSON).read_bytes()
            for folder, filing in ((SELLER, seller_id), (BUYER, buyer_id))
        }
        warehouse.build()
        assert reconcile.reconcile() == 2
        yield Told(home, seller_id), Told(home, buyer_id), reports
    settings.cache_clear()


def findings(side: Told, rule_id: str) -> list[dict[str, Any]]:
    return [finding for finding in side.reconciliation["findings"] if finding["rule_id"] == rule_id]


def test_both_sides_are_told_how_each_deal_stands(told):
    seller, buyer, _ = told
    assert seller.statuses() == {
        DISPUTED.code: "disputed",
        ALONE.code: "one_sided",
        AGREED.code: "agreed",
        RENAMED.code: "agreed",
    }
    assert buyer.statuses() == {DISPUTED.code: "disputed", AGREED.code: "agreed", MISTAKEN_CODE: "agreed"}


def test_a_dispute_shows_both_values_to_both_sides(told):
    seller, buyer, _ = told
    for side, values in ((seller, ("3000000.00", "2900000.00")), (buyer, ("2900000.00", "3000000.00"))):
        (finding,) = findings(side, "NPL-TRF-068")
        assert (finding["own_value"], finding["other_value"]) == values
        assert all(value in finding["message"]["zh"] and value in side.page for value in values)


def test_the_side_that_filed_second_reads_the_same_in_its_report(told):
    _, buyer, _ = told
    compared = [each for each in buyer.report["findings"] if each["rule_id"] in ("NPL-TRF-068", "NPL-TRF-078")]
    assert len(compared) == 2
    for at_intake in compared:
        (later,) = findings(buyer, at_intake["rule_id"])
        same = set(at_intake) - {"file"}
        assert {name: later[name] for name in same} == {name: at_intake[name] for name in same}


def test_a_mistaken_project_code_is_told_to_both_sides_with_both_codes(told):
    seller, buyer, _ = told
    for side, own, other in ((seller, RENAMED.code, MISTAKEN_CODE), (buyer, MISTAKEN_CODE, RENAMED.code)):
        (finding,) = findings(side, "NPL-TRF-078")
        assert (finding["own_value"], finding["other_value"]) == (own, other)


def test_nothing_of_the_other_side_is_told_but_what_is_compared(told):
    seller, buyer, _ = told
    for side, other in ((seller, buyer), (buyer, seller)):
        answer = side.page + json.dumps(side.reconciliation)
        assert side.report["filing"]["filing_id"] in answer
        assert other.report["filing"]["filing_id"] not in answer
        assert {deal["key"] for deal in other.reconciliation["deals"]}.isdisjoint(
            deal["key"] for deal in side.reconciliation["deals"]
        )
        assert not any(deal["key"] in answer for deal in other.reconciliation["deals"])


def test_the_report_whose_digest_is_known_stays_as_it_was(told):
    seller, buyer, reports = told
    assert [side.folder.joinpath(REPORT_JSON).read_bytes() for side in (seller, buyer)] == list(reports.values())
