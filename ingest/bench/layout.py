"""The case `layout` of `npl bench`: how the loans of a release should lie, as Parquet and in its database.

The same rows in several orders, row groups and partitions; for each, what it takes to write, its size, and what
questions of researchers cost that read loans row by row. ADR 40 says what was chosen.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from ingest.bench.measure import machine, median, run_work
from ingest.release.folder import DATABASE
from ingest.release.tables import STORAGE_VERSION, parquet_name
from ingest.release_columns import withheld_columns

Result = dict[str, Any]
TABLE = "fct_loans"
ROW_GROUP = 122_880  # DuckDB's own


@dataclass(frozen=True)
class Layout:
    """An order (columns of the table), rows a Parquet row group, and the column by whose values files are split.

    A release's database has the order alone; it is measured where the order differs.
    """

    name: str
    order: str
    row_group: int = ROW_GROUP
    split_by: str | None = None

    @property
    def forms(self) -> tuple[str, ...]:
        return ("parquet", "database") if self.row_group == ROW_GROUP and self.split_by is None else ("parquet",)


BY_DAY = "cutoff_date, package_id, loan_number, filing_id, row_number"
LAYOUTS = (
    Layout("as filed", "filing_id, row_number"),
    Layout("by package", "package_id, loan_number, filing_id, row_number"),
    Layout("by day", BY_DAY),
    Layout("by loan", "loan_number, filing_id, row_number"),
    Layout("by day, small groups", BY_DAY, ROW_GROUP // 6),
    Layout("by day, large groups", BY_DAY, ROW_GROUP * 8),
    Layout("by day, a file a day", BY_DAY, split_by="cutoff_date"),
)
# `{loans}` is the table; each names a package, a day, a holder or a loan that it holds.
QUESTIONS = {
    "overdue days by quarter and product": """
        select date_trunc('quarter', cutoff_date) as quarter, product_group, count(*), avg(overdue_days)
        from {loans} where is_current group by all order by all""",
    "median overdue days by holder": """
        select holder_id, quantile_cont(overdue_days, 0.5), count(*)
        from {loans} where is_current group by all order by all""",
    "one package": "select * from {loans} where package_id = {package} order by loan_number, filing_id",
    "one holder's quarter": """
        select product_group, litigation_state, count(*), max(overdue_days) from {loans}
        where holder_id = {holder} and cutoff_date between {day} - 91 and {day} group by all order by all""",
    "one loan": "select * from {loans} where loan_number = {loan} order by filing_id, row_number",
    "sued on, by product and province of the court": """
        select product, court_province, litigation_state, count(*) from {loans}
        where is_current group by all order by all""",
    "as known then": """
        select filing_institution, count(*), count(distinct package_id) from {loans}
        where known_from <= {moment} and (known_to is null or known_to > {moment}) group by all order by all""",
}


def layout_case(rows: int, repeats: int) -> Result:
    """The loans of a warehouse of `rows` loans, laid out in each way."""
    with tempfile.TemporaryDirectory(prefix="npl-bench-", dir=os.environ.get("NPL_BENCH_DIR")) as place:
        home = Path(place) / "home"
        run_work("zone", [str(rows), str(Path(place) / "mould.parquet")], home)
        run_work("warehouse", [], home)
        return layouts_of(home / "warehouse" / "npl.duckdb", repeats)


def layouts_of(warehouse: Path, repeats: int) -> Result:
    """The same of a warehouse that stands; what is written goes beside it and is removed."""
    with tempfile.TemporaryDirectory(prefix="npl-layout-", dir=warehouse.parent) as place:
        with _session(Path(place)) as con:
            con.execute(f"attach {sql_text(str(warehouse))} as built (read_only)")
            asked = _values(con)
            ((rows,),) = con.execute(f"select count(*) from built.core.{TABLE}").fetchall()
        measured = {
            f"{layout.name} ({form})": _measured(warehouse, Path(place) / "written", layout, form, asked, repeats)
            for layout in LAYOUTS
            for form in layout.forms
        }
    answers = {name: each.pop("answers") for name, each in measured.items()}
    assert len({json.dumps(each, default=str) for each in answers.values()}) == 1, "layouts answer differently"
    return {"case": "layout", "machine": machine(), "rows": rows, "repeats": repeats, "layouts": measured}


def _session(place: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(place / "spill")})


def _values(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What the questions ask for: the package, day, holder, loan and moment in the middle of all."""
    middle = f"from built.core.{TABLE} where is_current order by loan_number limit 1 offset (" + (
        f"select count(*) // 2 from built.core.{TABLE} where is_current)"
    )
    ((package, holder, day, loan, moment),) = con.execute(
        f"select package_id, holder_id, cutoff_date, loan_number, known_from {middle}"
    ).fetchall()
    return {
        "package": sql_text(package),
        "holder": sql_text(holder),
        "day": f"date '{day}'",
        "loan": str(loan),
        "moment": f"timestamp '{moment}'",
    }


def _measured(warehouse: Path, place: Path, layout: Layout, form: str, asked: dict[str, str], repeats: int) -> Result:
    place.mkdir()
    withheld = [*withheld_columns().get(TABLE, ())]
    columns = f"* exclude ({', '.join(withheld)})" if withheld else "*"
    file, database = place / "loans.parquet", place / "loans.duckdb"
    with _session(place) as con:
        con.execute(f"attach {sql_text(str(warehouse))} as built (read_only)")
        rows = f"select {columns} from built.core.{TABLE} order by {layout.order}"
        began = time.process_time()
        if form == "database":
            con.execute(f"attach {sql_text(str(database))} as laid (storage_version '{STORAGE_VERSION}')")
            con.execute(f"create table laid.loans as {rows}")
            con.execute("detach laid")
        else:
            split = f", partition_by ({layout.split_by}), write_partition_columns true" if layout.split_by else ""
            con.execute(
                f"copy ({rows}) to {sql_text(str(file))} "
                f"(format parquet, compression zstd, row_group_size {layout.row_group}{split})"
            )
        written = time.process_time() - began
    shutil.rmtree(place / "spill", ignore_errors=True)
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    loans = (
        f"read_parquet({sql_text(str(file / '**/*.parquet' if layout.split_by else file))}, hive_partitioning = false)"
    )
    laid = database if form == "database" else None
    told = {
        question: _asked(place, sql.format(loans="laid.loans" if laid else loans, **asked), repeats, laid)
        for question, sql in QUESTIONS.items()
    }
    shutil.rmtree(place)
    return {
        "mb": round(size / 2**20),
        "write_cpu_seconds": round(written, 1),
        "cpu_seconds": {question: each.cpu_seconds for question, each in told.items()},
        "seconds": {question: each.seconds for question, each in told.items()},
        "answers": {question: each.answer for question, each in told.items()},
    }


@dataclass(frozen=True)
class Asked:
    """What a question cost, medians, and the first rows of its answer."""

    seconds: float
    cpu_seconds: float
    answer: list[dict[str, Any]]


def _asked(place: Path, sql: str, repeats: int, database: Path | None) -> Asked:
    """Ask, each time in a session of its own: nothing of the last is kept but the system's files.

    A database is attached as `laid`.
    """
    times, cpus = [], []
    for _ in range(repeats):
        with _session(place) as con:
            if database:
                con.execute(f"attach {sql_text(str(database))} as laid (read_only)")
            wall, cpu = time.monotonic(), time.process_time()
            found = con.sql(sql).to_arrow_table()  # as `npl sql` hands it on
            times.append(time.monotonic() - wall)
            cpus.append(time.process_time() - cpu)
    return Asked(median(times), median(cpus), found.slice(0, 50).to_pylist())


def questions_to_release(folder: Path, repeats: int) -> Result:
    """Put the questions to a release's loans: seconds and CPU seconds of each, of its Parquet and of its database."""
    database = folder / DATABASE
    told: Result = {}
    with tempfile.TemporaryDirectory(prefix="npl-questions-") as place:
        with _session(Path(place)) as con:
            con.execute(f"attach {sql_text(str(database))} as built (read_only)")
            asked = _values(con)
        for form, loans in {
            "parquet": f"read_parquet({sql_text(str(folder / parquet_name('core', TABLE)))})",
            "database": f"laid.core.{TABLE}",
        }.items():
            for question, sql in QUESTIONS.items():
                each = _asked(Path(place), sql.format(loans=loans, **asked), repeats, database)
                told.setdefault(form, {})[question] = {"seconds": each.seconds, "cpu_seconds": each.cpu_seconds}
    return told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", type=Path, help="the database of a warehouse that stands")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(json.dumps(layouts_of(arguments.warehouse, arguments.repeats), ensure_ascii=False, indent=1))
