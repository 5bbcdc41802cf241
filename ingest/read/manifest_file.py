"""`filing.json`, or a workbook's sheet `filing`, to a `Manifest`: errors name the key, never what was written there."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from ingest.errors import FilingError
from ingest.manifest import Manifest
from ingest.read.csv_file import decode
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
    "rows": ("不小于 0 的整数", "a whole number, 0 or more"),
    "sha256": ("64 位小写十六进制", "64 lower-case hexadecimal digits"),
    "encoding": ("utf-8 或 gb18030", "utf-8 or gb18030"),
}
PROBLEMS = {"missing": ("缺失", "is missing"), "extra_forbidden": ("不是可用的项", "is no known key")}
KEY = re.compile("[A-Za-z_]{1,40}")


def parse_manifest(content: bytes) -> Manifest:
    """Return the manifest that `filing.json` holds.

    Raises:
        FilingError: not JSON, a key twice, missing, unknown or of the wrong form; every such key is named.
    """
    text, _ = decode(content, MANIFEST_FILE)
    try:
        data = json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise FilingError(
            f"{MANIFEST_FILE}：第 {error.lineno} 行第 {error.colno} 个字符处不是有效的 JSON。",
            f"{MANIFEST_FILE}: not JSON at line {error.lineno}, character {error.colno}.",
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
    # an unknown key is the filer's own text: told only when it looks like a key
    known = [part for part in location if isinstance(part, int) or KEY.fullmatch(part)]
    path = ".".join(str(part) for part in known) or "{}"
    if kind in PROBLEMS:
        zh, en = PROBLEMS[kind]
        return f"{path} {zh}", f"{path} {en}"
    zh, en = HINTS.get(str(known[-1]) if known else "", ("格式不对", "has the wrong form"))
    return f"{path} 应为：{zh}", f"{path} must be: {en}"


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise FilingError(f"{MANIFEST_FILE}：有重复的键。", f"{MANIFEST_FILE}: a key stands twice in one object.")
    return dict(pairs)
