"""Who is who and who may trade what: the platform's registers, dated, as tables and as look-ups.

The three CSV files beside this module are the only home of these facts; operators correct them there. Each row's
`source` says where it comes from and what of it nobody has checked. A broken register is ours to mend, so every
loader raises `StandardError`.
"""

import csv
import datetime
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.errors import StandardError

REGISTER_DIR = Path(__file__).parent

# Columns of each file, in order: the schema is the check that a file has exactly these.
_INSTITUTIONS = pa.schema(
    {
        "institution_id": pa.string(),
        "name_zh": pa.string(),
        "name_en": pa.string(),
        "institution_type": pa.string(),
        "province_code": pa.string(),
        "uscc": pa.string(),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "successor_id": pa.string(),
        "aliases": pa.string(),
        "is_demo": pa.bool_(),
        "source": pa.string(),
    }
)
_INSTITUTION_NAMES = pa.schema(
    {
        "name": pa.string(),
        "institution_id": pa.string(),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "source": pa.string(),
    }
)
_ELIGIBILITY = pa.schema(
    {
        "role": pa.string(),
        "institution_type": pa.string(),
        "business": pa.string(),
        "province_scope": pa.string(),
        "province_codes": pa.string(),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "act": pa.string(),
        "article": pa.string(),
        "certainty": pa.string(),
        "source": pa.string(),
    }
)

# The SQL side has the same normal form in the standard's macro `normal_name`; a test holds the two equal.
_NORMAL_FORM = str.maketrans({"（": "(", "）": ")"} | dict.fromkeys(" \t\n\r\f\u00a0\u3000"))


def normalise_name(name: str) -> str:
    """Return the form in which names are compared: full-width brackets made half-width, all spaces gone, no more."""
    return name.translate(_NORMAL_FORM)


@lru_cache(maxsize=1)
def institutions() -> pa.Table:
    """One row per institution: columns of institutions.csv, dates typed (null `valid_to` is open), `is_demo` boolean.

    `aliases` is joined with `;`. Names in English are ours where none is well known.
    """
    return _read("institutions.csv", _INSTITUTIONS)


@lru_cache(maxsize=1)
def institution_names() -> pa.Table:
    """One row per name and institution: `name` (normalised), `institution_id`, `valid_from`, `valid_to` (null is open).

    Holds each current Chinese name and alias for the institution's whole life, and the dated names of
    institution_names.csv. A current name that this file dates as well is taken from it alone.

    Raises:
        StandardError: a name of an unknown institution, or one that means two institutions on the same day.
    """
    lives = {row["institution_id"]: row for row in institutions().to_pylist()}
    dated = _read("institution_names.csv", _INSTITUTION_NAMES).to_pylist()
    unknown = sorted({row["institution_id"] for row in dated} - set(lives))
    if unknown:
        raise StandardError(f"institution_names.csv: unknown institution {', '.join(unknown)}")
    rows = [(normalise_name(row["name"]), row["institution_id"], row["valid_from"], row["valid_to"]) for row in dated]
    named = {(name, identifier) for name, identifier, _, _ in rows}
    for identifier, life in lives.items():
        names = dict.fromkeys(normalise_name(name) for name in (life["name_zh"], *life["aliases"].split(";")) if name)
        rows += [
            (name, identifier, life["valid_from"], life["valid_to"])
            for name in names
            if (name, identifier) not in named
        ]
    rows.sort(key=lambda row: row[:3])
    _refuse_ambiguous(rows)
    fields = ("name", "institution_id", "valid_from", "valid_to")
    return pa.Table.from_pylist(
        [dict(zip(fields, row, strict=True)) for row in rows],
        schema=pa.schema([_INSTITUTION_NAMES.field(name) for name in fields]),
    )


@lru_cache(maxsize=1)
def eligibility() -> pa.Table:
    """One row per role, institution type, business and span of days in which an act lets that type sell or buy.

    `province_scope`: `all`; `own` (a buyer in the debtor's or seller's province only); `list` (the trader's own
    province is among `province_codes`, joined with `;`). `certainty`: P, a public page says so; U, not checked: such
    a row, or its absence for others, is no ground to reject. Null `valid_to` is open.
    """
    return _read("eligibility.csv", _ELIGIBILITY)


def institution(institution_id: str) -> dict[str, Any] | None:
    """Return the register's row of an institution (columns of `institutions()`); null if it has none."""
    return _by_id().get(institution_id)


def find_institution(name: str, day: datetime.date) -> str | None:
    """Return the id of the institution that bore this name on a day; null if none did.

    Current, former and printed short names all count; brackets and spaces may be of either width.
    """
    for valid_from, valid_to, identifier in _by_name().get(normalise_name(name), ()):
        if valid_from <= day and (valid_to is None or day <= valid_to):
            return identifier
    return None


@lru_cache(maxsize=1)
def _by_id() -> dict[str, dict[str, Any]]:
    return {row["institution_id"]: row for row in institutions().to_pylist()}


@lru_cache(maxsize=1)
def _by_name() -> dict[str, list[tuple[datetime.date, datetime.date | None, str]]]:
    found = defaultdict(list)
    for row in institution_names().to_pylist():
        found[row["name"]].append((row["valid_from"], row["valid_to"], row["institution_id"]))
    return found


def _read(file_name: str, schema: pa.Schema) -> pa.Table:
    """Return a register with its types; empty text stays empty, an empty date is null."""
    with (REGISTER_DIR / file_name).open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if reader.fieldnames != schema.names:
            raise StandardError(f"{file_name}: columns must be {', '.join(schema.names)}")
        rows = [_typed(row, schema, f"{file_name} line {reader.line_num}") for row in reader]
    return pa.Table.from_pylist(rows, schema=schema)


def _typed(row: dict[str, str], schema: pa.Schema, where: str) -> dict[str, Any]:
    if None in row or None in row.values():
        raise StandardError(f"{where}: not as many cells as columns")
    try:
        return {field.name: _value(row[field.name], field.type) for field in schema}
    except ValueError as error:
        raise StandardError(f"{where}: {error}") from error


def _value(text: str, data_type: pa.DataType) -> Any:
    if pa.types.is_date(data_type):
        return datetime.date.fromisoformat(text) if text else None
    if pa.types.is_boolean(data_type):
        if text not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text == "true"
    return text


def _refuse_ambiguous(rows: list[tuple[str, str, datetime.date, datetime.date | None]]) -> None:
    """Refuse a name that two institutions bear on one day; rows must be sorted by name."""
    by_name = defaultdict(list)
    for name, identifier, valid_from, valid_to in rows:
        by_name[name].append((identifier, valid_from, valid_to or datetime.date.max))
    for name, spans in by_name.items():
        for index, (one, first, last) in enumerate(spans):
            for other, other_first, other_last in spans[index + 1 :]:
                if one != other and first <= other_last and other_first <= last:
                    raise StandardError(f"institution names: {name} means both {one} and {other}")
