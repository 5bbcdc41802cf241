"""What the institutions of an invented market hand in, in waves, and which verdict each filing must get.

A wave is a quarter; a last one holds corrections alone. What is corrected or withdrawn was filed in an earlier wave,
and what a deal or a recovery refers to was filed there or by the same institution. Every verdict here follows from how
the filing was made, not from judging it.
"""

import datetime
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal, get_args

from expectations.spec import Row, Standard
from ingest.synthetic.mistakes import MISTAKES
from ingest.synthetic.rows import (
    COMPLIANCE,
    NOTICE,
    RECOVERY,
    TRANSFER,
    cash_row,
    compliance_rows,
    deal_row,
    package_row,
)
from ingest.synthetic.world import Deal, Package, Party, Quarter, World
from ingest.synthetic_files import Form, SyntheticFiling
from ingest.synthetic_tape import Tape, TapeForm

DESK = "DESK"
FORMS: tuple[Form, ...] = get_args(Form)
TAPE_FORMS: tuple[TapeForm, ...] = ("csv", "gb18030", "parquet", "xlsx")
XLSX_LOANS = 50_000
TAPE_DEFECTS = Decimal("0.02")
NO_DEFECT = Decimal(0)
Verdict = Literal["accepted", "accepted_with_holds", "rejected", "unreadable"]


@dataclass(frozen=True)
class Planned:
    """A filing to write: what it holds (rows, or the tape of a package), and what must come of it.

    `rules` are those that must find something in it. `replaces` is the name of an earlier one. `again` is the wave in
    which the same bytes are handed in once more, to no effect.
    """

    wave: int
    content: SyntheticFiling
    verdict: Verdict
    why: str
    rules: tuple[str, ...] = ()
    replaces: str | None = None
    tape: Tape | None = None
    tape_form: TapeForm = "csv"
    again: int | None = None

    @property
    def name(self) -> str:
        return self.content.name


@dataclass
class _Desk:
    """Everything that one institution files for one quarter, and how often it tried."""

    party: str
    quarter: Quarter
    sequence: int = 0
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    corrected: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def file(self, table: str, row: Row, corrected: Row | None = None) -> None:
        self.tables[table].append(row)
        self.corrected[table].append(corrected or row)


def plan_filings(world: World, standard: Standard, defects: Decimal, seed: int) -> Iterator[Planned]:
    """All filings in a recommended order of arrival."""
    luck = random.Random(f"filings {seed}")  # noqa: S311 - a simulation, no secret
    for quarter in world.quarters:
        for party in world.sellers + world.buyers:
            desk = _ordinary(world, standard, party, quarter)
            yield from _with_its_mistakes(luck, desk, standard, defects)
            for package in world.packages:
                if package.seller == party and package.listed_in == quarter:
                    if package.withdrawn:
                        yield from _withdrawn(desk, standard, package)
                    if package.tape is not None:
                        yield from _tape(luck, desk, package, defects)
        yield from _observed(world, standard, quarter)


def _ordinary(world: World, standard: Standard, party: Party, quarter: Quarter) -> _Desk:
    """Notices, deals, recoveries and the compliance return of an institution."""
    desk = _Desk(party.id, quarter)
    for package in world.packages:
        if package.seller == party and not package.withdrawn:
            for kind, day in _notices(world, package, quarter):
                told = package_row(standard, package, kind, day, package.mistake)
                desk.file(NOTICE, told, package_row(standard, package, kind, day))
    for deal in world.deals:
        sides = [side for side, one in (("seller", deal.seller), ("buyer", deal.buyer)) if one == party]
        for side in sides:
            if deal.quarter == quarter and deal.kind not in ("observed", _absent(side)):
                desk.file(TRANSFER, *_told(standard, deal, side))
            if side == "buyer":
                for cash in deal.cash:
                    if cash.quarter == quarter:
                        desk.file(RECOVERY, cash_row(standard, deal, cash))
    if party in world.buyers:
        for row in compliance_rows(standard, party, quarter):
            desk.file(COMPLIANCE, row)
    return desk


def _notices(world: World, package: Package, quarter: Quarter) -> Iterator[tuple[str, datetime.date]]:
    if package.listed_in == quarter:
        if package.teased:
            yield "ZS", package.teased
        yield "ZR", package.listed
    if package.relisted and package.relisted_in:
        filed_in = world.quarters[package.relisted_in.index + (1 if package.late_relisting else 0)]
        if filed_in == quarter:
            yield "RE", package.relisted


def _absent(side: str) -> str:
    return "buyer_only" if side == "seller" else "seller_only"


def _told(standard: Standard, deal: Deal, side: str) -> tuple[Row, Row]:
    """A side's row as it is filed first, and as it stands in the end."""
    first = last = deal.price
    if deal.kind == "corrected" or (side == "buyer" and deal.kind in ("disputed", "settled")):
        first = deal.buyer_price
    if side == "buyer" and deal.kind == "disputed":
        last = deal.buyer_price
    return deal_row(standard, deal, side, first), deal_row(standard, deal, side, last)


def _with_its_mistakes(luck: random.Random, desk: _Desk, standard: Standard, defects: Decimal) -> Iterator[Planned]:
    """The filing, a spoiled one before it at this rate, and its correction a quarter later where facts were wrong."""
    if not desk.tables:
        return
    form = luck.choice(FORMS)
    wave = desk.quarter.index
    possible = [each for each in MISTAKES if each.table in desk.tables]
    if luck.random() < defects and possible:
        mistake = luck.choice(possible)
        tables = {name: [dict(row) for row in rows] for name, rows in desk.tables.items()}
        filing = _filing(desk, "spoiled", tables, mistake.form or form)
        if mistake.spoil_text:
            filing = replace(filing, spoil=mistake.spoil_text)
        else:
            mistake.spoil(tables[mistake.table])
        yield Planned(wave, filing, mistake.verdict, mistake.why, mistake.rules)
    original = _filing(desk, "filing", dict(desk.tables), form)
    again = wave + 1 if luck.random() < 0.08 else None
    yield Planned(wave, original, "accepted", "as it should be", again=again)
    if desk.corrected != desk.tables:
        correction = _filing(desk, "correction", dict(desk.corrected), luck.choice(FORMS))
        yield Planned(wave + 1, correction, "accepted", "corrects figures", replaces=original.name)


def _withdrawn(desk: _Desk, standard: Standard, package: Package) -> Iterator[Planned]:
    rows = [package_row(standard, package, "ZR", package.listed)]
    mistaken = _filing(desk, "mistaken", {NOTICE: rows}, "folder")
    yield Planned(desk.quarter.index, mistaken, "accepted", "a notice that its seller takes back later")
    back = replace(_filing(desk, "withdrawal", {}, "folder"), kind="withdrawal")
    yield Planned(desk.quarter.index + 1, back, "accepted", "withdraws a notice", replaces=mistaken.name)


def _tape(luck: random.Random, desk: _Desk, package: Package, defects: Decimal) -> Iterator[Planned]:
    """A package's loans; with defects first, at this rate."""
    assert package.tape is not None
    forms = [form for form in TAPE_FORMS if form != "xlsx" or package.loans <= XLSX_LOANS]
    rates = [TAPE_DEFECTS, NO_DEFECT] if luck.random() < defects else [NO_DEFECT]
    for rate in rates:
        tape = Tape(package.tape, package.loans, rate)
        name = f"tape-{package.issue}" + ("-spoiled" if rate else "")
        content = _filing(desk, name, {}, "folder")
        verdict: Verdict = "rejected" if rate else "accepted"
        why = "loans with planted defects" if rate else "the loans of a package"
        yield Planned(desk.quarter.index, content, verdict, why, tape=tape, tape_form=luck.choice(forms))


def _observed(world: World, standard: Standard, quarter: Quarter) -> Iterator[Planned]:
    """Deals of which the platform's collection desk read a notice: one filing about each seller."""
    about: dict[str, list[Row]] = defaultdict(list)
    for deal in world.deals:
        if deal.kind == "observed" and deal.quarter == quarter:
            about[deal.seller.id].append(deal_row(standard, deal, "observer", Decimal(0)))
    for seller, rows in sorted(about.items()):
        desk = _Desk(DESK, quarter)
        filing = replace(_filing(desk, f"{seller}-observed", {TRANSFER: rows}, "folder"), subject=seller)
        yield Planned(quarter.index, filing, "accepted", "a public notice of a deal that neither side filed")


def _filing(desk: _Desk, name: str, tables: dict[str, list[Row]], form: Form) -> SyntheticFiling:
    desk.sequence += 1
    return SyntheticFiling(
        name=f"{desk.quarter.text}-{desk.sequence:02}-{desk.party}-{name}",
        institution=desk.party,
        period=desk.quarter.text,
        tables=tables,
        form=form,
        sequence=desk.sequence,
    )
