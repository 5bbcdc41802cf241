"""The bill of materials is valid CycloneDX, says all that the lock says, and is the same each time."""

import json
from pathlib import Path

import jsonschema
import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import _res
from referencing import Registry, Resource

from ingest.config import LOCK_FILE
from ingest.lock import bill_of_materials, locked


def test_every_entry_of_the_lock_is_read_with_its_hashes() -> None:
    text = LOCK_FILE.read_text(encoding="utf-8")
    packages = locked()
    assert len(packages) == sum(line[:1].isalnum() for line in text.splitlines()) > 100
    assert sum(len(package.sha256) for package in packages) == text.count("--hash=sha256:")
    assert all(package.sha256 for package in packages)


def test_the_bill_of_materials_is_valid_and_read_by_the_formats_own_library() -> None:
    folder = Path(next(iter(_res.__path__)))
    schemas = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8"))
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    resources = [(schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()]
    bill = json.loads(bill_of_materials())
    validator = jsonschema.Draft7Validator(schemas["bom-1.6"], registry=Registry().with_resources(resources))
    validator.validate(bill)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(bill | {"components": [{"name": "without a type"}]})
    components = Bom.from_json(data=bill).components
    assert {(each.name, each.version) for each in components} == {(each.name, each.version) for each in locked()}
    assert {str(each.purl) for each in components} >= {"pkg:pypi/duckdb@2.0.1"}


def test_the_same_lock_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    assert bill_of_materials() == bill_of_materials()
    other = tmp_path / "other.lock"
    other.write_text(LOCK_FILE.read_text(encoding="utf-8").replace("duckdb==2.0.1", "duckdb==2.0.2"))
    assert bill_of_materials(other) != bill_of_materials()
