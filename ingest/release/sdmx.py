"""Market activity by quarter in SDMX: structures in SDMX-ML 2.1, observations in SDMX-CSV 1.0.

Each measure of the table is an indicator, so that tools which know one observed value read it. Dimensions, indicators
and their names are the table's own description.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb

from expectations.compile import sql_text
from ingest.paths import write_bytes, write_text
from ingest.release.describe import Column, Table

TABLE = "market.quarterly_activity"
FOLDER = "sdmx"
AGENCY, VERSION = "NPL", "1.0"
PERIOD, BREAKDOWN, VALUE = "quarter", "breakdown", "breakdown_value"
QUARTER = re.compile(r"(\d{4})(Q[1-4])")
NO_CODE = re.compile(r"[^A-Za-z0-9_@$-]")
MEASURES = ("BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "DECIMAL")
PURE_NUMBER = "1"
MESSAGE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"
STRUCTURE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/structure"
COMMON = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common"
XML = "http://www.w3.org/XML/1998/namespace"
DIMENSIONS = ("FREQ", "BREAKDOWN", "BREAKDOWN_VALUE", "INDICATOR")
CONCEPTS = (*DIMENSIONS, "TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE")
Names = Mapping[str, str]


def write(folder: Path, tables: Iterable[Table], as_of: str | None) -> None:
    """Write structure and data into `sdmx/` of a release's folder, where the release has the table.

    `as_of` stands for the date of preparation that SDMX asks for; nothing was decided without it.
    """
    table = next((each for each in tables if each.name == TABLE), None)
    if table is None or as_of is None:
        return
    measures = [column for column in table.columns if column.base_type in MEASURES and not column.is_key]
    flow = table.table.upper()
    rows = _rows(folder / table.file)
    (folder / FOLDER).mkdir()
    write_text(folder / FOLDER / f"{table.table}.csv", _data(rows, measures, f"{AGENCY}:{flow}({VERSION})"))
    write_bytes(folder / FOLDER / f"{table.table}.xml", _structure(table, flow, rows, measures, as_of))


def _rows(parquet: Path) -> list[dict[str, Any]]:
    """The table's rows, but for what is known by year only: that is no period of SDMX."""
    with duckdb.connect(":memory:") as con:
        found = con.execute(f"from read_parquet({sql_text(str(parquet))}) order by all")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [row for row in rows if QUARTER.fullmatch(row[PERIOD])]


def _data(rows: Iterable[Mapping[str, Any]], measures: Sequence[Column], flow: str) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("DATAFLOW", *DIMENSIONS, "TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE"))
    for row in rows:
        period = QUARTER.sub(r"\1-\2", row[PERIOD])
        for measure in measures:
            if row[measure.name] is not None:
                key = (_code(row[BREAKDOWN]), _code(row[VALUE]), _code(measure.name))
                writer.writerow((flow, "Q", *key, period, row[measure.name], _unit(measure)))
    return buffer.getvalue()


def _structure(
    table: Table, flow: str, rows: Sequence[Mapping[str, Any]], measures: Sequence[Column], as_of: str
) -> bytes:
    for prefix, namespace in (("mes", MESSAGE), ("str", STRUCTURE), ("com", COMMON)):
        ElementTree.register_namespace(prefix, namespace)
    root = ElementTree.Element(f"{{{MESSAGE}}}Structure")
    header = ElementTree.SubElement(root, f"{{{MESSAGE}}}Header")
    for name, text in (("ID", flow), ("Test", "false"), ("Prepared", as_of)):
        ElementTree.SubElement(header, f"{{{MESSAGE}}}{name}").text = text
    ElementTree.SubElement(header, f"{{{MESSAGE}}}Sender", id=AGENCY)
    structures = ElementTree.SubElement(root, f"{{{MESSAGE}}}Structures")
    flows = _add(structures, "Dataflows")
    dataflow = _maintained(flows, "Dataflow", flow, {"zh": table.description.zh, "en": table.description.en})
    _reference(_add(dataflow, "Structure"), "DataStructure", "datastructure", flow)
    _codelists(_add(structures, "Codelists"), rows, measures)
    scheme = _maintained(_add(structures, "Concepts"), "ConceptScheme", "CONCEPTS", {"en": "Concepts"})
    for concept in CONCEPTS:
        _named(_add(scheme, "Concept", id=concept), {"en": concept.replace("_", " ").capitalize()})
    _definition(_add(structures, "DataStructures"), flow, table)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _codelists(parent: ElementTree.Element, rows: Sequence[Mapping[str, Any]], measures: Sequence[Column]) -> None:
    values: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        said = (row.get(f"{VALUE}_zh") or row[VALUE], row.get(f"{VALUE}_en") or row[VALUE])
        values.setdefault(row[VALUE], set()).add(said)
    listed: dict[str, dict[str, Names]] = {
        "FREQ": {"Q": {"zh": "季度", "en": "Quarterly"}},
        "BREAKDOWN": {row[BREAKDOWN]: {"en": row[BREAKDOWN]} for row in rows},
        # one code may mean different things in two breakdowns: then it is named by itself
        "BREAKDOWN_VALUE": {
            value: dict(zip(("zh", "en"), next(iter(said)), strict=True)) if len(said) == 1 else {"en": value}
            for value, said in values.items()
        },
        "INDICATOR": {measure.name: measure.description.model_dump() for measure in measures},
        "UNIT_MEASURE": {_unit(measure): {"en": _unit(measure)} for measure in measures},
    }
    for concept, codes in listed.items():
        codelist = _maintained(parent, "Codelist", f"CL_{concept}", {"en": concept.replace("_", " ").capitalize()})
        for code, names in sorted(codes.items()):
            _named(_add(codelist, "Code", id=_code(code)), names)


def _definition(parent: ElementTree.Element, flow: str, table: Table) -> None:
    definition = _maintained(parent, "DataStructure", flow, {"en": table.name})
    components = _add(definition, "DataStructureComponents")
    dimensions = _add(components, "DimensionList", id="DimensionDescriptor")
    for position, name in enumerate(DIMENSIONS, start=1):
        _component(_add(dimensions, "Dimension", id=name, position=str(position)), name, coded=True)
    time = _add(dimensions, "TimeDimension", id="TIME_PERIOD", position=str(len(DIMENSIONS) + 1))
    _component(time, "TIME_PERIOD", text_type="ObservationalTimePeriod")
    attributes = _add(components, "AttributeList", id="AttributeDescriptor")
    unit = _add(attributes, "Attribute", id="UNIT_MEASURE", assignmentStatus="Mandatory")
    _component(unit, "UNIT_MEASURE", coded=True)
    relation = _add(unit, "AttributeRelationship")
    ElementTree.SubElement(_add(relation, "PrimaryMeasure"), "Ref", id="OBS_VALUE")
    measure = _add(_add(components, "MeasureList", id="MeasureDescriptor"), "PrimaryMeasure", id="OBS_VALUE")
    _component(measure, "OBS_VALUE", text_type="Double")


def _component(parent: ElementTree.Element, concept: str, coded: bool = False, text_type: str = "String") -> None:
    identity = _add(parent, "ConceptIdentity")
    ElementTree.SubElement(
        identity,
        "Ref",
        {
            "id": concept,
            "maintainableParentID": "CONCEPTS",
            "maintainableParentVersion": VERSION,
            "agencyID": AGENCY,
            "package": "conceptscheme",
            "class": "Concept",
        },
    )
    form = _add(parent, "LocalRepresentation")
    if coded:
        _reference(_add(form, "Enumeration"), "Codelist", "codelist", f"CL_{concept}")
    else:
        _add(form, "TextFormat", textType=text_type)


def _maintained(parent: ElementTree.Element, kind: str, name: str, names: Names) -> ElementTree.Element:
    element = _add(parent, kind, id=name, agencyID=AGENCY, version=VERSION, isFinal="true")
    _named(element, names)
    return element


def _named(element: ElementTree.Element, names: Names) -> None:
    for language, text in names.items():
        ElementTree.SubElement(element, f"{{{COMMON}}}Name", {f"{{{XML}}}lang": language}).text = text


def _reference(parent: ElementTree.Element, kind: str, package: str, name: str) -> None:
    ElementTree.SubElement(
        parent, "Ref", {"id": name, "version": VERSION, "agencyID": AGENCY, "package": package, "class": kind}
    )


def _add(parent: ElementTree.Element, name: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{STRUCTURE}}}{name}", attributes)


def _unit(measure: Column) -> str:
    return "RATIO" if measure.unit == "0-1" else measure.unit or PURE_NUMBER


def _code(value: str) -> str:
    return NO_CODE.sub("_", value)
