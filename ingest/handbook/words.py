"""The handbook's own words, in both languages; everything else on its pages is the standard's."""

from typing import Literal, get_args

from expectations.model import Bilingual, Category, Scope, State

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
HTML_LANGUAGE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


def _words(zh: str, en: str) -> Bilingual:
    return Bilingual(zh=zh, en=en)


SCOPE_WORDS: dict[Scope, Bilingual] = {
    "row": _words("逐行", "row by row"),
    "table": _words("整份报送", "over the whole file"),
    "cross": _words("跨表、已接收数据与登记册", "against other tables, accepted data and registers"),
}
STATE_WORDS: dict[State, Bilingual] = {
    "proposed": _words("拟议，尚未检查", "proposed, not checked yet"),
    "active": _words("生效", "active"),
    "disabled": _words("停用", "disabled"),
    "withdrawn": _words("废止", "withdrawn"),
}
WHY_OF_CATEGORY: dict[Category, Bilingual] = {
    "schema": _words(
        "数据由机器读入，并与其他机构的数据合并：格式、必填项和代码不一致就无法使用。",
        "Filings are read by machine and joined with those of others: that takes one form, the required items and "
        "the same codes.",
    ),
    "permission": _words(
        "谁可以做什么、报什么，由法规和登记册规定。",
        "Who may do or file what is laid down by acts and registers.",
    ),
    "logical": _words(
        "关于同一事实的数字、日期和表述不能互相矛盾；矛盾时至少一处有误。",
        "Figures, dates and statements about the same facts cannot contradict each other; where they do, at least "
        "one is wrong.",
    ),
    "business": _words(
        "使用者据此判断和定价；不合规定或不合常情之处，须先由填报方说清。",
        "Others judge and price by these data; what is against the rules or out of the ordinary must first be cleared "
        "up by whoever files it.",
    ),
    "representativeness": _words(
        "有些错误单看一行看不出来，把整份数据同自身历史或同业相比才会显露。",
        "Some errors show in no single row, but only when the whole is held against its own past or its peers.",
    ),
}
"""Why a rule exists that gives no reason of its own."""
SENSITIVITY_WORDS = {
    "public": _words("公开", "public"),
    "restricted": _words("不公开", "restricted"),
    "personal": _words("个人信息", "personal"),
}
FOR_EACH_WORDS = {
    "columns": _words("文件中的每一列", "every column of the file"),
    "text_fields": _words("每个文本字段", "every field of free text"),
    "typed_fields": _words("每个有格式要求的字段", "every field that has a form"),
    "code_fields": _words("每个代码字段", "every coded field"),
    "state_fields": _words("每个“状态 N 笔”字段", "every field of states and counts"),
    "required_fields": _words("每个必填字段", "every field that can be required"),
    "missing_fields": _words("每个字段", "every field"),
    "hidden_fields": _words("每个新版不再披露的字段", "every field that a later version hides"),
}
PLACEHOLDER_WORDS = {
    "label": _words("字段", "field"),
    "value": _words("报送值", "value"),
    "name": _words("字段名", "name"),
    "type": _words("类型", "type"),
    "unit": _words("单位", "unit"),
}
"""What a message about any field can name (`expectations.findings`)."""

UI: dict[str, Bilingual] = {
    "handbook": _words("披露标准手册", "Handbook of the disclosure standard"),
    "index": _words("目录", "Index"),
    "version": _words("版本", "Version"),
    "search": _words("搜索：规则编号、字段、代码、任何字词", "Search: rule id, field, code, any word"),
    "nothing": _words("没有找到", "Nothing found"),
    "tables": _words("数据表", "Tables"),
    "table": _words("数据表", "Table"),
    "all_tables": _words("所有数据表", "All tables"),
    "system": _words("由平台生成，机构不报送", "made by the platform, not filed"),
    "rules": _words("规则", "Rules"),
    "rule": _words("规则", "Rule"),
    "fields": _words("字段", "Fields"),
    "field": _words("字段", "Field"),
    "code_lists": _words("代码表", "Code lists"),
    "code_list": _words("代码表", "Code list"),
    "versions": _words("标准的版本", "Versions of the standard"),
    "in_force": _words("业务日期", "Business dated"),
    "missing": _words("缺失数据代码", "Codes for missing data"),
    "missing_note": _words("字段允许时，可用代码代替数值。", "Where a field allows it, a code stands for the value."),
    "severities": _words("级别", "Severities"),
    "severity": _words("级别", "Severity"),
    "category": _words("类别", "Category"),
    "scope": _words("检查范围", "Scope"),
    "state": _words("状态", "State"),
    "grain": _words("一行是什么", "What a row is"),
    "key": _words("主键", "Key"),
    "version_date": _words("决定适用版本的日期", "Date that decides the version"),
    "references": _words("引用", "References"),
    "type": _words("类型与单位", "Type and unit"),
    "required": _words("必填", "Required"),
    "required_when": _words("下列条件成立时必填", "Required when"),
    "optional": _words("选填", "Optional"),
    "more": _words("说明", "Notes"),
    "hidden": _words("自该版起不再披露：", "No longer disclosed from version"),
    "default": _words("留空即为", "Empty means"),
    "states": _words("写作“状态 N 笔;状态 N 笔”，状态见", "As “state N; state N”; the states are in"),
    "several": _words("可填多项，分隔符", "Several codes, separated by"),
    "nd": _words("可写缺失代码", "Missing-data codes"),
    "headers": _words("可用表头", "Headers accepted"),
    "example": _words("例", "Example"),
    "eba": _words("EBA 模板字段", "EBA template fields"),
    "reported": _words("何时报告", "What is reported"),
    "why": _words("为什么", "Why"),
    "remedy": _words("怎样改", "How to fix"),
    "source": _words("依据", "Source"),
    "since": _words("适用版本", "In force"),
    "from_version": _words("自第 {} 版起", "from version {}"),
    "until_version": _words("至第 {} 版止", "until version {}"),
    "exceptions": _words("例外", "Exceptions"),
    "judges": _words("检查的字段", "Fields judged"),
    "examples": _words("示例", "Examples"),
    "examples_note": _words(
        "只列有关字段；其余与标准示例行相同。",
        "Only the fields that matter; all others are as in the standard's example row.",
    ),
    "standard_row": _words("标准示例行", "Example row"),
    "good": _words("合格", "Good"),
    "bad": _words("不合格", "Bad"),
    "row": _words("行", "row"),
    "rows_in_all": _words("共 {} 行，只列前几行", "{} rows in all, the first shown"),
    "around": _words("示例的前提", "What surrounds the examples"),
    "empty": _words("空", "empty"),
    "check": _words(
        "检查条件（DuckDB SQL，成立为合格，空值不判）", "The check (DuckDB SQL; true is good, null is not judged)"
    ),
    "when": _words("只在下列条件成立时检查", "Judged only when"),
    "code": _words("代码", "Code"),
    "meaning": _words("中文", "Meaning"),
    "other": _words("英文", "In Chinese"),
    "aliases": _words("也可写作", "Also written"),
    "parent": _words("上级", "Group"),
    "valid": _words("有效期", "Valid"),
    "used_by": _words("使用该表的字段", "Used by"),
    "sql_words": _words("规则所用的 SQL 词", "SQL words that rules use"),
    "filing": _words("报送信息", "The filing"),
    "accepted": _words("已接收的", "Accepted earlier:"),
    "filed": _words("同一报送中的", "In the same filing:"),
    "register": _words("登记册", "Register"),
}
