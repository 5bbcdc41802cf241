"""Identifiers judged in SQL: as the vectors are labelled, as python-stdnum says, and where the two part, why.

`tests/data/id_vectors.csv` holds made-up codes of three schemes: valid ones, and ones spoilt by a dropped, changed,
swapped or blank character. A swap can hit two equal characters, and a digit has no lower case: such rows stay valid.
"""

import csv
import random
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
import stdnum.cn.ric
import stdnum.cn.uscc
import stdnum.exceptions
import stdnum.iso7064.mod_97_10
import stdnum.lei

from expectations.compile import macros_of
from expectations.spec import load_standard

VECTORS = Path(__file__).parent.parent / "data" / "id_vectors.csv"
MACROS = {"uscc": "is_valid_uscc", "lei": "is_valid_lei", "ric": "is_valid_resident_id"}
ORACLES: dict[str, ModuleType] = {"uscc": stdnum.cn.uscc, "lei": stdnum.lei, "ric": stdnum.cn.ric}
ALPHABETS = {
    "uscc": "0123456789ABCDEFGHJKLMNPQRTUWXY",
    "lei": string.digits + string.ascii_uppercase,
    "ric": string.digits,
}
Connection = duckdb.DuckDBPyConnection
# Where python-stdnum's verdict and the label differ, the label wins; the reason stands here. There is none today.
DIFFERENCES: dict[str, str] = {}


def vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    with duckdb.connect(":memory:") as con:
        for statement in macros_of(load_standard()):
            con.execute(statement)
        yield con


def judged(con: Connection, macro: str, codes: Sequence[str | None]) -> list[Any]:
    """What a macro says of each code, in one statement."""
    con.execute(
        "create or replace table codes as select unnest(?::varchar[]) as code, generate_subscripts(?, 1) as place",
        [codes, codes],
    )
    found = [verdict for (verdict,) in con.execute(f"select {macro}(code) from codes order by place").fetchall()]
    assert len(found) == len(codes) > 0
    return found


def test_the_vectors_are_whole() -> None:
    rows = vectors()
    assert Counter(row["scheme"] for row in rows) == {"lei": 235, "uscc": 232, "ric": 203}
    assert Counter((row["scheme"], row["valid"]) for row in rows) == {
        ("lei", "1"): 146,
        ("lei", "0"): 89,
        ("uscc", "1"): 148,
        ("uscc", "0"): 84,
        ("ric", "1"): 84,
        ("ric", "0"): 119,
    }


@pytest.mark.parametrize("optimizer", ["enable", "disable"])
@pytest.mark.parametrize("scheme", MACROS)
def test_every_vector_is_judged_as_it_is_labelled(con: Connection, scheme: str, optimizer: str) -> None:
    rows = [row for row in vectors() if row["scheme"] == scheme]
    con.execute(f"pragma {optimizer}_optimizer")  # the typing pass runs without it
    try:
        verdicts = judged(con, MACROS[scheme], [row["value"] for row in rows])
    finally:
        con.execute("pragma enable_optimizer")
    assert [row for row, verdict in zip(rows, verdicts, strict=True) if verdict is not (row["valid"] == "1")] == []


def test_the_labels_are_what_stdnum_says_but_for_the_differences_listed() -> None:
    rows = vectors()
    differing = {
        row["value"] for row in rows if ORACLES[row["scheme"]].is_valid(row["value"]) is not (row["valid"] == "1")
    }
    assert len(rows) == 670
    assert differing == set(DIFFERENCES)


def test_one_vector_is_refused_by_stdnum_for_its_county_and_by_us_for_its_small_x(con: Connection) -> None:
    """Chongqing's codes begin in 1997, this birth is of 1986: here the county never rejects, the lower case does."""
    vector = "50010319860110362x"
    assert vector in {row["value"] for row in vectors() if row["valid"] == "0"}
    with pytest.raises(stdnum.exceptions.InvalidComponent):
        stdnum.cn.ric.validate(vector)
    assert judged(con, "is_valid_resident_id", [vector, vector.upper()]) == [False, True]


def codes_of(scheme: str, count: int) -> list[str]:
    """Random codes of a scheme, always the same ones: whole, and with one character changed."""
    dice = random.Random(scheme)
    signs, codes = ALPHABETS[scheme], []
    for _ in range(count):
        if scheme == "uscc":
            body = "".join(dice.choices("123456789", k=8)) + "".join(dice.choices(signs, k=9))
            code = body + stdnum.cn.uscc.calc_check_digit(body)
        elif scheme == "lei":
            body = "".join(dice.choices(signs, k=18))
            code = body + stdnum.iso7064.mod_97_10.calc_check_digits(body)
        else:
            born = f"{dice.randint(1930, 2019)}{dice.randint(1, 13):02}{dice.randint(1, 31):02}"
            body = dice.choice(("110105", "310104", "440106")) + born + f"{dice.randint(0, 999):03}"
            code = body + stdnum.cn.ric.calc_check_digit(body + "0")
        place = dice.randrange(len(code))
        codes += [code, code[:place] + dice.choice(signs) + code[place + 1 :]]
    return codes


def oracle(scheme: str, code: str) -> bool:
    """stdnum's verdict; of a resident id without its county, which never rejects here."""
    try:
        ORACLES[scheme].validate(code)
    except stdnum.exceptions.InvalidComponent:
        return scheme == "ric" and _has_birth_date(code)
    except stdnum.exceptions.ValidationError:
        return False
    return True


def _has_birth_date(code: str) -> bool:
    try:
        stdnum.cn.ric.get_birth_date(code)
    except stdnum.exceptions.InvalidComponent:
        return False
    return True


@pytest.mark.parametrize("scheme", MACROS)
def test_made_up_codes_are_judged_as_stdnum_judges_them(con: Connection, scheme: str) -> None:
    codes = codes_of(scheme, 1500)
    expected = [oracle(scheme, code) for code in codes]
    assert min(expected.count(True), expected.count(False)) > 1000
    assert [
        code
        for code, verdict, truth in zip(codes, judged(con, MACROS[scheme], codes), expected, strict=True)
        if verdict is not truth
    ] == []


@pytest.mark.parametrize("scheme", MACROS)
def test_a_code_is_judged_as_written_where_stdnum_tidies_it_first(con: Connection, scheme: str) -> None:
    code = next(
        row["value"]
        for row in vectors()
        if row["scheme"] == scheme and row["how"] == "valid" and any(sign.isalpha() for sign in row["value"])
    )
    assert judged(con, MACROS[scheme], [code, code.lower(), f" {code}", f"{code}\n", f"{code[:4]}-{code[4:]}", ""]) == [
        True,
        False,
        False,
        False,
        False,
        False,
    ]
    assert ORACLES[scheme].is_valid(code.lower())


def test_a_code_of_a_registrar_with_a_letter_is_valid_though_stdnum_wants_a_digit(con: Connection) -> None:
    """GB 32100 gives the first two places the whole alphabet; rural collectives are registered under N2."""
    body = "N2110105MA0000001"
    (check,) = judged(con, "uscc_check_character", [body])
    code = f"{body}{check}"
    with pytest.raises(stdnum.exceptions.InvalidFormat):
        stdnum.cn.uscc.validate(code)
    assert judged(con, "is_valid_uscc", [code, "9111010A" + code[8:]]) == [True, False]


def test_the_check_character_follows_from_what_stands_before_it(con: Connection) -> None:
    for scheme, macro in (("uscc", "uscc_check_character"), ("ric", "resident_id_check_character")):
        valid = [row["value"] for row in vectors() if row["scheme"] == scheme and row["valid"] == "1"]
        assert len(valid) > 80
        assert judged(con, macro, [code[:17] for code in valid]) == [code[17].upper() for code in valid]
        assert judged(con, macro, ["", "short", None]) == [None, None, None]


@pytest.mark.parametrize("macro", [*MACROS.values(), "is_province_code", "is_industry_section", "is_iso_date"])
def test_nothing_is_said_of_a_blank(con: Connection, macro: str) -> None:
    assert judged(con, macro, [None, "not a code"]) == [None, False]


@pytest.mark.parametrize(("macro", "codes"), [("is_province_code", "province"), ("is_industry_section", "industry")])
def test_a_code_of_a_national_list_is_the_code_and_not_its_name(con: Connection, macro: str, codes: str) -> None:
    listed = load_standard().codes[codes]
    assert len(listed) > 19
    assert set(judged(con, macro, [code.code for code in listed])) == {True}
    assert set(judged(con, macro, [code.zh for code in listed])) == {False}


def test_province_codes_are_of_six_digits_and_industry_sections_one_letter(con: Connection) -> None:
    judged_so = [True, True, False, False, False]
    assert judged(con, "is_province_code", ["110000", "820000", "11", "110101", "990000"]) == judged_so
    assert judged(con, "is_industry_section", ["A", "T", "U", "a", "A01"]) == judged_so


def test_an_iso_date_is_one_of_the_calendar_in_full_digits(con: Connection) -> None:
    said = {
        "2024-02-29": True,
        "2025-02-29": False,
        "2025-13-01": False,
        "2025-1-01": False,
        "20250101": False,
        "2025/01/01": False,
        "2025-01-01 ": False,
        "-2025-01-01": False,
        "0000-01-01": False,
        "２０２５-01-01": False,
        "2025-01-01T00:00:00": False,
        "1900-12-31": True,
    }
    assert dict(zip(said, judged(con, "is_iso_date", list(said)), strict=True)) == said
