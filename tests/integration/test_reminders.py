"""Reminders: the outbox and a real mail server on loopback, told once a stage, also when the process is killed."""

import datetime
import email.header
import multiprocessing
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from mail_catcher import Mailbox, mail_server

from ingest import registry, reminders
from ingest.config import settings
from ingest.errors import StorageError
from ingest.paths import Home
from ingest.registry_tables import notice_deliveries, notice_obligations, notices
from ingest.reminders import remind

Day = datetime.date
MAILBOX = "filings@slzg01.example"
DUE_SOON, LATE, MISSING = Day(2026, 5, 15), Day(2026, 5, 19), Day(2026, 5, 26)


@pytest.fixture
def one_institution(npl_home: Home) -> Home:
    """A home in which one invented asset manager takes part, and the others of the shipped register have left."""
    npl_home.register.mkdir(parents=True)
    lines = ["institution_id,valid_from,valid_to,source"]
    lines += [
        f"{each},2026-04-01,2026-04-01,left at once" for each in ("SLXJ01", "SLYH01", "SLYH02", "SLQC01", "SLZG02")
    ]
    (npl_home.register / "participation.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return npl_home


@pytest.fixture
def mail(one_institution: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    (one_institution.register / "mailboxes.csv").write_text(
        f"institution_id,mailbox\nSLZG01,{MAILBOX}\n", encoding="utf-8"
    )
    with mail_server(monkeypatch) as box:
        yield box


def files(home: Home) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((home.outbox / "SLZG01" / "calendar").glob("*"))}


def test_each_stage_is_told_once_in_the_outbox_in_both_languages(one_institution: Home) -> None:
    assert remind(Day(2026, 5, 12)) == {}
    assert remind(Day(2026, 5, 13)) == {"due_soon": 1}
    assert remind(Day(2026, 5, 18)) == {}, "the due day itself is not late"
    told = files(one_institution)
    assert remind(LATE) == {"late": 1}
    assert remind(Day(2026, 5, 25)) == {}
    assert remind(MISSING) == {"missing": 1}
    assert remind(MISSING) == {}
    after = files(one_institution)
    assert len(told) == 1
    assert told.items() <= after.items()
    assert [name.split("-")[3] for name in after] == ["due_soon", "late", "missing"]
    text = next(iter(told.values())).decode()
    assert "示例东部资产管理有限公司" in text
    assert "截止 due 2026-05-18" in text
    assert text.index("报送将到期") < text.index("Filings due soon")


def test_a_lost_file_of_an_undelivered_notice_comes_back_to_the_byte(one_institution: Home) -> None:
    remind(DUE_SOON)
    before = files(one_institution)
    assert before
    for path in (one_institution.outbox / "SLZG01" / "calendar").iterdir():
        path.unlink()
    with registry.transaction(writing=True) as connection:
        connection.execute(notice_deliveries.delete())
    assert remind(DUE_SOON) == {}
    assert files(one_institution) == before


def test_mail_goes_to_the_institution_and_what_is_missing_to_the_operator_as_well(mail: Mailbox) -> None:
    assert remind(DUE_SOON) == {"due_soon": 1, "mails": 1}
    assert remind(DUE_SOON) == {}
    assert remind(MISSING) == {"mails": 1, "missing": 1}
    assert mail.recipients == [[MAILBOX], [MAILBOX, "duty@platform.example"]]
    first, second = mail.messages
    assert first["Message-ID"].startswith("<SLZG01-2026-04-due_soon-")
    assert first["Message-ID"] != second["Message-ID"]
    assert str(email.header.make_header(email.header.decode_header(second["Subject"]))) == (
        "逾期未报 Filings missing: SLZG01 2026-04"
    )
    payload = second.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert "宽限至 grace until 2026-05-25" in payload.decode()


def test_a_mailbox_that_is_refused_turns_the_task_red_and_is_tried_again(mail: Mailbox) -> None:
    mail.refused.add(MAILBOX)
    with pytest.raises(StorageError, match=r"mailboxes\.csv"):
        remind(DUE_SOON)
    assert mail.received == []
    mail.refused.clear()
    assert remind(DUE_SOON) == {"mails": 1}
    assert len(mail.received) == 1


def test_a_server_that_is_down_loses_no_notice(mail: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    port = os.environ["NPL_SMTP_PORT"]
    monkeypatch.setenv("NPL_SMTP_PORT", "1")
    settings.cache_clear()
    with pytest.raises(StorageError, match="NPL_SMTP_"):
        remind(DUE_SOON)
    assert len(files(Home(settings().home))) == 1, "the outbox tells all the same"
    monkeypatch.setenv("NPL_SMTP_PORT", port)
    settings.cache_clear()
    assert remind(DUE_SOON) == {"mails": 1}


def _remind_and_die(home: str, before: str) -> None:
    """Killed by the system where `before` would run: after the message was sent, or after it was planned."""
    os.environ["NPL_HOME"] = home
    settings.cache_clear()
    registry._engine.cache_clear()

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    real = reminders._delivered

    def die_at_mail(notice: Any, channel: str) -> None:
        if channel == reminders.MAIL:
            die()
        real(notice, channel)

    setattr(reminders, before, die_at_mail if before == "_delivered" else die)
    remind(DUE_SOON)


@pytest.mark.parametrize(("before", "copies"), [("_delivered", 2), ("_mail", 1), ("_undelivered", 1)])
def test_a_kill_loses_no_notice_and_a_copy_has_the_same_bytes(mail: Mailbox, before: str, copies: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_remind_and_die, args=(str(settings().home), before))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert remind(DUE_SOON) == {"mails": 1}
    assert remind(DUE_SOON) == {}
    assert len(mail.received) == copies
    assert len(set(mail.received)) == 1
    assert len(files(Home(settings().home))) == 1
    assert len(registry.rows_of(notices)) == len(registry.rows_of(notice_obligations)) == 1
    assert len(registry.rows_of(notice_deliveries)) == 2


def test_nobody_is_mailed_about_the_past_when_mail_is_configured_later(
    one_institution: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    remind(MISSING)
    monkeypatch.setenv("NPL_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("NPL_SMTP_PORT", "1")
    settings.cache_clear()
    assert remind(MISSING) == {}
