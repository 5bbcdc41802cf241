"""`filing.json`, or a workbook's sheet `filing`, to a `Manifest`: errors name the key, never what was written there."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from ingest.errors import FilingError
from ingest.manifest import Answer, Manifest, ManifestTable
from ingest.read.encoding import decode
from ingest.read.members import MANIFEST_FILE

SHEET_KEYS = {
    "institution": "报送机构",
    "subject": "报送对象",
    "period": "期间",
    "sequence": "序号",
    "kind": "类型",
    "replaces": "替代",
    "standard_version": "标准版本",
    "contact_channel": "联系渠道",
}
HEADING = {"项目", "key", "键"}
KINDS = {"首次": "original", "更正": "correction", "撤回": "withdrawal"}
HINTS = {
    "institution": ("机构代码，大写字母、数字和连字符", "the institution's id: capitals, digits, hyphens"),
    "subject": ("机构代码，大写字母、数字和连字符", "an institution's id: capitals, digits, hyphens"),
    "period": ("期间，如 2026-10 或 2026Q3", "a period such as 2026-10 or 2026Q3"),
    "sequence": ("1 到 9999 的整数", "a whole number from 1 to 9999"),
    "kind": ("original（首次）、correction（更正）或 withdrawal（撤回）", "original, correction or withdrawal"),
    "contact_channel": ("不超过 200 字", "at most 200 characters"),
    "replaces": ("回执上的报送编号", "the filing id of your receipt"),
    "standard_version": ('文本，如 2.0 写作 "2.0"', 'a text, such as "2.0"'),
    "tables": (
        '列表 [{"table": 表名, "file": 文件名}]',
        'a list of entries {"table": .., "file": ..}',
    ),
    "table": ("标准中的表名", "the name of a table of the standard"),
    "file": (
        "filing.json 旁边的文件名，不含盘符、反斜杠、“..”，不以“/”开头",
        'the name of a file beside filing.json: no drive, no backslash, no "..", no "/" in front',
    ),
    "rows": ("不小于 0 的整数", "a whole number, 0 or more"),
    "sha256": ("64 位十六进制", "64 hexadecimal digits"),
    "answers": (
        '列表 [{"fingerprint": 问题指纹, "reason_code": 理由代码}]',
        'a list of entries {"fingerprint": .., "reason_code": ..}',
    ),
    "fingerprint": ("报告所列的问题指纹，16 位", "the fingerprint of a finding, as the report has it: 16 digits"),
    "reason_code": ("理由代码", "the code of a reason"),
    "encoding": ("utf-8 或 gb18030（含 GBK、GB2312）", "utf-8 or gb18030 (GBK and GB2312 are parts of it)"),
}
KEYS = tuple(Manifest.model_fields)
KEYS_OF_ENTRIES = {"tables": tuple(ManifestTable.model_fields), "answers": tuple(Answer.model_fields)}
LONGEST_NUMBER = 20
LARGEST_MANIFEST = 1_000_000  # bytes
KEY = re.compile("[A-Za-z_]{1,40}")


def parse_manifest(content: bytes) -> Manifest:
    """Return the manifest that `filing.json` holds.

    Raises:
        FilingError: not JSON, a key twice, missing, unknown or of the wrong form; every such key is named.
    """
    if len(content) > LARGEST_MANIFEST:
        raise FilingError(
            f"{MANIFEST_FILE}：文件过大，不是报送说明。", f"{MANIFEST_FILE}: far too large for a manifest."
        )
    text, _ = decode(content, MANIFEST_FILE)
    if not text.strip():
        raise FilingError(f"{MANIFEST_FILE}：文件是空的。", f"{MANIFEST_FILE}: the file is empty.")
    try:
        data = DECODER.decode(text.decode())
    except json.JSONDecodeError as error:
        raise FilingError(
            f"{MANIFEST_FILE}：第 {error.lineno} 行第 {error.colno} 个字符处不是有效的 JSON。"
            "引号、冒号、逗号须为半角，末项之后没有逗号。",
            f"{MANIFEST_FILE}: not JSON at line {error.lineno}, character {error.colno}. "
            "Quotes, colons and commas are ASCII ones, and no comma follows the last item.",
        ) from None
    except RecursionError:
        raise FilingError(
            f"{MANIFEST_FILE}：JSON 嵌套过深。", f"{MANIFEST_FILE}: the JSON is nested too deeply."
        ) from None
    return _validated(data, MANIFEST_FILE)


def manifest_of_sheet(lines: Iterable[tuple[int, list[str]]], tables: list[tuple[str, str]], file: str) -> Manifest:
    """Return the manifest from rows of key and value (keys in English or Chinese) and the tables found beside it.

    Raises:
        FilingError: an unknown key, a key twice, or a value of the wrong form.
    """
    keys = {label: key for key, zh in SHEET_KEYS.items() for label in (key, zh)}
    data: dict[str, Any] = {"tables": [{"table": table, "file": name} for table, name in tables]}
    for number, cells in lines:
        label, value = [*cells, "", ""][:2]
        if label in HEADING or not value:
            continue
        key = keys.get(label)
        if key is None or key in data:
            zh, en = "、".join(SHEET_KEYS.values()), ", ".join(SHEET_KEYS)
            raise FilingError(
                f"{file}[filing]：第 {number} 行的项目重复或不认识。可用：{zh}。",
                f"{file}[filing]: row {number} has a key that is unknown or stands twice. Keys: {en}.",
            )
        data[key] = KINDS.get(value, value) if key == "kind" else value
    return _validated(data, f"{file}[filing]")


def _validated(data: Any, place: str) -> Manifest:
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        problems = [_problem(detail["loc"], detail["type"]) for detail in error.errors(include_input=False)]
        raise FilingError(
            f"{place}：" + "；".join(zh for zh, _ in problems) + "。",
            f"{place}: " + "; ".join(en for _, en in problems) + ".",
        ) from None


def _problem(location: tuple[int | str, ...], kind: str) -> tuple[str, str]:
    """What is wrong with one key; an unknown one is the filer's own text, told only when it looks like a key."""
    entry = f"{location[0]}[{location[1]}]" if len(location) > 1 else ""
    keys = KEYS_OF_ENTRIES[str(location[0])] if entry else KEYS
    key = next((part for part in reversed(location) if isinstance(part, str)), "")
    if kind == "extra_forbidden":
        shown = _path(entry, key) if KEY.fullmatch(key) else ""
        return (
            f"{shown or '有一项'} 不是可用的项（可用：{'、'.join(keys)}）",
            f"{shown or 'one key'} is no known key (known are {', '.join(keys)})",
        )
    if key not in keys:  # the object as a whole
        return f"{entry}应为一个对象 {{…}}", f"{entry or 'it'} must be an object {{..}}"
    shown, label = _path(entry, key), "" if entry else SHEET_KEYS.get(key, "")
    named = f"{shown}（{label}）" if label else f"{shown} "
    if kind == "missing":
        return f"{named}缺失", f"{shown} is missing"
    zh, en = HINTS[key]
    return f"{named}应为：{zh}", f"{shown} must be: {en}"


def _path(entry: str, key: str) -> str:
    return f"{entry}.{key}" if entry else key


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise FilingError(f"{MANIFEST_FILE}：有重复的键。", f"{MANIFEST_FILE}: a key stands twice in one object.")
    return dict(pairs)


def _whole_number(digits: str) -> int | str:
    """Python reads no number of thousands of digits; as a text it is of the wrong form like any other."""
    return int(digits) if len(digits) < LONGEST_NUMBER else digits


DECODER = json.JSONDecoder(object_pairs_hook=_without_doubles, parse_int=_whole_number)
