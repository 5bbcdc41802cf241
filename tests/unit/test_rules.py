"""Every active rule of the standard, by its own examples."""

import pytest

from expectations.examples import judge_example
from expectations.spec import load_standard

STANDARD = load_standard()
ACTIVE = [rule for rule in STANDARD.rules.values() if rule.state == "active"]


def fired(rule, rows, alone):
    """Ids of the rules that a small filing of these rows breaks."""
    result = judge_example(STANDARD, rule, rows, alone)
    assert result.rows == len(rows) > 0
    return {check.rule.id for check, count in result.counts.items() if count}


def test_the_standard_has_rules_to_test():
    assert len(ACTIVE) >= 45


@pytest.mark.parametrize("rule", ACTIVE, ids=lambda rule: rule.id)
def test_a_rule_fires_on_its_bad_example(rule):
    assert rule.id in fired(rule, rule.bad_rows, alone=True)


@pytest.mark.parametrize("rule", ACTIVE, ids=lambda rule: rule.id)
def test_no_rule_fires_on_a_good_example(rule):
    assert fired(rule, rule.good_rows, alone=False) == set()
