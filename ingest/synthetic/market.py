"""A whole invented market in a folder: waves of filings, the register of its institutions, and what is true of it."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from expectations.spec import Standard
from ingest.landing import content_digest
from ingest.manifest import Manifest
from ingest.paths import write_bytes, write_folder, write_text
from ingest.receive import filing_id_of
from ingest.register import ELIGIBILITY, ELIGIBILITY_SCHEMA, INSTITUTIONS, INSTITUTIONS_SCHEMA, NAMES, NAMES_SCHEMA
from ingest.synthetic.filings import Planned, plan_filings
from ingest.synthetic.readme import README
from ingest.synthetic.truth import truth_of
from ingest.synthetic.world import Party, World, draw_world, quarters_between
from ingest.synthetic_defects import DEFECTS, Planted
from ingest.synthetic_files import contents_of
from ingest.synthetic_tape import SUFFIXES, Tape, write_tape_filing, write_truth

TAPE_RATES = (Decimal("0.02"), Decimal("0.1"), Decimal("0.5"))
MADE_UP = "invented by npl generate"


@dataclass(frozen=True)
class Order:
    """What to make: how many institutions, first and last quarter, loans on all tapes, share of spoiled filings."""

    institutions: int
    first: str
    last: str
    loans: int
    defects: Decimal
    seed: int


def write_market(order: Order, target: Path, standard: Standard) -> World:
    """Write the market that this order and seed always give into an empty folder; return what happened in it."""
    world = draw_world(order.institutions, quarters_between(order.first, order.last), order.loans, order.seed)
    waves = [f"{quarter.index + 1:02}-{quarter.text}" for quarter in world.quarters]
    waves.append(f"{len(waves) + 1:02}-corrections")
    written: dict[str, dict[str, Any]] = {}
    for planned in plan_filings(world, standard, order.defects, order.seed):
        facts = _write_filing(planned, target, waves, standard, written)
        written[planned.name] = facts
    for facts in written.values():
        if facts["replaces"]:
            replaced = next(each for each in written.values() if each["filing_id"] == facts["replaces"])
            replaced["final_state"] = "withdrawn" if facts["kind"] == "withdrawal" else "superseded"
    _write_register(world.sellers + world.buyers, target / "register")
    _write_json(target / "truth" / "filings.json", list(written.values()))
    _write_json(target / "truth" / "market.json", truth_of(world))
    write_text(target / "README.md", README)
    return world


def _write_filing(
    planned: Planned, target: Path, waves: Sequence[str], standard: Standard, written: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Write a filing into its wave and return what is true of it."""
    content = planned.content
    if planned.replaces:
        content = replace(content, replaces=written[planned.replaces]["filing_id"])
    place = target / "waves" / waves[planned.wave] / content.institution / content.entry
    planted: list[Planted] = []
    if planned.tape is None:
        _put(contents_of(standard, content), place)
    else:
        planted = _write_tape(planned, place, target / "truth" / "defects", standard)
    if planned.again is not None:
        _put(
            contents_of(standard, content),
            target / "waves" / waves[planned.again] / content.institution / f"again-{content.entry}",
        )
    manifest = Manifest(
        institution=content.institution,
        subject=content.subject,
        period=content.period,
        sequence=content.sequence,
        kind=content.kind or ("correction" if content.replaces else "original"),
    )
    return {
        "filing_id": filing_id_of(manifest, content_digest(place), content.institution),
        "wave": waves[planned.wave],
        "institution": content.institution,
        "entry": content.entry,
        "period": content.period,
        "kind": manifest.kind,
        "replaces": content.replaces,
        "verdict": planned.verdict,
        "final_state": planned.verdict,
        "why": planned.why,
        "rules": sorted({*planned.rules, *(each.rule_id for each in planted)}),
        "filed_again_in": None if planned.again is None else waves[planned.again],
    }


def _put(content: bytes | dict[str, bytes], place: Path) -> None:
    if isinstance(content, bytes):
        write_bytes(place, content)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_folder(place, content)


def _write_tape(planned: Planned, place: Path, truths: Path, standard: Standard) -> list[Planted]:
    """Write a tape's filing; where defects are wanted, at least one that rejects it."""
    assert planned.tape is not None
    content = planned.content
    spoiling = frozenset(
        each.kind
        for each in DEFECTS
        if standard.rules[each.rule_id].severity == "reject"
        and not (planned.tape_form == "parquet" and each.needs_text)
    )
    tapes = [planned.tape]
    if planned.tape.defect_rate:
        tapes = [Tape(planned.tape.shape, planned.tape.loans, rate, spoiling) for rate in TAPE_RATES]
    for tape in tapes:
        if place.exists():
            for file in place.iterdir():
                file.unlink()
            place.rmdir()
        written = write_tape_filing(
            tape, place, standard, content.institution, content.period, planned.tape_form, sequence=content.sequence
        )
        place.with_name(f"{place.name}.truth.csv").unlink()
        if written.planted or not tape.defect_rate:
            break
    if written.planted:
        truths.mkdir(parents=True, exist_ok=True)
        write_truth(written.planted, truths / f"{content.name}.{SUFFIXES[planned.tape_form]}.csv")
    return written.planted


def _write_register(parties: Sequence[Party], folder: Path) -> None:
    """The additions that the platform's register needs before it takes these institutions' filings."""
    rows = [
        {
            "institution_id": party.id,
            "name_zh": party.name,
            "name_en": f"Invented institution {party.id}",
            "institution_type": party.type,
            "province_code": party.province,
            "valid_from": "2000-01-01",
            "is_demo": "true",
            "source": MADE_UP,
        }
        for party in parties
    ]
    for file, schema, content in (
        (INSTITUTIONS, INSTITUTIONS_SCHEMA, rows),
        (NAMES, NAMES_SCHEMA, []),
        (ELIGIBILITY, ELIGIBILITY_SCHEMA, []),
    ):
        buffer = io.StringIO(newline="")
        writer = csv.DictWriter(buffer, schema.names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(content)
        write_text(folder / file, buffer.getvalue())


def _write_json(target: Path, content: Any) -> None:
    write_text(target, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
