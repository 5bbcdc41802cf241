"""Hostile and odd files, each built by code, with what must become of it.

`CASES` are files whose reading decides (cells read exactly, or a refusal); `VALUES` are single cells, judged together
as rows of one filing; `HEAVY` are files that must be settled within a bound of memory.
"""

from tests.corpus.archives import ARCHIVES
from tests.corpus.build import Case, Heavy, Rows, Unreadable
from tests.corpus.encodings import ENCODINGS
from tests.corpus.names import NAMES
from tests.corpus.shapes import SHAPES
from tests.corpus.sizes import HEAVY
from tests.corpus.values import VALUES, Value
from tests.corpus.workbooks import WORKBOOKS

__all__ = ["CASES", "HEAVY", "VALUES", "Case", "Heavy", "Rows", "Unreadable", "Value"]

CASES = [*ENCODINGS, *SHAPES, *WORKBOOKS, *ARCHIVES, *NAMES]
