"""Reminders and escalations: what is due soon, late or missing goes to the institution's outbox, and by mail.

Each stage of each obligation is told once. A notice is recorded with its very words before anything is sent, and each
delivery after it was made: a process killed in between delivers again, the same bytes under the same Message-ID, by
which mail programs know a copy. So mail arrives at least once, and what the outbox holds never doubles.
"""

import datetime
import hashlib
import logging
import smtplib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import sqlalchemy as sa

from expectations.spec import load_standard
from ingest import registry, telemetry
from ingest.calendar import Obligation, owed, utc_start
from ingest.config import settings
from ingest.errors import StorageError
from ingest.mail import mail_server
from ingest.notice_text import MISSING, STAGES, body_of, subject_of
from ingest.paths import exclusive, home, write_text
from ingest.register import mailboxes
from ingest.registry_tables import notice_deliveries, notice_obligations, notices
from ingest.standing import NOT_FILED, standings
from ingest.working_days import ONE_DAY, WorkingDays, load_working_days

OUTBOX, MAIL = "outbox", "mail"
Notice = Mapping[str, Any]
Send = Callable[[EmailMessage], None]

log = logging.getLogger(__name__)


@telemetry.work("remind")
def remind(day: datetime.date) -> dict[str, int]:
    """Tell every institution what of its filings is due soon, late or missing on a day (of China).

    Returns how many new notices there are of each stage, and how many mails were sent; without news, nothing.

    Raises:
        StorageError: mail could not be sent; the operator must act, and the next run sends what is left.
    """
    with exclusive(home().reminders_turn):
        counts = Counter(plan(day))
        waiting = _undelivered()
        for notice in waiting[OUTBOX]:
            write_text(home().notice(notice["institution_id"], notice["notice_id"]), notice["body"])
            _delivered(notice, OUTBOX)
        counts["mails"] += _mail(waiting[MAIL])
    return {name: count for name, count in sorted(counts.items()) if count}


def plan(day: datetime.date) -> list[str]:
    """Record the notices that a day calls for, in one transaction; return the stage of each.

    One notice holds the tables of one period that came to one stage with the same due day.
    """
    days = load_working_days()
    lead = int(load_standard().head.parameters["reminder_working_days"].value)
    with registry.transaction() as connection:
        told = {tuple(row) for row in connection.execute(sa.select(*notice_obligations.c[:4]))}
    groups: dict[tuple[Any, ...], list[Obligation]] = defaultdict(list)
    # the day's own obligations fall due at its end; what was filed so far is what the registry knows
    for standing in standings(owed(day), utc_start(day + ONE_DAY)):
        each = standing.obligation
        stage = stage_of(each, day, days, lead)
        if stage and standing.status in NOT_FILED and (*_key(each), stage) not in told:
            groups[each.institution_id, each.period, stage, each.due_date].append(each)
    addresses = mailboxes() if settings().smtp_host else {}
    with registry.transaction(writing=True) as connection:
        for (institution, period, stage, _), tables in sorted(groups.items()):
            row = _notice(institution, period, stage, tables, addresses)
            connection.execute(notices.insert().values(**row))
            connection.execute(
                notice_obligations.insert(),
                [{**_named(each), "stage": stage, "notice_id": row["notice_id"]} for each in tables],
            )
    return [stage for _, _, stage, _ in sorted(groups)]


def stage_of(obligation: Obligation, day: datetime.date, days: WorkingDays, lead: int) -> str | None:
    """`due_soon` from so many working days before the due day, `late` after it, `missing` after grace; else null."""
    reached = sum(
        (
            day >= days.before(obligation.due_date, lead),
            day > obligation.due_date,
            day > obligation.grace_date,
        )
    )
    return STAGES[reached - 1] if reached else None


def message_of(notice: Notice) -> EmailMessage:
    """The mail of a notice: the same bytes whenever it is made."""
    message = EmailMessage()
    message["Message-ID"] = f"<{notice['notice_id']}@{settings().log_origin}>"
    message["Date"] = format_datetime(notice["planned_at"].replace(tzinfo=datetime.UTC, microsecond=0))
    message["From"] = settings().mail_from
    message["To"] = notice["recipients"]
    message["Subject"] = notice["subject"]
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply comes back
    message.set_content(notice["body"], cte="base64")
    return message


def _key(obligation: Obligation) -> tuple[str, str, str]:
    return obligation.institution_id, obligation.period, obligation.table_name


def _named(obligation: Obligation) -> dict[str, str]:
    return dict(zip(("institution_id", "period", "table_name"), _key(obligation), strict=True))


def _notice(
    institution: str, period: str, stage: str, tables: Sequence[Obligation], addresses: Mapping[str, str]
) -> dict[str, Any]:
    names = " ".join(sorted(each.table_name for each in tables))
    digest = hashlib.sha256(f"{institution} {period} {stage} {names}".encode()).hexdigest()[:8]
    to = [addresses.get(institution, "")]
    if stage == MISSING and settings().smtp_host:
        to.append(settings().mail_escalation)
    return {
        "notice_id": f"{institution}-{period}-{stage}-{digest}",
        "institution_id": institution,
        "planned_at": registry.utc_now(),
        "recipients": ", ".join(dict.fromkeys(filter(None, to))) or None,
        "subject": subject_of(stage, institution, period),
        "body": body_of(stage, institution, period, tables),
    }


def _undelivered() -> dict[str, list[Notice]]:
    """The notices that wait in each channel, oldest first."""
    with registry.transaction() as connection:
        done = {tuple(row) for row in connection.execute(sa.select(*notice_deliveries.c[:2]))}
        planned = [
            dict(row._mapping)
            for row in connection.execute(sa.select(notices).order_by(notices.c.planned_at, notices.c.notice_id))
        ]
    return {
        OUTBOX: [row for row in planned if (row["notice_id"], OUTBOX) not in done],
        MAIL: [row for row in planned if row["recipients"] and (row["notice_id"], MAIL) not in done],
    }


def _delivered(notice: Notice, channel: str) -> None:
    with registry.transaction(writing=True) as connection:
        connection.execute(
            notice_deliveries.insert().values(notice_id=notice["notice_id"], channel=channel, at=registry.utc_now())
        )


def _mail(waiting: Iterable[Notice]) -> int:
    """Send what waits; one mailbox that is refused holds nobody else up.

    Raises:
        StorageError: the server cannot be reached, or refused some; those that went out are recorded.
    """
    left = list(waiting)
    if not left or not settings().smtp_host:
        return 0
    sent = 0
    refused = []
    try:
        with mail_server() as server:
            for notice in left:
                try:
                    server.send_message(message_of(notice))
                except smtplib.SMTPRecipientsRefused:
                    refused.append(notice["notice_id"])
                    continue
                _delivered(notice, MAIL)
                sent += 1
    except (OSError, smtplib.SMTPException) as error:
        raise StorageError(
            f"邮件未能发出：{error}。请检查 NPL_SMTP_* 设置和邮件服务器；下次运行会发出其余的。",
            f"Mail cannot be sent: {error}. Check NPL_SMTP_* and the mail server; the next run sends what is left.",
        ) from error
    if refused:
        listed = ", ".join(refused)
        raise StorageError(
            f"邮件服务器拒收：{listed}。请更正 {home().register / 'mailboxes.csv'} 中的邮箱。",
            f"The mail server refused: {listed}. Correct the mailbox in {home().register / 'mailboxes.csv'}.",
        )
    return sent
