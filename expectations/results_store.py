"""Great Expectations' store of validation results, for a worker that stores the same result of a rule again and again.

Importing this module imports Great Expectations: do it inside functions only.
"""

from copy import copy
from typing import Any

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.data_context import store

MOST_KEPT = 20_000
OPENED, CLOSED = '\n  "results": [', '\n  ],\n  "statistics"'


class ValidationResultsStore(store.ValidationResultsStore):
    """Writes what Great Expectations writes, to the byte, but makes the text of one expectation's result only once.

    Of a hundred expectations nearly all find nothing, filing for filing; to write that takes Great Expectations several
    copies of each, and longer than the judging itself. The frame of a text and each result in it are its own words.
    Its name is that of the class that it stands for: a context without one of that name makes itself another.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kept: dict[tuple[object, ...], str] = {}

    def serialize(self, value: ExpectationSuiteValidationResult) -> str:
        """The JSON of a suite's results."""
        if not value.results:
            return self._text(value, [])
        first, *others = value.results
        before, text, after = _parted(self._text(value, [first]))
        return before + ",".join([text, *(self._text_of(value, each) for each in others)]) + after

    def _text_of(self, value: ExpectationSuiteValidationResult, result: ExpectationValidationResult) -> str:
        config = result.expectation_config
        if config is None or result.exception_info.get("raised_exception") is not False:
            return _parted(self._text(value, [result]))[1]  # what it tells is of this filing
        key = (config.id, repr(config.kwargs), result.success, repr(result.result))
        if key not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = _parted(self._text(value, [result]))[1]
        return self._kept[key]

    def _text(self, value: ExpectationSuiteValidationResult, results: list[ExpectationValidationResult]) -> str:
        told = copy(value)
        told.results = results
        return str(super().serialize(told))


def _parted(text: str) -> tuple[str, str, str]:
    """What stands before the one result of a text, the result, and what stands after it."""
    begin = text.index(OPENED) + len(OPENED)
    end = text.rindex(CLOSED)
    return text[:begin], text[begin:end], text[end:]
