"""A fact of the invented market in the standard's words: one row as an institution writes it, under field names."""

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal

from expectations.spec import Row, Standard
from ingest.synthetic.world import CENT, Cash, Deal, Package, Party, Quarter

NOTICE, TRANSFER, RECOVERY, COMPLIANCE = "package_notice", "transfer_result", "recovery", "compliance_return"
RATIO = Decimal("0.000001")
SECOND_TEMPLATE = datetime.date(2025, 10, 27)  # of the notice; before it, more was printed
COUNTERPARTIES = {"LAMC": "C", "NAMC": "D"}
COMPLAINTS_A_QUARTER = "2"


def package_row(
    standard: Standard, package: Package, notice_type: str, day: datetime.date, too_much: Decimal = Decimal(0)
) -> Row:
    """A notice of a package; its principal is told as too large by `too_much`."""
    principal = package.principal + too_much
    claim = principal + package.interest
    average = (claim / package.borrowers).quantize(CENT)
    bid = day + datetime.timedelta(days=15)
    first_template = day < SECOND_TEMPLATE
    relisted = notice_type == "RE"
    row: Row = {
        "notice_id": f"GG-{package.code}-{notice_type}",
        "notice_type": notice_type,
        "announced_date": day.isoformat(),
        **_seller(package.seller),
        "project_code": package.code,
        "package_name": title_of(standard, package) + ("（重新挂牌）" if relisted else ""),
        "asset_type": package.asset_type,
        "cutoff_date": package.cutoff.isoformat(),
        "principal_cny": f"{principal}",
        "interest_cny": f"{package.interest}",
        "principal_interest_cny": f"{claim}",
        "other_fees_cny": f"{package.fees}",
        "claim_total_cny": f"{claim + package.fees}",
        "loan_count": f"{package.loans}",
        "borrower_count": f"{package.borrowers}",
        "weighted_overdue_days": f"{package.overdue_days}",
        "weighted_age_years": _age(package),
        "weighted_credit_line_cny": "20000.00" if first_template and package.is_personal else None,
        "max_borrower_balance_cny": f"{_largest(package, claim, average)}" if first_template else None,
        "avg_borrower_balance_cny": f"{average}" if first_template else None,
        "start_price_cny": f"{(claim / 50).quantize(CENT)}" if first_template else None,
        "bid_increment_cny": "1000.00" if first_template else None,
        "write_off_states": f"未核销{package.loans}笔" if first_template else None,
        **_states(standard, package),
        "registration_deadline_at": f"{bid - datetime.timedelta(days=3)} 17:00:00",
        "bid_date": bid.isoformat(),
        "free_bid_start_at": f"{bid} 09:30:00",
        "free_bid_end_at": f"{bid} 10:30:00",
        "deposit_cny": "1000.00",
        "is_relisted": "是" if relisted else "否",
        "first_listed_date": package.listed.isoformat() if relisted else None,
    }
    return standard.example_row(NOTICE, row)


def deal_row(standard: Standard, deal: Deal, side: str, price: Decimal) -> Row:
    """A transfer result as seller or buyer file it, or (`observer`) as a public notice prints it."""
    package = deal.package
    observed = side == "observer"
    row: Row = {
        "transfer_id": f"JY-{package.code}-{side}",
        "project_code": package.code,
        "project_name": title_of(standard, package),
        "filer_side": side,
        **_seller(deal.seller),
        "buyer_name": deal.buyer.name,
        "buyer_uscc": None,
        "buyer_type": deal.buyer.type,
        "counterparty_code": COUNTERPARTIES[deal.buyer.type],
        "asset_type": package.asset_type,
        "cutoff_date": package.cutoff.isoformat(),
        "signed_date": (deal.signed.replace(day=1) if observed else deal.signed).isoformat(),
        "signed_date_precision": "month" if observed else "day",
        "settled_date": (deal.signed + datetime.timedelta(days=3)).isoformat(),
        "registered_date": (deal.signed + datetime.timedelta(days=6)).isoformat(),
        "transfer_mode": deal.mode,
        "registered_amount_cny": f"{package.claim}",
        "price_cny": f"{price}",
        "cash_received_cny": f"{price}",
        "principal_cny": f"{package.principal}",
        "interest_cny": f"{package.interest}",
        "principal_interest_cny": f"{package.claim}",
        "other_fees_cny": f"{package.fees}",
        "claim_total_cny": f"{package.claim + package.fees}",
        "loan_count": f"{package.loans}",
        "borrower_count": f"{package.borrowers}",
        "discount_ratio": f"{(price / package.claim).quantize(RATIO)}",
        "principal_recovery_ratio": f"{(price / package.principal).quantize(RATIO)}",
        "is_debt_to_equity": "是" if deal.mode == "DIRECT_DE" else "否",
        "is_resale": "是" if deal.is_resale else "否",
    }
    if not observed:
        return standard.example_row(TRANSFER, row)
    printed = ("transfer_id", "project_code", "project_name", "filer_side", "seller_name", "seller_type", "buyer_name",
               "buyer_type", "asset_type", "signed_date", "signed_date_precision")  # fmt: skip
    return {name: row[name] for name in printed} | {
        "source_kind": "public_notice",
        "source_address": f"https://notices.example/{package.code}",
    }


def cash_row(standard: Standard, deal: Deal, cash: Cash) -> Row:
    """A month of a buyer's recoveries from a package by one route."""
    row: Row = {
        "project_code": deal.package.code,
        "loan_key": None,
        "holder_name": deal.buyer.name,
        "holder_uscc": None,
        "month": cash.month.isoformat(),
        "route": cash.route,
        "gross_cash_cny": f"{cash.gross}",
        "collateral_sale_cash_cny": "0.00",
        "tax_cost_cny": f"{cash.tax}",
        "lawyer_cost_cny": f"{cash.lawyer}",
        "enforcement_cost_cny": "0.00",
        "agency_cost_cny": "0.00",
        "other_cost_cny": f"{cash.other}",
        "net_cash_cny": f"{cash.net}",
        "cumulative_gross_cash_cny": f"{cash.cumulative}",
        "collector_name": None,
        "outstanding_principal_cny": f"{cash.outstanding}",
        "settled_borrower_count": "0",
        "is_final": "否",
    }
    return standard.example_row(RECOVERY, row)


def compliance_rows(standard: Standard, party: Party, quarter: Quarter) -> Iterator[Row]:
    """A buyer's return of a quarter in which little happened: every item that is due of everybody."""
    last = quarter.day(3, 31 if quarter.number in (1, 4) else 30)
    counts: Mapping[str, dict[str, str]] = {
        "complaints": {
            "complaint_open_count": "0",
            "complaint_received_count": COMPLAINTS_A_QUARTER,
            "complaint_resolved_count": COMPLAINTS_A_QUARTER,
        },
        "violence": {"incident_count": "0"},
        "staff": {"staff_count": "20", "qualified_staff_count": "20"},
        "disclosure": {"duty_due_count": "9", "duty_met_count": "9", "duty_late_count": "0", "duty_missing_count": "0"},
    }
    blank = {each.name: None for each in standard.tables[COMPLIANCE].fields}
    for code in standard.codes["compliance_item"]:
        if code.parent in counts:
            yield blank | {
                "institution_name": party.name,
                "period_start_date": quarter.day(1, 1).isoformat(),
                "period_end_date": last.isoformat(),
                "item": code.code,
                **counts[code.parent],
            }


def title_of(standard: Standard, package: Package) -> str:
    """A package's title as its notices print it."""
    asset = next(code.zh for code in standard.codes["asset_type"] if code.code == package.asset_type)
    whose = "个人" if package.is_personal else ""
    return f"{package.seller.name}关于{package.year}年第{package.issue}期{whose}不良贷款（{asset}）转让项目"


def _seller(seller: Party) -> Row:
    return {"seller_name": seller.name, "seller_uscc": None, "seller_type": seller.type}


def _age(package: Package) -> str | None:
    summary = package.summary
    if not package.is_personal:
        return None
    if summary is None:
        return "41.50"
    return f"{(Decimal(summary.claim_ages) / summary.claim_with_age).quantize(CENT)}"


def _largest(package: Package, claim: Decimal, average: Decimal) -> Decimal:
    return package.summary.largest_borrower * CENT if package.summary else min(claim, average * 12)


def _states(standard: Standard, package: Package) -> Row:
    """Loans by class, guarantee and litigation, as text."""
    summary, loans = package.summary, package.loans
    told = {
        "five_tier": summary.five_tier if summary else {"5": loans - loans // 4, "4": loans // 4},
        "guarantee": summary.guarantee if summary else {"XY": loans},
        "litigation": summary.litigation if summary else {"WS": loans - loans // 5, "ZX": loans // 5},
    }
    row: Row = {}
    for name, counts in told.items():
        words = {code.code: code.zh for code in standard.codes[name]}
        row[f"{name}_states"] = ";".join(f"{words[code]}{count}笔" for code, count in counts.items() if count)
    return row
