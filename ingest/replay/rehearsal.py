"""A replay rehearsed: the same steps in a copy of the home, to learn which published figures it would change.

The copy holds the registry's rows, links to what was filed and accepted, the registers and the releases. It runs as a
process of its own, with its own settings, so that nothing in it can reach the real registry or keys.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest import migrations, registry, warehouse
from ingest.config import PROJECT_DIR
from ingest.errors import StorageError
from ingest.paths import Home, home, scratch, write_text
from ingest.registry_tables import metadata, states
from ingest.release.compare import compare_databases
from ingest.release.describe import grains_of
from ingest.replay.outcomes import APPLIED, SAME, outcomes

PUBLISHED = ("market", "public")
"""Schemas whose figures are told of a plan: those of the others follow from filings that the plan lists."""
LISTED_PER_TABLE = 1000
REHEARSAL = "rehearsal"
PERIOD_JSON = "period.json"
OUTCOMES_JSON = "outcomes.json"


def rehearsed(period: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What would become of each candidate, one after the other; and what that changes in the published tables.

    The figures are told as `npl release diff` tells them; none if no decision changes.

    Raises:
        StorageError: the warehouse cannot be built, as it is or as it would be; or the standard broke on a filing.
    """
    while True:
        warehouse.build()
        with _copy() as copy:
            if warehouse.is_current():  # else something was decided meanwhile: warehouse and copy are of two moments
                return _rehearsed_in(copy, period)


def _rehearsed_in(copy: Home, period: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    # a build that comes in between puts another file in its place, and leaves this one as it is
    before = copy.root / "before.duckdb"
    os.link(home().warehouse, before)
    write_text(copy.root / PERIOD_JSON, json.dumps(period))
    _run(copy)
    found: list[dict[str, Any]] = json.loads((copy.root / OUTCOMES_JSON).read_text(encoding="utf-8"))
    if all(each["change"] == SAME for each in found):
        return found, []
    return found, compare_databases(before, copy.warehouse, grains_of(PUBLISHED), LISTED_PER_TABLE)


@contextmanager
def _copy() -> Iterator[Home]:
    with scratch() as place:
        copy = Home(place / "home")
        copy.root.mkdir()
        real = home()
        _copy_registry(copy.registry_file)
        copy.landing.parent.mkdir()
        copy.landing.symlink_to(real.landing)
        for theirs, ours in ((real.accepted, copy.accepted), (real.held, copy.held)):
            if theirs.exists():
                # links to each file: what is written anew in the copy replaces a link, never what it leads to
                shutil.copytree(theirs, ours, copy_function=_link, ignore=shutil.ignore_patterns(".*"))
        if real.register.exists():
            shutil.copytree(real.register, copy.register)
        copy.releases.mkdir()
        for entry in real.releases.glob("[!.]*") if real.releases.exists() else ():
            (copy.releases / entry.name).symlink_to(entry)
        yield copy


def _link(source: str, target: str) -> None:
    os.symlink(os.path.realpath(source), target)


def _copy_registry(file: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
    migrations.upgrade(engine)
    with registry.transaction() as theirs, engine.begin() as ours:
        for table in metadata.sorted_tables:
            for rows in theirs.execute(sa.select(table)).mappings().partitions(1000):
                ours.execute(table.insert(), [dict(row) for row in rows])


def _run(copy: Home) -> None:
    log = home().logs / "replay_rehearsal.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "NPL_HOME": str(copy.root),
        "NPL_REGISTRY_URL": "",
        "NPL_KEYS_DIR": str(copy.keys),
        "PYTHONPATH": str(PROJECT_DIR),
    }
    with log.open("wb") as output:
        finished = subprocess.run(
            [sys.executable, "-c", "from ingest.replay.rehearsal import rehearse; rehearse()"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_DIR,
            check=False,
        )
    if finished.returncode:
        raise StorageError(f"试演失败，详见 {log}", f"The rehearsal failed; see {log}")


def rehearse() -> None:
    """In the copy: decide the candidates anew in their order, each seeing what became of those before it, and build.

    All at the moment of the last decision, so that nothing differs that only time would change.
    """
    from ingest.replay.execution import decide_anew

    period = json.loads((home().root / PERIOD_JSON).read_text(encoding="utf-8"))
    present = max((row["at"] for row in registry.rows_of(states)), default=registry.utc_now())
    found = []
    for outcome in outcomes(period):
        found.append(outcome.to_dict())
        if outcome.change != SAME:
            came = decide_anew(outcome.filing_id, REHEARSAL, found[-1]["after"], lambda: present, as_filed=False)
            assert came == APPLIED, (came, outcome)
    write_text(home().root / OUTCOMES_JSON, json.dumps(found))
    if any(each["change"] != SAME for each in found):
        warehouse.build()
