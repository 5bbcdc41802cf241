"""
### 报送日历 · The filing calendar

每天 8 时（北京时间）提醒各机构：即将到期、已过期和未报的报送。提醒写入 `outbox/<机构>/calendar/`；
配置了 `NPL_SMTP_HOST` 并在 `NPL_HOME/register/mailboxes.csv` 登记了邮箱的，同时发邮件；
未报的另抄送 `NPL_MAIL_ESCALATION`。

Every day at 8 by Beijing time: tells each institution what of its filings is due soon, late or missing. Notices go to
`outbox/<institution>/calendar/`, and by mail where `NPL_SMTP_HOST` is set and `NPL_HOME/register/mailboxes.csv` names
the mailbox; what is missing goes to `NPL_MAIL_ESCALATION` as well.

- **`remind`** plans the notices of the day, writes and sends them, and returns how many there were of each stage.
  Each stage of each table and period is told once, whatever is run again.
  *If it fails*: mostly the mail server. The log says which; notices in the outbox are there already. Repair, clear the
  task: it sends what is left, and nothing twice. (Killed while mailing, it may send one mail again, under the same
  Message-ID.)
- **`resend_alerts`** mails what the operator should have been told of while the mail server was away
  (`alerts/waiting/`). *If it fails*: the mail server is still away, or refuses. Repair, clear the task.

参数 `day`：按这一天计算，默认为运行日。应报事项见 `npl calendar`；
参加机构、应报表和工作日在 `NPL_HOME/register/` 更正。

Parameter `day`: as of this day instead of the run's. Who owes what until when: `npl calendar`. Who takes part, what is
owed and which days are worked is corrected in `NPL_HOME/register/` (docs/calendar.md).
"""

from typing import Any

from airflow.sdk import Param, dag, task

from dags.defaults import START, TASK_DEFAULTS, TIMEZONE
from dags.lateness import deadline_of


@dag(
    schedule="0 8 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=deadline_of("filing_calendar"),
    doc_md=__doc__,
    tags=["npl", "calendar"],
    params={
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="日期 · Day",
            description="按这一天（北京时间）提醒，默认运行日 · remind as of this day in China, default the run's",
        )
    },
)
def filing_calendar() -> None:
    @task
    def remind(params: dict[str, Any], dag_run: Any = None) -> dict[str, int]:
        import datetime
        from zoneinfo import ZoneInfo

        from ingest.reminders import remind as send

        named = params["day"]
        return send(
            datetime.date.fromisoformat(named) if named else dag_run.run_after.astimezone(ZoneInfo(TIMEZONE)).date()
        )

    @task
    def resend_alerts() -> int:
        from ingest.alerts import send_waiting

        return send_waiting()

    remind()  # type: ignore[call-arg, misc]  # Airflow hands over the run's context
    resend_alerts()


filing_calendar()
