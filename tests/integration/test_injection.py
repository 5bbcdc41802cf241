"""A filing never reaches code: what is written in its names, headers, cells and metadata stays text.

Every payload would leave a mark, the canary file, if SQL, a shell, a template, pickle or YAML ran it. How reports show
such text (HTML, workbook, CSV, terminal) is proved in test_report_safety.py; hostile archives and workbooks are in the
corpus.
"""

import io
import itertools
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from filings import FILER, NOTICE, decide_all, decide_one, judge_by, put, sale_notice, small_standard

from expectations.spec import load_standard
from ingest import registry, registry_tables
from ingest.config import settings
from ingest.paths import Home
from ingest.report.operator import write_operator_page

CANARY = "canary"

Payload = Callable[[Path], str]

PAYLOADS: dict[str, Payload] = {
    "SQL that ends a text": lambda canary: f"'); copy (select 42) to '{canary}'; --",
    "SQL that ends a name": lambda canary: f"\"); copy (select 42) to '{canary}'; --",
    "SQL that drops the registry": lambda canary: "x'; drop table filings; --",
    "SQL that is always true": lambda canary: "' or '1'='1",
    "a template of Jinja": lambda canary: f"{{{{ cycler.__init__.__globals__.os.system('touch {canary}') }}}}",
    "a format of Python": lambda canary: "{fields.__class__.__mro__} %(x)s %s ${7*7}",
    "a formula": lambda canary: f"=cmd|'/C touch {canary}'!A0",
    "a shell's substitution": lambda canary: f"$(touch {canary}); `touch {canary}`",
    "a tag of YAML": lambda canary: f"!!python/object/apply:os.system ['touch {canary}']",
}


@pytest.fixture
def canary(tmp_path: Path, npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a payload that ran would leave its mark. What shows no end is taken in at once."""
    monkeypatch.setenv("NPL_SETTLE_SECONDS", "0")
    settings.cache_clear()
    judge_by(monkeypatch, small_standard([NOTICE], "NPL-PKG-001"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / CANARY


def is_unharmed(canary: Path) -> None:
    """No payload ran, and the registry stands."""
    assert not canary.exists()
    with registry.transaction() as connection:
        assert set(sa.inspect(connection).get_table_names()) >= set(registry_tables.metadata.tables)
    write_operator_page()
    assert not canary.exists()


def test_a_cell_is_text_in_every_field(canary: Path, npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a text, the key, a code, a number and a date, before the whole standard; the answer quotes it."""
    judge_by(monkeypatch, load_standard())
    rows = []
    for number, payload_of in enumerate(PAYLOADS.values()):
        payload = payload_of(canary)
        fields = ("notice_stage", "principal_cny", "announced_date", "remarks")
        rows += [
            sale_notice(notice_id=payload),
            sale_notice(notice_id=f"GG-{number}", **dict.fromkeys(fields, payload)),
        ]
    put("march", rows)
    filing_id, state = decide_one()
    assert state == "rejected"
    is_unharmed(canary)
    report = json.loads((npl_home.answer(FILER, filing_id) / "report.json").read_bytes())
    told = {value for finding in report["findings"] for value in finding["values"].values()}
    assert told >= {payload_of(canary) for payload_of in PAYLOADS.values()}


def test_a_header_is_a_name_and_no_more(canary: Path) -> None:
    place = put("march", [sale_notice()])
    (table,) = place.glob("*.csv")
    header, *rows = table.read_text(encoding="utf-8-sig").splitlines()
    names = ['"' + payload_of(canary).replace('"', '""') + '"' for payload_of in PAYLOADS.values()]
    content = [",".join([header, *names]), *(row + ",x" * len(names) for row in rows), ""]
    table.write_text("\n".join(content), encoding="utf-8")
    manifest = json.loads((place / "filing.json").read_text(encoding="utf-8"))
    for each in manifest["tables"]:
        del each["sha256"]
    (place / "filing.json").write_text(json.dumps(manifest), encoding="utf-8")
    _, state = decide_one()
    assert state in ("accepted", "rejected")
    is_unharmed(canary)


def test_the_manifest_is_data(canary: Path, npl_home: Home) -> None:
    """Whatever it says of itself, the filing is refused and its answer lies with whoever sent it."""
    keys = ("institution", "subject", "period", "kind", "standard_version", "replaces", "table", "file")
    for number, (key, payload_of) in enumerate(itertools.product(keys, PAYLOADS.values())):
        payload = payload_of(canary)
        if key in ("table", "file"):
            manifest: dict[str, Any] = {"tables": [{"table": NOTICE, "file": "x.csv", "rows": 1} | {key: payload}]}
        else:
            manifest = {key: payload}
        # its number makes its bytes others
        put(f"{number}", [sale_notice()], manifest={"sequence": number + 1, **manifest})
    states = decide_all()
    assert len(states) == len(keys) * len(PAYLOADS)
    assert set(states.values()) == {"rejected"}
    is_unharmed(canary)
    assert [path.name for path in npl_home.outbox.glob("[!.]*/")] == [FILER]


def test_no_name_in_a_manifest_leads_into_anothers_folders(canary: Path, npl_home: Home) -> None:
    for number, name in enumerate(("../SLYH02", "..", "/etc", "SLYH02/../..", "SLYH02")):
        put(f"{number}", [sale_notice()], folder=FILER, manifest={"institution": name, "sequence": number + 1})
    assert set(decide_all().values()) == {"rejected"}
    is_unharmed(canary)
    assert [path.name for path in npl_home.outbox.glob("[!.]*/")] == [FILER]
    assert not list(npl_home.accepted.rglob("*SLYH02*"))


def test_a_link_in_the_inbox_leads_nowhere(canary: Path, npl_home: Home) -> None:
    """Whoever can make one: its target is neither read into the landing zone nor removed with it."""
    theirs = npl_home.inbox / "SLYH02" / "theirs.zip.part"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    for number, target in enumerate(("registry.sqlite", "inbox/SLYH02/theirs.zip.part", "/etc/passwd")):
        place = put(f"{number}", [sale_notice()], sequence=number + 1)
        (place / "more.csv").symlink_to(npl_home.root / target)
        (npl_home.inbox / FILER / f"link {number}").symlink_to(npl_home.root / target)
    states = decide_all()
    assert len(states) == 6
    assert set(states.values()) == {"rejected"}
    is_unharmed(canary)
    assert theirs.read_text() == "theirs"
    landed = [path for path in npl_home.landing.rglob("*") if path.is_file() and not path.is_symlink()]
    assert landed
    assert not [path for path in landed if b"theirs" in path.read_bytes() or path.read_bytes()[:6] == b"SQLite"]


class Runs:
    """Pickled, it would touch the canary when somebody loads it."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._canary,)


def test_pickle_in_the_metadata_of_a_parquet_file_is_never_loaded(canary: Path, npl_home: Home) -> None:
    poison = pickle.dumps(Runs(canary))
    row = {name: value for name, value in sale_notice().items() if value is not None}
    fields = [
        # what pyarrow once took for a pickled Python type
        pa.field(name, pa.string(), metadata={"ARROW:extension:name": "arrow.py_extension_type"} | serialized)
        for name in row
        for serialized in [{"ARROW:extension:metadata": poison}]
    ]
    table = pa.table([[value] for value in row.values()], schema=pa.schema(fields, metadata={"pandas": poison}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    place = put("march", [sale_notice()])
    for file in place.glob("*.csv"):
        file.unlink()
    (place / "poison.parquet").write_bytes(buffer.getvalue())
    manifest = json.loads((place / "filing.json").read_text(encoding="utf-8"))
    manifest["tables"] = [{"table": NOTICE, "file": "poison.parquet", "rows": 1}]
    (place / "filing.json").write_text(json.dumps(manifest), encoding="utf-8")
    _, state = decide_one()
    assert state in ("accepted", "rejected")
    is_unharmed(canary)
    # the canary works
    pickle.loads(poison)
    assert canary.exists()


def test_a_manifest_is_json_and_no_yaml(canary: Path) -> None:
    place = put("march", [sale_notice()])
    (place / "filing.json").write_text(f"!!python/object/apply:os.system ['touch {canary}']\n", encoding="utf-8")
    _, state = decide_one()
    assert state == "rejected"
    is_unharmed(canary)
