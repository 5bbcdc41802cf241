"""For tests: hand in small filings built on the standard's own example rows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from expectations.spec import FILING_TABLE, Row, Standard, load_standard
from ingest import accept, check, receive
from ingest.paths import home
from ingest.synthetic_files import SyntheticFiling, contents_of, folder_contents

NOTICE = "package_notice"
FILER = "SLXJ01"


def sale_notice(**changes: str | None) -> Row:
    """The standard's example of a sale notice (SLXJ01, March 2026) with some cells changed."""
    return load_standard().example_row(NOTICE, changes)


def small_standard(tables: Sequence[str], *rules: str) -> Standard:
    """The standard with these tables alone, and of its rules these and all about filings: the same path, and quick."""
    whole = load_standard()
    return Standard(
        head=whole.head,
        tables={name: whole.all_tables[name] for name in (*tables, FILING_TABLE)},
        codes=whole.codes,
        rules={rule.id: rule for rule in whole.rules.values() if rule.table == FILING_TABLE or rule.id in rules},
        macros=whole.macros,
        sha256=whole.sha256,
        directory=whole.directory,
    )


def judge_by(monkeypatch: pytest.MonkeyPatch, standard: Standard) -> None:
    """Have filings decided by this standard, without Great Expectations."""
    monkeypatch.setattr(accept, "load_standard", lambda: standard)
    monkeypatch.setattr(
        check,
        "_judge_of_record",
        lambda work, used, content, *_: check._direct(work, used, content),
    )


def put(
    name: str,
    rows: list[Row],
    folder: str | None = None,
    manifest: dict[str, Any] | None = None,
    table: str = NOTICE,
    **filing: Any,
) -> Path:
    """Put a filing of one table into an inbox; `manifest` overrides keys of its filing.json. Return where it lies."""
    filed = SyntheticFiling(name, **{"institution": FILER, "period": "2026-03", "tables": {table: rows}} | filing)
    place = home().inbox / (folder or filed.institution) / filed.entry
    contents = contents_of(load_standard(), filed)
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(contents, bytes):
        place.write_bytes(contents)
        return place
    contents = folder_contents(load_standard(), filed)
    if manifest:
        contents["filing.json"] = json.dumps(json.loads(contents["filing.json"]) | manifest).encode()
    place.mkdir()
    for file, content in contents.items():
        (place / file).write_bytes(content)
    return place


def decide_all() -> dict[str, str]:
    """Receive and decide whatever waits; return filing id -> state it came to."""
    return {filing_id: accept.decide(filing_id) for filing_id in receive.receive_waiting()}


def decide_one() -> tuple[str, str]:
    """Receive and decide the one filing that waits; return its id and state."""
    ((filing_id, state),) = decide_all().items()
    return filing_id, state
