"""A PostgreSQL of the tests' own: Debian's, on a port of loopback, with its data in a folder of the test."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

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


@contextmanager
def served_postgres(folder: Path) -> Iterator[str]:
    """Serve an empty PostgreSQL; give the URL of its database, as `NPL_REGISTRY_URL` takes it."""
    data, port = folder / "data", free_port()
    # PostgreSQL refuses to run as root
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if as_user:
        for parent in (folder, *folder.parents):
            if parent != Path("/") and parent.stat().st_uid == 0 and parent.is_relative_to("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o011)
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")

    def run(*arguments: str) -> None:
        subprocess.run([*as_user, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)

    programs = installed()
    run(str(programs / "initdb"), "-D", str(data), "-U", DATABASE_USER, "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories={data} -c fsync=off -c max_connections=200"
    run(str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(data / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://{DATABASE_USER}@127.0.0.1:{port}/postgres"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
