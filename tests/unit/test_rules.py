"""Every active rule of the standard, by its own examples.

A bad example breaks its rule; a good one breaks no rule at all. So a check that is negated or removed is found by its
own examples, and one that is too wide by everybody else's. Row rules are judged in one pass for each table.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest

from expectations.examples import ExampleJudge
from expectations.model import Row, Rule
from expectations.spec import Standard, load_standard

STANDARD = load_standard()
ACTIVE = [rule for rule in STANDARD.rules.values() if rule.state == "active"]
ROW_RULES = [rule for rule in ACTIVE if rule.scope == "row"]
SET_RULES = [rule for rule in ACTIVE if rule.scope != "row"]
Context = tuple[tuple[tuple[str, str | None], ...], ...]
REQUIRED = STANDARD.rules["NPL-SCH-003"]
# Rules that say more of a blank than that it is one, and the fields whose blank it is: no known notice gives that date
# either; without its date a notice is judged by the version of its period.
SAYS_MORE_OF_A_BLANK = {"NPL-PKG-066": {"first_listed_date"}, "NPL-SCH-007": {"announced_date"}}


@pytest.fixture(scope="module")
def examples() -> Iterator[ExampleJudge]:
    with ExampleJudge(STANDARD) as judge:
        yield judge


def context_of(rule: Rule) -> Context:
    return tuple(tuple(row.items()) for row in rule.given.get("context", ()))


def fired_in_passes(
    examples: ExampleJudge, rules: Standard, table: str, owned: Iterable[tuple[Rule, str, Row]]
) -> set[tuple[str, str]]:
    """(owner, rule) for every row rule that fires on a row: all rows of one table and context in one pass."""
    passes: dict[Context, list[tuple[str, Row]]] = defaultdict(list)
    for rule, owner, row in owned:
        passes[context_of(rule)].append((owner, row))
    assert passes
    return {
        pair
        for context, rows in passes.items()
        for pair in examples.rules_fired(rules, table, rows, [dict(row) for row in context])
    }


def bad_rows(table: str) -> list[tuple[Rule, str, Row]]:
    return [
        (rule, f"{rule.id} {number}", row)
        for rule in ROW_RULES
        if rule.judged_table == table
        for number, row in enumerate(rule.bad_rows)
    ]


def mutated(rule: Rule, check: str) -> Rule:
    return rule.model_copy(update={"check": check})


def words(rule: Rule) -> set[str]:
    return set(re.findall(r"\w+", f"{rule.when} {rule.check}"))


def firing(examples: ExampleJudge, rules: Iterable[Rule], owner: Rule, rows: tuple[Row, ...]) -> set[str]:
    """Ids of the rules that a small filing of these rows breaks, in the surroundings of the owner's examples."""
    result = examples.judge(STANDARD.with_rules(rules), owner, rows)
    assert result.rows == len(rows) > 0
    return {check.rule.id for check, count in result.counts.items() if count}


@pytest.fixture(scope="module")
def clean(examples: ExampleJudge) -> set[tuple[str, Context]]:
    """The tables and contexts in which the plain example row breaks no rule over many rows."""
    owners = {(rule.judged_table, context_of(rule)): rule for rule in ACTIVE}
    plain = {
        (table, context): rule.model_copy(update={"given": {"context": rule.given.get("context", ())}})
        for (table, context), rule in owners.items()
    }
    return {
        (table, context)
        for (table, context), owner in plain.items()
        if not firing(examples, [rule for rule in SET_RULES if rule.table == table], owner, ({},))
    }


def rules_that_see(rule: Rule, clean: set[tuple[str, Context]]) -> list[Rule]:
    """The rules over many rows that could tell the good example of a rule from a plain example row that is clean.

    Only what a rule names can change what it says: the example's cells, and the relations given around it.
    """
    table = rule.judged_table
    of_table = [other for other in SET_RULES if other.table == table]
    named = {name for row in rule.good_rows for name in row} | (rule.given.keys() - {"context"})
    named |= {name.replace("filed_", "known_") for name in rule.given}
    versioned = STANDARD.all_tables[table].version_date in named
    if len(rule.good_rows) > 1 or versioned or (table, context_of(rule)) not in clean:
        return of_table
    return [other for other in of_table if words(other) & named]


def required_fields(table: str) -> list[str]:
    return [field.name for field in STANDARD.all_tables[table].fields if field.can_be_required]


def blanks_of(rule: Rule) -> list[str]:
    """The fields that a rule names and that can be required."""
    return [name for name in required_fields(rule.judged_table) if name in words(rule)]


def test_the_standard_has_rules_in_every_category_scope_and_severity() -> None:
    assert len(ACTIVE) >= 170
    assert {rule.category for rule in ACTIVE} == {"schema", "permission", "logical", "business", "representativeness"}
    assert {rule.scope for rule in ACTIVE} == {"row", "table", "cross"}
    assert {rule.severity for rule in ACTIVE} == {"reject", "hold", "warn", "info"}


@pytest.mark.parametrize("table", STANDARD.all_tables)
def test_every_row_of_a_bad_example_breaks_its_row_rule(examples: ExampleJudge, table: str) -> None:
    owned = bad_rows(table)
    fired = fired_in_passes(examples, STANDARD.with_rules(ROW_RULES), table, owned)
    assert [owner for rule, owner, _ in owned if (owner, rule.id) not in fired] == []


@pytest.mark.parametrize("rule", SET_RULES, ids=lambda rule: rule.id)
def test_a_rule_over_many_rows_fires_on_its_bad_example(examples: ExampleJudge, rule: Rule) -> None:
    assert rule.id in firing(examples, [rule], rule, rule.bad_rows)


@pytest.mark.parametrize("table", STANDARD.all_tables)
def test_no_row_rule_fires_on_any_good_example(examples: ExampleJudge, table: str) -> None:
    """All pairs of rule and good example, in one pass for each table (and each surrounding filing)."""
    owned = [(rule, rule.id, row) for rule in ACTIVE if rule.judged_table == table for row in rule.good_rows]
    assert len(owned) >= 10
    assert fired_in_passes(examples, STANDARD.with_rules(ROW_RULES), table, owned) == set()


def test_the_example_row_of_every_table_breaks_no_rule_over_many_rows(clean: set[tuple[str, Context]]) -> None:
    assert {table for table, _ in clean} == set(STANDARD.all_tables)


@pytest.mark.parametrize("rule", ACTIVE, ids=lambda rule: rule.id)
def test_no_rule_over_many_rows_fires_on_a_good_example(
    examples: ExampleJudge, clean: set[tuple[str, Context]], rule: Rule
) -> None:
    assert firing(examples, rules_that_see(rule, clean), rule, rule.good_rows) == set()


@pytest.mark.parametrize("mutation", ["not ({check})", "true"], ids=["negated", "removed"])
@pytest.mark.parametrize("table", STANDARD.all_tables)
def test_a_row_rule_whose_check_is_mutated_is_caught(examples: ExampleJudge, table: str, mutation: str) -> None:
    mutants = STANDARD.with_rules(mutated(rule, mutation.format(check=rule.check)) for rule in ROW_RULES)
    bad = bad_rows(table)
    good = [(rule, rule.id, row) for rule in ROW_RULES if rule.judged_table == table for row in rule.good_rows]
    on_bad, on_good = (fired_in_passes(examples, mutants, table, owned) for owned in (bad, good))
    caught = {rule.id for rule, owner, _ in bad if (owner, rule.id) not in on_bad or (rule.id, rule.id) in on_good}
    assert caught == {rule.id for rule, _, _ in bad} != set()


@pytest.mark.parametrize("rule", SET_RULES, ids=lambda rule: rule.id)
def test_a_rule_over_many_rows_whose_check_is_negated_is_caught(examples: ExampleJudge, rule: Rule) -> None:
    mutant = mutated(rule, f"not ({rule.check})")
    caught = not firing(examples, [mutant], rule, rule.bad_rows) or firing(examples, [mutant], rule, rule.good_rows)
    assert caught


@pytest.mark.parametrize("table", STANDARD.tables)
def test_a_blank_required_cell_breaks_the_rule_of_required_cells_and_no_other_row_rule(
    examples: ExampleJudge, table: str
) -> None:
    """Every good example, once with each cell blank that can be required; where it is not, nothing is said."""
    owned = [
        (rule, f"{rule.id} {number} {name}", {**row, name: ""})
        for rule in ACTIVE
        if rule.judged_table == table
        for number, row in enumerate(rule.good_rows)
        for name in required_fields(table)
    ]
    fired = fired_in_passes(examples, STANDARD.with_rules(ROW_RULES), table, owned)
    blamed = {owner for owner, rule in fired if rule == REQUIRED.id}
    twice = {(rule, owner) for owner, rule in fired if owner in blamed and rule != REQUIRED.id}
    always = {field.name for field in STANDARD.tables[table].fields if field.required and not field.hidden_from}
    assert {owner.split()[-1] for owner in blamed} >= always != set()
    assert {
        (rule, owner) for rule, owner in twice if owner.split()[-1] not in SAYS_MORE_OF_A_BLANK.get(rule, set())
    } == set()


@pytest.mark.parametrize("rule", [rule for rule in SET_RULES if blanks_of(rule)], ids=lambda rule: rule.id)
def test_a_blank_required_cell_breaks_no_rule_over_many_rows(examples: ExampleJudge, rule: Rule) -> None:
    """All its blanks in one filing, as a filing for each takes minutes; what fires there is judged again one by one."""
    first, *others = rule.good_rows
    filings = {name: ({**first, name: ""}, *others) for name in blanks_of(rule)}
    blamed: set[str] = set()
    if firing(examples, [rule], rule, (*(blank for blank, *_ in filings.values()), *others)):
        both = {REQUIRED.id, rule.id}
        blamed = {name for name, rows in filings.items() if firing(examples, [REQUIRED, rule], rule, rows) == both}
    assert blamed == SAYS_MORE_OF_A_BLANK.get(rule.id, set())
