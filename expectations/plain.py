"""The standard's row rules in the plain terms of other tools: what of them any data frame library can say.

A rule's SQL is taken apart along DuckDB's own syntax tree into clauses: under these conditions this atom must hold. A
clause is broken where every condition is true and its atom is false, so that what is unknown is never judged, as in the
rule itself. What cannot be said so (lists in a cell, other tables, whole columns) is left out with its reason.
"""

import datetime
import json
import operator
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from expectations.compile import FALSE_WORDS, TRUE_WORDS, Check, checks_of, macros_of, quoted, sql_text
from expectations.engine import UNIQUE
from expectations.plain_terms import (
    MISSING_FLAG,
    OPPOSITE,
    TEXT,
    Atom,
    Clause,
    Column,
    Compared,
    Constant,
    Filled,
    LeftOut,
    Listed,
    Matches,
    NotPlainError,
    OneOf,
    Operand,
    PlainCheck,
    Term,
    Unique,
    Value,
    either,
    opposite,
    simplified,
)
from expectations.spec import MISSING_CODES, FieldSpec, Standard, TableSpec

Tree = dict[str, Any]
OPERATORS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "<>",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
A_DAY_OF_REASON = "2026-01-01"  # ND4 is written with a day
# a day of the calendar, leap years among them, as the careful cast takes it
CALENDAR_DAY = (
    r"[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
)


def plain_checks(standard: Standard, table: str) -> tuple[list[PlainCheck], list[LeftOut]]:
    """The checks of a table's active rules that can be said plainly, and those that cannot.

    The file is taken to have all columns of the table, one text column a field (`<field>__text`, missing-data codes
    among them) and its typed value beside it (`<field>`).
    """
    plain, left_out = [], []
    with duckdb.connect() as con:
        for statement in macros_of(standard):
            con.execute(statement)
        reader = _Reader(con, standard, standard.all_tables[table])
        for check in checks_of(standard, table, [field.name for field in standard.all_tables[table].fields]):
            try:
                plain.append(PlainCheck(check, tuple(reader.clauses_of(check))))
            except NotPlainError as reason:
                left_out.append(LeftOut(check, str(reason)))
    return plain, left_out


def type_pattern(field: FieldSpec) -> str:
    """The texts that are a value of a number's or date's type."""
    if field.base_type == "integer":
        return "-?[0-9]+"
    if field.base_type == "decimal":
        places = int(field.arguments[1])
        return "-?[0-9]+" + (rf"(?:\.[0-9]{{1,{places}}})?" if places else "")
    if field.base_type == "date":
        return f"{CALENDAR_DAY}|[0-9]{{8}}"
    raise NotPlainError(f"texts of type {field.base_type}")


class _Reader:
    """Takes the checks of one table apart; whatever depends on one code alone, DuckDB itself is asked."""

    def __init__(self, con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec) -> None:
        self._con = con
        self._standard = standard
        self._spec = spec
        self._macros = {
            name: (parameters, definition)
            for name, parameters, definition in con.execute(
                "select function_name, parameters, macro_definition from duckdb_functions() "
                "where function_type = 'macro' and not internal"
            ).fetchall()
        }

    def clauses_of(self, check: Check) -> list[Clause]:
        if unique := UNIQUE.fullmatch(check.rule.check.strip()):
            keys = tuple(unique[1].split(", "))
            judged = self._clauses(self._tree(check.rule.when), True) if check.rule.when else []
            if {each.atom for each in judged} != {Filled(name) for name in keys}:
                raise NotPlainError("unique where something else than its columns is there")
            return [Clause((), Unique(keys))]
        if check.rule.scope != "row":
            raise NotPlainError("looks at other rows or tables")
        if check.field and "personal_cells" in check.sql:
            raise NotPlainError("personal data by cell")
        tree = self._tree(check.sql)
        field = self._spec.by_name.get(check.field or "")
        read = _columns(tree)
        if field and read == {field.name + TEXT, field.name + MISSING_FLAG}:
            return self._of_reasons(field, check.sql)
        clauses = [short for clause in self._clauses(tree, True) if (short := simplified(clause))]
        given = (Filled(f"{check.field}{TEXT}"), Filled(f"{check.field}{MISSING_FLAG}", False))
        if field and clauses == [Clause(given, Filled(field.name))]:
            return [Clause((), self._castable(field))]
        for clause in clauses:
            for atom in (*clause.conditions, clause.atom):
                if isinstance(atom, Filled) and atom.column.endswith(MISSING_FLAG):
                    raise NotPlainError("missing-data codes in another way")
        return clauses

    def _castable(self, field: FieldSpec) -> Atom:
        """A text of the field's type, or a missing-data code."""
        reasons = tuple(code for code in MISSING_CODES if code != "ND4")
        if field.base_type == "boolean":
            return Listed(f"{field.name}{TEXT}", (*TRUE_WORDS, *FALSE_WORDS, *reasons))
        if field.code_list and not field.separator:
            spellings = [text for code in self._standard.codes[field.code_list] for text in code.spellings]
            return Listed(f"{field.name}{TEXT}", (*spellings, *reasons))
        missing = f"{'|'.join(reasons)}|ND4-.{{4}}-.{{2}}-.{{2}}"
        return Matches(f"{field.name}{TEXT}", f"{type_pattern(field)}|{missing}")

    def _of_reasons(self, field: FieldSpec, sql: str) -> list[Clause]:
        """A check of which missing-data codes may stand in a cell: DuckDB is asked of each."""
        told = {code: f"ND4-{A_DAY_OF_REASON}" if code == "ND4" else code for code in MISSING_CODES}
        text, flag = quoted(field.name + TEXT), quoted(field.name + MISSING_FLAG)
        values = ", ".join(f"({sql_text(code)}, {sql_text(written)}, true)" for code, written in told.items())
        rows = self._con.execute(f"select code, {sql} from (values {values}) as each(code, {text}, {flag})").fetchall()
        refused = ["ND4-.{4}-.{2}-.{2}" if code == "ND4" else code for code, holds in rows if holds is False]
        return [Clause((), Matches(field.name + TEXT, "|".join(refused), wanted=False))] if refused else []

    def _tree(self, sql: str) -> Tree:
        ((said,),) = self._con.execute("select json_serialize_sql(?)", [f"select {sql}"]).fetchall()
        statements = json.loads(said)
        if statements["error"]:
            raise NotPlainError("not read as an expression")
        tree: Tree = statements["statements"][0]["node"]["select_list"][0]
        return tree

    def _sql(self, tree: Tree) -> str:
        statements = json.loads(self._con.execute("select json_serialize_sql('select 1')").fetchall()[0][0])
        statements["statements"][0]["node"]["select_list"] = [tree]
        ((sql,),) = self._con.execute("select json_deserialize_sql(?)", [json.dumps(statements)]).fetchall()
        return str(sql).removeprefix("SELECT ").rstrip("; ")

    def _clauses(self, tree: Tree, wanted: bool) -> list[Clause]:
        """Clauses of which one is broken exactly where the expression (or, not `wanted`, its negation) is false."""
        kind = tree["type"]
        if kind == "OPERATOR_NOT":
            return self._clauses(tree["children"][0], not wanted)
        columns = _columns(tree)
        if not columns:
            ((holds,),) = self._con.execute(f"select {self._sql(tree)}").fetchall()
            return [Clause((), None)] if holds is (not wanted) else []
        if len(columns) == 1 and (atom := self._one_of(tree, next(iter(columns)))):
            return [Clause((), atom if wanted else opposite(atom))]
        if kind in ("CONJUNCTION_AND", "CONJUNCTION_OR"):
            parts = [self._clauses(child, wanted) for child in tree["children"]]
            if (kind == "CONJUNCTION_AND") == wanted:
                return [clause for part in parts for clause in part]
            return either(parts)
        if kind == "CASE_EXPR" and wanted and len(tree["case_checks"]) == 1 and _is_null(tree["else_expr"]):
            (only,) = tree["case_checks"]
            return either([self._clauses(only["when_expr"], False), self._clauses(only["then_expr"], True)])
        if kind == "OPERATOR_COALESCE" and len(tree["children"]) == 2:
            first, default = tree["children"]
            if not _columns(default) and self._constant(default) is wanted:
                return self._clauses(first, wanted)
            raise NotPlainError("unknown counts as broken")
        return self._atoms(tree, wanted)

    def _atoms(self, tree: Tree, wanted: bool) -> list[Clause]:
        kind = tree["type"]
        if kind == "COLUMN_REF" and tree["column_names"][-1].endswith(MISSING_FLAG):
            return [Clause((), Filled(tree["column_names"][-1], wanted))]
        if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL") and tree["children"][0]["type"] == "COLUMN_REF":
            return [Clause((), Filled(_name(tree["children"][0]), (kind == "OPERATOR_IS_NOT_NULL") == wanted))]
        if kind == "FUNCTION" and tree["function_name"] == "regexp_full_match":
            text, pattern = (each["expression"] for each in tree["arguments"])
            if text["type"] == "COLUMN_REF" and not _columns(pattern):
                return [Clause((), Matches(_name(text), str(self._constant(pattern)), wanted))]
        if kind == "FUNCTION" and tree["function_name"] in self._macros:
            return self._clauses(self._expanded(tree), wanted)
        if kind in OPERATORS:
            sign = OPERATORS[kind] if wanted else OPPOSITE[OPERATORS[kind]]
            return list(self._compared(tree["left"], sign, tree["right"]))
        raise NotPlainError(_kind(tree))

    def _compared(self, left: Tree, comparison: str, right: Tree) -> Iterator[Clause]:
        for one, sign, other in ((left, comparison, right), (right, MIRRORED[comparison], left)):
            name = one.get("function_name")
            # the least of several is at least this: each of them is, or is null
            if (name, sign) in (("least", ">="), ("least", ">"), ("greatest", "<="), ("greatest", "<")):
                for each in one["arguments"]:
                    yield from self._compared(each["expression"], sign, other)
                return
        for conditions, first in self._operands(left):
            for more, second in self._operands(right):
                both = (*conditions, *more)
                if not isinstance(first, Constant):
                    yield Clause(both, Compared(first, comparison, second))
                elif not isinstance(second, Constant):
                    yield Clause(both, Compared(second, MIRRORED[comparison], first))
                elif not _compare(first.value, comparison, second.value):
                    yield Clause(both, None)

    def _operands(self, tree: Tree) -> Iterator[tuple[tuple[Atom, ...], Operand]]:
        """An operand; of one that a code decides, each value and the codes that give it."""
        columns = _columns(tree)
        if len(columns) == 1 and tree["type"] != "COLUMN_REF" and (domain := self._domain(next(iter(columns)))):
            values = self._values(tree, next(iter(columns)), domain)
            for wanted in sorted({value for value in values.values() if value is not None}):
                truth = tuple((code, value == wanted) for code, value in values.items())
                yield (OneOf(next(iter(columns)), truth),), Constant(_plain_number(wanted))
        else:
            yield (), self._operand(tree)

    def _operand(self, tree: Tree) -> Operand:
        if not _columns(tree):
            return Constant(_plain_number(self._constant(tree)))
        if tree["type"] == "COLUMN_REF":
            name = _name(tree)
            if name.removesuffix(TEXT) not in self._spec.by_name:
                raise NotPlainError("looks at what the filing is")
            return Column(name)
        if tree["type"] == "FUNCTION" and (name := tree["function_name"]) in ("+", "-", "*", "abs"):
            arguments = tuple(self._operand(each["expression"]) for each in tree["arguments"])
            dates = [self._is_date(each) for each in arguments]
            if any(dates):
                if name != "-" or not all(dates):
                    raise NotPlainError("arithmetic of dates")
                name = "days"
            return Term(name, arguments)
        raise NotPlainError(_kind(tree))

    def _is_date(self, operand: Operand) -> bool:
        return isinstance(operand, Column) and self._spec.by_name[operand.name].base_type == "date"

    def _one_of(self, tree: Tree, column: str) -> OneOf | None:
        domain = self._domain(column)
        if not domain or tree["type"] in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            return None
        return OneOf(column, tuple(self._values(tree, column, domain).items()))

    def _domain(self, column: str) -> list[Value]:
        """All that a typed column of codes or of truth values can hold."""
        field = self._spec.by_name.get(column)
        if field and field.base_type == "boolean":
            return [True, False, None]
        if field and field.code_list and not field.separator:
            return [*(code.code for code in self._standard.codes[field.code_list]), None]
        return []

    def _values(self, tree: Tree, column: str, domain: Sequence[Value]) -> Mapping[Value, Any]:
        kind = "boolean" if True in domain else "varchar"
        rows = self._con.execute(
            f"select {quoted(column)}, {self._sql(tree)} from (select unnest(?::{kind}[]) as {quoted(column)})",
            [domain],
        ).fetchall()
        return dict(rows)

    def _constant(self, tree: Tree) -> Any:
        ((value,),) = self._con.execute(f"select {self._sql(tree)}").fetchall()
        return value

    def _expanded(self, tree: Tree) -> Tree:
        parameters, definition = self._macros[tree["function_name"]]
        given = dict(zip(parameters, (each["expression"] for each in tree["arguments"]), strict=True))
        expanded: Tree = _substituted(self._tree(definition), given)
        return expanded


def _compare(left: Any, comparison: str, right: Any) -> bool:
    by_sign = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt}
    return bool(by_sign.get(comparison, operator.ge)(left, right))


def _substituted(tree: Any, given: Mapping[str, Tree]) -> Any:
    if isinstance(tree, list):
        return [_substituted(each, given) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("type") == "COLUMN_REF" and _name(tree) in given:
        return given[_name(tree)]
    return {name: _substituted(each, given) for name, each in tree.items()}


def _columns(tree: Any) -> set[str]:
    if isinstance(tree, list):
        return {name for each in tree for name in _columns(each)}
    if not isinstance(tree, dict):
        return set()
    if tree.get("type") == "COLUMN_REF":
        return {_name(tree)}
    return {name for each in tree.values() for name in _columns(each)}


def _name(tree: Tree) -> str:
    return str(tree["column_names"][-1])


def _kind(tree: Tree) -> str:
    return f"no plain term for {str(tree.get('function_name') or tree['type']).lower()}"


def _is_null(tree: Tree) -> bool:
    return bool(tree["type"] == "VALUE_CONSTANT" and tree["literal"]["kind"] == "NULL_LITERAL")


def _plain_number(value: datetime.date | Decimal | str | int | float) -> str | int | float:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
