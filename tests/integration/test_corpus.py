"""Every file of the corpus comes to what is written beside it: read exactly, told by row, or refused clearly."""

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from corpus import CASES, HEAVY, VALUES, Case, Heavy, Rows, Unreadable, Value
from corpus.build import FILE, folder, manifest

from expectations.spec import Standard, load_standard
from ingest import receive
from ingest.check import checking
from ingest.config import settings
from ingest.errors import FilingError
from ingest.paths import Home
from ingest.read import read_filing

TABLE = "package_notice"
FIRST_ROW = 2
Judged = Mapping[int, tuple[dict[tuple[str, str], str], dict[str, Any]]]
MEASURE = """
import json, resource, sys
from pathlib import Path
from expectations.spec import load_standard
from ingest.errors import FilingError
from ingest.read import read_filing
standard = load_standard()
import ingest.read.xlsx_file, pyarrow.csv
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    (table,) = read_filing(Path(sys.argv[1]), standard).tables
    found = {"rows": [list(row.values()) for row in table.rows.to_pylist()]}
except FilingError as error:
    found = {"zh": error.zh, "en": error.en}
print(json.dumps(found | {"kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}))
"""


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    names = [each.name for each in (*CASES, *VALUES, *HEAVY)]
    assert len(names) >= 120
    assert not [name for name, count in Counter(names).items() if count > 1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}: {case.name}")
def test_a_file_comes_to_its_outcome(case: Case, tmp_path: Path, standard: Standard) -> None:
    path = case.make(tmp_path)
    if isinstance(case.outcome, Unreadable):
        with pytest.raises(FilingError) as refused:
            read_filing(path, standard)
        assert case.outcome.zh in refused.value.zh
        assert case.outcome.en in refused.value.en
    else:
        (table,) = read_filing(path, standard).tables
        assert tuple(tuple(row.values()) for row in table.rows.to_pylist()) == case.outcome.rows
        assert case.outcome.encoding in (None, table.encoding)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, standard: Standard) -> Judged:
    """Of each row of one filing with all values: what was told by rule and field, and what is kept."""
    place = tmp_path_factory.mktemp("values")
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(standard.tables[TABLE].by_name), lineterminator="\r\n")
    writer.writeheader()
    for number, value in enumerate(VALUES, start=FIRST_ROW):
        writer.writerow(standard.example_row(TABLE, {"notice_id": f"GG-{number}", value.field: value.text}))
    path = folder({"filing.json": manifest(rows=len(VALUES)), FILE: buffer.getvalue().encode()})(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(place / "home"))
        settings.cache_clear()
        with checking(path, standard) as case:
            assert case.con is not None
            kept = case.con.sql(f"select * from filed_{TABLE}").to_arrow_table().to_pylist()
            told: dict[int, dict[tuple[str, str], str]] = {row["row_number"]: {} for row in kept}
            for finding in case.report.findings:
                if finding.table == TABLE and finding.row is not None:
                    for field in finding.fields:
                        told[finding.row][finding.rule_id, field] = finding.message.zh
    settings.cache_clear()
    assert len(kept) == len(VALUES)
    return {row["row_number"]: (told[row["row_number"]], row) for row in kept}


@pytest.mark.parametrize(
    ("row", "value"),
    list(enumerate(VALUES, start=FIRST_ROW)),
    ids=lambda each: each.name if isinstance(each, Value) else "",
)
def test_a_value_is_kept_or_told_by_its_row(row: int, value: Value, judged: Judged) -> None:
    told, kept = judged[row]
    rules = {rule for rule, field in told if field == value.field and rule.startswith("NPL-SCH")}
    if value.rule:
        assert value.rule in rules
    else:
        assert rules == set()
    assert kept[value.field] == value.kept


@pytest.mark.parametrize("heavy", HEAVY, ids=lambda heavy: heavy.name)
def test_a_file_that_asks_for_much_memory_is_settled_within_its_bound(heavy: Heavy, tmp_path: Path) -> None:
    path = heavy.make(tmp_path)
    ran = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)
    if isinstance(heavy.outcome, Rows):
        assert tuple(tuple(row) for row in found["rows"]) == heavy.outcome.rows
    else:
        assert heavy.outcome.zh in found["zh"]
        assert heavy.outcome.en in found["en"]
    assert found["kilobytes"] / 1024 <= heavy.megabytes


KEPT = [case for case in CASES if isinstance(case.outcome, Unreadable)][::9]


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case.name)
def test_the_bytes_of_what_cannot_be_read_are_kept_as_they_came(case: Case, tmp_path: Path, npl_home: Home) -> None:
    path = case.make(tmp_path)
    digest = receive.content_digest(path)
    receive.receive(path, "SLXJ01")
    (kept,) = npl_home.landed(digest).iterdir()
    assert kept.name == path.name
    assert receive.content_digest(kept) == digest
