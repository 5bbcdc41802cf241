"""The invented institutions that stand in the platform's own register: who they are."""

from typing import Any

from ingest.register import institution
from ingest.synthetic.world import Party


def registered(institution_id: str) -> dict[str, Any]:
    """The register's row of an invented institution; a real one is refused."""
    found = institution(institution_id)
    assert found is not None, f"{institution_id} is not in the register"
    assert found["is_demo"], f"{institution_id} is a real institution: nothing is made up about it"
    return found


def party(institution_id: str) -> Party:
    """The same as a party of an invented market; who works everywhere has no province."""
    found = registered(institution_id)
    return Party(institution_id, found["name_zh"], found["institution_type"], found["province_code"] or "")
