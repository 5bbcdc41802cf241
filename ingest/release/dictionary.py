"""The data dictionary of a release: every column and code list as CSV, and all of it with the warnings as a page."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence

from expectations.model import Standard
from ingest.release.describe import Column, Table


def columns_csv(tables: Iterable[Table]) -> str:
    """One row per table and column."""
    return _csv(
        (
            "table",
            "column",
            "type",
            "unit",
            "is_key",
            "code_list",
            "label_zh",
            "label_en",
            "description_zh",
            "description_en",
        ),
        (
            (
                table.name,
                column.name,
                column.type,
                column.unit,
                str(column.is_key).lower(),
                column.code_list,
                column.label and column.label.zh,
                column.label and column.label.en,
                column.description.zh,
                column.description.en,
            )
            for table in tables
            for column in table.columns
        ),
    )


def codes_csv(standard: Standard) -> str:
    """One row per code list and code."""
    return _csv(
        ("code_list", "code", "zh", "en", "parent", "valid_from", "valid_to", "source"),
        (
            (name, code.code, code.zh, code.en, code.parent, code.valid_from, code.valid_to, code.source)
            for name, codes in standard.codes.items()
            for code in codes
        ),
    )


def rules_csv(standard: Standard) -> str:
    """One row per rule; `sha256` tells two wordings of a rule apart."""
    return _csv(
        ("rule_id", "table", "severity", "category", "state", "since", "until", "message_zh", "message_en", "sha256"),
        (
            (
                rule.id,
                rule.table,
                rule.severity,
                rule.category,
                rule.state,
                rule.since,
                rule.until,
                rule.message.zh,
                rule.message.en,
                hashlib.sha256(rule.model_dump_json().encode()).hexdigest(),
            )
            for rule in standard.rules.values()
        ),
    )


def page(tables: Sequence[Table], standard: Standard) -> str:
    """Tables with their warnings and columns, then the code lists that they use; Markdown, Chinese first."""
    return "\n".join(_lines(tables, standard)) + "\n"


def _lines(tables: Sequence[Table], standard: Standard) -> Iterator[str]:
    yield from ("# 数据字典 · Data dictionary", "")
    yield from (f"- [{table.name}](#{_anchor(table.name)})" for table in tables)
    for table in tables:
        yield from ("", f"## {table.name}", "", table.description.zh)
        if table.description.en != table.description.zh:
            yield from ("", table.description.en)
        if table.grain:
            yield from ("", f"主键 key: {', '.join(f'`{name}`' for name in table.grain)}")
        if table.warnings:
            yield from ("", "使用须知 usage warnings:", "")
            yield from (f"- {warning.zh} {warning.en}" for warning in table.warnings)
        yield from ("", "| 列 column | 名称 label | 类型 type | 单位 unit | 代码表 code list | 定义 definition |")
        yield "|---|---|---|---|---|---|"
        yield from (_row(column) for column in table.columns)
    used = {column.code_list for table in tables for column in table.columns}
    for name, codes in standard.codes.items():
        if name in used:
            yield from ("", f"## 代码表 code list {name}", "", "| 代码 code | 中文 | English |", "|---|---|---|")
            yield from (f"| {_cell(code.code)} | {_cell(code.zh)} | {_cell(code.en)} |" for code in codes)


def _row(column: Column) -> str:
    label = f"{column.label.zh} {column.label.en}" if column.label else ""
    listed = f"[{column.code_list}](#{_anchor(f'代码表 code list {column.code_list}')})" if column.code_list else ""
    said = dict.fromkeys((column.description.zh, column.description.en))  # once, where both languages say the same
    cells = (f"`{column.name}`", _cell(label), column.type, column.unit or "", listed, _cell("<br>".join(said)))
    return "| " + " | ".join(cells) + " |"


def _anchor(heading: str) -> str:
    """As Markdown readers make it."""
    return heading.lower().replace(".", "").replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
