"""The folders of the home: that they are there, whose they are, and what lies in them that should not."""

import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from expectations.findings import mask
from expectations.spec import load_standard
from ingest.config import settings
from ingest.doctor.finding import Finding, Words, attention, fault, named, ok
from ingest.errors import legible
from ingest.paths import Home, home, sftp_host_key
from ingest.receive import incomplete
from ingest.register import institution
from ingest.release import MANIFEST, latest, list_releases, yanked
from ingest.release.folder import CHECKSUMS

STALE_SECONDS = 86_400


def _zones(zones: Home) -> dict[str, Path]:
    return {
        "inbox": zones.inbox,
        "landing": zones.landing,
        "accepted": zones.accepted,
        "held": zones.held,
        "outbox": zones.outbox,
        "operations": zones.operations,
        "warehouse": zones.warehouse.parent,
        "releases": zones.releases,
        "logs": zones.logs,
        "work": zones.work,
    }


def zones() -> Iterator[Finding]:
    """The home, and that every zone that was begun is a folder."""
    root = home().root
    if not root.exists():
        yield attention(
            "zones",
            (f"{root} 不存在", f"{root} does not exist"),
            (
                "新平台：npl run 或 npl onboard 会建立它；否则检查 NPL_HOME 和挂载的卷。",
                "A new platform: `npl run` or `npl onboard` makes it. Otherwise look at NPL_HOME and its volume.",
            ),
        )
        return
    wrong = [name for name, place in {".": root, **_zones(home())}.items() if place.exists() and not place.is_dir()]
    if wrong:
        yield fault(
            "zones",
            (f"不是目录：{named(wrong)}", f"no folders: {named(wrong)}"),
            ("把该文件移走；目录会自动建立。", "Move the file away; the folder is made by itself."),
        )
    else:
        begun = [name for name, place in _zones(home()).items() if place.is_dir()]
        yield ok("zones", (f"{root}：{len(begun)} 个区", f"{root}: {len(begun)} zones"))


def permissions() -> Iterator[Finding]:
    """That this account can write every zone, that others cannot, and that others cannot read what was filed."""
    begun = {name: place for name, place in _zones(home()).items() if place.is_dir()}
    if not home().root.is_dir():
        return
    shut = sorted(name for name, place in begun.items() if not _writes(place))
    if shut:
        yield fault(
            "permissions",
            (f"不可写：{named(shut)}", f"cannot be written: {named(shut)}"),
            (
                "改为平台账户所有（chown）；检查卷是否只读挂载。",
                "chown it to the platform's account; is the volume read-only?",
            ),
        )
    open_to_write = sorted(
        place.relative_to(home().root).as_posix()
        for place in (home().root, *begun.values(), *home().inbox.glob("*/"))
        if place.stat().st_mode & stat.S_IWOTH
    )
    if open_to_write:
        yield fault(
            "permissions",
            (f"他人可写：{named(open_to_write)}", f"others can write: {named(open_to_write)}"),
            (
                "chmod o-w：谁能写收件目录，谁就能以该机构名义报送。",
                "chmod o-w: who writes an inbox files in its name.",
            ),
        )
    if home().root.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH):
        yield attention(
            "permissions",
            (f"他人可进入 {home().root}", f"others can enter {home().root}"),
            ("chmod 700：landing/ 保存报送原件，可能含个人信息。", "chmod 700: landing/ keeps filings as they came."),
        )
    elif not shut and not open_to_write:
        yield ok("permissions", ("只有平台账户可读写", "only the platform's account reads and writes"))
    key = sftp_host_key()
    if key.exists() and key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield fault(
            "permissions",
            (f"他人可读取 SFTP 私钥 {key}", f"others can read the SFTP server's private key {key}"),
            (
                "chmod 600；若可能已泄露，删除它并告知机构新的公钥。",
                "chmod 600; if it may have leaked, remove it and tell.",
            ),
        )


def _writes(place: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def release() -> Iterator[Finding]:
    """That `latest.json` names a release that is there and was not yanked, and that every release is whole."""
    folders = [path for path in home().releases.glob("[!.]*/") if path.is_dir()]
    halves = sorted(path.name for path in folders if not ((path / MANIFEST).is_file() and (path / CHECKSUMS).is_file()))
    if halves:
        yield fault(
            "release",
            (f"发布不完整：{named(halves)}", f"releases that are not whole: {named(halves)}"),
            ("从备份恢复，或移走后再发布。", "Restore it from the backup, or move it away and publish again."),
        )
    try:
        newest = latest()
    except (ValueError, KeyError, TypeError):
        newest = "?"
    republish: Words = ("运行 publish_release 重新指向。", "Run publish_release: it points anew.")
    if newest is not None and not (home().release(newest) / MANIFEST).is_file():
        yield fault(
            "release", ("latest.json 指向不存在的发布", "latest.json names no release that is there"), republish
        )
    elif newest is not None and yanked(newest):
        yield fault("release", (f"最新发布 {newest} 已撤回", f"the latest release {newest} was yanked"), republish)
    elif not halves:
        count = len(list_releases())
        yield ok(
            "release", (f"{count} 个发布，最新 {newest or '无'}", f"{count} releases, the latest {newest or 'none'}")
        )


def inbox() -> Iterator[Finding]:
    """That every folder in the inbox is of an institution that the register knows."""
    folders = [path.name for path in home().inbox.glob("[!.]*/")]
    strange = sorted(name for name in folders if name != settings().collection_desk and institution(name) is None)
    if strange:
        listed = named([mask(load_standard(), legible(name)) or "" for name in strange])
        yield attention(
            "inbox",
            (f"登记册中没有的收件目录：{listed}", f"inbox folders of nobody in the register: {listed}"),
            ("npl onboard 登记该机构，或移走目录。", "`npl onboard` registers it; or move the folder away."),
        )
    else:
        yield ok("inbox", (f"{len(folders)} 个收件目录", f"{len(folders)} inbox folders"))


def leftovers() -> Iterator[Finding]:
    """Uploads that were given up, and what killed processes left behind."""
    now = time.time()
    uploads = [
        f"{folder}/{mask(load_standard(), legible(entry.name))}"
        for folder, entry, _ in incomplete()
        if now - entry.lstat().st_mtime > STALE_SECONDS
    ]
    if uploads:
        yield attention(
            "leftovers",
            (f"一天以上未传完：{named(uploads)}", f"uploads not finished for a day: {named(uploads)}"),
            ("请机构重传，或删除该文件。", "Ask the institution to send it again, or remove it."),
        )
    temporaries = sorted(
        path.relative_to(home().root).as_posix()
        for place in _zones(home()).values()
        if place.is_dir()
        for path in place.rglob(".*.tmp*")
        if now - path.lstat().st_mtime > STALE_SECONDS
    )
    if temporaries:
        yield attention(
            "leftovers",
            (f"被中断的写入留下的文件：{named(temporaries)}", f"left by killed writers: {named(temporaries)}"),
            (
                "下次运行会清除自己的；没有任务在运行时可以删除。",
                "The next run removes its own; else when nothing runs.",
            ),
        )
    if not uploads and not temporaries:
        yield ok("leftovers", ("没有遗留文件", "nothing was left behind"))
