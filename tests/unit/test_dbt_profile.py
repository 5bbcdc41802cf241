"""The sessions that dbt builds in, as the project's profile makes them."""

import os
from pathlib import Path

import pytest
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments import create
from dbt.config.profile import Profile
from dbt.config.renderer import ProfileRenderer
from dbt_common.context import set_invocation_context

from ingest.dbt import DBT_PROJECT

ROWS = 4_000_000  # of 32 letters: more than 100 MB


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """dbt's connection to a database, with the profile that the platform builds with and 100 MB of memory."""
    monkeypatch.setenv("NPL_HOME", str(tmp_path))
    monkeypatch.setenv("NPL_WAREHOUSE", str(tmp_path / "npl.duckdb"))
    monkeypatch.setenv("NPL_WAREHOUSE_MEMORY_LIMIT", "100MB")
    set_invocation_context(os.environ)
    (tmp_path / "work" / "dbt").mkdir(parents=True)
    raw = yaml.safe_load((DBT_PROJECT / "profiles.yml").read_text(encoding="utf-8"))
    _, profile = Profile.render_profile(raw["npl_warehouse"], "npl_warehouse", None, ProfileRenderer({}))
    made = create(DuckDBCredentials.from_dict(profile))
    yield made
    made.close()


def test_models_are_built_on_after_one_that_did_not_fit_into_memory(environment):
    """DuckDB refuses to be told its temporary folder again once something lay in it: each later model would fail."""
    cursor = environment.handle().cursor()
    cursor.execute(f"create temp table large as select md5(range::varchar) as loan_key from range({ROWS})")
    cursor.execute("select count(*) from duckdb_temporary_files()")
    assert cursor.fetchone() > (0,), "it fitted: the test shows nothing"
    after = environment.handle().cursor()
    after.execute("select current_setting('memory_limit'), current_setting('temp_directory')")
    limit, folder = after.fetchone()
    assert (limit, Path(folder).name) == ("95.3 MiB", "spill")
