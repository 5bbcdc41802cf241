"""For tests: a mail server on loopback that keeps what it is sent."""

import asyncio
import email
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ingest.config import settings

SENDER, DUTY = "npl@platform.example", "duty@platform.example"


class Mailbox:
    """A mail server's side of the conversation."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.append(envelope.content)
        self.recipients.append(list(envelope.rcpt_tos))
        await asyncio.sleep(0)
        return "250 OK"

    @property
    def messages(self) -> list[Message]:
        return [email.message_from_bytes(content) for content in self.received]


@contextmanager
def mail_server(patch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server that the settings name while it lasts."""
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    for name, value in {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_SECURITY": "none",
        "MAIL_FROM": SENDER,
        "MAIL_ESCALATION": DUTY,
    }.items():
        patch.setenv(f"NPL_{name}", value)
    settings.cache_clear()
    yield box
    controller.stop()
