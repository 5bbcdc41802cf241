"""Two-sided reconciliation: whoever filed a deal is told how it stands against what the other side filed.

The warehouse says which rows are one deal and where they differ (`core.fct_transfers`); the standard's rules give the
words, so that the side that filed first reads later what the second read in its report. What is told of the other side
is the compared value alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import duckdb

from expectations.findings import filled, fingerprint_of, mask
from expectations.spec import Bilingual, Rule, Standard, StandardError, load_standard
from ingest import registry, telemetry
from ingest.paths import home, write_bytes
from ingest.report.model import FilingIdentity
from ingest.report.reconciliation import (
    RECONCILIATION_HTML,
    RECONCILIATION_JSON,
    Deal,
    Difference,
    reconciliation_of,
    render_html,
)

TABLE = "transfer_result"
SIDE_FIELD = "filer_side"
OTHER_SIDE = "other_side"
"""A rule that shows this compares the first of its fields with the other side's."""

Side = Literal["seller", "buyer"]
COUNTERPART: dict[Side, Side] = {"seller": "buyer", "buyer": "seller"}
Row = Mapping[str, Any]


@telemetry.work("reconcile")
def reconcile() -> int:
    """Tell every filer of a deal in force how it stands, in its outbox; return how many filings got another answer.

    An answer that would say the same again is left alone; that of a filing no longer in force is taken away.

    Raises:
        StandardError: the sides differ in a field for which the standard has no rule; we must act.
        OSError: disk or permissions; the operator must act, trying again is safe.
    """
    standard = load_standard()
    rules = comparing_rules(standard)
    filed: dict[str, list[tuple[Side, Row]]] = defaultdict(list)
    for row in _deals():
        for side in COUNTERPART:
            if filing_id := row[f"{side}_filing_id"]:
                filed[filing_id].append((side, row))
    answered = 0
    for record in registry.all_filings():
        folder = home().answer(record.folder, record.filing_id)
        if rows := filed.get(record.filing_id):
            answered += _answer(folder, record, rows, rules, standard)
        else:
            for name in (RECONCILIATION_JSON, RECONCILIATION_HTML):
                (folder / name).unlink(missing_ok=True)
    return answered


def comparing_rules(standard: Standard) -> dict[str, Rule]:
    """Field -> the rule that says of it that the two sides differ."""
    return {rule.fields[0]: rule for rule in standard.rules.values() if rule.table == TABLE and OTHER_SIDE in rule.show}


def _deals() -> list[Row]:
    """Every deal that a side filed, as the warehouse has it."""
    with duckdb.connect(str(home().warehouse), read_only=True) as con:
        cursor = con.execute(
            "select * from core.fct_transfers where coalesce(seller_filing_id, buyer_filing_id) is not null "
            "order by package_id"
        )
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _answer(
    folder: Path,
    record: registry.FilingRecord,
    rows: Iterable[tuple[Side, Row]],
    rules: Mapping[str, Rule],
    standard: Standard,
) -> bool:
    told = list(rows)
    reconciliation = reconciliation_of(
        FilingIdentity.model_validate(record.identity),
        [_deal(side, row, standard) for side, row in told],
        [difference for side, row in told for difference in _differences(side, row, rules, standard)],
    )
    # the page first: where the JSON stands, the page does too
    page = _write(folder / RECONCILIATION_HTML, render_html(reconciliation, standard).encode())
    return _write(folder / RECONCILIATION_JSON, reconciliation.to_json_bytes()) or page


def _write(path: Path, content: bytes) -> bool:
    """Write what is new; false when the file says just that already."""
    if path.exists() and path.read_bytes() == content:
        return False
    write_bytes(path, content)
    return True


def _deal(side: Side, row: Row, standard: Standard) -> Deal:
    counterparty = row["buyer_name_seller"] if side == "seller" else row["seller_name"]
    return Deal(
        row=row[f"row_number_{side}"],
        key=_key_text(side, row, standard),
        project_code=mask(standard, row[f"project_code_{side}"]) or "",
        side=side,
        counterparty=mask(standard, counterparty),
        status=row["reconciliation_status"],
        match_basis=row["match_basis"],
        counterpart_due_date=row["counterpart_due_date"],
    )


def _differences(side: Side, row: Row, rules: Mapping[str, Rule], standard: Standard) -> Iterator[Difference]:
    """One finding for each field in which the sides differ, as the rule's own judge would have worded it."""
    fields = (row["disputed_fields"] or "").split()
    if row["match_basis"] == "parties_date_amounts":
        fields.append("project_code")
    for field in fields:
        rule = rules.get(field)
        if rule is None:
            raise StandardError(f"no rule of {TABLE} shows {OTHER_SIDE} of {field}")
        own = _text(standard, side, row, field)
        other = _text(standard, COUNTERPART[side], row, field)
        values = {name: _text(standard, side, row, name) for name in rule.fields}
        values[OTHER_SIDE] = f"{COUNTERPART[side]} {other}"
        yield Difference(
            rule_id=rule.id,
            severity=rule.severity,
            category=rule.category,
            table=TABLE,
            file=None,
            row=row[f"row_number_{side}"],
            key=_key_text(side, row, standard),
            fields=rule.fields,
            values=values,
            message=_said(rule.message, values),
            remedy=_said(rule.remedy, values),
            suggestion=None,
            fingerprint=fingerprint_of(rule.id, {"transfer_id": mask(standard, row[f"transfer_id_{side}"])}, values),
            own_value=own or "",
            other_value=other or "",
        )


def _said(text: Bilingual, values: Mapping[str, str | None]) -> Bilingual:
    return Bilingual(zh=filled(text.zh, values, "zh"), en=filled(text.en, values, "en"))


def _key_text(side: Side, row: Row, standard: Standard) -> str:
    return f"transfer_id={mask(standard, row[f'transfer_id_{side}']) or ''}"


def _text(standard: Standard, side: Side, row: Row, field: str) -> str | None:
    """A compared value as one side filed it: amounts in CNY with two decimals, the side by its Chinese name."""
    if field == SIDE_FIELD:
        return next(code.zh for code in standard.codes[SIDE_FIELD] if code.code == side)
    stem, is_amount, _ = field.partition("_cny")
    value = row[f"{stem}_{side}{is_amount}"]
    if value is None or standard.tables[TABLE].by_name[field].base_type == "decimal":
        return None if value is None else str(value)
    return mask(standard, str(value))
