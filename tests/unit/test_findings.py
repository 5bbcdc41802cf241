"""What the filer reads: bounded, ordered, as filed, in two languages, and never with anybody's personal data."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from string import Formatter

import pytest
from judging import Outcome, judge, orchard, rows_of

from expectations.findings import MASK, mask
from expectations.spec import Rule, Standard, load_standard

NOTICE = "package_notice"
STANDARD = load_standard()
# Made up: no county has the code 110999, so nobody has this number.
RESIDENT_ID = "11099919900307000X"
MOBILE = "13800000000"
CARD = "6222000000000000000"
NAME = "张某某"


def trees(*changes: Mapping[str, str | None], limit: int = 1000) -> Outcome:
    numbered = [{"tree_id": f"T-{number}", **change} for number, change in enumerate(changes, start=2)]
    return judge(orchard(), {"tree": rows_of(orchard(), "tree", *numbered)}, limit=limit)


def test_findings_are_bounded_by_rule_and_their_totals_are_true() -> None:
    outcome = trees(*[{"height_cm": "tall", "planted_date": "spring"}] * 30, *[{"height_cm": "501"}] * 20, limit=7)
    assert outcome.counts == {
        ("ORC-SCH-001", "height_cm"): 30,
        ("ORC-SCH-001", "planted_date"): 30,
        ("ORC-TRE-001", None): 20,
    }
    assert [finding.row for finding in outcome.of("ORC-TRE-001")] == list(range(32, 39))
    assert [(finding.row, finding.fields[0]) for finding in outcome.of("ORC-SCH-001")] == [
        (2, "planted_date"),
        (2, "height_cm"),
        (3, "planted_date"),
        (3, "height_cm"),
        (4, "planted_date"),
        (4, "height_cm"),
        (5, "planted_date"),
    ]


def test_findings_come_by_severity_then_rule_then_row_then_field() -> None:
    outcome = trees(
        {"height_cm": "9", "fruit": "CH"},
        {"height_cm": "501"},
        {"height_cm": "301", "planted_date": "2025-01-01"},
        {"planted_date": "spring"},
        {"height_cm": "502"},
    )
    assert [(finding.severity, finding.rule_id, finding.row) for finding in outcome.findings] == [
        ("reject", "ORC-SCH-001", 5),
        ("reject", "ORC-TRE-001", 3),
        ("reject", "ORC-TRE-001", 6),
        ("warn", "ORC-TRE-002", 4),
        ("info", "ORC-TRE-003", 2),
    ]


def test_a_finding_tells_table_file_row_key_and_the_values_as_filed() -> None:
    (finding,) = trees({"height_cm": "0501"}).findings
    assert (finding.table, finding.file, finding.row, finding.key) == ("tree", "tree.csv", 2, "tree_id=T-2")
    assert (finding.fields, finding.values) == (["height_cm"], {"height_cm": "0501"})
    assert finding.as_dict() == asdict(finding)


def test_a_message_names_the_values_in_both_languages() -> None:
    (finding,) = trees({"height_cm": "301", "planted_date": "2025-01-01"}).findings
    assert finding.message == {"zh": "不符：301 2025-01-01", "en": "Broken: 301 2025-01-01"}


def test_a_message_about_each_field_names_its_label_type_and_unit_in_both_languages() -> None:
    (finding,) = trees({"height_cm": "tall"}).findings
    assert finding.message == {
        "zh": "不符：高度(厘米) height_cm tall 数值（共 9 位，小数 0 位） cm",
        "en": "Broken: Height height_cm tall number (9 digits, 0 decimals) cm",
    }


def test_a_blank_cell_is_said_to_be_blank() -> None:
    finding, _ = trees({"tree_id": None}, {"tree_id": None}).findings
    assert (finding.rule_id, finding.key, finding.values) == ("ORC-TRE-004", "tree_id=", {"tree_id": None})
    assert finding.message == {"zh": "不符：（空）", "en": "Broken: (blank)"}


def test_a_value_with_braces_is_said_as_it_is() -> None:
    (finding,) = trees({"height_cm": "{height_cm} {0}"}).findings
    assert "{height_cm} {0}" in finding.message["zh"]


def test_a_fingerprint_is_the_same_for_the_same_defect_and_changes_with_its_value_key_and_rule() -> None:
    first = trees({"height_cm": "501"})
    again = trees({"planted_date": "spring"}, {"height_cm": "501", "tree_id": "T-2"})
    assert first.of("ORC-TRE-001")[0].fingerprint == again.of("ORC-TRE-001")[0].fingerprint
    others = ({"height_cm": "502"}, {"height_cm": "501", "tree_id": "T-3"}, {"height_cm": "tall"})
    prints = {outcome.findings[0].fingerprint for outcome in (first, *map(trees, others))}
    assert len(prints) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in prints)


PERSONAL = {
    f"借款人{RESIDENT_ID}": f"借款人{MASK}",
    f"{RESIDENT_ID.lower()}，已核实": f"{MASK}，已核实",
    f"{RESIDENT_ID},{RESIDENT_ID},{RESIDENT_ID}": f"{MASK},{MASK},{MASK}",
    f"电话{MOBILE}": f"电话{MASK}",
    f"+86 {MOBILE}": MASK,
    f"+86{MOBILE}": MASK,
    "138-0000-0000": MASK,
    f"{MOBILE}.csv": f"{MASK}.csv",
    f"请致电{MOBILE}.": f"请致电{MASK}.",
    f"{MOBILE} {MOBILE} {MOBILE}": f"{MASK} {MASK} {MASK}",
    f"{MOBILE}/{RESIDENT_ID}": f"{MASK}/{MASK}",
    f"联系人：{NAME}": f"联系人：{MASK}",
    f"联系人:{NAME}，电话：{MOBILE}": f"联系人:{MASK}，电话：{MASK}",
    f"联系人：\u3000{NAME}": f"联系人：\u3000{MASK}",
    "Contact person: Jane Doe": f"Contact person: {MASK}",
    f"卡号{CARD}。": f"卡号{MASK}。",
    f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}": MASK,
    CARD[:16]: MASK,
    "手机１３８００００００００": f"手机{MASK}",
    "身份证１１０９９９１９９００３０７０００Ｘ": f"身份证{MASK}",
}
NOT_PERSONAL = [
    "110105199013070001",
    "66369783050000000",
    "123456789012345678",
    "13800000000.55",
    "62220000000000000000",
    "a6222000000000000000f",
    "6222000000000000.00",
    "0.6222000000000000",
    "4222000000000000",
    "2026-03-13",
    "9135010000M000100Y",
    "010-88888888",
    "咨询请见出让方网站",
    "客户经理制",
    "1380000000",
]


@pytest.fixture(scope="module")
def personal() -> Outcome:
    standard = STANDARD.with_rules([STANDARD.rules["NPL-SCH-005"]])
    texts = [*PERSONAL, *NOT_PERSONAL]
    return judge(standard, {NOTICE: rows_of(standard, NOTICE, *({"remarks": text} for text in texts))})


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_in_a_cell_rejects_and_is_shown_masked(personal: Outcome, text: str) -> None:
    (finding,) = [one for one in personal.findings if one.row == list(PERSONAL).index(text) + 2]
    assert (finding.rule_id, finding.severity) == ("NPL-SCH-005", "reject")
    assert finding.values == {"remarks": PERSONAL[text]}
    assert all(PERSONAL[text] in said for said in finding.message.values())


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_a_number_or_word_that_is_nobodys_stays(personal: Outcome, text: str) -> None:
    row = len(PERSONAL) + NOT_PERSONAL.index(text) + 2
    assert [finding for finding in personal.findings if finding.row == row] == []
    assert mask(STANDARD, text) == text


def everything_said(outcome: Outcome) -> str:
    assert outcome.findings
    return "\n".join(repr(finding.as_dict()) for finding in outcome.findings)


def test_personal_data_is_masked_wherever_a_finding_could_show_it() -> None:
    secret = f"联系人：{NAME}{MOBILE}、{RESIDENT_ID}"
    outcome = judge(
        STANDARD,
        {
            NOTICE: rows_of(
                STANDARD,
                NOTICE,
                {
                    "notice_id": MOBILE,
                    "principal_cny": RESIDENT_ID,
                    "notice_type": MOBILE,
                    "litigation_states": f"{RESIDENT_ID} 1笔",
                    "asset_type": secret,
                    "seller_name": secret,
                    secret: secret,
                    "project_code": f"P {MOBILE}",
                },
            )
        },
    )
    said = everything_said(outcome)
    assert {"NPL-SCH-001", "NPL-SCH-002", "NPL-SCH-005", "NPL-SCH-006"} <= {one.rule_id for one in outcome.findings}
    assert MASK in said
    for part in (RESIDENT_ID, MOBILE, NAME):
        assert part not in said


def test_a_value_computed_from_personal_data_is_masked() -> None:
    outcome = judge(
        STANDARD.with_rules([STANDARD.rules["NPL-SCH-006"]]),
        {NOTICE: rows_of(STANDARD, NOTICE, {"litigation_states": f"{MOBILE}催收 700笔;未诉56笔"})},
    )
    (finding,) = outcome.findings
    assert "unknown_states" in finding.values
    assert MOBILE not in everything_said(outcome)


def test_personal_data_in_an_unknown_columns_name_is_masked() -> None:
    column = f"联系人：{NAME} {MOBILE}"
    outcome = judge(
        STANDARD.with_rules([STANDARD.rules["NPL-SCH-005"]]), {NOTICE: rows_of(STANDARD, NOTICE, {column: RESIDENT_ID})}
    )
    (finding,) = outcome.findings
    assert finding.fields == [f"联系人：{MASK} {MASK}"]
    assert finding.values == {f"联系人：{MASK} {MASK}": MASK}
    assert f"联系人：{MASK} {MASK}" in finding.message["zh"]


def test_in_a_numeric_field_eleven_digits_are_an_amount_and_eighteen_may_be_a_person() -> None:
    standard = STANDARD.with_rules([STANDARD.rules["NPL-SCH-001"], STANDARD.rules["NPL-SCH-005"]])
    number = "110999199003070001"
    outcome = judge(
        standard,
        {
            NOTICE: rows_of(
                standard,
                NOTICE,
                {"principal_cny": MOBILE},
                {"loan_count": MOBILE},
                {"principal_cny": number},
                {"loan_count": number},
                {"principal_cny": f"1{'0' * 14}.00"},
            )
        },
    )
    assert outcome.rules_by_row(NOTICE) == {4: {"NPL-SCH-001", "NPL-SCH-005"}, 5: {"NPL-SCH-005"}}
    assert number not in everything_said(outcome)


def test_a_suggestion_never_shows_what_is_masked() -> None:
    outcome = judge(STANDARD, {NOTICE: rows_of(STANDARD, NOTICE, {"loan_count": "１３８００００００００"})})
    assert outcome.of("NPL-SCH-001")[0].suggestion is None


def test_two_people_do_not_tell_themselves_apart_by_a_fingerprint() -> None:
    outcome = judge(
        STANDARD.with_rules([STANDARD.rules["NPL-SCH-005"]]),
        {NOTICE: rows_of(STANDARD, NOTICE, {"remarks": MOBILE}, {"remarks": "13900000000"})},
    )
    assert len({finding.fingerprint for finding in outcome.findings}) == 1
    assert len(outcome.findings) == 2


def test_masking_ends_on_a_cell_full_of_numbers() -> None:
    assert MOBILE not in str(mask(STANDARD, " ".join([MOBILE] * 5000)))


ALL_RULES = [*STANDARD.rules.values(), *orchard().rules.values()]
OF_EACH_FIELD = {"label", "value", "name", "type", "unit"}


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def standard_of(rule: Rule) -> Standard:
    return STANDARD if rule.id in STANDARD.rules else orchard()


def test_there_are_rules_whose_words_can_be_checked() -> None:
    assert len(ALL_RULES) >= 55
    assert any(names_in(rule.message.zh) for rule in ALL_RULES)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_every_placeholder_of_a_rule_is_something_that_a_finding_knows(rule: Rule) -> None:
    known = set(rule.fields) | set(rule.show) | (OF_EACH_FIELD if rule.for_each else set())
    for text in (rule.message.zh, rule.message.en, rule.remedy.zh, rule.remedy.en):
        assert names_in(text) <= known


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_a_rule_speaks_chinese_and_english_and_names_nobody(rule: Rule) -> None:
    for text in (rule.message, rule.remedy):
        assert re.search("[一-龥]", text.zh)
        assert text.en.strip()
        assert text.zh != text.en
        for said in (text.zh, text.en):
            assert mask(STANDARD, said) == said
    shown = [{re.sub("_(zh|en)$", "", name) for name in names_in(text)} for text in (rule.message.zh, rule.message.en)]
    assert shown[0] == shown[1], "both languages show the same values"


def test_every_severity_and_several_categories_are_in_use() -> None:
    active = [rule for rule in STANDARD.rules.values() if rule.state == "active"]
    assert {rule.severity for rule in active} == {"reject", "hold", "warn", "info"}
    assert {"schema", "permission", "logical", "business"} <= {rule.category for rule in active}
