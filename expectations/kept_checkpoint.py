"""A Checkpoint that a worker makes once and runs for every filing.

Great Expectations reads a Checkpoint, its validation definitions and their suites back from the stores before every run
and compares each expectation with what it reads, several times over, so as to notice that somebody has changed one of
them since it was added. Ours live in the memory of one worker, are made from one standard, named by its digest, and
never changed: they are compared before their first run. Importing this module imports Great Expectations.
"""

from great_expectations import Checkpoint, ValidationDefinition
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core.freshness_diagnostics import (
    CheckpointFreshnessDiagnostics,
    ValidationDefinitionFreshnessDiagnostics,
)


class KeptValidationDefinition(ValidationDefinition):
    """A validation definition that is compared with its store until it has once been found as it was added."""

    _found: ValidationDefinitionFreshnessDiagnostics | None = PrivateAttr(default=None)

    def is_fresh(self) -> ValidationDefinitionFreshnessDiagnostics:
        if self._found is None:
            found = super().is_fresh()
            if not found.success:
                return found
            self._found = found
        return self._found


class KeptCheckpoint(Checkpoint):
    """A Checkpoint that is compared with its store until it has once been found as it was added."""

    _found: CheckpointFreshnessDiagnostics | None = PrivateAttr(default=None)

    def is_fresh(self) -> CheckpointFreshnessDiagnostics:
        if self._found is None:
            found = super().is_fresh()
            if not found.success:
                return found
            self._found = found
        return self._found
