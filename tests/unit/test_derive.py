"""What derives from the standard: committed as it is made, and true to what the platform keeps and answers."""

import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
import yaml

from expectations.derive import SCHEMAS_FOLDER, SOURCES_FILE, dbt_sources, row_schema
from expectations.spec import Standard, load_standard
from expectations.work_database import accepted_ddl
from ingest import config
from ingest.build import build, generated_files, manifest_schema
from ingest.check import check_path, checking
from ingest.config import PROJECT_DIR
from ingest.report.model import report_schema
from ingest.synthetic import EXAMPLES_FOLDER

EXAMPLES = PROJECT_DIR / EXAMPLES_FOLDER


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


@pytest.fixture(scope="module", autouse=True)
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(tmp_path_factory.mktemp("home")))
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


def test_every_generated_file_is_committed_as_the_standard_gives_it() -> None:
    assert len(generated_files()) >= 11
    assert build(check=True) == []


def test_building_writes_what_is_missing_or_changed_and_removes_what_nothing_generates(tmp_path: Path) -> None:
    written = build(check=False, project=tmp_path)
    assert written == sorted(generated_files())
    assert build(check=True, project=tmp_path) == []
    (tmp_path / SOURCES_FILE).write_text("sources: []\n")
    stale = tmp_path / SCHEMAS_FOLDER / "gone.schema.json"
    stale.write_text("{}")
    outdated = sorted([SOURCES_FILE, f"{SCHEMAS_FOLDER}/gone.schema.json"])
    assert build(check=True, project=tmp_path) == outdated
    assert stale.exists(), "looking changes nothing"
    assert build(check=False, project=tmp_path) == outdated
    assert not stale.exists()
    assert build(check=True, project=tmp_path) == []


def test_the_dbt_source_has_exactly_the_columns_of_accepted_rows(standard: Standard) -> None:
    (source,) = yaml.safe_load(dbt_sources(standard))["sources"]
    assert [table["name"] for table in source["tables"]] == list(standard.tables)
    for table in source["tables"]:
        with duckdb.connect(":memory:") as con:
            con.execute(f"create table kept ({accepted_ddl(standard.tables[table['name']])})")
            kept = con.execute("select column_name, lower(column_type) from (describe kept)").fetchall()
        assert [(column["name"], column["data_type"]) for column in table["columns"]] == kept


def test_every_source_column_is_described_in_both_languages(standard: Standard) -> None:
    (source,) = yaml.safe_load(dbt_sources(standard))["sources"]
    columns = [column for table in source["tables"] for column in table["columns"]]
    assert len(columns) > 100
    for column in columns:
        zh, _, en = column["description"].partition(" / ")
        assert zh
        assert en


def test_the_source_tells_unit_code_list_and_sensitivity(standard: Standard) -> None:
    (source,) = yaml.safe_load(dbt_sources(standard))["sources"]
    meta = {
        (table["name"], column["name"]): column.get("config", {}).get("meta", {})
        for table in source["tables"]
        for column in table["columns"]
    }
    assert meta["package_notice", "principal_cny"] == {"unit": "CNY", "sensitivity": "public"}
    assert meta["package_notice", "asset_type"]["code_list"] == "asset_type"
    assert meta["transfer_result", "loss_cny"]["sensitivity"] == "restricted"
    assert "{{ env_var('NPL_HOME')" in source["config"]["meta"]["external_location"]


@pytest.fixture(scope="module")
def accepted_row(standard: Standard) -> dict[str, Any]:
    """The first row of the good example as accepted, in JSON's types."""
    with checking(EXAMPLES / "good", standard) as case:
        assert case.con is not None
        fields = ", ".join(field.name for field in standard.tables["package_notice"].fields)
        cursor = case.con.execute(f"select row_number, standard_version, {fields} from filed_package_notice limit 1")
        names = [column[0] for column in cursor.description]
        (row,) = cursor.fetchall()
    filed = {"filing_id": "SLXJ01-2026-10-0001-00000000", "filing_institution": "SLXJ01", "filing_period": "2026-10"}
    values = {name: _json_value(value) for name, value in zip(names, row, strict=True)}
    reasons = {"start_price_cny": "HIDDEN", "weighted_overdue_days": "ND4-2026-12-31"}
    return filed | values | {"missing_reasons": reasons}


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value)
    return value


def _problems(schema: dict[str, Any], document: Any) -> list[str]:
    """Where a document departs from a schema; the schema itself must be one."""
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return ["/".join(str(part) for part in error.absolute_path) for error in validator.iter_errors(document)]


def test_the_row_schema_takes_a_real_accepted_row(standard: Standard, accepted_row: dict[str, Any]) -> None:
    assert accepted_row["principal_cny"] > 0
    assert _problems(row_schema(standard, standard.tables["package_notice"]), accepted_row) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("asset_type", "个人消费贷款"),
        ("asset_type", None),
        ("principal_cny", "66369783.05"),
        ("cutoff_date", "2026-06-31"),
        ("registration_deadline_at", "2026-10-23T17:00:00Z"),
        ("loan_count", 1.5),
        ("no_such_field", 1),
    ],
)
def test_the_row_schema_refuses_what_no_accepted_row_holds(
    standard: Standard, accepted_row: dict[str, Any], field: str, value: Any
) -> None:
    schema = row_schema(standard, standard.tables["package_notice"])
    assert _problems(schema, accepted_row | {field: value}) == ([field] if field in accepted_row else [""])


@pytest.mark.parametrize("code", ["ND4", "ND9", "unknown"])
def test_the_row_schema_knows_the_codes_of_missing_data(
    standard: Standard, accepted_row: dict[str, Any], code: str
) -> None:
    schema = row_schema(standard, standard.tables["package_notice"])
    assert _problems(schema, accepted_row | {"missing_reasons": {"remarks": code}}) == ["missing_reasons/remarks"]


@pytest.mark.parametrize("folder", ["good", "rejected", "unreadable"])
def test_the_published_schemas_take_the_examples_and_their_reports(folder: str, standard: Standard) -> None:
    filed = json.loads((EXAMPLES / folder / "filing.json").read_text(encoding="utf-8"))
    assert _problems(_committed("filing"), filed) == []
    report = check_path(EXAMPLES / folder, standard)
    assert _problems(_committed("report"), json.loads(report.to_json_bytes())) == []


def _committed(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((PROJECT_DIR / SCHEMAS_FOLDER / f"{name}.schema.json").read_text("utf-8"))
    return schema


@pytest.mark.parametrize(("key", "value"), [("period", "2026-13"), ("institution", "slxj01"), ("sequence", 0)])
def test_the_filing_schema_refuses_what_the_platform_refuses(key: str, value: Any) -> None:
    filed = json.loads((EXAMPLES / "good" / "filing.json").read_text(encoding="utf-8"))
    assert _problems(manifest_schema(), filed | {key: value}) == [key]


def test_the_report_schema_refuses_an_unknown_verdict(standard: Standard) -> None:
    report = json.loads(check_path(EXAMPLES / "unreadable", standard).to_json_bytes())
    assert _problems(report_schema(), report | {"verdict": "perhaps"}) == ["verdict"]


def test_no_published_pattern_is_readable_by_python_alone() -> None:
    schemas = {name: content.decode() for name, content in generated_files().items() if name.endswith(".schema.json")}
    assert any('"pattern"' in content for content in schemas.values())
    assert [name for name, content in schemas.items() if "?P<" in content] == []
