"""SQL of the standard as a page shows it: the words that `macros.sql` defines, and links to them."""

import re
from dataclasses import dataclass
from functools import lru_cache

from expectations.spec import Standard

_DEFINITION = re.compile(r"create or replace macro\s+(?P<name>\w+)\s*\(", re.IGNORECASE)


@dataclass(frozen=True)
class SqlWord:
    """A macro with the comment above it (English) and its definition; a parameter with its meaning and value."""

    name: str
    comment: str
    definition: str


@lru_cache(maxsize=4)
def sql_words(standard: Standard) -> tuple[SqlWord, ...]:
    """Every parameter and macro, in the file's order; a comment holds for all that follow it without a blank line."""
    words = [
        SqlWord(f"parameter_{name}", f"{each.zh} {each.en}", f"{each.value} {each.unit or ''}".rstrip())
        for name, each in standard.head.parameters.items()
    ]
    comment = ""
    for statement in re.split(r";[ \t]*(?:\n|\Z)", standard.macros):
        lines = statement.split("\n")
        said = [line.lstrip("- ") for line in lines if line.startswith("--")]
        code = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if said or statement.startswith("\n"):
            comment = " ".join(said)
        if match := _DEFINITION.match(code):
            words.append(SqlWord(match["name"], comment, code))
    return tuple(words)


def sql_pieces(standard: Standard, sql: str) -> list[tuple[str, bool]]:
    """The SQL in pieces: plain text, and (true) each call of one of the standard's own words."""
    names = "|".join(sorted((re.escape(word.name) for word in sql_words(standard)), key=len, reverse=True))
    pieces = re.split(rf"\b({names})(?=\()", sql) if names else [sql]
    return [(piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece]
