"""OpenLineage: which data sets a piece of work read and wrote, as events of runs that start, complete or fail.

On when the client is configured by its own variables (`OPENLINEAGE_URL`, `OPENLINEAGE_CONFIG` or
`OPENLINEAGE__TRANSPORT__*`), the same that Airflow's provider reads, whose task is then the parent of our run. Data
sets are `landing`, `accepted/<table>`, `held/<table>`, `warehouse` and `releases` of the namespace `npl://<origin of
the log>`; the models between them are told by dbt's own artifacts. Events name filings, never files or values.
"""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from ingest.config import settings

log = logging.getLogger(__name__)

PRODUCER = "npl-warehouse"
PARENT = "OPENLINEAGE_PARENT_ID"
"""`<namespace>/<job>/<run id>` of the run that this process works for, as OpenLineage's own tools hand it on."""


@dataclass(frozen=True)
class Dataset:
    """A data set by its name; `rows` are those that this run wrote, `version` is what readers cite."""

    name: str
    rows: int | None = None
    version: str | None = None


@dataclass
class _Run:
    run_id: str
    job: str
    filing_id: str | None
    inputs: list[Dataset] = field(default_factory=list)
    outputs: list[Dataset] = field(default_factory=list)


_run: ContextVar[_Run | None] = ContextVar("run", default=None)


def is_on() -> bool:
    """Whether somebody wants the events."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").lower() in ("true", "1"):
        return False
    named = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
    return any(
        value and (name in named or name.startswith("OPENLINEAGE__TRANSPORT")) for name, value in os.environ.items()
    )


@contextmanager
def run_of(job: str, filing_id: str | None) -> Iterator[None]:
    """A run of a job: it starts here, and completes or fails with the block."""
    if not is_on():
        yield
        return
    run = _Run(str(uuid.uuid4()), job, filing_id)
    outer = _run.set(run)
    _send(lambda: _event(run, "START"))
    outcome = "FAIL"
    try:
        yield
        outcome = "COMPLETE"
    finally:
        _run.reset(outer)
        _send(lambda: _event(run, outcome))


def reads(*datasets: str) -> None:
    """The present run has read these."""
    run = _run.get()
    if run is not None:
        run.inputs += map(Dataset, datasets)


def writes(*datasets: Dataset) -> None:
    """The present run has written these."""
    run = _run.get()
    if run is not None:
        run.outputs += datasets


def dbt_build(project: Path, target: Path) -> None:
    """The models of a `dbt build`, each with what it is made from, as runs under the present one."""
    run = _run.get()
    if run is not None:
        _send(lambda: _dbt_events(run, project, target))


def _send(events: Callable[[], Any]) -> None:
    try:
        for event in events():
            _client().emit(event)
    except Exception as error:  # whoever listens to lineage may be away: no work waits for them
        log.warning("lineage is not sent: %s", error)


@lru_cache(maxsize=1)
def _client() -> Any:
    from openlineage.client import OpenLineageClient

    return OpenLineageClient()


def _namespace() -> str:
    return f"npl://{settings().log_origin}"


def _event(run: _Run, kind: str) -> list[Any]:
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job, parent_run, tags_run

    facets: dict[str, Any] = {}
    namespace, _, rest = os.environ.get(PARENT, "").partition("/")
    job, _, run_id = rest.rpartition("/")
    if job:
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=run_id), job=parent_run.Job(namespace=namespace, name=job)
        )
    if run.filing_id:
        facets["tags"] = tags_run.TagsRunFacet(tags=[tags_run.TagsRunFacetFields("filing_id", run.filing_id, PRODUCER)])
    return [
        RunEvent(
            eventType=RunState[kind],
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(run.run_id, facets),
            job=Job(
                _namespace(),
                run.job,
                {"jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="NPL", jobType="STEP")},
            ),
            producer=PRODUCER,
            inputs=[_input(each) for each in run.inputs],
            outputs=[_output(each) for each in run.outputs],
        )
    ]


def _input(dataset: Dataset) -> Any:
    from openlineage.client.event_v2 import InputDataset

    return InputDataset(_namespace(), dataset.name)


def _output(dataset: Dataset) -> Any:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset, output_statistics_output_dataset

    facets: dict[str, Any] = {}
    statistics: dict[str, Any] = {}
    if dataset.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=dataset.version)
    if dataset.rows is not None:
        told = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=dataset.rows)
        statistics["outputStatistics"] = told
    return OutputDataset(_namespace(), dataset.name, facets=facets, outputFacets=statistics)


def _dbt_events(run: _Run, project: Path, target: Path) -> list[Any]:
    from openlineage.common.provider.dbt import DbtLocalArtifactProcessor, ParentRunMetadata

    class Artifacts(DbtLocalArtifactProcessor):
        def extract_dataset_namespace(self, profile: Any) -> None:
            # not the file that was built: it has another name each time
            self.dataset_namespace = _namespace()

    artifacts = Artifacts(
        producer=PRODUCER,
        job_namespace=_namespace(),
        project_dir=str(project),
        target_path=str(target),
        skip_errors=True,
    )
    artifacts.dbt_run_metadata = ParentRunMetadata(
        run_id=run.run_id,
        job_name=run.job,
        job_namespace=_namespace(),
        root_parent_run_id=run.run_id,
        root_parent_job_name=run.job,
        root_parent_job_namespace=_namespace(),
    )
    events: list[Any] = artifacts.parse().events()
    return events
