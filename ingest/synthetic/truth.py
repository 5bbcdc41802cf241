"""The true figures of an invented market, added up from the world in plain Python: no SQL, nothing of the pipeline.

Amounts are text with two places; a ratio is given by its two parts, so that nobody has to agree on rounding.
"""

import datetime
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ingest.synthetic.world import Deal, Package, World

BUSINESS = {"DG1": "single_corporate", "DGN": "batch_corporate"}
BANDS = (
    (365, "under_1_year"),
    (730, "1_to_2_years"),
    (1095, "2_to_3_years"),
    (1460, "3_to_4_years"),
    (1825, "4_to_5_years"),
)
NO_SALE = ("ABS", "RIGHTS")


def truth_of(world: World) -> dict[str, Any]:
    """`quarterly_activity`: one entry per quarter, breakdown and value, parts of ratios beside each other.
    `deals`: each deal that somebody filed and how its sides stand. `recoveries`: per holder, month and route. `tapes`:
    per package.
    """
    return {
        "quarterly_activity": _activity(world),
        "deals": _deals(world),
        "recoveries": _recoveries(world),
        "tapes": _tapes(world),
    }


def is_sale(deal: Deal) -> bool:
    """Whether the claim changed hands."""
    return deal.mode not in NO_SALE


def _activity(world: World) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    sold = {deal.package.code: deal for deal in world.deals}

    def count(quarter: str, package: Package, listed: bool, **amounts: Decimal) -> None:
        for name, value in _kinds(package, sold.get(package.code), listed or package.code in noticed).items():
            one = sums[quarter, name, value]
            for key, amount in amounts.items():
                one[key] += amount

    noticed = {package.code for package in world.packages if not package.withdrawn}
    for package in world.packages:
        if not package.withdrawn:
            quarter = _quarter(package.listed)
            count(quarter, package, True, listed_count=Decimal(1), listed_claim_cny=package.claim)
    for deal in filter(is_sale, world.deals):
        figures = {"completed_count": Decimal(1)}
        if deal.kind == "observed":
            figures["completed_without_claim_count"] = Decimal(1)
        else:
            price = _price(deal)
            figures |= {
                "completed_claim_cny": deal.package.claim,
                "completed_principal_cny": deal.package.principal,
                "priced_count": Decimal(1),
                "price_cny": price,
                "discount_price_cny": price,
                "priced_claim_cny": deal.package.claim,
                "recovery_price_cny": price,
                "priced_principal_cny": deal.package.principal,
            }
        count(_quarter(deal.signed), deal.package, False, **figures)
    return [
        {"quarter": quarter, "breakdown": name, "breakdown_value": value, **_written(figures)}
        for (quarter, name, value), figures in sorted(sums.items())
    ]


def _kinds(package: Package, deal: Deal | None, is_noticed: bool) -> dict[str, str]:
    """The breakdowns that a package counts in."""
    band = next((name for days, name in BANDS if package.overdue_days < days), "over_5_years")
    return {
        "all": "all",
        "business": BUSINESS.get(package.asset_type, "batch_personal"),
        "seller_type": package.seller.type,
        "buyer_type": deal.buyer.type if deal else "unknown",
        "asset_type": package.asset_type,
        "province": package.seller.province,
        "overdue_band": band if is_noticed else "unknown",
    }


def _price(deal: Deal) -> Decimal:
    """What was paid as the platform is told: by the seller, else by the buyer."""
    return deal.price


def _deals(world: World) -> list[dict[str, Any]]:
    told = {"seller_only": "waiting", "buyer_only": "waiting", "disputed": "disputed", "observed": "observed"}
    return [
        {
            "seller": deal.seller.id,
            "buyer": deal.buyer.id,
            "project_code": deal.package.code,
            "signed_quarter": _quarter(deal.signed),
            "sides": told.get(deal.kind, "agreed"),
            "price_cny": None if deal.kind == "observed" else f"{_price(deal):.2f}",
            "is_sale": is_sale(deal),
            "is_resale": deal.is_resale,
            "is_debt_to_equity": None if deal.kind == "observed" else deal.mode == "DIRECT_DE",
        }
        for deal in sorted(world.deals, key=lambda each: each.package.code)
    ]


def _recoveries(world: World) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for deal in world.deals:
        for cash in deal.cash:
            one = sums[deal.buyer.id, cash.month.isoformat(), cash.route]
            one["gross_cash_cny"] += cash.gross
            one["tax_cost_cny"] += cash.tax
            one["lawyer_cost_cny"] += cash.lawyer
            one["other_cost_cny"] += cash.other
            one["net_cash_cny"] += cash.net
    return [
        {"holder": holder, "month": month, "route": route, **_written(figures)}
        for (holder, month, route), figures in sorted(sums.items())
    ]


def _tapes(world: World) -> list[dict[str, Any]]:
    return [
        {
            "project_code": package.code,
            "loans": package.loans,
            "borrowers": package.borrowers,
            "principal_cny": f"{package.principal:.2f}",
            "interest_cny": f"{package.interest:.2f}",
        }
        for package in sorted(world.packages, key=lambda each: each.code)
        if package.tape is not None
    ]


def _quarter(day: datetime.date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def _written(figures: dict[str, Decimal]) -> dict[str, Any]:
    write: Callable[[str, Decimal], Any] = lambda name, value: int(value) if name.endswith("count") else f"{value:.2f}"  # noqa: E731
    return {name: write(name, value) for name, value in sorted(figures.items())}
