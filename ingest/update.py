"""Whether a warehouse that stands can be brought up to date, or has to be made from nothing (docs/adr/0031).

The models add filings to what stands; what they cannot see by themselves is asked here. A database says by what it was
made.
"""

from pathlib import Path

import duckdb

from expectations.compile import sql_text

BASIS = "intermediate.basis"


def can_be_updated(database: Path, filings: Path, basis: str) -> bool:
    """Whether this database was made on the same basis, and the filings exported since only add to those that it knows.

    Loans are numbered by the moments of acceptance: a filing accepted before others that are there already, or one that
    is there no more (a registry from a backup), would number them otherwise.
    """
    if not database.exists():
        return False
    try:
        with duckdb.connect(":memory:") as con:
            con.execute(f"attach {sql_text(str(database))} as built (read_only)")
            if con.execute(f"select digest from built.{BASIS}").fetchall() != [(basis,)]:
                return False
            return con.execute(
                f"""
                with before as (
                    select filing_id, known_from from built.quality.filing_outcomes where known_from is not null
                ),
                present as (select filing_id, known_from from {sql_text(str(filings))} where known_from is not null)
                select count(*) = 0
                from before full outer join present using (filing_id)
                where present.filing_id is null or present.known_from <> before.known_from
                    or (before.filing_id is null and present.known_from <= (select max(known_from) from before))"""
            ).fetchone() == (True,)
    except duckdb.Error:  # damaged, or of a program that knew no updates
        return False


def write_basis(database: Path, basis: str) -> None:
    """Write into a database that was made from nothing by what it was made."""
    with duckdb.connect(str(database)) as con:
        con.execute("create schema if not exists intermediate")
        con.execute(f"create or replace table {BASIS} as select {sql_text(basis)} as digest")
