"""The one custom metric and the one custom expectation through which Great Expectations judges our rules, and the
Checkpoint that a worker makes once and runs for every filing.

Importing this module imports Great Expectations (about ten seconds): do it inside functions only.
A batch carries where the rows are (work database, standard, filed tables), never the rows.
"""

from copy import copy
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from great_expectations import Checkpoint, ValidationDefinition
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core.freshness_diagnostics import (
    CheckpointFreshnessDiagnostics,
    ValidationDefinitionFreshnessDiagnostics,
)
from great_expectations.execution_engine import ExecutionEngine, PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration, parse_result_format
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from expectations import engine
from expectations.judge import judge_one
from expectations.spec import load_standard
from expectations.work_database import WorkDatabase

METRIC = "npl.rule_violations"


def batch_of(database: WorkDatabase, standard_directory: Path, filed: list[str]) -> pd.DataFrame:
    """The batch of a filing: one row that says where its work database lies and which tables it carries."""
    return pd.DataFrame({**asdict(database), "standard": str(standard_directory), "filed": ",".join(filed)}, index=[0])


class RuleViolations(TableMetricProvider):
    """All rules of one table, judged in one DuckDB pass; every expectation of the table's suite reads this value."""

    metric_name = METRIC
    value_keys = ("filed_table",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> engine.TableResult:
        batch, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        place = batch.iloc[0]
        database = WorkDatabase(**{field.name: place[field.name] for field in fields(WorkDatabase)})
        with database.connect() as con:
            return judge_one(
                con,
                load_standard(Path(place["standard"])),
                metric_value_kwargs["filed_table"],
                place["filed"].split(","),
            )


class RuleConfiguration(ExpectationConfiguration):
    """The configuration of a rule's expectation, which keeps that expectation.

    For every expectation of a suite Great Expectations copies the configuration to the ground and makes the expectation
    anew of it, twice a filing; ours differ by the batch alone.
    """

    def __init__(self, expectation: "ExpectDisclosureRule", kwargs: dict[str, Any]) -> None:
        super().__init__(
            type=expectation.expectation_type,
            kwargs=kwargs,
            meta=expectation.meta,
            notes=expectation.notes,
            description=expectation.description,
            severity=expectation.severity,
            id=expectation.id,
            rendered_content=expectation.rendered_content,
        )
        self._expectation = expectation

    def __deepcopy__(self, memo: dict[int, Any]) -> "RuleConfiguration":
        copied = copy(self)
        copied._kwargs = dict(self._kwargs)
        return copied

    def to_domain_obj(self) -> "ExpectDisclosureRule":
        expectation: ExpectDisclosureRule = self._expectation.copy(update={"batch_id": self._kwargs.get("batch_id")})
        return expectation


class ExpectDisclosureRule(BatchExpectation):
    """Expect no row to break one rule of the standard; a null operand is left to the completeness rules."""

    rule_id: str
    filed_table: str
    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("rule_id", "filed_table")
    args_keys: ClassVar[tuple[str, ...]] = ("rule_id", "filed_table")

    @property
    def configuration(self) -> ExpectationConfiguration:
        # as the base class, which looks through every field of the model for it, twice a filing for each expectation
        batch = {"batch_id": self.batch_id} if self.batch_id else {}
        return RuleConfiguration(self, batch | {"rule_id": self.rule_id, "filed_table": self.filed_table})

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> ValidationDependencies:
        # what the base class gathers as well, but from twelve copies of the whole expectation
        wanted = (runtime_configuration or {}).get("result_format", self.result_format)
        metric = MetricConfiguration(
            metric_name=METRIC,
            metric_domain_kwargs={"batch_id": self.batch_id},
            metric_value_kwargs={"filed_table": self.filed_table},
        )
        return ValidationDependencies(metric_configurations={METRIC: metric}, result_format=parse_result_format(wanted))

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        violations: engine.TableResult = metrics[METRIC]
        count = violations.count(self.rule_id)
        # a rule that looks at each field judges every row once a field: GX refuses more findings than elements
        judged = violations.judged(self.rule_id)
        return {
            "success": count == 0,
            "result": {
                "observed_value": count,
                "unexpected_count": count,
                "element_count": judged,
                "unexpected_percent": 100.0 * count / max(judged, 1),
            },
        }


class KeptValidationDefinition(ValidationDefinition):
    """A validation definition that is compared with its store until it has once been found as it was added.

    Great Expectations does so several times a run, and reads every expectation of the suite back each time, to notice
    that somebody has changed one since. Ours live in the memory of one worker, are made from one standard, named by its
    digest, and are never changed.
    """

    _found: ValidationDefinitionFreshnessDiagnostics | None = PrivateAttr(default=None)

    def is_fresh(self) -> ValidationDefinitionFreshnessDiagnostics:
        if self._found is None:
            found = super().is_fresh()
            if not found.success:
                return found
            self._found = found
        return self._found


class KeptCheckpoint(Checkpoint):
    """A Checkpoint that is compared with its store until it has once been found as it was added, likewise."""

    _found: CheckpointFreshnessDiagnostics | None = PrivateAttr(default=None)

    def is_fresh(self) -> CheckpointFreshnessDiagnostics:
        if self._found is None:
            found = super().is_fresh()
            if not found.success:
                return found
            self._found = found
        return self._found
