"""What changes between two versions of a standard, or between two directories that each hold one.

Between two versions of one standard the fields stay and the template hides some of them; rules come into force, fall
out of it, or judge less because a field that they look at is hidden. Between two directories anything may differ.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from expectations.compile import checks_of
from expectations.spec import Bilingual, FieldSpec, Rule, Standard

LONGEST_TOLD = 100
MACRO_NAME = re.compile(r"^create\b.*?\bmacro\s+(\w+)", re.MULTILINE)
GONE = ("withdrawn", "disabled")
DISCLOSED = "disclosed"
DISCLOSED_FIELDS = "disclosed_fields"
TOKENS_OF_HIDDEN = ("{is_hidden}", "{is_required}")

SECTIONS = {
    "head": Bilingual(zh="标准总则", en="Head of the standard"),
    "tables": Bilingual(zh="表", en="Tables"),
    "fields": Bilingual(zh="字段", en="Fields"),
    "codes": Bilingual(zh="代码", en="Codes"),
    "rules": Bilingual(zh="规则", en="Rules"),
}
KINDS = {
    "added": ("+", Bilingual(zh="新增", en="added")),
    "changed": ("~", Bilingual(zh="变更", en="changed")),
    "withdrawn": ("-", Bilingual(zh="撤回", en="withdrawn")),
}


@dataclass(frozen=True)
class Change:
    """One key of an entry with what it said before and says after (JSON values; null where the key was not there)."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Entry:
    """A table, field, code or rule that differs; `name` is `<table>.<field>`, `<list>.<code>` or an id."""

    name: str
    title: Bilingual
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Section:
    """The entries of one sort that differ."""

    added: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    withdrawn: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Difference:
    """All that differs between `before` and `after` (names of versions or directories), by section."""

    before: str
    after: str
    sections: Mapping[str, Section]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; the sections that were compared are all there, empty ones too."""
        return {
            "from": self.before,
            "to": self.after,
            **{
                name: {kind: [_entry_dict(entry) for entry in getattr(section, kind)] for kind in KINDS}
                for name, section in self.sections.items()
            },
        }

    def to_text(self) -> str:
        """For a terminal, Chinese first."""
        lines = [f"{self.before} -> {self.after}"]
        for name, section in self.sections.items():
            counts = {kind: len(getattr(section, kind)) for kind in KINDS}
            told = "，".join(f"{word.zh} {word.en} {counts[kind]}" for kind, (_, word) in KINDS.items())
            lines += ["", f"{SECTIONS[name].zh} {SECTIONS[name].en}：{told}"]
            for kind, (sign, _) in KINDS.items():
                for entry in getattr(section, kind):
                    lines += _entry_lines(sign, entry)
        return "\n".join(lines) + "\n"


def _entry_dict(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {"name": entry.name, "zh": entry.title.zh, "en": entry.title.en}
    if entry.changes:
        told["changes"] = [{"key": each.key, "from": each.before, "to": each.after} for each in entry.changes]
    return told


def _entry_lines(sign: str, entry: Entry) -> list[str]:
    lines = [f"  {sign} {entry.name}", f"      {entry.title.zh}", f"      {entry.title.en}"]
    return lines + [f"      {each.key}: {_told(each.before)} -> {_told(each.after)}" for each in entry.changes]


def _told(value: Any) -> str:
    if value is None or value == []:
        return "（无 none）"
    told = value if isinstance(value, list) else [value]
    text = "、".join(str(each) for each in told).replace("\n", " ")
    return text if len(text) <= LONGEST_TOLD else text[:LONGEST_TOLD] + "…"


def difference_of_versions(standard: Standard, before: str, after: str) -> Difference:
    """What version `after` of a standard demands otherwise than version `before` (both names of its versions)."""
    hidden = {
        name: {
            field.name
            for field in table.fields
            if is_disclosed(standard, field, before) != is_disclosed(standard, field, after)
        }
        for name, table in standard.tables.items()
    }
    fields = tuple(
        Entry(
            f"{name}.{field.name}",
            Bilingual(zh=field.zh, en=field.en),
            (Change(DISCLOSED, is_disclosed(standard, field, before), is_disclosed(standard, field, after)),),
        )
        for name, table in standard.tables.items()
        for field in table.fields
        if field.name in hidden[name]
    )
    return Difference(
        before, after, {"fields": Section(changed=fields), "rules": _rules_of_versions(standard, before, after, hidden)}
    )


def is_disclosed(standard: Standard, field: FieldSpec, version: str) -> bool:
    """Whether the template of a version shows the field."""
    order = standard.version_names.index
    return field.hidden_from is None or order(version) < order(field.hidden_from)


def is_in_force(standard: Standard, rule: Rule, version: str) -> bool:
    """Whether a rule judges what is disclosed under a version."""
    order = standard.version_names.index
    return (
        rule.state == "active"
        and order(rule.since) <= order(version)
        and (rule.until is None or order(version) <= order(rule.until))
    )


def _rules_of_versions(standard: Standard, before: str, after: str, hidden: Mapping[str, set[str]]) -> Section:
    touched: dict[str, list[str]] = {}
    for table in standard.tables:
        for check in checks_of(standard, table, ()):
            if check.field and not any(token in check.rule.check for token in TOKENS_OF_HIDDEN):
                continue
            touched.setdefault(check.rule.id, []).extend(
                f"{table}.{name}" for name in check.fields if name in hidden[table]
            )
    kinds: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
    for rule in standard.rules.values():
        then, now = is_in_force(standard, rule, before), is_in_force(standard, rule, after)
        if then != now:
            kinds["added" if now else "withdrawn"].append(Entry(rule.id, rule.message))
        elif now and touched.get(rule.id):
            names = list(dict.fromkeys(touched[rule.id]))
            changes = [
                [name for name in names if is_disclosed(standard, _field(standard, name), version)]
                for version in (before, after)
            ]
            kinds["changed"].append(Entry(rule.id, rule.message, (Change(DISCLOSED_FIELDS, *changes),)))
    return Section(**{kind: tuple(entries) for kind, entries in kinds.items()})


def _field(standard: Standard, name: str) -> FieldSpec:
    table, _, field = name.partition(".")
    return standard.tables[table].by_name[field]


def difference_of_standards(before: Standard, after: Standard) -> Difference:
    """What one whole standard says otherwise than another."""
    return Difference(
        str(before.directory),
        str(after.directory),
        {
            "head": _compared(_head_of(before), _head_of(after)),
            "tables": _compared(_tables_of(before), _tables_of(after)),
            "fields": _compared(_fields_of(before), _fields_of(after)),
            "codes": _compared(_codes_of(before), _codes_of(after)),
            "rules": _compared(_rules_of(before), _rules_of(after), lambda rule: rule["state"] in GONE),
        },
    )


_Parts = dict[str, tuple[Bilingual, dict[str, Any]]]


def _plain(model: BaseModel, *left_out: str) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude=set(left_out))


def _head_of(standard: Standard) -> _Parts:
    return {
        "standard.yml": (standard.head.title, _plain(standard.head)),
        "macros.sql": (Bilingual(zh="SQL 宏", en="SQL macros"), _macros(standard)),
        **{
            f"registers/{name}.csv": (Bilingual(zh="登记册", en="Register"), {"rows": list(rows)})
            for name, rows in standard.registers.items()
        },
    }


def _macros(standard: Standard) -> dict[str, Any]:
    """Each macro under its name, so that one changed macro is not told as a changed file."""
    found = {}
    for statement in filter(None, (part.strip() for part in standard.macros.split(";\n"))):
        named = MACRO_NAME.search(statement)
        found[named[1] if named else statement] = statement
    return found


def _tables_of(standard: Standard) -> _Parts:
    return {name: (table.title, _plain(table, "fields")) for name, table in standard.all_tables.items()}


def _fields_of(standard: Standard) -> _Parts:
    return {
        f"{name}.{field.name}": (Bilingual(zh=field.zh, en=field.en), _plain(field))
        for name, table in standard.all_tables.items()
        for field in table.fields
    }


def _codes_of(standard: Standard) -> _Parts:
    return {
        f"{name}.{code.code}": (Bilingual(zh=code.zh, en=code.en), _plain(code))
        for name, codes in standard.codes.items()
        for code in codes
    }


def _rules_of(standard: Standard) -> _Parts:
    return {rule.id: (rule.message, _plain(rule)) for rule in standard.rules.values()}


def _never(part: Mapping[str, Any]) -> bool:
    return False


def _compared(before: _Parts, after: _Parts, is_gone: Callable[[Mapping[str, Any]], bool] = _never) -> Section:
    """What is new, different or no longer in force; what is gone on both sides is not told."""
    kinds: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
    for name in dict.fromkeys([*before, *after]):
        title, then = before.get(name, (None, {}))
        new_title, now = after.get(name, (title, {}))
        was, is_there = name in before and not is_gone(then), name in after and not is_gone(now)
        changes = tuple(_changes(then, now)) if name in before and name in after else ()
        shown = new_title if is_there or title is None else title
        if shown is None or not (was or is_there):
            continue
        if was != is_there:
            kinds["added" if is_there else "withdrawn"].append(Entry(name, shown, changes))
        elif changes:
            kinds["changed"].append(Entry(name, shown, changes))
    return Section(**{kind: tuple(entries) for kind, entries in kinds.items()})


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], path: Sequence[str] = ()) -> Iterator[Change]:
    """The keys that differ, nested ones as `message.zh`; lists are compared whole."""
    for key in dict.fromkeys([*before, *after]):
        then, now = before.get(key), after.get(key)
        if isinstance(then, dict) and isinstance(now, dict):
            yield from _changes(then, now, (*path, key))
        elif then != now:
            yield Change(".".join((*path, key)), then, now)
