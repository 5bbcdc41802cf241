"""The dbt project over a tiny home: figures added up by hand, contracts held to the standard, wrong formulas caught."""

import importlib
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt_build import DBT_PROJECT, run_dbt
from jinja2 import Template
from warehouse_home import duckdb_type

from ingest.register import normalise_name

# Every module of that name beside this one lists what hurried hands would write.
WRONG_FORMULAS = sorted(path.stem for path in Path(__file__).parent.glob("wrong_formulas*.py"))
MUTATIONS = [mutation for name in WRONG_FORMULAS for mutation in importlib.import_module(name).MUTATIONS]


def test_quarters_hold_what_a_hand_adds_up(warehouse):
    rows = warehouse.execute("""
        select quarter, listed_count, listed_claim_cny / 1e6, listed_without_claim_count,
               first_listing_unobserved_count, teaser_only_count, teaser_only_claim_cny / 1e6,
               completed_count, completed_claim_cny / 1e6, price_cny / 1e6, demo_count
        from market.quarterly_activity where breakdown = 'all' and quarter >= '2025' order by quarter""").fetchall()
    # 2025Q3: P1, at the figures of its re-listing. 2025Q4: P2 380, P5 200 + 30, P8 without, P10 (invented) 5000.
    # Sold in 2025Q4: P1, P2, P5 and once P12, whose sides filed it under two codes.
    assert rows == [
        ("2025Q3", 1, 1050, 0, 0, 0, 0, 0, 0, 0, 0),
        ("2025Q4", 4, 380 + 230 + 5000, 1, 1, 1, 700, 4, 1050 + 380 + 230 + 150, 105 + 19 + 92 + 30, 1),
        ("2025Q?", 1, 50, 0, 0, 0, 0, 1, 240, 72, 0),
    ]


def test_ratios_of_a_quarter_are_sums_over_sums(warehouse):
    discount, recovery = warehouse.execute("""
        select discount_ratio, principal_recovery_ratio
        from market.quarterly_activity where breakdown = 'all' and quarter = '2025Q4'""").fetchone()
    assert discount == pytest.approx((105 + 19 + 92 + 30) / (1050 + 380 + 230 + 150))
    assert recovery == pytest.approx((105 + 19 + 92 + 30) / (580 + 300 + 200 + 100))


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
        select package_id, reconciliation_status, match_basis, disputed_fields, counterpart_due_date::varchar,
               price_cny / 1e6, is_completed
        from core.fct_transfers where signed_date >= '2025-01-01' order by package_id""").fetchall()
    # the last decision is of 2026-01-11: a deal of December may still get its other side, one of October no more
    assert rows == [
        ("SLA|P1", "agreed", "project_code", None, None, 105, True),
        ("SLA|P12", "agreed", "parties_date_amounts", None, None, 30, True),
        ("SLB|P2", "disputed", "project_code", "signed_date price_cny", None, 19, True),
        ("SLB|P5", "pending", None, None, "2026-01-30", 92, True),
        ("SLB|P6", "observed", None, None, None, 72, True),
        ("SLB|P9", "one_sided", None, None, "2025-11-30", 900, False),
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


def test_marts_stand_in_exactly_four_schemas(warehouse):
    rows = warehouse.execute("""
        select table_schema || '.' || table_name from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema <> 'intermediate' and table_name <> 'official_quarterly'
        order by 1""").fetchall()
    assert [name for (name,) in rows] == [
        "compliance.complaints",
        "compliance.disclosure_duties",
        "compliance.model_use",
        "compliance.outsourcing",
        "compliance.staff_qualification",
        "compliance.tax_relief",
        "compliance.violent_collection",
        "core.dim_institutions",
        "core.dim_package_versions",
        "core.dim_packages",
        "core.fct_collateral",
        "core.fct_compliance_returns",
        "core.fct_loans",
        "core.fct_notices",
        "core.fct_recoveries",
        "core.fct_title_chain",
        "core.fct_transfer_versions",
        "core.fct_transfers",
        "market.activity_cells",
        "market.concentration",
        "market.defect_flags",
        "market.disposal_costs",
        "market.event_contributions",
        "market.official_reconciliation",
        "market.pilot_participation",
        "market.pilot_participation_by_type",
        "market.price_by_overdue",
        "market.price_index",
        "market.price_index_cells",
        "market.quarterly_activity",
        "market.recovery_curves",
        "market.restructuring",
        "market.retail_share",
        "market.sale_speed",
        "market.start_prices",
        "public.price_by_overdue",
        "public.quarterly_activity",
        "public.suppression_report",
        "quality.completeness",
        "quality.filing_outcomes",
        "quality.institution_scores",
        "quality.rule_grid",
        "quality.rule_results",
        "quality.suppression_value",
        "quality.timeliness",
    ]


def _contracts() -> dict[str, dict[str, dict[str, str]]]:
    paths = sorted((DBT_PROJECT / "models" / "marts").rglob("*__models.yml"))
    models = [model for path in paths for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]]
    return {model["name"]: {column["name"]: column for column in model["columns"]} for model in models}


@pytest.mark.parametrize(
    ("model", "table"),
    [
        ("fct_notices", "package_notice"),
        ("fct_transfers", "transfer_result"),
        ("fct_loans", "loan"),
        ("fct_collateral", "collateral"),
        ("fct_recoveries", "recovery"),
        ("fct_compliance_returns", "compliance_return"),
    ],
)
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


@pytest.mark.parametrize(
    ("model", "table"),
    [
        ("fct_notices", "package_notice"),
        ("fct_loans", "loan"),
        ("fct_collateral", "collateral"),
        ("fct_recoveries", "recovery"),
        ("fct_compliance_returns", "compliance_return"),
    ],
)
def test_a_table_of_rows_as_filed_carries_every_field_and_its_sensitivity(standard, model, table):
    columns = _contracts()[model]
    marks = {
        field.name: columns[field.name].get("config", {}).get("meta", {}).get("sensitivity", "public")
        for field in standard.tables[table].fields
    }
    assert marks == {field.name: field.sensitivity for field in standard.tables[table].fields}


@pytest.mark.parametrize(
    ("model", "table"),
    [
        ("fct_notices", "package_notice"),
        ("fct_transfers", "transfer_result"),
        ("fct_transfer_versions", "transfer_result"),
        ("dim_packages", "package_notice"),
        ("dim_package_versions", "package_notice"),
    ],
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


@pytest.mark.slow
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
