"""Who must act: the filer (`FilingError`), the operator (`StorageError`), or us (`StandardError`, `JudgeError`)."""

from dataclasses import dataclass

from expectations.spec import StandardError

__all__ = ["FilingError", "JudgeError", "StandardError", "StorageError", "UsageError"]


@dataclass
class _BilingualError(Exception):
    """An error whose reader may be Chinese or English; `str()` gives both."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh}\n{self.en}"


class FilingError(_BilingualError):
    """The filing cannot be read: the institution must act. Never raised for a bad value: that is a finding."""


class StorageError(_BilingualError):
    """Disk, permissions or database: the operator must act."""


class UsageError(_BilingualError):
    """The command was called with something it cannot use."""


@dataclass
class JudgeError(_BilingualError):
    """The judge itself broke: our fault; the filing goes to `error`, never to `rejected`.

    `detail` is for the operator (registry and logs), never for the filer.
    """

    detail: str = ""
