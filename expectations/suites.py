"""Great Expectations as the judge: suites from the standard, one Checkpoint a filing, Data Docs for the operator.

Nothing here imports Great Expectations before it is called.
"""

import datetime
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from expectations.judge import Verdict, judging_order, verdict_of
from expectations.spec import Standard
from expectations.work_database import WorkDatabase

_made: dict[tuple[Any, str], Any] = {}
"""Suites and Checkpoints of this worker, by context and name."""

SEVERITIES = {"reject": "critical", "hold": "warning", "warn": "info", "info": "info"}
VALIDATIONS = "validations"


class JudgementFailedError(Exception):
    """Great Expectations, or a rule inside it, broke: our fault. The text holds what GX recorded."""


@dataclass(frozen=True)
class CheckpointOutcome:
    """What the Checkpoint said: the verdict, and each rule's count by (table, rule id)."""

    verdict: Verdict
    counts: Mapping[tuple[str, str], int]


def judge_with_expectations(
    standard: Standard,
    database: Path | WorkDatabase,
    filed: list[str],
    name: str,
    received_at: datetime.datetime,
    stores: Path,
) -> CheckpointOutcome:
    """Run the filing's Checkpoint over its work database (already typed and committed) and return the verdict.

    `name` and `received_at` name the run, so that judging the same filing again overwrites its page.

    Raises:
        JudgementFailedError: any result carries an exception; the filing is then nobody's fault but ours.
    """
    context = _context(stores)
    from great_expectations.core.run_identifier import RunIdentifier

    from expectations.rule_expectation import batch_of

    place = database if isinstance(database, WorkDatabase) else WorkDatabase(str(database))
    result = _checkpoint(context, standard, tuple(judging_order(standard, filed))).run(
        batch_parameters={"dataframe": batch_of(place, standard.directory, filed)},
        run_id=RunIdentifier(run_name=name, run_time=received_at),
    )
    return _outcome(result)


def pages_of(stores: Path, names: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """The operator's pages of these filings, a page a table: where each belongs (relative), and its HTML."""
    from expectations.data_docs import Pages

    results = stores / VALIDATIONS
    pages = Pages(_context(stores).validation_results_store)
    for name in names:
        for result in sorted(results.glob(f"*/{name}/*/*.json")):
            place = Path(VALIDATIONS, result.relative_to(results)).with_suffix(".html")
            yield place, pages.page(result.read_text(encoding="utf-8"))


def _checkpoint(context: Any, standard: Standard, tables: tuple[str, ...]) -> Any:
    """The Checkpoint of filings with these tables, made once a worker: GX reads back whatever is added to a context."""
    from expectations.rule_expectation import KeptCheckpoint, KeptValidationDefinition

    name = f"{standard.head.name}_{standard.sha256[:8]}_{'_'.join(tables)}"
    if (context, name) not in _made:
        asset = context.data_sources.pandas_default.add_dataframe_asset(name)
        definitions = [
            KeptValidationDefinition(
                name=f"{name} {table}",
                suite=_suite(context, standard, table),
                data=asset.add_batch_definition_whole_dataframe(table),
            )
            for table in tables
        ]
        for definition in definitions:
            context.validation_definitions.add(definition)
        checkpoint = KeptCheckpoint(name=name, validation_definitions=definitions)
        context.checkpoints.add(checkpoint)  # what this returns was read back: another object, of GX's own class
        _made[context, name] = checkpoint
    return _made[context, name]


def _suite(context: Any, standard: Standard, table: str) -> Any:
    """The table's suite, made once a worker: GX compares every expectation with every other when one is added."""
    import great_expectations as gx

    from expectations.rule_expectation import ExpectDisclosureRule

    name = f"{standard.head.name}_{table}_{standard.sha256[:8]}"
    if (context, name) in _made:
        return _made[context, name]
    expectations = [
        ExpectDisclosureRule(
            rule_id=rule.id,
            filed_table=table,
            severity=SEVERITIES[rule.severity],
            description=f"{rule.id} [{rule.severity}] {rule.message.zh} {rule.message.en}",
            meta={"rule_id": rule.id, "severity": rule.severity, "category": rule.category, "source": rule.source},
        )
        for rule in standard.rules_of(table)
    ]
    suite = context.suites.add(
        gx.ExpectationSuite(name=name, expectations=expectations, meta={"standard_sha256": standard.sha256})
    )
    _made[context, name] = suite
    return suite


def _outcome(result: Any) -> CheckpointOutcome:
    counts: dict[tuple[str, str], int] = {}
    severities = []
    for validation in result.run_results.values():
        for each in validation.results:
            kwargs = each.expectation_config.kwargs
            # an exception never reaches the caller: it hides here, and an expectation that raised says success=False
            if _raised(each.exception_info) or "unexpected_count" not in each.result:
                raise JudgementFailedError(f"{kwargs['rule_id']} ({kwargs['filed_table']}): {each.exception_info}")
            counts[kwargs["filed_table"], kwargs["rule_id"]] = each.result["unexpected_count"]
            if not each.success:
                severities.append(each.expectation_config.meta["severity"])
    if not counts:
        raise JudgementFailedError("the Checkpoint judged nothing")
    return CheckpointOutcome(verdict_of(severities), counts)


def _raised(info: Any) -> bool:
    """Whether exception_info, in either of the two shapes GX gives it, records an exception."""
    if not isinstance(info, dict) or not info:
        return False
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(isinstance(each, dict) and each.get("raised_exception") for each in info.values())


@lru_cache(maxsize=1)
def _context(stores: Path) -> Any:
    """This worker's context: results on disk, everything else in memory, so that workers share it safely."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # before the import: it is read there
    warnings.filterwarnings("ignore", module="great_expectations")
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    kept = InMemoryStoreBackendDefaults()
    kept.stores[kept.validation_results_store_name] = {
        "class_name": "ValidationResultsStore",
        "module_name": "expectations.results_store",
        "store_backend": _on_disk(stores / "validations"),
    }
    kept.data_docs_sites = {}
    config = DataContextConfig(
        store_backend_defaults=kept, analytics_enabled=False, progress_bars=ProgressBarsConfig(globally=False)
    )
    return gx.get_context(project_config=config, mode="ephemeral")


def _on_disk(folder: Path) -> dict[str, Any]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
