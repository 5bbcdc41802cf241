"""Who is who and who may trade what: the platform's registers, dated, as tables and as look-ups.

The CSV files beside this module are the only home of these facts. Each row's `source` says where it comes from and what
of it nobody has checked. What an operator decides by the day (who takes part, what is owed, which days are worked) is
added or corrected in files of the same name and columns under `NPL_HOME/register/`: a row there replaces the row of the
same key here. A broken register is ours or the operator's to mend, so every loader raises `StandardError`.
"""

import csv
import datetime
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.errors import StandardError
from ingest.paths import home

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
_WORKING_DAYS = pa.schema(
    {
        "day": pa.date32(),
        "is_working_day": pa.bool_(),
        "zh": pa.string(),
        "en": pa.string(),
        "certainty": pa.string(),
        "source": pa.string(),
    }
)
_OBLIGATIONS = pa.schema(
    {
        "institution_type": pa.string(),
        "role": pa.string(),
        "table_name": pa.string(),
        "frequency": pa.string(),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "opens": pa.string(),
        "due_working_day": pa.int64(),
        "grace_working_days": pa.int64(),
        "certainty": pa.string(),
        "source": pa.string(),
    }
)
_PARTICIPATION = pa.schema(
    {
        "institution_id": pa.string(),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "source": pa.string(),
    }
)
_MAILBOXES = pa.schema({"institution_id": pa.string(), "mailbox": pa.string()})

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


def working_days() -> pa.Table:
    """One row per day that is worked or not otherwise than its weekday says (columns of working_days.csv).

    `certainty`: P, the State Council's notice says so; U, the notice on that year was not at hand.
    """
    return _with_operators_rows("working_days.csv", _WORKING_DAYS, ("day",))


def obligations() -> pa.Table:
    """One row per institution type, table and span of days in which the type owes the table, with what counts its days.

    `role`: `seller` or `buyer`, owed only by those that an act admits in that role; `any`, by all of the type.
    `frequency`: month or quarter. `opens`: period_start or after_period. Days are counted in working days after the
    period's end. `certainty` is U throughout: these are rules of the platform.
    """
    return _with_operators_rows(
        "obligations.csv", _OBLIGATIONS, ("institution_type", "table_name", "frequency", "valid_from")
    )


def participation() -> pa.Table:
    """One row per institution and span of days in which it takes part in the platform, and so owes filings."""
    table = _with_operators_rows("participation.csv", _PARTICIPATION, ("institution_id", "valid_from"))
    unknown = sorted(set(table["institution_id"].to_pylist()) - set(_by_id()))
    if unknown:
        raise StandardError(f"participation.csv: unknown institution {', '.join(unknown)}")
    return table


def mailboxes() -> dict[str, str]:
    """Institution -> the mailbox of its filing desk, from the home alone: addresses are no part of the program."""
    file = home().register / "mailboxes.csv"
    rows = _read(file, _MAILBOXES).to_pylist() if file.exists() else []
    return {row["institution_id"]: row["mailbox"] for row in rows}


def operators_files() -> list[Path]:
    """The operator's own register files that change what is owed, for whoever asks whether anything changed."""
    names = ("working_days.csv", "obligations.csv", "participation.csv")
    return [home().register / name for name in names if (home().register / name).exists()]


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


def _with_operators_rows(file_name: str, schema: pa.Schema, key: tuple[str, ...]) -> pa.Table:
    """Return a register of ours with the rows of the operator's file of that name, which win; ordered by key."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for file in (REGISTER_DIR / file_name, home().register / file_name):
        if file.parent == REGISTER_DIR or file.exists():
            found = _read(file, schema).to_pylist()
            keyed = {tuple(row[name] for name in key): row for row in found}
            if len(keyed) < len(found):
                raise StandardError(f"{file}: two rows of one {', '.join(key)}")
            rows |= keyed
    return pa.Table.from_pylist([rows[each] for each in sorted(rows)], schema=schema)


def _read(file: str | Path, schema: pa.Schema) -> pa.Table:
    """Return a register with its types; empty text stays empty, an empty date is null."""
    path = REGISTER_DIR / file
    try:
        # a spreadsheet program writes a byte order mark
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            if reader.fieldnames != schema.names:
                raise StandardError(f"{file}: columns must be {', '.join(schema.names)}")
            rows = [_typed(row, schema, f"{file} line {reader.line_num}") for row in reader]
    except UnicodeDecodeError as error:
        raise StandardError(f"{file}: not UTF-8") from error
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
    if pa.types.is_integer(data_type):
        return int(text)
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
