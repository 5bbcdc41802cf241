"""For tests: a home with a release of one small table, made in a second, without dbt."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from ingest import release
from ingest.config import settings
from ingest.paths import Home


@contextmanager
def small_release(root: Path, **setting: str) -> Iterator[Home]:
    """The home of this process while it lasts, with these settings; it holds a release of `market.figures` (3 rows)."""
    home = Home(root / "home")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"home": str(home.root), **setting}.items():
            patch.setenv(f"NPL_{name.upper()}", value)
        settings.cache_clear()
        home.warehouse.parent.mkdir(parents=True)
        with duckdb.connect(str(home.warehouse)) as con:
            con.execute("create schema market")
            con.execute("create table market.figures as select range as figure from range(3)")
        release.publish()
        yield home
    settings.cache_clear()
