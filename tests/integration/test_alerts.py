"""What the operator is told of at once: by file and by mail, once, also when the mail server is away; never data."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from mail_catcher import DUTY, mail_server

from dags.callbacks import run_is_late, task_failed
from ingest import alerts
from ingest.alerts import alert, send_waiting
from ingest.errors import StorageError
from ingest.paths import Home

SECRET = "张三 110101199001011237"


def context_of(error: BaseException | None, map_index: int = -1) -> dict[str, Any]:
    task = SimpleNamespace(
        dag_id="build_warehouse", task_id="build", run_id="manual__2026", map_index=map_index, log_url="http://x/log"
    )
    return {"task_instance": task, "exception": error}


def test_a_failed_task_is_told_once_by_file_and_mail_in_both_languages(
    npl_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(monkeypatch) as box:
        for _ in range(2):
            task_failed(context_of(StorageError("磁盘已满。", "Disk full.")))
    (told,) = npl_home.alerts.glob("*.txt")
    text = told.read_text(encoding="utf-8")
    assert text.startswith("任务失败：build_warehouse build · a task failed\n")
    for part in ("磁盘已满。\nDisk full.", "manual__2026", "http://x/log"):
        assert part in text
    assert box.recipients == [[DUTY]]
    (message,) = box.messages
    assert "build_warehouse" in told.name
    assert message["Message-ID"].strip() == f"<{told.stem}@npl-transaction-warehouse>"
    assert list(npl_home.alerts_waiting.glob("*")) == []
    assert not npl_home.registry_file.exists(), "the registry may be what is down"


def test_of_an_error_that_is_not_ours_only_its_kind_leaves_the_platform(npl_home: Home) -> None:
    task_failed(context_of(ValueError(f"cannot cast {SECRET}"), map_index=3))
    (told,) = npl_home.alerts.glob("*.txt")
    text = told.read_text(encoding="utf-8")
    assert "ValueError" in text
    assert SECRET not in text
    assert "build[3]" in text


def test_a_late_run_is_told_with_its_deadline(npl_home: Home) -> None:
    run_is_late(
        {
            "dag_run": {"dag_id": "ingest_filings", "dag_run_id": "scheduled__1"},
            "deadline": {"deadline_time": "2026-11-28T01:00:00Z"},
        }
    )
    (told,) = npl_home.alerts.glob("late-ingest_filings-*.txt")
    assert "2026-11-28T01:00:00Z" in told.read_text(encoding="utf-8")


def test_a_mail_server_that_is_away_loses_no_alert(
    npl_home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(monkeypatch) as box:
        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
            patch.setattr(alerts, "mail_server", lambda: (_ for _ in ()).throw(ConnectionRefusedError("away")))
            waiting = alert("one", "出事", "trouble", {})
            with pytest.raises(StorageError, match="away"):
                send_waiting()
        assert waiting.parent == npl_home.alerts_waiting
        assert "出事 / trouble" in caplog.text
        assert (send_waiting(), send_waiting(), len(box.received)) == (1, 0, 1)
    assert [path.name for path in npl_home.alerts.glob("*.txt")] == ["one.txt"]


def test_setting_up_mail_later_floods_nobody(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    alert("early", "出事", "trouble", {})
    with mail_server(monkeypatch) as box:
        assert send_waiting() == 0
        alert("later", "又出事", "more trouble", {})
    assert len(box.received) == 1
    assert sorted(path.stem for path in npl_home.alerts.glob("*.txt")) == ["early", "later"]
