"""A warehouse that is brought up to date filing by filing holds, row for row, what one made from nothing holds."""

import datetime
import json
import shutil
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pytest
from dbt_build import DBT_PROJECT, run_dbt
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from updated_warehouse import Model, build_from_nothing, models_behind, rows, update
from warehouse_home import OPERATIONS, accepted_columns, write_table
from warehouse_loans import loan, pseudonym, recovery
from warehouse_rows import BUYER, SELLER_A, SELLER_B, Row, filing

from ingest import kept_plan
from ingest.dbt import ARGUMENTS, database_being_built
from ingest.paths import Home
from ingest.plan_steps import Kind

ENDS = ["fct_title_chain", "int_tape_defects", "int_loan_quarters", "fct_recoveries"]
DEALS = {
    "package_id": "varchar",
    "project_code": "varchar",
    "seller_id": "varchar",
    "seller_name": "varchar",
    "buyer_id": "varchar",
    "buyer_name": "varchar",
    "signed_date": "date",
    "signed_date_precision": "varchar",
    "business": "varchar",
    "is_resale": "boolean",
    "is_related_party": "boolean",
    "reconciliation_status": "varchar",
    "is_completed": "boolean",
    "is_demo": "boolean",
    "known_from": "timestamp",
}
# Made anew by every build: the deals, which many views are behind, and of recoveries what an update asks them.
GIVEN = {
    "fct_transfers": "select * from 'deals.parquet'",
    "fct_recoveries": """
        select recoveries.filing_id, recoveries.loan_key, filings.known_to
        from npl.staging.stg_filings__recoveries as recoveries
        inner join npl.staging.stg_operations__filings as filings on recoveries.filing_id = filings.filing_id""",
}
# what an update hands on to the models after it, and nobody else reads
HANDED_ON = {"int_changed_filings", "int_touched_loans", "int_touched_titles", "int_touched_packages"} | {
    "int_changed_deals",
    "int_loan_ranks",
}
SALE = "deals"  # of a package, by its holder
HOLDERS = {"SLA": SELLER_A, "SLB": SELLER_B, "BYD": BUYER}


@dataclass(frozen=True)
class Filed:
    """A filing: loans with their collateral, sales of packages, or cash; or none of it, taking back another."""

    number: int
    institution: str
    tables: dict[str, list[Row]] = field(default_factory=dict)
    ends: str | None = None

    @property
    def filing_id(self) -> str:
        return f"{self.institution}-{self.number}"

    @property
    def decided_at(self) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=self.number)


@st.composite
def filings(draw: st.DrawFn) -> list[Filed]:
    """Originals, corrections and withdrawals of a few loans, packages and holders, so that they meet often."""
    sequence: list[Filed] = []
    for number in range(draw(st.integers(3, 7))):
        in_force = {each.filing_id: each for each in sequence if each.tables}
        for each in sequence:
            in_force.pop(each.ends or "", None)
        kind = draw(st.sampled_from(["original", "original", "correction", "withdrawal"])) if in_force else "original"
        ended = draw(st.sampled_from(sorted(in_force))) if kind != "original" else None
        institution = in_force[ended].institution if ended else draw(st.sampled_from(sorted(HOLDERS)))
        made = Filed(number, institution, ends=ended)
        if kind != "withdrawal":
            made = replace(made, tables=draw(contents(made.filing_id, institution)))
        event(kind)
        sequence.append(made)
    return sequence


@st.composite
def contents(draw: st.DrawFn, report: str, institution: str) -> dict[str, list[Row]]:
    """The rows of a filing, by table; at least one."""
    holder, project = HOLDERS[institution], draw(st.sampled_from(["P1", "P2"]))
    letters = draw(st.lists(st.sampled_from("abcd"), max_size=3, unique=True))
    days = st.sampled_from(["2025-09-30", "2025-11-30", "2025-12-31"])
    amounts = st.integers(1, 9)
    loans = [
        loan(
            report,
            number,
            holder,
            project,
            letter,
            draw(amounts),
            cutoff_date=draw(days),
            originator_name=draw(st.sampled_from([holder, SELLER_A])),
            restructuring_state=draw(st.sampled_from([None, "SQ"])),
            guarantee=draw(st.sampled_from(["XY", "DY"])),
        )
        for number, letter in enumerate(letters, 2)
    ]
    things = [
        {
            "filing_id": report,
            "row_number": number,
            "project_code": project,
            "loan_key": pseudonym(letter),
            "collateral_key": pseudonym("h"),
            "cutoff_date": "2025-11-30",
            "ranking": draw(st.integers(1, 2)),
        }
        for number, letter in enumerate(draw(st.lists(st.sampled_from("abe"), max_size=1)), 2)
    ]
    sale = {"package_id": f"{institution}|{project}", "signed_date": draw(days), "is_completed": draw(st.booleans())}
    cash = [
        recovery(report, 2, project, "2026-01-01", "COL", draw(amounts), holder_name=holder)
        for _ in range(draw(st.integers(0, 1)))
    ]
    made = {"loan": loans, "collateral": things, SALE: [] if letters else [sale], "recovery": cash}
    return {table: filed for table, filed in made.items() if filed}


def _write(home: Path, sequence: list[Filed], standard) -> None:
    """The home as it is after these filings were decided."""
    ended_at = {each.ends: each.decided_at for each in sequence if each.ends}
    facts, deals = [], {}
    for each in sequence:
        known_to = ended_at.get(each.filing_id)
        facts.append(
            filing(each.filing_id, each.institution, 1)
            | {
                "decided_at": each.decided_at,
                "known_from": each.decided_at,
                "known_to": known_to,
                "state": "superseded" if known_to else "accepted",
            }
        )
        for table, filed in each.tables.items():
            if table != SALE:
                own = {"filing_institution": each.institution, "filing_period": "2025-12", "standard_version": "2.0"}
                target = home / "accepted" / table / f"{each.filing_id}.parquet"
                if not target.exists():
                    write_table(target, accepted_columns(table, standard), [row | own for row in filed])
            elif known_to is None:
                (sold,) = filed
                names = {"seller_id": each.institution, "seller_name": HOLDERS[each.institution], "buyer_name": BUYER}
                deals[sold["package_id"]] = (
                    sold | names | {"buyer_id": "BYD", "is_demo": False, "known_from": each.decided_at}
                )
    write_table(home / "operations" / "filings.parquet", OPERATIONS["filings"], facts)
    write_table(home / "deals.parquet", DEALS, list(deals.values()))


def _empty_home(home: Path, built: Path) -> None:
    """Registers and code lists of the tiny home, and nothing filed."""
    shutil.copytree(built / "home" / "operations", home / "operations")
    for path in (built / "home" / "accepted").glob("*/empty.parquet"):
        (home / "accepted" / path.parent.name).mkdir(parents=True)
        shutil.copyfile(path, home / "accepted" / path.parent.name / path.name)


@pytest.fixture(scope="module")
def models(built: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """The models that grow with loans and all behind them, compiled over nothing and over the tiny home's warehouse."""
    root = tmp_path_factory.mktemp("compiled")
    shutil.copyfile(built / "npl.duckdb", root / "npl.duckdb")
    wanted = " ".join(f"+{name}" for name in ENDS)
    result = run_dbt(DBT_PROJECT, built / "home", root / "npl.duckdb", root, "compile", "--select", wanted)
    assert result.success, result.exception
    return models_behind(ENDS, built / "target", root / "target", GIVEN)


def test_what_grows_with_loans_is_not_made_anew(models: list[Model]) -> None:
    growing = {model.name for model in models if model.kind == "incremental"}
    assert growing == {"fct_loans", "fct_title_chain", "int_loan_numbers", "int_loan_quarters", "int_tape_defects"}
    assert all(model.full_sql != model.update.sql for model in models if model.name in growing)


def test_dbt_itself_updates_as_the_models_say(models: list[Model], built: Path, standard, tmp_path: Path) -> None:
    home, database = tmp_path / "home", tmp_path / "npl.duckdb"
    shutil.copytree(built / "home", home)
    shutil.copyfile(built / "npl.duckdb", database)
    facts = home / "operations" / "filings.parquet"
    with duckdb.connect(":memory:") as con:
        # A corrects its tape of P1: a is gone, b is worth less, and g, which B has listed, is on it
        con.execute(f"create table filings as from '{facts}'")
        last = con.execute("select max(known_from) + interval 1 day from filings").fetchone()[0]
        con.execute("update filings set known_to = ?, state = 'superseded' where filing_id = 'A-7'", [last])
        con.execute(
            "insert into filings by name select * replace ('A-9' as filing_id, ? as known_from, null as known_to, "
            "'accepted' as state, ? as decided_at) from filings where filing_id = 'A-7'",
            [last, last],
        )
        con.execute(f"copy filings to '{facts}'")
    own = {"filing_institution": "A", "filing_period": "2025-12", "standard_version": "2.0"}
    tape = [loan("A-9", 2, SELLER_A, "P1", "b", 49) | own, loan("A-9", 3, SELLER_A, "P1", "g", 8) | own]
    write_table(home / "accepted" / "loan" / "A-9.parquet", accepted_columns("loan", standard), tape)

    wanted = " ".join(f"+{name}" for name in ENDS)
    result = run_dbt(DBT_PROJECT, home, database, tmp_path, "run", "--select", wanted, *ARGUMENTS[Kind.update])
    assert result.success, result.exception
    with chdir(home), duckdb.connect(":memory:") as con:
        con.execute(f"attach '{database}' as updated (read_only)")
        con.execute("copy updated.core.fct_transfers to 'deals.parquet'")
        con.execute("attach ':memory:' as npl")
        build_from_nothing(con, models)
        changed = "select count(*) from updated.core.fct_loans where filing_id in ('A-7', 'A-9') and is_current"
        assert con.execute(changed).fetchone() == (2,)
        for model in models:
            if model.kind == "incremental":
                relation = model.relation.replace('"npl"', "updated")
                difference = f"(from {model.relation} except all from {relation})"
                assert con.execute(f"select * from {difference}").fetchall() == [], model.name
                count = con.execute(f"select count(*) from {relation}").fetchone()
                assert count == (len(rows(con, model)),), model.name


def test_a_build_by_the_plan_gives_what_dbt_gave(built: Path, tmp_path: Path) -> None:
    zones, installation = Home(tmp_path / "home"), tmp_path / "installation"
    shutil.copytree(built / "home", zones.root)
    again = database_being_built(zones)
    again.parent.mkdir(parents=True)
    kept_plan.keep(zones, Kind.whole, "these models", built / "npl.duckdb", built / "target", installation)
    assert kept_plan.build(zones, Kind.whole, "these models", again, tmp_path / "target", installation)
    with chdir(zones.root), duckdb.connect(":memory:") as con:
        con.execute(f"attach '{built / 'npl.duckdb'}' as by_dbt (read_only); attach '{again}' as by_plan (read_only)")
        columns = (
            "select schema_name, table_name, column_name, data_type, is_nullable, comment from duckdb_columns() "
            "where database_name = '{}' order by all"
        )
        assert con.execute(columns.format("by_dbt")).fetchall() == con.execute(columns.format("by_plan")).fetchall()
        nodes = json.loads((built / "target" / "manifest.json").read_bytes())["nodes"].values()
        tables = [
            f"{node['schema']}.{node['alias']}"
            for node in nodes
            if node["config"]["materialized"] in ("table", "incremental", "seed")
        ]
        filled = 0
        for table in tables:
            difference = f"(from by_dbt.{table} except all from by_plan.{table})"
            assert con.execute(f"select * from {difference}").fetchall() == [], table
            counts = [
                con.execute(f"select count(*) from {place}.{table}").fetchone() for place in ("by_dbt", "by_plan")
            ]
            assert counts[0] == counts[1], table
            filled += counts[0] > (0,)
        assert filled > 40


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequence=filings(), first=st.integers(1, 3))
def test_updates_give_what_a_build_from_nothing_gives(
    models: list[Model],
    built: Path,
    standard,
    tmp_path_factory: pytest.TempPathFactory,
    sequence: list[Filed],
    first: int,
) -> None:
    home = tmp_path_factory.mktemp("home")
    _empty_home(home, built)
    with chdir(home), duckdb.connect(":memory:") as updated, duckdb.connect(":memory:") as new:
        for con in (updated, new):
            con.execute("attach ':memory:' as npl")
        _write(home, sequence[:first], standard)
        build_from_nothing(updated, models)
        for last in range(first + 1, len(sequence) + 1):
            _write(home, sequence[:last], standard)
            update(updated, models)
        build_from_nothing(new, models)
        for model in models:
            if model.kind != "view" and model.name not in HANDED_ON:
                assert rows(updated, model) == rows(new, model), model.name
    shutil.rmtree(home)
