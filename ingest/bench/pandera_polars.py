"""The loan tape in pandera: a lazy schema on a polars DataFrame of texts and typed values."""

import datetime
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from expectations.compile import spelled_codes
from expectations.plain_terms import (
    PLACES,
    TEXT,
    WORDS_OF_TRUTH,
    Atom,
    Clause,
    Column,
    Compared,
    Constant,
    Filled,
    Listed,
    Matches,
    OneOf,
    Operand,
    PlainCheck,
    Unique,
    arithmetic,
    opposite,
)
from expectations.spec import FieldSpec, Standard
from ingest.synthetic_tape import LOAN

if TYPE_CHECKING:
    import polars as pl

COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "=": "eq", "<>": "ne"}


def load() -> None:
    """Import what the work needs, so that its cost can be told apart."""
    import pandera.polars  # noqa: F401


def broken(file: str, standard: Standard, checks: Sequence[PlainCheck]) -> set[tuple[int, int]]:
    """Check index and place of each row that breaks a check."""
    from pandera.errors import SchemaErrors

    frame = _frame(file, standard)
    schema = _schema(frame.columns, checks)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as found:
        cases = found.failure_cases.select("check", "column", "index").rows()
    else:
        cases = []
    filled = {
        clause.atom.column: each.check.index
        for each in checks
        for clause in each.clauses
        if isinstance(clause.atom, Filled) and not clause.conditions
    }
    return {(filled[column] if check == "not_nullable" else int(check), row) for check, column, row in cases}


def _frame(file: str, standard: Standard) -> "pl.DataFrame":
    import polars as pl

    spec = standard.tables[LOAN]
    texts = pl.read_csv(file, infer_schema=False).rename({field.zh: field.name + TEXT for field in spec.fields})
    spellings = spelled_codes(standard)
    return texts.with_columns(
        _typed(pl.col(field.name + TEXT), field, spellings).alias(field.name) for field in spec.fields
    )


def _typed(text: "pl.Expr", field: FieldSpec, spellings: dict[str, dict[str, str]]) -> "pl.Expr":
    import polars as pl

    if field.base_type == "boolean":
        return text.replace_strict(WORDS_OF_TRUTH, default=None, return_dtype=pl.Boolean)
    if field.code_list:
        return text.replace_strict(spellings[field.code_list], default=None, return_dtype=pl.String)
    if field.base_type == "date":
        return text.str.to_date("%Y-%m-%d", strict=False)
    if field.base_type == "text":
        return text
    return text.cast(pl.Int64 if field.base_type == "integer" else pl.Float64, strict=False)


def _schema(columns: Sequence[str], checks: Sequence[PlainCheck]) -> Any:
    """Pandera's own checks where a clause looks at one column, a check of the whole frame elsewhere."""
    import pandera.polars as pa

    by_column: dict[str, list[Any]] = {name: [] for name in columns}
    required, frame_checks = set(), []
    for each in checks:
        key = str(each.check.index)
        for clause in each.clauses:
            if isinstance(clause.atom, Filled) and clause.atom.wanted and not clause.conditions:
                required.add(clause.atom.column)
            elif not clause.conditions and (own := _column_check(clause.atom, key)):
                by_column[own[0]].append(own[1])
            else:
                frame_checks.append(pa.Check(_frame_check(clause), error=key))
    return pa.DataFrameSchema(
        {name: pa.Column(checks=own, nullable=name not in required) for name, own in by_column.items()},
        checks=frame_checks,
    )


def _column_check(atom: Atom | None, key: str) -> tuple[str, Any] | None:
    import pandera.polars as pa

    if isinstance(atom, OneOf) and None not in atom.values(False):
        return atom.column, pa.Check.isin([each for each in atom.values(True, None) if each is not None], error=key)
    if isinstance(atom, Listed):
        return atom.column, pa.Check.isin(list(atom.values), error=key)
    if isinstance(atom, Matches) and atom.wanted:
        return atom.column, pa.Check.str_matches(f"^(?:{atom.pattern})$", error=key)
    if isinstance(atom, Compared) and isinstance(atom.left, Column) and isinstance(atom.right, Constant):
        check = getattr(pa.Check, COMPARISONS[atom.operator])
        return atom.left.name, check(_constant(atom.right), error=key)
    return None


def _frame_check(clause: Clause) -> Callable[[Any], "pl.LazyFrame"]:
    assert clause.atom is not None
    if isinstance(clause.atom, Unique):
        import polars as pl

        given = reduce(lambda one, other: one & other, [pl.col(name).is_not_null() for name in clause.atom.columns])
        alone = ~(pl.struct(clause.atom.columns).is_duplicated() & given)
    else:
        broken = [_holds(each) for each in (*clause.conditions, opposite(clause.atom))]
        alone = ~reduce(lambda one, other: one & other, broken)
    return lambda data: data.lazyframe.select(alone)


def _holds(atom: Atom) -> "pl.Expr":
    """Whether an atom is true; false where it is unknown."""
    import polars as pl

    if isinstance(atom, OneOf):
        listed = pl.col(atom.column).is_in([each for each in atom.values(True) if each is not None]).fill_null(False)
        return listed | pl.col(atom.column).is_null() if None in atom.values(True) else listed
    if isinstance(atom, Filled):
        return pl.col(atom.column).is_not_null() if atom.wanted else pl.col(atom.column).is_null()
    if isinstance(atom, Matches):
        matches = pl.col(atom.column).str.contains(f"^(?:{atom.pattern})$")
        return (matches if atom.wanted else ~matches).fill_null(False)
    assert isinstance(atom, Compared), atom
    compare = getattr(_operand(atom.left), COMPARISONS[atom.operator])
    held: pl.Expr = compare(_operand(atom.right)).fill_null(False)
    return held


def _operand(operand: Operand) -> Any:
    import polars as pl

    if isinstance(operand, Column):
        return pl.col(operand.name)
    if isinstance(operand, Constant):
        return pl.lit(_constant(operand))
    arguments = [_operand(each) for each in operand.arguments]
    if operand.operation == "days":
        return (arguments[0] - arguments[1]).dt.total_days()
    return arithmetic(operand.operation, arguments).round(PLACES)


def _constant(constant: Constant) -> Any:
    return datetime.date.fromisoformat(constant.value) if isinstance(constant.value, str) else constant.value
