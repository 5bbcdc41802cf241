"""Filings of invented institutions: what a first run shows beside the real notices, and the examples in `examples/`.

Everything derives from the standard's example rows, so that a new field or code needs no change here, and nothing is
random: the same standard gives the same bytes. Good packages tie to the cent; each planted defect is one sentence in
`demo_filings`. Months are 2026-04 to 2026-10, after every collected notice, so that no real quarter gets a demo figure.
"""

import datetime
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from expectations.spec import Row, Standard, load_standard
from ingest.paths import temporary_beside, write_bytes
from ingest.synthetic.demo_tapes import tape_filings
from ingest.synthetic.institutions import registered
from ingest.synthetic_files import SyntheticFiling, contents_of, folder_contents

NOTICE, TRANSFER = "package_notice", "transfer_result"
EXAMPLES_FOLDER = "examples/filings"
CENT = Decimal("0.01")
RATIO = Decimal("0.000001")
RELISTED = "（重新挂牌）"
HELD_ISSUE = 17
BIG_FILING_ROWS = 48


@dataclass(frozen=True)
class Package:
    """A package on sale; amounts are CNY. Larger issues of a seller differ in every figure."""

    seller: str
    issue: int
    asset_type: str
    scale: int = 1

    @property
    def code(self) -> str:
        return f"{self.seller}-2026-{self.issue:03}"

    @property
    def principal(self) -> Decimal:
        return Decimal(31_417_283 + 1_618_033 * self.issue) * self.scale + Decimal(self.issue * 37 % 100) * CENT

    @property
    def interest(self) -> Decimal:
        return (self.principal * (14 + self.issue % 7) / 100).quantize(CENT)

    @property
    def fees(self) -> Decimal:
        return (self.principal / 300).quantize(CENT)

    @property
    def principal_interest(self) -> Decimal:
        return self.principal + self.interest

    @property
    def claim(self) -> Decimal:
        return self.principal_interest + self.fees

    @property
    def borrowers(self) -> int:
        return int(self.principal_interest // 120_000)

    @property
    def loans(self) -> int:
        return self.borrowers + self.borrowers // 3


def write_demo_filings(inbox: Path) -> int:
    """Put the demo filings into the inboxes of their institutions, the same bytes each time; return how many."""
    standard = load_standard()
    filings = demo_filings(standard)
    for filing in filings:
        _write(inbox, filing, standard)
    return len(filings)


def write_demo_correction(inbox: Path, replaces_id: str) -> Path:
    """Put a correction of the demo sale notice of 2026-05 (SLXJ01) into the inbox; return where it lies.

    `replaces_id` is the id of that notice's accepted filing, so this cannot be part of the demo set.
    """
    standard = load_standard()
    original = next(
        filing for filing in demo_filings(standard) if replaces_id.startswith(f"{filing.institution}-{filing.period}-")
    )
    (row,) = original.tables[NOTICE]
    corrected = {NOTICE: [row | {"weighted_overdue_days": "735.50"}]}
    return _write(
        inbox,
        replace(original, name=f"{original.name}-correction", tables=corrected, sequence=2, replaces=replaces_id),
        standard,
    )


def demo_filings(standard: Standard) -> list[SyntheticFiling]:
    """The demo set: three packages from notice to transfer, two loan by loan, and filings with one defect each."""
    agreed = Package("SLXJ01", 11, "XF")
    disputed = Package("SLYH02", 3, "XK", scale=4)
    one_sided = Package("SLQC01", 1, "XF")
    teased, listed, signed = datetime.date(2026, 4, 13), datetime.date(2026, 5, 11), datetime.date(2026, 6, 1)
    card_listed, card_signed = datetime.date(2026, 6, 1), datetime.date(2026, 6, 22)
    first_listed, relisted = datetime.date(2026, 5, 18), datetime.date(2026, 7, 6)
    sold = datetime.date(2026, 7, 27)
    price = _price(agreed, "0.08")
    card_price = _price(disputed, "0.05")

    def notice(package: Package, kind: str, day: datetime.date, **changes: str | None) -> dict[str, list[Row]]:
        return {NOTICE: [notice_row(standard, package, kind, day, **changes)]}

    def transfer(package: Package, side: str, buyer: str, day: datetime.date, amount: Decimal) -> dict[str, list[Row]]:
        return {TRANSFER: [transfer_row(standard, package, side, buyer, day, amount)]}

    wrong = Package("SLYH01", 101, "JY")
    leaking = Package("SLYH02", 4, "XK")
    outdated = Package("SLQC01", 2, "XF")
    ragged = Package("SLYH01", 102, "JY")
    return [
        # one package teased, listed and sold; both sides file the same price
        SyntheticFiling("2026-04-teaser", "SLXJ01", "2026-04", notice(agreed, "ZS", teased)),
        SyntheticFiling("2026-05-sale", "SLXJ01", "2026-05", notice(agreed, "ZR", listed)),
        SyntheticFiling("2026-06-transfer", "SLXJ01", "2026-06", transfer(agreed, "seller", "SLZG01", signed, price)),
        SyntheticFiling(
            "2026-06-purchase", "SLZG01", "2026-06", transfer(agreed, "buyer", "SLZG01", signed, price), "bom_folder"
        ),
        # listed and sold in one month; the buyer's price differs from the seller's
        SyntheticFiling(
            "2026-06",
            "SLYH02",
            "2026-06",
            notice(disputed, "ZR", card_listed) | transfer(disputed, "seller", "SLZG02", card_signed, card_price),
            "workbook",
        ),
        SyntheticFiling(
            "2026-06-purchase",
            "SLZG02",
            "2026-06",
            transfer(disputed, "buyer", "SLZG02", card_signed, card_price - 36_000),
            "bom_folder",
        ),
        # listed in vain, listed again, sold; the buyer files nothing
        SyntheticFiling("2026-05-sale", "SLQC01", "2026-05", notice(one_sided, "ZR", first_listed), "zip"),
        SyntheticFiling(
            "2026-07-relisting",
            "SLQC01",
            "2026-07",
            notice(one_sided, "RE", relisted, first_listed_date=first_listed.isoformat())
            | transfer(one_sided, "seller", "SLZG02", sold, _price(one_sided, "0.061")),
            "zip",
        ),
        # 48 packages of which one is held
        SyntheticFiling("2026-06-packages", "SLYH01", "2026-06", {NOTICE: list(_many_notices(standard))}, "zip"),
        # rejected: principal and interest miss the total by one cent
        SyntheticFiling(
            "2026-05-sale",
            "SLYH01",
            "2026-05",
            notice(
                wrong,
                "ZR",
                listed,
                principal_interest_cny=f"{wrong.principal_interest + CENT}",
                claim_total_cny=f"{wrong.claim + CENT}",
            ),
        ),
        # rejected: personal data in the remarks (an invented person and a number that nobody has)
        SyntheticFiling(
            "2026-08-sale",
            "SLYH02",
            "2026-08",
            notice(leaking, "ZR", datetime.date(2026, 8, 10), remarks="联系人：张某某，电话 13800000000"),
            "bom_folder",
        ),
        # accepted with a warning: a start price, which the template in force no longer prints
        SyntheticFiling(
            "2026-09-sale",
            "SLQC01",
            "2026-09",
            notice(outdated, "ZR", datetime.date(2026, 9, 7), start_price_cny=f"{_price(outdated, '0.06')}"),
            "zip",
        ),
        # unreadable: thousands separators without quotes make one row longer than the header
        SyntheticFiling(
            "2026-09-sale",
            "SLYH01",
            "2026-09",
            notice(ragged, "ZR", datetime.date(2026, 9, 7)),
            spoil=lambda text: text.replace(f"{ragged.principal}", f"{ragged.principal:,}"),
        ),
        *tape_filings(standard),
    ]


def _many_notices(standard: Standard) -> Iterable[Row]:
    """48 sale notices of one bank, on the working days of June 2026; one says re-listed in its title alone."""
    asset_types = ("XF", "JY", "XK")
    for issue in range(1, BIG_FILING_ROWS + 1):
        package = Package("SLYH01", issue, asset_types[issue % len(asset_types)])
        week, weekday = divmod(issue % 20, 5)
        announced = datetime.date(2026, 6, 1) + datetime.timedelta(days=7 * week + weekday)
        row = notice_row(standard, package, "ZR", announced)
        yield row | ({"package_name": f"{row['package_name']}{RELISTED}"} if issue == HELD_ISSUE else {})


def _price(package: Package, ratio: str) -> Decimal:
    """A price at this share of principal and interest, in whole yuan as bidders bid."""
    return (package.principal_interest * Decimal(ratio)).quantize(Decimal(1)).quantize(CENT)


def notice_row(
    standard: Standard, package: Package, notice_type: str, announced: datetime.date, **changes: str | None
) -> Row:
    """A valid notice of a package; `changes` are written over it (that is how defects are planted)."""
    is_sale = notice_type != "ZS"
    bid = announced + datetime.timedelta(days=14)
    lost, doubtful = package.loans * 6 // 10, package.loans // 10
    sued = package.loans // 3
    row: Row = {
        **_identity(standard, package),
        "notice_id": f"GG-{package.code}-{notice_type}-{announced:%m%d}",
        "notice_type": notice_type,
        "announced_date": announced.isoformat(),
        "package_name": _title(standard, package) + (RELISTED if notice_type == "RE" else ""),
        "weighted_overdue_days": f"{Decimal(600 + 11 * package.issue)}",
        "five_tier_states": f"损失{lost}笔;可疑{doubtful}笔;次级{package.loans - lost - doubtful}笔",
        "guarantee_states": f"信用{package.loans}笔",
        "litigation_states": f"未诉{package.loans - sued}笔;已判未执{sued}笔",
        "registration_deadline_at": f"{bid - datetime.timedelta(days=3)} 17:00:00" if is_sale else None,
        "bid_date": bid.isoformat() if is_sale else None,
        "free_bid_start_at": f"{bid} 09:30:00" if is_sale else None,
        "free_bid_end_at": f"{bid} 10:30:00" if is_sale else None,
        "is_relisted": "是" if notice_type == "RE" else "否",
    }
    return standard.example_row(NOTICE, row | changes)


def transfer_row(
    standard: Standard, package: Package, side: str, buyer_id: str, signed: datetime.date, price: Decimal
) -> Row:
    """A valid transfer result as the seller or the buyer files it."""
    buyer = registered(buyer_id)
    row: Row = {
        **_identity(standard, package),
        "transfer_id": f"JY-{package.code}-{side}",
        "project_name": _title(standard, package),
        "filer_side": side,
        "buyer_name": buyer["name_zh"],
        "buyer_uscc": buyer["uscc"] or None,
        "buyer_type": buyer["institution_type"],
        "counterparty_code": {"LAMC": "C", "NAMC": "D"}[buyer["institution_type"]],
        "signed_date": signed.isoformat(),
        "settled_date": (signed + datetime.timedelta(days=3)).isoformat(),
        "registered_date": (signed + datetime.timedelta(days=7)).isoformat(),
        "registered_amount_cny": f"{package.principal_interest}",
        "price_cny": f"{price}",
        "cash_received_cny": f"{price}",
        "discount_ratio": f"{(price / package.principal_interest).quantize(RATIO)}",
        "principal_recovery_ratio": f"{(price / package.principal).quantize(RATIO)}",
    }
    return standard.example_row(TRANSFER, row)


def _identity(standard: Standard, package: Package) -> Row:
    """What notices and transfers of a package have in common."""
    seller = registered(package.seller)
    return {
        "project_code": package.code,
        "seller_name": seller["name_zh"],
        "seller_uscc": seller["uscc"] or None,
        "seller_type": seller["institution_type"],
        "asset_type": package.asset_type,
        "principal_cny": f"{package.principal}",
        "interest_cny": f"{package.interest}",
        "principal_interest_cny": f"{package.principal_interest}",
        "other_fees_cny": f"{package.fees}",
        "claim_total_cny": f"{package.claim}",
        "loan_count": f"{package.loans}",
        "borrower_count": f"{package.borrowers}",
    }


def _title(standard: Standard, package: Package) -> str:
    asset = next(code.zh for code in standard.codes["asset_type"] if code.code == package.asset_type)
    return f"{registered(package.seller)['name_zh']}关于2026年第{package.issue}期个人不良贷款（{asset}）转让项目"


def example_files(standard: Standard) -> dict[str, bytes]:
    """The committed example filings: path within the project, content."""
    return {
        f"{EXAMPLES_FOLDER}/{filing.name}/{name}": content
        for filing in example_filings(standard)
        for name, content in folder_contents(standard, filing).items()
    }


def example_filings(standard: Standard) -> list[SyntheticFiling]:
    """A good, a rejected and an unreadable filing of the same two packages; none is in the way of the demo set."""
    one, two = Package("SLXJ01", 21, "XF"), Package("SLXJ01", 22, "XF")
    day = datetime.date(2026, 10, 12)
    good = [notice_row(standard, one, "ZR", day), notice_row(standard, two, "ZR", day)]
    # four slips that a clerk knows: a mistyped digit, an abbreviated code, a forgotten cell, a day that does not exist
    rejected = [
        good[0]
        | {
            "principal_interest_cny": f"{one.principal_interest + 100_000}",
            "claim_total_cny": f"{one.claim + 100_000}",
            "sale_method": "网上拍卖",
        },
        good[1] | {"overdue_definition": None, "cutoff_date": "2026-06-31"},
    ]
    return [
        SyntheticFiling("good", "SLXJ01", "2026-10", {NOTICE: good}),
        SyntheticFiling("rejected", "SLXJ01", "2026-10", {NOTICE: rejected}, sequence=2),
        SyntheticFiling(
            "unreadable",
            "SLXJ01",
            "2026-10",
            {NOTICE: good},
            sequence=3,
            spoil=lambda text: text.replace(f"{two.principal}", f"{two.principal:,}"),
        ),
    ]


def _write(inbox: Path, filing: SyntheticFiling, standard: Standard) -> Path:
    """Put a filing into its institution's inbox, whole or not at all; return where it lies."""
    content = contents_of(standard, filing)
    target = inbox / filing.institution / filing.entry
    if isinstance(content, bytes):
        write_bytes(target, content)
        return target
    temporary = temporary_beside(target)
    temporary.mkdir()
    for name, data in content.items():
        (temporary / name).write_bytes(data)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    return target
