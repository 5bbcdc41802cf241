"""Looking up one filing must not walk through the history of all."""

import pytest
import sqlalchemy as sa

from ingest import registry
from ingest.registry_tables import filings

ONE_FILING = {
    "by its id": filings.c.filing_id == "X",
    "by its bytes": sa.and_(filings.c.folder == "X", filings.c.sha256 == "0"),
}


@pytest.mark.parametrize("which", ONE_FILING.values(), ids=ONE_FILING)
def test_one_filing_is_found_by_indexes_alone(npl_home, which):
    with registry.transaction() as connection:
        query = registry.with_state().where(which).compile(connection.engine, compile_kwargs={"literal_binds": True})
        plan = [row[-1] for row in connection.exec_driver_sql(f"explain query plan {query}")]
    assert any("filing_states" in step for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN")], plan


def test_a_filing_is_found_in_its_last_state(npl_home):
    for name in ("one", "two"):
        registry.register(
            {
                "filing_id": name,
                "folder": name,
                "name": name,
                "sha256": name,
                "institution_id": name,
                "subject_id": name,
                "received_at": registry.utc_now(),
            }
        )
    for filing, state in (("one", "read"), ("two", "read"), ("one", "checked"), ("two", "rejected")):
        registry.set_state(filing, state)
    assert {each.filing_id: each.state for each in registry.all_filings()} == {"one": "checked", "two": "rejected"}
    assert [each.filing_id for each in registry.undecided()] == ["one"]
    found = registry.find("two")
    assert found is not None
    assert found.state == "rejected"
