"""Plans of replays: which filings would be decided anew and which published figures that would change, to be approved.

A plan is a folder `replays/<id>/`; its id is a digest of what it says, so the same plan made twice is one.
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa

from expectations.spec import load_standard
from ingest import registry
from ingest.errors import UsageError
from ingest.paths import exclusive, home, remove_temporaries, write_folder
from ingest.registry_tables import filings, replays
from ingest.release.folder import as_json
from ingest.replay.outcomes import SAME, last_day
from ingest.replay.page import page, summary
from ingest.replay.rehearsal import rehearsed

PLAN_JSON = "plan.json"
PLAN_PAGE = "plan.md"


def plan(period: str | None = None) -> dict[str, Any] | None:
    """Plan to decide filings in force anew, of one period or of all; null when nothing would change.

    The plan says: `replay` (its id), `standard_sha256`, `period`, `unchanged` (filings that stay as they are),
    `filings` (with both sides of each) and `figures` (as in `npl release diff`).

    Raises:
        StorageError: the rehearsal failed; its log, which the message names, tells where.
        UsageError: that is no period.
    """
    if period is not None:
        last_day(period)
    with exclusive(home().replay_turn):
        found, figures = rehearsed(period)
        changing = [each for each in found if each["change"] != SAME]
        if not changing:
            return None
        content = {
            "standard_sha256": load_standard().sha256,
            "period": period,
            "unchanged": len(found) - len(changing),
            "filings": changing,
            "figures": figures,
        }
        replay_id = _id_of(content)
        told = {"replay": replay_id, **content}
        remove_temporaries(home().replays)
        write_folder(home().replay(replay_id), {PLAN_JSON: as_json(told).encode(), PLAN_PAGE: page(told).encode()})
        return told


def brief(period: str | None = None) -> dict[str, Any]:
    """Plan, and tell it in short: `replay` (null when nothing would change), `summary` in Markdown, and `page`."""
    told = plan(period)
    if told is None:
        return {"replay": None, "summary": "没有会变的裁定。No decision would change.", "page": None}
    page_file = home().replay(told["replay"]) / PLAN_PAGE
    return {
        "replay": told["replay"],
        "summary": "\n".join([*summary(told), "", str(page_file)]),
        "page": str(page_file),
    }


def _id_of(content: dict[str, Any]) -> str:
    return f"replay-{hashlib.sha256(as_json(content).encode()).hexdigest()[:12]}"


def find_plan(replay_id: str) -> dict[str, Any]:
    """A plan by its id.

    Raises:
        UsageError: there is none, or it was altered since it was made.
    """
    file = home().replay(replay_id) / PLAN_JSON
    if "/" in replay_id or not file.is_file():
        raise UsageError(f"没有重判计划 {replay_id}。", f"There is no plan {replay_id}.")
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if _id_of({name: value for name, value in loaded.items() if name != "replay"}) != replay_id:
        raise UsageError(f"计划 {replay_id} 已被改动。", f"The plan {replay_id} was altered since it was made.")
    return loaded


def plans() -> list[dict[str, Any]]:
    """Every plan, by id: its period, how many filings it changes, who approved it when, and how many are done."""
    with registry.transaction() as connection:
        approved = {row.replay_id: row for row in connection.execute(sa.select(replays))}
        counted = sa.select(filings.c.replay_id, sa.func.count().label("filings")).group_by(filings.c.replay_id)
        done = {row.replay_id: row.filings for row in connection.execute(counted)}
    told = []
    for file in sorted(home().replays.glob(f"[!.]*/{PLAN_JSON}")):
        each = find_plan(file.parent.name)
        approval = approved.get(each["replay"])
        told.append(
            {
                "replay": each["replay"],
                "period": each["period"],
                "filings": len(each["filings"]),
                "approved_by": approval.approved_by if approval else None,
                "approved_at": approval.at.isoformat(timespec="seconds") + "Z" if approval else None,
                "done": done.get(each["replay"], 0),
            }
        )
    return told
