"""How complete a filing is: what each field of a table holds in place of a value, and ESMA's score of it, A1 to D4.

A cell counts when its field may carry a reason for a missing value (it allows ND1 to ND4) and a value was to be had:
ND5 (not applicable) and HIDDEN (by the template) are no gaps, and neither is a blank where the field is required only
under a condition that the row does not meet. Any other blank of such a field is a value missing without a reason: it
counts like ND1, or leaving a cell empty would score better than saying why. Fields that allow no reason are optional
(their blanks are no gap) or required (a blank is a finding): they are counted and not scored.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from expectations.compile import column_names, fill_tokens, quoted, text_column
from expectations.filed_rows import REASONS_COLUMN, is_blank, is_long
from expectations.spec import FieldSpec, Standard, TableSpec

REASONS = ("ND1", "ND2", "ND3", "ND4")
HIDDEN_REASON = "HID"  # the first three letters, as of the others
NOT_COLLECTED_CEILINGS = (0.0, 0.10, 0.30)
"""Share of ND1 up to which a score starts with A, B, C; above the last it is D (ESMA, securitisation repositories)."""
COLLECTED_ELSEWHERE_CEILINGS = (0.0, 0.20, 0.40)
"""Share of ND2 to ND4 up to which it ends with 1, 2, 3; above the last it is 4."""


@dataclass(frozen=True)
class FieldCompleteness:
    """Cells of one field of one filed table, by what stands in them.

    `asked` cells could hold a value and are scored; `unexplained` ones of them are blank. `blank` counts every blank
    cell that takes no default and is not hidden.
    """

    table: str
    field: str
    rows: int
    asked: int
    nd1: int
    nd2_4: int
    nd5: int
    hidden: int
    blank: int
    unexplained: int

    @property
    def score(self) -> str | None:
        return score_of([self])


def score_of(fields: Iterable[FieldCompleteness]) -> str | None:
    """ESMA's score over the cells of these fields; null when none of them is scored."""
    scored = [field for field in fields if field.asked]
    return score(
        sum(field.nd1 + field.unexplained for field in scored),
        sum(field.nd2_4 for field in scored),
        sum(field.asked for field in scored),
    )


def score(not_collected: int, collected_elsewhere: int, asked: int) -> str | None:
    """`A1` to `D4` from numbers of cells; null without any. The dbt macro `completeness_score` says the same."""
    if not asked:
        return None
    letter = sum(not_collected / asked > ceiling for ceiling in NOT_COLLECTED_CEILINGS)
    digit = sum(collected_elsewhere / asked > ceiling for ceiling in COLLECTED_ELSEWHERE_CEILINGS)
    return "ABCD"[letter] + "1234"[digit]


def completeness_of(con: duckdb.DuckDBPyConnection, standard: Standard, table: str) -> list[FieldCompleteness]:
    """Count every field of a filed table, in the table's order, in one pass over it.

    The rows of a long table tell what is missing in them and why; of a short one the texts as filed are looked at.
    """
    spec = standard.all_tables[table]
    if is_long(column_names(con, f"filed_{table}")):
        return _of_long(con, standard, spec)
    filed = set(column_names(con, f"raw_{table}")) - {"row_number"}
    found = completeness_by(con, standard, spec, filed, "1", f"filed_{table}", f"raw_{table}")
    return found.get(1) or [FieldCompleteness(table, field.name, *[0] * 8) for field in spec.fields]


def completeness_by(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    spec: TableSpec,
    filed: set[str],
    place: str,
    typed: str,
    texts: str,
) -> dict[int, list[FieldCompleteness]]:
    """The same of rows of several filings, by what tells them apart: `place` is SQL of a number.

    `typed` and `texts` are relations of the typed rows and of the rows as filed, whose columns are `filed`.
    """
    conditions = [condition for field in spec.fields for condition in _conditions(standard, field, field.name in filed)]
    counts = ", ".join(f"count(*) filter (where {condition})" if condition else "0" for condition in conditions)
    for side_by_side in (True, False):
        cells = _cells(spec, filed, side_by_side, typed, texts)
        query = f"select {place}, count(*) filter (where is_astray), count(*), {counts} from ({cells}) group by 1"
        found = con.execute(query).fetchall()
        if not any(astray for _, astray, *_ in found):
            break
    wide = len(conditions) // len(spec.fields)
    return {
        number: [
            FieldCompleteness(spec.table, field.name, rows, *counted[begin : begin + wide])
            for begin, field in zip(range(0, len(conditions), wide), spec.fields, strict=True)
        ]
        for number, _, rows, *counted in found
    }


def _of_long(con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec) -> list[FieldCompleteness]:
    """The same from what the typed rows say of their gaps: `missing_reasons` and the words of blanks."""
    reasons: Counter[tuple[str, str]] = Counter()
    for field, reason, cells in con.execute(f"""
        select entry.key, left(entry.value, 3), count(*)
        from (select unnest(map_entries({REASONS_COLUMN})) as entry from filed_{spec.table}
              where cardinality({REASONS_COLUMN}) > 0) group by 1, 2""").fetchall():
        reasons[field, reason] += cells
    counts = "".join(
        f", count(*) filter (where {blank}), count(*) filter (where {blank} and {_is_wanted(field) or 'true'})"
        for field in spec.fields
        for blank in [_is_unhidden_blank(standard, spec, field)]
    )
    ((rows, *found),) = con.execute(f"select count(*){counts} from filed_{spec.table}").fetchall()
    fields = []
    for number, field in enumerate(spec.fields):
        blank, wanted = (0, 0) if field.default is not None else found[2 * number : 2 * number + 2]
        nd5 = reasons[field.name, "ND5"] if "ND5" in field.nd else 0
        hidden = reasons[field.name, HIDDEN_REASON] if field.hidden_from else 0
        is_scored = bool(set(field.nd) & set(REASONS))
        fields.append(
            FieldCompleteness(
                spec.table,
                field.name,
                rows,
                rows - hidden - nd5 - (blank - wanted) if is_scored else 0,
                reasons[field.name, "ND1"] if "ND1" in field.nd else 0,
                sum(reasons[field.name, code] for code in field.nd if code in REASONS[1:]),
                nd5,
                hidden,
                blank,
                wanted if is_scored else 0,
            )
        )
    return fields


def _is_unhidden_blank(standard: Standard, spec: TableSpec, field: FieldSpec) -> str:
    blank = is_blank(spec, field.name)
    return f"{blank} and not {fill_tokens(standard, '{is_hidden}', field)}" if field.hidden_from else blank


def _is_wanted(field: FieldSpec) -> str | None:
    """SQL of whether a blank cell should hold a value, where not every one should.

    A field that is required nowhere, yet may say why it is empty, is asked for in every row.
    """
    return f"coalesce({field.required_when}, false)" if field.required_when and not field.required else None


def _cells(spec: TableSpec, filed: set[str], side_by_side: bool, typed: str, raw: str) -> str:
    """SQL of the typed rows with the text of every cell beside its value.

    Typed rows are made in the order of the filed ones, so that the two tables can be read side by side, which takes a
    fifth of a join; `is_astray` tells a row where they are not the same row after all.
    """
    texts = "".join(f", raw.{quoted(name)} as {text_column(name)}" for name in sorted(filed & set(spec.by_name)))
    joined = "positional join" if side_by_side else "join"
    same = "" if side_by_side else "using (row_number)"
    return f"""
        select filed.*{texts}, filed.row_number is distinct from raw.row_number as is_astray
        from {typed} as filed {joined} {raw} as raw {same}"""


def _conditions(standard: Standard, field: FieldSpec, is_filed: bool) -> tuple[str | None, ...]:
    """What makes a cell asked, ND1, ND2 to ND4, ND5, hidden, blank, unexplained, in the order of `FieldCompleteness`.

    Null where no cell can be so: a small filing must not pay for counting what the field does not allow.
    """
    text = text_column(field.name) if is_filed else "null::varchar"
    hides = fill_tokens(standard, "{is_hidden}", field)
    hidden = f"(coalesce({text} = 'HIDDEN', false) or ({text} is null and {hides}))" if field.hidden_from else None
    blank = f"({text} is null and not {hides})" if field.default is None else None
    allowed = [_is_code(text, code) for code in field.nd if code in REASONS[1:]]
    nd5 = f"coalesce({text} = 'ND5', false)" if "ND5" in field.nd else None
    wanted = _is_wanted(field)
    asked = unexplained = None
    if set(field.nd) & set(REASONS):
        unexplained = f"{blank} and {wanted}" if blank and wanted else blank
        unasked = [condition for condition in (hidden, nd5) if condition]
        if blank and wanted:
            unasked.append(f"({blank} and not {wanted})")
        asked = f"not ({' or '.join(unasked)})" if unasked else "true"
    return (
        asked,
        _is_code(text, "ND1") if "ND1" in field.nd else None,
        " or ".join(allowed) or None,
        nd5,
        hidden,
        blank,
        unexplained,
    )


def _is_code(text: str, code: str) -> str:
    return f"{text} like 'ND4-____-__-__'" if code == "ND4" else f"{text} = '{code}'"
