"""Single cells: each is one row of one filing, and either is kept as it must be or is told by rule and row."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

FORMAT, CODE, MISSING, ABSENT, PERSONAL, LOST, UNSEEN = (f"NPL-SCH-00{number}" for number in (1, 2, 4, 3, 5, 8, 9))
Kept = str | int | bool | Decimal | datetime.date | datetime.datetime | None


@dataclass(frozen=True)
class Value:
    """A cell: the schema rule that must tell it, if any, and what must be kept of it."""

    name: str
    group: str
    field: str
    text: str
    rule: str | None = None
    kept: Kept = None


def _told(name: str, field: str, text: str, rule: str = FORMAT, kept: Kept = None) -> Value:
    return Value(name, "values", field, text, rule, kept)


def _kept(name: str, field: str, text: str, kept: Kept, group: str = "values") -> Value:
    return Value(name, group, field, text, None, kept)


AMOUNT, COUNT, DAY, TIME, TEXT, CHOICE = (
    "other_fees_cny",
    "extension_minutes",
    "valuation_date",
    "registration_deadline_at",
    "remarks",
    "asset_type",
)
VALUES = [
    _told("Full-width digits are no number", AMOUNT, "１２３４５"),
    _told("Thousands separators are no number", AMOUNT, "1,234,567.00"),
    _told("Chinese thousands separators are no number", AMOUNT, "1，234"),
    _told("Ten thousands are no number", AMOUNT, "6637万"),
    _told("万元 is no number", AMOUNT, "6637万元"),
    _told("亿元 is no number", AMOUNT, "9.88亿元"),
    _told("A currency sign is no number", AMOUNT, "¥1234.00"),
    _told("A currency's name is no number", AMOUNT, "CNY 1234"),
    _told("A percentage is no number", AMOUNT, "12.5%"),
    _told("An exponent is no number", AMOUNT, "1E+05"),
    _told("A small exponent is no number", AMOUNT, "1.5e-3"),
    _told("Brackets of accountants are no number", AMOUNT, "(1234.00)"),
    _told("A sign behind is no number", AMOUNT, "1234.00-"),
    _told("A third decimal is not rounded away", AMOUNT, "1.239"),
    _told("A fraction of a count is not rounded away", COUNT, "5.5"),
    _told("Too many digits are no amount", AMOUNT, "12345678901234567890.00"),
    _told("A hundred decimals are no amount", AMOUNT, "0." + "1" * 100),
    _told("Infinity is no number", AMOUNT, "inf"),
    _told("NaN is no number", AMOUNT, "NaN"),
    _told("Hexadecimal is no number", COUNT, "0x1F"),
    _told("A grouped count is no number", COUNT, "1_000"),
    _told("A failed reference of Excel is no number", AMOUNT, "#REF!"),
    _told("A failed lookup of Excel is no number", AMOUNT, "#N/A"),
    _told("A column too narrow is no number", AMOUNT, "########"),
    _told("NULL is no blank", AMOUNT, "NULL"),
    _told("N/A is no blank", AMOUNT, "N/A"),
    _told("A hyphen is no blank", AMOUNT, "-"),
    _told("无 is no blank", AMOUNT, "无"),
    _told("空 is no blank", AMOUNT, "空"),
    _told("A zero-width space is no blank in a number", AMOUNT, "1234\u200b"),
    _told("A right-to-left mark is no blank in a number", AMOUNT, "\u200f1234"),
    _told("A no-break space inside is no number", AMOUNT, "1\u00a0234"),
    _told("A minus sign of typesetters is no number", AMOUNT, "−1234"),
    _told("Arabic digits are no number", AMOUNT, "١٢٣"),
    _told("A number on two lines is no number", AMOUNT, "12\n34"),
    _told("A missing-data code that this field does not take is told", AMOUNT, "ND2", MISSING),
    _told("A missing-data code that does not exist is told", AMOUNT, "ND9"),
    _told("A day with slashes is no day", DAY, "2025/1/7"),
    _told("A month thirteen is no day", DAY, "2025-13-01"),
    _told("A thirtieth of February is no day", DAY, "2025-02-30"),
    _told("A day of zeros is no day", DAY, "0000-00-00"),
    _told("A serial number of Excel is no day", DAY, "45664"),
    _told("A day in words is no day", DAY, "2025年1月7日"),
    _told("A day in American order is no day", DAY, "01-07-2025"),
    _told("A day with two digits of its year is no day", DAY, "25-01-07"),
    _told("A leap day in no leap year is no day", DAY, "2025-02-29"),
    _told("A time with a zone is no time", TIME, "2026-03-25T17:00:00Z"),
    _told("An hour twenty-five is no time", TIME, "2026-03-25 25:00:00"),
    _told("A word for yes that is not listed is told", "is_yindeng_settled", "ok"),
    _told("A mark for yes is told", "is_yindeng_settled", "√"),
    _told("A code that is not listed is told", CHOICE, "个人消费", CODE),
    _told("A code with an invisible character is told", CHOICE, "XF\u200b", CODE),
    _told("A required blank is told", CHOICE, "\u3000\u00a0 ", ABSENT),
    _told("A mobile number is told", TEXT, "电话 13800000000", PERSONAL, "电话 13800000000"),
    *(
        _told(f"{sign} is no text", TEXT, sign, LOST, sign)
        for sign in ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#####", "Err:508")
    ),
    *(
        _told(f"U+{ord(sign):04X} carries no text", TEXT, f"资产{sign}包", UNSEEN, f"资产{sign}包")
        for sign in "\ufffd\u200b\u200c\u200d\ufeff\u200e\u202e\u2066\u2060\u00ad"
    ),
    _told("The joiners of a family of emoji are told", TEXT, "👨‍👩‍👧", UNSEEN, "👨‍👩‍👧"),
    _kept("A number sign within a text is kept", TEXT, "#1 资产包", "#1 资产包"),
    _kept("Spaces of every width around a number are trimmed", AMOUNT, "\u3000 1234.50\u00a0", Decimal("1234.50")),
    _kept("Negative zero is zero", AMOUNT, "-0.00", Decimal("0.00")),
    _kept("Zeros in front of an amount mean nothing", AMOUNT, "007.50", Decimal("7.50")),
    _kept("Zeros in front of a text stay", TEXT, "007", "007"),
    _kept("Sixteen digits of an amount are kept", AMOUNT, "1234567890123456.78", Decimal("1234567890123456.78")),
    _kept("A day without hyphens is a day", DAY, "20250107", datetime.date(2025, 1, 7)),
    _kept("A leap day is a day", DAY, "2024-02-29", datetime.date(2024, 2, 29)),
    _kept("是 is yes", "is_yindeng_settled", "是", True),
    _kept("0 is no", "is_yindeng_settled", "0", False),
    _kept("A long text is kept whole", TEXT, "长" * 20_000, "长" * 20_000),
    _kept("Emoji are kept", TEXT, "资产包😀", "资产包😀"),
    _kept("Characters outside the basic plane are kept", "seller_branch", "𠮷野㐀分行", "𠮷野㐀分行"),
    _kept("Control characters are kept", TEXT, "a\x01b\x7f", "a\x01b\x7f"),
    _kept("A formula is a text", TEXT, "=cmd|'/C calc'!A0", "=cmd|'/C calc'!A0", "injections"),
    _kept("A formula by @ is a text", TEXT, "@SUM(1+1)*cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "injections"),
    _kept("A formula by + is a text", TEXT, "+1+1", "+1+1", "injections"),
    _kept("A script is a text", TEXT, "<script>alert(1)</script>", "<script>alert(1)</script>", "injections"),
    _kept("An image is a text", TEXT, '"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>', "injections"),
    _kept("A template is a text", TEXT, "{{7*7}}${7*7}{%x%}", "{{7*7}}${7*7}{%x%}", "injections"),
    _kept(
        "SQL is a text",
        TEXT,
        "'; drop table filed_package_notice; --",
        "'; drop table filed_package_notice; --",
        "injections",
    ),
    _kept("A path is a text", TEXT, "../../etc/passwd", "../../etc/passwd", "injections"),
    _kept("Format strings are a text", TEXT, "{0.__class__} %s %n", "{0.__class__} %s %n", "injections"),
]
