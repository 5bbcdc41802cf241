"""Who is who and who may trade what: the platform's registers, dated, as tables and as look-ups.

The CSV files beside this module are the home of these facts. Each row's `source` says where it comes from and what
of it nobody has checked. An operator adds rows in files of the same names and columns under `NPL_HOME/register/`. To
the three registers of who is who and who may trade what, a row there only ever adds; in what is decided by the day
(who takes part, what is owed, which days are worked) it replaces the row of the same key here. A process reads the
registers once. A broken register of ours raises `StandardError`; an addition to the three that is broken or conflicts,
`StorageError`.
"""

import csv
import datetime
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.errors import StandardError, StorageError
from ingest.paths import home

REGISTER_DIR = Path(__file__).parent
FILES = INSTITUTIONS, NAMES, ELIGIBILITY = "institutions.csv", "institution_names.csv", "eligibility.csv"

# Columns of each file, in order: the schema is the check that a file has exactly these.
INSTITUTIONS_SCHEMA = pa.schema(
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
NAMES_SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "institution_id": pa.string(),
        "valid_from": pa.date32(),
        "valid_to": pa.date32(),
        "source": pa.string(),
    }
)
ELIGIBILITY_SCHEMA = pa.schema(
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

PARTICIPATION, MAILBOXES = "participation.csv", "mailboxes.csv"
ACT_KEY = ("role", "institution_type", "business", "valid_from", "act")

# The SQL side has the same normal form in the standard's macro `normal_name`; a test holds the two equal.
_NORMAL_FORM = str.maketrans({"（": "(", "）": ")"} | dict.fromkeys(" \t\n\r\f\u00a0\u3000"))


def normalise_name(name: str) -> str:
    """Return the form in which names are compared: full-width brackets made half-width, all spaces gone, no more."""
    return name.translate(_NORMAL_FORM)


def institutions() -> pa.Table:
    """One row per institution: columns of institutions.csv, dates typed (null `valid_to` is open), `is_demo` boolean.

    `aliases` is joined with `;`. Names in English are ours where none is well known.
    """
    return _institutions(home().register)


@lru_cache(maxsize=1)
def _institutions(added: Path) -> pa.Table:
    table = _read_with_additions(INSTITUTIONS, INSTITUTIONS_SCHEMA, added)
    repeated = sorted(each for each, count in Counter(table["institution_id"].to_pylist()).items() if count > 1)
    if repeated and _is_added_to(added):
        raise _conflict(added, f"机构 {'、'.join(repeated)} 重复登记", f"{', '.join(repeated)} registered twice")
    return table


def institution_names() -> pa.Table:
    """One row per name and institution: `name` (normalised), `institution_id`, `valid_from`, `valid_to` (null is open).

    Holds each current Chinese name and alias for the institution's whole life, and the dated names of
    institution_names.csv. A current name that this file dates as well is taken from it alone.

    Raises:
        StandardError: a name of an unknown institution, or one that means two institutions on the same day.
        StorageError: the same, with the operator's additions alone.
    """
    return _institution_names(home().register)


@lru_cache(maxsize=1)
def _institution_names(added: Path) -> pa.Table:
    try:
        return _names_of(_institutions(added).to_pylist(), _read_with_additions(NAMES, NAMES_SCHEMA, added).to_pylist())
    except StandardError as error:
        if not _is_added_to(added):
            raise
        raise _conflict(added, str(error), str(error)) from error


def _names_of(known: list[dict[str, Any]], dated: list[dict[str, Any]]) -> pa.Table:
    lives = {row["institution_id"]: row for row in known}
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
        schema=pa.schema([NAMES_SCHEMA.field(name) for name in fields]),
    )


def eligibility() -> pa.Table:
    """One row per role, institution type, business and span of days in which an act lets that type sell or buy.

    `province_scope`: `all`; `own` (a buyer in the debtor's or seller's province only); `list` (the trader's own
    province is among `province_codes`, joined with `;`). `certainty`: P, a public page says so; U, not checked: such
    a row, or its absence for others, is no ground to reject. Null `valid_to` is open.
    """
    return _eligibility(home().register)


@lru_cache(maxsize=1)
def _eligibility(added: Path) -> pa.Table:
    table = _read_with_additions(ELIGIBILITY, ELIGIBILITY_SCHEMA, added)
    acts = Counter(tuple(row[name] for name in ACT_KEY) for row in table.to_pylist())
    repeated = ["/".join(map(str, act)) for act, count in acts.items() if count > 1]
    if repeated and _is_added_to(added):
        raise _conflict(added, f"资格 {'、'.join(repeated)} 重复登记", f"eligibility {', '.join(repeated)} twice")
    return table


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
    table = _with_operators_rows(PARTICIPATION, _PARTICIPATION, ("institution_id", "valid_from"))
    unknown = sorted(set(table["institution_id"].to_pylist()) - set(_by_id(home().register)))
    if unknown:
        raise StandardError(f"participation.csv: unknown institution {', '.join(unknown)}")
    return table


def mailboxes() -> dict[str, str]:
    """Institution -> the mailbox of its filing desk, from the home alone: addresses are no part of the program."""
    file = home().register / MAILBOXES
    rows = _read(file, _MAILBOXES).to_pylist() if file.exists() else []
    return {row["institution_id"]: row["mailbox"] for row in rows}


def forget() -> None:
    """Have the registers read again: a file of theirs has changed in this process."""
    for kept in (_institutions, _institution_names, _eligibility, _by_id, _by_name):
        kept.cache_clear()


def operators_files() -> list[Path]:
    """The operator's register files that change what is known or owed, for whoever asks whether anything changed."""
    names = (*FILES, "working_days.csv", "obligations.csv", PARTICIPATION)
    return [home().register / name for name in names if (home().register / name).is_file()]


def institution(institution_id: str) -> dict[str, Any] | None:
    """Return the register's row of an institution (columns of `institutions()`); null if it has none."""
    return _by_id(home().register).get(institution_id)


def find_institution(name: str, day: datetime.date) -> str | None:
    """Return the id of the institution that bore this name on a day; null if none did.

    Current, former and printed short names all count; brackets and spaces may be of either width.
    """
    for valid_from, valid_to, identifier in _by_name(home().register).get(normalise_name(name), ()):
        if valid_from <= day and (valid_to is None or day <= valid_to):
            return identifier
    return None


@lru_cache(maxsize=1)
def _by_id(added: Path) -> dict[str, dict[str, Any]]:
    return {row["institution_id"]: row for row in _institutions(added).to_pylist()}


@lru_cache(maxsize=1)
def _by_name(added: Path) -> dict[str, list[tuple[datetime.date, datetime.date | None, str]]]:
    found = defaultdict(list)
    for row in _institution_names(added).to_pylist():
        found[row["name"]].append((row["valid_from"], row["valid_to"], row["institution_id"]))
    return found


def _read_with_additions(file_name: str, schema: pa.Schema, added: Path) -> pa.Table:
    """Return a register and its additions with their types; empty text stays empty, an empty date is null."""
    rows = _read(file_name, schema).to_pylist()
    addition = added / file_name
    if addition.is_file():
        try:
            rows += _read(addition, schema).to_pylist()
        except (StandardError, OSError, csv.Error) as error:
            raise _conflict(added, f"{addition} 无法读取：{error}", f"{addition} cannot be read: {error}") from error
    return pa.Table.from_pylist(rows, schema=schema)


def _is_added_to(added: Path) -> bool:
    return any((added / name).is_file() for name in FILES)


def _conflict(added: Path, zh: str, en: str) -> StorageError:
    """What the operator reads whose addition cannot stand beside the register."""
    return StorageError(
        f"登记册的补充（{added}）不能采用：{zh}。请改正该目录中的文件；随附的登记册不能由补充改写。",
        f"The additions to the register ({added}) cannot be used: {en}. Correct the files in that folder; they may add "
        "to the register that comes with the platform, not change it.",
    )


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
