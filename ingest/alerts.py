"""What the operator has to know of at once: a file each in `alerts/`, a line in the log, and a mail.

Nothing here asks the registry, which may be what is down. An alert lies in `alerts/waiting/` until it was mailed; then,
or where no mail is set up, it is moved beside. So a mail server that is down loses none, a killed process sends one
twice at most, under the same Message-ID, and setting up mail later floods nobody.
"""

import logging
import os
import re
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from ingest.config import settings
from ingest.errors import StorageError
from ingest.mail import mail_server
from ingest.paths import exclusive, home, write_text

log = logging.getLogger(__name__)


def alert(name: str, zh: str, en: str, details: Mapping[str, str | None]) -> Path:
    """Tell the operator once of what `name` names; return the file. Told before, it is not told again.

    `zh` and `en` are one line each, the subject. `details` (label in both languages -> value) must hold nothing that a
    filing said: alerts leave the platform by mail. Mail that cannot be sent waits for `send_waiting`.
    """
    file_name = re.sub(r"[^\w.+-]+", "_", name)[:200] + ".txt"
    told, waiting = home().alerts / file_name, home().alerts_waiting / file_name
    if told.exists():
        return told
    lines = [f"{zh} · {en}", "", *(f"{label}：{value}" for label, value in details.items() if value)]
    write_text(waiting, "\n".join([*lines, ""]))
    log.error("%s / %s (%s)", zh, en, file_name)
    try:
        send_waiting()
    except StorageError as error:
        log.error("%s", error)
    return told if told.exists() else waiting


def send_waiting() -> int:
    """Mail the alerts that wait, oldest first; return how many were sent.

    Raises:
        StorageError: the mail server cannot be reached, or refuses them; they go on waiting.
    """
    with exclusive(home().alerts_turn):
        left = sorted(home().alerts_waiting.glob("*.txt"), key=lambda path: (path.stat().st_mtime, path.name))
        if not left:
            return 0
        if not (settings().smtp_host and settings().mail_escalation):
            for path in left:
                os.replace(path, home().alerts / path.name)
            return 0
        try:
            with mail_server() as server:
                for path in left:
                    server.send_message(message_of(path))
                    os.replace(path, home().alerts / path.name)
        except (OSError, smtplib.SMTPException) as error:
            raise StorageError(
                f"告警邮件未能发出：{error}。请检查 NPL_SMTP_* 和 NPL_MAIL_ESCALATION；"
                f"告警在 {home().alerts_waiting}。",
                f"Alerts cannot be mailed: {error}. Check NPL_SMTP_* and NPL_MAIL_ESCALATION; they lie in "
                f"{home().alerts_waiting}.",
            ) from error
    return len(left)


def message_of(path: Path) -> EmailMessage:
    """The mail of an alert: its first line is the subject."""
    text = path.read_text(encoding="utf-8")
    message = EmailMessage()
    message["Message-ID"] = f"<{path.stem}@{settings().log_origin}>"
    message["Date"] = formatdate(path.stat().st_mtime)
    message["From"] = settings().mail_from
    message["To"] = settings().mail_escalation
    message["Subject"] = text.partition("\n")[0]
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="base64")
    return message
