"""Who must act: the filer (`FilingError`), the operator (`StorageError`), or us (`StandardError`, `JudgeError`)."""

import os
from dataclasses import dataclass

from expectations.spec import StandardError

__all__ = ["FilingError", "JudgeError", "StandardError", "StorageError", "UsageError", "cannot_write", "legible"]

REPAIR = (
    "请检查磁盘空间和目录权限，修复后重新运行；不会丢失报送。",
    "Check disk space and permissions, repair, and run again; no filing is lost.",
)


def legible(name: str) -> str:
    """The name of a file as people read it: one that is no UTF-8 came from a Chinese Windows, in GB18030."""
    raw = os.fsencode(name)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


@dataclass
class _BilingualError(Exception):
    """An error whose reader may be Chinese or English; `str()` gives both."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        # what can't be written down (half of a character in some name) must not keep the rest from its reader
        self.zh, self.en = (text.encode(errors="replace").decode() for text in (self.zh, self.en))

    def __str__(self) -> str:
        return f"{self.zh}\n{self.en}"


class FilingError(_BilingualError):
    """The filing cannot be read: the institution must act. Never raised for a bad value: that is a finding."""


class StorageError(_BilingualError):
    """Disk, permissions or database: the operator must act."""


def cannot_write(error: Exception, place: object) -> StorageError:
    """What the operator reads when something cannot be written: disk full, read-only, not ours."""
    # DuckDB's errors, and several errors of one copy, have no reason but their text
    reason = getattr(error, "strerror", None) or str(error)
    return StorageError(f"无法写入 {place}：{reason}。{REPAIR[0]}", f"Cannot write {place}: {reason}. {REPAIR[1]}")


class UsageError(_BilingualError):
    """The command was called with something it cannot use."""


@dataclass
class JudgeError(_BilingualError):
    """The judge itself broke: our fault; the filing goes to `error`, never to `rejected`.

    `detail` is for the operator (registry and logs), never for the filer.
    """

    detail: str = ""
