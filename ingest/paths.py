"""Every path of the platform's home, written once."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.config import settings


@dataclass(frozen=True)
class Home:
    """The zones under `NPL_HOME`; nothing else in the project joins these names."""

    root: Path

    @property
    def inbox(self) -> Path:
        """inbox/<institution>/<whatever they drop>"""
        return self.root / "inbox"

    @property
    def landing(self) -> Path:
        """landing/sha256/<first two>/<digest>/: the bytes as filed, for ever."""
        return self.root / "landing" / "sha256"

    @property
    def accepted(self) -> Path:
        return self.root / "accepted"

    @property
    def held(self) -> Path:
        return self.root / "held"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def registry_file(self) -> Path:
        return self.root / "registry.sqlite"

    @property
    def operations(self) -> Path:
        """Parquet exports of registry and registers that dbt reads."""
        return self.root / "operations"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse" / "npl.duckdb"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def latest_release(self) -> Path:
        return self.releases / "latest.json"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages for the operator; filings.html is the entrance."""
        return self.root / "data_docs"

    @property
    def gx(self) -> Path:
        """Great Expectations' stores (suites, checkpoints, validation results)."""
        return self.root / "gx"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def airflow(self) -> Path:
        return self.root / "airflow"

    @property
    def work(self) -> Path:
        """Scratch; safe to delete when nothing runs."""
        return self.root / "work"

    def landed(self, sha256: str) -> Path:
        return self.landing / sha256[:2] / sha256

    def parquet(self, zone: Path, table: str, period: str, institution: str, filing: str) -> Path:
        """<zone>/<table>/period=../institution=../<filing>.parquet"""
        return zone / table / f"period={period}" / f"institution={institution}" / f"{filing}.parquet"

    def answer(self, institution: str, filing: str) -> Path:
        """outbox/<institution>/<filing>/: report and receipt."""
        return self.outbox / institution / filing

    def release(self, release_id: str) -> Path:
        return self.releases / release_id


def home() -> Home:
    """The home of this process (`NPL_HOME`, default ./var)."""
    return Home(settings().home)


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that no reader looks at: rename it into place when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def write_bytes(path: Path, content: bytes) -> None:
    """Write whole or not at all."""
    temporary = temporary_beside(path)
    temporary.write_bytes(content)
    os.replace(temporary, path)


def write_text(path: Path, content: str) -> None:
    """Write whole or not at all, UTF-8 with `\\n`."""
    write_bytes(path, content.encode("utf-8"))


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files whole, in place of whatever it was: no file of an earlier run stays in it."""
    temporary = temporary_beside(folder)
    temporary.mkdir()
    for name, content in files.items():
        (temporary / name).write_bytes(content)
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(temporary, folder)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder under `work`, gone afterwards."""
    folder = home().work / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
