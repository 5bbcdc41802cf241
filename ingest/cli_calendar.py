"""`npl calendar`: what is owed, until when, and how it stands."""

import datetime
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.standing import Standing

STATUS_TEXT = {
    "early": "提前 early",
    "on_time": "按时 on time",
    "late_within_grace": "宽限内迟报 late within grace",
    "late": "迟报 late",
    "undecided": "已报待裁定 filed, not decided",
    "not_yet_open": "未开放 not yet open",
    "not_yet_due": "未到期 not yet due",
    "overdue": "已过期 overdue",
    "missing": "未报 missing",
}


class CalendarFormat(StrEnum):
    text = "text"
    json = "json"
    ics = "ics"


def calendar(
    institution: Annotated[str | None, typer.Argument(help="机构代码，默认所有 · institution, default all")] = None,
    period: Annotated[str | None, typer.Option(help="报送期 · period, 2026-10 or 2026Q4")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="以此日（北京时间）为准，默认今天 · as of the end of this day, default now")
    ] = None,
    format: Annotated[CalendarFormat, typer.Option()] = CalendarFormat.text,
) -> None:
    """报送日历：应报哪些表、何时到期、现状如何 · What is owed, until when, and how it stands."""
    from ingest import registry
    from ingest.calendar import local_day, owed, utc_start
    from ingest.manifest import period_bounds
    from ingest.register import institution as registered
    from ingest.standing import standings
    from ingest.working_days import ONE_DAY

    if institution is not None and registered(institution) is None:
        raise UsageError(f"机构登记册中没有 {institution}。", f"The register has no institution {institution}.")
    if period is not None:
        try:
            period_bounds(period)
        except ValueError as error:
            raise UsageError(
                f"{period} 不是报送期（2026-10 或 2026Q4）。", f"{period} is no period (2026-10 or 2026Q4)."
            ) from error
    if as_of is None:
        moment = registry.utc_now()
        day = local_day(moment)
    else:
        try:
            day = datetime.date.fromisoformat(as_of)
        except ValueError as error:
            raise UsageError(f"{as_of} 不是日期（2026-10-31）。", f"{as_of} is no date (2026-10-31).") from error
        moment = utc_start(day + ONE_DAY) - datetime.timedelta(microseconds=1)
    wanted = [each for each in owed(day, institution) if period in (None, each.period)]
    found = standings(wanted, moment)
    render = {CalendarFormat.text: as_text, CalendarFormat.json: as_json, CalendarFormat.ics: as_ics}[format]
    typer.echo(render(found), nl=False)


def as_text(found: "Sequence[Standing]") -> str:
    """A line a table owed, under its institution and period."""
    from expectations.spec import load_standard
    from ingest.register import institution as registered

    if not found:
        return (
            "没有应报的表；参加平台的机构见 participation.csv。\n"
            "Nothing is owed; who takes part stands in participation.csv.\n"
        )
    tables = load_standard().tables
    lines = []
    heading = None
    for standing in found:
        each = standing.obligation
        if heading != (each.institution_id, each.period):
            heading = (each.institution_id, each.period)
            known = registered(each.institution_id)
            lines.append(f"{known['name_zh'] if known else ''} {each.institution_id} {each.period}".strip())
        star = " *" if each.is_provisional else ""
        lines.append(
            f"  {tables[each.table_name].title.zh} {each.table_name}\t开放 opens {each.opening_date}\t"
            f"截止 due {each.due_date}{star}\t宽限 grace {each.grace_date}{star}\t{STATUS_TEXT[standing.status]}"
        )
    if any(standing.obligation.is_provisional for standing in found):
        lines.append("* 该年放假安排尚未公布，日期可能变动 · days off not announced yet, the date may move")
    lines.append(
        "报送义务和期限为平台规则，未见公开规定 · platform rules: no public text of a filing calendar was found"
    )
    return "\n".join(lines) + "\n"


def as_json(found: "Sequence[Standing]") -> str:
    """A list of objects: dates are China's, `filed_at` is UTC."""
    rows = [
        {
            "institution": each.obligation.institution_id,
            "period": each.obligation.period,
            "table": each.obligation.table_name,
            "frequency": each.obligation.frequency,
            "role": each.obligation.role,
            "opening_date": each.obligation.opening_date.isoformat(),
            "due_date": each.obligation.due_date.isoformat(),
            "grace_date": each.obligation.grace_date.isoformat(),
            "is_provisional": each.obligation.is_provisional,
            "certainty": each.obligation.certainty,
            "source": each.obligation.source,
            "status": each.status,
            "filed_at": each.filed_at.isoformat(timespec="seconds") + "Z" if each.filed_at else None,
        }
        for each in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def as_ics(found: "Sequence[Standing]") -> str:
    """An all-day event for each due day of an institution's period (RFC 5545), for whoever keeps a calendar program."""
    from itertools import groupby

    def key(standing: "Standing") -> tuple[str, str, datetime.date]:
        each = standing.obligation
        return each.institution_id, each.period, each.due_date

    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//npl-warehouse//calendar//ZH"]
    for (institution, period, due), group in groupby(sorted(found, key=key), key):
        tables = sorted(standing.obligation.table_name for standing in group)
        lines += [
            "BEGIN:VEVENT",
            f"UID:{institution}-{period}-{due:%Y%m%d}@npl-warehouse",
            f"DTSTAMP:{due:%Y%m%d}T000000Z",
            f"DTSTART;VALUE=DATE:{due:%Y%m%d}",
            f"SUMMARY:报送截止 due {institution} {period}",
            # a line has at most 75 bytes: each table on one of its own
            "DESCRIPTION:" + "\\n\r\n ".join(tables),
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR"]) + "\r\n"
