"""Public notices that people collected, one row each, become filings of the platform's own collection desk.

Choices, each made so that nothing is claimed that the page did not print:
- One filing per seller and month (or year, where the page prints no month). A seller that the register does not know on
  that day is `UNKNOWN`: its rows share a filing, and every rule still sees the name as printed.
- `notice_id` and `transfer_id` are the collector's row id. Text stays as printed: the standard's code lists hold the
  aliases, and counts such as `损失(全部)` are findings, not for us to interpret.
- A date known by month or year becomes its first day, with the precision beside it. A bid date printed with a time
  gives the date to `bid_date` and the time to `free_bid_start_at`, when bidding opens.
- A sale notice is a re-listing (RE) where the collector or the title says so. The first listing is not printed: left
  out.
- `project_code` is made from seller, branch, year and issue (`第N期`), so that teaser, sale notice, re-listing and
  result meet. Sellers number per branch where a branch or card centre sells; a sales region (`四川地区`) numbers with
  its seller. Without a printed issue, or a known seller, identity is unproven: the code ends in the row id and joins
  nothing.
  `(1/3)` in a teaser is no issue number.
- `claim_total` stays `claim_total_cny`: what sellers add to principal and interest differs. Amounts as printed are kept
  under the names of the standard's fields, each table taking those it has.
- A result notice also becomes a `transfer_result` seen by an observer. It prints no signing date: the notice's own date
  stands in (`announced`, or `month` / `year` where it is no finer). The buyer is given as printed, its type left out.
- The collector's note becomes `remarks` unless it holds personal data: then it is left out and the row is reported.
"""

import csv
import datetime
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from expectations.spec import Standard
from ingest.config import settings
from ingest.errors import FilingError
from ingest.manifest import Manifest, ManifestTable
from ingest.paths import write_folder
from ingest.read.csv_file import read_csv
from ingest.read.members import MANIFEST_FILE
from ingest.register import find_institution

NOTICES_FILE = Path(__file__).resolve().parent.parent / "data" / "notices.csv"
NOTICE_TABLE, RESULT_TABLE = "package_notice", "transfer_result"
UNKNOWN_SELLER = "UNKNOWN"
YES = "是"
SALE_NOTICE, RELISTING, RESULT = "ZR", "RE", "JG"
RELISTED_TITLE = re.compile(r"[(（]重新挂牌[)）]")
ISSUE = re.compile(r"(?P<year>20\d{2})年第(?P<issue>\d{1,3})期")
NUMBERING_BRANCH = ("分行", "支行", "中心")
DATE = re.compile(r"(?P<year>20\d{2})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?")
DAY_AND_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)")

# Source column -> field; the same names hold in both tables where both have the field.
AMOUNTS = {
    "principal": "principal_cny",
    "interest": "interest_cny",
    "principal_interest": "principal_interest_cny",
    "other_fees": "other_fees_cny",
    "claim_total": "claim_total_cny",
    "start_price": "start_price_cny",
    "max_borrower_balance": "max_borrower_balance_cny",
    "avg_borrower_balance": "avg_borrower_balance_cny",
    "w_avg_credit_line": "weighted_credit_line_cny",
    "bid_increment": "bid_increment_cny",
    "deposit": "deposit_cny",
    "deal_price": "price_cny",
}
AS_PRINTED = AMOUNTS | {
    "seller": "seller_name",
    "seller_type": "seller_type",
    "asset_type": "asset_type",
    "benchmark_date": "cutoff_date",
    "loans": "loan_count",
    "borrowers": "borrower_count",
    "precision": "precision",
    "source_url": "source_address",
    "source_kind": "source_medium",
    "branch": "seller_branch",
    "w_avg_overdue_days": "weighted_overdue_days",
    "w_avg_age": "weighted_age_years",
    "five_tier": "five_tier_states",
    "write_off": "write_off_states",
    "guarantee": "guarantee_states",
    "litigation": "litigation_states",
    "method": "sale_method",
    "reg_deadline": "registration_deadline_at",
    "buyer": "buyer_name",
}
INTERPRETED = {
    "row_id",
    "notice_type",
    "announce_date",
    "package_name",
    "bid_date",
    "relisted",
    "amounts_as_printed",
    "note",
}
COLUMNS = {*AS_PRINTED, *INTERPRETED}

Cells = dict[str, str | None]


@dataclass(frozen=True)
class CollectResult:
    """What was made: one folder per filing, `rows_in` notices read and `rows_out` notices filed (always as many)."""

    folders: tuple[Path, ...]
    rows_in: int
    rows_out: int
    transfer_results: int
    remarks_left_out: tuple[str, ...]

    @property
    def filings(self) -> int:
        return len(self.folders)


@dataclass(frozen=True)
class _Announced:
    """A printed date: its first day, how precise it is (day, month, year), and the period it falls in."""

    day: datetime.date
    precision: str

    @property
    def period(self) -> str:
        return f"{self.day.year}" if self.precision == "year" else f"{self.day:%Y-%m}"


def collect(source: Path, out: Path, standard: Standard) -> CollectResult:
    """Write one filing folder per seller and month under `out`; the same rows give the same bytes.

    Raises:
        FilingError: the file or its columns can't be read, a row id is missing or stands twice, or a notice's date or
            amounts can't be read; the text names the row.
    """
    rows, _ = read_csv(source.read_bytes(), source.name)
    _check_columns(rows.column_names[1:], source.name)
    filings: dict[tuple[str, str], dict[str, list[Cells]]] = {}
    seen: set[str] = set()
    left_out: list[str] = []
    for cells in rows.to_pylist():
        place = f"{source.name} 第 {cells['row_number']} 行 row {cells['row_number']}"
        row_id = _row_id(cells, seen, place)
        announced = _announced(cells["announce_date"], place)
        subject = find_institution(cells["seller"] or "", announced.day) or UNKNOWN_SELLER
        if cells["note"] and _has_personal_data(standard, cells["note"]):
            left_out.append(row_id)
            cells["note"] = None
        tables = filings.setdefault((subject, announced.period), {NOTICE_TABLE: [], RESULT_TABLE: []})
        common = _common(cells, subject, announced, place)
        notice = _notice(cells, announced, common, standard)
        tables[NOTICE_TABLE].append(notice)
        if _code(standard, "notice_type", notice["notice_type"]) == RESULT:
            tables[RESULT_TABLE].append(_result(cells, announced, common))
    folders = [
        _write_filing(out, subject, period, tables, standard) for (subject, period), tables in sorted(filings.items())
    ]
    filed = {name: sum(len(tables[name]) for tables in filings.values()) for name in (NOTICE_TABLE, RESULT_TABLE)}
    return CollectResult(
        folders=tuple(folders),
        rows_in=rows.num_rows,
        rows_out=filed[NOTICE_TABLE],
        transfer_results=filed[RESULT_TABLE],
        remarks_left_out=tuple(left_out),
    )


def _check_columns(names: list[str], file: str) -> None:
    missing, unknown = sorted(COLUMNS - set(names)), sorted(set(names) - COLUMNS)
    if missing or unknown:
        names_missing = ", ".join(missing) or "0"
        raise FilingError(
            f"{file}：公告汇总表的列不符。缺少：{names_missing}；不认识的列：{len(unknown)} 个。",
            f"{file}: not the columns of collected notices. Missing: {names_missing}; unknown: {len(unknown)}.",
        )


def _row_id(cells: Cells, seen: set[str], place: str) -> str:
    row_id = cells["row_id"]
    if not row_id or row_id in seen:
        raise FilingError(f"{place}：row_id 为空或重复。", f"{place}: row_id is missing or stands twice.")
    seen.add(row_id)
    return row_id


def _announced(text: str | None, place: str) -> _Announced:
    match = DATE.fullmatch(text or "")
    try:
        if match:
            day = datetime.date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
            return _Announced(day, "day" if match["day"] else "month" if match["month"] else "year")
    except ValueError:
        pass
    raise FilingError(
        f"{place}：announce_date 应为 2025-11-24、2025-11 或 2025。",
        f"{place}: announce_date must be like 2025-11-24, 2025-11 or 2025.",
    )


def _common(cells: Cells, subject: str, announced: _Announced, place: str) -> Cells:
    """What both tables take from a row."""
    return {
        **{field: cells[column] for column, field in AS_PRINTED.items()},
        "project_code": _project_code(cells, subject),
        "remarks": cells["note"],
        "source_kind": "public_notice",
        "amounts_as_printed": _amounts(cells["amounts_as_printed"], place),
        "announced_date": announced.day.isoformat(),
    }


def _notice(cells: Cells, announced: _Announced, common: Cells, standard: Standard) -> Cells:
    is_relisted = cells["relisted"] == "Y" or RELISTED_TITLE.search(cells["package_name"] or "") is not None
    printed_type = cells["notice_type"]
    is_sale_notice = _code(standard, "notice_type", printed_type) == SALE_NOTICE
    bid = DAY_AND_TIME.fullmatch(cells["bid_date"] or "")
    return common | {
        "notice_id": cells["row_id"],
        "notice_type": RELISTING if is_relisted and is_sale_notice else printed_type,
        "announced_date_precision": announced.precision,
        "package_name": cells["package_name"],
        "bid_date": bid[1] if bid else cells["bid_date"],
        "free_bid_start_at": bid[0] if bid else None,
        "is_relisted": YES if is_relisted else None,
    }


def _result(cells: Cells, announced: _Announced, common: Cells) -> Cells:
    return common | {
        "transfer_id": cells["row_id"],
        "project_name": cells["package_name"],
        "filer_side": "observer",
        "signed_date": announced.day.isoformat(),
        "signed_date_precision": "announced" if announced.precision == "day" else announced.precision,
    }


def _project_code(cells: Cells, subject: str) -> str:
    issue = ISSUE.search(cells["package_name"] or "")
    if issue is None or subject == UNKNOWN_SELLER:
        return f"{subject}-{cells['row_id']}"
    branch = cells["branch"] or ""
    numbered_by = [subject, branch] if branch.endswith(NUMBERING_BRANCH) else [subject]
    return "-".join([*numbered_by, issue["year"], f"{int(issue['issue']):03}"])


def _amounts(text: str | None, place: str) -> str | None:
    """`principal=9.88亿;deal_price=..` under the standard's names; an amount nobody can place is refused, not lost."""
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if any(name.strip() not in AMOUNTS or not value.strip() for name, _, value in pairs):
        raise FilingError(
            f"{place}：amounts_as_printed 应为“列名=原文;列名=原文”。",
            f'{place}: amounts_as_printed must be "column=text;column=text".',
        )
    return ";".join(f"{AMOUNTS[name.strip()]}={value.strip()}" for name, _, value in pairs)


def _code(standard: Standard, code_list: str, text: str | None) -> str | None:
    return next((code.code for code in standard.codes[code_list] if text in code.spellings), None)


def _has_personal_data(standard: Standard, text: str) -> bool:
    from expectations.findings import mask

    return mask(standard, text) != text


def _write_filing(out: Path, subject: str, period: str, tables: dict[str, list[Cells]], standard: Standard) -> Path:
    desk = settings().collection_desk
    contents = {table: _csv(rows, table, standard) for table, rows in tables.items() if rows}
    manifest = Manifest(
        institution=desk,
        subject=subject,
        period=period,
        sequence=1,
        kind="original",
        tables=tuple(
            ManifestTable(
                table=table,
                file=f"{table}.csv",
                rows=len(tables[table]),
                encoding="utf-8",
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for table, content in contents.items()
        ),
    )
    files = {f"{table}.csv": content for table, content in contents.items()}
    files[MANIFEST_FILE] = manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n"
    folder = out / f"{desk}-{subject}-{period}"
    write_folder(folder, files)
    return folder


def _csv(rows: list[Cells], table: str, standard: Standard) -> bytes:
    """The rows as CSV: headers are field names, in the table's order, and only fields that some row fills."""
    names = standard.tables[table].by_name
    rows = [row | {"amounts_as_printed": _amounts_of(row["amounts_as_printed"], set(names))} for row in rows]
    used = [name for name in names if any(row.get(name) for row in rows)]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([row.get(name) or "" for name in used] for row in rows)
    return buffer.getvalue().encode("utf-8")


def _amounts_of(text: str | None, fields: set[str]) -> str | None:
    parts = [part for part in (text or "").split(";") if part.partition("=")[0] in fields]
    return ";".join(parts) or None
