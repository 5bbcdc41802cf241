"""The report's own words, written once: verdicts, severities, and what the institution does next."""

from expectations.spec import Bilingual, Category, Severity, Standard
from ingest.reasons import reason_words, reasons
from ingest.report.cells import visible
from ingest.report.model import FilingIdentity, Finding, Report, Status, Verdict


def _words(zh: str, en: str) -> Bilingual:
    return Bilingual(zh=zh, en=en)


VERDICT_WORDS: dict[Verdict, Bilingual] = {
    "accepted": _words("已接收", "Accepted"),
    "accepted_with_holds": _words("部分暂扣后接收", "Accepted with rows held"),
    "rejected": _words("退回", "Rejected"),
    "error": _words("平台故障", "Platform fault"),
    "unreadable": _words("无法读取", "Unreadable"),
}

STATE_WORDS: dict[str, str] = {
    **{verdict: words.zh for verdict, words in VERDICT_WORDS.items()},
    "received": "已收件",
    "read": "已读取",
    "checked": "已检查",
    "superseded": "已被更正",
    "withdrawn": "已撤回",
}
"""Every state of a filing in the registry."""

SEVERITY_WORDS: dict[Severity, Bilingual] = {
    "reject": _words("拒收", "Reject"),
    "hold": _words("暂扣", "Hold"),
    "warn": _words("警告", "Warning"),
    "info": _words("提示", "Note"),
}

SEVERITY_MEANINGS: dict[Severity, Bilingual] = {
    "reject": _words("整份报送退回，必须修改", "the whole filing is returned; must be fixed"),
    "hold": _words("该行不入库，修改后以更正补报", "the row is kept out until a correction mends it"),
    "warn": _words("不因此退回，请更正或说明理由", "not returned for this; correct it or give a reason"),
    "info": _words("仅供参考", "for your information"),
}

STATUS_WORDS: dict[Status, Bilingual] = {"new": _words("新增", "New"), "open": _words("未改", "Still open")}

CATEGORY_WORDS: dict[Category, Bilingual] = {
    "schema": _words("格式", "schema"),
    "permission": _words("资格", "permission"),
    "logical": _words("逻辑", "logical"),
    "business": _words("业务", "business"),
    "representativeness": _words("代表性", "representativeness"),
}

KIND_WORDS: dict[str, Bilingual] = {
    "original": _words("首次报送", "original"),
    "correction": _words("更正", "correction"),
    "withdrawal": _words("撤回", "withdrawal"),
}

FILING_WORDS: dict[str, Bilingual] = {
    "filing_id": _words("报送编号", "Filing id"),
    "institution": _words("报送机构", "Institution"),
    "subject": _words("所涉机构", "About"),
    "period": _words("报送期间", "Period"),
    "sequence": _words("序号", "Sequence"),
    "kind": _words("报送类型", "Kind"),
    "replaces": _words("所更正的报送", "Replaces"),
    "source_kind": _words("数据来源", "Source"),
    "standard_version": _words("所称标准版本", "Standard version named"),
    "file": _words("文件", "File"),
    "sha256": _words("文件指纹", "SHA-256"),
}


_WHEN_WE_FAILED = (
    _words(
        "贵机构无需处理：请勿修改数据，也不必重新报送。", "Nothing for you to do: change no data and do not file again."
    ),
    _words(
        "平台运维人员将排除故障，并重新检查这份报送。",
        "The operators will mend the fault and check this same filing again.",
    ),
)
_WHEN_UNREADABLE = (
    _words(
        "按上述原因修正文件。数据尚未检查，文件可读后可能还有其他问题。",
        "Mend the file as said above. No data was checked yet: once it can be read, more may be found.",
    ),
    _words("先自查（npl check），再重新报送。", "Check it yourself first (npl check), then file again."),
)
_WHEN_REJECTED = (
    _words(
        "问题不多时，在 worksheet.xlsx 中填写更正值，报回即可；否则在原文件中改好后先自查（npl check），"
        "再以新的序号重新报送全部数据。",
        "If they are few, write the right values into worksheet.xlsx and file it back; else fix them in your own file, "
        "check it yourself first (npl check), then file everything again with a new sequence number.",
    ),
    _words(
        "此前已接收的报送继续有效，直至新的报送被接收。",
        "An earlier accepted filing stays in force until the new one is accepted.",
    ),
)
_WHEN_HELD = (
    _words(
        "按下列“暂扣”各条修改；暂扣的行在更正之前不入库。",
        "Fix everything marked Hold below; held rows stay out until corrected.",
    ),
    _words(
        "在 worksheet.xlsx 中填写更正值，报回即可；或以“更正”（correction）报送全部数据，并注明所更正的报送编号。"
        "其余各行现已有效。",
        "Write the right values into worksheet.xlsx and file it back; or file everything again as a correction that "
        "names this filing. All other rows are in force now.",
    ),
)
_WHEN_WARNED = _words(
    "核对下列“警告”：有误的请报送更正，属实的请留存依据。",
    "Verify everything marked Warning below: correct what is wrong, keep your evidence for what is right.",
)
_WHEN_REASONS_ARE_ASKED = _words(
    "核对下列“警告”：有误的更正，属实的选择理由，填入 worksheet.xlsx 后报回。久不答复的，以后的报送不再接收。",
    "Verify everything marked Warning below: correct what is wrong, choose a reason for what is right, in "
    "worksheet.xlsx, and file it back. If they wait too long, further filings are returned.",
)
_WHEN_ALL_IS_WELL = _words("无需处理，请留存本报告。", "Nothing to do. Please keep this report.")


def statement(report: Report) -> Bilingual:
    """What the verdict means, in one sentence; for a fault or an unreadable filing, its cause."""
    if report.problem:
        return report.problem
    rows = sum(table.rows for table in report.tables)
    accepted = sum(table.accepted for table in report.tables)
    held = sum(table.held for table in report.tables)
    if report.verdict == "rejected":
        return _words(
            f"整份报送被退回，所报数据（{rows:,} 行）均未入库。",
            f"The whole filing is returned; none of its data ({rows:,} {_rows(rows)}) was taken in.",
        )
    if report.verdict == "accepted_with_holds":
        return _words(
            f"所报 {rows:,} 行中，接收 {accepted:,} 行，暂扣 {held:,} 行。",
            f"{rows:,} {_rows(rows)} filed: {accepted:,} accepted, {held:,} held back.",
        )
    return _words(f"所报 {rows:,} 行，接收 {accepted:,} 行。", f"{rows:,} {_rows(rows)} filed: {accepted:,} accepted.")


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def next_steps(report: Report, standard: Standard) -> list[Bilingual]:
    """What the institution does now, in order; never empty."""
    totals = report.severity_totals()
    if report.verdict == "error":
        return list(_WHEN_WE_FAILED)
    if report.verdict == "unreadable":
        return list(_WHEN_UNREADABLE)
    if report.verdict == "rejected":
        return [_reason_to_fix(totals, standard), *_WHEN_REJECTED]
    steps = list(_WHEN_HELD) if report.verdict == "accepted_with_holds" else []
    if report.unanswered_total:
        steps.append(_WHEN_REASONS_ARE_ASKED if reasons(standard) else _WHEN_WARNED)
    return steps or [_WHEN_ALL_IS_WELL]


def _reason_to_fix(totals: dict[Severity, int], standard: Standard) -> Bilingual:
    if "reject" in totals:
        count = f"{totals['reject']:,}"
        return _words(
            f"逐条修改下列“拒收”问题，共 {count} 处；“暂扣”和“警告”请一并核对。",
            f"Fix everything marked Reject below, {count} in all; look at Hold and Warning as well.",
        )
    ceiling = f"{standard.head.hold_ceiling:.0%}"
    return _words(
        f"暂扣的行超过上限（行数或本金的 {ceiling}），整份退回：请逐条修改下列“暂扣”问题。",
        f"Held rows exceed the ceiling ({ceiling} of rows or of principal), so the whole filing is returned: "
        "fix everything marked Hold below.",
    )


def filing_lines(filing: FilingIdentity) -> list[tuple[Bilingual, str]]:
    """What is known of the filing, label and text, in the report's order; a subject equal to the filer is left out."""
    known = {name: value for name, value in filing.model_dump(mode="json").items() if value is not None}
    if known.get("subject") == known.get("institution"):
        known.pop("subject", None)
    if kind := KIND_WORDS.get(known.get("kind", "")):
        known["kind"] = f"{kind.zh} {kind.en}"
    ordered = [*(name for name in FILING_WORDS if name in known), *(name for name in known if name not in FILING_WORDS)]
    return [(FILING_WORDS.get(name, _words(name, name)), str(known[name])) for name in ordered]


def comparison(report: Report) -> Bilingual | None:
    """How the findings stand against those of the filing before; null when there is none to compare with."""
    if report.compared_with is None or report.problem:
        return None
    totals = report.status_totals
    return _words(
        f"与上一次报送 {report.compared_with} 相比：已改 {report.fixed_total or 0:,} 处，"
        f"未改 {totals['open']:,} 处，新增 {totals['new']:,} 处。",
        f"Compared with {report.compared_with}: {report.fixed_total or 0:,} fixed, {totals['open']:,} still open, "
        f"{totals['new']:,} new.",
    )


def standing(finding: Finding, standard: Standard) -> str:
    """`未改 Still open · 理由 Reason：…`: the finding's status and the filer's answer; empty when there is neither."""
    parts = []
    if finding.status is not None:
        parts.append(f"{STATUS_WORDS[finding.status].zh} {STATUS_WORDS[finding.status].en}")
    if finding.answer is not None:
        parts.append(f"理由 Reason：{reason_words(standard, finding.answer)}")
    return " · ".join(parts)


def table_title(standard: Standard, table: str) -> Bilingual:
    """The table's title; its bare name when the standard does not know it."""
    spec = standard.all_tables.get(table)
    return spec.title if spec else _words(table, table)


def field_label(standard: Standard, table: str, field: str) -> str:
    """The field's Chinese label; empty when the standard does not know it."""
    spec = standard.all_tables.get(table)
    return spec.by_name[field].zh if spec and field in spec.by_name else ""


def told_value(standard: Standard, table: str, field: str, value: str | None) -> str:
    """`交付日期 delivered_date = 2026-03-05`: a field and what was filed in it, safe to look at."""
    return f"{field_label(standard, table, field)} {visible(field)} = {visible(value)}".lstrip()
