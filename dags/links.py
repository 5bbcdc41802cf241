"""The link on a task's page to what the task made: a release's changes, the pages of filings, a replay's report."""

from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperatorLink

PAGE = "page"
"""The XCom under which a task leaves the path of its page."""


class ResultLink(BaseOperatorLink):
    """Leads to the page whose path the task left; Airflow asks once, when the task has ended."""

    name = "结果 Result"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's address; empty where the task left none."""
        from ingest.paths import page_address

        page = ti_key.xcom_pull(task_ids=ti_key.task_id, key=PAGE)
        return page_address(Path(page)) if page else ""


def linked(task: Any) -> Any:
    """The same task, with the link on its page."""
    task.operator.operator_extra_links = (ResultLink(),)
    return task
