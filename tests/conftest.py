"""A platform home of its own for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.config import settings
from ingest.paths import Home


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: a worker that gets such a file last would keep everybody waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def npl_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty home that `ingest.paths.home()` returns while the test runs."""
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield Home(tmp_path / "home")
    settings.cache_clear()
