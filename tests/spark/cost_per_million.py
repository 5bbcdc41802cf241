"""What one million loans cost each engine: core.fct_loans and all that it is made from, built at several sizes.

    .venv/bin/python tests/spark/cost_per_million.py 100000 1000000

CPU seconds, not wall time: they are comparable on a machine that others use too. The line through the sizes gives what
a build costs before the first loan, and what each million adds. Needs the environment that `make test-spark` makes.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[1] / "integration"))

import duckdb
from dbt_build import DBT_PROJECT
from spark_cluster import LOOPBACK, build_on_spark, served_spark
from warehouse_home import write_home

from expectations.spec import load_standard

MODELS = ("build", "--resource-type", "model", "--resource-type", "seed", "--select", "+fct_loans")


def add_loans(home: Path, rows: int) -> None:
    """Repeat the home's accepted loans, each under a key of its own, in one more file of the accepted zone."""
    folder = home / "accepted" / "loan"
    target = folder / "period=2025-12" / "institution=MANY" / "many.parquet"
    target.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        filed = f"read_parquet('{folder}/**/*.parquet', union_by_name = true, hive_partitioning = false)"
        connection.execute(
            f"""copy (
                select loans.* replace (
                    1000000 + repetition * 1000 + loans.row_number as row_number,
                    'MANY-' || repetition || '-' || loans.loan_key as loan_key
                )
                from range({rows}) as repetitions(repetition)
                cross join {filed} as loans
                where loans.filing_id is not null
                limit {rows}
            ) to '{target}' (format parquet, compression zstd)"""
        )


def on_duckdb(home: Path, warehouse: Path, scratch: Path) -> float:
    """Build with DuckDB in a process of its own; its CPU seconds."""
    environment = os.environ | {
        "NPL_HOME": str(home),
        "NPL_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(scratch / "target"),
        "DBT_LOG_PATH": str(scratch / "logs"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *MODELS, "--quiet"]
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    subprocess.run(
        [*dbt, *folders],
        env=environment,
        cwd=scratch,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def line_through(points: list[tuple[int, float]]) -> dict[str, float]:
    """Least squares: seconds before the first row, and seconds for each million rows."""
    count = len(points)
    mean_rows = sum(rows for rows, _ in points) / count
    mean_seconds = sum(seconds for _, seconds in points) / count
    slope = sum((rows - mean_rows) * (seconds - mean_seconds) for rows, seconds in points) / sum(
        (rows - mean_rows) ** 2 for rows, _ in points
    )
    return {"fixed_seconds": mean_seconds - slope * mean_rows, "seconds_per_million_rows": slope * 1e6}


def main(sizes: list[int]) -> None:
    cpu_seconds: dict[str, list[tuple[int, float]]] = {"duckdb": [], "spark": []}
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write_home(root / "home", load_standard())
            add_loans(root / "home", rows)
            cpu_seconds["duckdb"].append((rows, on_duckdb(root / "home", root / "npl.duckdb", root)))
            with served_spark(root / "cluster", LOOPBACK) as cluster:
                seconds = build_on_spark(cluster, DBT_PROJECT, root / "home", root / "spark", *MODELS)
            cpu_seconds["spark"].append((rows, seconds))
            print(json.dumps({engine: points[-1] for engine, points in cpu_seconds.items()}), flush=True)
    print(json.dumps({engine: line_through(points) for engine, points in cpu_seconds.items()}, indent=1))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("two sizes or more make a line")
    main([int(argument) for argument in sys.argv[1:]])
