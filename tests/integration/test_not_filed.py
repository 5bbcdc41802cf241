"""A release says whose filings are not in, as of its last decision, in its manifest and on its page."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from filings import decide_one, judge_by, put, sale_notice, small_standard
from small_release import small_release
from typer.testing import CliRunner

from ingest import registry, release
from ingest.cli import app

FILER, AS_OF = "SLXJ01", datetime.datetime(2026, 5, 26, 4)
"""An invented seller that takes part since April 2026, and a moment after April's grace day."""


def owing(folder: Path, institution: str, period: str) -> list[list[str]]:
    manifest = json.loads((folder / release.MANIFEST).read_bytes())
    wanted = (institution, period)
    return [each["tables"] for each in manifest["not_filed"] if (each["institution"], each["period"]) == wanted]


def test_who_is_not_in_when_a_release_is_made_stands_in_it_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_release(tmp_path, settle_seconds="0"):
        monkeypatch.setattr(registry, "utc_now", lambda: AS_OF)
        judge_by(monkeypatch, small_standard(["package_notice"], "NPL-PKG-040"))
        put("april", [sale_notice()], period="2026-04")
        assert decide_one()[1] == "accepted"
        folder = release.find_release(release.publish())
        (tables,) = owing(folder, FILER, "2026-04")
        assert "package_notice" not in tables
        assert "loan" in tables
        assert owing(folder, FILER, "2026-05") == [], "a period that goes on is not owed yet"
        page = (folder / release.CHANGES_PAGE).read_text(encoding="utf-8")
        assert "## 应报未报 Owed and not filed" in page
        assert f"- {FILER} 2026-04: {', '.join(tables)}（截止 due 2026-05-18） 虚构机构 invented" in page
        # time alone changes no release, and adds no other
        monkeypatch.setattr(registry, "utc_now", lambda: AS_OF + datetime.timedelta(days=90))
        assert release.find_release(release.publish()) == folder
        assert release.verify(folder.name) == []


def test_the_command_tells_who_a_release_waits_for(npl_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    npl_home.register.mkdir(parents=True)
    joined = "institution_id,valid_from,valid_to,source\nICBC,2026-10-01,,one that is not invented\n"
    (npl_home.register / "participation.csv").write_text(joined, encoding="utf-8")
    runner = CliRunner()
    monkeypatch.setattr(registry, "utc_now", lambda: datetime.datetime(2026, 11, 5))
    waits = runner.invoke(app, ["release", "readiness", "--period", "2026-10"])
    assert waits.exit_code == 1, waits.output
    assert "2026-10\t等待 waiting\t0/7\t至 until 2026-11-20 16:00Z\tICBC" in waits.stdout
    monkeypatch.setattr(registry, "utc_now", lambda: datetime.datetime(2026, 11, 21))
    over = runner.invoke(app, ["release", "readiness", "--format", "json"])
    assert over.exit_code == 0, over.output
    assert [each["decision"] for each in json.loads(over.stdout) if each["period"] == "2026-10"] == ["cut_off"]
