"""The disclosure standard as typed objects; `expectations.spec` loads them.

Everything else (engine SQL, Great Expectations suites, templates, schemas, handbook) derives from the objects below.
"""

import datetime
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Severity = Literal["reject", "hold", "warn", "info"]
Category = Literal["schema", "permission", "logical", "business", "representativeness"]
Scope = Literal["row", "table", "cross"]
State = Literal["proposed", "active", "disabled", "withdrawn"]
ForEach = Literal[
    "columns",
    "text_fields",
    "typed_fields",
    "code_fields",
    "state_fields",
    "required_fields",
    "missing_fields",
    "hidden_fields",
]

ANY_TABLE = "*"
# What a cell may hold in place of a value, in any standard; ND4 goes on with a date: ND4-2026-12-31.
MISSING_CODES = ("ND1", "ND2", "ND3", "ND4", "ND5", "HIDDEN")
# The one table that nobody files: the platform makes a row of it for each file of a filing.
FILING_TABLE = "filing"
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
    """A version of the standard, in force for things disclosed `valid_from` to `valid_to` (inclusive; null is open)."""

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


class Parameter(_Model):
    """A number or day that rules compare with, as `parameter_<name>()`: a share, a limit, a reference date."""

    zh: str
    en: str
    type: str = Field(pattern=r"^(?:text|integer|date|decimal\(\d+,\d+\))$")
    unit: str | None = None
    value: Annotated[str, BeforeValidator(_as_text)]


class FieldSpec(_Model):
    """A column of a table of the standard. Amounts are CNY, ratios are 0-1, `_at` is local time of China."""

    name: str = Field(pattern=NAME_PATTERN)
    zh: str
    en: str
    labels: tuple[str, ...] = ()
    type: str
    separator: str | None = Field(default=None, min_length=1)
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


class Tally(_Model):
    """Accepted rows counted by some fields; `counts` are SQL of aggregates that add up over any rows."""

    by: tuple[str, ...] = Field(min_length=1)
    counts: dict[str, str] = Field(min_length=1)


class TableSpec(_Model):
    """A table that institutions file (or, with `system`, one that the platform makes of each filing).

    `near_by` and `tally` say what rules across filings see of its accepted rows without reading them all
    (`expectations.near`): those that share one of these fields with what is filed, the earlier field's rows bringing
    their values of the later ones along, and how many there are.
    `example_filing` says who files the example row (`institution`) and for which `period`, where that is not who files
    the standard's other examples.
    """

    table: str = Field(pattern=NAME_PATTERN)
    title: Bilingual
    grain: Bilingual
    abbreviation: str
    system: bool = False
    key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    version_date: str | None = None
    principal_field: str | None = None
    near_by: tuple[str, ...] = ()
    tally: Tally | None = None
    example_filing: Row = {}
    fields: tuple[FieldSpec, ...]

    @cached_property
    def by_name(self) -> dict[str, FieldSpec]:
        return {field.name: field for field in self.fields}


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
    """The filing and the registers around every rule's example; a rule's `given` adds to them.

    `filed_together`: the tables whose example rows make one filing; a template of several tables is filled with these.
    """

    context: Row = {}
    references: dict[str, tuple[Row, ...]] = {}
    filed_together: tuple[str, ...] = ()


class StandardFile(_Model):
    name: str
    title: Bilingual
    id_prefix: str
    versions: tuple[Version, ...]
    hold_ceiling: float
    missing_codes: dict[str, Bilingual]
    context: dict[str, str]
    references: dict[str, dict[str, str]]
    parameters: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Parameter] = {}
    personal_data: tuple[PersonalPattern, ...] = ()
    examples: ExampleSurroundings = ExampleSurroundings()


class Standard:
    """A whole standard: `head` (standard.yml), tables, code lists, rules, SQL macros, and the digest of all bytes.

    `registers` are rows of references that lie in the standard's own folder; the platform fills the others.
    """

    def __init__(
        self,
        head: StandardFile,
        tables: dict[str, TableSpec],
        codes: dict[str, tuple[Code, ...]],
        rules: dict[str, Rule],
        macros: str,
        sha256: str,
        directory: Path,
        registers: dict[str, tuple[Row, ...]] | None = None,
    ) -> None:
        self.head = head
        self.all_tables = tables
        self.codes = codes
        self.rules = rules
        self.macros = macros
        self.sha256 = sha256
        self.directory = directory
        self.registers = registers or {}

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
        return Standard(
            self.head,
            self.all_tables,
            self.codes,
            {rule.id: rule for rule in rules},
            self.macros,
            self.sha256,
            self.directory,
            self.registers,
        )

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
        order = self.version_names.index
        for field in spec.fields:
            if field.hidden_from and version and order(version) >= order(field.hidden_from):
                row[field.name] = overrides.get(field.name)
        return row

    def _version_of(self, spec: TableSpec, row: Row) -> str | None:
        text = row.get(spec.version_date) if spec.version_date else None
        try:
            return self.version_on(datetime.date.fromisoformat(text)) if text else self.latest_version
        except ValueError:
            return self.latest_version
