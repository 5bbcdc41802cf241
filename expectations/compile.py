"""From the standard's rules and fields to DuckDB SQL."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import duckdb

from expectations.spec import MISSING_CODES, FieldSpec, Rule, Standard, TableSpec

# LIKE and length() rather than regular expressions: each constant pattern is compiled once per column and query,
# which for a small filing used to cost more than reading it
MISSING = f"({{text}} in {tuple(code for code in MISSING_CODES if code != 'ND4')} or {{text}} like 'ND4-____-__-__')"
# What people write with a Chinese keyboard where the patterns of personal data expect ASCII; one character for one, so
# that what is found in the folded text lies at the same place in the text as filed.
FULL_WIDTH = "０１２３４５６７８９Ｘｘ＋－\u3000\u00a0"
HALF_WIDTH = "0123456789Xx+-  "
TIMESTAMP_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
MOST_VALUES_TOLD = 20
EMPTY_MAP = "map([]::varchar[], []::varchar[])"
TRUE_WORDS = ("是", "Y", "y", "true", "TRUE", "True", "1")
FALSE_WORDS = ("否", "N", "n", "false", "FALSE", "False", "0")


@dataclass(frozen=True, eq=False)
class Check:
    """One boolean that must hold: a rule, or a rule applied to one field; `index` numbers it within its table.

    `condition` is SQL of which rows it is asked of, where it is not asked of all; `sql` is null for the others.
    """

    rule: Rule
    field: str | None
    sql: str
    index: int
    condition: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns that a finding of this check points at."""
        return (self.field,) if self.field else self.rule.fields


@dataclass(frozen=True)
class ColumnFacts:
    """What a look at a whole column has shown.

    `unbroken`: indices of checks that no cell breaks. `texts`: all that stand in it, where they are few. Whether a cell
    `gives_reasons` (a missing-data code) and whether a bare cast reads every cell as the careful one does.
    """

    unbroken: frozenset[int] = frozenset()
    texts: tuple[str, ...] | None = None
    gives_reasons: bool = True
    casts_plainly: bool = False


UNKNOWN = ColumnFacts()


def sql_text(value: str | None) -> str:
    """A SQL string literal."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


def sql_list(values: Sequence[str]) -> str:
    """A SQL list of strings."""
    return "[" + ", ".join(sql_text(value) for value in values) + "]::varchar[]"


def column_names(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """The columns of a relation, in order."""
    return [row[0] for row in con.execute(f"select column_name from (describe {relation})").fetchall()]


def text_column(name: str) -> str:
    """The column that holds a cell as it was filed."""
    return '"' + name.replace('"', '""') + '__text"'


def macros_of(standard: Standard) -> list[str]:
    """Macros that rules may call: code_<list>, parent_<list>, parameter_<name> and so on, and the standard's own."""
    statements = []
    for name, codes in standard.codes.items():
        spelled = " ".join(
            f"when {sql_text(text)} then {sql_text(code.code)}" for code in codes for text in code.spellings
        )
        grouped = " ".join(f"when {sql_text(code.code)} then {sql_text(code.parent)}" for code in codes if code.parent)
        statements.append(f"create or replace macro code_{name}(spelling) as case spelling {spelled} end")
        statements.append(
            f"create or replace macro parent_{name}(code) as "
            + (f"case code {grouped} end" if grouped else "null::varchar")
        )
    patterns = "|".join(f"(?:{pattern.pattern})" for pattern in standard.head.personal_data)
    statements.append(
        # a text with as many bytes as characters is ASCII, which is seen many times quicker than what is in it
        "create or replace macro half_width(cell) as case when strlen(cell) = length(cell) then cell "
        f"when regexp_matches(cell, '[{FULL_WIDTH}]') then translate(cell, '{FULL_WIDTH}', '{HALF_WIDTH}') "
        "else cell end"
    )
    statements.append(
        "create or replace macro has_personal_data(cell) as "
        + (f"regexp_matches(half_width(cell), {sql_text(patterns)})" if patterns else "false")
    )
    statements.append(f"create or replace macro hold_ceiling() as {standard.head.hold_ceiling}")
    statements += [
        f"create or replace macro parameter_{name}() as {sql_text(parameter.value)}::{kind_of(parameter.type)}"
        for name, parameter in standard.head.parameters.items()
    ]
    statements.append(f"create or replace macro standard_versions() as {sql_list(standard.version_names)}")
    return statements + [part.strip() for part in standard.macros.split(";\n") if part.strip()]


def spelled_codes(standard: Standard) -> dict[str, dict[str, str]]:
    """For each code list, every text that means one of its codes."""
    return {
        name: {text: code.code for code in codes for text in code.spellings} for name, codes in standard.codes.items()
    }


def kind_of(kind: str) -> str:
    """The DuckDB type of a type of the standard."""
    base = kind.partition("(")[0]
    return {"text": "varchar", "code": "varchar", "integer": "bigint"}.get(base, kind)


def typed_rows(
    fields: Iterable[FieldSpec],
    columns: Sequence[str],
    source: str,
    extra: str = "",
    facts: Mapping[str, ColumnFacts] | None = None,
    spellings: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """SQL that reads text rows and adds, for each of these fields, its typed value.

    A value is null when absent, a missing-data code, or not of the type. `columns` are the text columns of `source`;
    every text stays beside its value as `<column>__text`, and `<field>__missing` tells a missing-data code. `facts` of
    columns and the `spellings` of code lists (text to code) make shorter work of the same.
    """
    named = {field.name: field for field in fields}
    known, present = facts or {}, set(columns)
    texts = ", ".join(
        f"{quoted(name) if name in present else 'null::varchar'} as {text_column(name)}"
        for name in dict.fromkeys([*named, *columns])
    )
    marks = "".join(
        f", {MISSING.format(text=text_column(name)) if known.get(name, UNKNOWN).gives_reasons else 'false'}"
        f" as {missing_column(name)}"
        for name in named
    )
    spelled = spellings or {}
    values = "".join(
        f", {_typed(field, known.get(name, UNKNOWN), spelled.get(field.code_list or ''))} as {name}"
        for name, field in named.items()
    )
    return f"select *{values}{extra} from (select *{marks} from (select row_number, {texts} from {source}))"


def _typed(field: FieldSpec, facts: ColumnFacts, spellings: Mapping[str, str] | None) -> str:
    text = text_column(field.name)
    cast = _cast(field, text)
    if facts.casts_plainly:
        cast = f"try_cast({text} as {kind_of(field.type)})"
    elif facts.texts is not None and spellings and not field.separator:
        cast = _chosen_codes(text, {each: spellings[each] for each in facts.texts if each in spellings}, facts.texts)
    value = f"case when {missing_column(field.name)} then null else {cast} end" if facts.gives_reasons else cast
    if field.default is None:
        return value
    return f"case when {text} is null then {_cast(field, sql_text(field.default))} else {value} end"


def _chosen_codes(text: str, codes: Mapping[str, str], texts: Sequence[str]) -> str:
    """SQL of a cell's code, looking only for the texts that stand in the column."""
    if len(codes) == len(texts) and all(spelling == code for spelling, code in codes.items()):
        return text
    if not codes:
        return "null::varchar"
    chosen = " ".join(f"when {sql_text(spelling)} then {sql_text(code)}" for spelling, code in codes.items())
    return f"case {text} {chosen} end"


def provable(field: FieldSpec, suggestion: str) -> str:
    """SQL of a suggestion for a field: null when it would be refused in its turn, or is what was filed."""
    return (
        f"case when {_cast(field, f'({suggestion})')} is not null "
        f"and ({suggestion}) is distinct from {text_column(field.name)} then ({suggestion}) end"
    )


def missing_column(name: str) -> str:
    return f'"{name}__missing"'


def quoted(name: str) -> str:
    """A SQL identifier: what a filer calls a column must never end the name."""
    return '"' + name.replace('"', '""') + '"'


def _cast(field: FieldSpec, text: str) -> str:
    kind = field.base_type
    if kind == "text":
        return text
    if kind == "code" and field.separator:
        return _cast_codes(field, text, field.separator)
    if kind == "code":
        return f"code_{field.code_list}({text})"
    if kind == "boolean":
        return f"case when {text} in {_tuple(TRUE_WORDS)} then true when {text} in {_tuple(FALSE_WORDS)} then false end"
    if kind == "integer":
        return f"case when regexp_full_match({text}, '-?[0-9]+') then try_cast({text} as bigint) end"
    if kind == "decimal":
        # a plain try_cast would round 1.239 to 1.24 and take 1E+05: what was filed must be what is kept
        places = int(field.arguments[1])
        fraction = f"(\\.[0-9]{{1,{places}}})?" if places else ""
        return f"case when regexp_full_match({text}, '-?[0-9]+{fraction}') then try_cast({text} as {field.type}) end"
    if kind == "date":
        # >= '0': a sign in front would be read as a year before Christ
        return (
            f"case when {text} like '____-__-__' and {text} >= '0' then try_cast({text} as date) "
            f"when length({text}) = 8 then try_cast(try_strptime({text}, '%Y%m%d') as date) end"
        )
    # a cast would take 17:00:00Z and drop the Z: eight hours lost without a word
    return f"try_strptime({text}, {sql_list(TIMESTAMP_FORMATS)})"


def _cast_codes(field: FieldSpec, text: str, separator: str) -> str:
    """Several codes in one cell: each in its own spelling, all of them or none; kept as codes, in the order filed."""
    split = f"string_split({text}, {sql_text(separator)})"
    codes = f"list_transform({split}, lambda filed_part: code_{field.code_list}(trim(filed_part)))"
    unknown = f"list_filter({codes}, lambda filed_code: filed_code is null)"
    return f"case when len({unknown}) = 0 then array_to_string({codes}, {sql_text(separator)}) end"


def _tuple(values: Sequence[str]) -> str:
    return "(" + ", ".join(sql_text(value) for value in values) + ")"


def missing_reasons(
    standard: Standard,
    spec: TableSpec,
    filed_columns: Collection[str],
    may_give: Callable[[str], bool] = lambda _: True,
) -> str:
    """SQL of the map from a field to why it has no value: the filer's ND code, or HIDDEN by the template.

    `may_give` tells of a filed column of a long table whether a code may stand in it.
    """
    versions = standard.version_names
    entries = []
    for field in spec.fields:
        is_filed = field.name in filed_columns
        text = text_column(field.name) if is_filed else "null::varchar"
        given = []
        if is_filed and may_give(field.name):
            given.append(f"when {MISSING.format(text=text)} then {text}")
        if field.hidden_from:
            hidden = ", ".join(f"'{version}'" for version in versions[versions.index(field.hidden_from) :])
            given.append(f"when {text} is null and standard_version in ({hidden}) then 'HIDDEN'")
        if given and (field.nd or field.hidden_from):
            entries.append((field.name, f"case {' '.join(given)} end"))
    if not entries:
        return EMPTY_MAP
    listed = ", ".join(f"{{'key': '{name}', 'value': {value}}}" for name, value in entries)
    filled = f"map_from_entries(list_filter([{listed}], lambda entry: entry.value is not null))"
    # most rows give no reason, and a list of all their fields is dear
    return f"case when coalesce({', '.join(value for _, value in entries)}) is null then {EMPTY_MAP} else {filled} end"


def version_expression(standard: Standard, spec: TableSpec) -> str:
    """SQL of the version that judges a row: by the table's version date, else by the end of the filing's period."""
    versions = standard.head.versions
    if spec.version_date is None or len(versions) == 1:
        return sql_text(standard.latest_version)
    day = (
        f"coalesce({spec.version_date}, filing_period_end)"
        if "filing_period_end" in standard.head.context
        else spec.version_date
    )
    later = " ".join(
        f"when {day} >= date '{version.valid_from}' then {sql_text(version.version)}"
        for version in reversed(versions[1:])
    )
    return f"case {later} else {sql_text(versions[0].version)} end"


def checks_of(standard: Standard, table: str, filed_columns: Sequence[str]) -> list[Check]:
    """Every check of a table's active rules, rules in the order of their ids, fields in the order of the table."""
    return list(_checks_of(standard, table, tuple(filed_columns)))


@lru_cache(maxsize=64)  # a filing asks for them half a dozen times
def _checks_of(standard: Standard, table: str, filed_columns: tuple[str, ...]) -> tuple[Check, ...]:
    spec = standard.all_tables[table]
    checks: list[Check] = []
    for rule in standard.rules_of(table):
        condition = _condition(standard, spec, rule)
        for field, sql in _expand(standard, spec, rule, filed_columns):
            asked = f"(case when {condition} then ({sql}) end)" if condition else f"({sql})"
            checks.append(Check(rule, field, asked, len(checks), condition))
    return tuple(checks)


def personal_cells(
    spec: TableSpec, filed_columns: Sequence[str], is_clean: Callable[[str], bool] = lambda name: False
) -> str:
    """SQL of a list that tells, cell by cell, where personal data stands; null when the whole row is clean.

    The row is looked at once as a whole; its cells only when that finds something. Columns that are known to be clean
    keep their place in the list and are not looked at.
    """
    looked_at = [name for name in filed_columns if not is_clean(name)]
    if not looked_at:
        return "null::boolean[]"
    cells = {name: personal_cell(spec.by_name.get(name), name) for name in looked_at}
    listed = ", ".join(cells.get(name, "null") for name in filed_columns)
    return (
        f"case when has_personal_data(concat_ws(chr(31), {', '.join(cells.values())})) "
        f"then list_transform([{listed}], lambda filed_cell: has_personal_data(filed_cell)) end"
    )


def personal_cell(field: FieldSpec | None, name: str) -> str:
    """SQL of what is searched for personal data in a cell.

    An amount of eleven digits is no mobile number: what is a number of a numeric field is not looked at, unless it is
    as long as a resident id.
    """
    text = text_column(name)
    if field and field.base_type in ("integer", "decimal"):
        return f"case when {name} is null or length({text}) >= 18 then {text} end"
    return text


def _expand(
    standard: Standard, spec: TableSpec, rule: Rule, filed_columns: Sequence[str]
) -> list[tuple[str | None, str]]:
    if rule.for_each is None:
        return [(None, rule.check)]
    if rule.for_each == "columns":
        return [
            (name, rule.check.replace("{has_personal_data}", f"coalesce(personal_cells[{number}], false)"))
            for number, name in enumerate(filed_columns, start=1)
        ]
    chosen = [field for field in spec.fields if _chosen(rule.for_each, field)]
    return [(field.name, fill_tokens(standard, rule.check, field)) for field in chosen]


def _chosen(for_each: str, field: FieldSpec) -> bool:
    return {
        "text_fields": field.base_type == "text",
        "typed_fields": field.base_type not in ("text", "code"),
        "code_fields": field.base_type == "code",
        "state_fields": field.states is not None,
        "required_fields": field.can_be_required,
        "missing_fields": True,
        "hidden_fields": field.hidden_from is not None,
    }[for_each]


def fill_tokens(standard: Standard, check: str, field: FieldSpec) -> str:
    """Put one field's SQL in the place of the tokens of a rule that looks at each field."""
    text = text_column(field.name)
    allowed = [*field.nd, *(["HIDDEN"] if field.hidden_from else [])]
    hidden = _versions_sql(standard, field.hidden_from, None) if field.hidden_from else "false"
    required = "true" if field.required else f"({field.required_when})"
    codes = standard.codes.get(field.code_list or field.states or "", ())
    spellings = [text for code in codes for text in code.spellings]
    replacements = {
        "{field}": field.name,
        "{text}": text,
        "{is_missing_code}": missing_column(field.name),
        "{allowed_codes}": sql_list(allowed),
        "{is_hidden}": hidden,
        "{is_required}": f"({required} and not {hidden})",
        "{spellings}": sql_list(spellings),
        "{separator}": sql_text(field.separator),
        "{allowed_values}": sql_text(_allowed_values(standard, field)),
    }
    for token, sql in replacements.items():
        check = check.replace(token, sql)
    return check


def _allowed_values(standard: Standard, field: FieldSpec) -> str:
    """What a filer may write into a coded field, for a message: codes with their names, or the names of states."""
    codes = standard.codes.get(field.code_list or field.states or "", ())
    shown = [f"{code.code} {code.zh}" if field.code_list else code.zh for code in codes[:MOST_VALUES_TOLD]]
    return "、".join(shown) + ("……" if len(codes) > MOST_VALUES_TOLD else "")


def _versions_sql(standard: Standard, since: str | None, until: str | None) -> str:
    names = standard.version_names
    chosen = names[names.index(since) if since else 0 : names.index(until) + 1 if until else None]
    return "true" if chosen == names else f"standard_version in {_tuple(chosen)}"


def _condition(standard: Standard, spec: TableSpec, rule: Rule) -> str | None:
    conditions = [_versions_sql(standard, rule.since, rule.until)]
    if rule.when:
        conditions.append(f"({rule.when})")
    for exception in rule.exceptions:
        day = spec.version_date or "filing_period_end"
        conditions.append(
            f"not coalesce(filing_subject = {sql_text(exception.institution)} and {day} between "
            f"date '{exception.valid_from}' and date '{exception.valid_to}', false)"
        )
    return " and ".join(condition for condition in conditions if condition != "true") or None
