"""What the platform stands on: its packages, its disks, its clock."""

import datetime
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from ingest import registry, registry_tables
from ingest.calendar import TIMEZONE
from ingest.config import LOCK_FILE, settings
from ingest.doctor.finding import Finding, Words, attention, fault, ok
from ingest.lock import PROJECT, locked, normal
from ingest.paths import home, keys_dir

PYTHON = (3, 11)
LEAST_FREE_BYTES = 1_000_000_000
LEAST_FREE_FILES = 10_000
GB = 1_000_000_000
TOLERATED = datetime.timedelta(seconds=5)
CHINA_OFFSET = datetime.timedelta(hours=8)


def versions() -> Iterator[Finding]:
    """Python, and every installed package that the lock names, against the lock."""
    if sys.version_info[:2] != PYTHON:
        yield fault(
            "versions",
            (f"Python 版本为 {sys.version.split()[0]}", f"Python is {sys.version.split()[0]}"),
            ("请用 Python 3.11 重建环境。", "Make the environment again with Python 3.11."),
        )
    wanted = {package.name: package.version for package in locked(LOCK_FILE)}
    installed = {normal(each.name): each.version for each in metadata.distributions() if each.name}
    other = sorted(
        f"{name} {installed[name]} ({version})"
        for name, version in wanted.items()
        if name in installed and installed[name] != version
    )
    lacking = sorted(_direct_dependencies() - installed.keys())
    if other or lacking:
        told = "; ".join([*other, *(f"{name} -" for name in lacking)])
        yield fault(
            "versions",
            (
                f"与锁定文件不同的软件包（括号内为锁定版本）：{told}",
                f"packages other than locked (in brackets): {told}",
            ),
            (
                "重建环境：make clean && make，或重建镜像。",
                "Make the environment again: make clean && make, or the image.",
            ),
        )
    else:
        both = wanted.keys() & installed.keys()
        yield ok("versions", (f"{len(both)} 个软件包与锁定文件一致", f"{len(both)} packages are as locked"))


def _direct_dependencies() -> set[str]:
    """What the platform cannot be without, extras left out."""
    required = metadata.requires(PROJECT) or []
    return {normal(re.match(r"[\w.-]+", each)[0]) for each in required if "extra ==" not in each}  # type: ignore[index]


def disk() -> Iterator[Finding]:
    """Room on every file system that the platform writes to: a build needs its size once more beside the old one."""
    warehouse = home().warehouse.stat().st_size if home().warehouse.exists() else 0
    needed = LEAST_FREE_BYTES + 2 * warehouse
    seen: dict[int, Path] = {}
    for place in (home().root, home().work, keys_dir(), Path(tempfile.gettempdir())):
        there = _existing(place)
        seen.setdefault(there.stat().st_dev, there)
    for place in seen.values():
        free, files = shutil.disk_usage(place).free, os.statvfs(place)
        told = (f"{place}：可用 {free / GB:.1f} GB", f"{place}: {free / GB:.1f} GB free")
        advice: Words = (
            f"至少需要 {needed / GB:.1f} GB：扩容，或把旧发布移走（docs/releases.md）。",
            f"At least {needed / GB:.1f} GB are needed: enlarge it, or move old releases away (docs/releases.md).",
        )
        if files.f_files and files.f_favail < LEAST_FREE_FILES:
            yield fault("disk", (f"{place}：索引节点将尽", f"{place}: hardly any inodes left"), advice)
        elif free < LEAST_FREE_BYTES:
            yield fault("disk", told, advice)
        elif free < needed:
            yield attention("disk", told, advice)
        else:
            yield ok("disk", told)


def _existing(place: Path) -> Path:
    """The place, or what is there of the way to it."""
    return next(each for each in (place, *place.parents) if each.exists())


def clock() -> Iterator[Finding]:
    """The zone of the calendar, and this machine's clock against all others that leave their mark here."""
    advice: Words = (
        "用 NTP 校时（timedatectl），再运行；报送的先后和期限都靠时钟。",
        "Set the clocks by NTP (timedatectl) first: order and deadlines of filings hang on them.",
    )
    try:
        offset = datetime.datetime.now(ZoneInfo(TIMEZONE.key)).utcoffset()
    except ZoneInfoNotFoundError:
        offset = None
    if offset != CHINA_OFFSET:
        yield fault(
            "clock",
            (f"时区 {TIMEZONE.key} 为 {offset}", f"the zone {TIMEZONE.key} is {offset}"),
            ("安装 tzdata。", "Install tzdata."),
        )
    off = [told for told in (_against_registry(), _against_disk(), _against_database()) if told]
    for told in off:
        yield fault("clock", told, advice)
    if not off and offset == CHINA_OFFSET:
        now = registry.utc_now()
        yield ok("clock", (f"{now:%Y-%m-%d %H:%M:%S}Z，时区正常", f"{now:%Y-%m-%d %H:%M:%S}Z, zone as it should be"))


def _against_registry() -> Words | None:
    """A clock that was set back would date decisions before those that they follow."""
    from ingest.doctor.record import has_registry

    if not has_registry():
        return None
    with registry.transaction() as connection:
        last = connection.execute(sa.select(sa.func.max(registry_tables.states.c.at))).scalar()
    if last is None or last <= registry.utc_now() + TOLERATED:
        return None
    return f"登记库最后一笔在将来：{last}Z", f"the registry's last entry lies in the future: {last}Z"


def _against_disk() -> Words | None:
    if not home().root.is_dir():
        return None
    with tempfile.NamedTemporaryFile(dir=home().root, prefix=".clock.", suffix=".tmp") as file:
        at = datetime.datetime.fromtimestamp(os.stat(file.name).st_mtime, datetime.UTC).replace(tzinfo=None)
    return _apart("文件系统", "file system", at)


def _against_database() -> Words | None:
    if not settings().registry_url.startswith("postgresql"):
        return None
    with registry.transaction() as connection:
        at: datetime.datetime = connection.execute(sa.text("select clock_timestamp() at time zone 'utc'")).scalar_one()
    return _apart("数据库", "database", at)


def _apart(zh: str, en: str, at: datetime.datetime) -> Words | None:
    drift = registry.utc_now() - at
    if abs(drift) <= TOLERATED:
        return None
    seconds = drift.total_seconds()
    return f"时钟与{zh}相差 {seconds:.0f} 秒", f"this clock and that of the {en} are {seconds:.0f} s apart"
