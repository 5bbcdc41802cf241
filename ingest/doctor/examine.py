"""All checks, in the order in which an operator repairs: first what the others stand on."""

from collections.abc import Callable, Iterator

from ingest.doctor import machine, places, record
from ingest.doctor.finding import Finding, fault

CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    machine.versions,
    places.zones,
    places.permissions,
    machine.disk,
    machine.clock,
    record.keys,
    record.database,
    record.log,
    record.landed,
    places.release,
    places.inbox,
    places.leftovers,
    record.queue,
)


def examine() -> list[Finding]:
    """What every check found. One that breaks is a finding itself, and the others go on."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check()
        except Exception as error:  # what is examined may be broken in ways that nobody thought of
            found.append(
                fault(
                    check.__name__,
                    (f"检查无法进行：{error}", f"the check itself broke: {type(error).__name__}: {error}"),
                    ("先修复其他故障再试。", "Repair the other faults first, then try again."),
                )
            )
    return found
