"""Replays: history decided again under the rules of today. Planned in `planning`, carried out in `execution`.

docs/adr/0033-replays.md says what a replay does, and what it leaves alone.
"""

from ingest.replay.auditing import audit
from ingest.replay.execution import Applied, apply
from ingest.replay.planning import brief, find_plan, plan, plans

__all__ = ["Applied", "apply", "audit", "brief", "find_plan", "plan", "plans"]
