"""Collected public notices become filings of the collection desk: no row lost, nothing claimed that was not printed."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from expectations.findings import mask
from expectations.spec import load_standard
from ingest.errors import FilingError
from ingest.read import read_filing
from ingest.read.notices import NOTICES_FILE, CollectResult, collect

STANDARD = load_standard()
Rows = dict[str, dict[str, str | None]]


def source_rows() -> list[dict[str, str]]:
    with NOTICES_FILE.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def filed_rows(result: CollectResult, table: str, key: str) -> Rows:
    """Every row of a table in all filings, by its key, as `npl check` would read it."""
    tables = [each for folder in result.folders for each in read_filing(folder, STANDARD).tables if each.table == table]
    return {row[key]: row for each in tables for row in each.rows.to_pylist()}


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> CollectResult:
    return collect(NOTICES_FILE, tmp_path_factory.mktemp("collected"), STANDARD)


@pytest.fixture(scope="module")
def notices(result: CollectResult) -> Rows:
    return filed_rows(result, "package_notice", "notice_id")


@pytest.fixture(scope="module")
def results(result: CollectResult) -> Rows:
    return filed_rows(result, "transfer_result", "transfer_id")


def table_with(path: Path, **changes: str) -> Path:
    """A table of one notice: the first real one, changed."""
    row = source_rows()[0] | changes
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(row))
    writer.writeheader()
    writer.writerow(row)
    target = path / "notices.csv"
    target.write_text(buffer.getvalue(), encoding="utf-8")
    return target


def refusal(source: Path, out: Path) -> str:
    with pytest.raises(FilingError) as caught:
        collect(source, out, STANDARD)
    assert not out.exists()
    return caught.value.en


def test_every_notice_collected_is_filed_once(result: CollectResult, notices: Rows) -> None:
    assert (result.rows_in, result.rows_out) == (63, 63)
    assert set(notices) == {row["row_id"] for row in source_rows()}
    assert len(set(result.folders)) == result.filings == 46


def test_every_value_printed_stands_in_the_filing(notices: Rows) -> None:
    columns = {
        "principal": "principal_cny",
        "interest": "interest_cny",
        "principal_interest": "principal_interest_cny",
        "claim_total": "claim_total_cny",
        "start_price": "start_price_cny",
        "loans": "loan_count",
        "borrowers": "borrower_count",
        "branch": "seller_branch",
        "five_tier": "five_tier_states",
        "litigation": "litigation_states",
        "method": "sale_method",
        "note": "remarks",
    }
    seen = 0
    for row in source_rows():
        for column, field in columns.items():
            assert notices[row["row_id"]].get(field) == (row[column] or None), (row["row_id"], column)
            seen += bool(row[column])
    assert seen > 200


def test_a_filing_is_one_seller_and_one_month_of_the_desk(result: CollectResult) -> None:
    for folder in result.folders:
        content = read_filing(folder, STANDARD)
        named = content.manifest
        assert folder.name == f"DESK-{named.subject}-{named.period}"
        assert (named.institution, named.kind, named.sequence) == ("DESK", "original", 1)
        for entry, table in zip(named.tables, content.tables, strict=True):
            assert (entry.rows, entry.sha256) == (table.rows.num_rows, table.sha256)
            assert entry.sha256 == hashlib.sha256((folder / entry.file).read_bytes()).hexdigest()
            assert set(table.rows.column_names[1:]) <= set(STANDARD.tables[entry.table].by_name)


def test_teaser_and_sale_notice_of_one_package_share_its_code(notices: Rows) -> None:
    assert notices["A019"]["project_code"] == notices["A021"]["project_code"] == "MASHANGCF-2025-001"
    assert notices["A050"]["project_code"] == notices["A051"]["project_code"] == "CIBCF-2025-031"


def test_branches_number_for_themselves_and_regions_do_not(notices: Rows) -> None:
    assert notices["A001"]["project_code"] == "BOC-天津市分行-2026-002"
    assert len({notices[row]["project_code"] for row in ("A073", "A074", "A075")}) == 3
    assert notices["A053"]["project_code"] == "CMBC-信用卡中心-2025-008"
    assert notices["A028"]["project_code"] == "BOCCF-2025-076"


def test_a_notice_without_issue_or_known_seller_joins_no_other(notices: Rows) -> None:
    codes = [row["project_code"] for row in notices.values()]
    unproven = {"A016": "HAIERCF-A016", "A048": "BOBCF-A048", "A063": "UNKNOWN-A063", "A064": "UNKNOWN-A064"}
    for row_id, code in unproven.items():
        assert notices[row_id]["project_code"] == code
        assert codes.count(code) == 1


def test_a_coarse_date_is_its_first_day_and_says_so(notices: Rows) -> None:
    dates = {
        row_id: (notices[row_id]["announced_date"], notices[row_id]["announced_date_precision"])
        for row_id in ("A001", "A012", "A029")
    }
    assert dates == {"A001": ("2026-03-13", "day"), "A012": ("2025-11-01", "month"), "A029": ("2025-01-01", "year")}


def test_relistings_are_told_by_the_collector_or_by_the_title(notices: Rows, tmp_path: Path) -> None:
    assert {row_id for row_id, row in notices.items() if row["notice_type"] == "RE"} == {"A006", "A060"}
    assert {row_id for row_id, row in notices.items() if row.get("is_relisted") == "是"} == {"A006", "A060"}
    title = "2026年第2期个人不良贷款转让项目（重新挂牌）"
    one = collect(table_with(tmp_path, package_name=title), tmp_path / "out", STANDARD)
    assert filed_rows(one, "package_notice", "notice_id")["A001"]["notice_type"] == "RE"


def test_a_bid_date_with_a_time_gives_date_and_start(notices: Rows) -> None:
    assert (notices["A038"]["bid_date"], notices["A038"]["free_bid_start_at"]) == ("2025-05-28", "2025-05-28 09:30")
    assert notices["A012"]["bid_date"] == "2025-12-02"


def test_amounts_as_printed_carry_the_names_of_the_fields(notices: Rows, results: Rows) -> None:
    assert notices["A030"]["amounts_as_printed"] == "principal_interest_cny=1.28亿;start_price_cny=1034万"
    assert notices["A042"]["amounts_as_printed"] == "principal_interest_cny=468.74M"
    assert results["A042"]["amounts_as_printed"] == "principal_interest_cny=468.74M;price_cny=36.44M"


def test_result_notices_are_also_transfers_seen_by_an_observer(results: Rows, notices: Rows) -> None:
    printed = {row["row_id"] for row in source_rows() if row["notice_type"] == "转让结果"}
    assert set(results) == printed == {"A042", "A059", "A079", "A081", "A082"}
    for row_id, row in results.items():
        assert (row["filer_side"], row["project_code"]) == ("observer", notices[row_id]["project_code"])
    deal = results["A042"]
    assert (deal["buyer_name"], deal["price_cny"]) == ("深圳市招商平安资产管理有限责任公司", "36440000.00")
    dates = {row_id: (row["signed_date"], row["signed_date_precision"]) for row_id, row in results.items()}
    assert (dates["A042"], dates["A079"], dates["A081"]) == (
        ("2025-07-21", "announced"),
        ("2025-01-01", "year"),
        ("2024-11-01", "month"),
    )


def test_where_a_notice_comes_from_stands_in_every_row(notices: Rows, results: Rows) -> None:
    for row in (*notices.values(), *results.values()):
        assert row["source_kind"] == "public_notice"
        assert row["precision"] in ("exact", "rounded")
        assert (row["source_address"] or "").startswith("http")
        assert row["source_medium"]


def test_nothing_filed_holds_personal_data(notices: Rows) -> None:
    cells = [str(cell) for row in notices.values() for cell in row.values() if cell is not None]
    assert len(cells) > 1000
    assert [cell for cell in cells if mask(STANDARD, cell) != cell] == []


def test_a_note_with_personal_data_is_left_out_and_reported(tmp_path: Path) -> None:
    found = collect(table_with(tmp_path, note="call 13000000000"), tmp_path / "out", STANDARD)
    assert found.remarks_left_out == ("A001",)
    assert not any(b"13000000000" in content for content in contents(tmp_path / "out").values())


def test_the_same_notices_give_the_same_bytes_over_whatever_lay_there(result: CollectResult) -> None:
    out = result.folders[0].parent
    before = contents(out)
    (result.folders[0] / "transfer_result.csv").write_bytes(b"left by an earlier run")
    assert collect(NOTICES_FILE, out, STANDARD) == result
    assert contents(out) == before
    assert len(before) == 46 + 46 + 5


def test_an_unknown_seller_is_filed_as_printed(result: CollectResult, notices: Rows) -> None:
    folder = next(folder for folder in result.folders if folder.name == "DESK-UNKNOWN-2025")
    assert json.loads((folder / "filing.json").read_bytes())["subject"] == "UNKNOWN"
    assert notices["A063"]["seller_name"] == "某国有行(未具名)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"announce_date": "last spring"}, "row 2: announce_date must be"),
        ({"announce_date": "2026-02-30"}, "row 2: announce_date must be"),
        ({"announce_date": ""}, "row 2: announce_date must be"),
        ({"row_id": ""}, "row 2: row_id is missing"),
        ({"amounts_as_printed": "prize=1亿"}, "row 2: amounts_as_printed must be"),
        ({"colour": "red"}, "not the columns of collected notices"),
    ],
)
def test_a_row_that_cannot_be_filed_stops_the_run_and_is_named(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    assert said in refusal(table_with(tmp_path, **changes), tmp_path / "out")


@pytest.fixture(autouse=True)
def default_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The desk of these tests is the default one, whatever the machine's environment says."""
    from ingest import config

    monkeypatch.delenv("NPL_COLLECTION_DESK", raising=False)
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()
