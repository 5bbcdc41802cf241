"""`npl status` and the operator's page: the same overview, in text, JSON and HTML."""

import datetime
import json
from collections.abc import Iterator
from html.parser import HTMLParser

import duckdb
import pytest
from filings import FILER, decide_one, judge_by, put, sale_notice, small_standard

from ingest import receive, registry, telemetry
from ingest.cli import app
from ingest.overview import brief, overview
from ingest.paths import Home
from ingest.report.operator import FILINGS_PAGE, PAGE, write_operator_page

OTHER = "SLYH02"
QUALITY = """
    create schema quality;
    create table quality.institution_scores (institution_id varchar, institution_name varchar, quarter varchar,
        score double, timeliness_ratio double, first_time_ratio double);
    insert into quality.institution_scores values
        ('OLD', 'old', '2026Q1', 1, 1, 1), ('B', 'second', '2026Q2', 80, null, 1),
        ('A', 'first', '2026Q2', 40.5, .5, 0), ('C', 'unscored', '2026Q3', null, null, null);
    create table quality.rule_results (rule_id varchar, severity varchar, violations bigint, decided_at timestamp);
"""


class Heard:
    """A sink that keeps gauges."""

    def __init__(self) -> None:
        self.gauges: dict[str, float] = {}

    def count(self, name: str, value: int) -> None: ...

    def gauge(self, name: str, value: float) -> None:
        self.gauges[name] = value

    def seconds(self, name: str, value: float) -> None: ...


@pytest.fixture
def busy(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime.datetime]:
    """Two hours later: one accepted, one rejected, one that waits, one that we broke on, one that still arrives."""
    judge_by(monkeypatch, small_standard(["package_notice"], "NPL-SCH-005"))
    put("march", [sale_notice()])
    decide_one()
    put("april", [sale_notice(remarks="13812345678")], period="2026-04", sequence=2)
    decide_one()
    put("5 may", [sale_notice()], period="2026-05", sequence=3)
    put("6 june", [sale_notice()], period="2026-06", sequence=4)
    waiting = receive.receive_waiting()
    broken = next(each for each in waiting if "2026-06" in each)
    registry.set_state(broken, "error", detail="<b>GX</b> fell over")
    registry.set_state(broken, "error", detail="<b>GX</b> fell over")
    (npl_home.inbox / OTHER).mkdir()
    (npl_home.inbox / OTHER / "13812345678.zip.part").write_bytes(b"half")
    later = registry.utc_now() + datetime.timedelta(hours=2)
    monkeypatch.setattr(registry, "utc_now", lambda: later)
    return later


def test_the_overview_tells_queue_ages_verdicts_steps_and_uploads(busy: datetime.datetime) -> None:
    found = overview(busy)
    assert [(each.state, each.tries, 7190 < each.age < 7300) for each in found.waiting] == [
        ("received", 0, True),
        ("error", 2, True),
    ]
    assert [(each.folder, each.name) for each in found.arriving] == [(OTHER, "***.zip.part")]
    # a filing that broke has no verdict, and is counted as what it is
    assert [(each.verdict, each.filings, each.filings_ever) for each in found.outcomes] == [
        ("accepted", 1, 1),
        ("rejected", 1, 1),
        ("error", 1, 1),
    ]
    assert all(each.median_age is not None and 0 <= each.median_age < 120 for each in found.outcomes)
    steps = {each.name: each for each in found.steps}
    assert steps["decide"].times == 2
    assert steps["decide"].longest_of.startswith(FILER)
    assert steps["decide / judge"].total < steps["decide"].total
    assert [each.total for each in found.steps] == sorted((each.total for each in found.steps), reverse=True)
    assert {each.work for each in found.ran} == {"receive", "decide"}
    assert (found.latest_release, found.releases) == (None, 0)


def test_what_was_decided_before_the_window_counts_as_ever_only(busy: datetime.datetime) -> None:
    found = overview(busy + datetime.timedelta(days=8))
    assert [(each.filings, each.filings_ever, each.median_age) for each in found.outcomes] == [(0, 1, None)] * 3
    assert found.steps == []


def test_who_is_late_is_told_with_tables_and_days(npl_home: Home) -> None:
    npl_home.register.mkdir(parents=True)
    (npl_home.register / "participation.csv").write_text(
        "institution_id,valid_from,valid_to,source\nSLXJ01,2026-03-01,,test\n", encoding="utf-8"
    )
    moment = datetime.datetime(2026, 6, 1)
    # the invented institutions of the register take part as well
    late = [each for each in overview(moment).late if each.institution_id == FILER]
    assert late
    assert [each.days_late for each in late] == sorted((each.days_late for each in late), reverse=True)
    longest = late[0]
    assert (longest.status, longest.period) == ("missing", "2026-03")
    assert longest.days_late == (datetime.date(2026, 6, 1) - longest.due_date).days
    assert "package_notice" in longest.tables


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.004, "0.004 s"),
        (1.234, "1.2 s"),
        (42.4, "42 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7300, "2 h"),
        (172_800, "2 d"),
    ],
)
def test_lengths_of_time_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert brief(seconds) == told


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        app(list(arguments))
    assert not ended.value.code
    return capsys.readouterr().out


def test_status_says_it_in_text_and_json(busy: datetime.datetime, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "status")
    assert "待裁定 waiting: 2，最久 oldest 2 h" in out
    assert "出错 failed 2 x: <b>GX</b> fell over" in out
    assert f"{OTHER}/***.zip.part" in out
    assert "13812345678" not in out
    assert "已接收 accepted\t1\t历来 ever 1" in out
    assert "最新 latest 无 none" in out
    told = json.loads(run(capsys, "status", "--format", "json"))
    assert [each["state"] for each in told["waiting"]] == ["received", "error"]
    assert told["at"] == f"{busy.isoformat(timespec='seconds')}Z"
    assert told["warehouse_is_current"] is False


def test_status_lists_every_filing_and_the_history_of_one(
    busy: datetime.datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line.split("\t") for line in run(capsys, "status", "--all").splitlines()]
    assert [state for _, state, _ in lines] == ["accepted", "rejected", "received", "error"]
    assert len(json.loads(run(capsys, "status", "--all", "--format", "json"))) == 4
    history = [line.split("\t")[1] for line in run(capsys, "status", lines[0][0]).splitlines()]
    assert history == ["received", "read", "checked", "accepted"]
    told = json.loads(run(capsys, "status", lines[0][0], "--format", "json"))
    assert [each["state"] for each in told] == history


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def test_the_page_says_what_to_do_first_and_loads_nothing(busy: datetime.datetime, npl_home: Home) -> None:
    heard = Heard()
    telemetry.send_to(heard)
    try:
        assert write_operator_page() == npl_home.data_docs / PAGE
    finally:
        telemetry.send_to(None)
    text = (npl_home.data_docs / PAGE).read_text(encoding="utf-8")
    page = Page(text)
    assert "需要处理" in page.text
    assert page.text.index("现在要做什么") < page.text.index("待裁定", page.text.index("现在要做什么"))
    assert "<b>GX</b> fell over" in page.text
    assert "13812345678" not in text
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.links
    for link in page.links:
        assert (npl_home.data_docs / link).exists(), link
    listed = Page((npl_home.data_docs / FILINGS_PAGE).read_text(encoding="utf-8"))
    assert PAGE in listed.links
    assert heard.gauges["npl.queue.filings"] == 2
    assert 7190 < heard.gauges["npl.queue.oldest_seconds"] < 7300


def test_an_empty_platform_has_a_page_too(npl_home: Home) -> None:
    npl_home.root.mkdir(mode=0o700)
    text = Page(write_operator_page().read_text(encoding="utf-8")).text
    assert "运行正常" in text
    assert "nothing waits" in text


def test_scores_and_rules_come_from_the_warehouse(npl_home: Home) -> None:
    now = registry.utc_now()
    npl_home.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(npl_home.warehouse)) as con:
        con.execute(QUALITY)
        for days, violations in ((1, 3), (2, 2), (30, 100)):
            con.execute(
                "insert into quality.rule_results values ('NPL-PKG-001', 'reject', ?, ?)",
                [violations, now - datetime.timedelta(days=days)],
            )
        con.execute("insert into quality.rule_results values ('NPL-PKG-002', 'warn', 0, ?)", [now])
    text = " ".join(Page(write_operator_page().read_text(encoding="utf-8")).text.split())
    assert "(2026Q2)" in text
    assert "first A 40.5 50% 0% second B 80.0 100%" in text
    assert "NPL-PKG-001 拒收 Reject 2 5" in text
    assert "NPL-PKG-002" not in text
