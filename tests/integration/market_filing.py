"""For tests: file a generated market wave by wave through the platform's own path."""

import shutil
from pathlib import Path

from ingest import accept, receive, registry
from ingest.paths import home


def file_market(market: Path) -> dict[str, str]:
    """Receive and decide every wave, the filings in the order in which they came; return filing id -> verdict."""
    shutil.copytree(market / "register", home().register)
    verdicts: dict[str, str] = {}
    for wave in sorted((market / "waves").iterdir()):
        shutil.copytree(wave, home().inbox, dirs_exist_ok=True)
        waiting = receive.receive_waiting()
        while waiting:
            states = {filing: accept.decide(filing) for filing in waiting}
            decided = {filing: state for filing, state in states.items() if state in registry.FINAL}
            assert decided, states
            verdicts |= decided
            waiting = [filing for filing in waiting if filing not in decided]
    return verdicts
