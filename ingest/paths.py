"""Every path of the platform's home, written once."""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from ingest.config import settings

CALENDAR = "calendar"


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

    def near(self, table: str) -> Path:
        """near/<table>/: where the keys of accepted rows stand. Made from `accepted`, anew when it is gone."""
        return self.root / "near" / table

    def near_turn(self, table: str) -> Path:
        """The lock of whoever indexes a table's accepted rows."""
        return self.work / "turns" / f"near-{table}"

    def near_readers(self, table: str) -> Path:
        """The lock that all who look things up there share: while anybody does, nothing is removed."""
        return self.work / "turns" / f"near-{table}-readers"

    def gathered(self, table: str) -> Path:
        """near/gathered/<table>/: accepted rows of many filings in few files. Made from `accepted`, as what is near."""
        return self.root / "near" / "gathered" / table

    def gathered_turn(self, table: str) -> Path:
        """The lock of whoever gathers a table's accepted rows."""
        return self.work / "turns" / f"gathered-{table}"

    def gathered_readers(self, table: str) -> Path:
        """The lock that all who read gathered rows share: while anybody does, nothing is removed."""
        return self.work / "turns" / f"gathered-{table}-readers"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def register(self) -> Path:
        """The operator's additions and corrections to the registers that come with the program."""
        return self.root / "register"

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
    def warehouse_manifest(self) -> Path:
        """What dbt knew of the models when it built the warehouse."""
        return self.warehouse.with_suffix(".manifest.json")

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def latest_release(self) -> Path:
        return self.releases / "latest.json"

    @property
    def data_docs(self) -> Path:
        """Pages for the operator: operator.html is the entrance, beside Great Expectations' own."""
        return self.root / "data_docs"

    @property
    def gx(self) -> Path:
        """Great Expectations' stores (suites, checkpoints, validation results)."""
        return self.root / "gx"

    @property
    def keys(self) -> Path:
        """The keys that sign the log, unless `NPL_KEYS_DIR` keeps them elsewhere: `keys_dir` knows."""
        return self.root / "keys"

    @property
    def receipts_mark(self) -> Path:
        """How many decisions of the log, from the first on, are known to have their receipt in the outbox."""
        return self.outbox / ".receipts"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def alerts(self) -> Path:
        """alerts/<what>.txt: what the operator was told of."""
        return self.root / "alerts"

    @property
    def alerts_waiting(self) -> Path:
        """Alerts that were not mailed yet."""
        return self.alerts / "waiting"

    @property
    def steps(self) -> Path:
        """logs/steps/<day>.jsonl: how long each piece of work took."""
        return self.logs / "steps"

    @property
    def airflow(self) -> Path:
        return self.root / "airflow"

    @property
    def work(self) -> Path:
        """Scratch; safe to delete when nothing runs."""
        return self.root / "work"

    def turn(self, filing: str) -> Path:
        """The lock of whoever decides a filing. A few filings share one, so that locks never have to be removed."""
        return self.work / "turns" / hashlib.sha256(filing.encode()).hexdigest()[:3]

    @property
    def warehouse_turn(self) -> Path:
        """The lock of whoever builds the warehouse or publishes it."""
        return self.work / "turns" / "warehouse"

    @property
    def alerts_turn(self) -> Path:
        """The lock of whoever mails alerts."""
        return self.work / "turns" / "alerts"

    @property
    def receipts_turn(self) -> Path:
        """The lock of whoever writes receipts."""
        return self.work / "turns" / "receipts"

    def landed(self, sha256: str) -> Path:
        return self.landing / sha256[:2] / sha256

    def parquet(self, zone: Path, table: str, period: str, institution: str, filing: str) -> Path:
        """<zone>/<table>/period=../institution=../<filing>.parquet"""
        return zone / table / f"period={period}" / f"institution={institution}" / f"{filing}.parquet"

    def answer(self, institution: str, filing: str) -> Path:
        """outbox/<institution>/<filing>/: report and receipt."""
        return self.outbox / institution / filing

    def notice(self, institution: str, notice_id: str) -> Path:
        """outbox/<institution>/calendar/<notice>.txt: a reminder of what is owed, in both languages."""
        return self.outbox / institution / CALENDAR / f"{notice_id}.txt"

    @property
    def reminders_turn(self) -> Path:
        """The lock of whoever sends reminders."""
        return self.work / "turns" / "reminders"

    @property
    def replays(self) -> Path:
        return self.root / "replays"

    def replay(self, replay_id: str) -> Path:
        """replays/<replay>/: the plan of a replay, as data and as a page."""
        return self.replays / replay_id

    @property
    def replay_turn(self) -> Path:
        """The lock of whoever plans or carries out a replay."""
        return self.work / "turns" / "replay"

    def release(self, release_id: str) -> Path:
        return self.releases / release_id

    def yanked_release(self, release_id: str) -> Path:
        """The mark of a yanked release, beside its folder."""
        return self.releases / f"{release_id}.yanked.json"


def home() -> Home:
    """The home of this process (`NPL_HOME`, default ./var)."""
    return Home(settings().home)


def make_home() -> None:
    """Make the home where there is none, for its account alone: what is filed may hold what nobody else may read."""
    home().root.mkdir(mode=0o700, parents=True, exist_ok=True)


def page_address(page: Path) -> str:
    """The address of a page in the home: below `NPL_PAGES_URL`, or of the file itself where nothing serves it."""
    if not settings().pages_url:
        return page.as_uri()
    return f"{settings().pages_url.rstrip('/')}/{quote(page.relative_to(home().root).as_posix())}"


def keys_dir() -> Path:
    """The folder of the keys that sign the log: private ones for the platform's account alone, and the public file."""
    return settings().keys_dir or home().keys


def sftp_host_key() -> Path:
    """The private key by which the SFTP drop proves that it is this platform's."""
    return sftp_keys_dir() / "host.key"


def sftp_keys_of(institution: str) -> Path:
    """The public keys by which an institution signs in at the SFTP drop, one a line."""
    return sftp_keys_dir() / "institutions" / institution


def sftp_keys_dir() -> Path:
    """The folder of the SFTP drop's own key and of the institutions'."""
    # a folder of its own: who serves SFTP need not see the key that signs the log
    return settings().sftp_keys_dir or keys_dir() / "sftp"


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that no reader looks at: rename it into place when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def remove_temporaries(folder: Path, of: str = "*") -> None:
    """Remove what killed processes left in a folder: only for whoever holds the lock under which they wrote there."""
    for left in folder.glob(f".{of}.*.tmp*"):  # DuckDB writes a log beside its file
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write whole or not at all."""
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:  # a full disk is not filled further by half a file
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Write whole or not at all, UTF-8 with `\\n`."""
    write_bytes(path, content.encode("utf-8"))


def bring_to_disk(path: Path) -> None:
    """Wait until the disk has what was written to a file: a power cut takes along what it has not."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_private(path: Path, content: bytes) -> None:
    """Write a secret that only this account may read, to the disk; never over one that stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # its permissions are there before its content is
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


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
def exclusive(lock_file: Path) -> Iterator[None]:
    """Wait for one's turn among processes. The lock is the kernel's, so it goes with a process that is killed."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def exclusive_if_free(lock_file: Path) -> Iterator[bool]:
    """Take a turn that nobody else has, or go on without it: whether it was taken."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def shared(lock_file: Path) -> IO[str]:
    """A turn among many at a time, until what is returned is closed or forgotten."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file.open("a", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder under `work`, gone afterwards; what a killed process left goes with the next one's."""
    place = home().work / "scratch"
    with exclusive(place / ".lock"):
        for left in place.glob("[!.]*"):
            if _is_free(left):
                shutil.rmtree(left, ignore_errors=True)
        folder = place / uuid.uuid4().hex
        folder.mkdir()
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _is_free(folder: Path) -> bool:
    """Whether the process that held a scratch folder is gone."""
    try:
        held = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # its owner has just removed it
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True
