"""A PostgreSQL of the tests' own: Debian's, on a port of loopback.

Its data lies beside the tests' folders: every session that begins takes the rights of others to those of all sessions
away, and the server, which is not root, could not reach it any more.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from processes import descendants
from servers import free_port, install_debian

DATABASE_USER = "npl"


@lru_cache(maxsize=1)
def installed() -> Path:
    """The folder of PostgreSQL's programs; Debian's package is installed where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        install_debian("postgresql")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent


class Postgres:
    """A server with an empty cluster, not started yet; what it holds outlives its processes, until it is removed."""

    def __init__(self) -> None:
        self._data, self.port = Path(tempfile.mkdtemp(prefix="npl-postgres-")), free_port()
        # PostgreSQL refuses to run as root
        self._as_user = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        )
        if self._as_user:
            shutil.chown(self._data, "postgres", "postgres")
        self._run("initdb", "-D", str(self._data), "-U", DATABASE_USER, "-A", "trust", "-E", "UTF8", "--no-sync")

    def url(self, database: str = "postgres", user: str = DATABASE_USER, driver: str = "psycopg") -> str:
        return f"postgresql+{driver}://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The server's process; there is none before it was started."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        options = (
            f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories={self._data} -c fsync=off -c max_connections=200"
        )
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._data / "log"), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop it, if it runs, and remove what it holds."""
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self._data)

    def kill(self) -> int:
        """`kill -9` the server and every process of it; the number of processes."""
        processes = [self.pid, *descendants(self.pid)]
        for process in processes:  # the server first: else it would begin to recover
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return len(processes)

    def add_database(self, name: str) -> None:
        """A database and the role that owns it, under the same name."""
        for statement in (f"create role {name} login", f"create database {name} owner {name}"):
            self._run(
                "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", DATABASE_USER, "-qc", statement, "postgres"
            )

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(installed() / program), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def served_postgres() -> Iterator[str]:
    """Serve an empty PostgreSQL; give the URL of its database, as `NPL_REGISTRY_URL` takes it."""
    server = Postgres()
    try:
        server.start()
        yield server.url()
    finally:
        server.remove()
