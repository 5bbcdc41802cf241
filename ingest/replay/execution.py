"""Carry out a plan that was approved: one filing after the other, each in one transaction, and go on where one stopped.

Of each filing exactly what the plan foretold is recorded, or nothing: what came in since may have changed what the
standard says of it, and then it needs another plan.
"""

import datetime
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from expectations.spec import load_standard
from ingest import registry
from ingest.accept import decision_of, give_answer, keep_rows
from ingest.check import checking
from ingest.errors import StorageError, UsageError
from ingest.landing import intact_entry
from ingest.paths import exclusive, file_digest, home
from ingest.receipts.issue import write_receipt
from ingest.redecisions import anew, redecide
from ingest.registry_tables import replays
from ingest.replay.outcomes import APPLIED, OTHERWISE, OVERTAKEN, side_of
from ingest.replay.planning import PLAN_JSON, find_plan

Clock = Callable[[], datetime.datetime]


@dataclass
class Applied:
    """What became of a plan's filings: decided anew (now or before), overtaken by another filing, or otherwise now."""

    replay: str
    applied: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "replay": self.replay,
            "applied": self.applied,
            "overtaken": self.overtaken,
            "otherwise": self.otherwise,
        }


def apply(replay_id: str, approved_by: str, reason: str) -> Applied:
    """Record who approved a plan, and decide its filings anew; done already, it changes nothing.

    Raises:
        UsageError: no such plan, or one that was altered; nobody named; made with another standard than today's.
        StorageError: disk or registry; trying again goes on.
    """
    plan = find_plan(replay_id)
    if not approved_by.strip():
        raise UsageError("请说明由谁批准。", "Say who approved it.")
    if plan["standard_sha256"] != load_standard().sha256:
        raise UsageError(
            f"{replay_id} 是按另一版标准拟定的，请重新拟定。",
            f"{replay_id} was planned under another standard than today's: plan again.",
        )
    with exclusive(home().replay_turn):
        _record_approval(replay_id, plan["standard_sha256"], approved_by.strip(), reason.strip())
        told = Applied(replay_id)
        for planned in plan["filings"]:
            filing_id = planned["filing_id"]
            getattr(told, decide_anew(filing_id, replay_id, planned["after"], registry.utc_now)).append(filing_id)
        return told


def decide_anew(filing_id: str, replay_id: str, foretold: dict[str, Any], clock: Clock, as_filed: bool = True) -> str:
    """Decide one filing anew if it comes to what was foretold; return what came of it. `clock` tells when.

    A rehearsal does not do it `as_filed`: without Great Expectations as the judge, and without a receipt.
    """
    record = registry.find(filing_id)
    if record is None:
        raise StorageError(f"登记库中没有 {filing_id}。", f"The registry has no {filing_id}.")
    standard = load_standard()
    with exclusive(home().turn(filing_id)):
        new = anew(record, replay_id)
        while new.state not in registry.FINAL:
            if (registry.find(filing_id) or record).state not in registry.IN_FORCE:
                return _left(new, OVERTAKEN)
            known_size = registry.log_size()
            with checking(intact_entry(record.sha256), standard, record.folder, new if as_filed else None) as case:
                if side_of(case).to_dict() != foretold:
                    return _left(new, OTHERWISE)
                keep_rows(case, new, home())
                give_answer(new, case.report, standard)
                decision = decision_of(new, case, known_size)
            if redecide(new, decision, filing_id, clock()):
                break
        if as_filed:
            write_receipt(new.filing_id)
        return APPLIED


def _left(new: registry.FilingRecord, why: str) -> str:
    """Remove what a try that was killed may have written of a decision that is not taken."""
    for spec in load_standard().tables.values():
        for zone in (home().accepted, home().held):
            place = home().parquet(zone, spec.table, new.period or "", new.institution_id, new.filing_id)
            place.unlink(missing_ok=True)
    shutil.rmtree(home().answer(new.folder, new.filing_id), ignore_errors=True)
    return why


def _record_approval(replay_id: str, standard_sha256: str, approved_by: str, reason: str) -> None:
    with registry.transaction(writing=True) as connection:
        known = connection.execute(replays.select().where(replays.c.replay_id == replay_id)).first()
        if known is None:
            connection.execute(
                replays.insert().values(
                    replay_id=replay_id,
                    plan_sha256=file_digest(home().replay(replay_id) / PLAN_JSON),
                    standard_sha256=standard_sha256,
                    approved_by=approved_by[:120],
                    reason=reason[:400],
                    at=registry.utc_now(),
                )
            )
