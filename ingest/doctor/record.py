"""What the platform remembers: the registry, the log and its keys, the filings as they came, what waits."""

from collections.abc import Iterator

import sqlalchemy as sa

from ingest import migrations, registry
from ingest.config import settings
from ingest.doctor.finding import Finding, attention, fault, named, ok
from ingest.errors import StorageError, UsageError
from ingest.inbox import last_change
from ingest.paths import home, keys_dir
from ingest.receipts import log as decisions_log
from ingest.receipts import merkle
from ingest.receipts.audit import kept_checkpoints
from ingest.receipts.keys import PUBLIC_KEYS, read_public_keys, signer
from ingest.receive import waiting
from ingest.registry_tables import decisions, log_entries, log_nodes
from ingest.report.answer import REPORT_JSON

LAST_ENTRIES = 200
LONG_SECONDS = 3600


def has_registry() -> bool:
    """Whether there is one to look at: no check makes one."""
    return bool(settings().registry_url) or home().registry_file.exists()


def keys() -> Iterator[Finding]:
    """That the log can be signed, by nobody else, and that its public keys are there."""
    published = keys_dir() / PUBLIC_KEYS
    if not published.exists():
        if has_registry() and registry.log_size():
            yield fault(
                "keys",
                (f"缺少公钥文件 {published}", f"the file of public keys {published} is missing"),
                (
                    "从备份恢复密钥目录；不要另建，否则旧回执无法核验。",
                    "Restore the keys from their backup; make no new ones.",
                ),
            )
        else:
            yield ok("keys", ("首次裁定时建立", "made with the first decision"))
        return
    try:
        public = read_public_keys(published)
        signer()
    except (StorageError, UsageError) as error:
        yield fault("keys", (error.zh, error.en), ("见 docs/receipts.md。", "See docs/receipts.md."))
    else:
        yield ok("keys", (f"公钥 {len(public.keys)} 个，私钥可用", f"{len(public.keys)} public, the private one signs"))


def database() -> Iterator[Finding]:
    """That the registry can be reached, is at the program's revision, and (a file) is not damaged."""
    if not has_registry():
        yield ok("database", ("尚无登记库", "no registry yet"))
        return
    try:
        found, wanted = registry.revision(), migrations.head()
        damage = _damage() if found == wanted else None
    except (sa.exc.SQLAlchemyError, StorageError) as error:
        told = str(getattr(error, "orig", None) or error).splitlines()[0]
        yield fault(
            "database",
            (f"无法读取登记库：{told}", f"the registry cannot be read: {told}"),
            (
                "检查数据库是否运行、NPL_REGISTRY_URL 和密码；损坏则从备份恢复。",
                "Is it up? NPL_REGISTRY_URL, password; else restore.",
            ),
        )
        return
    if damage:
        yield fault(
            "database",
            (f"登记库文件损坏：{damage}", f"the registry's file is damaged: {damage}"),
            (
                "停下平台，从备份恢复，再运行 npl receipt verify-log。",
                "Stop, restore the backup, then npl receipt verify-log.",
            ),
        )
    elif found is not None and found != wanted:
        advice = (
            ("先备份，再运行 npl registry upgrade。", "Back it up, then run npl registry upgrade.")
            if found < wanted
            else ("升级程序。", "Upgrade the program.")
        )
        yield fault(
            "database",
            (f"登记库版本 {found}，程序 {wanted}", f"the registry is at revision {found}, the program at {wanted}"),
            advice,
        )
    else:
        yield ok("database", (f"登记库版本 {found or '空'}", f"the registry is at revision {found or 'none: empty'}"))


def _damage() -> str | None:
    if settings().registry_url:
        return None
    with registry.transaction() as connection:
        told: str = connection.exec_driver_sql("pragma quick_check(1)").scalar_one()
    return None if told == "ok" else told


def log() -> Iterator[Finding]:
    """A quick look: no gap, no decision beside it, the last entries as hashed, and the latest release speaks for it."""
    if not has_registry():
        return
    with registry.transaction() as connection:
        size = registry.log_length(connection, log_entries)
        count = connection.execute(sa.select(sa.func.count()).select_from(log_entries)).scalar_one()
        decided = connection.execute(sa.select(sa.func.count()).select_from(decisions)).scalar_one()
        rows = connection.execute(
            sa.select(log_entries.c.position, log_entries.c.leaf, log_nodes.c.hashes)
            .join(log_nodes, log_nodes.c.position == log_entries.c.position)
            .where(log_entries.c.position >= size - LAST_ENTRIES)
        ).all()
    changed = [
        str(row.position)
        for row in rows
        if row.hashes[: decisions_log.HASH_HEX] != merkle.leaf_hash(row.leaf.encode()).hex()
    ]
    problems = []
    if not size == count == decided:
        problems.append(
            (
                f"日志 {size} 位、{count} 项，裁定 {decided} 份",
                f"{size} positions, {count} entries, {decided} decisions",
            )
        )
    if changed:
        problems.append((f"日志条目已改变：{', '.join(changed)}", f"entries were changed: {', '.join(changed)}"))
    if not problems and not _speaks_for_it():
        problems.append(
            (
                "日志与最近发布所签署的检查点不符",
                "the log is not the one that the latest release's checkpoint speaks for",
            )
        )
    for told in problems:
        yield fault(
            "log",
            told,
            (
                "停止裁定；运行 npl receipt verify-log 逐一查明。",
                "Stop deciding; `npl receipt verify-log` names it all.",
            ),
        )
    if not problems:
        yield ok(
            "log", (f"{size} 份裁定，最近 {len(rows)} 项相符", f"{size} decisions, the last {len(rows)} as hashed")
        )


def _speaks_for_it() -> bool:
    """Whether the log's newest state that a release signed is still that of the log."""
    if not (keys_dir() / PUBLIC_KEYS).exists():
        return True
    kept, _ = kept_checkpoints([], read_public_keys(keys_dir() / PUBLIC_KEYS).keys)
    newest = max(kept.values(), key=lambda each: each.size, default=None)
    if newest is None or newest.size == 0:
        return True
    try:
        return decisions_log.checkpoint(newest.origin, newest.size).root == newest.root
    except StorageError:  # shorter than what was signed
        return False


def landed() -> Iterator[Finding]:
    """That the bytes of every filing are kept, and every decided one has its report."""
    if not has_registry():
        return
    records = registry.all_filings()
    lost = [each.filing_id for each in records if not home().landed(each.sha256).exists()]
    silent = [
        each.filing_id
        for each in records
        if each.state in registry.FINAL and not (home().answer(each.folder, each.filing_id) / REPORT_JSON).exists()
    ]
    if lost:
        yield fault(
            "landed",
            (f"缺少报送原件：{named(lost)}", f"the bytes as filed are missing: {named(lost)}"),
            ("从备份恢复 landing/，再运行 npl receipt verify-log。", "Restore landing/, then npl receipt verify-log."),
        )
    if silent:
        yield fault(
            "landed",
            (f"缺少答复：{named(silent)}", f"answers are missing: {named(silent)}"),
            ("从备份恢复 outbox/。", "Restore outbox/ from the backup."),
        )
    if not lost and not silent:
        yield ok("landed", (f"{len(records)} 份报送的原件和答复都在", f"{len(records)} filings, all kept and answered"))


def queue() -> Iterator[Finding]:
    """That nothing waits for long, neither in the inbox nor for a verdict."""
    if not has_registry():
        return
    now = registry.utc_now()
    undecided = registry.undecided()
    broken = [each.filing_id for each in undecided if each.state == "error"]
    slow = [each.filing_id for each in undecided if (now - each.received_at).total_seconds() > LONG_SECONDS]
    unread = [
        folder
        for folder, entry in waiting()
        if (now - last_change(entry)).total_seconds() > LONG_SECONDS + settings().settle_seconds
    ]
    look = (
        "npl status 报送编号；看 ingest_filings 的任务日志。",
        "`npl status FILING`, and the log of ingest_filings.",
    )
    if broken:
        yield fault("queue", (f"裁定出错：{named(broken)}", f"our own fault stopped: {named(broken)}"), look)
    if unread:
        yield fault(
            "queue",
            (f"一小时以上未收件：{named(unread)}", f"not taken in for an hour: {named(unread)}"),
            ("调度器是否运行？ingest_filings 是否被暂停？", "Is the scheduler up, and ingest_filings not paused?"),
        )
    if slow:
        yield attention("queue", (f"一小时以上未裁定：{named(slow)}", f"undecided for an hour: {named(slow)}"), look)
    if not broken and not unread and not slow:
        yield ok("queue", (f"{len(undecided)} 份待裁定", f"{len(undecided)} wait for a verdict"))
