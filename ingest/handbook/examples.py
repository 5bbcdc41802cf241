"""A rule's examples as its page shows them: the few cells that matter, beside the standard's example row."""

from collections.abc import Sequence
from dataclasses import dataclass

from expectations.findings import mask
from expectations.spec import Bilingual, Cell, Row, Rule, Standard
from ingest.handbook.words import UI

SHOWN_ROWS = 3
SHOWN_AROUND = 4


@dataclass(frozen=True)
class ExampleCell:
    """One cell; `differs` marks what a bad row has and the good one has not."""

    text: Cell
    differs: bool


@dataclass(frozen=True)
class ExampleLine:
    """One field with its value in the example row, in the good rows and in the bad rows."""

    field: str
    standard: Cell
    good: tuple[Cell, ...]
    bad: tuple[ExampleCell, ...]


@dataclass(frozen=True)
class Around:
    """Rows of another relation that the examples stand beside."""

    title: Bilingual
    rows: tuple[str, ...]
    total: int


def example_lines(standard: Standard, rule: Rule) -> list[ExampleLine]:
    """The fields that the examples or the rule name, in the table's order, then any column that no field is."""
    table = rule.judged_table
    good, bad = ([standard.example_row(table, row) for row in rows] for rows in (rule.good_rows, rule.bad_rows))
    base = standard.example_row(table)
    named = {name for row in (*rule.good_rows, *rule.bad_rows) for name in row} | set(rule.fields)
    known = [name for name in standard.all_tables[table].by_name if name in named]
    extra = [name for row in (*good, *bad) for name in row if name in named and name not in known]

    def cell(row: Row, name: str) -> Cell:
        return mask(standard, row.get(name)) or None

    def line(name: str) -> ExampleLine:
        fine = tuple(cell(row, name) for row in good[:SHOWN_ROWS])
        broken = tuple(cell(row, name) for row in bad[:SHOWN_ROWS])
        marked = tuple(ExampleCell(text, text not in fine) for text in broken)
        return ExampleLine(name, cell(base, name), fine, marked)

    return [line(name) for name in (*known, *dict.fromkeys(extra))]


def surroundings(standard: Standard, rule: Rule) -> list[Around]:
    """What a rule's `given` puts around its examples, each relation with its first rows."""
    return [
        Around(_title(standard, name), tuple(_told(standard, row) for row in rows[:SHOWN_AROUND]), len(rows))
        for name, rows in rule.given.items()
    ]


def more_rows(rows: Sequence[Row]) -> int | None:
    """How many example rows there are, when not all of them are shown."""
    return len(rows) if len(rows) > SHOWN_ROWS else None


def _title(standard: Standard, name: str) -> Bilingual:
    kind, _, table = name.partition("_")
    if name == "context":
        return UI["filing"]
    if table in standard.all_tables and kind in ("known", "filed"):
        word, title = UI["accepted" if kind == "known" else "filed"], standard.all_tables[table].title
        return Bilingual(zh=f"{word.zh}{title.zh}", en=f"{word.en} {title.en.lower()}")
    return Bilingual(zh=f"{UI['register'].zh} {name}", en=f"{UI['register'].en} {name}")


def _told(standard: Standard, row: Row) -> str:
    return "; ".join(f"{name} = {mask(standard, text)}" for name, text in row.items() if text)
