"""What a check has found."""

from dataclasses import dataclass

OK, ATTENTION, FAULT = "ok", "attention", "fault"
STATE_WORDS = {OK: "正常 ok", ATTENTION: "留意 attention", FAULT: "故障 fault"}

MOST_NAMED = 5

Words = tuple[str, str]
"""zh, en"""


@dataclass(frozen=True)
class Finding:
    """One thing that a check saw: how it is, and (unless it is well) what to do."""

    check: str
    state: str
    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""


def ok(check: str, told: Words) -> Finding:
    return Finding(check, OK, *told)


def attention(check: str, told: Words, advice: Words) -> Finding:
    return Finding(check, ATTENTION, *told, *advice)


def fault(check: str, told: Words, advice: Words) -> Finding:
    return Finding(check, FAULT, *told, *advice)


def named(names: list[str]) -> str:
    """The first few, and how many there are when that is not all."""
    return ", ".join(names[:MOST_NAMED]) + (f" … {len(names)}" if len(names) > MOST_NAMED else "")
