"""The mail server, as the settings `NPL_SMTP_*` name it."""

import smtplib
import ssl

from ingest.config import settings


def mail_server() -> smtplib.SMTP:
    """A connection to the mail server that the settings name, for use in a `with`.

    Raises:
        OSError, smtplib.SMTPException: it cannot be reached, or refuses us.
    """
    used = settings()
    if used.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            used.smtp_host, used.smtp_port, timeout=used.smtp_seconds, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(used.smtp_host, used.smtp_port, timeout=used.smtp_seconds)
    if used.smtp_security == "starttls":
        server.starttls(context=ssl.create_default_context())
    if used.smtp_user:
        server.login(used.smtp_user, used.smtp_password.get_secret_value())
    return server
