"""Reasons: what a filer answers to a warning that is right as it stands."""

from collections.abc import Iterable

from expectations.spec import Code, Severity, Standard
from ingest.errors import FilingError
from ingest.manifest import Answer, Manifest

REASON_LIST = "reason"
"""The standard's code list of reasons; a standard without it takes no answers."""
ANSWERABLE: Severity = "warn"
"""Findings of this severity ask for a reason or a correction; all others, for a correction or for nothing."""


def reasons(standard: Standard) -> tuple[Code, ...]:
    """The reasons that a filer may give, in the standard's order."""
    return standard.codes.get(REASON_LIST, ())


def reason_code(standard: Standard, text: str) -> str | None:
    """The code that is meant, however it is spelled; null when it is none."""
    return next((code.code for code in reasons(standard) if text in code.spellings), None)


def reason_words(standard: Standard, code: str) -> str:
    """A reason's Chinese and English name; the code itself when the standard no longer has it."""
    return next((f"{each.zh} {each.en}" for each in reasons(standard) if each.code == code), code)


def with_reason_codes(manifest: Manifest, standard: Standard, place: str) -> Manifest:
    """The same manifest, each answer by its code and once.

    Raises:
        FilingError: a reason that the standard does not have, or two reasons for one finding.
    """
    if not manifest.answers:
        return manifest
    codes: dict[str, str] = {}
    for number, answer in enumerate(manifest.answers):
        code = reason_code(standard, answer.reason_code)
        if code is None:
            zh, en = choices(reasons(standard))
            raise FilingError(
                f"{place}：answers[{number}].reason_code 不是可用的理由代码。可用：{zh}。",
                f"{place}: answers[{number}].reason_code is no reason of the standard. Its reasons: {en}.",
            )
        if codes.setdefault(answer.fingerprint, code) != code:
            raise FilingError(
                f"{place}：answers[{number}] 与前面一项指纹相同而理由不同。请只留一项。",
                f"{place}: answers[{number}] gives another reason for the same fingerprint. Keep one.",
            )
    return manifest.model_copy(update={"answers": answers_of(codes.items())})


def answers_of(codes: Iterable[tuple[str, str]]) -> tuple[Answer, ...]:
    """Answers from pairs of fingerprint and code, by fingerprint."""
    return tuple(Answer(fingerprint=fingerprint, reason_code=code) for fingerprint, code in sorted(codes))


def choices(codes: Iterable[Code]) -> tuple[str, str]:
    """These codes as one text, in Chinese and in English; `（无）` and `none` when there are none."""
    listed = list(codes)
    return (
        "、".join(f"{code.zh}（{code.code}）" for code in listed) or "（无）",
        ", ".join(code.code for code in listed) or "none",
    )
