"""Hostile and odd files, each built by code, with what must become of it.

`CASES` are files whose reading decides (cells read exactly, or a refusal); `VALUES` are single cells, judged together
as rows of one filing; `HEAVY` are files that must be settled within a bound of memory.
"""

from corpus.archives import ARCHIVES
from corpus.build import Case, Heavy, Rows, Unreadable
from corpus.encodings import ENCODINGS
from corpus.names import NAMES
from corpus.shapes import SHAPES
from corpus.sizes import HEAVY
from corpus.values import VALUES, Value
from corpus.workbooks import WORKBOOKS

__all__ = ["CASES", "HEAVY", "VALUES", "Case", "Heavy", "Rows", "Unreadable", "Value"]

CASES = [*ENCODINGS, *SHAPES, *WORKBOOKS, *ARCHIVES, *NAMES]
