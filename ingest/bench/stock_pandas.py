"""The loan tape in stock Great Expectations: a pandas DataFrame of texts and typed values, COMPLETE results."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from expectations import stock_suite
from expectations.compile import spelled_codes
from expectations.plain_terms import PLACES, TEXT, WORDS_OF_TRUTH, Column, Constant, Operand, PlainCheck, arithmetic
from expectations.spec import FieldSpec, Standard
from ingest.synthetic_tape import LOAN

if TYPE_CHECKING:
    import pandas as pd


def load() -> None:
    """Import what the work needs, so that its cost can be told apart."""
    import pandas  # noqa: F401

    stock_suite.load()


def broken(file: str, standard: Standard, checks: Sequence[PlainCheck]) -> set[tuple[int, int]]:
    """Check index and place of each row that breaks a check."""
    frame = _frame(file, standard)
    reckoned = {name: _reckoned(term, frame) for name, term in stock_suite.reckoned_terms(checks).items()}
    return stock_suite.findings_of(frame.assign(**reckoned), checks)


def _frame(file: str, standard: Standard) -> "pd.DataFrame":
    import pandas as pd

    texts = pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""])
    spec = standard.tables[LOAN]
    texts = texts.rename(columns={field.zh: field.name for field in spec.fields})
    spellings = spelled_codes(standard)
    typed = {field.name: _typed(texts[field.name], field, spellings) for field in spec.fields}
    return pd.concat([texts.add_suffix(TEXT), pd.DataFrame(typed)], axis=1)


def _typed(text: "pd.Series[Any]", field: FieldSpec, spellings: dict[str, dict[str, str]]) -> "pd.Series[Any]":
    import pandas as pd

    if field.base_type == "boolean":
        return text.map(WORDS_OF_TRUTH).astype("boolean")
    if field.code_list:
        return text.map(spellings[field.code_list])
    if field.base_type == "date":
        return pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    return text if field.base_type == "text" else pd.to_numeric(text, errors="coerce")


def _reckoned(operand: Operand, frame: "pd.DataFrame") -> Any:
    if isinstance(operand, Column):
        return frame[operand.name]
    if isinstance(operand, Constant):
        return operand.value
    arguments = [_reckoned(each, frame) for each in operand.arguments]
    if operand.operation == "days":
        return (arguments[0] - arguments[1]).dt.days
    return arithmetic(operand.operation, arguments).round(PLACES)
