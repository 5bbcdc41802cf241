"""From filings as they are really decided to obligations as they stand: the registry, the exports, the reminders."""

import datetime

import pyarrow.parquet as pq
import pytest
import time_machine
from filings import NOTICE, decide_one, judge_by, put, sale_notice, small_standard

from expectations.spec import Standard, load_standard
from ingest import warehouse
from ingest.calendar import owed, utc_start
from ingest.paths import Home, home
from ingest.quality_exports import obligations_table, rules_table, warnings_table
from ingest.reminders import remind
from ingest.standing import standings

TABLE_RULE = "NPL-PKG-001"


@pytest.fixture
def judged(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    judge_by(monkeypatch, small_standard([NOTICE], TABLE_RULE))
    return npl_home


def statuses(day: str, period: str = "2026-04") -> dict[str, str]:
    found = standings(owed(datetime.date.fromisoformat(day), "SLXJ01"), utc_start(datetime.date.fromisoformat(day)))
    return {each.obligation.table_name: each.status for each in found if each.obligation.period == period}


def test_a_table_without_rows_is_a_nil_return_and_meets_the_obligation(judged: Home) -> None:
    with time_machine.travel("2026-05-18T15:59:59Z", tick=False):
        put("nil", [], period="2026-04")
        assert decide_one()[1] == "accepted"
    assert statuses("2026-05-30") == {"package_notice": "on_time", "loan": "missing", "transfer_result": "missing"}
    warehouse.export_operations()
    results = pq.read_table(home().operations / "rule_results.parquet").to_pylist()
    assert {row["table_name"] for row in results} == {NOTICE, "filing"}
    assert {row["rows_judged"] for row in results if row["table_name"] == NOTICE} == {0}


def test_one_second_later_it_is_late(judged: Home) -> None:
    with time_machine.travel("2026-05-18T16:00:00Z", tick=False):
        put("nil", [], period="2026-04")
        decide_one()
    assert statuses("2026-05-30")["package_notice"] == "late_within_grace"


def test_what_was_returned_is_still_owed_and_a_reminder_says_so(judged: Home) -> None:
    with time_machine.travel("2026-05-10T01:00:00Z", tick=False):
        put("bad", [sale_notice()], period="2026-04", manifest={"standard_version": "9.9"})
        assert decide_one()[1] == "rejected"
    assert statuses("2026-05-30")["package_notice"] == "missing"
    assert remind(datetime.date(2026, 5, 26))["missing"] == 6
    (notice,) = (home().outbox / "SLXJ01" / "calendar").glob("*missing*")
    assert "(package_notice)" in notice.read_text(encoding="utf-8")


def test_who_filed_is_not_reminded_of_that_table(judged: Home) -> None:
    with time_machine.travel("2026-05-10T01:00:00Z", tick=False):
        put("nil", [], period="2026-04")
        decide_one()
    remind(datetime.date(2026, 5, 26))
    (notice,) = (home().outbox / "SLXJ01" / "calendar").glob("*missing*")
    text = notice.read_text(encoding="utf-8")
    assert "(loan)" in text
    assert "(package_notice)" not in text


def test_exports_speak_of_the_last_decision_and_are_the_same_bytes_again(judged: Home) -> None:
    assert obligations_table().num_rows == 0, "nothing was decided, so nothing is known of the time"
    with time_machine.travel("2026-06-30T16:30:00Z", tick=False):  # the first of July in China
        put("nil", [], period="2026-04")
        decide_one()
    warehouse.export_operations()
    files = sorted(home().operations.glob("*.parquet"))
    before = {file.name: file.read_bytes() for file in files}
    rows = pq.read_table(home().operations / "obligations.parquet").to_pylist()
    assert max(row["period"] for row in rows if row["frequency"] == "month") == "2026-07"
    assert {"obligations.parquet", "rules.parquet", "warnings.parquet"} <= set(before)
    with time_machine.travel("2027-03-01T00:00:00Z", tick=False):
        warehouse.export_operations()
    assert {file.name: file.read_bytes() for file in files} == before


def test_an_operators_register_is_an_input_of_the_warehouse(judged: Home) -> None:
    before = warehouse.input_digests()
    judged.register.mkdir()
    (judged.register / "participation.csv").write_text(
        "institution_id,valid_from,valid_to,source\nICBC,2026-06-01,,joined\n", encoding="utf-8"
    )
    after = warehouse.input_digests()
    assert {name for name in before if before[name] != after[name]} == {"registers"}


def test_every_rule_is_exported_with_the_days_of_its_versions() -> None:
    standard = load_standard()
    ended = standard.rules[TABLE_RULE].model_copy(update={"since": "1.0", "until": "1.0"})
    changed = Standard(
        head=standard.head,
        tables=standard.all_tables,
        codes=standard.codes,
        rules={**standard.rules, TABLE_RULE: ended},
        macros=standard.macros,
        sha256=standard.sha256,
        directory=standard.directory,
    )
    rows = {row["rule_id"]: row for row in rules_table(changed).to_pylist()}
    assert set(rows) == set(standard.rules)
    assert rows[TABLE_RULE]["since_date"] == datetime.date(2021, 1, 1)
    assert rows[TABLE_RULE]["until_date"] == datetime.date(2025, 10, 26)
    assert {row["until_date"] for name, row in rows.items() if name != TABLE_RULE} == {None}
    assert all(row["message_zh"] and row["message_en"] for row in rows.values())


def test_a_reason_answers_a_warning_wherever_it_is_given(npl_home: Home) -> None:
    from ingest import registry, registry_tables

    for name in ("A", "B"):
        registry.register(
            {
                "filing_id": name,
                "folder": "SLXJ01",
                "name": name,
                "sha256": name,
                "institution_id": "SLXJ01",
                "subject_id": "SLXJ01",
                "received_at": datetime.datetime(2026, 5, 1),
            }
        )
    with registry.transaction(writing=True) as connection:
        connection.execute(
            registry_tables.findings.insert(),
            [
                {"filing_id": "A", "fingerprint": fingerprint, "rule_id": rule, "severity": severity}
                for fingerprint, rule, severity in (
                    ("1", TABLE_RULE, "warn"),
                    ("2", TABLE_RULE, "warn"),
                    ("3", TABLE_RULE, "hold"),
                    # it warns of warnings: no answer is asked for
                    ("4", "NPL-FIL-030", "warn"),
                )
            ],
        )
        connection.execute(
            registry_tables.answers.insert().values(filing_id="B", fingerprint="2", reason_code="CONFIRMED")
        )
    assert warnings_table(load_standard()).to_pylist() == [{"filing_id": "A", "warning_count": 2, "answered_count": 1}]
