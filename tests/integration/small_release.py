"""For tests: homes to publish from. One with a single small table, made in a second; one around the built warehouse."""

import shutil
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


@contextmanager
def built_home(root: Path, built: Path) -> Iterator[Home]:
    """The home of this process while it lasts; it holds a copy of the warehouse that all tests share."""
    home = Home(root / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(home.root))
        settings.cache_clear()
        home.warehouse.parent.mkdir(parents=True)
        shutil.copyfile(built / "npl.duckdb", home.warehouse)
        shutil.copyfile(built / "target" / "manifest.json", home.warehouse_manifest)
        yield home
    settings.cache_clear()
