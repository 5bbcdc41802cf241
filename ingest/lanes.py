"""Lanes: which filings are decided one after the other, and which side by side."""

import logging
from collections.abc import Iterable, Sequence

from ingest import accept, registry, telemetry
from ingest.errors import StorageError

log = logging.getLogger(__name__)

CHUNK = 50
"""So many filings of a lane share what does not depend on their turn; more would save little more."""


def lanes(filing_ids: Iterable[str], count: int) -> list[list[str]]:
    """At most `count` lists that hold these filings, about as many each; fewer when there is less to part.

    All filings about one institution, its own and the collection desk's, are in one lane in the order in which they
    were received, except that one which is named by another that waits comes before it. So which worker is faster
    decides nothing but between institutions that file conflicting facts at the same time.
    """
    wanted = set(filing_ids)
    records = _named_first([record for record in registry.undecided() if record.filing_id in wanted])
    place = {record.filing_id: number for number, record in enumerate(records)}
    about: dict[str, list[str]] = {}
    for record in records:
        about.setdefault(record.subject_id, []).append(record.filing_id)
    # the longest first, each to the lane that has least
    filled: list[list[str]] = [[] for _ in range(count)]
    for group in sorted(about.values(), key=len, reverse=True):
        min(filled, key=len).extend(group)
    return [sorted(lane, key=place.__getitem__) for lane in filled if lane]


def _named_first(received: Sequence[registry.FilingRecord]) -> list[registry.FilingRecord]:
    """The same filings in the same order, but what a correction or withdrawal names before it."""
    waiting = {record.filing_id: record for record in received}
    ordered: dict[str, registry.FilingRecord] = {}
    for record in received:
        chain = [record]
        while (named := waiting.get(chain[-1].replaces or "")) is not None and named not in chain:
            chain.append(named)
        ordered |= {each.filing_id: each for each in reversed(chain) if each.filing_id not in ordered}
    return list(ordered.values())


def decide_lane(filing_ids: Sequence[str]) -> dict[str, str]:
    """Decide filings in this order; return the state that each came to. Each verdict is logged as it falls.

    A filing that fails does not stop the others: it stays undecided, and trying the lane again decides what is left.

    Raises:
        StorageError: some could not be decided; the message names them, the causes stand in the log.
    """
    states: dict[str, str] = {}
    failures: dict[str, Exception] = {}
    for place, filing_id in enumerate(filing_ids, start=1):
        with telemetry.about(filing_id):
            try:
                states[filing_id] = accept.decide(filing_id, filing_ids[place : place + CHUNK - 1])
            except Exception as error:  # whatever it is, the next institution does not wait for its repair
                failures[filing_id] = error
                # told here, masked: whoever logs what is raised below would quote a filer's cell as it stands
                log.exception("%s is not decided", filing_id)
            else:
                log.info("%s %s", filing_id, states[filing_id], extra={"filing_id": filing_id})
    if failures:
        listed = ", ".join(failures)
        ours = [error for error in failures.values() if isinstance(error, StorageError)]
        raise StorageError(
            "\n".join(dict.fromkeys([f"{len(failures)} 份报送未能裁定：{listed}。", *(error.zh for error in ours)])),
            "\n".join(
                dict.fromkeys([f"{len(failures)} filings could not be decided: {listed}.", *(each.en for each in ours)])
            ),
        ) from None
    return states
