"""The loader of a standard: it refuses whatever is missing, unknown, written twice or pointing nowhere.

This module alone knows how the YAML and CSV files are laid out; what it returns are the objects of
`expectations.model`, which it offers to everybody else as well.
"""

import csv
import datetime
import decimal
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from expectations.headers import field_headers, plain_header
from expectations.model import (
    ANY_TABLE,
    FILING_TABLE,
    MISSING_CODES,
    NAME_PATTERN,
    Bilingual,
    Category,
    Cell,
    Code,
    ExampleSurroundings,
    FieldSpec,
    ForeignKey,
    Parameter,
    PersonalPattern,
    Row,
    Rule,
    RuleException,
    Severity,
    Standard,
    StandardError,
    StandardFile,
    State,
    TableSpec,
    Version,
)
from expectations.parsed_files import keep, recall

__all__ = [
    "ANY_TABLE",
    "FILING_TABLE",
    "MISSING_CODES",
    "NAME_PATTERN",
    "STANDARD_DIR",
    "Bilingual",
    "Category",
    "Cell",
    "Code",
    "ExampleSurroundings",
    "FieldSpec",
    "ForeignKey",
    "Parameter",
    "PersonalPattern",
    "Row",
    "Rule",
    "RuleException",
    "Severity",
    "Standard",
    "StandardError",
    "StandardFile",
    "State",
    "TableSpec",
    "Version",
    "load_rule",
    "load_standard",
]

# Columns that the engine puts beside a table's fields.
TAKEN_NAMES = ("row_number", "standard_version", "filing_id", "filing_period", "is_filed", "missing_reasons")
STANDARD_DIR = Path(__file__).parent / "standard"
TYPE_PATTERN = re.compile(r"(?:text|date|timestamp|integer|boolean|decimal\(\d+,\d+\)|code\(\w+\))\Z")


class _Loader(yaml.CSafeLoader):
    """YAML that refuses a key written twice: the plain loader would keep the last and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key twice: {name}", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _load_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StandardError(f"{path}: not YAML: {error}") from error


def _parse(model: type[BaseModel], data: Any, path: Path) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise StandardError(f"{path}: {error}") from error


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        raise StandardError(f"{path}: " + "; ".join(problems))


def _check_head(path: Path, head: StandardFile) -> None:
    problems = [] if head.versions else ["no versions"]
    names = [version.version for version in head.versions]
    problems += [f"version twice: {name}" for name in sorted({name for name in names if names.count(name) > 1})]
    problems += [f"unknown missing-data code {code}" for code in head.missing_codes if code not in MISSING_CODES]
    problems += [
        f"parameter {name}: {parameter.value} is not a {parameter.type}"
        for name, parameter in head.parameters.items()
        if not _is_value(parameter)
    ]
    for pattern in head.personal_data:
        try:
            if re.compile(pattern.pattern).groups != 1:
                problems.append(f"{pattern.id}: a pattern has one group, which is masked")
        except re.error as error:
            problems.append(f"{pattern.id}: {error}")
    _refuse(path, problems)


def _is_value(parameter: Parameter) -> bool:
    read: dict[str, Callable[[str], Any]] = {
        "text": str,
        "integer": int,
        "date": datetime.date.fromisoformat,
        "decimal": decimal.Decimal,
    }
    try:
        read[parameter.type.partition("(")[0]](parameter.value)
    except (ValueError, decimal.InvalidOperation):
        return False
    return True


def _check_table(path: Path, spec: TableSpec, standard: Standard) -> None:
    codes, versions = standard.codes, standard.version_names
    names = [field.name for field in spec.fields]
    headers = [header for field in spec.fields for header in {*map(plain_header, field_headers(standard, field))}]
    problems = [
        f"{kind} twice: {name}"
        for kind, given in (("field", names), ("header", headers))
        for name in sorted({name for name in given if given.count(name) > 1})
    ]
    problems += [
        f"unknown field {name}"
        for name in (*spec.key, spec.version_date, spec.principal_field, *spec.near_by, *_tally_fields(spec))
        if name and name not in names
    ]
    taken = {*TAKEN_NAMES, *standard.head.context}.intersection(names)
    problems += [f"field {name}: the name is taken" for name in sorted(taken)]
    if spec.table != path.stem:
        problems.append(f"table {spec.table} is not the file's name")
    if spec.system != (spec.table == FILING_TABLE):
        problems.append(f"the system table, and no other, is called {FILING_TABLE}")
    for foreign in spec.foreign_keys:
        parent = standard.all_tables.get(foreign.table)
        if parent is None:
            problems.append(f"foreign key: unknown table {foreign.table}")
        elif unknown := [*set(foreign.fields).difference(names), *set(foreign.references).difference(parent.by_name)]:
            problems.append(f"foreign key: unknown field {', '.join(sorted(unknown))}")
        if not len(foreign.fields) == len(foreign.references) > 0:
            problems.append(f"foreign key to {foreign.table}: as many fields as it references")
    for field in spec.fields:
        if not TYPE_PATTERN.match(field.type):
            problems.append(f"{field.name}: unknown type {field.type}")
        problems += [
            f"{field.name}: unknown code list {name}"
            for name in (field.code_list, field.states)
            if name and name not in codes
        ]
        problems += [
            f"{field.name}: unknown missing-data code {code}"
            for code in field.nd
            if code not in standard.head.missing_codes
        ]
        if field.separator:
            spelled = [text for code in codes.get(field.code_list or "", ()) for text in code.spellings]
            if not field.code_list:
                problems.append(f"{field.name}: a separator is for a type of code()")
            problems += [
                f"{field.name}: the separator stands in code {text}" for text in spelled if field.separator in text
            ]
        if field.hidden_from and field.hidden_from not in versions:
            problems.append(f"{field.name}: unknown version {field.hidden_from}")
    _refuse(path, problems)


def _tally_fields(spec: TableSpec) -> tuple[str, ...]:
    return spec.tally.by if spec.tally else ()


def _check_rule(path: Path, rule: Rule, standard: Standard) -> None:
    problems = []
    if rule.id != path.stem:
        problems.append(f"id {rule.id} is not the file's name")
    if not rule.good_rows or not rule.bad_rows:
        problems.append("at least one good and one bad example")
    unknown = {rule.table, rule.judged_table}.difference(standard.all_tables, {ANY_TABLE} if rule.example_table else ())
    problems += [f"unknown table {name}" for name in sorted(unknown)]
    if not unknown:
        known = standard.all_tables[rule.judged_table].by_name
        problems += [f"unknown field {name}" for name in rule.fields if name not in known]
        problems += [
            f"example of unknown field {name}"
            for row in (*rule.good_rows, *rule.bad_rows)
            for name in row
            if name not in known and rule.for_each != "columns"
        ]
        abbreviation = "SCH" if rule.table == ANY_TABLE else standard.all_tables[rule.table].abbreviation
        if not re.fullmatch(rf"{standard.head.id_prefix}-{abbreviation}-\d{{3}}", rule.id):
            problems.append(f"id must be {standard.head.id_prefix}-{abbreviation}-nnn")
    problems += [
        f"unknown version {name}" for name in (rule.since, rule.until) if name and name not in standard.version_names
    ]
    if rule.exceptions and not {"filing_subject", "filing_period_end"} <= set(standard.head.context):
        problems.append("exceptions need filing_subject and filing_period_end in the context")
    known_relations = {
        "context",
        *standard.head.references,
        *(f"known_{name}" for name in standard.all_tables),
        *(f"filed_{name}" for name in standard.all_tables),
    }
    problems += [f"given: unknown relation {name}" for name in rule.given if name not in known_relations]
    if bool(rule.fields) == bool(rule.for_each):
        problems.append("name either fields or for_each")
    _refuse(path, problems)


def load_rule(path: Path, standard: Standard) -> Rule:
    """Return the rule that a file holds, as if it lay in the standard's folder of rules.

    Raises:
        StandardError: it is no rule of this standard; the text names the file.
    """
    rule: Rule = _parse(Rule, _load_yaml(path), path)
    _check_rule(path, rule, standard)
    return rule


def _load_codes(directory: Path) -> dict[str, tuple[Code, ...]]:
    lists = {}
    for path in sorted((directory / "codes").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            rows = csv.DictReader(handle, restkey="more cells than columns")
            try:
                codes = tuple(_parse(Code, row, path) for row in rows)
            except (UnicodeDecodeError, csv.Error) as error:
                raise StandardError(f"{path}: not CSV: {error}") from error
        spellings = [text for code in codes for text in code.spellings]
        _refuse(path, [f"spelled twice: {text}" for text in sorted({t for t in spellings if spellings.count(t) > 1})])
        _refuse(path, [] if codes else ["no codes"])
        lists[path.stem] = codes
    return lists


def _load_registers(directory: Path, head: StandardFile) -> dict[str, tuple[Row, ...]]:
    """Rows of references that the standard brings along: `registers/<reference>.csv`, the columns as declared."""
    registers = {}
    for path in sorted((directory / "registers").glob("*.csv")):
        shape = head.references.get(path.stem)
        if shape is None:
            raise StandardError(f"{path}: {path.stem} is not among the references of standard.yml")
        with path.open(encoding="utf-8", newline="") as handle:
            try:
                reader = csv.DictReader(handle, restkey="more cells than columns", restval="fewer cells than columns")
                rows = tuple({name: text or None for name, text in row.items()} for row in reader)
                headers = reader.fieldnames
            except (UnicodeDecodeError, csv.Error) as error:
                raise StandardError(f"{path}: not CSV: {error}") from error
        if list(headers or ()) != list(shape) or any(len(row) != len(shape) for row in rows):
            raise StandardError(f"{path}: its columns must be {', '.join(shape)}")
        registers[path.stem] = rows
    return registers


def _digest(directory: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(directory).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def load_standard(directory: Path = STANDARD_DIR) -> Standard:
    """Return the standard that a directory holds, read once a process.

    Raises:
        StandardError: anything missing, unknown, written twice or pointing nowhere; the text names the file.
    """
    # resolved before the cache: the same relative path means another directory once the process has moved
    return _load(directory.resolve())


@lru_cache(maxsize=8)
def _load(directory: Path) -> Standard:
    head_path = directory / "standard.yml"
    if not head_path.is_file():
        raise StandardError(f"{directory}: no standard.yml / 目录中没有 standard.yml")
    head: StandardFile = _parse(StandardFile, _load_yaml(head_path), head_path)
    _check_head(head_path, head)
    table_paths = sorted((directory / "tables").glob("*.yml"))
    rule_paths = sorted((directory / "rules").glob("*.yml"))
    macros_path = directory / "macros.sql"
    lists = [*sorted((directory / "codes").glob("*.csv")), *sorted((directory / "registers").glob("*.csv"))]
    files = [head_path, *table_paths, *lists, *rule_paths]
    if macros_path.is_file():
        files.append(macros_path)
    sha256 = _digest(directory, files)
    is_ours = directory == STANDARD_DIR.resolve()  # nobody else's folder is written to
    known = recall(directory, sha256) if is_ours else None
    read = known or {path.name: _load_yaml(path) for path in (*table_paths, *rule_paths)}
    codes = _load_codes(directory)
    tables = {path.stem: _parse(TableSpec, read[path.name], path) for path in table_paths}
    rules = {path.stem: _parse(Rule, read[path.name], path) for path in rule_paths}
    registers = _load_registers(directory, head)
    standard = Standard(
        head=head,
        tables=tables,
        codes=codes,
        rules=rules,
        macros=macros_path.read_text(encoding="utf-8") if macros_path.is_file() else "",
        sha256=sha256,
        directory=directory,
        registers=registers,
    )
    for path, spec in zip(table_paths, tables.values(), strict=True):
        _check_table(path, spec, standard)
    for path, rule in zip(rule_paths, rules.values(), strict=True):
        _check_rule(path, rule, standard)
    if is_ours and known is None:
        keep(directory, sha256, read)
    return standard
