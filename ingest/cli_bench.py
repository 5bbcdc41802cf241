"""`npl bench`: the platform's speed on this machine, as JSON or as a table."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

ROWS = 1_000_000


class BenchCase(StrEnum):
    check = "check"
    bad = "bad"
    formats = "formats"
    growth = "growth"
    rivals = "rivals"
    small = "small"
    warehouse = "warehouse"
    across = "across"
    layout = "layout"


# how many rows where nothing is said; of small filings, how many filings
OTHER_ROWS = {BenchCase.rivals: 200_000, BenchCase.small: 200}


class BenchFormat(StrEnum):
    text = "text"
    json = "json"


def bench(
    case: Annotated[
        BenchCase,
        typer.Option(
            help="check 整条路径，bad 全表有错，formats 各种格式，growth 随行数增长，rivals 与其他引擎比较，"
            "small 大量小报送，warehouse 数据仓库，across 一份报送对照大量已接收贷款，layout 发布中贷款的排列 · "
            "the whole way, a file full of defects, the formats, growth with rows, other engines, many small filings, "
            "the warehouse, one filing against many accepted loans, how the loans of a release lie"
        ),
    ] = BenchCase.check,
    rows: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="贷款行数（默认 1000000，rivals 为 200000）；small 为报送份数（默认 200） · "
            "rows of the loan tape (1000000; rivals 200000); of small, the number of filings (200)",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="重复次数，取中位数 · runs, of which the median is told")] = 3,
    format: Annotated[BenchFormat, typer.Option()] = BenchFormat.text,
) -> None:
    """测速：与同一次运行中的裸加载比较 · Measure speed, against a bare load run in the same call."""
    from ingest.bench.cases import CASES

    if rows is None:
        rows = OTHER_ROWS.get(case, ROWS)
    result = CASES[case](rows, repeats)
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1) if format == BenchFormat.json else _text(result))


def _text(result: dict[str, Any], indent: str = "") -> str:
    width = max(len(name) for name in result)
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", _text(value, f"{indent}  ")]
        else:
            shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else value
            lines.append(f"{indent}{name.ljust(width)}  {shown}")
    return "\n".join(lines)
