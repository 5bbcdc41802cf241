"""The words of reminders, Chinese first: a subject of one line, and a text for the outbox and the mail."""

from collections.abc import Sequence

from expectations.spec import load_standard
from ingest.calendar import Obligation
from ingest.register import institution as registered

STAGES = DUE_SOON, LATE, MISSING = ("due_soon", "late", "missing")

_TITLES = {
    DUE_SOON: ("报送将到期", "Filings due soon"),
    LATE: ("报送已过期", "Filings late"),
    MISSING: ("逾期未报", "Filings missing"),
}
_SAID = {
    DUE_SOON: (
        "以下各表即将到期，平台尚未收到可接收的报送。请在截止日 24 时前报送。",
        "The tables below fall due soon, and no filing of them was accepted yet. Please file by the end of that day.",
    ),
    LATE: (
        "以下各表已过截止日，平台尚未收到可接收的报送。宽限日前报送的记为迟报，其后记为未报。",
        "The tables below are past their due day, and no filing of them was accepted yet. Filed within grace they count"
        " as late; after it they are missing.",
    ),
    MISSING: (
        "以下各表已过宽限日，平台仍未收到可接收的报送，现记为未报，并已告知平台运行人员。请尽快补报。",
        "The tables below are past their grace day, and no filing of them was accepted yet. They count as missing,"
        " and the platform's operator has been told. Please file them without delay.",
    ),
}
_NIL = (
    "当期没有业务的，也请报送只有表头、没有数据行的表（零报送）。曾被退回的报送不算已报，请按退回报告更正后重新报送。",
    "Where nothing happened, file the table with its header and no rows (a nil return). A filing that was returned does"
    " not count: correct it as its report says, and file it again.",
)
_PROVISIONAL = (
    "* 该年放假安排尚未公布，日期可能变动。",
    "* The year's days off are not announced yet: the date may move.",
)
_PLATFORM_RULE = (
    "报送义务和期限为平台规则，见 npl calendar。",
    "Obligations and dates are rules of the platform: see npl calendar.",
)


def subject_of(stage: str, institution_id: str, period: str) -> str:
    """One line, of ASCII ids and the stage in both languages."""
    zh, en = _TITLES[stage]
    return f"{zh} {en}: {institution_id} {period}"


def body_of(stage: str, institution_id: str, period: str, tables: Sequence[Obligation]) -> str:
    """The whole text; lines end with `\\n`."""
    known = registered(institution_id)
    titles = load_standard().tables
    zh, en = _TITLES[stage]
    mark = {each: " *" if each.is_provisional else "" for each in tables}
    notes = [_NIL, *([_PROVISIONAL] if any(each.is_provisional for each in tables) else []), _PLATFORM_RULE]
    lines = [
        f"{zh} · {en}",
        "",
        f"机构 Institution：{known['name_zh'] if known else ''} {institution_id}",
        f"报送期 Period：{period}",
        "",
        *_SAID[stage],
        "",
    ]
    for each in tables:
        lines += [
            f"- {titles[each.table_name].title.zh} {titles[each.table_name].title.en} ({each.table_name})",
            f"  截止 due {each.due_date}{mark[each]}，宽限至 grace until {each.grace_date}{mark[each]}",
        ]
    lines += ["", *(text for note in notes for text in note), ""]
    return "\n".join(lines)
