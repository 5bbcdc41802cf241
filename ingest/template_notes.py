"""What the templates say beside the cells: the sheet of notes, and the note on each column's header; zh and en."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from expectations.headers import REQUIRED_MARK, unit_words
from expectations.spec import FieldSpec, Standard, TableSpec
from expectations.words import type_words
from ingest.read.columns import NO, YES
from ingest.read.members import MANIFEST_FILE

FILING_NOTES = {
    "replaces": ("更正或撤回时填原报送编号", "the filing that a correction or withdrawal is about"),
    "standard_version": ("本模板所依据的标准版本", "version of the standard that this template follows"),
}
"""Keys of sheet `filing` that take any text, and so have no form that the reader could tell."""

LineKind = Literal["title", "heading", "line", "required", "conditional", "optional"]


@dataclass(frozen=True)
class Line:
    """One row of the sheet of notes: what it is about, in Chinese, in English."""

    label: str
    zh: str
    en: str
    kind: LineKind = "line"


_STEPS = (
    Line("1", "填写工作表 filing：报送机构、期间、序号。", "Fill sheet `filing`: institution, period, sequence."),
    Line(
        "2",
        "每张数据表一个工作表：第 1 行是表头，从第 2 行起每行一条。不用的工作表和不用的列可以删除，不要改表头。",
        "A sheet for each table: row 1 is the header, data starts in row 2. Delete sheets and columns that you do not "
        "use; leave the headers as they are.",
    ),
    Line(
        "3",
        "鼠标停在表头上可见该列的含义、类型、是否必填和示例。",
        "Point at a header to see what the column means, its type, whether it is required, and an example.",
    ),
    Line(
        "4",
        "报送前自查：npl check 本文件。结果与平台检查完全一致。",
        "Before filing, check it yourself: npl check FILE. It says exactly what the platform will say.",
    ),
)
_RULES = (
    Line(
        "代码 Codes",
        "从下拉列表选择，也可写代码或别名（见工作表“代码表”）。",
        "Pick from the drop-down; the code or an alias may be written as well (sheet 代码表).",
    ),
    Line(
        "日期 Dates",
        "写作 2026-03-31；时间写作 2026-03-31 17:00:00（北京时间）。",
        "As 2026-03-31; times as 2026-03-31 17:00:00, China time.",
    ),
    Line(
        "金额 Amounts",
        "单位见表头，一律为元，不用万元或亿元；只写数字，保留到分。",
        "In the unit of the header, always CNY, never in ten thousands; plain digits, to the cent.",
    ),
    Line("比率 Ratios", "写小数：8% 写作 0.08。", "As a fraction: 8 % is 0.08."),
    Line("是否 Yes or no", f"写“{YES}”或“{NO}”。", f"{YES} is yes, {NO} is no."),
    Line(
        "编号 Ids",
        "编号列已设为文本格式，前面的 0 会保留。",
        "Columns of ids are formatted as text, so leading zeros stay.",
    ),
    Line(
        "个人信息 Personal data",
        "任何单元格都不得填写姓名、证件号、电话、住址。",
        "No cell may hold a person's name, id number, phone or address.",
    ),
)
_LEGEND = (
    Line(f"{REQUIRED_MARK} 必填 Required", "每行都要填。", "Every row has it.", "required"),
    Line("有条件必填", "批注所写条件成立时必填。", "Required when the condition in the note holds.", "conditional"),
    Line("选填 Optional", "没有就留空。", "Leave it empty where there is none.", "optional"),
)


def notes(standard: Standard, specs: Sequence[TableSpec]) -> list[Line]:
    """The sheet of notes, row by row."""
    version = standard.head.versions[-1]
    return [
        Line(standard.head.title.zh, "", standard.head.title.en, "title"),
        Line(f"第 {version.version} 版", version.title.zh, version.title.en),
        Line("怎样填写", "中文", "English", "heading"),
        *_STEPS,
        Line("表头颜色", "", "Colours of the headers", "heading"),
        *_LEGEND,
        Line("填写格式", "", "How to write", "heading"),
        *_RULES,
        Line(
            "缺失数据",
            "个别栏目可写缺失代码，批注列明可用的代码",
            "Where the note allows it, a code stands for a missing value",
            "heading",
        ),
        *(Line(code, words.zh, words.en) for code, words in standard.head.missing_codes.items()),
        Line(
            "工作表",
            f"也可以按表报送 CSV，另附 {MANIFEST_FILE}",
            f"CSV files with {MANIFEST_FILE} do as well",
            "heading",
        ),
        *(Line(f"{spec.title.zh} {spec.table}", spec.grain.zh, spec.grain.en) for spec in specs),
    ]


def field_note(standard: Standard, field: FieldSpec) -> str:
    """The note on a column's header."""
    return "\n".join(_field_lines(standard, field))


def _field_lines(standard: Standard, field: FieldSpec) -> Iterator[str]:
    kind = type_words(field)
    yield f"{field.zh} {field.en}"
    yield f"{field.name} · {kind.zh} {kind.en}"
    if field.unit:
        unit = unit_words(standard, field.unit)
        yield f"单位 Unit: {unit.zh} {unit.en}"
    if field.required:
        yield "必填 Required"
    elif field.required_when:
        yield f"下列条件成立时必填 Required when: {field.required_when}"
    if field.hidden_from:
        yield f"自第 {field.hidden_from} 版起不再披露 No longer disclosed from version {field.hidden_from}"
    if field.separator:
        yield f"可填多项，以“{field.separator}”分隔 Several codes, separated by “{field.separator}”"
    if field.states:
        labels = "、".join(code.zh for code in standard.codes[field.states])
        yield f"写作“状态 N 笔;状态 N 笔” As “state N; state N”: {labels}"
    if field.nd:
        yield f"可写缺失代码 Missing-data codes: {', '.join(field.nd)}"
    if field.default:
        yield f"留空即为 Empty means: {field.default}"
    if field.example:
        yield f"例 Example: {field.example}"
    if field.note:
        yield field.note.zh
        yield field.note.en
