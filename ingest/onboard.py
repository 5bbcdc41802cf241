"""Take an institution in: its rows in the operator's registers, the key it signs in with, its two folders.

Every step can be run again: what stands there already is left as it is, and nothing that was registered is changed.
"""

import csv
import datetime
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from expectations.spec import load_standard
from ingest import register
from ingest.calendar import Obligation, owed
from ingest.errors import StandardError, StorageError, UsageError
from ingest.manifest import IDENTIFIER_PATTERN
from ingest.paths import home, sftp_keys_of, write_bytes, write_text

_PUBLIC_KEY = re.compile(r"(?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]{40,}(?: [^\n]*)?")
_MAILBOX = re.compile(r"[^\s@,]+@[^\s@,]+")


@dataclass(frozen=True)
class Newcomer:
    """An institution that joins; of one that is registered, name, type and the like are left empty.

    `since` is the first day on which it takes part and so owes filings. `public_key` is one line of OpenSSH.
    """

    institution_id: str
    since: datetime.date
    name_zh: str = ""
    name_en: str = ""
    institution_type: str = ""
    province_code: str = ""
    uscc: str = ""
    source: str = "onboarded by the operator"
    public_key: str = ""
    mailbox: str = ""


@dataclass(frozen=True)
class Onboarded:
    """What was written (files and folders; nothing when all stood there), and what is owed by the end of the year."""

    written: tuple[Path, ...]
    owed: tuple[Obligation, ...]


def onboard(newcomer: Newcomer) -> Onboarded:
    """Write what is missing of an institution's registration.

    Raises:
        UsageError: something that is told cannot be; nothing was written.
    """
    _refuse_what_cannot_be(newcomer)
    added = {home().register / name: row for name, row in _missing_rows(newcomer)}
    before = {file: file.read_bytes() if file.exists() else None for file in added}
    try:
        for file, row in added.items():
            _add_row(file, row)
        register.forget()
        register.institution_names()  # refuses a name that somebody bears already
        first = owed(datetime.date(newcomer.since.year, 12, 31), newcomer.institution_id)
    except (StandardError, StorageError) as error:
        for file, content in before.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                write_bytes(file, content)
        raise UsageError(f"未登记：{error}", f"Not registered: {error}") from error
    finally:
        register.forget()
    written = [*added, *_missing_key(newcomer), *_missing_folders(newcomer.institution_id)]
    return Onboarded(tuple(written), tuple(first))


def _refuse_what_cannot_be(newcomer: Newcomer) -> None:
    codes = load_standard().codes
    known = register.institution(newcomer.institution_id)
    if not re.fullmatch(IDENTIFIER_PATTERN, newcomer.institution_id):
        raise UsageError(
            "机构代码为 2 至 32 位大写字母、数字和连字符。",
            "An institution's id is 2 to 32 capitals, digits and hyphens.",
        )
    for list_name, code in (("institution_type", newcomer.institution_type), ("province", newcomer.province_code)):
        if code and code not in {each.code for each in codes[list_name]}:
            raise UsageError(f"代码表 {list_name} 中没有 {code}。", f"The code list {list_name} has no {code}.")
    if known is None and not (newcomer.name_zh and newcomer.institution_type):
        raise UsageError(
            f"{newcomer.institution_id} 尚未登记：请给出名称和类型。",
            f"{newcomer.institution_id} is not registered yet: tell its name and type.",
        )
    told = {
        name: getattr(newcomer, name) for name in ("name_zh", "name_en", "institution_type", "province_code", "uscc")
    }
    for name, value in told.items():
        if known is not None and value and value != known[name]:
            raise UsageError(
                f"{newcomer.institution_id} 已登记，{name} 为 {known[name]}；更正请改登记文件。",
                f"{newcomer.institution_id} is registered with {name} {known[name]}; correct that in the register.",
            )
    if newcomer.public_key and not _PUBLIC_KEY.fullmatch(newcomer.public_key):
        raise UsageError("公钥不是一行 OpenSSH 公钥。", "The public key is not one line of OpenSSH.")
    if newcomer.mailbox and not _MAILBOX.fullmatch(newcomer.mailbox):
        raise UsageError(f"{newcomer.mailbox} 不是邮箱地址。", f"{newcomer.mailbox} is no mailbox.")


def _missing_rows(newcomer: Newcomer) -> Iterator[tuple[str, dict[str, str]]]:
    """(register file, row) of what the registers do not say yet."""
    identifier, since = newcomer.institution_id, newcomer.since.isoformat()
    if register.institution(identifier) is None:
        yield (
            register.INSTITUTIONS,
            {
                "institution_id": identifier,
                "name_zh": newcomer.name_zh,
                "name_en": newcomer.name_en,
                "institution_type": newcomer.institution_type,
                "province_code": newcomer.province_code,
                "uscc": newcomer.uscc,
                "valid_from": since,
                "valid_to": "",
                "successor_id": "",
                "aliases": "",
                "is_demo": "false",
                "source": newcomer.source,
            },
        )
    takes_part = any(
        row["institution_id"] == identifier
        and row["valid_from"] <= newcomer.since <= (row["valid_to"] or datetime.date.max)
        for row in register.participation().to_pylist()
    )
    if not takes_part:
        yield (
            register.PARTICIPATION,
            {"institution_id": identifier, "valid_from": since, "valid_to": "", "source": newcomer.source},
        )
    if newcomer.mailbox and register.mailboxes().get(identifier) is None:
        yield register.MAILBOXES, {"institution_id": identifier, "mailbox": newcomer.mailbox}


def _add_row(file: Path, row: dict[str, str]) -> None:
    """Add a row to an operator's register, whole or not at all; a file that is not there begins with its header."""
    text = file.read_text(encoding="utf-8") if file.exists() else _line(row)
    write_text(file, text + ("" if text.endswith("\n") else "\n") + _line(row.values()))


def _line(cells: object) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerow(cells)  # type: ignore[arg-type]
    return buffer.getvalue()


def _missing_key(newcomer: Newcomer) -> Iterator[Path]:
    file = sftp_keys_of(newcomer.institution_id)
    held = file.read_text(encoding="utf-8") if file.exists() else ""
    if newcomer.public_key and newcomer.public_key not in held.splitlines():
        write_text(file, held + newcomer.public_key + "\n")
        yield file


def _missing_folders(institution_id: str) -> Iterator[Path]:
    for zone in (home().inbox, home().outbox):
        if not (zone / institution_id).is_dir():
            (zone / institution_id).mkdir(parents=True)
            yield zone / institution_id
