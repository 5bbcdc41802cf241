"""What the filer reads: which rule, which row and field, what we saw, why it is wrong, how to fix it.

Personal data is masked here, before a value leaves the work database: nothing downstream ever holds it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from expectations.compile import FULL_WIDTH, HALF_WIDTH, Check, column_names, fill_tokens, provable, quoted, text_column
from expectations.engine import TableResult, broken_rows
from expectations.spec import Standard, TableSpec
from expectations.words import type_words

MASK = "***"
# in a numeric field eleven digits are an amount, not a mobile number; eighteen may be a resident id
NUMBER = re.compile(r"-?[0-9]{1,17}(\.[0-9]+)?")
TO_HALF_WIDTH = str.maketrans(FULL_WIDTH, HALF_WIDTH)
BLANK = {"zh": "（空）", "en": "(blank)"}
SEVERITY_ORDER = ("reject", "hold", "warn", "info")


@dataclass(frozen=True)
class Finding:
    """One broken rule in one row; `row` is the row as the filer sees it (the header is row 1), `values` what was filed.

    A finding about a whole file has no row.
    """

    rule_id: str
    severity: str
    category: str
    table: str
    file: str
    row: int | None
    key: str | None
    fields: list[str]
    values: dict[str, str | None]
    message: dict[str, str]
    remedy: dict[str, str]
    suggestion: str | None
    fingerprint: str

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@lru_cache(maxsize=8)
def _patterns(standard: Standard) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern.pattern) for pattern in standard.head.personal_data)


def mask(standard: Standard, text: str | None) -> str | None:
    """The text with every piece of personal data in it replaced by `***`; full-width digits are digits."""
    if text is None:
        return None
    folded = text.translate(TO_HALF_WIDTH)
    for pattern in _patterns(standard):
        # neighbours share a boundary character, so one pass can leave every second match: repeat until none is left
        while spans := [match.span(1) for match in pattern.finditer(folded) if match[1] != MASK]:
            for start, end in reversed(spans):
                text = text[:start] + MASK + text[end:]
            folded = text.translate(TO_HALF_WIDTH)
    return text


class _Blanks(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def filled(template: str, values: Mapping[str, str | None], language: str) -> str:
    """A rule's message or remedy in one language (`zh`, `en`) with these values put in."""
    return template.format_map(
        _Blanks({name: BLANK[language] if value is None else value for name, value in values.items()})
    )


def findings_of(
    con: duckdb.DuckDBPyConnection, standard: Standard, result: TableResult, file: str, limit: int
) -> Iterator[Finding]:
    """The findings of one table, at most `limit` of each rule, by severity, rule, row and field."""
    by_rule: dict[str, list[Check]] = {}
    broken = [check for check, count in result.counts.items() if count]
    for check in sorted(broken, key=lambda check: (SEVERITY_ORDER.index(check.rule.severity), check.rule.id)):
        by_rule.setdefault(check.rule.id, []).append(check)
    if not by_rule:
        return
    spec = standard.all_tables[result.table]
    _gather(con, spec.table, by_rule.values(), list(result.counts), limit)
    for of_rule in by_rule.values():
        found = [finding for check in of_rule for finding in _findings(con, standard, spec, check, file)]
        found.sort(key=lambda finding: finding.row or 0)  # stable: fields stay in the table's order within a row
        yield from found


def _gather(
    con: duckdb.DuckDBPyConnection, table: str, rules: Iterable[Sequence[Check]], checks: Sequence[Check], limit: int
) -> None:
    """Make `told_places` (check_index, row_number), the first `limit` of each rule, and `told_rows` with those rows.

    Once for the whole table: a join of all rows as filed and as typed for every check would take longer than the
    checks themselves when a big filing breaks many.
    """
    places = []
    for of_rule in rules:
        found = " union all ".join(
            f"select {check.index} as check_index, row_number from ({broken_rows(table, check, checks)})"
            for check in of_rule
        )
        places.append(f"(select * from ({found}) order by row_number, check_index limit {limit})")
    con.execute(f"create or replace temp table told_places as {' union all '.join(places)}")
    texts = "".join(f", raw.{quoted(name)} as {text_column(name)}" for name in _filed_columns(con, table))
    ((last,),) = con.execute("select max(row_number) from told_places").fetchall()
    # rows are numbered upwards from 1, so that the limit keeps a long file from being read to its end
    con.execute(f"""
        create or replace temp table told_rows as
        select filed.*{texts} from filed_{table} as filed
        join (select * from raw_{table} limit {last}) as raw using (row_number)
        where filed.row_number in (select row_number from told_places)""")


def _filed_columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name in column_names(con, f"raw_{table}") if name != "row_number"]


def _findings(
    con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec, check: Check, file: str
) -> Iterator[Finding]:
    rule = check.rule
    filed = set(_filed_columns(con, spec.table))
    wanted = list(dict.fromkeys((*spec.key, *check.fields)))
    texts = [f"filed.{text_column(name)}" if name in filed else "null" for name in wanted]
    numbers = {each.name for each in spec.fields if each.base_type in ("integer", "decimal")}
    field = spec.by_name.get(check.field or "")
    shown = {name: fill_tokens(standard, sql, field) if field else sql for name, sql in rule.show.items()}
    suggestion = rule.suggestion or "null"
    if field and rule.suggestion:
        suggestion = provable(field, fill_tokens(standard, rule.suggestion, field))
    extra = "".join(f", ({sql})::varchar" for sql in [*shown.values(), suggestion])
    query = f"""
        with filed as (select * from told_rows
                       where row_number in (select row_number from told_places where check_index = {check.index}))
        select filed.row_number{"".join(f", {text}" for text in texts)}{extra}
        from filed order by filed.row_number"""
    for row, *cells in con.execute(query).fetchall():
        masked = [
            cell if name in numbers and NUMBER.fullmatch(cell or "") else mask(standard, cell)
            for name, cell in zip([*wanted, *shown, None], cells, strict=True)
        ]
        values = dict(zip(wanted, masked[: len(wanted)], strict=True))
        computed = dict(zip(shown, masked[len(wanted) : -1], strict=True))
        key = {name: values[name] for name in spec.key}
        own = {name: values[name] for name in check.fields} | computed
        yield Finding(
            rule_id=rule.id,
            severity=rule.severity,
            category=rule.category,
            table=spec.table,
            file=(key.get("file_name") if spec.system else None) or mask(standard, file) or "",
            row=None if spec.system else row,
            key=", ".join(f"{name}={value or ''}" for name, value in key.items()),
            fields=[mask(standard, name) or "" for name in check.fields],
            values={mask(standard, name) or "": value for name, value in own.items()},
            message=_both(rule.message.zh, rule.message.en, own, spec, check, standard),
            remedy=_both(rule.remedy.zh, rule.remedy.en, own, spec, check, standard),
            suggestion=masked[-1] if masked[-1] == cells[-1] else None,
            fingerprint=fingerprint_of(rule.id, key, own),
        )


def _both(
    zh: str, en: str, values: Mapping[str, str | None], spec: TableSpec, check: Check, standard: Standard
) -> dict[str, str]:
    field = spec.by_name.get(check.field or "")
    said: dict[str, str] = {}
    for language, template in (("zh", zh), ("en", en)):
        named = dict(values)
        if check.field:
            label = getattr(field, language) if field else mask(standard, check.field)
            named |= {
                "label": label,
                "value": values[check.field],
                "name": mask(standard, check.field),
                "type": getattr(type_words(field), language) if field else None,
                "unit": field.unit if field else None,
            }
        said[language] = filled(template, named, language)
    return said


def fingerprint_of(rule_id: str, key: Mapping[str, str | None], values: Mapping[str, str | None]) -> str:
    """What tells a finding from others when it is filed again: rule, key and values."""
    parts = [rule_id, *(f"{name}={value}" for name, value in [*key.items(), *values.items()])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
