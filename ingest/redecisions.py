"""New decisions on filed bytes: a replay decides them again under another id, and ends the decision that stood.

What was decided stays as it was, with its rows, its answer and its receipt; it ends at the moment at which the new
decision comes into force, as when a filer corrects a filing. So a release as of an earlier moment stays what it was.
"""

import datetime
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ingest import registry
from ingest.registry import AS_FILED, IN_FORCE, Decision, FilingRecord
from ingest.registry_tables import filings, log_entries, states

KIND = "redecision"
"""What a filing is that nobody filed: the platform decided anew on the bytes of one that somebody did."""


def anew(record: FilingRecord, replay_id: str) -> FilingRecord:
    """The record under which a replay decides a filing: `<id as filed>-r<how many times decided anew>`."""
    same = decisions_on(record.folder, record.sha256)
    made = next((each for each in same if each.replay_id == replay_id), None)
    if made is not None:
        return made
    first = next(each for each in same if each.replay_id == AS_FILED)
    return replace(
        record, filing_id=f"{first.filing_id}-r{len(same)}", kind=KIND, replay_id=replay_id, state="received"
    )


def decisions_on(folder: str, sha256: str) -> list[FilingRecord]:
    """Everything that was decided on these bytes from this folder: as filed, then each replay's, in their order."""
    query = registry.with_state().where(filings.c.folder == folder, filings.c.sha256 == sha256)
    return sorted(registry.records(query), key=lambda each: (len(each.filing_id), each.filing_id))


def present(record: FilingRecord) -> FilingRecord:
    """The last decision on a filing's bytes: what a filer means who names it by any id that it ever had."""
    return decisions_on(record.folder, record.sha256)[-1]


def state_without(record: FilingRecord, sha256: str) -> str:
    """A filing's state as it was before a filing of these bytes corrected or withdrew it; else as it is.

    Whoever checks a correction again must not be told that what it corrects is out of force.
    """
    if record.state not in registry.OUT_OF_FORCE:
        return record.state
    with registry.transaction() as connection:
        history = connection.execute(
            sa.select(states.c.state, states.c.detail)
            .where(states.c.filing_id == record.filing_id)
            .order_by(states.c.state_id)
        ).all()
        enders = sa.select(filings.c.filing_id).where(filings.c.sha256 == sha256)
        ended_by_it = history[-1].detail in connection.execute(enders).scalars().all()
    return next(row.state for row in reversed(history) if row.state in IN_FORCE) if ended_by_it else record.state


def redecide(record: FilingRecord, decision: Decision, replaced: str, at: datetime.datetime) -> bool:
    """Record a new decision, and the end of the one that stood, in one transaction, once.

    False when something came into or out of force since it was judged: then it has to be judged again.
    """
    row = {name: getattr(record, name) for name in filings.c.keys()}  # noqa: SIM118 (columns, not a mapping's keys)
    try:
        with registry.transaction(writing=True) as connection:
            if registry.present_state(connection, record.filing_id) is not None:
                return True  # this replay has, before it was killed
            position = registry.log_length(connection, log_entries)
            if registry.in_force_changed(connection, decision.known_size):
                return False
            if registry.present_state(connection, replaced) not in IN_FORCE:
                return False
            connection.execute(filings.insert().values(**row))
            registry.add_state(connection, record.filing_id, "received", at, None)
            registry.record_decision(connection, record.filing_id, decision, position, at)
            registry.add_state(connection, replaced, "superseded", at, record.filing_id)
    except IntegrityError:
        return False
    return True
