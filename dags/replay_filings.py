"""
### 按现行规则重判历史 · Replay filings under the rules of today

规则改了之后，已生效的报送仍按当时的规则有效。本 DAG 看现行规则会怎样裁定它们，并在有人批准之后重新裁定。

After a change of rules, filings in force stay as they were decided. This DAG tells what the rules of today would make
of them and, once somebody has approved it, decides them anew. What was decided stays on record; it ends when the new
decision comes into force. Published releases never change (docs/adr/0033).

每月 1 日中午 12 时（北京时间）自动试重判上月的报送，只出报告。
手动触发：参数 `mode` 选 `dry`（只出报告）或 `real`（拟定、批准、执行）。

At noon on the first of each month (Beijing time) it looks at the filings of the month before and writes a report. By
hand: `mode` is `dry` (a report) or `real` (plan, approve, carry out); `period` empty takes the run's month, or all when
it was triggered without a date. By period, over a range, from the page (*Backfill*) or the command line:

    airflow backfill create --dag-id replay_filings --from-date 2026-01-01 --to-date 2026-10-31 --max-active-runs 1 \\
        --dag-run-conf '{"mode": "real"}'

- **`look`** writes a report or a plan into `replays/`; the link *Result* leads to it. In `real` it rehearses the plan
  in a copy of the home, to tell which published figures would change. *If it fails*: nothing was changed. Its log
  names the rehearsal's (`logs/replay_rehearsal.log`). Repair, clear the task.
- **`changes`** is skipped, and all that follows, when there is nothing to approve: a dry run, or no decision differs.
- **`approve`** waits for a person: *Required Actions* on the page of the run shows what would change. Give a reason.
  *Reject*, or three days without an answer: nothing is changed, and the run ends well. *Asked a second time*: an answer
  in the very second of the question may get lost (Airflow 3.3.2); nothing was carried out, answer again.
- **`carry_out`** decides the filings of the plan anew, one after the other, and starts `build_warehouse`. It counts
  those done, those `overtaken` by a correction since, and those that would come out `otherwise` than was approved; both
  are left as they are: trigger the DAG again. *If it fails*: those done are done. Read the log, repair, clear the task:
  it goes on where it stopped.

命令行同样可用：`npl replay dry|plan|apply|list|show`。Without Airflow: the same by `npl replay`.
"""

import datetime
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import CronDataIntervalTimetable, Param, dag, task

from dags.assets import ACCEPTED
from dags.defaults import START, TASK_DEFAULTS, TIMEZONE, WAREHOUSE_POOL
from dags.lateness import deadline_of
from dags.links import PAGE, linked

DRY, REAL = "dry", "real"


@dag(
    # noon: the first of a month by Beijing time and by UTC, in which `airflow backfill` reads its dates
    schedule=CronDataIntervalTimetable("0 12 1 * *", timezone=TIMEZONE),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=deadline_of("replay_filings"),
    doc_md=__doc__,
    tags=["npl", "replay"],
    params={
        "mode": Param(
            DRY,
            type="string",
            enum=[DRY, REAL],
            title="方式 · Mode",
            description="dry 只出报告；real 拟定、经批准后执行 · a report only; or a plan, carried out once approved",
        ),
        "period": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}(-(0[1-9]|1[0-2])|Q[1-4])$",
            title="报送期 · Period",
            description="2026-10 或 2026Q4；空为该次运行的月份 · 2026-10 or 2026Q4; empty: the month of the run",
        ),
        "proposal": Param(
            None,
            type=["null", "string"],
            title="拟改的规则 · Proposal",
            description="仅 dry：规则编号、文件或标准目录 · for dry: a rule's id, its file, or a standard's directory",
        ),
    },
)
def replay_filings() -> None:
    # in the writer's pool: a rehearsal builds a warehouse, and this machine carries one build at a time
    @task(pool=WAREHOUSE_POOL)
    def look(params: dict[str, Any], dag_run: Any = None, task_instance: Any = None) -> dict[str, Any]:
        from zoneinfo import ZoneInfo

        from ingest import replay

        period = params["period"]
        if period is None and dag_run.data_interval_start is not None:
            period = f"{dag_run.data_interval_start.astimezone(ZoneInfo(TIMEZONE)):%Y-%m}"
        told = replay.brief(period) if params["mode"] == REAL else replay.audit(period, params["proposal"])
        task_instance.xcom_push(PAGE, told["page"])
        return told

    @task.short_circuit
    def changes(found: dict[str, Any]) -> bool:
        return found.get("replay") is not None

    @task(outlets=[ACCEPTED])
    def carry_out(found: dict[str, Any], answer: dict[str, Any], outlet_events: Any = None) -> dict[str, Any]:
        from ingest import replay

        approver = answer["responded_by_user"]
        done = replay.apply(
            found["replay"], str(approver["id"]) if approver else "", str(answer["params_input"].get("reason", ""))
        ).to_dict()
        outlet_events[ACCEPTED].extra = {"replay": found["replay"], "applied": len(done["applied"])}
        return done

    found = linked(look())  # type: ignore[call-arg, misc]  # Airflow hands over the run's context
    approve = ApprovalOperator(
        task_id="approve",
        subject="重判待批准 A replay waits for approval: {{ ti.xcom_pull('look')['replay'] }}",
        body="{{ ti.xcom_pull('look')['summary'] }}",
        defaults=ApprovalOperator.REJECT,
        response_timeout=datetime.timedelta(days=3),
        params={"reason": Param("", type="string", title="理由 · Reason", description="为什么批准 · why it is right")},
    )
    changes(found) >> approve
    carry_out(found, approve.output)  # type: ignore[arg-type]


replay_filings()
