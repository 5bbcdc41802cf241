"""However few of the accepted rows a filing is shown, and whatever became of their index: the findings are the same."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations import engine, filed_rows, work_database
from expectations.compile import typed_rows
from expectations.examples import text_rows
from expectations.findings import findings_of
from expectations.near import asked_near, reads_whole
from expectations.spec import Row, Standard, load_standard
from ingest import near, near_index
from ingest.accepted_files import read_files
from ingest.near import NearRows
from ingest.paths import Home, home

LOAN, SALE = "loan", "transfer_result"
HOLDERS = [f"示例{letter}消费金融有限公司" for letter in "甲乙丙丁"]
TURNS = 5
FILED_LOANS = 8


@pytest.fixture(scope="module")
def standard() -> Standard:
    """The standard with the rules that ask for what is near, and no other."""
    whole = load_standard()
    rules = [
        rule
        for rule in whole.rules.values()
        if rule.state == "active"
        and LOAN in asked_near(whole.with_rules([rule]), [rule.table if rule.table in whole.all_tables else LOAN])
    ]
    return whole.with_rules(rules)


class World:
    """A few holders who sell each other the same few loans, so that all that can meet does."""

    def __init__(self, standard: Standard, seed: int) -> None:
        self.standard, self.draw = standard, random.Random(seed)
        self.files: list[Path] = []
        self.con = duckdb.connect(config={"threads": 1})
        work_database.prepare(self.con, standard, standard.head.examples.context)

    def key(self) -> str:
        return "".join(self.draw.choices("ab", k=5)) + "a" * 27

    def loans(self, count: int, usual_days: Sequence[int], told_of_suits: Sequence[float]) -> list[Row]:
        draw = self.draw
        project, holder, product = f"P-{draw.randrange(30)}", draw.choice(HOLDERS), draw.choice(["XF", "XF", "XK"])
        usual, share = draw.choice(usual_days), draw.choice(told_of_suits)
        changes = [
            {
                "project_code": project,
                "loan_key": self.key(),
                "holder_name": holder,
                "product": product,
                "overdue_days": None if draw.random() < 0.1 else str(usual + draw.randrange(40)),
                "litigation_state": draw.choice([None, "WS", "WS"]) if draw.random() < share else "YS",
            }
            for _ in range(count)
        ]
        return [self.standard.example_row(LOAN, change) for change in changes]

    def sales(self, count: int) -> list[Row]:
        draw = self.draw
        changes = [
            {
                "transfer_id": f"T-{number}",
                "project_code": f"P-{draw.randrange(30)}",
                "seller_name": draw.choice(HOLDERS),
                "buyer_name": draw.choice(HOLDERS),
                "asset_type": draw.choice(["XF", "DG1"]),
                "signed_date": f"2026-0{draw.randrange(1, 7)}-15",
            }
            for number in range(count)
        ]
        return [self.standard.example_row(SALE, change) for change in changes]

    def accept(self, name: str) -> None:
        """Write the accepted loans of one filing, where it had none or others before."""
        file = home().parquet(home().accepted, LOAN, "2026-01", "I", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = self.typed(LOAN, self.loans(self.draw.randrange(3, 14), [100, 300], [0.0, 0.2]))
        self.con.execute(f"copy (select * replace ('{name}' as filing_id) from ({rows})) to '{file}' (format parquet)")
        self.files = [*(each for each in self.files if each != file), file]

    def typed(self, table: str, rows: Sequence[Row]) -> str:
        spec = self.standard.tables[table]
        work_database.load_rows(self.con, table, text_rows(rows))
        return f"""select 'F' as filing_id, 'I' as filing_institution, '2026-01' as filing_period, row_number,
            '2.0' as standard_version, {", ".join(spec.by_name)}, null::map(varchar, varchar) as missing_reasons
            from ({typed_rows(spec.fields, list(spec.by_name), f"raw_{table}")})"""


def found(world: World, filed: dict[str, list[Row]], sold: Any, files: Sequence[Path], rows: NearRows | None) -> Any:
    """What is found in a filing when these files hold the accepted loans, shown whole or by what is near."""
    standard, spec = world.standard, world.standard.tables[LOAN]
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("sold", sold)
        con.execute("create table accepted_transfer_result as from sold")
        con.execute(f"create table accepted_loan ({work_database.accepted_ddl(spec)})")
        shown = [] if rows is not None and rows.takes(spec, files) else files
        if shown:
            con.execute(f"insert into accepted_loan by name from {read_files(shown)}")
        work_database.prepare(con, standard, standard.head.examples.context)
        for table, each in filed.items():
            work_database.load_rows(con, table, text_rows(each))
        checks = {table: filed_rows.type_rows(con, standard, table) for table in filed}
        if rows is not None:
            rows.reach(con, standard, list(filed))
        results = {table: engine.judge_table(con, standard, table, checks[table]) for table in filed}
        return [each for table in filed for each in findings_of(con, standard, results[table], table, 50)]


def disturb(draw: random.Random) -> None:
    """What a killed process, an operator or another worker may have left of the index."""
    left = sorted(home().near(LOAN).glob("*/*"))
    for file in draw.sample(left, k=min(len(left), draw.randrange(3))):
        if draw.random() < 0.5:
            file.unlink()
        else:
            file.write_bytes(
                file.read_bytes()[: draw.randrange(file.stat().st_size)] if file.suffix == ".keys" else b""
            )


def test_what_is_near_gives_the_findings_of_all_that_was_accepted(
    standard: Standard, npl_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "NEAR_FROM_BYTES", 0)
    monkeypatch.setattr(near_index, "LARGEST_RUN", 200)
    world = World(standard, seed=1)
    fired: set[str] = set()
    for turn in range(TURNS):
        for _ in range(26 if turn == 0 else 4):
            world.accept(f"F{world.draw.randrange(30)}")  # some of them once more, with other rows
        in_force = [file for file in world.files if world.draw.random() < 0.9]
        sold = world.con.sql(world.typed(SALE, world.sales(10))).to_arrow_table()
        filed = {LOAN: world.loans(FILED_LOANS, [200, 4000], [0.2, 1.0]), SALE: world.sales(2)}
        monkeypatch.setattr(near, "NOT_INDEXED_BYTES", world.draw.choice([0, 0, 1 << 16, 1 << 30]))
        expected = found(world, filed, sold, in_force, None)
        assert found(world, filed, sold, in_force, NearRows()) == expected
        fired |= {each.rule_id for each in expected}
        if turn % 2:
            disturb(world.draw)
    assert fired >= {f"NPL-LOA-{number}" for number in ("069", "071", "087", "088", "089")}
    assert fired & {"NPL-TRF-080", "NPL-TRF-081"}


def test_no_rule_of_the_standard_reads_all_accepted_loans() -> None:
    standard = load_standard()
    assert not reads_whole(standard, LOAN)
    assert reads_whole(standard, "package_notice"), "the question can be answered either way"
