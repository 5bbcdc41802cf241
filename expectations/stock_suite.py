"""The standard's plain rules as Great Expectations' own expectations on a pandas DataFrame.

Not how the platform judges (`expectations.suites`): what the same rules cost in the way the tool offers by itself.
Importing this module imports nothing heavy; its functions import Great Expectations.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from expectations.plain_terms import (
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
    Term,
    Unique,
    Value,
)

if TYPE_CHECKING:
    import pandas as pd

EITHER_MISSING, ANY_MISSING = "either_value_is_missing", "any_value_is_missing"


def load() -> None:
    """Import Great Expectations, so that its cost can be told apart."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # before the import: it is read there
    import great_expectations
    import great_expectations.expectations  # noqa: F401


def findings_of(frame: "pd.DataFrame", checks: Sequence[PlainCheck]) -> set[tuple[int, int]]:
    """Check index and row label of every broken check, by one suite with COMPLETE results.

    `frame` holds texts, typed values (dates as datetimes) and the reckoned columns of `reckoned_terms`.

    Raises:
        RuntimeError: an expectation raised: what it would have found is not known.
    """
    load()
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    suite = gx.ExpectationSuite(
        name="plain",
        expectations=[
            expectation for each in checks for clause in each.clauses for expectation in _expectations(each, clause)
        ],
    )
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    found: set[tuple[int, int]] = set()
    for result in batch.validate(suite, result_format={"result_format": "COMPLETE"}).results:
        if "unexpected_count" not in result.result:
            raise RuntimeError(f"{result.expectation_config}: {result.exception_info}")
        index = result.expectation_config.meta["check"]
        found.update((index, int(row)) for row in result.result.get("unexpected_index_list") or ())
    return found


def reckoned_terms(checks: Sequence[PlainCheck]) -> dict[str, Term]:
    """The arithmetic that stock expectations cannot do, by the name of the column that must hold it."""
    terms = (
        operand
        for each in checks
        for clause in each.clauses
        for atom in (*clause.conditions, clause.atom)
        if isinstance(atom, Compared)
        for operand in (atom.left, atom.right)
        if isinstance(operand, Term)
    )
    return {_name(term): term for term in terms}


def _name(operand: Operand) -> str:
    """A column's name, a reckoned one's being made from its term."""
    if isinstance(operand, Column):
        return operand.name
    if isinstance(operand, Constant):
        return str(operand.value).replace("-", "_").replace(".", "_")
    words = {"+": "plus", "-": "minus", "*": "times"}
    return "_".join([words.get(operand.operation, operand.operation), *map(_name, operand.arguments)])


def _expectations(each: PlainCheck, clause: Clause) -> list[Any]:
    import great_expectations.expectations as gxe

    common: dict[str, Any] = {"meta": {"check": each.check.index}}
    if clause.conditions:
        common |= {"row_condition": " and ".join(map(_query, clause.conditions)), "condition_parser": "pandas"}
    atom = clause.atom
    if isinstance(atom, OneOf):
        made = [gxe.ExpectColumnValuesToBeInSet(column=atom.column, value_set=_known(atom, True, None), **common)]
        if None in atom.values(False):
            made.append(gxe.ExpectColumnValuesToNotBeNull(column=atom.column, **common))
        return made
    if isinstance(atom, Listed):
        return [gxe.ExpectColumnValuesToBeInSet(column=atom.column, value_set=list(atom.values), **common)]
    if isinstance(atom, Filled):
        wanted = gxe.ExpectColumnValuesToNotBeNull if atom.wanted else gxe.ExpectColumnValuesToBeNull
        return [wanted(column=atom.column, **common)]
    if isinstance(atom, Matches):
        wanted = gxe.ExpectColumnValuesToMatchRegex if atom.wanted else gxe.ExpectColumnValuesToNotMatchRegex
        return [wanted(column=atom.column, regex=f"^(?:{atom.pattern})$", **common)]
    if isinstance(atom, Unique):
        columns = list(atom.columns)
        return [gxe.ExpectCompoundColumnsToBeUnique(column_list=columns, ignore_row_if=ANY_MISSING, **common)]
    assert isinstance(atom, Compared)
    return [_comparison(atom, common)]


def _comparison(atom: Compared, common: dict[str, Any]) -> Any:
    import great_expectations.expectations as gxe
    import pandas as pd

    left, operator, right = atom.left, atom.operator, atom.right
    if isinstance(right, Constant):
        value = pd.Timestamp(right.value) if isinstance(right.value, str) else right.value
        low, high = operator[0] == ">", operator[0] == "<"
        return gxe.ExpectColumnValuesToBeBetween(
            column=_name(left),
            min_value=value if low or operator == "=" else None,
            max_value=value if high or operator == "=" else None,
            strict_min=operator == ">",
            strict_max=operator == "<",
            **common,
        )
    if operator == "<>":
        return gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(
            column_list=[_name(left), _name(right)], ignore_row_if=ANY_MISSING, **common
        )
    if operator == "=":
        return gxe.ExpectColumnPairValuesToBeEqual(
            column_A=_name(left), column_B=_name(right), ignore_row_if=EITHER_MISSING, **common
        )
    greater, smaller = (left, right) if operator[0] == ">" else (right, left)
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=_name(greater),
        column_B=_name(smaller),
        or_equal=operator.endswith("="),
        ignore_row_if=EITHER_MISSING,
        **common,
    )


def _query(atom: Atom) -> str:
    """A condition as `DataFrame.query` reads it; a null is what differs from itself."""
    if isinstance(atom, OneOf):
        listed = f"{atom.column} in {_known(atom, True)!r}"
        return f"({listed} or {atom.column} != {atom.column})" if None in atom.values(True) else f"({listed})"
    if isinstance(atom, Filled):
        return f"({atom.column} {'==' if atom.wanted else '!='} {atom.column})"
    assert isinstance(atom, Compared), atom
    operator = {"=": "==", "<>": "!="}.get(atom.operator, atom.operator)
    right = repr(atom.right.value) if isinstance(atom.right, Constant) else _name(atom.right)
    return f"({_name(atom.left)} {operator} {right})"


def _known(atom: OneOf, *wanted: bool | None) -> list[Value]:
    return [value for value in atom.values(*wanted) if value is not None]
