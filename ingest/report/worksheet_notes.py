"""What the worksheet's first sheet says: what to do, what it is about, and how much of it is listed."""

from expectations.spec import Standard
from ingest.read.worksheet import HEADERS, WORK_SHEET
from ingest.reasons import ANSWERABLE, reasons
from ingest.report.cells import EMPTY, visible
from ingest.report.model import Report
from ingest.report.wording import SEVERITY_WORDS, VERDICT_WORDS, filing_lines, statement
from ingest.template_notes import Line

_WARNING = SEVERITY_WORDS[ANSWERABLE]


def notes(report: Report, standard: Standard, listed: dict[str, int]) -> list[Line]:
    """The sheet of notes, row by row; `listed` counts the findings of each rule that the worksheet holds."""
    verdict, said = VERDICT_WORDS[report.verdict], statement(report)
    return [
        Line("更正表 Worksheet", "", "", "title"),
        Line(f"{verdict.zh} {verdict.en}", visible(said.zh), visible(said.en)),
        Line("怎样填写 Steps", "中文", "English", "heading"),
        *_steps(report, standard),
        Line("填写须知 Good to know", "", "", "heading"),
        *_hints(report),
        Line("所更正的报送 The filing", "", "", "heading"),
        *(Line(f"{label.zh} {label.en}", visible(text), "") for label, text in filing_lines(report.filing)),
        Line("问题总数 Findings", "共发现 / 本表列出", "found / listed here", "heading"),
        *(_total(group.rule_id, group.count, listed.get(group.rule_id, 0)) for group in report.groups_to_work_on()),
        *_rest(report, listed),
    ]


def _steps(report: Report, standard: Standard) -> list[Line]:
    corrected = HEADERS["corrected"]
    steps = [
        (
            f"打开工作表“{WORK_SHEET}”。每行是一个问题所涉的一个单元格；一个问题涉及几个单元格时，有误的更正，其余留空。",
            f"Open sheet {WORK_SHEET}. Each row is one cell that a finding is about; where a finding is about several "
            "cells, correct the wrong one and leave the others.",
        ),
        (
            f"有误的，在“{corrected}”栏填写正确的值。“建议”栏的内容平台不会代填。",
            "What is wrong: write the right value under Corrected value. Suggestions are never applied for you.",
        ),
    ]
    if reasons(standard) and any(finding.severity == ANSWERABLE for finding in report.findings):
        steps.append(
            (
                f"“{_WARNING.zh}”属实的，在“{HEADERS['reason']}”栏从下拉列表选择理由。更正值和理由只填其一。",
                f"A {_WARNING.en} that is right as it stands: choose a reason from the drop-down instead. "
                "Never give both.",
            )
        )
    steps.append(
        (
            "保存，把本工作簿放入收件目录报送（文件名不限）。平台以原报送为底，改入所填单元格，作为一份完整的报送重新检查。",
            "Save, and file this workbook through your inbox, under any name. The platform takes the filing as it was, "
            "puts in what you filled, and checks the whole again.",
        )
    )
    return [Line(str(number), zh, en) for number, (zh, en) in enumerate(steps, start=1)]


def _hints(report: Report) -> list[Line]:
    accepted = report.verdict in ("accepted", "accepted_with_holds")
    kind = (
        (
            "本报送已接收：报回的更正表是它的更正，接收后即取代它。",
            "It was accepted: what you file back corrects it, and replaces it once accepted.",
        )
        if accepted
        else (
            "本报送已退回：报回的更正表等于把它改好后重新报送。",
            "It was returned: what you file back is the same filing once more, mended.",
        )
    )
    return [
        Line("报回之后 Filed back", *kind),
        Line(
            "可以留空 Leave blank",
            "不处理的行留空即可，也可筛选；没有填写的单元格都保持原值。",
            "Leave rows blank that you do not work on. Cells without a correction stay as they were filed.",
        ),
        Line("清空单元格 Empty a cell", f"要把原值清空，更正值写“{EMPTY}”。", f"To empty a cell, write {EMPTY}."),
        Line(
            "个人信息 Personal data",
            "含个人信息的原值已遮蔽为 ***；可以直接填写新值，新值不得含个人信息。",
            "Values with personal data are masked as ***. They can be corrected all the same; the new value must hold "
            "no personal data.",
        ),
        Line(
            "不能在此更正 Not here",
            "灰色的行（整份文件的问题、标准以外的列）不能在此更正，请修改原文件后报送全部数据。要增删行也是如此。",
            "Grey rows (findings about a whole file, columns outside the standard) can't be mended here: change your "
            "own file and file everything again. So it is for adding or deleting rows.",
        ),
    ]


def _total(rule_id: str, count: int, listed: int) -> Line:
    return Line(rule_id, f"{count:,} / {listed:,}", f"{count:,} / {listed:,}")


def _rest(report: Report, listed: dict[str, int]) -> list[Line]:
    unlisted = sum(group.count for group in report.groups_to_work_on()) - sum(listed.values())
    if not unlisted:
        return []
    return [
        Line(
            "没有列出的 Not listed",
            f"另有 {unlisted:,} 处没有列出。问题这样多，多半有共同的原因，请在原文件中修改后报送全部数据。",
            f"{unlisted:,} more are not listed. So many have mostly one cause: mend your own file and file everything "
            "again.",
        )
    ]
