"""A changed or proposed rule, or a whole changed standard, run over every stored filing; nothing is changed by it.

Each filing is judged twice on the path that `npl check` takes, by the standard as it is and by the one proposed, both
against what is in force today: so a difference comes from the standard alone. What differs is told by institution.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from expectations.engine import broken_rows
from expectations.examples import judge_example
from expectations.findings import mask
from expectations.spec import Bilingual, Rule, Standard, StandardError, load_rule, load_standard
from ingest import registry
from ingest.check import Case, checking
from ingest.config import settings
from ingest.errors import JudgeError, UsageError
from ingest.landing import landed_entry
from ingest.paths import home, scratch

VERDICT_ORDER = ("accepted", "accepted_with_holds", "rejected", "unreadable")
BROKEN = "create table broken (table_name varchar, rule_id varchar, row_number bigint)"
FAILING, PASSING = "newly_failing", "newly_passing"
KINDS = {FAILING: Bilingual(zh="新增不通过", en="newly failing"), PASSING: Bilingual(zh="新增通过", en="newly passing")}


@dataclass(frozen=True)
class FilingChange:
    """A filing whose verdict would be another one."""

    filing_id: str
    before: str
    after: str


@dataclass
class Effect:
    """What would change one way (newly failing, or newly passing) for one institution.

    `rows` are rows of filed tables that break a rule on one side and not on the other, each counted once; `rules`
    counts the rows of each rule, those about the filing itself among them.
    """

    filings: list[FilingChange] = field(default_factory=list)
    rows: int = 0
    rules: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "filings": [{"filing_id": each.filing_id, "from": each.before, "to": each.after} for each in self.filings],
            "rows": self.rows,
            "rules": dict(sorted(self.rules.items())),
        }


@dataclass
class InstitutionEffect:
    """One institution: filings judged on both sides, and what would change each way."""

    judged: int = 0
    effects: dict[str, Effect] = field(default_factory=lambda: {kind: Effect() for kind in KINDS})


@dataclass
class DryRun:
    """What a proposal would do; unreadable filings and those that our own checks cannot judge today are left out."""

    proposal: str
    filings: int = 0
    unreadable: int = 0
    not_judged: int = 0
    institutions: dict[str, InstitutionEffect] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        return sum(institution.judged for institution in self.institutions.values())

    def total(self, kind: str) -> tuple[int, int]:
        """Filings and rows over all institutions."""
        effects = [institution.effects[kind] for institution in self.institutions.values()]
        return sum(len(effect.filings) for effect in effects), sum(effect.rows for effect in effects)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, institutions by id."""
        totals = {kind: dict(zip(("filings", "rows"), self.total(kind), strict=True)) for kind in KINDS}
        return {
            "proposal": self.proposal,
            "filings": self.filings,
            "judged": self.judged,
            "unreadable": self.unreadable,
            "not_judged": self.not_judged,
            "totals": totals,
            "institutions": [
                {
                    "institution": name,
                    "judged": each.judged,
                    **{kind: effect.to_dict() for kind, effect in each.effects.items()},
                }
                for name, each in sorted(self.institutions.items())
            ],
        }

    def to_text(self) -> str:
        """For a terminal, Chinese first; institutions for which nothing changes are only counted."""
        lines = [
            f"试运行 Dry run：{self.proposal}",
            f"存档报送 {self.filings} 份：已判 {self.judged}，无法读取 {self.unreadable}，未能判定 {self.not_judged} · "
            f"{self.filings} stored filings: {self.judged} judged, {self.unreadable} unreadable, "
            f"{self.not_judged} not judged",
        ]
        for kind, word in KINDS.items():
            filings, rows = self.total(kind)
            lines.append(f"{word.zh} {word.en}：{filings} 份 {rows} 行 · {filings} filings, {rows} rows")
        quiet = 0
        for name, institution in sorted(self.institutions.items()):
            told = [line for kind, effect in institution.effects.items() for line in _effect_lines(kind, effect)]
            quiet += not told
            lines += ["", f"{name}（{institution.judged} 份 filings）", *told] if told else []
        return "\n".join([*lines, "", f"无变化的机构 Institutions without a change：{quiet}"]) + "\n"


def _effect_lines(kind: str, effect: Effect) -> Iterator[str]:
    if not (effect.filings or effect.rules):
        return
    word, count = KINDS[kind], len(effect.filings)
    yield f"  {word.zh} {word.en}：{count} 份 {effect.rows} 行 · {count} filings, {effect.rows} rows"
    for filing in effect.filings:
        yield f"    {filing.filing_id}  {filing.before} -> {filing.after}"
    for rule_id, places in sorted(effect.rules.items()):
        yield f"    {rule_id}  {places} 行 rows"


def proposed_standard(proposal: str, current: Standard) -> Standard:
    """The standard that a proposal makes: a directory as it stands, or ours with one rule put in.

    A rule is a file, or the id of one of ours; one that is `proposed` judges as if it were active, and one that is
    disabled or withdrawn in its file judges no more.

    Raises:
        UsageError: neither a directory nor a rule.
        StandardError: the rule does not load, or does not judge its own examples as it should.
    """
    path = Path(proposal)
    if path.is_dir():
        standard = load_standard(path)
        _prove(standard, [rule for rule in standard.rules.values() if rule != current.rules.get(rule.id)])
        return standard
    if path.is_file():
        rule = load_rule(path, current)
    elif proposal in current.rules:
        rule = current.rules[proposal]
    else:
        raise UsageError(
            f"{proposal} 不是规则文件、规则编号或标准目录。",
            f"{proposal} is no rule file, rule id or directory of a standard.",
        )
    if rule.state == "proposed":
        rule = rule.model_copy(update={"state": "active"})
    elif not path.is_file():
        raise UsageError(
            f"{proposal} 的状态为 {rule.state}，试运行不会有变化；请给出修改后的规则文件。",
            f"{proposal} is {rule.state}, so nothing would change; give the file of the changed rule.",
        )
    rules = {**current.rules, rule.id: rule}
    standard = current.with_rules(rules[rule_id] for rule_id in sorted(rules))
    _prove(standard, [rule])
    return standard


def _prove(standard: Standard, rules: Iterable[Rule]) -> None:
    """A rule that misses its own bad example would find nothing anywhere, and be taken for harmless."""
    for rule in rules:
        if rule.state != "active":
            continue
        try:
            found = [
                judge_example(standard, rule, rows, alone=True).count(rule.id)
                for rows in (rule.good_rows, rule.bad_rows)
            ]
        except duckdb.Error as error:
            raise StandardError(f"{rule.id}: {error}") from error
        if found[0] or not found[1]:
            raise StandardError(
                f"{rule.id}: 规则在自己的示例上不成立（好例 {found[0]} 处，坏例 {found[1]} 处） / "
                f"it fails its own examples (good: {found[0]} findings, bad: {found[1]})"
            )


def dry_run(
    proposal: str,
    current: Standard | None = None,
    watched: Callable[[list[registry.FilingRecord]], Iterable[registry.FilingRecord]] = iter,
    period: str | None = None,
) -> DryRun:
    """Judge every stored filing, or those of one period, as it is now and as the proposal would.

    `watched` may show progress.

    Raises:
        UsageError, StandardError: as `proposed_standard`; also when the proposed rules break on a filing.
        StorageError: registry or landing zone cannot be read.
    """
    current = current or load_standard()
    proposed = proposed_standard(proposal, current)
    records = [record for record in _stored() if period in (None, record.period)]
    result = DryRun(proposal, filings=len(records))
    if not records:
        return result
    for record in watched(records):
        with scratch() as work:
            try:
                before = _judged(record, current, work / "before.parquet")
            except JudgeError:
                result.not_judged += 1
                continue
            try:
                after = _judged(record, proposed, work / "after.parquet")
            except JudgeError as error:
                detail = mask(current, error.detail)
                raise StandardError(f"{record.filing_id}: {error.zh} / {error.en} {detail}") from error
            if before == after == "unreadable":
                result.unreadable += 1
                continue
            institution = result.institutions.setdefault(record.institution_id, InstitutionEffect())
            _compare(institution, record, before, after, work, proposed)
    return result


def _stored() -> list[registry.FilingRecord]:
    # asking a registry that is not there would make one
    if not settings().registry_url and not home().registry_file.exists():
        return []
    return [record for record in registry.all_filings() if record.replay_id == registry.AS_FILED]


def _judged(record: registry.FilingRecord, standard: Standard, broken: Path) -> str:
    """The verdict on a stored filing; which row breaks which rule goes to the file `broken` (none if unreadable)."""
    with checking(landed_entry(record.sha256), standard, record.folder) as case:
        if case.con is not None:
            _write_broken(case, broken)
        return case.verdict


def _write_broken(case: Case, target: Path) -> None:
    assert case.con is not None
    case.con.execute(BROKEN)
    for table, result in case.results.items():
        checks = list(result.counts)
        for check, count in result.counts.items():
            if count:
                case.con.execute(
                    f"insert into broken select ?, ?, row_number from ({broken_rows(table, check, checks)})",
                    [table, check.rule.id],
                )
    case.con.execute(f"copy (select distinct * from broken) to {sql_text(str(target))} (format parquet)")


def _compare(
    institution: InstitutionEffect,
    record: registry.FilingRecord,
    before: str,
    after: str,
    work: Path,
    standard: Standard,
) -> None:
    institution.judged += 1
    if before != after:
        worse = VERDICT_ORDER.index(after) > VERDICT_ORDER.index(before)
        effect = institution.effects[FAILING if worse else PASSING]
        effect.filings.append(FilingChange(record.filing_id, before, after))
    if "unreadable" in (before, after):
        return  # rows that nobody could read neither fail nor pass
    with _both_sides(work) as con:
        for kind, ours, theirs in ((FAILING, "after", "before"), (PASSING, "before", "after")):
            _count(con, institution.effects[kind], f"(select * from {ours} except select * from {theirs})", standard)


@contextmanager
def _both_sides(work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        for side in ("before", "after"):
            con.execute(f"create view {side} as select * from read_parquet({sql_text(str(work / f'{side}.parquet'))})")
        yield con


def _count(con: duckdb.DuckDBPyConnection, effect: Effect, differing: str, standard: Standard) -> None:
    for rule_id, places in con.execute(f"select rule_id, count(*) from {differing} group by 1 order by 1").fetchall():
        effect.rules[rule_id] = effect.rules.get(rule_id, 0) + places
    rows = con.execute(f"select table_name, count(distinct row_number) from {differing} group by 1").fetchall()
    effect.rows += sum(count for table, count in rows if table in standard.tables)
