"""The registers: who is who, by which name, and who may trade what on which day."""

import csv
import datetime
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

import ingest
from expectations.spec import load_standard
from ingest import register
from ingest.config import Settings
from ingest.errors import StandardError, StorageError
from ingest.manifest import IDENTIFIER_PATTERN
from ingest.paths import Home

NOTICES = Path(ingest.__file__).parent / "data" / "notices.csv"
# Not a name: a seller the paper hides, or several buyers in one phrase.
NO_NAME = re.compile(r"未具名|等\d+家")


def first_day(printed: str) -> datetime.date:
    """The first day of a printed date, month or year."""
    return datetime.date.fromisoformat((printed + "-01-01")[:10])


def real_notices() -> list[dict[str, str]]:
    with NOTICES.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def codes_of(code_list: str) -> set[str]:
    return {code.code for code in load_standard().codes[code_list]}


def code_spelled(code_list: str, text: str) -> str:
    return next(code.code for code in load_standard().codes[code_list] if text in code.spellings)


def acts_in_force(role: str, institution_type: str, business: str, day: datetime.date) -> list[dict[str, Any]]:
    return [
        row
        for row in register.eligibility().to_pylist()
        if (row["role"], row["institution_type"], row["business"]) == (role, institution_type, business)
        and row["valid_from"] <= day <= (row["valid_to"] or datetime.date.max)
    ]


def test_every_named_seller_of_the_real_notices_is_registered_with_its_printed_type() -> None:
    sellers = [row for row in real_notices() if not NO_NAME.search(row["seller"])]
    assert len({row["seller"] for row in sellers}) == 28
    for row in sellers:
        found = register.find_institution(row["seller"], first_day(row["announce_date"]))
        assert found is not None, row["seller"]
        registered = register.institution(found)
        assert registered is not None
        assert registered["institution_type"] == code_spelled("institution_type", row["seller_type"]), row["seller"]


def test_every_named_buyer_of_the_real_notices_is_registered() -> None:
    found = {
        row["buyer"]: register.find_institution(row["buyer"], first_day(row["announce_date"]))
        for row in real_notices()
        if row["buyer"] and not NO_NAME.search(row["buyer"])
    }
    assert found == {
        "深圳市招商平安资产管理有限责任公司": "LAMC-GD-ZHAOSHANGPINGAN",
        "天津津融(资产管理)": "LAMC-TJ-JINRONG",
        "海南新创建资产管理股份有限公司": "LAMC-HI-XINCHUANGJIAN",
    }


def test_sellers_that_no_paper_names_stay_unknown() -> None:
    hidden = [row for row in real_notices() if NO_NAME.search(row["seller"])]
    assert hidden
    assert all(register.find_institution(row["seller"], first_day(row["announce_date"])) is None for row in hidden)


def test_the_printed_asset_types_and_sale_methods_of_the_real_notices_are_spellings_of_codes() -> None:
    columns = {"asset_type": "asset_type", "method": "sale_method", "notice_type": "notice_type"}
    seen = {(code_list, row[column]) for row in real_notices() for column, code_list in columns.items() if row[column]}
    assert len(seen) >= 12
    for code_list, printed in seen:
        assert code_spelled(code_list, printed)


def test_a_former_name_resolves_only_while_it_was_borne_and_keeps_the_identity() -> None:
    former, current = "中国华融资产管理股份有限公司", "中国中信金融资产管理股份有限公司"
    assert register.find_institution(former, datetime.date(2023, 5, 1)) == "CITICFAMC"
    assert register.find_institution(former, datetime.date(2025, 5, 1)) is None
    assert register.find_institution(current, datetime.date(2025, 5, 1)) == "CITICFAMC"
    assert register.find_institution("重庆渝康资产经营管理有限公司", datetime.date(2020, 1, 1)) == "LAMC-CQ-YUKANG"


@pytest.mark.parametrize(
    "printed",
    [
        "大众汽车金融（中国）有限公司",
        "大众汽车金融 (中国)\u3000有限公司",
        "大众汽车金融(中国)有限公司",
    ],
)
def test_a_name_is_found_whatever_the_width_of_its_brackets_and_spaces(printed: str) -> None:
    assert register.find_institution(printed, datetime.date(2025, 10, 10)) == "VWFC"


def test_the_sql_macro_and_python_give_names_one_normal_form() -> None:
    statements = load_standard().macros.split(";\n")
    macro = next(text for text in statements if "macro normal_name(" in text)
    names = [row["name_zh"] for row in register.institutions().to_pylist()]
    names += ["甲（乙）丙 丁", "甲\u3000乙\t丙\r\n丁\u00a0戊", " A（B） "]
    connection = duckdb.connect()
    connection.execute(macro)
    found = connection.execute("select normal_name(unnest(?))", [names]).fetchall()
    assert [name for (name,) in found] == [register.normalise_name(name) for name in names]


def test_no_name_means_two_institutions_on_one_day() -> None:
    names = register.institution_names().to_pylist()
    assert len(names) > 150
    for row in names:
        assert register.find_institution(row["name"], row["valid_from"]) == row["institution_id"]
        if row["valid_to"]:
            assert register.find_institution(row["name"], row["valid_to"]) == row["institution_id"]


def test_a_name_of_two_institutions_is_refused_when_their_days_meet_and_only_then() -> None:
    start, middle, end = (datetime.date(year, 1, 1) for year in (2020, 2021, 2022))
    register._refuse_ambiguous([("甲", "A", start, middle), ("甲", "B", middle + datetime.timedelta(days=1), None)])
    with pytest.raises(StandardError, match="甲 means both A and B"):
        register._refuse_ambiguous([("甲", "A", start, end), ("甲", "B", middle, None)])


def test_every_code_in_the_registers_exists_in_its_code_list() -> None:
    institutions = register.institutions().to_pylist()
    acts = register.eligibility().to_pylist()
    assert institutions
    assert acts
    types, provinces = codes_of("institution_type"), codes_of("province")
    assert {row["institution_type"] for row in [*institutions, *acts]} <= types
    assert {row["province_code"] for row in institutions} - {""} <= provinces
    assert {row["business"] for row in acts} == codes_of("business")
    assert {row["role"] for row in acts} == {"seller", "buyer"} <= codes_of("filer_side")
    assert {row["province_scope"] for row in acts} == {"all", "own", "list"}
    assert {row["certainty"] for row in acts} == {"P", "U"}
    listed = {code for row in acts for code in row["province_codes"].split(";") if code}
    assert len(listed) == 11
    assert listed <= provinces
    assert all(bool(row["province_codes"]) == (row["province_scope"] == "list") for row in acts)


def test_every_asset_type_belongs_to_a_business_that_somebody_may_sell() -> None:
    parents = {code.parent for code in load_standard().codes["asset_type"]}
    assert parents == codes_of("business")


def test_dates_of_the_registers_are_ordered_and_every_row_names_its_source() -> None:
    for table in (register.institutions(), register.institution_names(), register.eligibility()):
        rows = table.to_pylist()
        assert rows
        assert all(row["valid_from"] <= (row["valid_to"] or datetime.date.max) for row in rows)
        assert all(row.get("source", "given by the file") for row in rows)


def test_institution_ids_are_unique_fit_for_file_names_and_hold_the_collection_desk() -> None:
    identifiers = register.institutions()["institution_id"].to_pylist()
    assert len(identifiers) == len(set(identifiers)) > 100
    assert all(re.match(IDENTIFIER_PATTERN, identifier) for identifier in identifiers)
    desk = register.institution(Settings.model_fields["collection_desk"].default)
    assert desk is not None
    assert desk["institution_type"] == "PLATFORM"
    assert register.institution("NOBODY") is None


def test_invented_institutions_are_marked_and_no_real_one_is() -> None:
    rows = register.institutions().to_pylist()
    invented = {row["institution_id"] for row in rows if row["is_demo"]}
    assert invented == {"SLXJ01", "SLYH01", "SLYH02", "SLQC01", "SLZG01", "SLZG02"}
    assert {row["institution_id"] for row in rows if row["name_zh"].startswith("示例")} == invented


def test_successors_are_registered_institutions() -> None:
    rows = register.institutions().to_pylist()
    assert {row["successor_id"] for row in rows} - {""} <= {row["institution_id"] for row in rows}


@pytest.mark.parametrize(
    ("role", "institution_type", "business", "day", "scopes"),
    [
        ("seller", "SOB", "batch_personal", "2020-12-31", []),  # before the pilot nobody sells personal loans
        ("seller", "SOB", "batch_personal", "2021-06-01", ["all"]),
        ("seller", "CF", "batch_personal", "2022-12-29", []),  # second batch of the pilot starts a day later
        ("seller", "CF", "batch_personal", "2022-12-30", ["all"]),
        ("seller", "CB", "batch_personal", "2025-06-01", ["list"]),  # eleven provinces
        ("seller", "CF", "batch_personal", "2025-12-31", ["all"]),  # no gap when the pilot was extended
        ("seller", "CF", "batch_personal", "2026-01-01", ["all"]),
        ("seller", "CF", "batch_personal", "2027-01-01", []),  # the pilot's last day is 2026-12-31
        ("seller", "CF", "batch_corporate", "2025-06-01", []),
        ("seller", "JSB", "batch_corporate", "2025-09-01", ["all"]),
        ("buyer", "NAMC", "batch_personal", "2025-06-01", ["all"]),
        ("buyer", "LAMC", "batch_personal", "2025-06-01", ["all"]),  # anywhere
        ("buyer", "LAMC", "single_corporate", "2025-06-01", ["own"]),  # in its own province only
        ("buyer", "LAMC", "batch_corporate", "2015-06-01", ["own"]),
        ("buyer", "AIC", "batch_personal", "2025-06-01", []),
        ("buyer", "CF", "batch_personal", "2025-06-01", []),
        ("seller", "NAMC", "batch_personal", "2025-06-01", []),  # buyers of personal batches may not resell
    ],
)
def test_eligibility_follows_the_acts_by_date(
    role: str, institution_type: str, business: str, day: str, scopes: list[str]
) -> None:
    found = acts_in_force(role, institution_type, business, datetime.date.fromisoformat(day))
    assert [row["province_scope"] for row in found] == scopes


def test_the_pilot_runs_from_2021_to_the_end_of_2026_without_a_gap_or_an_overlap() -> None:
    days = [datetime.date(2021, 1, 1) + datetime.timedelta(days=number) for number in range(6 * 365 + 1)]
    assert days[-1] == datetime.date(2026, 12, 31)
    for business in ("batch_personal", "single_corporate"):
        assert {len(acts_in_force("seller", "JSB", business, day)) for day in days[::10]} == {1}
    joints = [datetime.date(2022, 12, 29), datetime.date(2022, 12, 30), datetime.date(2025, 12, 31), days[-1]]
    assert [len(acts_in_force("buyer", "NAMC", "batch_personal", day)) for day in joints] == [1, 1, 1, 1]


def test_what_nobody_checked_is_never_marked_as_certain() -> None:
    uncertain = {
        (row["role"], row["institution_type"]) for row in register.eligibility().to_pylist() if row["certainty"] == "U"
    }
    assert {("seller", "CB"), ("seller", "RB"), ("buyer", "AIC")} <= uncertain
    assert all(
        row["certainty"] == "U"
        for row in register.eligibility().to_pylist()
        if "not checked" in row["source"] and "day not checked" not in row["source"]
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("name,institution_id\n甲,A\n", "columns must be"),
        ("name,institution_id,valid_from,valid_to,source\n甲,A,2020-13-01,,x\n", "line 2"),
        ("name,institution_id,valid_from,valid_to,source\n甲,A,2020-01-01\n", "not as many cells as columns"),
    ],
)
def test_a_broken_register_is_refused_as_our_fault(
    content: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names.csv").write_text(content, encoding="utf-8")
    monkeypatch.setattr(register, "REGISTER_DIR", tmp_path)
    with pytest.raises(StandardError, match=complaint):
        register._read("names.csv", register.NAMES_SCHEMA)


INSTITUTION_HEADER = ",".join(register.INSTITUTIONS_SCHEMA.names)
NEW_BANK = (
    "NEWBANK,新设示例银行股份有限公司,New Example Bank,CB,330000,,2026-01-01,,,新设示例银行,false,application of 2026"
)


def add_to_register(home: Home, file: str, *lines: str) -> None:
    home.register.mkdir(parents=True, exist_ok=True)
    (home.register / file).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_an_institution_is_onboarded_by_a_row_in_the_home(npl_home: Home) -> None:
    assert register.institution("NEWBANK") is None
    ours = register.institutions().num_rows
    add_to_register(npl_home, "institutions.csv", INSTITUTION_HEADER, NEW_BANK)
    register.forget()
    found = register.institution("NEWBANK")
    assert found is not None
    assert found["institution_type"] == "CB"
    assert register.institutions().num_rows == ours + 1
    assert register.find_institution("新设示例银行", datetime.date(2026, 2, 1)) == "NEWBANK"
    assert register.find_institution("新设示例银行", datetime.date(2025, 2, 1)) is None
    assert npl_home.register / "institutions.csv" in register.operators_files()


def test_an_act_is_added_by_a_row_in_the_home(npl_home: Home) -> None:
    row = "seller,FB,batch_personal,all,,2027-01-01,,某办法,,P,published act"
    add_to_register(npl_home, "eligibility.csv", ",".join(register.ELIGIBILITY_SCHEMA.names), row)
    added = [each for each in register.eligibility().to_pylist() if each["act"] == "某办法"]
    assert [each["valid_from"] for each in added] == [datetime.date(2027, 1, 1)]


@pytest.mark.parametrize(
    ("file", "lines", "complaint"),
    [
        ("institutions.csv", (INSTITUTION_HEADER, NEW_BANK.replace("NEWBANK", "ICBC")), "ICBC"),
        (
            "institutions.csv",
            (INSTITUTION_HEADER, NEW_BANK.replace(",新设示例银行,", ",中国工商银行,")),
            "中国工商银行",
        ),
        ("institutions.csv", (INSTITUTION_HEADER, NEW_BANK.replace("2026-01-01", "2026-13-01")), "line 2"),
        ("institutions.csv", ("institution_id", "NEWBANK"), "columns must be"),
        (
            "institution_names.csv",
            (",".join(register.NAMES_SCHEMA.names), "某名,NOBODY,2026-01-01,,x"),
            "unknown institution NOBODY",
        ),
        (
            "eligibility.csv",
            (
                ",".join(register.ELIGIBILITY_SCHEMA.names),
                "seller,SOB,batch_corporate,all,,2012-01-01,,财金〔2012〕6号,第二条,P,again",
            ),
            "SOB",
        ),
    ],
)
def test_an_addition_that_conflicts_is_refused_in_both_languages(
    file: str, lines: tuple[str, ...], complaint: str, npl_home: Home
) -> None:
    add_to_register(npl_home, file, *lines)
    read = register.eligibility if file == "eligibility.csv" else register.institution_names
    with pytest.raises(StorageError) as refused:
        read()
    assert complaint in refused.value.en
    assert "不能采用" in refused.value.zh
    assert str(npl_home.register) in refused.value.zh
