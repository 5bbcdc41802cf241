"""Files of accepted rows as they were when somebody read them, and what is made of them and may be thrown away."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expectations.compile import sql_text
from ingest.config import settings
from ingest.paths import bring_to_disk, home


@dataclass(frozen=True)
class Mark:
    """An accepted file as it was when it was read."""

    path: str  # below the accepted zone
    size: int
    written_ns: int

    @classmethod
    def of(cls, file: Path) -> "Mark":
        found = file.stat()
        return cls(file.relative_to(home().accepted).as_posix(), found.st_size, found.st_mtime_ns)

    @property
    def file(self) -> Path:
        return home().accepted / self.path

    @property
    def filing_id(self) -> str:
        """A file of accepted rows holds those of one filing, whose name it has."""
        return self.file.stem

    def is_true(self) -> bool:
        """Whether the file is as it was."""
        return self.file.exists() and Mark.of(self.file) == self


MARKS_ENTRY = "files"
"""In the metadata of what is made of accepted files: their marks."""


def told_marks(marks: Iterable[Mark]) -> str:
    """Marks as they are written down."""
    return json.dumps([(mark.path, mark.size, mark.written_ns) for mark in marks])


def marks_told(told: str | bytes) -> tuple[Mark, ...]:
    """The marks that `told_marks` wrote down.

    Raises:
        ValueError, TypeError: it did not.
    """
    return tuple(Mark(*mark) for mark in json.loads(told))


def name_of(told: str) -> str:
    """What a thing made of these files is called: the same of the same files."""
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def still_true(marks: Sequence[Mark], again: Collection[str]) -> list[int]:
    """Places of the marks whose files are as they were, and that are not among those read `again`."""
    return [place for place, mark in enumerate(marks) if mark.path not in again and mark.is_true()]


def read_files(files: Iterable[Path], options: str = "union_by_name = true") -> str:
    """SQL of a relation of accepted files' rows."""
    return f"read_parquet([{', '.join(sql_text(str(file)) for file in files)}], hive_partitioning = false, {options})"


def shown_by(kept: Sequence[Sequence[Mark]], marks: Iterable[Mark]) -> tuple[dict[Mark, int], list[Mark]]:
    """Which of the kept things shows each of these files, and the files that none does.

    A file that was written again since is another one; of several that stand for the same file the last shows it.
    """
    showing = {mark: place for place, each in enumerate(kept) for mark in each}
    shown: dict[Mark, int] = {}
    beside: list[Mark] = []
    for mark in marks:
        if mark in showing:
            shown[mark] = showing[mark]
        else:
            beside.append(mark)
    return shown, beside


def work_limits(work: Path) -> dict[str, Any]:
    """What a database that makes such a thing may use, spilling to this folder."""
    return {"memory_limit": settings().memory_limit, "threads": settings().threads, "temp_directory": str(work)}


def settle(temporary: Path, target: Path) -> None:
    """To the disk before it has its name: after a power cut a name must not stand over half a file."""
    bring_to_disk(temporary)
    temporary.replace(target)
