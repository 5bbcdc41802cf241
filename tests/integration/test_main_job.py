"""The README's first command on an empty home, and what each user then finds: run once, looked at from all sides."""

import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest
from typer.testing import CliRunner

from ingest.cli import app
from ingest.config import PROJECT_DIR, settings
from ingest.errors import UsageError
from ingest.paths import Home

pytestmark = pytest.mark.slow

# Added up by hand from the bundled notices (ingest/data/notices.csv): row id -> 未偿本息 in 亿元, by the quarter of the
# package's first listing (转让公告 or 重新挂牌). None: listed, no amount printed. A007 prints principal and interest
# (323.68万 + 282.94万), A012 only the total claim. A063, A064 (seller not named) and A076 (no asset type) are rejected;
# A016-A020, A023, A025, A028, A053, A070 are only teased; A019 and A021, A050 and A051 are one package each.
BY_HAND: dict[str, dict[str, str | None]] = {
    "2025Q1": {"A035": "9.78", "A036": "15.88"},
    "2025Q2": {"A033": "6.78", "A038": "2.70", "A039": "3.08", "A040": "1.8", "A048": "1.56", "A057": "12.58"},
    "2025Q3": {"A030": "1.28", "A032": "9.26", "A045": "11.73", "A054": "17.51", "A062": "0.642583", "A077": None},
    "2025Q4": {
        "A003": "12.97",
        "A004": "4.77",
        "A005": "3.28",
        "A006": "0.285458",
        "A007": "0.060662",
        "A008": "0.388871",
        "A009": "2.17",
        "A011": "0.468546",
        "A012": "1.43",
        "A014": "17.90",
        "A015": "6.07",
        "A021": "14.82",
        "A024": "1.37",
        "A027": "3.43",
        "A043": "19.74",
        "A050": "208.13",
        "A056": "34.61",
        "A060": "1.74",
        "A078": None,
    },
    "2025Q?": {"A029": "3.27", "A046": "5.81"},
    "2026Q1": {
        "A001": "0.7737597729",
        "A066": "2.07",
        "A067": "4.13",
        "A069": "4.13",
        "A072": "21.08",
        "A073": "2.70",
        "A074": "0.7526",
        "A075": None,
    },
}
README_QUERY = (
    "select quarter, listed_count, listed_claim_cny from market.quarterly_activity where breakdown='all' order by 1"
)


class Installed:
    """`npl` on a home of its own, as a user runs it."""

    def __init__(self, home: Path) -> None:
        self.home = Home(home)

    def npl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ingest.cli", *arguments],
            cwd=PROJECT_DIR,
            text=True,
            capture_output=True,
            env=os.environ | {"NPL_HOME": str(self.home.root), "COLUMNS": "140"},
            check=False,
        )


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installed, subprocess.CompletedProcess[str]]:
    installed = Installed(tmp_path_factory.mktemp("main job") / "home")
    outcome = installed.npl("run")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return installed, outcome


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def latest(installed: Installed) -> Path:
    """The folder of the latest release."""
    return installed.home.release(json.loads(installed.home.latest_release.read_text(encoding="utf-8"))["release"])


def test_the_market_by_quarter_is_what_a_person_adds_up_by_hand(first_run):
    installed, _ = first_run
    rows = json.loads(installed.npl("sql", README_QUERY, "--format", "json").stdout)
    found = {row["quarter"]: (row["listed_count"], Decimal(str(row["listed_claim_cny"]))) for row in rows}
    expected = {
        quarter: (len(amounts), sum(Decimal(amount) for amount in amounts.values() if amount) * 100_000_000)
        for quarter, amounts in BY_HAND.items()
    }
    assert {quarter: found[quarter] for quarter in expected} == expected
    listed_elsewhere = {quarter for quarter, (count, _) in found.items() if count} - set(expected)
    assert listed_elsewhere == {"2026Q2", "2026Q3"}


def test_the_quarters_besides_are_the_invented_institutions_and_say_so(first_run):
    installed, _ = first_run
    rows = json.loads(
        installed.npl(
            "sql",
            "select quarter, listed_count, demo_listed_count from market.quarterly_activity where breakdown='all'",
            "--format",
            "json",
        ).stdout
    )
    assert any(row["demo_listed_count"] for row in rows)
    for row in rows:
        assert row["demo_listed_count"] == (row["listed_count"] if row["quarter"] in ("2026Q2", "2026Q3") else 0), row


def test_the_summary_names_verdicts_rules_quarters_and_places(first_run):
    installed, outcome = first_run
    for text in (
        "accepted",
        "rejected",
        "accepted_with_holds",
        "NPL-PKG-",
        "2025Q4",
        "333.63",
        str(installed.home.outbox),
    ):
        assert text.replace("\n", "") in outcome.stdout.replace("\n", ""), text
    assert "error" not in outcome.stdout.split("最常违反")[0]


def test_each_real_rejection_has_its_reason(first_run):
    installed, _ = first_run
    rejected = {
        line.split("\t")[0]
        for line in installed.npl("status", "--all").stdout.splitlines()
        if line.split("\t")[1] == "rejected"
    }
    real = {filing for filing in rejected if filing.startswith("DESK-")}
    assert {"-".join(filing.split("-")[:3]) for filing in real} == {"DESK-UNKNOWN-2025", "DESK-GRCB-2025"}
    for filing in real:
        report = installed.npl("report", filing).stdout
        assert "退回" in report
        assert "第 2 行 row 2" in report


def test_a_teaser_and_its_sale_notice_are_one_package_with_two_versions_and_a_drift(first_run):
    installed, _ = first_run
    rows = json.loads(
        installed.npl(
            "sql",
            "select project_code, notice_count, first_listed_date from core.dim_packages "
            "where notice_count > 1 and not is_demo order by 1",
            "--format",
            "json",
        ).stdout
    )
    assert [(row["project_code"], row["notice_count"], row["first_listed_date"]) for row in rows] == [
        ("CIBCF-2025-031", 2, "2025-12-12"),
        ("MASHANGCF-2025-001", 2, "2025-11-26"),
    ]


def test_a_second_run_changes_nothing_and_says_so(first_run):
    installed, _ = first_run
    kept = ("accepted", "held", "outbox", "releases", "landing", "warehouse", "operations")
    before = {zone: contents(installed.home.root / zone) for zone in kept}
    again = installed.npl("run")
    assert again.returncode == 0
    assert "Nothing new" in again.stdout
    assert {zone: contents(installed.home.root / zone) for zone in kept} == before
    assert len(before["releases"]) > 10


def test_filing_the_same_notices_again_changes_no_figure(first_run):
    installed, _ = first_run
    before = installed.npl("sql", README_QUERY).stdout
    collected = installed.npl("collect", "ingest/data/notices.csv", "--out", str(installed.home.inbox / "DESK"))
    assert collected.returncode == 0
    again = installed.npl("run")
    assert again.returncode == 0, again.stdout
    assert installed.npl("sql", README_QUERY).stdout == before
    assert not any(path for path in (installed.home.inbox / "DESK").iterdir() if not path.name.startswith("."))


def test_the_release_is_whole_and_one_changed_byte_is_found(first_run, tmp_path):
    installed, _ = first_run
    assert installed.npl("release", "verify").returncode == 0
    copied = Installed(tmp_path / "copy")
    shutil.copytree(installed.home.releases, copied.home.releases)
    release = latest(copied)
    victim = release / "market" / "quarterly_activity.parquet"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    outcome = copied.npl("release", "verify")
    assert outcome.returncode == 1
    assert "market/quarterly_activity.parquet" in outcome.stdout


def test_a_release_is_opened_with_duckdb_alone_and_carries_its_definitions(first_run):
    installed, _ = first_run
    release = latest(installed)
    with duckdb.connect(str(release / "npl.duckdb"), read_only=True) as con:
        tables = {
            f"{schema}.{table}"
            for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }
        ((comment,),) = con.execute(
            "select comment from duckdb_columns() where schema_name = 'market' and table_name = 'quarterly_activity' "
            "and column_name = 'discount_ratio'"
        ).fetchall()
        ((version,),) = con.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'npl'"
        ).fetchall()
    assert {
        "core.dim_institutions",
        "core.dim_packages",
        "core.fct_notices",
        "core.fct_transfers",
        "market.quarterly_activity",
        "market.official_reconciliation",
        "market.start_prices",
        "quality.filing_outcomes",
        "quality.rule_results",
    } <= tables
    assert comment
    assert version.startswith("v1.4.0")


# The two tapes of the demo set: loans, what secures them (ten mortgages, two pledges), and the 未偿本金 that they add
# up to and both sides of the deal told; what a loan owes is not in a release.
TAPES_BY_HAND = {
    "SLXJ01-2026-012": (20, 0, Decimal("202437.83"), "agreed"),
    "SLYH02-2026-005": (20, 12, Decimal("435294981.16"), "agreed"),
}
# 9 % of 337 444.44 and 31 % of 503 642 588.15 of principal and interest, in whole yuan; of the price came back in July,
# August and September 2.1 %, 4.3 % and 3.8 %, each rounded to the cent
CASH_BY_HAND = {
    "SLXJ01-2026-012": {0: "637.77", 1: "1305.91", 2: "1154.06"},
    "SLYH02-2026-005": {0: "3278713.24", 1: "6713555.69", 2: "5932909.68"},
}


def test_two_packages_can_be_followed_loan_by_loan_from_the_lender_to_the_cash(first_run):
    installed, _ = first_run

    def rows(sql: str) -> list[dict]:
        return json.loads(installed.npl("sql", sql, "--format", "json").stdout)

    tapes = rows(
        "select project_code, count(*) as loans, "
        "(select count(*) from core.fct_collateral as one where one.project_code = deal.project_code) as things, "
        "deal.principal_cny, reconciliation_status from core.fct_transfers as deal join core.fct_loans as loan "
        "using (project_code) where loan.is_current and loan.is_demo group by all"
    )
    assert {
        row["project_code"]: (
            row["loans"],
            row["things"],
            Decimal(str(row["principal_cny"])),
            row["reconciliation_status"],
        )
        for row in tapes
    } == TAPES_BY_HAND
    chain = rows(
        "select position, event, count(*) as loans, min(holder_after_id) as first, max(holder_after_id) as last, "
        "bool_or(is_break or is_double_sale or is_resale_of_personal) as is_odd from core.fct_title_chain "
        "group by all order by position"
    )
    assert [tuple(row.values()) for row in chain] == [
        (0, "origination", 40, "SLXJ01", "SLYH02", False),
        (1, "sale", 40, "SLZG02", "SLZG02", False),
    ]
    cash: dict[str, dict[int, str]] = {}
    for row in rows("select project_code, months_since_signing, gross_cash_cny from core.fct_recoveries"):
        cash.setdefault(row["project_code"], {})[row["months_since_signing"]] = (
            f"{Decimal(str(row['gross_cash_cny'])):.2f}"
        )
    assert cash == CASH_BY_HAND


def test_every_accepted_row_stands_in_the_fact_tables(first_run):
    installed, _ = first_run
    # of a deal each side's row is one of the fact's filings
    sides = "count(seller_filing_id) + count(buyer_filing_id) + count(observer_filing_id)"
    facts = {
        "package_notice": "select count(*) from core.fct_notices",
        "loan": "select count(*) from core.fct_loans",
        "collateral": "select count(*) from core.fct_collateral",
        "recovery": "select count(*) from core.fct_recoveries",
        "transfer_result": f"select {sides} from core.fct_transfers",
    }
    accepted = {}
    for table in facts:
        files = [str(path) for path in (installed.home.accepted / table).rglob("*.parquet")]
        ((accepted[table],),) = duckdb.sql(
            f"select count(*) from read_parquet({files}, hive_partitioning = false)"
        ).fetchall()
    counts = ", ".join(f"({count}) as {table}" for table, count in facts.items())
    (row,) = json.loads(installed.npl("sql", f"select {counts}", "--format", "json").stdout)
    assert row == accepted
    assert row["package_notice"] > 100
    (row,) = json.loads(
        installed.npl(
            "sql",
            "select sum(rows_accepted) as rows, sum(rows_filed) as filed, sum(rows_held) as held "
            "from quality.filing_outcomes where state in ('accepted', 'accepted_with_holds')",
            "--format",
            "json",
        ).stdout
    )
    assert row["rows"] == sum(accepted.values())
    assert row["rows"] + row["held"] == row["filed"]


@pytest.mark.parametrize(
    "sql",
    [
        "create table core.mine as select 1",
        "insert into core.dim_packages select * from core.dim_packages",
        "drop table core.dim_packages",
        "select * from read_csv('/etc/passwd')",
        "copy core.dim_packages to 'out.csv'",
        "attach 'other.db'",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '100GB'",
        "select * from '/etc/passwd'",
    ],
)
def test_sql_over_a_release_cannot_write_read_elsewhere_or_load(first_run, sql, monkeypatch):
    installed, _ = first_run
    before = contents(latest(installed))
    monkeypatch.setenv("NPL_HOME", str(installed.home.root))
    settings.cache_clear()
    outcome = CliRunner().invoke(app, ["sql", sql])
    settings.cache_clear()
    assert isinstance(outcome.exception, UsageError)
    assert "SQL 无法执行" in str(outcome.exception)
    assert contents(latest(installed)) == before


def test_refused_sql_ends_with_code_2_and_the_release_verifies(first_run):
    installed, _ = first_run
    outcome = installed.npl("sql", "drop table core.dim_packages")
    assert outcome.returncode == 2
    assert "SQL 无法执行" in outcome.stderr
    assert installed.npl("release", "verify").returncode == 0


def test_data_docs_have_a_page_for_every_judged_filing(first_run):
    installed, _ = first_run
    page = (installed.home.data_docs / "filings.html").read_text(encoding="utf-8")
    filings = [line.split("\t")[0] for line in installed.npl("status", "--all").stdout.splitlines()]
    assert len(filings) == 62
    links = set(re.findall(r'href="([^"]+)"', page))
    judged = {
        filing for filing in filings if any(link.startswith("validations/") and f"/{filing}/" in link for link in links)
    }
    assert len(set(filings) - judged) == 1  # the unreadable one was never judged
    for link in links:
        assert (installed.home.data_docs / unquote(link)).exists(), link


@pytest.mark.parametrize(
    ("example", "code", "says"), [("good", 0, "已接收"), ("rejected", 1, "退回"), ("unreadable", 2, "无法读取")]
)
def test_the_examples_give_the_exit_codes_that_scripts_rely_on(tmp_path, example, code, says):
    outcome = Installed(tmp_path / "home").npl("check", f"examples/filings/{example}")
    assert outcome.returncode == code, outcome.stdout + outcome.stderr
    assert says in outcome.stdout
