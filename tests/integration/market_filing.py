"""For tests: file a generated market through the platform's own path, wave by wave or one filing after the other."""

import json
import random
import shutil
from collections.abc import Sequence
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


def arrivals(market: Path) -> list[Path]:
    """Where each filing lies, in the recommended order."""
    return [entry for wave in sorted((market / "waves").iterdir()) for entry in sorted(wave.glob("*/*"))]


def shuffled(market: Path, seed: int) -> list[Path]:
    """The same filings in another order that institutions may take: what a filing replaces comes before it."""
    facts = json.loads((market / "truth" / "filings.json").read_text(encoding="utf-8"))
    places = {
        each["filing_id"]: market / "waves" / each["wave"] / each["institution"] / each["entry"] for each in facts
    }
    replaced = {places[each["filing_id"]]: places[each["replaces"]] for each in facts if each["replaces"]}
    drawn = arrivals(market)
    random.Random(seed).shuffle(drawn)
    ordered: dict[Path, None] = {}
    for place in drawn:
        chain = [place]
        while chain[-1] in replaced:
            chain.append(replaced[chain[-1]])
        ordered |= dict.fromkeys(reversed(chain))
    return list(ordered)


def file_one_by_one(market: Path, order: Sequence[Path]) -> dict[str, str]:
    """Receive and decide filing after filing; return filing id -> verdict."""
    shutil.copytree(market / "register", home().register)
    verdicts: dict[str, str] = {}
    for place in order:
        inbox = home().inbox / place.parent.name
        inbox.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            shutil.copytree(place, inbox / place.name)
        else:
            shutil.copy(place, inbox)
        verdicts |= {filing: accept.decide(filing) for filing in receive.receive_waiting()}
    return verdicts
