"""A plan as people read it before they approve it, Chinese first."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ingest.release.changes import lines_of_tables

SHOWN = 50


def page(plan: dict[str, Any]) -> str:
    """The whole plan in Markdown."""
    return "\n".join([*summary(plan), *_filings(plan["filings"]), *_figures(plan["figures"]), ""])


def summary(plan: dict[str, Any]) -> list[str]:
    """What a plan would do, in a few lines."""
    verdicts = Counter(
        f"{each['before']['verdict']} → {each['after']['verdict']}"
        for each in plan["filings"]
        if each["change"] == "verdict"
    )
    rows = sum(each["change"] == "rows" for each in plan["filings"])
    period = plan["period"] or "全部 all"
    return [
        f"# {plan['replay']}",
        "",
        f"报送期 period: {period} · 标准 standard: {plan['standard_sha256'][:12]}",
        "",
        f"将重新裁定 {len(plan['filings'])} 份报送，{plan['unchanged']} 份不变；"
        f"{len(plan['figures'])} 张市场表和公开表的数字会变。",
        f"Decides {len(plan['filings'])} filings anew and leaves {plan['unchanged']} as they are; figures of "
        f"{len(plan['figures'])} market and public tables change.",
        "",
        *(f"- {change}: {count}" for change, count in sorted(verdicts.items())),
        *([f"- 裁定不变，行有变 same verdict, other rows: {rows}"] if rows else []),
    ]


def _filings(filings: list[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "## 报送 Filings", "")
    yield "| 报送 filing | 裁定 verdict | 接收行 rows accepted | 暂缓行 rows held | 接收本金 principal accepted, CNY |"
    yield "|---|---|---|---|---|"
    for each in filings[:SHOWN]:
        before, after = each["before"], each["after"]
        names = ("verdict", "rows_accepted", "rows_held", "principal_accepted_cny")
        cells = (
            f"{before[name]} → {after[name]}" if before[name] != after[name] else str(after[name]) for name in names
        )
        yield f"| {each['filing_id']} | " + " | ".join(cells) + " |"
    if len(filings) > SHOWN:
        left = len(filings) - SHOWN
        yield from ("", f"另有 {left} 份，见 plan.json。{left} more stand in plan.json.")


def _figures(tables: list[dict[str, Any]]) -> Iterator[str]:
    if not tables:
        yield from ("", "已发布的数字不变。\nNo published figure changes.")
    yield from lines_of_tables(tables)
