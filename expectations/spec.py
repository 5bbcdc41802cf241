"""The disclosure standard as typed objects: loaded once from `expectations/standard/`, refused when in doubt.

This module alone knows how the YAML and CSV files are laid out. Everything else (engine SQL, Great Expectations
suites, templates, schemas, handbook) derives from the objects below.
"""

import csv
import datetime
import hashlib
import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

STANDARD_DIR = Path(__file__).parent / "standard"

Severity = Literal["reject", "hold", "warn", "info"]
Category = Literal["schema", "permission", "logical", "business", "representativeness"]
Scope = Literal["row", "table", "cross"]
State = Literal["proposed", "active", "disabled", "withdrawn"]
ForEach = Literal["columns", "typed_fields", "code_fields", "state_fields", "required_fields", "missing_fields", "hidden_fields"]

ANY_TABLE = "*"
TYPE_PATTERN = re.compile(r"(?:text|date|timestamp|integer|boolean|decimal\(\d+,\d+\)|code\(\w+\))\Z")
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"


class StandardError(Exception):
    """The standard itself is wrong: its maintainers must act, never a filer."""


def _as_text(value: Any) -> Any:
    """YAML reads 2026-03-13 and 0.50 as date and float; an example cell is what a filer would type."""
    if value is None or isinstance(value, (str, list, dict)):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


Cell = Annotated[str | None, BeforeValidator(_as_text)]
Row = dict[str, Cell]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(_Model):
    """One text in Chinese and in English."""

    zh: str
    en: str


class Version(_Model):
    """A version of the standard, in force for things disclosed from `valid_from` to `valid_to` (inclusive; null is open)."""

    version: str
    valid_from: datetime.date
    valid_to: datetime.date | None
    title: Bilingual


class PersonalPattern(_Model):
    """A kind of personal data that no cell may hold; group 1 of the pattern is what gets masked."""

    id: str
    zh: str
    en: str
    pattern: str


class FieldSpec(_Model):
    """A column of a table of the standard. Amounts are CNY, ratios are 0-1, `_at` is local time of China."""

    name: str = Field(pattern=NAME_PATTERN)
    zh: str
    en: str
    labels: tuple[str, ...] = ()
    type: str
    unit: str | None = None
    required: bool = False
    required_when: str | None = None
    hidden_from: str | None = None
    default: Cell = None
    nd: tuple[str, ...] = ()
    states: str | None = None
    sensitivity: Literal["public", "restricted", "personal"] = "public"
    eba: tuple[str, ...] = ()
    example: Cell = None
    note: Bilingual | None = None

    @property
    def base_type(self) -> str:
        """The type without its arguments: `decimal(18,2)` is `decimal`."""
        return self.type.partition("(")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What stands in the type's brackets: `("18", "2")`, or the code list's name."""
        return tuple(part.strip() for part in self.type.partition("(")[2].rstrip(")").split(",") if part)

    @property
    def code_list(self) -> str | None:
        """The code list a value must come from; null for other types."""
        return self.arguments[0] if self.base_type == "code" else None

    @property
    def can_be_required(self) -> bool:
        return self.required or self.required_when is not None


class ForeignKey(_Model):
    """A reference to another table of the same filing; a held parent row holds its children."""

    fields: tuple[str, ...]
    table: str
    references: tuple[str, ...]


class TableSpec(_Model):
    """A table that institutions file (or, with `system`, one that the platform makes of each filing)."""

    table: str = Field(pattern=NAME_PATTERN)
    title: Bilingual
    grain: Bilingual
    abbreviation: str
    system: bool = False
    key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    version_date: str | None = None
    principal_field: str | None = None
    fields: tuple[FieldSpec, ...]

    @cached_property
    def by_name(self) -> dict[str, FieldSpec]:
        return {field.name: field for field in self.fields}

    @cached_property
    def by_header(self) -> dict[str, str]:
        """Every header a file may use (name, Chinese label, further labels) with the field it means."""
        return {header: field.name for field in self.fields for header in (field.name, field.zh, *field.labels)}


class Code(_Model):
    """One entry of a code list; `parent` groups it (an asset type's business, a seller type's group)."""

    code: str
    zh: str
    en: str
    valid_from: str = ""
    valid_to: str = ""
    aliases: str = ""
    parent: str = ""
    source: str

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every way to write this code in a filing; the code itself first."""
        return tuple(dict.fromkeys(text for text in (self.code, self.zh, *self.aliases.split(";")) if text))


class Rule(_Model):
    """One rule of the standard: what must hold, what to say when it does not, and its own examples."""

    id: str
    table: str
    severity: Severity
    category: Category
    since: str
    until: str | None = None
    state: State
    scope: Scope
    fields: tuple[str, ...] = ()
    for_each: ForEach | None = None
    when: str | None = None
    check: str
    show: dict[str, str] = {}
    message: Bilingual
    remedy: Bilingual
    suggestion: str | None = None
    why: Bilingual | None = None
    source: str
    exceptions: tuple["RuleException", ...] = ()
    example_table: str | None = None
    given: dict[str, tuple[Row, ...]] = {}
    good: Row | tuple[Row, ...]
    bad: Row | tuple[Row, ...]

    @property
    def judged_table(self) -> str:
        """The table that its examples are rows of."""
        return self.example_table or self.table

    @property
    def good_rows(self) -> tuple[Row, ...]:
        return self.good if isinstance(self.good, tuple) else (self.good,)

    @property
    def bad_rows(self) -> tuple[Row, ...]:
        return self.bad if isinstance(self.bad, tuple) else (self.bad,)


class RuleException(_Model):
    """A dated exception: this institution's filings are not judged by the rule in these days."""

    institution: str
    valid_from: datetime.date
    valid_to: datetime.date
    reason: str


class ExampleSurroundings(_Model):
    """The filing and the registers around every rule's example; a rule's `given` adds to them."""

    context: Row = {}
    references: dict[str, tuple[Row, ...]] = {}


class _StandardFile(_Model):
    name: str
    title: Bilingual
    id_prefix: str
    versions: tuple[Version, ...]
    hold_ceiling: float
    missing_codes: dict[str, Bilingual]
    context: dict[str, str]
    references: dict[str, dict[str, str]]
    personal_data: tuple[PersonalPattern, ...] = ()
    examples: ExampleSurroundings = ExampleSurroundings()


class Standard:
    """A whole standard: `head` (standard.yml), tables, code lists, rules, SQL macros and the digest of all its bytes."""

    def __init__(self, head: _StandardFile, tables: dict[str, TableSpec], codes: dict[str, tuple[Code, ...]],
                 rules: dict[str, Rule], macros: str, sha256: str, directory: Path) -> None:
        self.head = head
        self.all_tables = tables
        self.codes = codes
        self.rules = rules
        self.macros = macros
        self.sha256 = sha256
        self.directory = directory

    @property
    def tables(self) -> dict[str, TableSpec]:
        """The tables that institutions file."""
        return {name: table for name, table in self.all_tables.items() if not table.system}

    @property
    def version_names(self) -> tuple[str, ...]:
        return tuple(version.version for version in self.head.versions)

    @property
    def latest_version(self) -> str:
        return self.version_names[-1]

    def with_rules(self, rules: Iterable[Rule]) -> "Standard":
        """The same standard with these rules only (same digest: for looking at rules one by one, not for judging)."""
        return Standard(self.head, self.all_tables, self.codes, {rule.id: rule for rule in rules}, self.macros, self.sha256,
                        self.directory)

    def version_on(self, day: datetime.date) -> str | None:
        """The version in force on a day; null before the first."""
        for version in self.head.versions:
            if version.valid_from <= day and (version.valid_to is None or day <= version.valid_to):
                return version.version
        return None

    def rules_of(self, table: str) -> list[Rule]:
        """The active rules that judge a table, by id; system tables take no rule of all tables."""
        names = {table} if self.all_tables[table].system else {table, ANY_TABLE}
        return [rule for rule in self.rules.values() if rule.table in names and rule.state == "active"]

    def example_row(self, table: str, overrides: Row | None = None) -> Row:
        """A complete valid row, with a rule's example written over it.

        Fields that the template hides in the row's version are left out unless the example itself names them.
        """
        spec = self.all_tables[table]
        overrides = overrides or {}
        row = {field.name: field.example or None for field in spec.fields} | overrides
        version = self._version_of(spec, row)
        for field in spec.fields:
            if field.hidden_from and version and field.name not in overrides:
                if self.version_names.index(version) >= self.version_names.index(field.hidden_from):
                    row[field.name] = None
        return row

    def _version_of(self, spec: TableSpec, row: Row) -> str | None:
        text = row.get(spec.version_date) if spec.version_date else None
        try:
            return self.version_on(datetime.date.fromisoformat(text)) if text else self.latest_version
        except ValueError:
            return self.latest_version


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


def _check_head(path: Path, head: _StandardFile) -> None:
    problems = [] if head.versions else ["no versions"]
    names = [version.version for version in head.versions]
    problems += [f"version twice: {name}" for name in sorted({name for name in names if names.count(name) > 1})]
    for pattern in head.personal_data:
        try:
            if re.compile(pattern.pattern).groups != 1:
                problems.append(f"{pattern.id}: a pattern has one group, which is masked")
        except re.error as error:
            problems.append(f"{pattern.id}: {error}")
    _refuse(path, problems)


def _check_table(path: Path, spec: TableSpec, standard: Standard) -> None:
    codes, versions = standard.codes, standard.version_names
    names = [field.name for field in spec.fields]
    headers = [header for field in spec.fields for header in {field.name, field.zh, *field.labels}]
    problems = [f"{kind} twice: {name}" for kind, given in (("field", names), ("header", headers))
                for name in sorted({name for name in given if given.count(name) > 1})]
    problems += [f"unknown field {name}" for name in (*spec.key, spec.version_date, spec.principal_field)
                 if name and name not in names]
    if spec.table != path.stem:
        problems.append(f"table {spec.table} is not the file's name")
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
        problems += [f"{field.name}: unknown code list {name}" for name in (field.code_list, field.states)
                     if name and name not in codes]
        problems += [f"{field.name}: unknown missing-data code {code}" for code in field.nd
                     if code not in standard.head.missing_codes]
        if field.hidden_from and field.hidden_from not in versions:
            problems.append(f"{field.name}: unknown version {field.hidden_from}")
    _refuse(path, problems)


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
        problems += [f"example of unknown field {name}" for row in (*rule.good_rows, *rule.bad_rows)
                     for name in row if name not in known and rule.for_each != "columns"]
        abbreviation = "SCH" if rule.table == ANY_TABLE else standard.all_tables[rule.table].abbreviation
        if not re.fullmatch(rf"{standard.head.id_prefix}-{abbreviation}-\d{{3}}", rule.id):
            problems.append(f"id must be {standard.head.id_prefix}-{abbreviation}-nnn")
    problems += [f"unknown version {name}" for name in (rule.since, rule.until)
                 if name and name not in standard.version_names]
    if rule.exceptions and not {"filing_subject", "filing_period_end"} <= set(standard.head.context):
        problems.append("exceptions need filing_subject and filing_period_end in the context")
    known_relations = {"context", *standard.head.references, *(f"known_{name}" for name in standard.all_tables),
                       *(f"filed_{name}" for name in standard.all_tables)}
    problems += [f"given: unknown relation {name}" for name in rule.given if name not in known_relations]
    if bool(rule.fields) == bool(rule.for_each):
        problems.append("name either fields or for_each")
    _refuse(path, problems)


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
        lists[path.stem] = codes
    return lists


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
    head: _StandardFile = _parse(_StandardFile, _load_yaml(head_path), head_path)
    _check_head(head_path, head)
    table_paths = sorted((directory / "tables").glob("*.yml"))
    rule_paths = sorted((directory / "rules").glob("*.yml"))
    macros_path = directory / "macros.sql"
    codes = _load_codes(directory)
    tables = {path.stem: _parse(TableSpec, _load_yaml(path), path) for path in table_paths}
    rules = {path.stem: _parse(Rule, _load_yaml(path), path) for path in rule_paths}
    files = [head_path, *table_paths, *sorted((directory / "codes").glob("*.csv")), *rule_paths]
    if macros_path.is_file():
        files.append(macros_path)
    standard = Standard(head=head, tables=tables, codes=codes, rules=rules,
                        macros=macros_path.read_text(encoding="utf-8") if macros_path.is_file() else "",
                        sha256=_digest(directory, files), directory=directory)
    for path, spec in zip(table_paths, tables.values(), strict=True):
        _check_table(path, spec, standard)
    for path, rule in zip(rule_paths, rules.values(), strict=True):
        _check_rule(path, rule, standard)
    return standard
