"""For tests: break a run off at any of its operations on files and registry, in a child process, and see what is left.

Whatever Python does to a file is announced to audit hooks just before it happens, so no operation has to be listed and
none can be forgotten. SQLite's commits are heard through SQLAlchemy. What DuckDB and Arrow write in C is not announced.
So whatever file came up since the operation before, other than by renaming, is cut in half: its writing had not ended.
"""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

Way = Literal["killed", "disk full"]
CREATING = ("open", "os.mkdir", "os.link", "os.symlink")
CHANGING = (*CREATING, "os.rename", "os.remove", "os.rmdir")
KILLED = 137


@dataclass(frozen=True)
class BrokenOff:
    """At which operation a child was broken off (None: it had fewer), how it ended, and the error it came to."""

    operation: str | None
    exit_code: int
    error: BaseException | None = None


def break_off(work: Callable[[], object], root: Path, after: int, way: Way = "killed") -> BrokenOff:
    """Do `work` in a child, in which the next operation below `root` after so many fails.

    `killed`: the process is gone, without any clean-up. `disk full`: nothing can be created from there on.
    """
    import pickle

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        breaker = _Breaker(root, after, way, writing)
        try:
            breaker.start()
            work()
        except BaseException as error:
            os.write(writing, b"\n" + pickle.dumps(error))
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        operation, _, error = pipe.read().partition(b"\n")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return BrokenOff(operation.decode() or None, code, pickle.loads(error) if error else None)


def kill_from_outside(work: Callable[[], object], seconds: float) -> bool:
    """Start `work` in a child and `kill -9` it after so long; false when it had ended by then."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


class _Breaker:
    """Counts a process's operations. An audit hook stays for good: only ever started in a child."""

    def __init__(self, root: Path, after: int, way: Way, pipe: int) -> None:
        self._root, self._left, self._way, self._pipe = root, after, way, pipe
        self._seen: set[Path] = set()
        self._placed: list[Path] = []

    def start(self) -> None:
        self._seen = self._files()
        sys.addaudithook(self._hear)
        sa.event.listen(sa.Engine, "commit", self._commit)

    def _commit(self, connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writing"):
            self._operation("commit", [])

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGING:
            paths = _paths(event, arguments)
            if any(path.is_relative_to(self._root) for path in paths) and _changes(event, arguments, paths[0]):
                self._operation(event, paths)

    def _operation(self, event: str, paths: list[Path]) -> None:
        self._left -= 1
        if self._left >= 0:
            self._seen = self._files()
            self._placed = paths[1:]
            return
        if self._left == -1:
            os.write(self._pipe, event.encode())
        if self._way == "killed":
            for file in self._files() - self._seen:
                if not any(file.is_relative_to(place) for place in self._placed):
                    os.truncate(file, file.stat().st_size // 2)
            os._exit(KILLED)
        if event in CREATING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _files(self) -> set[Path]:
        """All files but the registry's, which SQLite looks after."""
        files = (each for each in self._root.rglob("*") if each.is_file())
        return {file for file in files if not file.name.startswith("registry.sqlite")}


def _changes(event: str, arguments: tuple[Any, ...], path: Path) -> bool:
    """Whether anything becomes different: not by opening for reading, nor by what is there already."""
    if event == "open":
        flags = arguments[2]
        return bool(flags & (os.O_WRONLY | os.O_RDWR)) and not (flags & os.O_APPEND and path.exists())
    return not (event == "os.mkdir" and path.exists())


def _paths(event: str, arguments: tuple[Any, ...]) -> list[Path]:
    """The one or two paths of an operation; a name relative to an open folder is made whole."""
    names: list[tuple[Any, int]]
    if event in ("os.rename", "os.link"):
        names = [(arguments[0], arguments[2]), (arguments[1], arguments[3])]
    elif event == "os.mkdir":
        names = [(arguments[0], arguments[2])]
    elif event in ("os.remove", "os.rmdir"):
        names = [(arguments[0], arguments[1])]
    else:
        names = [(arguments[0], -1)]
    return [
        Path(os.readlink(f"/proc/self/fd/{folder}") if folder >= 0 else "", os.fsdecode(name))
        for name, folder in names
        if isinstance(name, (str, bytes, os.PathLike))
    ]
