"""What changed between two releases, as people read it; each release tells so of the one before it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ingest.paths import home, write_text
from ingest.release.compare import compare, not_filed
from ingest.release.folder import CHANGES, CHANGES_PAGE, as_json, latest, list_releases, manifest_of, yanked

LISTED_PER_TABLE = 1000
SHOWN_PER_TABLE = 20
NO_PREVIOUS = "此前没有发布。\nNo release came before."
KINDS_OF_INPUT = {
    "standard": ("披露标准", "the disclosure standard"),
    "filings": ("报送", "filings"),
    "registers": ("登记册", "the registers"),
    "models": ("建表模型", "the models"),
}
KINDS_OF_FILING = {
    "new": ("新报送", "New filings"),
    "superseded": ("被更正", "Superseded"),
    "withdrawn": ("被撤回", "Withdrawn"),
}
KINDS_OF_RULE = {
    "added": ("新增规则", "Rules added"),
    "removed": ("取消的规则", "Rules removed"),
    "changed": ("变更的规则", "Rules changed"),
}


def write_changes(folder: Path) -> None:
    """Write into a release that is being made what changed since the release before it, in JSON and as a page."""
    manifest = manifest_of(folder)
    before = _previous(manifest)
    told: dict[str, Any] = {"before": None, "not_filed": not_filed(manifest)}
    if before is not None:
        told = compare(home().release(before), folder, LISTED_PER_TABLE)
    write_text(folder / CHANGES, as_json(told))
    write_text(folder / CHANGES_PAGE, page(told) + "\n")


def _previous(manifest: dict[str, Any]) -> str | None:
    """The latest release; when an old one is made again, the last of those that knew less. Never a yanked one."""
    earlier = {
        each["release"]: each["as_of"] or ""
        for each in list_releases()
        if (each["as_of"] or "") <= (manifest["as_of"] or "") and yanked(each["release"]) is None
    }
    present = latest()
    if present in earlier:
        return present
    return next((name for name in reversed(earlier) if earlier[name] < (manifest["as_of"] or "")), None)


def page(told: dict[str, Any], shown: int = SHOWN_PER_TABLE) -> str:
    """A comparison in Markdown, Chinese first; `shown` bounds the figures and rows of each table."""
    if told["before"] is None:
        return "\n".join([NO_PREVIOUS, *_not_filed(told["not_filed"], shown)])
    return "\n".join(_lines(told, shown))


def _lines(told: dict[str, Any], shown: int) -> Iterator[str]:
    yield f"# {told['before']} → {told['after']}"
    yield ""
    causes = [KINDS_OF_INPUT[kind] for kind in told["inputs_changed"]]
    zh = "、".join(cause for cause, _ in causes) or "输入没有变化"
    yield f"变动来自：{zh}。"
    yield f"Made from other inputs: {', '.join(cause for _, cause in causes) or 'none'}."
    commits = told["code_commit"]
    if commits["before"] != commits["after"]:
        yield f"代码 code: {commits['before']} → {commits['after']}"
    for kind, (zh, en) in KINDS_OF_FILING.items():
        yield from _listed(f"{zh} {en}", [_filing(each) for each in told["filings"][kind]])
    for kind, (zh, en) in KINDS_OF_RULE.items():
        yield from _listed(f"{zh} {en}", told["rules"][kind])
    yield from _not_filed(told["not_filed"], shown)
    if not told["tables"]:
        yield from ("", "各表数据没有变化。\nNo figure changed.")
    yield from lines_of_tables(told["tables"], shown)


def lines_of_tables(tables: Iterable[dict[str, Any]], shown: int = SHOWN_PER_TABLE) -> Iterator[str]:
    """Tables whose figures differ, in Markdown."""
    for table in tables:
        yield from _table(table, shown)


def _listed(title: str, entries: list[str], total: int | None = None) -> Iterator[str]:
    if entries:
        yield from ("", f"## {title}: {total or len(entries)}", "")
        yield from (f"- {entry}" for entry in entries)


def _not_filed(owing: list[dict[str, Any]], shown: int) -> Iterator[str]:
    """Whose filings a reader of the figures has to do without, the latest periods first."""
    latest_first = sorted(owing, key=lambda each: each["grace_date"], reverse=True)
    yield from _listed(
        "应报未报 Owed and not filed",
        [
            f"{each['institution']} {each['period']}: {', '.join(each['tables'])}（截止 due {each['due_date']}）"
            + (" 虚构机构 invented" if each["is_demo"] else "")
            for each in latest_first[:shown]
        ],
        len(owing),
    )
    yield from _more(len(owing) - shown)


def _filing(each: dict[str, Any]) -> str:
    return f"{each['filing']} {each['state']}" + (f" ← {each['by']}" if each["by"] else "")


def _table(table: dict[str, Any], shown: int) -> Iterator[str]:
    yield from ("", f"## {table['table']}", "")
    if table["change"] != "changed":
        zh, en = ("新增的表", "New table") if table["change"] == "added" else ("取消的表", "Table removed")
        yield f"{zh}。{en}."
        return
    for key, zh, en in (
        ("columns_added", "新增列", "Columns added"),
        ("columns_removed", "取消的列", "Columns removed"),
    ):
        if table[key]:
            yield f"{zh} {en}: {', '.join(table[key])}"
    changed = table.get("figures_changed")
    yield (
        f"新增 {table['rows_added']} 行，减少 {table['rows_removed']} 行"
        + ("。" if changed is None else f"，{changed} 个数字变动。")
    )
    yield (
        f"{table['rows_added']} rows added, {table['rows_removed']} removed"
        + ("." if changed is None else f", {changed} figures changed.")
    )
    if changed:
        yield from ("", "| " + " | ".join((*table["grain"], "列 column", "原 old", "现 new", "差 difference")) + " |")
        yield "|---" * (len(table["grain"]) + 4) + "|"
        for figure in table["figures"][:shown]:
            cells = (*figure["key"].values(), *(figure[name] for name in ("column", "old", "new", "difference")))
            yield "| " + " | ".join(_cell(value) for value in cells) + " |"
        yield from _more(changed - shown)
    for key, sign in (("added", "+"), ("removed", "-")):
        rows = table.get(key, [])
        if rows:
            yield ""
        for row in rows[:shown]:
            yield f"{sign} " + ", ".join(f"{name}={_cell(value)}" for name, value in row.items())
        yield from _more(table[f"rows_{key}"] - shown if rows else 0)


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield from ("", f"另有 {count} 处未列出。{count} more are not listed here.")


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
