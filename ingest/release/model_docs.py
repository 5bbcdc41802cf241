"""dbt's own page about the models, in one file: what each table is made from, how, and by which tests it is held.

dbt knows all of it after each build (its manifest). Only what differs from build to build on the same input is taken
out: moments, ids of runs, and where the home lies.
"""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.paths import home
from ingest.release.describe import Table

PROJECT = "npl_warehouse"
# Moments and places of one build; and of our own macros alone the page is to tell.
_OF_ONE_BUILD = frozenset(("created_at", "root_path", "build_path", "compiled_path", "generated_at", "invocation_id"))
_MANIFEST_PLACE, _CATALOG_PLACE = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'


def model_page(tables: Sequence[Table]) -> str | None:
    """The page, self-contained; null for a warehouse whose build left no manifest (it was not made by dbt)."""
    if not home().warehouse_manifest.exists():
        return None
    manifest = json.loads(home().warehouse_manifest.read_bytes())
    manifest["macros"] = {name: macro for name, macro in manifest["macros"].items() if macro["package_name"] == PROJECT}
    manifest["metadata"] |= {"send_anonymous_usage_stats": False, "user_id": None, "env": {}}
    page = _template()
    for place, content in ((_MANIFEST_PLACE, _lasting(manifest)), (_CATALOG_PLACE, _catalog(manifest, tables))):
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        # in a script element of the page: nothing in it may end that element
        page = page.replace(place, text.replace("</", "<\\/").replace(str(home().root), "$NPL_HOME"))
    return page


def _template() -> str:
    package = importlib.util.find_spec("dbt.task.docs")
    assert package is not None
    assert package.origin is not None
    page = (Path(package.origin).parent / "index.html").read_text(encoding="utf-8")
    assert _MANIFEST_PLACE in page
    assert _CATALOG_PLACE in page
    return page


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lasting(each) for key, each in value.items() if key not in _OF_ONE_BUILD}
    if isinstance(value, list):
        return [_lasting(each) for each in value]
    return value


def _catalog(manifest: Mapping[str, Any], tables: Sequence[Table]) -> dict[str, Any]:
    """Types and rows of the released tables, as dbt's catalogue tells them."""
    released = {(table.schema, table.table): table for table in tables}
    nodes = {}
    for name, node in manifest["nodes"].items():
        table = released.get((node["schema"], node["name"]))
        if node["resource_type"] != "model" or table is None:
            continue
        nodes[name] = {
            "unique_id": name,
            "metadata": {"type": "table", "schema": table.schema, "name": table.table, "database": node["database"]},
            "columns": {
                column.name: {"type": column.type, "index": index, "name": column.name}
                for index, column in enumerate(table.columns, start=1)
            },
            "stats": {
                "rows": {"id": "rows", "label": "Rows", "value": table.rows, "include": True, "description": "rows"}
            },
        }
    return {"metadata": {}, "nodes": nodes, "sources": {}, "errors": None}
