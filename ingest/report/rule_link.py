"""Where an institution reads more of a rule: its page of the published handbook, or the command that shows it."""

from dataclasses import dataclass

from expectations.spec import STANDARD_DIR, Standard
from ingest.config import settings


@dataclass(frozen=True)
class RuleLink:
    """The rule's pages in both languages (null where no handbook is published) and the command."""

    zh: str | None
    en: str | None
    command: str


def rule_link(standard: Standard, rule_id: str) -> RuleLink | None:
    """Where to read of a rule of our own standard; null for another standard's, which has no handbook here."""
    if standard.directory != STANDARD_DIR or rule_id not in standard.rules:
        return None
    base = settings().handbook_url.rstrip("/")
    zh, en = (f"{base}/{language}/{rule_id}.html" if base else None for language in ("zh", "en"))
    return RuleLink(zh, en, f"npl standard show {rule_id}")
