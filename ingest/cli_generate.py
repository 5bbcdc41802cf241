"""`npl generate`: an invented market whose true figures are known beforehand."""

import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from ingest.errors import UsageError

PERIODS = re.compile(r"(20\d{2}Q[1-4])\.\.(20\d{2}Q[1-4])")
MOST_INSTITUTIONS = 999


def generate(
    out: Annotated[Path, typer.Option(help="写入的空目录 · empty folder to write to")],
    institutions: Annotated[
        int, typer.Option(min=5, max=MOST_INSTITUTIONS, help="机构数 · how many institutions")
    ] = 12,
    periods: Annotated[
        str, typer.Option(help="起止季度，如 2024Q1..2025Q4 · first and last quarter")
    ] = "2024Q1..2025Q4",
    loans: Annotated[int, typer.Option(min=0, help="贷款明细总笔数 · loans on all tapes together")] = 10_000,
    defects: Annotated[
        str, typer.Option(help="先报错一次的报送比例（0-1）· share of filings spoiled at first")
    ] = "0.1",
    seed: Annotated[int, typer.Option(min=0, help="种子：相同则逐字节相同 · the same seed, the same bytes")] = 1,
) -> None:
    """生成虚构的市场：报送、登记册补充和真值 · Make an invented market: filings, register additions, and the truth."""
    from expectations.spec import load_standard
    from ingest.synthetic.market import Order, write_market

    found = PERIODS.fullmatch(periods)
    if found is None or found[1] > found[2]:
        raise UsageError(f"--periods 应如 2024Q1..2025Q4：{periods}", f"--periods is like 2024Q1..2025Q4: {periods}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} 不是空目录。", f"{out} is not an empty folder.")
    order = Order(institutions, found[1], found[2], loans, _share(defects), seed)
    world = write_market(order, out, load_standard())
    typer.echo(
        f"已写入 {out}：{institutions} 家机构，{len(world.packages)} 个资产包，{len(world.deals)} 笔交易。"
        f"报送方法见 {out / 'README.md'}。\n"
        f"Written to {out}: {institutions} institutions, {len(world.packages)} packages, {len(world.deals)} deals. "
        f"{out / 'README.md'} says how to file them."
    )


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        raise UsageError(f"--defects 应在 0 与 1 之间：{text}", f"--defects is between 0 and 1: {text}")
    return share
