"""The lock of the platform's packages (`requirements.lock`), and the bill of materials that releases carry."""

import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ingest.config import LOCK_FILE

PROJECT = "npl-warehouse"
_ENTRY = re.compile(
    r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)[^\n]*((?:\n +--hash=sha256:[0-9a-f]{64}[ \\]*)*)", re.MULTILINE
)


@dataclass(frozen=True)
class Package:
    """A package by its normal name, its version, and SHA-256 of each file of it that may be installed."""

    name: str
    version: str
    sha256: tuple[str, ...]


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path = LOCK_FILE) -> list[Package]:
    """Every package of a lock, in its order."""
    return [
        Package(normal(name), version, tuple(re.findall(r"sha256:([0-9a-f]{64})", hashes)))
        for name, version, hashes in _ENTRY.findall(lock.read_text(encoding="utf-8"))
    ]


def bill_of_materials(lock: Path = LOCK_FILE) -> str:
    """CycloneDX 1.6, as JSON: every package that the lock may install, test tools too.

    The same lock gives the same bytes, so it has neither a serial number nor a time.
    """
    bill: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": PROJECT,
                "name": PROJECT,
                "version": metadata.version(PROJECT),
            }
        },
        "components": [_component(package) for package in locked(lock)],
    }
    return json.dumps(bill, indent=1) + "\n"


def _component(package: Package) -> dict[str, Any]:
    url = f"pkg:pypi/{package.name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "purl": url,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.sha256],
    }
