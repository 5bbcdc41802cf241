"""A whole standard of another field (a city's trees), in the language of the standard alone, and no line of Python.

`tests/standards/city_trees` is that standard; its `filings/good` and `filings/bad` are filed with it.
"""

import csv
import datetime
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from judging import ORCHARD_DIR, judge, rows_of

from expectations.derive import row_schema
from expectations.examples import judge_example
from expectations.spec import Row, Rule, Standard, load_standard
from ingest import registry
from ingest.check import check_path, checking
from ingest.paths import Home
from ingest.receive import content_digest

CITY_DIR = ORCHARD_DIR.parent / "city_trees"
GOOD, BAD = CITY_DIR / "filings" / "good", CITY_DIR / "filings" / "bad"
CITY = load_standard(CITY_DIR)

# Every place at which the bad filing was spoilt: table and row as filed, and the field where the rule looks at each.
PLANNED = {
    "UTR-SCH-001": ["site 3 tree_count"],
    "UTR-SCH-002": ["inspection 4 actions", "site 3 district", "tree 2 defects"],
    "UTR-SCH-003": ["inspection 2 next_date", "site 3 area_m2", "tree 4 protection_number", "tree 9 girth_cm"],
    "UTR-SCH-004": ["tree 7 planted_date"],
    "UTR-SCH-005": ["site 3 remarks"],
    "UTR-SCH-006": ["site 3 old_map_sheet"],
    "UTR-SIT-001": ["site 3"],
    "UTR-SIT-003": ["site 3"],
    "UTR-SIT-004": ["site 2"],
    "UTR-SIT-005": ["site 2"],
    "UTR-SIT-006": ["site 2"],
    "UTR-SIT-007": ["site 2"],
    "UTR-SIT-008": ["site 2"],
    "UTR-TRE-001": ["tree 9"],
    "UTR-TRE-002": ["tree 8"],
    "UTR-TRE-003": ["tree 2", "tree 3"],
    "UTR-TRE-004": ["tree 7", "tree 8"],
    "UTR-TRE-005": ["tree 3"],
    "UTR-TRE-006": ["tree 5"],
    "UTR-TRE-007": ["tree 6"],
    "UTR-TRE-008": ["tree 2"],
    "UTR-TRE-009": ["tree 5"],
    "UTR-TRE-010": ["tree 4"],
    "UTR-TRE-011": ["tree 3"],
    "UTR-TRE-012": ["tree 4"],
    "UTR-TRE-013": ["tree 2"],
    "UTR-TRE-014": ["tree 2"],
    "UTR-TRE-015": ["tree 10", "tree 7"],
    "UTR-TRE-017": ["tree 3"],
    "UTR-INS-001": ["inspection 2", "inspection 3"],
    "UTR-INS-002": ["inspection 5"],
    "UTR-INS-003": ["inspection 2"],
    "UTR-INS-004": ["inspection 4"],
    "UTR-INS-005": ["inspection 3"],
    "UTR-INS-006": ["inspection 3", "inspection 6"],
    "UTR-INS-007": ["inspection 3", "inspection 4"],
    "UTR-INS-008": ["inspection 3", "inspection 5"],
    "UTR-INS-009": ["inspection 5"],
    "UTR-FIL-001": ["site.csv"],
    "UTR-FIL-003": ["tree.csv"],
    "UTR-FIL-004": ["inspection.csv", "site.csv", "tree.csv"],
    "UTR-FIL-006": ["inspection.csv"],
}


def npl_check(path: Path, standard: Path, home: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `npl check PATH --standard DIR` in a process of its own."""
    command = ["check", str(path), "--standard", str(standard), "--format", "json"]
    ran = subprocess.run(
        [sys.executable, "-c", "from ingest.cli import main; main()", *command],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"NPL_HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def places(report: dict[str, Any]) -> dict[str, list[str]]:
    """Rule id -> where it was broken, as in PLANNED."""
    found: dict[str, list[str]] = {}
    for finding in report["findings"]:
        rule = CITY.rules[finding["rule_id"]]
        where = finding["file"] if finding["row"] is None else f"{finding['table']} {finding['row']}"
        found.setdefault(rule.id, []).append(f"{where} {finding['fields'][0]}" if rule.for_each else where)
    return {rule_id: sorted(found[rule_id]) for rule_id in sorted(found)}


def test_a_good_filing_is_accepted_with_exit_code_0(tmp_path: Path) -> None:
    code, report = npl_check(GOOD, CITY_DIR, tmp_path)
    assert (code, report["verdict"], report["findings"]) == (0, "accepted", [])
    assert {table["table"]: table["accepted"] for table in report["tables"]} == {"site": 2, "tree": 7, "inspection": 5}
    assert report["standard"] == {"version": "2.0", "sha256": CITY.sha256}


def test_a_bad_filing_is_rejected_with_exit_code_1_and_exactly_the_findings_planned(tmp_path: Path) -> None:
    code, report = npl_check(BAD, CITY_DIR, tmp_path)
    assert (code, report["verdict"]) == (1, "rejected")
    assert places(report) == dict(sorted(PLANNED.items()))
    assert report["findings_total"] == sum(map(len, PLANNED.values()))
    assert "13800000000" not in json.dumps(report)


def test_one_row_can_break_many_rules(tmp_path: Path) -> None:
    broken = {
        rule_id for rule_id, where in PLANNED.items() if any(place.split()[:2] == ["tree", "3"] for place in where)
    }
    assert len(broken) == 4
    _, report = npl_check(BAD, CITY_DIR, tmp_path)
    assert {f["rule_id"] for f in report["findings"] if (f["table"], f["row"]) == ("tree", 3)} == broken


def fired(rule: Rule, rows: tuple[Row, ...], alone: bool) -> set[str]:
    """Ids of the rules that a small filing of these rows breaks."""
    result = judge_example(CITY, rule, rows, alone)
    assert result.rows == len(rows) > 0
    return {check.rule.id for check, count in result.counts.items() if count}


def test_the_standard_has_rules_to_test() -> None:
    assert len(CITY.tables) == 3
    assert len(CITY.rules) == 46
    said = {(rule.scope, rule.severity) for rule in CITY.rules.values()}
    assert {scope for scope, _ in said} == {"row", "table", "cross"}
    assert {severity for _, severity in said} == {"reject", "hold", "warn", "info"}
    assert len({rule.category for rule in CITY.rules.values()}) == 5


@pytest.mark.parametrize("rule", CITY.rules.values(), ids=lambda rule: rule.id)
def test_a_rule_fires_on_its_bad_example(rule: Rule) -> None:
    assert rule.id in fired(rule, rule.bad_rows, alone=True)


@pytest.mark.parametrize("rule", CITY.rules.values(), ids=lambda rule: rule.id)
def test_no_rule_fires_on_a_good_example(rule: Rule) -> None:
    assert fired(rule, rule.good_rows, alone=False) == set()


def test_a_cell_of_several_codes_is_kept_as_codes_in_the_order_filed() -> None:
    cells = ["树洞; 根系受损", "LEAN;CAVITY", "无", "", "树洞;;LEAN", "树洞、倾斜", "ND2"]
    rows = rows_of(CITY, "tree", *({"tree_id": f"T-0001-{n:03}", "defects": cell} for n, cell in enumerate(cells)))
    typed = judge(CITY, {"tree": rows}).typed["tree"]
    assert [row["defects"] for row in typed] == ["CAVITY;ROOT", "LEAN;CAVITY", "NONE", None, None, None, None]


def test_a_cell_of_several_codes_is_a_text_in_the_schema_of_accepted_rows() -> None:
    properties = row_schema(CITY, CITY.tables["tree"])["properties"]
    assert {name for name, schema in properties.items() if "x-separator" in schema} == {"defects"}
    assert properties["defects"]["type"] == ["string", "null"]
    assert properties["species"] == {"title": "树种", "description": "Species", "$ref": "#/$defs/species"} | {
        "x-type": "code(species)",
        "x-sensitivity": "public",
    }


def test_a_dated_exception_frees_one_institution() -> None:
    unlicensed = {"inspection": rows_of(CITY, "inspection", {"firm_code": "F999"})}
    for subject, broken in (("GARDEN01", 1), ("GARDEN09", 0)):
        assert len(judge(CITY, unlicensed, context={"filing_subject": subject}).of("UTR-INS-008")) == broken


def test_a_register_that_lies_in_the_standard_is_part_of_its_digest(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(CITY_DIR, tmp_path / "city"))
    assert load_standard(copy).sha256 == CITY.sha256
    with (copy / "registers" / "licensed_firms.csv").open("a", encoding="utf-8") as handle:
        handle.write("F003,2020-01-01,\n")
    changed = load_standard(Path(shutil.copytree(copy, tmp_path / "changed")))
    assert changed.sha256 != CITY.sha256
    assert [row["firm_code"] for row in changed.registers["licensed_firms"]] == ["F001", "F002", "F003"]


@pytest.fixture
def trees_alone(tmp_path: Path) -> Path:
    """A filing of a table `tree`, which both the orchard's and the city's standard have."""
    folder = tmp_path / "trees"
    folder.mkdir()
    manifest = {
        "institution": "GARDEN01",
        "period": "2026-03",
        "sequence": 1,
        "kind": "original",
        "tables": [{"table": "tree", "file": "tree.csv"}],
    }
    (folder / "filing.json").write_text(json.dumps(manifest), encoding="utf-8")
    with (folder / "tree.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(
            [["树号", "种植日期", "height_cm", "protection"], ["T-1", "2026-03-01", "501", "古树"]]
        )
    return folder


def test_two_standards_over_one_file_never_mix(tmp_path: Path, trees_alone: Path, npl_home: Home) -> None:
    directories = {"orchard": ORCHARD_DIR, "city": CITY_DIR}
    alone = {name: npl_check(trees_alone, directory, tmp_path)[1] for name, directory in directories.items()}
    assert {rule["rule_id"][:3] for rule in alone["orchard"]["rules"]} == {"ORC"}
    assert {rule["rule_id"][:3] for rule in alone["city"]["rules"]} == {"UTR"}
    for order in (["orchard", "city"], ["city", "orchard"]):
        for name in order:
            assert check_path(trees_alone, load_standard(directories[name])).to_dict() == alone[name]


def rewritten(directory: Path, file: str, old: str, new: str) -> None:
    path = directory / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_two_editions_of_one_standard_never_mix(tmp_path: Path, npl_home: Home) -> None:
    """The same names throughout, but other codes, parameters, macros, registers: whatever were kept would show."""
    directory = Path(shutil.copytree(CITY_DIR, tmp_path / "edition"))
    rewritten(directory, "standard.yml", "value: 100\n", "value: 400\n")
    rewritten(directory, "macros.sql", "between 121.0 and 122.0", "between 121.5 and 122.0")
    rewritten(directory, "codes/condition.csv", "DEAD,死亡", "DEAD,亡故")
    rewritten(directory, "registers/licensed_firms.csv", "F001,2018-01-01,", "F001,2018-01-01,2026-03-25")
    edition = load_standard(directory)
    told: dict[str, set[str]] = {}
    for standard in (CITY, edition, CITY, edition, edition, CITY):
        report = check_path(GOOD, standard)
        told.setdefault(standard.sha256, set()).add(report.to_json_bytes().decode())
    (first,), (second,) = told[CITY.sha256], told[edition.sha256]
    assert json.loads(first)["findings"] == []
    assert set(places(json.loads(second))) == {
        "UTR-TRE-006",
        "UTR-TRE-010",
        "UTR-SCH-002",
        "UTR-INS-008",
        "UTR-FIL-004",
    }


def test_rows_accepted_under_our_standard_are_no_earlier_rows_of_another(
    npl_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def in_force() -> list[registry.FilingRecord]:
        asked.append("in force")
        return []

    monkeypatch.setattr(registry, "in_force", in_force)
    assert check_path(GOOD, CITY).verdict == "accepted"
    assert asked == []
    check_path(Path("examples/filings/good"), load_standard())
    assert asked == ["in force"]


def test_great_expectations_judges_another_standard_alike(npl_home: Home) -> None:
    digest = content_digest(BAD)
    record = registry.FilingRecord(
        filing_id=f"GARDEN02-2026-03-0001-{digest[:8]}",
        folder="GARDEN02",
        name="bad",
        sha256=digest,
        institution_id="GARDEN02",
        subject_id="GARDEN02",
        period="2026-03",
        sequence=1,
        kind="original",
        replaces=None,
        received_at=datetime.datetime(2026, 4, 1),
        state="read",
    )
    with checking(BAD, CITY, "GARDEN02", record) as case:
        assert case.verdict == "rejected"
        assert case.report.to_json_bytes() == check_path(BAD, CITY).to_json_bytes()


def without_system_table(directory: Path) -> Standard:
    (directory / "tables" / "filing.yml").unlink()
    for rule in (directory / "rules").glob("UTR-FIL-*.yml"):
        rule.unlink()
    return load_standard(directory)


def test_a_standard_needs_no_table_of_filings_and_no_registers(tmp_path: Path, npl_home: Home) -> None:
    directory = Path(shutil.copytree(CITY_DIR, tmp_path / "city"))
    rewritten(directory, "rules/UTR-INS-008.yml", "state: active", "state: disabled")
    (directory / "registers" / "licensed_firms.csv").unlink()
    standard = without_system_table(directory)
    assert check_path(GOOD, standard).verdict == "accepted"
    found = places(check_path(BAD, standard).to_dict())
    missing = {rule_id for rule_id in PLANNED if rule_id.startswith("UTR-FIL") or rule_id == "UTR-INS-008"}
    assert found == {rule_id: PLANNED[rule_id] for rule_id in sorted(PLANNED) if rule_id not in missing}
