"""Filed text made safe to look at: control characters are shown, never obeyed, and no cell runs as a formula."""

import re

LONGEST_SHOWN = 1000
EMPTY = "（空）"

# Controls move a terminal's cursor or colour; the bidirectional and invisible ones make a value look like another.
_UNSEEN = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)

# Spreadsheets take a cell that begins so for a formula; the full-width signs too, on Chinese and Japanese systems.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def visible(text: str | None, longest: int = LONGEST_SHOWN) -> str:
    """What was filed, on one line: `⟨U+202E⟩` stands for a character that cannot be seen; cut after `longest`."""
    if text is None or text == "":
        return EMPTY
    shown = _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text[:longest])
    return shown if len(text) <= longest else f"{shown}… ({len(text)} 字 characters)"


def inert(text: str) -> str:
    """The same text, with a leading apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
