"""What a run came to, on the terminal: verdicts, rules most broken, the market by quarter, and where all lies."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from expectations.spec import load_standard
from ingest import registry, registry_tables, release
from ingest.paths import home
from ingest.report.operator import PAGE as OPERATOR_PAGE
from ingest.report.wording import SEVERITY_WORDS, STATE_WORDS

MARKET = """
    select quarter, listed_count, listed_claim_cny, completed_count, completed_claim_cny, discount_ratio, demo_count
    from market.quarterly_activity where breakdown = 'all' order by quarter"""
MOST_BROKEN = 12
YI = 100_000_000
PLACEHOLDERS = re.compile(r"\{[a-z_]+\}")


def show_summary(console: Console) -> None:
    """Print the three tables and the places."""
    for title, table in (
        ("报送结果 Filings by verdict", _filings_table()),
        (f"最常违反的规则 Rules most broken (top {MOST_BROKEN})", _rules_table()),
        ("市场 The market by quarter of first listing and of signing", _market_table()),
    ):
        console.print(f"\n[bold]{title}[/bold]")
        console.print(table)
    console.print()
    for zh, en, place in _places():
        console.print(f"{zh} {en}", style="bold", highlight=False)
        console.print(f"  {place}", soft_wrap=True, highlight=False)


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _filings_table() -> Table:
    table = _table(("结果 verdict", "left"), ("报送\nfilings", "right"), ("行\nrows", "right"))
    rows: Counter[str] = Counter()
    filings: Counter[str] = Counter()
    decided = {row["filing_id"]: row for row in registry.rows_of(registry_tables.decisions)}
    for record in registry.all_filings():
        filings[record.state] += 1
        rows[record.state] += decided.get(record.filing_id, {}).get("rows_filed", 0)
    for state, count in sorted(filings.items()):
        table.add_row(f"{STATE_WORDS[state]} {state}", f"{count:,}", f"{rows[state]:,}")
    return table


def _rules_table() -> Table:
    rules = load_standard().rules
    table = _table(
        ("规则 rule", "left"),
        ("级别", "left"),
        ("处\nfindings", "right"),
        ("报送\nfilings", "right"),
        ("说明 what it says", "left"),
    )
    findings: Counter[str] = Counter()
    filings: Counter[str] = Counter()
    for row in registry.rows_of(registry_tables.rule_results):
        if row["violations"] and row["rule_id"] in rules:
            findings[row["rule_id"]] += row["violations"]
            filings[row["rule_id"]] += 1
    for rule_id, count in sorted(findings.items(), key=lambda item: (-item[1], item[0]))[:MOST_BROKEN]:
        rule = rules[rule_id]
        table.add_row(
            rule_id,
            SEVERITY_WORDS[rule.severity].zh,
            f"{count:,}",
            f"{filings[rule_id]:,}",
            f"{_in_short(rule.message.zh)}\n{_in_short(rule.message.en)}",
        )
    return table


def _in_short(message: str) -> str:
    """A rule's message without the values of any one filing."""
    return PLACEHOLDERS.sub("…", message)


def _market_table() -> Table:
    table = _table(
        ("季度\nquarter", "left"),
        ("挂牌单数\nlisted", "right"),
        ("挂牌亿元\nCNY 100m", "right"),
        ("成交单数\ncompleted", "right"),
        ("成交亿元\nCNY 100m", "right"),
        ("折扣率\ndiscount", "right"),
        ("其中示例\nof it demo", "right"),
    )
    _, rows = release.query(MARKET, None)
    for quarter, listed, claim, done, done_claim, discount, demo in rows:
        table.add_row(
            quarter,
            f"{listed:,}",
            _yi(claim),
            f"{done:,}",
            _yi(done_claim),
            "" if discount is None else f"{discount:.2%}",
            f"{demo:,}",
        )
    return table


def _yi(amount: Any) -> str:
    return "" if amount is None else f"{float(amount) / YI:,.2f}"


def _places() -> Iterator[tuple[str, str, str]]:
    zones = home()
    yield "发布", "release", str(release.find_release(None))
    yield "答复", "reports", f"{zones.outbox}/<institution>/<filing>/report.html"
    yield "运营页", "operator: the platform, all filings, Data Docs", str(zones.data_docs / OPERATOR_PAGE)
    yield "查询", "query", "npl sql \"select * from market.quarterly_activity where breakdown='all' order by quarter\""
