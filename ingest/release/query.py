"""SQL over a release. It can only read that release: no writing, no other file, no extension, and not without end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ingest.config import settings
from ingest.errors import UsageError
from ingest.paths import scratch
from ingest.release.folder import DATABASE, find_release
from ingest.tabular import rows_of

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 10_000
# PIVOT is several statements in one; EXPLAIN runs nothing that may not be run alone.
ALLOWED = ("SELECT", "EXPLAIN", "MULTI")


def query(sql: str, release_id: str | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a SELECT over a release; for few rows, `open_query` for many.

    Raises:
        UsageError: the SQL cannot be run.
    """
    with open_query(sql, release_id) as result:
        return result.names, list(rows_of(result))


class Result:
    """What a query returns, batch by batch as it is worked out: a big one never lies in memory whole."""

    def __init__(self, reader: "pa.RecordBatchReader", limit: "_Limit") -> None:
        self.schema: pa.Schema = reader.schema
        self.names: list[str] = list(reader.schema.names)
        self._reader = reader
        self._limit = limit

    def __iter__(self) -> Iterator["pa.RecordBatch"]:
        while True:
            with self._limit.told():
                batch = next(self._reader, None)
            if batch is None:
                return
            yield batch


@contextmanager
def open_query(sql: str, release_id: str | None, seconds: float | None = None) -> Iterator[Result]:
    """Run one SELECT over a release; memory and threads as the platform's settings allow, time too unless named.

    Raises:
        UsageError: the SQL cannot be run, is no single SELECT, or took too long.
    """
    database = find_release(release_id) / DATABASE
    allowed = seconds or settings().sql_seconds
    with scratch() as spilled, _connected(database, spilled) as con, _Limit(con, allowed) as limit:
        with limit.told():
            _refuse_all_but_one_select(con, sql)
            reader = con.sql(sql).to_arrow_reader(BATCH_ROWS)
        yield Result(reader, limit)


@contextmanager
def _connected(database: Path, spilled: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, Any] = {
        "enable_external_access": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
        "lock_configuration": True,
        "memory_limit": settings().memory_limit,
        "threads": settings().threads,
        # beside the database by default: but nothing is ever written into a release
        "temp_directory": str(spilled),
    }
    with duckdb.connect(str(database), read_only=True, config=config) as con:
        yield con


def _refuse_all_but_one_select(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = con.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if len(kinds) != 1 or kinds[0] not in ALLOWED:
        told = "; ".join(kinds) or "-"
        raise UsageError(
            f"SQL 无法执行：只能是一条 SELECT（或 WITH、DESCRIBE、SUMMARIZE、PIVOT、EXPLAIN），而不是：{told}。",
            "The SQL cannot be run: it must be one SELECT (or WITH, DESCRIBE, SUMMARIZE, PIVOT, EXPLAIN), "
            f"and this is: {told}.",
        )


class _Limit:
    """Interrupts the connection when the time is up, and tells whoever asked what happened."""

    def __init__(self, con: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._con = con
        self._seconds = seconds
        self._is_over = False
        self._timer = threading.Timer(seconds, self._stop)
        self._timer.daemon = True

    def _stop(self) -> None:
        self._is_over = True
        self._con.interrupt()

    def __enter__(self) -> "_Limit":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @contextmanager
    def told(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, OSError) as error:  # Arrow hands on what DuckDB says as an OSError
            raise self._error(error) from error

    def _error(self, error: Exception) -> UsageError:
        if self._is_over:
            return UsageError(
                f"查询超过 {self._seconds:g} 秒，已停止；可用 --timeout 放宽。",
                f"The query took more than {self._seconds:g} seconds and was stopped; --timeout allows more.",
            )
        return UsageError(f"SQL 无法执行：{error}", f"The SQL cannot be run: {error}")
