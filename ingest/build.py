"""Every committed file that is generated: schemas, examples, templates and the handbook.

`npl standard build` calls `build(check=False)`; CI calls it with `check=True` and wants an empty list.
"""

import re
from pathlib import Path
from typing import Any

from expectations.derive import SCHEMA_DIALECT, SCHEMAS_FOLDER, derived_files, json_bytes
from expectations.spec import load_standard
from ingest.config import PROJECT_DIR
from ingest.handbook.pages import HANDBOOK_FOLDER, handbook_files
from ingest.manifest import Manifest
from ingest.paths import write_bytes
from ingest.report.model import report_schema
from ingest.synthetic import EXAMPLES_FOLDER, example_files
from ingest.template import TEMPLATES_FOLDER, committed_templates

NAMED_GROUP = re.compile(r"\?P<\w+>")


def build(check: bool, project: Path = PROJECT_DIR) -> list[str]:
    """Write what is out of date, or with `check` only look; return those paths (within the project), sorted.

    A generated file that nothing generates any more is out of date as well: it is removed.
    """
    files = generated_files()
    outdated = [name for name, content in files.items() if _present(project / name) != content]
    stale = [name for name in _beside(files, project) if name not in files]
    if not check:
        for name in outdated:
            write_bytes(project / name, files[name])
        for name in stale:
            (project / name).unlink()
    return sorted([*outdated, *stale])


def generated_files() -> dict[str, bytes]:
    """Path within the project and content of every generated file."""
    standard = load_standard()
    return {
        **derived_files(standard),
        f"{SCHEMAS_FOLDER}/filing.schema.json": json_bytes(manifest_schema()),
        f"{SCHEMAS_FOLDER}/report.schema.json": json_bytes({**report_schema(), "$id": "report.schema.json"}),
        **example_files(standard),
        **committed_templates(standard),
        **handbook_files(standard),
    }


def manifest_schema() -> dict[str, Any]:
    """JSON Schema of `filing.json`."""
    schema: dict[str, Any] = _portable(Manifest.model_json_schema())
    return {"$schema": SCHEMA_DIALECT, "$id": "filing.schema.json", **schema}


def _portable(node: Any) -> Any:
    """The same schema with patterns that other languages read: Python alone writes named groups as `(?P<name>`."""
    if isinstance(node, dict):
        return {
            key: NAMED_GROUP.sub("?:", value) if key == "pattern" and isinstance(value, str) else _portable(value)
            for key, value in node.items()
        }
    return [_portable(value) for value in node] if isinstance(node, list) else node


def _present(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _beside(files: dict[str, bytes], project: Path) -> list[str]:
    """Files in those folders that hold nothing but generated ones."""
    ours = tuple(f"{folder}/" for folder in (SCHEMAS_FOLDER, EXAMPLES_FOLDER, TEMPLATES_FOLDER, HANDBOOK_FOLDER))
    folders = {Path(name).parent for name in files if name.startswith(ours)}
    return [
        path.relative_to(project).as_posix()
        for folder in sorted(folders)
        for path in sorted((project / folder).glob("*"))
        if path.is_file()
    ]
