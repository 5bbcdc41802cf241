"""The case `layout`: every layout holds the same rows, and no question reads what a release withholds."""

from pathlib import Path

import duckdb
import yaml

from ingest.bench.layout import LAYOUTS, QUESTIONS, layouts_of
from ingest.dbt import DBT_PROJECT

MODEL = DBT_PROJECT / "models" / "marts" / "core" / "_fct_loans__models.yml"


def test_layouts_hold_the_same_loans(tmp_path: Path) -> None:
    (model,) = yaml.safe_load(MODEL.read_text(encoding="utf-8"))["models"]
    columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
    with duckdb.connect(str(tmp_path / "npl.duckdb")) as con:
        con.execute(f"create schema core; create table core.fct_loans ({columns})")
        con.execute(
            "insert into core.fct_loans by name select 'F' || n as filing_id, n as row_number, n as loan_number, "
            "'H|P' || n % 2 as package_id, 'H' as holder_id, true as is_current, n as overdue_days, "
            "date '2026-01-31' as cutoff_date, timestamp '2026-02-01' as known_from from range(9) as t (n)"
        )
    found = layouts_of(tmp_path / "npl.duckdb", repeats=1)
    assert found["rows"] == 9
    assert len(found["layouts"]) == sum(len(layout.forms) for layout in LAYOUTS)
    assert all(each["cpu_seconds"].keys() == QUESTIONS.keys() for each in found["layouts"].values())
    assert [path.name for path in tmp_path.iterdir()] == ["npl.duckdb"]
