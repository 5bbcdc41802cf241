"""The platform's own examination: what is wrong with it, and what its operator does about it.

Each check is one function that looks at one thing and changes nothing that lasts. `ok` is as it should be, `attention`
works but somebody should look, `fault` must be repaired.
"""

from ingest.doctor.examine import CHECKS, examine
from ingest.doctor.finding import ATTENTION, FAULT, OK, STATE_WORDS, Finding

__all__ = ["ATTENTION", "CHECKS", "FAULT", "OK", "STATE_WORDS", "Finding", "examine"]
