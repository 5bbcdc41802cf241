"""An accepted zone of any size for measuring the warehouse: filings of loans as if they had been accepted one by one.

One generated tape is the mould. Each filing takes loans from it under keys and days of its own, so that ten million
loans cost a few minutes. Rows stand in the zone and facts in the registry as `ingest.accept` leaves them; nothing is
judged.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from expectations.compile import sql_text
from expectations.spec import Rule, Standard, load_standard
from expectations.work_database import accepted_ddl
from ingest import registry, registry_tables
from ingest.accept import PARQUET
from ingest.paths import home
from ingest.register import institution
from ingest.synthetic_loans import TapeShape
from ingest.synthetic_tape import LOAN, Tape, write_tape

TRANSFER = "transfer_result"
SELLERS = ("SLXJ01", "SLYH01", "SLYH02", "SLQC01")
BUYER = "SLZG01"
SIZES = (10_000, 50_000, 100_000, 200_000)  # loans a filing, in turn
MOULD_LOANS = max(SIZES)
CUTOFF = datetime.date(2026, 6, 30)
OPENED = datetime.datetime(2026, 7, 1)
QUARTERS = 12
EVERY_RESALE, EVERY_CORRECTION = 10, 8
PERIOD = "2026-07"


@dataclass(frozen=True)
class Bulk:
    """One filing of loans. `keys_of` names the filing whose loans it holds: its own, or those sold on or corrected."""

    number: int
    institution: str
    loans: int
    keys_of: int
    corrects: int | None = None

    @property
    def filing_id(self) -> str:
        return f"{self.institution}-{PERIOD}-{self.number:05}"

    @property
    def corrected_id(self) -> str | None:
        """A correction comes from whoever filed what it corrects."""
        return None if self.corrects is None else f"{self.institution}-{PERIOD}-{self.corrects:05}"

    @property
    def project_code(self) -> str:
        return f"{self.institution}-2026-{self.keys_of if self.corrects is not None else self.number:05}"

    @property
    def decided_at(self) -> datetime.datetime:
        return OPENED + datetime.timedelta(minutes=self.number)

    @property
    def cutoff(self) -> datetime.date:
        """Later filings speak of later days; a loan that was sold on has its next cut-off date with its new holder."""
        quarter = self.number % QUARTERS if self.keys_of == self.number else QUARTERS
        return CUTOFF + datetime.timedelta(days=91 * (quarter - QUARTERS))


def bulks(loans: int) -> Iterator[Bulk]:
    """Filings of together this many loans.

    Every tenth sells on what the one before sold, and every eighth corrects the one before.
    """
    number, before = 0, None
    while loans > 0:
        size = min(loans, SIZES[number % len(SIZES)])
        seller = SELLERS[number % len(SELLERS)]
        filing = Bulk(number, seller, size, number)
        if before is not None and number % EVERY_CORRECTION == EVERY_CORRECTION - 1:
            size = min(size, before.loans)
            filing = Bulk(number, before.institution, size, before.keys_of, corrects=before.number)
        elif before is not None and number % EVERY_RESALE == EVERY_RESALE - 1:
            size = min(size, before.loans)
            filing = Bulk(number, BUYER, size, before.keys_of)
        yield filing
        loans -= size
        number, before = number + 1, filing


def write_zone(filings: list[Bulk], mould: Path) -> None:
    """Write the filings' rows into the home's accepted zone and their facts into its registry."""
    standard = load_standard()
    if not mould.exists():
        shape = TapeShape("MOULD", "-", CUTOFF)
        write_tape(Tape(shape, MOULD_LOANS), mould, standard, "parquet")
    facts = []
    with duckdb.connect(config={"threads": 2}) as con:
        con.execute(
            f"create table mould as select *, row_number() over () + 1 as row_number from {sql_text(str(mould))}"
        )
        for filing in filings:
            principal = _write_loans(con, standard, filing)
            _write_transfer(con, standard, filing)
            facts.append((filing, principal))
    _register(standard, facts)


def target(table: str, filing: Bulk) -> Path:
    """Where a filing's accepted rows of a table stand; their folder is made."""
    file = home().parquet(home().accepted, table, PERIOD, filing.institution, filing.filing_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _head(filing: Bulk, version: str, row_number: str) -> str:
    return (
        f"'{filing.filing_id}' as filing_id, '{filing.institution}' as filing_institution, "
        f"'{PERIOD}' as filing_period, cast({row_number} as bigint) as row_number, '{version}' as standard_version"
    )


def _write_loans(con: duckdb.DuckDBPyConnection, standard: Standard, filing: Bulk) -> Decimal:
    spec = standard.tables[LOAN]
    name = sql_text(institution_name(filing.institution))
    days = (CUTOFF - filing.cutoff).days
    own = {
        "project_code": sql_text(filing.project_code),
        "holder_name": name,
        "originator_name": sql_text(institution_name(SELLERS[filing.keys_of % len(SELLERS)])),
        # pseudonyms of other loans: the mould's, turned into others of the same letters
        **{
            key: f"translate(md5({key} || '{filing.keys_of}'), '0123456789', 'ghijklmnop')"
            for key in ("loan_key", "borrower_key")
        },
    }
    shifted = {field.name: f"{field.name} - {days}" for field in spec.fields if field.base_type == "date"}
    said = {field.name: field.name for field in spec.fields} | shifted | own
    columns = ", ".join(f"{value} as {column}" for column, value in said.items())
    head = _head(filing, standard.latest_version, "row_number")
    file = sql_text(str(target(LOAN, filing)))
    con.execute(
        f"copy (select {head}, {columns}, null::map(varchar, varchar) as missing_reasons "
        f"from mould where row_number <= {filing.loans + 1} order by row_number) to {file} ({PARQUET})"
    )
    ((principal,),) = con.execute(f"select sum(principal_cny) from {file}").fetchall()
    return Decimal(principal)


def _write_transfer(con: duckdb.DuckDBPyConnection, standard: Standard, filing: Bulk) -> None:
    """The package's sale, as its holder files it: a quarter of what is owed."""
    spec = standard.tables[TRANSFER]
    signed = filing.cutoff + datetime.timedelta(days=20)
    told: dict[str, str] = {
        "transfer_id": sql_text(f"T-{filing.project_code}"),
        "project_code": sql_text(filing.project_code),
        "filer_side": "'seller'",
        "seller_name": sql_text(institution_name(filing.institution)),
        "seller_type": sql_text(str(institution(filing.institution)["institution_type"])),  # type: ignore[index]
        "buyer_name": sql_text(institution_name(BUYER)),
        "buyer_type": sql_text(str(institution(BUYER)["institution_type"])),  # type: ignore[index]
        "asset_type": "'XF'",
        "cutoff_date": f"date '{filing.cutoff}'",
        "signed_date": f"date '{signed}'",
        "transfer_mode": "'DIRECT'",
        "transfer_platform": "'A'",
        "precision": "'exact'",
        "denominator_kind": "'principal_interest'",
        "loan_count": "count(*)",
        "principal_cny": "sum(principal_cny)",
        "principal_interest_cny": "sum(principal_interest_cny)",
        "price_cny": "sum(principal_interest_cny) / 4",
    }
    table = f"accepted_{TRANSFER}"
    con.execute(f"create or replace table {table} ({accepted_ddl(spec)})")
    con.execute(
        f"insert into {table} by name select {_head(filing, standard.latest_version, '2')}, "
        f"{', '.join(f'{value} as {name}' for name, value in told.items())} "
        f"from read_parquet({sql_text(str(target(LOAN, filing)))})"
    )
    con.execute(f"copy {table} to {sql_text(str(target(TRANSFER, filing)))} ({PARQUET})")


def institution_name(institution_id: str) -> str:
    """An institution's Chinese name in the register."""
    found = institution(institution_id)
    assert found is not None
    return str(found["name_zh"])


def _register(standard: Standard, facts: list[tuple[Bulk, Decimal]]) -> None:
    filings: list[dict[str, object]] = []
    states: list[dict[str, object]] = []
    decisions: list[dict[str, object]] = []
    rules: list[dict[str, object]] = []
    fields: list[dict[str, object]] = []
    for filing, principal in facts:
        name, at = {"filing_id": filing.filing_id}, filing.decided_at
        filings.append(
            name
            | {
                "folder": filing.institution,
                "name": filing.filing_id,
                "sha256": f"{filing.number:064x}",
                "institution_id": filing.institution,
                "subject_id": filing.institution,
                "period": PERIOD,
                "sequence": filing.number + 1,
                "kind": "correction" if filing.corrected_id else "original",
                "replaces": filing.corrected_id,
                "received_at": at - datetime.timedelta(seconds=30),
            }
        )
        states += [name | {"state": "received", "at": at - datetime.timedelta(seconds=30)}]
        states += [name | {"state": state, "at": at} for state in ("read", "checked", "accepted")]
        if filing.corrected_id:
            states.append(
                {"filing_id": filing.corrected_id, "state": "superseded", "at": at, "detail": filing.filing_id}
            )
        decisions.append(
            name
            | {
                "verdict": "accepted",
                "standard_version": standard.latest_version,
                "standard_sha256": standard.sha256,
                "report_sha256": "0" * 64,
                "rows_filed": filing.loans + 1,
                "rows_accepted": filing.loans + 1,
                "rows_held": 0,
                # the loans' and once more the sum that their sale names
                "principal_filed_cny": 2 * principal,
                "principal_accepted_cny": 2 * principal,
                "principal_held_cny": Decimal(0),
            }
        )
        rules += [_rule_result(filing, rule) for rule in standard.rules.values() if rule.table in (LOAN, TRANSFER)]
        fields += [_field_result(filing, field.name) for field in standard.tables[LOAN].fields]
    with registry.transaction(writing=True) as connection:
        for table, rows in (
            (registry_tables.filings, filings),
            (registry_tables.states, [{"detail": None} | row for row in states]),
            (registry_tables.decisions, decisions),
            (registry_tables.rule_results, rules),
            (registry_tables.completeness, fields),
        ):
            connection.execute(sa.insert(table), rows)


def _rule_result(filing: Bulk, rule: Rule) -> dict[str, Any]:
    return {
        "filing_id": filing.filing_id,
        "table_name": rule.table,
        "rule_id": rule.id,
        "severity": rule.severity,
        "category": rule.category,
        "rows_judged": filing.loans if rule.table == LOAN else 1,
        "violations": 0,
    }


def _field_result(filing: Bulk, field: str) -> dict[str, Any]:
    return {
        "filing_id": filing.filing_id,
        "table_name": LOAN,
        "field_name": field,
        "rows_filed": filing.loans,
        "asked_count": filing.loans,
        **dict.fromkeys(("nd1_count", "nd2_4_count", "nd5_count", "hidden_count"), 0),
        **dict.fromkeys(("blank_count", "unexplained_count"), 0),
    }
