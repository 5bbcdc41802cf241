"""What a release leaves out: the columns that the models mark as restricted or personal.

The mark stands beside the column in the dbt project, and a test holds it equal to the standard's sensitivity.
"""

from functools import lru_cache

import yaml

from ingest.dbt import DBT_PROJECT


@lru_cache(maxsize=1)
def withheld_columns() -> dict[str, tuple[str, ...]]:
    """Columns that no release shows, by table; a table that shows all of its columns is not in it."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((DBT_PROJECT / "models" / "marts").rglob("*__models.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            withheld = tuple(column["name"] for column in model["columns"] if _is_withheld(column))
            if withheld:
                found[model["name"]] = withheld
    return found


def _is_withheld(column: dict[str, object]) -> bool:
    config = column.get("config")
    meta = config.get("meta") if isinstance(config, dict) else None
    return isinstance(meta, dict) and meta.get("sensitivity", "public") != "public"
