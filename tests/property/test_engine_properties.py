"""What holds for any filing, however broken its cells are."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judging import Outcome, judge, orchard, rows_of

from expectations.spec import Row, load_standard

NOTICE = "package_notice"
STANDARD = load_standard()
ORCHARD = orchard()
SCOPE = {rule.id: rule.scope for rule in (*STANDARD.rules.values(), *ORCHARD.rules.values())}

# Valid and broken values of a notice, chosen so that every kind of rule has something to find.
CELLS = {
    "notice_id": ["GG-1", "GG-2", "GG-3", ""],
    "notice_type": ["ZR", "招商公告", "RE", "JG", "no such type"],
    "announced_date": ["2026-03-13", "20251026", "2025-10-27", "2026-02-30", "", "2026/03/01"],
    "announced_date_precision": ["day", "month", ""],
    "project_code": ["SLXJ01-2026-002", "SLXJ01-2026-003", ""],
    "asset_type": ["XF", "信用卡透支", "ABS", "ND2"],
    "cutoff_date": ["2025-12-31", "2027-01-01", "ND2", ""],
    "principal_cny": ["66369783.05", "6636.98", "-1", "1E+05", "1,234.56", "０", "", "9" * 40],
    "interest_cny": ["11006194.24", "0", "1.239"],
    "principal_interest_cny": ["77375977.29", "77375977.30", "7737.60", ""],
    "loan_count": ["756", "12.0", "0", "430"],
    "borrower_count": ["431", "757", "HIDDEN"],
    "weighted_overdue_days": ["833.66", "ND4-2026-12-31", "-3"],
    "five_tier_states": ["损失411笔;次级340笔;可疑5笔", "损失411笔", "很差756笔", "全部损失"],
    "start_price_cny": ["", "5200000.00", "HIDDEN"],
    "is_relisted": ["是", "否", "maybe", ""],
    "remarks": ["", "联系人：张某某", "13800000000", "'; drop table filed_package_notice; --"],
    "source_kind": ["institution", "public_notice", ""],
    "precision": ["exact", "rounded"],
}
notice = st.fixed_dictionaries({}, optional={name: st.sampled_from(texts) for name, texts in CELLS.items()})
tree = st.fixed_dictionaries(
    {},
    optional={
        "tree_id": st.sampled_from(["T-1", "T-2", "T-3", ""]),
        "orchard_id": st.sampled_from(["O-1", "O-2", "O-9", ""]),
        "planted_date": st.sampled_from(["2025-10-26", "2025-10-27", "spring", ""]),
        "fruit": st.sampled_from(["AP", "樱桃", "nut"]),
        "height_cm": st.sampled_from(["150", "9", "301", "501", "ND2", "150.0", "tall"]),
    },
)
patch = st.fixed_dictionaries(
    {},
    optional={
        "orchard_id": st.sampled_from(["O-1", "O-2", "O-3"]),
        "area_m2": st.sampled_from(["900", "0", "-1", "big", ""]),
    },
)
basket = st.fixed_dictionaries(
    {},
    optional={
        "basket_id": st.sampled_from(["B-1", "B-2"]),
        "tree_id": st.sampled_from(["T-1", "T-2", "T-9", ""]),
        "weight_kg": st.sampled_from(["12.5", "100", "99.99", "1.239", "ND2"]),
    },
)


Changes = list[dict[str, str]]


def some(row: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[Changes]:
    return st.lists(row, min_size=1, max_size=8)


def few(examples: int) -> Callable[..., Any]:
    """One judgement by the real standard costs about a second, so a few large examples rather than many."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def notices(changes: Changes) -> list[Row]:
    return rows_of(STANDARD, NOTICE, *changes)


def totals(outcome: Outcome) -> Counter[str]:
    counted: Counter[str] = Counter()
    for (rule_id, _), count in outcome.counts.items():
        counted[rule_id] += count
    return counted


def by_row(outcome: Outcome, table: str, scope: str, rows: list[int]) -> list[tuple[str, ...]]:
    """What each of these rows of the file breaks by the rules of a scope, as rule:field."""
    found: dict[int | None, list[str]] = {}
    for finding in outcome.findings:
        if finding.table == table and SCOPE[finding.rule_id] == scope:
            found.setdefault(finding.row, []).append(f"{finding.rule_id}:{','.join(finding.fields)}")
    return [tuple(sorted(found.get(row, []))) for row in rows]


def test_the_pool_of_cells_is_of_the_table_and_finds_something() -> None:
    assert set(CELLS) <= set(STANDARD.all_tables[NOTICE].by_name)
    broken = judge(STANDARD, {NOTICE: notices([{name: texts[-1] for name, texts in CELLS.items()}])})
    assert len(totals(broken)) > 5


@few(3)
@given(changes=some(notice), seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_count_and_no_verdict(changes: Changes, seed: random.Random) -> None:
    shuffled = list(changes)
    seed.shuffle(shuffled)
    first, second = (judge(STANDARD, {NOTICE: notices(rows)}) for rows in (changes, shuffled))
    assert totals(first) == totals(second)
    assert (first.verdict, first.held_told) == (second.verdict, second.held_told)


@few(2)
@given(changes=some(notice))
def test_judging_twice_gives_the_same_findings(changes: Changes) -> None:
    filed = {NOTICE: notices(changes)}
    first, second = judge(STANDARD, filed), judge(STANDARD, filed)
    assert first.findings == second.findings
    assert first.typed == second.typed


@few(4)
@given(changes=st.lists(notice, min_size=2, max_size=8), data=st.data())
def test_a_removed_row_changes_nothing_that_is_about_another_row_alone(changes: Changes, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(changes) - 1))
    whole = judge(STANDARD, {NOTICE: notices(changes)})
    less = judge(STANDARD, {NOTICE: notices(changes[:gone] + changes[gone + 1 :])})
    rows = list(range(2, len(changes) + 2))
    kept = by_row(whole, NOTICE, "row", rows[:gone] + rows[gone + 1 :])
    assert by_row(less, NOTICE, "row", rows[:-1]) == kept


@few(25)
@given(
    trees=some(tree), orchards=some(patch), baskets=some(basket), order=st.permutations(["tree", "orchard", "basket"])
)
def test_rows_held_and_accepted_are_the_rows_filed_and_a_held_parent_has_no_free_child(
    trees: Changes, orchards: Changes, baskets: Changes, order: list[str]
) -> None:
    changes = {"tree": trees, "orchard": orchards, "basket": baskets}
    outcome = judge(ORCHARD, {table: rows_of(ORCHARD, table, *changes[table]) for table in order})
    holding = {finding.row for finding in outcome.findings if finding.severity == "hold" and finding.table == "orchard"}
    for table in order:
        rows = {row["row_number"] for row in outcome.typed[table]}
        assert rows == set(range(2, len(changes[table]) + 2))
        assert outcome.held[table] <= rows
        assert outcome.held_told[table] == len(outcome.held[table])
    assert holding == outcome.held["orchard"]
    for child, parent, key in (("tree", "orchard", "orchard_id"), ("basket", "tree", "tree_id")):
        held_keys = {row[key] for row in outcome.typed[parent] if row["row_number"] in outcome.held[parent]} - {None}
        assert all(row["row_number"] in outcome.held[child] for row in outcome.typed[child] if row[key] in held_keys)
    assert outcome.verdict == (
        "rejected"
        if any(finding.severity == "reject" for finding in outcome.findings)
        else "accepted_with_holds"
        if holding or any(outcome.held.values())
        else "accepted"
    )
