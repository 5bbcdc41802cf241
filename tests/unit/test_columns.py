"""A long table is judged by its columns first: whatever is left out, the outcome is that of the careful way."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from expectations import columns, engine, filed_rows, work_database
from expectations.compile import checks_of, column_names, missing_reasons, quoted, sql_text, text_column
from expectations.spec import Standard, load_standard
from ingest.synthetic_loans import TapeShape
from ingest.synthetic_tape import Tape, loan_rows

SHAPE = TapeShape("SLXJ01-2026-031", "示例第一消费金融有限公司", datetime.date(2025, 12, 31))
CONTEXT = {
    "filing_institution": "SLXJ01",
    "filing_institution_name": "示例第一消费金融有限公司",
    "filing_subject": "SLXJ01",
    "filing_period_start": "2026-01-01",
    "filing_period_end": "2026-01-31",
}
WITHOUT_GAPS = "select columns(lambda name: not regexp_matches(name, 'missing_reasons|blanks_')) from filed_loan"
# what the defects of a synthetic tape don't show: each cell stands in one row of its own
ODD_CELLS = (
    {"cutoff_date": "20251231"},
    {"cutoff_date": "2025-12-31 "},
    {"write_off_date": "ND4-2026-03-31"},
    {"default_date": "-2025-12-01"},
    {"principal_cny": "68000.005"},
    {"principal_cny": "1E+05"},
    {"principal_cny": "１２３"},
    {"interest_cny": "+5"},
    {"contact_attempts": "12.0"},
    {"contact_attempts": "ND1"},
    {"claim_total_cny": "110101199001011237"},
    {"remarks": "#REF!"},
    {"remarks": "看\u200b不见"},
    {"remarks": "联系人：张某某"},
    {"defects": "HIDDEN"},
    {"five_tier": "损失类"},
    {"is_baojiaolou": None},
    {"is_baojiaolou": "true"},
    {"is_baojiaolou": "也许"},
    {"currency": "RMB"},
    {"currency": "ND1"},
    {"currency": None},
    {"unheard_of": "13800000000"},
    {"unheard_of": "某物"},
)


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def judged(rows: pa.Table, standard: Standard) -> dict[str, list[tuple[Any, ...]]]:
    """All that judging a loan table leaves in the work database."""
    with duckdb.connect() as con:
        work_database.load_rows(con, "loan", rows)
        work_database.prepare(con, standard, CONTEXT)
        checks = filed_rows.type_rows(con, standard, "loan")
        result = engine.judge_table(con, standard, "loan", checks)
        spec = standard.tables["loan"]
        filed = rows.column_names[1:]
        texts = ", ".join(f"{quoted(name)} as {text_column(name)}" for name in filed)
        reasons = f"""
            select row_number, {missing_reasons(standard, spec, filed)} as missing_reasons
            from filed_loan join (select row_number, {texts} from raw_loan) using (row_number) order by row_number"""
        if filed_rows.REASONS_COLUMN in column_names(con, "filed_loan"):
            reasons = "select row_number, missing_reasons from filed_loan order by row_number"
        return {
            "filed": con.execute(f"{WITHOUT_GAPS} order by row_number").fetchall(),
            "types": con.execute(f"select column_name, column_type from (describe {WITHOUT_GAPS})").fetchall()[:50],
            "reasons": con.execute(reasons).fetchall(),
            "broken": con.execute("select * from broken_loan order by all").fetchall(),
            "held": con.execute("select * from held_loan order by all").fetchall(),
            "counts": [(check.index, count) for check, count in result.counts.items()],
        }


def tape(rows: list[dict[str, str | None]]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return pa.table({"row_number": pa.array(range(2, len(rows) + 2), pa.int64()), **cells})


def defective_rows() -> dict[str, list[dict[str, str | None]]]:
    clean, _ = loan_rows(Tape(SHAPE, 200))
    spoiled, _ = loan_rows(Tape(SHAPE, 600, Decimal("0.2")))
    odd = [dict(row) for row in clean]
    for row, cells in zip(odd, ODD_CELLS, strict=False):
        row.update(cells)
    narrow = [{name: cell for name, cell in row.items() if name not in ("five_tier", "industry")} for row in spoiled]
    all_spoiled = [dict(row) | {"principal_cny": "约十万", "five_tier": "坏"} for row in clean]
    return {
        "clean": [dict(row) for row in clean],
        "spoiled": [dict(row) for row in spoiled],
        "odd": odd,
        "narrow": narrow,
        "all spoiled": all_spoiled,
    }


@pytest.mark.parametrize("kind", defective_rows())
def test_a_look_at_columns_changes_nothing(kind: str, standard: Standard, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tape(defective_rows()[kind])
    careful = judged(rows, standard)
    monkeypatch.setattr(columns, "WORTH_IT", 0)
    by_columns = judged(rows, standard)
    assert by_columns == careful
    assert len(by_columns["filed"]) == rows.num_rows


@pytest.mark.parametrize("few", [0, 10**9])
def test_many_or_few_texts_are_looked_at_alike(few: int, standard: Standard, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tape(defective_rows()["odd"])
    careful = judged(rows, standard)
    monkeypatch.setattr(columns, "WORTH_IT", 0)
    monkeypatch.setattr(columns, "FEW_OF_SAMPLE", few)
    by_columns = judged(rows, standard)
    assert by_columns == careful


def test_columns_of_a_clean_tape_leave_few_checks_for_its_rows(
    standard: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "WORTH_IT", 0)
    rows = tape(defective_rows()["clean"])
    with duckdb.connect() as con:
        work_database.load_rows(con, "loan", rows)
        work_database.prepare(con, standard, CONTEXT)
        checks = checks_of(standard, "loan", rows.column_names[1:])
        facts = columns.study(con, standard, standard.tables["loan"], checks)
    unbroken = {index for each in facts.values() for index in each.unbroken}
    left = [check for check in checks if check.field and check.index not in unbroken]
    assert len(unbroken) > 180
    assert {check.rule.id for check in left} == {"NPL-SCH-003"}  # required when another field says so
    assert facts["currency"].texts == ("CNY",)
    assert facts["cutoff_date"].casts_plainly
    assert facts["annual_rate"].gives_reasons
    assert not facts["principal_cny"].gives_reasons


@pytest.mark.parametrize("table", sorted(load_standard().tables))
def test_every_table_of_the_standard_can_be_looked_at(
    table: str, standard: Standard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = standard.example_row(table)
    rows = pa.table(
        {"row_number": pa.array([2, 3], pa.int64()), **{k: pa.array([v, None], pa.string()) for k, v in row.items()}}
    )
    outcomes = []
    for worth_it in (10**9, 0):
        monkeypatch.setattr(columns, "WORTH_IT", worth_it)
        with duckdb.connect() as con:
            work_database.load_rows(con, table, rows)
            work_database.prepare(con, standard, CONTEXT)
            checks = filed_rows.type_rows(con, standard, table)
            outcomes.append(
                con.execute(f"{WITHOUT_GAPS.replace('filed_loan', f'filed_{table}')} order by row_number").fetchall()
            )
    assert checks
    assert outcomes[0] == outcomes[1]


def test_long_tables_from_parquet_lie_in_the_order_of_their_rows(tmp_path: Path) -> None:
    """Two threads and a long list after IN: what DuckDB makes of it by itself is out of order."""
    source = sql_text(str(tmp_path / "raw.parquet"))
    with work_database.connect(str(tmp_path / "filing.duckdb")) as con:
        rows = "select range as row_number, 'x' || range % 20 as c0 from range(600_000)"
        con.execute(f"copy ({rows}) to {source} (format parquet, row_group_size 16_384)")
        listed = ", ".join(f"'x{number}'" for number in range(12))
        filed_rows._keep_long(con, "filed_loan", f"select *, c0 in ({listed}) as a from read_parquet({source})")
        before = "lag(row_number) over () as before"
        astray = f"select count(*) from (select row_number, {before} from filed_loan) where before >= row_number"
        assert con.execute(astray).fetchall() == [(0,)]
        assert con.execute("select count(*), max(row_number) from filed_loan").fetchall() == [(600_000, 599_999)]
