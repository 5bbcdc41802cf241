"""What a filer is told of a deal, whatever the warehouse says of it."""

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from expectations.spec import StandardError, load_standard
from ingest import reconcile, registry
from ingest.config import PROJECT_DIR
from ingest.paths import Home
from ingest.report.reconciliation import RECONCILIATION_HTML, RECONCILIATION_JSON, Reconciliation, render_text

COMPARED = {
    "project_code": ("P1", "P-1"),
    "buyer_name": ("虚构丁资产管理有限公司", "虚构戊资产管理有限公司"),
    "signed_date": (datetime.date(2026, 6, 15), datetime.date(2026, 6, 16)),
    "price_cny": (Decimal("3000000.00"), Decimal("2900000.00")),
    "other_consideration_cny": (Decimal("0.00"), Decimal("5.00")),
    "principal_cny": (Decimal("80.00"), Decimal("81.00")),
    "principal_interest_cny": (Decimal("100.00"), Decimal("101.00")),
}
Tell = Callable[..., int]


def deal(**changes: Any) -> dict[str, Any]:
    """A row of core.fct_transfers that both sides filed alike."""
    row: dict[str, Any] = {
        "seller_name": "虚构甲消费金融有限公司",
        "reconciliation_status": "agreed",
        "match_basis": "project_code",
        "counterpart_due_date": None,
        "disputed_fields": None,
    }
    for number, side in ((2, "seller"), (7, "buyer")):
        row |= {f"{side}_filing_id": f"{side}-1", f"row_number_{side}": number, f"transfer_id_{side}": f"T-{side}"}
        for field, values in COMPARED.items():
            stem, unit, _ = field.partition("_cny")
            row[f"{stem}_{side}{unit}"] = values[0]
    return row | changes


def disputed(*fields: str) -> dict[str, Any]:
    other = {
        f"{field.removesuffix('_cny')}_buyer{'_cny' * field.endswith('_cny')}": COMPARED[field][1] for field in fields
    }
    return deal(reconciliation_status="disputed", disputed_fields=" ".join(fields), **other)


def alone(status: str) -> dict[str, Any]:
    nothing = {name: None for name in deal() if name.endswith("_buyer") or "_buyer_" in name}
    due = datetime.date(2026, 7, 30)
    return deal(
        **nothing, buyer_filing_id=None, reconciliation_status=status, match_basis=None, counterpart_due_date=due
    )


@pytest.fixture
def tell(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Reconcile as if the warehouse held exactly these deals."""
    records = [
        registry.FilingRecord(
            filing_id=f"{side}-1",
            folder=side,
            name="filing",
            sha256="0" * 64,
            institution_id=side,
            subject_id=side,
            period="2026-06",
            sequence=1,
            kind="original",
            replaces=None,
            received_at=datetime.datetime(2026, 7, 1),
            state="accepted",
        )
        for side in ("seller", "buyer")
    ]
    monkeypatch.setattr(registry, "all_filings", lambda: records)

    def told(*deals: dict[str, Any]) -> int:
        monkeypatch.setattr(reconcile, "_deals", lambda: list(deals))
        return reconcile.reconcile()

    return told


def answer(home: Home, side: str) -> Reconciliation:
    return Reconciliation.model_validate_json((home.answer(side, f"{side}-1") / RECONCILIATION_JSON).read_bytes())


def page(home: Home, side: str) -> str:
    return (home.answer(side, f"{side}-1") / RECONCILIATION_HTML).read_text(encoding="utf-8")


def test_every_field_that_the_warehouse_compares_has_its_rule() -> None:
    sql = (PROJECT_DIR / "dbt_project/models/marts/core/fct_transfers.sql").read_text(encoding="utf-8")
    compared = set(re.findall(r"^ +\('(\w+)', '\w+', '\w+', '\w+'\),$", sql, re.MULTILINE))
    assert len(compared) == 6
    assert set(reconcile.comparing_rules(load_standard())) == compared | {"project_code"} == set(COMPARED)


@pytest.mark.parametrize("field", [field for field in COMPARED if field != "project_code"])
def test_a_field_in_dispute_is_told_to_both_sides_with_both_values(tell: Tell, npl_home: Home, field: str) -> None:
    tell(disputed(field))
    own, other = (str(value) for value in COMPARED[field])
    for side, values in (("seller", (own, other)), ("buyer", (other, own))):
        (finding,) = answer(npl_home, side).findings
        assert (finding.fields[0], finding.own_value, finding.other_value) == (field, *values)
        for text in (finding.message.zh, finding.message.en, page(npl_home, side)):
            assert own in text
            assert other in text
        assert "{" not in finding.message.zh + finding.remedy.zh


def test_who_waits_is_told_until_which_day(tell: Tell, npl_home: Home) -> None:
    tell(alone("pending"))
    assert answer(npl_home, "seller").totals == {"pending": 1}
    assert "2026-07-30" in page(npl_home, "seller")
    assert "等待对方报送" in page(npl_home, "seller")
    assert "2026-07-30" in render_text(answer(npl_home, "seller"))
    assert not npl_home.answer("buyer", "buyer-1").exists()


def test_who_waited_in_vain_is_told_to_remind_the_other_side(tell: Tell, npl_home: Home) -> None:
    tell(alone("one_sided"))
    assert "对方未报送" in page(npl_home, "seller")
    assert "提醒对方" in render_text(answer(npl_home, "seller"))


def test_what_says_the_same_is_not_written_again_and_what_was_settled_is(tell: Tell, npl_home: Home) -> None:
    assert tell(disputed("price_cny"), alone("pending")) == 2
    kept = npl_home.answer("seller", "seller-1") / RECONCILIATION_JSON
    before = kept.stat()
    assert tell(disputed("price_cny"), alone("pending")) == 0
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert tell(deal(), alone("pending")) == 2
    assert answer(npl_home, "seller").totals == {"pending": 1, "agreed": 1}
    assert answer(npl_home, "buyer").findings == ()
    assert "无需处理" in page(npl_home, "buyer")


def test_the_answer_of_a_filing_no_longer_in_force_goes_away(tell: Tell, npl_home: Home) -> None:
    tell(deal())
    assert npl_home.answer("buyer", "buyer-1").joinpath(RECONCILIATION_HTML).exists()
    tell(alone("pending"))
    assert list(npl_home.answer("buyer", "buyer-1").iterdir()) == []
    assert answer(npl_home, "seller").totals == {"pending": 1}


def test_what_needs_action_stands_first(tell: Tell, npl_home: Home) -> None:
    tell(deal(), alone("pending"), alone("one_sided"), disputed("price_cny", "principal_cny"))
    told = answer(npl_home, "seller")
    assert [each.status for each in told.deals] == ["disputed", "one_sided", "pending", "agreed"]
    assert [each.rule_id for each in told.findings] == sorted(each.rule_id for each in told.findings)
    assert told.worst == "disputed"


def test_what_was_filed_cannot_run_as_html(tell: Tell, npl_home: Home) -> None:
    tell(deal(project_code_seller="<script>alert(1)</script>", project_code_buyer="P1"))
    assert "&lt;script&gt;" in page(npl_home, "seller")
    assert "<script" not in page(npl_home, "seller")


def test_a_difference_for_which_the_standard_has_no_words_is_our_fault(tell: Tell) -> None:
    with pytest.raises(StandardError, match="loan_count"):
        tell(deal(reconciliation_status="disputed", disputed_fields="loan_count"))
