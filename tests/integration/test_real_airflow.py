"""The same DAG files under Airflow's own scheduler, DAG processor and API server."""

from pathlib import Path

import pytest
from embedded_airflow import prepare_inbox, real_airflow, wait_until

from ingest.paths import Home

DAG_IDS = ["build_warehouse", "filing_calendar", "ingest_filings", "publish_release"]


@pytest.mark.slow
def test_a_real_airflow_on_an_empty_home_goes_from_inbox_to_release_by_itself(tmp_path: Path) -> None:
    filings = prepare_inbox(tmp_path)
    with real_airflow(tmp_path) as api:
        wait_until("the DAGs are known", lambda: api.dag_ids() == DAG_IDS, 60, tmp_path)
        assert api.call("GET", "/api/v2/importErrors")["total_entries"] == 0
        pools = {pool["name"]: pool["slots"] for pool in api.call("GET", "/api/v2/pools")["pools"]}
        assert pools["warehouse"] == 1
        for dag_id in DAG_IDS:
            api.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        run_id = api.call("POST", "/api/v2/dags/ingest_filings/dagRuns", {"logical_date": None})["dag_run_id"]

        def is_published() -> bool:
            runs = [run for dag_id in DAG_IDS for run in api.runs(dag_id)]
            assert not [run for run in runs if run["state"] == "failed"]
            return any(run["dag_id"] == "publish_release" and run["state"] == "success" for run in runs)

        wait_until("a release is published", is_published, 150, tmp_path)
        assert {run["run_type"] for run in api.runs("publish_release")} == {"asset_triggered"}
        # The schedule may have been faster than our trigger: then it was its run that decided.
        instances = [
            instance
            for run in api.runs("ingest_filings")
            for instance in api.call(
                "GET", f"/api/v2/dags/ingest_filings/dagRuns/{run['dag_run_id']}/taskInstances?task_id=decide"
            )["task_instances"]
            if instance["state"] == "success"
        ]
        assert run_id in {run["dag_run_id"] for run in api.runs("ingest_filings")}
        assert len(instances) == filings
        assert all(instance["rendered_map_index"] for instance in instances)
    assert [path.name for path in Home(tmp_path).releases.iterdir() if path.is_dir() and not path.name.startswith(".")]
