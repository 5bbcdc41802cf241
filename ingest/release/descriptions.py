"""All files of a release that say what it holds, each derived from the same description of its tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from expectations.spec import load_standard
from ingest.lock import bill_of_materials
from ingest.paths import write_text
from ingest.release import catalogue, dictionary, sdmx
from ingest.release.describe import Table
from ingest.release.model_docs import model_page

COLUMNS = "data_dictionary.csv"
DICTIONARY = "data_dictionary.md"
CODE_LISTS = "code_lists.csv"
RULES = "rules.csv"
DATA_PACKAGE = "datapackage.json"
CROISSANT = "croissant.json"
DCAT = "dcat.jsonld"
CITATION = "CITATION.cff"
MODELS = "models.html"
SBOM = "sbom.cdx.json"


def write_descriptions(folder: Path, tables: Sequence[Table], manifest: Mapping[str, Any]) -> None:
    """Write the dictionary, SDMX, the bill of materials, and the catalogue records over all files so far."""
    standard = load_standard()
    write_text(folder / COLUMNS, dictionary.columns_csv(tables))
    write_text(folder / DICTIONARY, dictionary.page(tables, standard))
    write_text(folder / CODE_LISTS, dictionary.codes_csv(standard))
    write_text(folder / RULES, dictionary.rules_csv(standard))
    write_text(folder / SBOM, bill_of_materials())
    models = model_page(tables)
    if models is not None:
        write_text(folder / MODELS, models)
    sdmx.write(folder, tables, manifest["as_of"])
    record = catalogue.Record(folder, tables, manifest)
    write_text(folder / CITATION, record.citation())
    write_text(folder / DATA_PACKAGE, record.data_package())
    write_text(folder / CROISSANT, record.croissant())
    write_text(folder / DCAT, record.dcat())
