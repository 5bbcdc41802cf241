"""Every active rule of the standard, by its own examples.

A bad example breaks its rule; a good one breaks no rule at all. So a check that is negated, removed or widened is found
by its own examples, and one that is too wide by everybody else's.
"""

from collections import defaultdict

import pytest

from expectations.examples import judge_example, rules_fired
from expectations.spec import load_standard

STANDARD = load_standard()
ACTIVE = [rule for rule in STANDARD.rules.values() if rule.state == "active"]
ROW_RULES = STANDARD.with_rules(rule for rule in ACTIVE if rule.scope == "row")
SET_RULES = STANDARD.with_rules(rule for rule in ACTIVE if rule.scope != "row")


def fired(standard, rule, rows, alone=False):
    """Ids of the rules that a small filing of these rows breaks."""
    result = judge_example(standard, rule, rows, alone)
    assert result.rows == len(rows) > 0
    return {check.rule.id for check, count in result.counts.items() if count}


def test_the_standard_has_rules_in_every_category_scope_and_severity():
    assert len(ACTIVE) >= 170
    assert {rule.category for rule in ACTIVE} == {"schema", "permission", "logical", "business", "representativeness"}
    assert {rule.scope for rule in ACTIVE} == {"row", "table", "cross"}
    assert {rule.severity for rule in ACTIVE} == {"reject", "hold", "warn", "info"}


@pytest.mark.parametrize("rule", ACTIVE, ids=lambda rule: rule.id)
def test_a_rule_fires_on_its_bad_example(rule):
    assert rule.id in fired(STANDARD, rule, rule.bad_rows, alone=True)


@pytest.mark.parametrize("table", STANDARD.all_tables)
def test_no_row_rule_fires_on_any_good_example(table):
    """All pairs of rule and good example, in one pass for each table (and each surrounding filing)."""
    examples = defaultdict(list)
    for rule in ACTIVE:
        if rule.judged_table == table:
            surrounding = tuple(tuple(row.items()) for row in rule.given.get("context", ()))
            examples[surrounding].extend((rule.id, row) for row in rule.good_rows)
    assert sum(map(len, examples.values())) >= 10
    wrong = {
        f"{rule_id} on the good example of {owner}"
        for surrounding, owned in examples.items()
        for owner, rule_id in rules_fired(ROW_RULES, table, owned, [dict(row) for row in surrounding])
    }
    assert wrong == set()


@pytest.mark.parametrize("rule", ACTIVE, ids=lambda rule: rule.id)
def test_no_rule_over_many_rows_fires_on_a_good_example(rule):
    assert fired(SET_RULES, rule, rule.good_rows) == set()
