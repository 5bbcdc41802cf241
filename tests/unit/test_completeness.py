"""How complete a filing is: which cells count, how ESMA scores them, and that the decision and the report tell it."""

import shutil
from pathlib import Path

import duckdb
import pytest
from judging import ORCHARD_DIR, rows_of

from expectations import filed_rows, work_database
from expectations.completeness import REASONS, FieldCompleteness, completeness_of, score, score_of
from expectations.examples import text_rows
from expectations.spec import Row, Standard, load_standard

OLD, NEW = "2025-10-26", "2025-10-27"


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Standard:
    """The orchard with a height that is asked for only of apple trees, and a hidden field that may say why."""
    directory = Path(shutil.copytree(ORCHARD_DIR, tmp_path_factory.mktemp("standard") / "orchard"))
    path = directory / "tables" / "tree.yml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("unit: cm\n    nd: [ND2]", "unit: cm\n    required_when: fruit = 'AP'\n    nd: [ND1, ND2, ND3, ND4, ND5]"),
        ('hidden_from: "2.0"', 'hidden_from: "2.0"\n    nd: [ND1]'),
        ("en: Tree id, type: text, required: true", "en: Tree id, type: text, required: true, nd: [ND1]"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    head = directory / "standard.yml"
    codes = "".join(f"  {code}: {{zh: 无, en: none}}\n" for code in ("ND1", "ND3", "ND4", "ND5"))
    head.write_text(head.read_text(encoding="utf-8").replace("missing_codes:\n", f"missing_codes:\n{codes}"), "utf-8")
    return load_standard(directory)


def counted(standard: Standard, rows: list[Row]) -> dict[str, FieldCompleteness]:
    with duckdb.connect(":memory:") as con:
        work_database.load_rows(con, "tree", text_rows(rows))
        work_database.prepare(con, standard, standard.head.examples.context)
        filed_rows.type_rows(con, standard, "tree")
        return {each.field: each for each in completeness_of(con, standard, "tree")}


def heights(standard: Standard, *cells: str, fruit: str = "AP") -> FieldCompleteness:
    return counted(standard, rows_of(standard, "tree", *({"height_cm": cell, "fruit": fruit} for cell in cells)))[
        "height_cm"
    ]


@pytest.mark.parametrize(
    ("not_collected", "elsewhere", "asked", "expected"),
    [
        (0, 0, 0, None),
        (0, 0, 1, "A1"),
        (1, 0, 10, "B1"),
        (11, 0, 100, "C1"),
        (3, 0, 10, "C1"),
        (31, 0, 100, "D1"),
        (0, 1, 100, "A2"),
        (0, 2, 10, "A2"),
        (0, 21, 100, "A3"),
        (0, 4, 10, "A3"),
        (0, 41, 100, "A4"),
        (5, 5, 10, "D4"),
    ],
)
def test_a_score_changes_above_each_ceiling_and_not_at_it(
    not_collected: int, elsewhere: int, asked: int, expected: str | None
) -> None:
    assert score(not_collected, elsewhere, asked) == expected


def test_each_missing_code_is_counted_for_what_it_says(standard: Standard) -> None:
    found = heights(standard, "150", "ND1", "ND2", "ND3", "ND4-2026-12-31", "ND5")
    assert (found.rows, found.nd1, found.nd2_4, found.nd5) == (6, 1, 3, 1)
    assert (found.asked, found.blank, found.unexplained) == (5, 0, 0)
    assert found.score == "C4"


def test_what_does_not_apply_is_no_gap(standard: Standard) -> None:
    assert heights(standard, "150", "ND5", "ND5").score == "A1"
    assert heights(standard, "ND5").score is None


def test_a_blank_without_a_reason_scores_as_not_collected(standard: Standard) -> None:
    blank, told = heights(standard, "", "150"), heights(standard, "ND1", "150")
    assert (blank.blank, blank.unexplained, blank.nd1) == (1, 1, 0)
    assert blank.score == told.score == "D1"


def test_a_blank_that_the_rows_condition_does_not_ask_for_is_no_gap(standard: Standard) -> None:
    found = heights(standard, "", "150", fruit="PE")
    assert (found.blank, found.unexplained, found.asked, found.score) == (1, 0, 1, "A1")


def test_a_hidden_cell_is_no_gap_and_the_same_blank_before_is_one(standard: Standard) -> None:
    days = [{"planted_date": day, "grafted_by": cell} for day in (OLD, NEW) for cell in ("", "HIDDEN")]
    found = counted(standard, rows_of(standard, "tree", *days))["grafted_by"]
    assert (found.hidden, found.blank, found.unexplained, found.asked) == (3, 1, 1, 1)


def test_a_field_that_allows_no_reason_is_counted_and_not_scored(standard: Standard) -> None:
    found = counted(standard, rows_of(standard, "tree", {"orchard_id": ""}, {}))["orchard_id"]
    assert (found.rows, found.blank, found.asked, found.score) == (2, 1, 0, None)


def test_a_blank_that_takes_the_default_is_a_value(standard: Standard) -> None:
    found = counted(standard, rows_of(standard, "tree", {"fruit": ""}))["fruit"]
    assert (found.rows, found.blank) == (1, 0)


def test_a_column_that_was_not_filed_is_blank_in_every_row(standard: Standard) -> None:
    rows = [{"tree_id": f"T-{number}", "fruit": "AP"} for number in range(3)]
    found = counted(standard, rows)["height_cm"]
    assert (found.rows, found.blank, found.unexplained, found.score) == (3, 3, 3, "D1")


def test_a_table_is_scored_by_its_cells_and_not_by_its_fields_scores(standard: Standard) -> None:
    # height: 2 of 4 asked; tree id: none of 4; together 2 of 8, which is C, where the fields alone are D and A
    days = {"planted_date": NEW}
    rows = [days | {"tree_id": f"T-{number}", "height_cm": "ND1" if number < 2 else "150"} for number in range(4)]
    found = counted(standard, rows_of(standard, "tree", *rows))
    assert (found["height_cm"].score, found["tree_id"].score) == ("D1", "A1")
    assert score_of(found.values()) == "C1"


def test_every_field_of_every_table_of_ours_is_counted_and_scored_where_it_may_say_why() -> None:
    ours = load_standard()
    assert ours.tables
    for table in ours.tables:
        with duckdb.connect(":memory:") as con:
            work_database.load_rows(con, table, text_rows([ours.example_row(table)]))
            work_database.prepare(con, ours, ours.head.examples.context)
            filed_rows.type_rows(con, ours, table)
            found = completeness_of(con, ours, table)
        assert [each.field for each in found] == list(ours.tables[table].by_name)
        assert all(each.rows == 1 for each in found)
        may_say_why = {each.name for each in ours.tables[table].fields if set(each.nd) & set(REASONS)}
        assert {each.field for each in found if each.asked} <= may_say_why, table
        assert (score_of(found) is None) == (not may_say_why), table
