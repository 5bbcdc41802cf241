"""A market that never was: institutions, packages, deals and cash, drawn from a seed. Nothing here knows of filings.

Amounts are CNY to the cent. A package is listed in one quarter and sold in a later one, so that what a deal refers to
is always known before it.
"""

import datetime
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from ingest.synthetic_loans import LOANS_AT_A_TIME, Summary, TapeShape, loans_of
from ingest.synthetic_weights import CORPORATE

CENT = Decimal("0.01")
# type, province, what it sells: each a combination that the register's published rows allow
SELLERS = (
    ("JSB", "310000", ("XF", "XK", "JY", "DG1", "DGN")),
    ("CF", "440000", ("XF", "MIX")),
    ("SOB", "110000", ("XF", "XK", "JY", "DG1", "DGN")),
    ("AF", "320000", ("XF",)),
    ("JSB", "440000", ("XK", "DG1")),
    ("CF", "500000", ("XF",)),
    ("CB", "330000", ("DGN",)),
)
BUYERS = (("LAMC", "310000"), ("NAMC", "110000"), ("LAMC", "440000"), ("NAMC", "110000"), ("LAMC", "330000"))
TYPE_NAMES = {
    "SOB": "大型商业银行股份有限公司",
    "JSB": "股份制商业银行股份有限公司",
    "CB": "城市商业银行股份有限公司",
    "CF": "消费金融有限公司",
    "AF": "汽车金融有限公司",
    "LAMC": "地方资产管理有限公司",
    "NAMC": "全国资产管理股份有限公司",
}
PRICES = {"XF": (30, 90), "XK": (25, 70), "JY": (80, 220), "MIX": (40, 110), "DG1": (200, 700), "DGN": (150, 500)}
SHARE_OF_TAPES = 3  # one personal package in so many is filed loan by loan
MONTHS_OF_CASH = 9

DealKind = Literal["agreed", "disputed", "settled", "corrected", "seller_only", "buyer_only", "observed", "rights"]


@dataclass(frozen=True)
class Party:
    """An invented institution."""

    id: str
    name: str
    type: str
    province: str


@dataclass(frozen=True)
class Quarter:
    """A quarter of the calendar; `index` counts from the first of the market."""

    index: int
    year: int
    number: int

    @property
    def text(self) -> str:
        return f"{self.year}Q{self.number}"

    def day(self, month: int, day: int) -> datetime.date:
        """A day of its first, second or third month."""
        return datetime.date(self.year, 3 * self.number - 3 + month, day)


@dataclass
class Package:
    """What is sold. `teased` and `relisted` may be missing; `tape` is its loans, where they are filed one by one.

    `late_relisting`: the re-listing is filed a quarter after its day. `withdrawn`: its notice was a mistake that its
    seller takes back. `mistake` is what its first notice claimed too much, until it was corrected.
    """

    seller: Party
    year: int
    issue: int
    asset_type: str
    cutoff: datetime.date
    principal: Decimal
    interest: Decimal
    fees: Decimal
    loans: int
    borrowers: int
    overdue_days: Decimal
    listed_in: Quarter
    listed: datetime.date
    teased: datetime.date | None = None
    relisted: datetime.date | None = None
    relisted_in: Quarter | None = None
    late_relisting: bool = False
    withdrawn: bool = False
    mistake: Decimal = Decimal(0)
    tape: TapeShape | None = None
    summary: Summary | None = None

    @property
    def code(self) -> str:
        return f"{self.seller.id}-{self.year}-{self.issue:03}"

    @property
    def claim(self) -> Decimal:
        """未偿本息"""
        return self.principal + self.interest

    @property
    def is_personal(self) -> bool:
        return self.asset_type not in CORPORATE


@dataclass
class Cash:
    """What a buyer recovered of a package in a month, and what that cost."""

    month: datetime.date
    quarter: Quarter
    route: str
    gross: Decimal
    tax: Decimal
    lawyer: Decimal
    other: Decimal
    cumulative: Decimal
    outstanding: Decimal

    @property
    def net(self) -> Decimal:
        return self.gross - self.tax - self.lawyer - self.other


@dataclass
class Deal:
    """A package (or a claim sold again) changes hands.

    Kinds: `agreed` both sides file the same; `disputed` the buyer files `buyer_price`; `settled` was disputed until the
    buyer corrected its side; `corrected` both filed `buyer_price` and then both corrected it to `price`; `seller_only`,
    `buyer_only`; `observed` a public notice alone, which prints the month and no amount; `rights` agreed, but no sale.
    """

    package: Package
    seller: Party
    buyer: Party
    signed: datetime.date
    quarter: Quarter
    kind: DealKind
    price: Decimal
    buyer_price: Decimal
    mode: str = "DIRECT"
    is_resale: bool = False
    cash: list[Cash] = field(default_factory=list)


@dataclass
class World:
    """All that happened."""

    quarters: list[Quarter]
    sellers: list[Party]
    buyers: list[Party]
    packages: list[Package] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)


def quarters_between(first: str, last: str) -> list[Quarter]:
    """All quarters from `2024Q1` to `2025Q2`, both included."""
    start, end = (int(text[:4]) * 4 + int(text[5]) - 1 for text in (first, last))
    return [Quarter(place - start, place // 4, place % 4 + 1) for place in range(start, end + 1)]


def draw_world(institutions: int, quarters: Sequence[Quarter], loans: int, seed: int) -> World:
    """Draw a market: about two sellers to a buyer, and `loans` loans on all tapes together."""
    luck = random.Random(seed)  # noqa: S311 - a simulation, no secret
    buyers = max(2, institutions // 3)
    world = World(
        list(quarters),
        [_party("SX", number, *SELLERS[number % len(SELLERS)][:2]) for number in range(institutions - buyers)],
        [_party("SG", number, *BUYERS[number % len(BUYERS)]) for number in range(buyers)],
    )
    for place, seller in enumerate(world.sellers):
        kinds = SELLERS[place % len(SELLERS)][2]
        for quarter in quarters:
            if luck.random() < 0.55:
                for _ in range(luck.randint(1, 3)):
                    world.packages.append(_package(luck, world, seller, quarter, luck.choice(kinds)))
    _put_on_tape(luck, [each for each in world.packages if each.is_personal and not each.withdrawn], loans)
    for package in world.packages:
        if (deal := _deal(luck, world, package)) is not None:
            world.deals.append(deal)
    world.deals += _resales(luck, world)
    for deal in world.deals:
        _recover(luck, world, deal)
    return world


def _party(prefix: str, number: int, kind: str, province: str) -> Party:
    return Party(f"{prefix}{number + 1:03}", f"虚构第{number + 1}号{TYPE_NAMES[kind]}", kind, province)


def _money(luck: random.Random, low: int, high: int) -> Decimal:
    """An amount between these whole yuan, with cents."""
    return Decimal(luck.randint(low * 100, high * 100)) * CENT


def _package(luck: random.Random, world: World, seller: Party, quarter: Quarter, asset_type: str) -> Package:
    issue = 1 + sum(each.seller == seller and each.year == quarter.year for each in world.packages)
    listed = quarter.day(luck.choice((2, 3)), luck.randint(1, 28))
    borrowers = 1 if asset_type == "DG1" else luck.randint(4, 12) if asset_type == "DGN" else luck.randint(200, 4000)
    each = (8_000_000, 60_000_000) if asset_type in CORPORATE else (6_000, 40_000)
    principal = _money(luck, borrowers * each[0], borrowers * each[1])
    last = quarter.index + 1 >= len(world.quarters)
    package = Package(
        seller=seller,
        year=quarter.year,
        issue=issue,
        asset_type=asset_type,
        cutoff=listed - datetime.timedelta(days=luck.randint(60, 120)),
        principal=principal,
        interest=(principal * luck.randint(80, 320) / 1000).quantize(CENT),
        fees=_money(luck, 0, 200_000),
        loans=borrowers + (0 if asset_type == "DG1" else borrowers // 3),
        borrowers=borrowers,
        overdue_days=Decimal(luck.randint(20_000, 220_000)) * CENT,
        listed_in=quarter,
        listed=listed,
        teased=quarter.day(1, luck.randint(2, 28)) if luck.random() < 0.4 else None,
        withdrawn=luck.random() < 0.06 and not last,
        mistake=_money(luck, 10_000, 90_000) if luck.random() < 0.1 else Decimal(0),
    )
    if luck.random() < 0.25 and not last and not package.withdrawn:
        package.relisted_in = world.quarters[quarter.index + 1]
        package.relisted = package.relisted_in.day(1, luck.randint(3, 28))
        # filed late, and remarked on: only where hardly any filing is still to come that an open remark would stop
        package.late_relisting = quarter.index + 3 == len(world.quarters)
    return package


def _put_on_tape(luck: random.Random, packages: list[Package], loans: int) -> None:
    """Give some packages their loans, evenly."""
    chosen = packages[::SHARE_OF_TAPES]
    if loans < len(chosen) * 40:
        chosen = chosen[: loans // 40]
    for place, package in enumerate(chosen):
        count = loans // len(chosen) + (1 if place < loans % len(chosen) else 0)
        put_on_tape(package, shape_of(package, luck.randrange(2**31)), count)
        package.mistake = Decimal(0)


def shape_of(package: Package, seed: int) -> TapeShape:
    """The tape of a package whose seller made all its loans itself."""
    return TapeShape(
        project_code=package.code,
        holder_name=package.seller.name,
        cutoff=package.cutoff,
        asset_type=package.asset_type,
        originator_name=package.seller.name,
        asset_source="bank" if package.seller.type in ("SOB", "JSB", "CB") else "non_bank",
        seed=seed,
    )


def put_on_tape(package: Package, shape: TapeShape, loans: int) -> None:
    """Give a package its loans; its figures are then the sums of these."""
    package.tape, package.summary = shape, summary_of(shape, loans)
    package.principal = package.summary.principal * CENT
    package.interest = package.summary.interest * CENT
    package.fees = package.summary.fees * CENT
    package.loans, package.borrowers = package.summary.loans, package.summary.borrowers
    claim = package.summary.principal + package.summary.interest
    package.overdue_days = (Decimal(package.summary.claim_days) / claim).quantize(CENT)


def summary_of(shape: TapeShape, loans: int) -> Summary:
    """The figures of a tape of this shape, which whoever writes it gets as well."""
    summary = Summary()
    for part, first in enumerate(range(0, loans, LOANS_AT_A_TIME)):
        loans_of(shape, part, min(LOANS_AT_A_TIME, loans - first), summary)
    return summary


def _deal(luck: random.Random, world: World, package: Package) -> Deal | None:
    last_listed = package.relisted_in or package.listed_in
    place = last_listed.index + 1
    if package.withdrawn or package.late_relisting or place >= len(world.quarters) or luck.random() < 0.15:
        return None
    quarter = world.quarters[place]
    buyers = [
        each
        for each in world.buyers
        if package.is_personal or each.type == "NAMC" or each.province == package.seller.province
    ]
    if not buyers:
        return None
    # what is remarked on comes where hardly any filing is still to come that an open remark would stop
    kinds: list[DealKind] = ["agreed", "agreed", "agreed", "seller_only", "buyer_only", "observed"]
    if place + 2 >= len(world.quarters):
        kinds += ["corrected", "settled", "disputed", "disputed", "rights"]
    kind = luck.choice(kinds)
    low, high = PRICES[package.asset_type]
    price = (package.claim * luck.randint(low, high) / 1000).quantize(Decimal(1)).quantize(CENT)
    to_equity = package.asset_type == "DG1" and kind == "agreed" and luck.random() < 0.4
    return Deal(
        package=package,
        seller=package.seller,
        buyer=luck.choice(buyers),
        signed=quarter.day(luck.choice((1, 2)), luck.randint(8, 28)),
        quarter=quarter,
        kind=kind,
        price=price,
        buyer_price=price - luck.randint(1_000, 9_000),
        mode="RIGHTS" if kind == "rights" else "DIRECT_DE" if to_equity else "DIRECT",
    )


def _resales(luck: random.Random, world: World) -> list[Deal]:
    """Local managers sell some corporate claims on to national ones, who may buy anywhere; nobody resells personal."""
    national = [each for each in world.buyers if each.type == "NAMC"]
    resales: list[Deal] = []
    for deal in world.deals:
        place = deal.quarter.index + 1
        from_local = deal.buyer.type == "LAMC" and deal.package.asset_type == "DG1" and deal.mode == "DIRECT"
        if from_local and deal.kind == "agreed" and place < len(world.quarters) and national:
            quarter = world.quarters[place]
            price = (deal.price * luck.randint(1020, 1300) / 1000).quantize(Decimal(1)).quantize(CENT)
            again = Package(**{**vars(deal.package), "seller": deal.buyer, "year": quarter.year, "teased": None})
            again.issue = 1 + sum(each.seller == deal.buyer and each.quarter.year == quarter.year for each in resales)
            again.relisted = again.relisted_in = None
            buyer, signed = luck.choice(national), quarter.day(3, luck.randint(1, 28))
            resales.append(Deal(again, deal.buyer, buyer, signed, quarter, "agreed", price, price, is_resale=True))
    return resales


def _recover(luck: random.Random, world: World, deal: Deal) -> None:
    """Cash month by month from the month of signing to the market's end, as the buyer will file it."""
    if deal.kind not in ("agreed", "corrected", "settled", "disputed") or deal.mode != "DIRECT" or deal.is_resale:
        return
    resellers = {each.seller for each in world.deals if each.is_resale}
    if deal.buyer in resellers and not deal.package.is_personal:  # nobody files cash of a claim that it has sold on
        return
    cumulative = Decimal(0)
    months = [
        (quarter, month)
        for quarter in world.quarters[deal.quarter.index :]
        for month in (quarter.day(1, 1), quarter.day(2, 1), quarter.day(3, 1))
        if month >= deal.signed.replace(day=1)
    ]
    for quarter, month in months[:MONTHS_OF_CASH]:
        gross = (deal.price * luck.randint(20, 60) / 1000).quantize(CENT)
        cumulative += gross
        deal.cash.append(cash_of(deal, quarter, month, gross, cumulative))


def cash_of(deal: Deal, quarter: Quarter, month: datetime.date, gross: Decimal, cumulative: Decimal) -> Cash:
    """A month of cash and its usual costs: persons are collected from, companies are sued."""
    route = "COL" if deal.package.is_personal else "LIT"
    return Cash(
        month=month,
        quarter=quarter,
        route=route,
        gross=gross,
        tax=(gross * 6 / 1000).quantize(CENT),
        lawyer=Decimal(0) if route == "COL" else (gross * 8 / 100).quantize(CENT),
        other=(gross * 3 / 100).quantize(CENT),
        cumulative=cumulative,
        outstanding=deal.package.principal - cumulative,
    )
