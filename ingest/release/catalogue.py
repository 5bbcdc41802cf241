"""Records of a release for catalogues and tools: Data Package, Croissant, DCAT and CITATION.cff.

All paths and identifiers are relative to the folder, so that a copy of a release anywhere describes itself. Whose work
it is stands in the project's own CITATION.cff.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ingest.config import PROJECT_DIR
from ingest.paths import file_digest
from ingest.release.describe import Column, Table
from ingest.release.folder import DATABASE, as_json


class _Type(NamedTuple):
    table_schema: str
    croissant: str


TEXT = _Type("string", "sc:Text")
TYPES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), _Type("integer", "sc:Integer")),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), _Type("number", "sc:Float")),
    "BOOLEAN": _Type("boolean", "sc:Boolean"),
    "DATE": _Type("date", "sc:Date"),
    "TIMESTAMP": _Type("datetime", "sc:DateTime"),
}
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".md": "text/markdown",
    ".xml": "application/vnd.sdmx.structure+xml",
    ".cff": "application/yaml",
    ".pub": "text/plain",
}
CROISSANT_CONTEXT = Path(__file__).with_name("croissant_context.json")
"""The JSON-LD context that version 1.0 of the format lays down."""
CROISSANT_PARQUET = "application/x-parquet"
DCAT_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


class Record:
    """What is said of one release in every format."""

    def __init__(self, folder: Path, tables: Sequence[Table], manifest: Mapping[str, Any]) -> None:
        self._folder = folder
        self._tables = tables
        self._release: str = manifest["release"]
        self._day: str | None = manifest["as_of"] and manifest["as_of"][:10]
        self._as_of: str | None = manifest["as_of"]
        self._project = yaml.safe_load((PROJECT_DIR / "CITATION.cff").read_text(encoding="utf-8"))
        self._authors = [author["name"] for author in self._project["authors"]]

    def citation(self) -> str:
        """CITATION.cff of the data."""
        said = {
            "cff-version": self._project["cff-version"],
            "message": "If you use these data, cite the release.",
            "type": "dataset",
            "title": self._project["title"],
            "abstract": self._project["abstract"],
            "version": self._release,
            **({"date-released": self._day} if self._day else {}),
            "authors": self._project["authors"],
            "keywords": self._project["keywords"],
        }
        return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=120)

    def data_package(self) -> str:
        """datapackage.json: one resource for each table, and for each other file."""
        tables = [
            {
                "name": table.name,
                "path": table.file,
                "title": table.description.zh,
                "description": table.description.en,
                # a file: validators that read Parquet as a table by way of pandas take a blank count for a fraction
                "type": "file",
                "format": "parquet",
                **self._of_file(table.file),
                "usageWarnings": [warning.model_dump() for warning in table.warnings],
                "schema": {
                    "fields": [_field(column) for column in table.columns],
                    **({"primaryKey": list(table.grain)} if table.grain else {}),
                },
            }
            for table in self._tables
        ]
        others = [
            {
                "name": name.lower().replace("/", "."),
                "path": name,
                **self._of_file(name),
            }
            for name in self._other_files()
        ]
        return as_json(
            {
                "name": f"npl-{self._release}",
                "title": self._project["title"],
                "description": self._project["abstract"],
                "version": self._release,
                **({"created": self._as_of} if self._as_of else {}),
                "keywords": self._project["keywords"],
                "contributors": [{"title": author, "role": "author"} for author in self._authors],
                "resources": tables + others,
            }
        )

    def croissant(self) -> str:
        """croissant.json: a record set for each table."""
        return as_json(
            {
                "@context": json.loads(CROISSANT_CONTEXT.read_bytes()),
                "@type": "sc:Dataset",
                "conformsTo": "http://mlcommons.org/croissant/1.0",
                "name": f"npl-{self._release}",
                "description": self._project["abstract"],
                "version": self._release,
                **({"datePublished": self._day} if self._day else {}),
                "creator": [{"@type": "sc:Organization", "name": author} for author in self._authors],
                "keywords": self._project["keywords"],
                "url": "./",
                "citeAs": f"{'; '.join(self._authors)}: {self._project['title']}, {self._release}",
                "distribution": [
                    {
                        "@type": "cr:FileObject",
                        "@id": table.file,
                        "name": table.file,
                        "contentUrl": table.file,
                        "encodingFormat": CROISSANT_PARQUET,
                        "sha256": file_digest(self._folder / table.file),
                    }
                    for table in self._tables
                ],
                "recordSet": [_record_set(table) for table in self._tables],
            }
        )

    def dcat(self) -> str:
        """dcat.jsonld: a DCAT 3 dataset with one distribution for each file."""
        distributions = [
            {
                "@id": name,
                "@type": "dcat:Distribution",
                "dct:title": name,
                "dcat:downloadURL": {"@id": name},
                "dcat:accessURL": {"@id": name},
                "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{_media_type(name)}"},
                "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(told["bytes"])},
                "spdx:checksum": {
                    "@type": "spdx:Checksum",
                    "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                    "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": told["hash"].partition(":")[2]},
                },
            }
            for name in (*(table.file for table in self._tables), *self._other_files())
            if (told := self._of_file(name))
        ]
        database = {
            "@id": DATABASE,
            "@type": "dcat:Distribution",
            "dct:title": DATABASE,
            "dcat:downloadURL": {"@id": DATABASE},
            "dcat:accessURL": {"@id": DATABASE},
        }
        return as_json(
            {
                "@context": DCAT_CONTEXT,
                "@id": "./",
                "@type": "dcat:Dataset",
                "dct:identifier": self._release,
                "dct:title": self._project["title"],
                "dct:description": self._project["abstract"],
                **({"dct:issued": {"@type": "xsd:date", "@value": self._day}} if self._day else {}),
                "dcat:version": self._release,
                "dcat:keyword": self._project["keywords"],
                "dct:publisher": [{"@type": "foaf:Agent", "foaf:name": author} for author in self._authors],
                "dct:spatial": {"@id": "http://publications.europa.eu/resource/authority/country/CHN"},
                "dcat:distribution": [*distributions, database],
            }
        )

    def _other_files(self) -> Iterator[str]:
        """Files beside the tables that are there when the records are written, but for the database: see ADR 16."""
        written = {table.file for table in self._tables} | {DATABASE}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.is_file() and name not in written and path.suffix in (".csv", ".md", ".xml", ".cff", ".pub"):
                yield name

    def _of_file(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        return {
            "mediatype": _media_type(name),
            "bytes": path.stat().st_size,
            "hash": f"sha256:{file_digest(path)}",
        }


def _media_type(name: str) -> str:
    return MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream")


def _field(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": TYPES.get(column.base_type, TEXT).table_schema,
        "description": "\n".join(dict.fromkeys((column.description.zh, column.description.en))),
        **({"title": f"{column.label.zh} {column.label.en}"} if column.label else {}),
        **({"unit": column.unit} if column.unit else {}),
        **({"codeList": column.code_list} if column.code_list else {}),
    }


def _record_set(table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.description.en,
        **({"key": [{"@id": f"{table.name}/{name}"} for name in table.grain]} if table.grain else {}),
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table.name}/{column.name}",
                "name": f"{table.name}/{column.name}",
                "description": column.description.en,
                "dataType": TYPES.get(column.base_type, TEXT).croissant,
                "source": {"fileObject": {"@id": table.file}, "extract": {"column": column.name}},
            }
            for column in table.columns
        ],
    }
