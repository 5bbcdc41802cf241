"""A replay for the record only: what the rules of today would say of history, as a report; nothing is changed by it."""

import hashlib
from typing import Any

from ingest import dry_run as proposals
from ingest.paths import home, remove_temporaries, write_folder
from ingest.release.folder import as_json
from ingest.replay.outcomes import SAME, Watch, outcomes

REPORT_JSON = "dry_run.json"
REPORT_TEXT = "dry_run.txt"


def audit(period: str | None = None, proposal: str | None = None, watched: Watch = iter) -> dict[str, Any]:
    """Write a report and return what it says in short, with the path of its `page`.

    Without a `proposal`: filings in force that another standard decided, as today's standard would. With one (a rule,
    its file, or the directory of a standard): all that was filed, as `npl standard dry-run` tells it.

    Raises:
        StandardError, StorageError, UsageError: as those.
    """
    if proposal is None:
        found = list(outcomes(period, watched))
        changing = [each.to_dict() for each in found if each.change != SAME]
        counts = {"judged": len(found), "changed": len(changing)}
        content: dict[str, Any] = {"period": period, **counts, "filings": changing}
        lines = [f"{each['filing_id']}\t{each['before']['verdict']} → {each['after']['verdict']}" for each in changing]
        said = f"重判 {len(found)} 份，{len(changing)} 份会变 · {len(found)} judged again, {len(changing)} would change"
        text = "\n".join([f"报送期 period: {period or '全部 all'}", said, *lines, ""])
    else:
        told = proposals.dry_run(proposal, period=period, watched=watched)
        changed = sum(told.total(kind)[0] for kind in proposals.KINDS)
        content = {"period": period, "judged": told.judged, "changed": changed, "dry_run": told.to_dict()}
        text = told.to_text()
    encoded = as_json(content).encode()
    folder = home().replay(f"dry-{hashlib.sha256(encoded).hexdigest()[:12]}")
    remove_temporaries(home().replays)
    write_folder(folder, {REPORT_JSON: encoded, REPORT_TEXT: text.encode()})
    return {"judged": content["judged"], "changed": content["changed"], "page": str(folder / REPORT_TEXT)}
