"""Logs: every line that is written while a filing is at work names it, and none holds personal data.

The platform logs through `logging`, as the libraries do that it uses. Under a scheduler Airflow renders the lines, in a
process of our own `configure` does; both put structlog's context variables into each line. What filers wrote can stand
in the message of any library (a database that cannot cast a cell quotes it): so records are masked when they are made,
before any handler sees them.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from expectations.findings import mask
from expectations.spec import load_standard
from ingest.config import settings

OURS = ("ingest", "expectations", "dags")


@contextmanager
def about(filing_id: str | None) -> Iterator[None]:
    """Name the filing (if there is one) in every line that is logged in this block, whoever logs it."""
    mask_records()
    if filing_id is None:
        yield
        return
    import structlog  # here: `npl check` names no filing

    with structlog.contextvars.bound_contextvars(filing_id=filing_id):
        yield


def mask_records() -> None:
    """From now on in this process: no record of ours, and none made while a filing is at work, holds personal data."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _Masking):
        logging.setLogRecordFactory(_Masking(made))


class _Masking:
    """Makes log records whose text, traceback included, went through the standard's patterns of personal data."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._made(*args, **kwargs)
        if not record.name:
            return record  # a handler's copy, to be filled with a record that came through here
        if record.name.split(".")[0] in OURS or _is_about_a_filing():
            text = record.getMessage()
            if record.exc_info and record.exc_info[0] is not None:
                # rendered here: a handler would quote the error as it is
                text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
                record.exc_info = None
            record.msg, record.args = mask(load_standard(), text), ()
        return record


def _is_about_a_filing() -> bool:
    structlog = sys.modules.get("structlog")  # dear to import, and where nobody has, nothing is bound
    return structlog is not None and "filing_id" in structlog.contextvars.get_contextvars()


def configure() -> None:
    """Log of a process of our own to standard error: one line a record, as text or (`NPL_LOG_FORMAT=json`) as JSON."""
    import structlog

    mask_records()
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings().log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
