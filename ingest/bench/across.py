"""The case `across` of `npl bench`: a filing of 10,000 loans against so many accepted ones.

Two filings are decided in turn, as the platform decides any: loans that nobody has seen, and loans that another filing
has sold already, which the rules on double sale have to find among all that were ever accepted.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from expectations.spec import load_standard
from ingest.bench.accepted_zone import BUYER, CUTOFF, SELLERS, bulks, institution_name, target
from ingest.bench.measure import Measured, machine, median, run_work
from ingest.errors import JudgeError
from ingest.manifest import Manifest, ManifestTable
from ingest.paths import file_digest
from ingest.read.members import MANIFEST_FILE
from ingest.synthetic_loans import TapeShape
from ingest.synthetic_tape import LOAN, Tape, write_tape_filing

FILED_LOANS = 10_000
PERIOD = "2026-08"
DOUBLE_SALE = "NPL-LOA-069"
Result = dict[str, Any]


def across_case(rows: int, repeats: int) -> Result:
    """`repeats` filings of each kind against `rows` accepted loans; the first of all also indexes what was accepted."""
    with tempfile.TemporaryDirectory(prefix="npl-bench-", dir=os.environ.get("NPL_BENCH_DIR")) as folder:
        place = Path(folder)
        home = place / "home"
        zone = run_work("zone", [str(rows), str(place / "mould.parquet")], home)
        first = _decided(home, place, "new", 0)
        runs = {kind: [_decided(home, place, kind, turn + 1) for turn in range(repeats)] for kind in ("new", "sold")}
        return {
            "case": "across",
            "machine": machine(),
            "rows": rows,
            "filings": zone.said["filings"],
            "repeats": repeats,
            "filed_loans": FILED_LOANS,
            "first": _figures([first]),
            "new loans": _figures(runs["new"]),
            "loans sold already": _figures(runs["sold"]),
        }


def filing(folder: str, kind: str, turn: str) -> dict[str, Any]:
    """Make one filing of loans that are new, or that the zone's first filing sold (work for a process of its own)."""
    make_filing(Path(folder), kind, int(turn))
    return {}


def make_filing(folder: Path, kind: str, turn: int) -> None:
    """Make a folder to file: new loans of a seller as CSV, or the zone's first filing once more, as another's."""
    standard = load_standard()
    if kind == "new":
        seller = SELLERS[0]
        shape = TapeShape(f"{seller}-NEW-{turn}", institution_name(seller), CUTOFF, seed=turn + 2)
        write_tape_filing(Tape(shape, FILED_LOANS), folder, standard, seller, PERIOD, sequence=turn + 1)
        return
    first = next(bulks(FILED_LOANS))
    folder.mkdir(parents=True)
    file = folder / f"{LOAN}.parquet"
    own = {"project_code": f"{BUYER}-SOLD-{turn}", "holder_name": institution_name(BUYER)}
    columns = ", ".join(
        f"{sql_text(own[field.name])} as {field.name}" if field.name in own else field.name
        for field in standard.tables[LOAN].fields
    )
    with duckdb.connect() as con:
        accepted = sql_text(str(target(LOAN, first)))
        con.execute(
            f"copy (select {columns} from read_parquet({accepted}) order by row_number limit {FILED_LOANS}) "
            f"to {sql_text(str(file))} (format parquet)"
        )
    table = ManifestTable(table=LOAN, file=file.name, rows=FILED_LOANS, sha256=file_digest(file))
    manifest = Manifest(
        institution=BUYER,
        period=PERIOD,
        sequence=turn + 1,
        kind="original",
        standard_version=standard.latest_version,
        contact_channel=f"npl-desk@{BUYER.lower()}.example",
        tables=(table,),
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n")


def _decided(home: Path, place: Path, kind: str, turn: int) -> Measured:
    folder = place / f"{kind}-{turn}"
    run_work("across_filing", [str(folder), kind, str(turn)], home)
    run = run_work("check", [str(folder), BUYER if kind == "sold" else SELLERS[0]], home)
    expected = FILED_LOANS if kind == "sold" else 0
    if run.said["findings"].get(DOUBLE_SALE, 0) != expected:
        raise JudgeError("基准没有找到重复出让。", f"{DOUBLE_SALE} broke {run.said['findings']}: no benchmark.")
    return run


def _figures(runs: list[Measured]) -> Result:
    return {
        "verdict": runs[0].said["verdict"],
        "findings_total": runs[0].said["findings_total"],
        "seconds": median([each.said["work_seconds"] for each in runs]),
        "cpu_seconds": median([each.said["work_cpu_seconds"] for each in runs]),
        "peak_memory_mb": median([each.peak_memory_mb for each in runs]),
        "phases_cpu_seconds": {
            phase: median([each.said["phases"].get(phase, 0.0) for each in runs]) for phase in runs[0].said["phases"]
        },
    }
