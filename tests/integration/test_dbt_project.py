"""The dbt project over a tiny home: figures added up by hand, contracts held to the standard, wrong formulas caught."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
import yaml
from jinja2 import Template
from warehouse_home import duckdb_type, write_home

from expectations.spec import Standard, load_standard
from ingest.config import PROJECT_DIR
from ingest.register import normalise_name

DBT_PROJECT = PROJECT_DIR / "dbt_project"

COMPLETENESS_TEST = "completeness_scores_are_shares_of_asked_cells_and_a_blank_without_a_reason_is_not_collected"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    (
        "models/marts/market/quarterly_activity.sql",
        "{{ ratio('sums.discount_price_cny', 'sums.priced_claim_cny') }} as discount_ratio",
        "sums.mean_discount as discount_ratio",
        "discount_is_a_ratio_of_sums",
    ),
    (
        "models/marts/market/quarterly_activity.sql",
        "        -- Parts of the ratios",
        "        avg(cast(price_cny as double) / claim_cny) as mean_discount,\n        -- Parts of the ratios",
        "discount_is_a_ratio_of_sums",
    ),
    (
        "models/marts/market/quarterly_activity.sql",
        '{{ money_sum("case when price_cny is not null then claim_cny end") }} as priced_claim_cny',
        '{{ money_sum("claim_cny") }} as priced_claim_cny',
        "a_deal_without_a_price_is_no_part_of_the_denominator",
    ),
    (
        "models/marts/market/start_prices.sql",
        "round(10 * {{ ratio('start_price_cny', 'base_claim_cny') }}",
        "round(10 * {{ ratio('start_price_cny', 'base_principal_cny') }}",
        "one_zhe_is_a_tenth_of_principal_and_interest",
    ),
    (
        "models/marts/market/official_reconciliation.sql",
        "where not is_demo",
        "where true",
        "invented_institutions_cover_nothing",
    ),
    (
        "models/intermediate/int_market_events.sql",
        "where first_listed_date is not null",
        "where coalesce(first_listed_date, first_teased_date) is not null",
        "a_teaser_is_no_listing_and_a_relisting_no_second_one",
    ),
    (
        "models/intermediate/int_package_notices.sql",
        "max(case when notice_stage = 'listing' and stage_order = 1 then announced_date end) as earliest_listing_date",
        "max(case when notice_stage = 'listing' then announced_date end) as earliest_listing_date",
        "relisted_package_keeps_its_first_listing_date",
    ),
    (
        "models/intermediate/int_package_notices.sql",
        "partition by package_id, notice_stage\n            order by latest_announced_date",
        "partition by package_id, notice_stage\n            order by announced_date",
        "a_coarse_date_never_beats_a_day_inside_it",
    ),
    (
        "models/intermediate/int_notices.sql",
        "is_in_force and notice_rank = 1 as is_current",
        "notice_rank = 1 as is_current",
        "superseded_filing_does_not_count",
    ),
    (
        "models/intermediate/int_notices.sql",
        "order by source_rank, announced_date desc",
        "order by announced_date desc",
        "what_an_institution_files_outranks_the_desk",
    ),
    (
        "models/intermediate/int_notices.sql",
        "<= coalesce(names.valid_to, notices.announced_date)",
        "<= notices.announced_date",
        "a_name_belongs_to_its_bearer_only_in_its_time",
    ),
    (
        "models/intermediate/int_official_figures.sql",
        "recoveries.printed_value < discounts.printed_value",
        "false",
        "a_pair_of_rates_printed_swapped_is_put_right",
    ),
    (
        "models/marts/core/fct_transfers.sql",
        "where chosen.choice = 1",
        "where chosen.choice <= 2",
        "one_deal_filed_by_both_sides_is_one_row",
    ),
    (
        "models/marts/core/fct_transfers.sql",
        "chosen.signed_date is not null\n        and",
        "chosen.signed_date is not null\n        or",
        "an_abs_issue_is_no_completed_deal",
    ),
    (
        "macros/market.sql",
        "coalesce(\n            {{ alias }}.principal_interest_cny,",
        "coalesce(\n            {{ alias }}.claim_total_cny, {{ alias }}.principal_interest_cny,",
        "fees_are_no_part_of_the_claim",
    ),
    (
        "models/marts/quality/completeness.sql",
        "where asked_count > 0 and {{ scope }}",
        "where {{ scope }}",
        COMPLETENESS_TEST,
    ),
    (
        "models/marts/quality/completeness.sql",
        "('institution', 'institution_id', 'is_in_force'),",
        "('institution', 'institution_id', 'true'),",
        COMPLETENESS_TEST,
    ),
    (
        "models/marts/quality/completeness.sql",
        "{{ ratio('joined.not_collected_count', 'joined.asked_count') }} as not_collected_ratio",
        "{{ ratio('joined.nd1_count', 'joined.rows_filed') }} as not_collected_ratio",
        COMPLETENESS_TEST,
    ),
]


def run_dbt(project: Path, home: Path, warehouse: Path, scratch: Path, *arguments: str) -> Any:
    """Run dbt in this process as the platform does, and let go of the database file afterwards."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    environment = {
        "NPL_HOME": str(home),
        "NPL_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(scratch / "target"),
        "DBT_LOG_PATH": str(scratch / "logs"),
    }
    with patch.dict(os.environ, environment):
        try:
            return dbtRunner().invoke(
                [*arguments, "--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, standard: Standard) -> Path:
    """The folder that holds home/ and the warehouse built from it, under another name than it will be read by."""
    root = tmp_path_factory.mktemp("dbt")
    write_home(root / "home", standard)
    result = run_dbt(DBT_PROJECT, root / "home", root / ".npl.duckdb.tmp", root, "build")
    failed = [] if result.success else [f"{r.node.name}: {r.message}" for r in result.result if r.status != "success"]
    assert result.success, (result.exception, failed)
    assert len([r for r in result.result if r.status == "pass"]) > 50
    os.replace(root / ".npl.duckdb.tmp", root / "npl.duckdb")
    return root


@contextmanager
def _reading(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(built / "npl.duckdb"), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def warehouse(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with _reading(built) as connection:
        yield connection


def test_quarters_hold_what_a_hand_adds_up(warehouse):
    rows = warehouse.execute("""
        select quarter, listed_count, listed_claim_cny / 1e6, listed_without_claim_count,
               first_listing_unobserved_count, teaser_only_count, teaser_only_claim_cny / 1e6,
               completed_count, completed_claim_cny / 1e6, price_cny / 1e6, demo_count
        from market.quarterly_activity where breakdown = 'all' order by quarter""").fetchall()
    # 2025Q3: P1, at the figures of its re-listing. 2025Q4: P2 380, P5 200 + 30, P8 without, P10 (invented) 5000.
    assert rows == [
        ("2025Q3", 1, 1050, 0, 0, 0, 0, 0, 0, 0, 0),
        ("2025Q4", 4, 380 + 230 + 5000, 1, 1, 1, 700, 3, 1050 + 380 + 230, 105 + 19 + 92, 1),
        ("2025Q?", 1, 50, 0, 0, 0, 0, 1, 240, 72, 0),
    ]


def test_ratios_of_a_quarter_are_sums_over_sums(warehouse):
    discount, recovery = warehouse.execute("""
        select discount_ratio, principal_recovery_ratio
        from market.quarterly_activity where breakdown = 'all' and quarter = '2025Q4'""").fetchone()
    assert discount == pytest.approx((105 + 19 + 92) / (1050 + 380 + 230))
    assert recovery == pytest.approx((105 + 19 + 92) / (580 + 300 + 200))


def test_every_known_row_of_a_package_is_one_package(warehouse):
    row = warehouse.execute("""
        select status, first_listed_quarter, notice_count, version_count, relisting_count, claim_cny / 1e6,
               overdue_band, start_price_cny / 1e6, start_price_claim_cny / 1e6
        from core.dim_packages where package_id = 'SLA|P1'""").fetchall()
    assert row == [("completed", "2025Q3", 2, 4, 1, 1050, "1_to_2_years", 110, 1100)]


def test_teaser_and_sale_notice_are_one_package_with_its_drift(warehouse):
    rows = warehouse.execute("""
        select first_announced_date::varchar, first_announced_date_precision, first_listed_date::varchar, notice_count,
               claim_drift_ratio, is_claim_drift_same_basis, overdue_band
        from core.dim_packages where package_id = 'SLB|P2'""").fetchall()
    assert rows == [("2025-11-01", "month", "2025-12-05", 2, pytest.approx(-0.05), False, "over_5_years")]


def test_deals_are_reconciled_from_both_sides(warehouse):
    rows = warehouse.execute("""
        select package_id, reconciliation_status, disputed_fields, price_cny / 1e6, is_completed
        from core.fct_transfers order by package_id""").fetchall()
    assert rows == [
        ("SLA|P1", "agreed", None, 105, True),
        ("SLB|P2", "disputed", "signed_date price_cny", 19, True),
        ("SLB|P5", "one_sided", None, 92, True),
        ("SLB|P6", "observed", None, 72, True),
        ("SLB|P9", "one_sided", None, 900, False),
    ]


def test_what_was_known_at_a_moment_can_be_asked_again(warehouse):
    rows = warehouse.execute("""
        select moment, max(claim_cny) / 1e6
        from core.fct_notices, (values ('2026-01-01 12:00'), ('2026-01-02 12:00')) as moments (moment)
        where package_id = 'SLA|P1' and source_kind = 'institution'
          and known_from <= moment::timestamp and (known_to is null or known_to > moment::timestamp)
        group by moment order by moment""").fetchall()
    assert rows == [("2026-01-01 12:00", 1000), ("2026-01-02 12:00", 1100)]


def test_withdrawn_filing_leaves_no_package_but_stays_known(warehouse):
    assert warehouse.execute("select count(*) from core.dim_packages where project_code = 'P11'").fetchone() == (0,)
    known = warehouse.execute("select is_current from core.fct_notices where project_code = 'P11'").fetchall()
    assert known == [(False,)]


def test_reconciliation_sets_our_figure_beside_the_official_one_without_invented_institutions(warehouse):
    rows = warehouse.execute("""
        select period, measure, official_value_yi, status, warehouse_value, coverage_pct
        from market.official_reconciliation
        where business = 'all' and is_preferred
          and (period, measure) in (('2025Q1', 'listed_claim'), ('2025Q2', 'listed_count'), ('2025Q4', 'listed_count'),
                                    ('2025', 'listed_claim'))
        order by period, measure""").fetchall()
    year = (1050 + 380 + 230 + 50) / 100
    assert rows == [
        ("2025", "listed_claim", None, "not_published", pytest.approx(year), None),
        ("2025Q1", "listed_claim", Decimal("742.7"), "published", 0, 0),
        ("2025Q2", "listed_count", None, "not_published", 0, None),
        ("2025Q4", "listed_count", None, "not_published", 3, None),
    ]


def test_start_price_is_set_against_the_claim_of_its_own_notice(warehouse):
    rows = warehouse.execute(
        "select package_id, press_zhe, start_price_principal_ratio from market.start_prices"
    ).fetchall()
    assert rows == [("SLA|P1", 1.0, pytest.approx(110 / 600))]


def test_filing_outcomes_count_violations_by_severity(warehouse):
    rows = warehouse.execute("""
        select filing_id, state, hold_violations, warn_violations, reject_violations, rules_broken
        from quality.filing_outcomes where filing_id in ('A-2', 'B-1', 'B-2') order by filing_id""").fetchall()
    assert rows == [
        ("A-2", "accepted", 0, 0, 0, 0),
        ("B-1", "accepted_with_holds", 1, 2, 0, 2),
        ("B-2", "rejected", 0, 0, 5, 1),
    ]


def test_completeness_is_scored_by_field_table_filing_and_institution(warehouse):
    rows = warehouse.execute("""
        select filing_id, field_name, field_score, table_score, filing_score, institution_score
        from quality.completeness order by filing_id, field_name""").fetchall()
    # B-2 was rejected: of SLB's filings only B-1 is in force
    assert rows == [
        ("B-1", "overdue_definition", "D1", "C2", "C2", "C2"),
        ("B-1", "seller_branch", None, "C2", "C2", "C2"),
        ("B-1", "weighted_overdue_days", "A2", "C2", "C2", "C2"),
        ("B-2", "overdue_definition", "D1", "D1", "D1", "C2"),
    ]


def test_sql_and_python_score_completeness_alike(built):
    from expectations.completeness import score

    cells = [(first, second, asked) for asked in (0, 1, 10, 30) for first in range(asked + 1) for second in range(11)]
    assert {score(*each) for each in cells} >= {None, "A1", "B2", "C3", "D4"}
    macros = "".join(
        (DBT_PROJECT / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in ("market", "quality")
    )
    template = Template(macros + "{{ completeness_score('first', 'second', 'asked') }}")
    sql = template.render(dbt=None).strip()
    values = ", ".join(str(each) for each in cells)
    query = f"select first, second, asked, {sql} from (values {values}) as cells (first, second, asked)"
    found = duckdb.sql(query).fetchall()
    assert len(found) == len(cells)
    assert [score(*row[:3]) for row in found] == [row[3] for row in found]


def test_an_institution_answers_to_its_former_name(warehouse):
    history = warehouse.execute(
        "select name_history from core.dim_institutions where institution_id = 'SLB'"
    ).fetchone()
    assert history == ("虚构乙城市信用社 [..2019-12-31]; 虚构乙银行(集团)股份有限公司 [2020-01-01..]",)


def test_marts_stand_in_exactly_three_schemas(warehouse):
    rows = warehouse.execute("""
        select table_schema || '.' || table_name from information_schema.tables
        where table_type = 'BASE TABLE' and table_name <> 'official_quarterly' order by 1""").fetchall()
    assert [name for (name,) in rows] == [
        "core.dim_institutions",
        "core.dim_packages",
        "core.fct_notices",
        "core.fct_transfers",
        "market.official_reconciliation",
        "market.quarterly_activity",
        "market.start_prices",
        "quality.completeness",
        "quality.filing_outcomes",
        "quality.rule_results",
    ]


def _contracts() -> dict[str, dict[str, dict[str, str]]]:
    paths = sorted((DBT_PROJECT / "models" / "marts").rglob("*__models.yml"))
    models = [model for path in paths for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]]
    return {model["name"]: {column["name"]: column for column in model["columns"]} for model in models}


@pytest.mark.parametrize(("model", "table"), [("fct_notices", "package_notice"), ("fct_transfers", "transfer_result")])
def test_contracts_say_of_a_field_what_the_standard_says(standard, model, table):
    columns = _contracts()[model]
    fields = [field for field in standard.tables[table].fields if field.name in columns]
    # Columns that a mart makes itself carry their own words; every other one carries the standard's.
    own = {"seller_type", "buyer_type", "discount_ratio", "principal_recovery_ratio"}
    compared = [field for field in fields if field.name not in own]
    assert len(compared) > 20
    for field in compared:
        column = columns[field.name]
        assert column["data_type"] == duckdb_type(field).lower(), field.name
        assert column["description"] == f"{field.en} / {field.zh}", field.name


def test_notices_carry_every_field_of_the_standard(standard):
    assert {field.name for field in standard.tables["package_notice"].fields} <= set(_contracts()["fct_notices"])


@pytest.mark.parametrize(
    ("model", "table"),
    [("fct_notices", "package_notice"), ("fct_transfers", "transfer_result"), ("dim_packages", "package_notice")],
)
def test_no_mart_shows_a_restricted_field_of_what_it_is_made_from(standard, model, table):
    shown = set(_contracts()[model])
    fields = standard.tables[table].fields
    assert shown & {field.name for field in fields if field.sensitivity == "public"}
    assert not shown & {field.name for field in fields if field.sensitivity != "public"}


def test_the_transfer_table_has_restricted_fields_to_keep_out(standard):
    fields = standard.tables["transfer_result"].fields
    assert {field.name for field in fields if field.sensitivity == "restricted"} >= {"loss_cny"}


def test_sql_and_python_share_one_normal_form_of_names():
    macro = (DBT_PROJECT / "macros" / "text.sql").read_text(encoding="utf-8")
    for character in "（）\u3000":
        assert character in macro
    for escaped, character in (
        ("\\u00a0", "\u00a0"),
        ("chr(9)", "\t"),
        ("chr(10)", "\n"),
        ("chr(12)", "\f"),
        ("chr(13)", "\r"),
        ("' '", " "),
    ):
        assert escaped in macro
        assert normalise_name(f"甲{character}（乙）") == "甲(乙)"


def test_each_tempting_wrong_formula_fails_its_unit_test(built, tmp_path):
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project)
    for file, right, wrong, _ in MUTATIONS:
        path = project / file
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, f"{file} no longer holds: {right}"
        path.write_text(text.replace(right, wrong), encoding="utf-8")
    copy = tmp_path / "npl.duckdb"
    shutil.copyfile(built / "npl.duckdb", copy)
    result = run_dbt(project, built / "home", copy, tmp_path, "test", "--select", "test_type:unit")
    outcomes = {run.node.name: str(run.status) for run in result.result}
    assert {name for name, status in outcomes.items() if status == "fail"} == {test for *_, test in MUTATIONS}
    assert "pass" in outcomes.values()
