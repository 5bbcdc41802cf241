"""What the platform tells of its own work: whose filing a log line is about, how long steps took, what came of it.

Nothing here changes an outcome: a log that cannot be written or a collector that is away stops no filing.
"""

from ingest.telemetry.decided import decided
from ingest.telemetry.lineage import Dataset, dbt_build, reads, writes
from ingest.telemetry.logs import about, configure
from ingest.telemetry.measures import Sink, queue, send_to
from ingest.telemetry.steps import step, work

__all__ = [
    "Dataset",
    "Sink",
    "about",
    "configure",
    "dbt_build",
    "decided",
    "queue",
    "reads",
    "send_to",
    "step",
    "work",
    "writes",
]
