"""The leaf of the log: what a decision was about, and what it was, in one canonical line."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from ingest.registry import FilingRecord


def leaf_of(record: FilingRecord, decision: Mapping[str, Any]) -> str:
    """Canonical JSON (sorted keys, no spaces, UTF-8) of what is proved, and a salt.

    The salt keeps others from guessing a leaf out of its hash.
    """
    content = proved(record, decision) | {"salt": secrets.token_hex(16)}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def proved(record: FilingRecord, decision: Mapping[str, Any]) -> dict[str, str | None]:
    """Who filed which bytes, and what was answered under which rules; `decision` is a row of the registry."""
    return {
        "filing": record.filing_id,
        "institution": record.institution_id,
        "period": record.period,
        "sha256": record.sha256,
        "report_sha256": decision["report_sha256"],
        "standard_sha256": decision["standard_sha256"],
        "verdict": decision["verdict"],
        "received_at": record.received_at.isoformat(timespec="microseconds") + "Z",
    }
