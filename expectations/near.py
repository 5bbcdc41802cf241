"""What rules across filings see of accepted rows, and of a large table's without reading them all.

Relations in the work database; known_<table> for each table of the standard, the others where it says `near_by` or
`tally`:
  known_<table>    accepted_<table> and filed_<table> together
  reached_<table>  accepted rows in force that share a value of a `near_by` field with a filed row of any table, or more
                   of them; whoever keeps accepted rows provides it, and here it is all of accepted_<table>
  near_<table>     reached_<table> and filed_<table> together, as known_<table> is of all accepted rows
  tally_<table>    accepted rows in force counted by filing and the `tally` fields; likewise provided or made here
A rule may use near_<table> where it compares rows by a `near_by` field: what is not reached does not change its answer.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import duckdb

from expectations.compile import checks_of
from expectations.model import Rule, Standard, TableSpec, Tally

NEAR = re.compile(r"\b(?:near|reached|tally)_(\w+)")
WORD = re.compile(r"\w+")
MACRO = re.compile(r"\bmacro (\w+)\(")


def show_plainly(con: duckdb.DuckDBPyConnection, spec: TableSpec) -> None:
    """Make reached_<table> and tally_<table> of all of accepted_<table>; neither may be a table."""
    if spec.near_by:
        con.execute(f"create or replace view reached_{spec.table} as select * from accepted_{spec.table}")
    if spec.tally:
        con.execute(f"create or replace view tally_{spec.table} as {tally_of(spec.tally, f'accepted_{spec.table}')}")


def make_known(con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec) -> None:
    """Make known_<table> and near_<table> over accepted rows and filed_<table> as they are now.

    They have the fields that rules look at: they are planned anew for every rule that looks at them, field by field.
    """
    for name, accepted in (("known", "accepted"), *([("near", "reached")] if spec.near_by else [])):
        kept = ", ".join(["standard_version", *known_fields(standard, spec.table, name)])
        con.execute(f"""
            create or replace view {name}_{spec.table} as
            select filing_id, row_number, {kept}, false as is_filed from {accepted}_{spec.table}
            union all by name
            select null as filing_id, row_number, {kept}, true as is_filed from filed_{spec.table}""")


@lru_cache(maxsize=64)
def known_fields(standard: Standard, table: str, relation: str) -> tuple[str, ...]:
    """The fields of a table named by any rule that looks at known_<table> (or near_<table>), or by a macro it calls."""
    macros = {
        named[1]: set(WORD.findall(statement))
        for statement in standard.macros.split(";\n")
        if (named := MACRO.search(statement))
    }
    words: set[str] = set()
    for name, spec in standard.all_tables.items():
        for check in checks_of(standard, name, list(spec.by_name)):
            sql = " ".join([check.sql, *_said_beside(check.rule)])
            if f"{relation}_{table}" in sql:
                words.update(WORD.findall(sql))
    while more := set().union(*(macros[word] for word in words & macros.keys())) - words:
        words |= more
    return tuple(name for name in standard.all_tables[table].by_name if name in words)


def tally_of(tally: Tally, accepted: str) -> str:
    """SQL that counts the accepted rows of a relation by filing and the tally's fields."""
    keys = ", ".join(("filing_id", *tally.by))
    counts = ", ".join(f"({sql})::bigint as {name}" for name, sql in tally.counts.items())
    return f"select {keys}, {counts} from {accepted} group by {keys}"


def reads_whole(standard: Standard, table: str) -> bool:
    """Whether anything that the standard's active rules say looks at all accepted rows of a table."""
    named = re.compile(rf"\b(?:known|accepted)_{table}\b")
    active = (rule for rule in standard.rules.values() if rule.state == "active")
    return any(named.search(text) for text in (standard.macros, *(text for rule in active for text in _sql_of(rule))))


def asked_near(standard: Standard, judged: Sequence[str]) -> set[str]:
    """Tables of which the rules of these judged tables look at near_<table> or tally_<table>."""
    texts = [
        standard.macros,
        *(text for table in judged for rule in standard.rules_of(table) for text in _sql_of(rule)),
    ]
    return {name for text in texts for name in NEAR.findall(text)}


def _sql_of(rule: Rule) -> list[str]:
    return [rule.check, rule.when or "", *_said_beside(rule)]


def _said_beside(rule: Rule) -> list[str]:
    return [rule.suggestion or "", *rule.show.values()]
