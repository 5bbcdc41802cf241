"""For tests: many small filings of invented institutions, of every fate that a filing may have."""

import csv
import os
import shutil
from collections import Counter
from pathlib import Path

from filings import NOTICE, sale_notice

from expectations.spec import Standard, load_standard
from ingest.landing import content_digest
from ingest.paths import Home, home
from ingest.register import INSTITUTIONS, REGISTER_DIR
from ingest.synthetic_files import SyntheticFiling, contents_of

INSTITUTIONS_COUNT = 20
PERIODS = ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
BROKEN_TIE = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}
FATES = ("accepted", "superseded", "rejected", "unreadable", "again")


def register_filers() -> None:
    """Enter the institutions into the register of the present home, and make their inboxes.

    As invented ones, and none that takes part: whatever the day, no release waits for what they do not file.
    """
    columns = (REGISTER_DIR / INSTITUTIONS).read_text(encoding="utf-8").splitlines()[0].split(",")
    home().register.mkdir(parents=True)
    with (home().register / INSTITUTIONS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for number in range(INSTITUTIONS_COUNT):
            (home().inbox / _filer(number)).mkdir(parents=True)
            writer.writerow(
                {
                    "institution_id": _filer(number),
                    "name_zh": _name(number),
                    "institution_type": "CF",
                    "valid_from": "2000-01-01",
                    "is_demo": "true",
                    "source": "invented for tests",
                }
            )


def write_filings(drop: Path, count: int) -> Counter[str]:
    """Write so many filings into a folder as inboxes; return how many come to each of `FATES`.

    `again`: the same bytes once more under another name, which are no filing of their own.
    """
    standard = load_standard()
    fates: Counter[str] = Counter()
    for number in range(count):
        filer, turn = number % INSTITUTIONS_COUNT, number // INSTITUTIONS_COUNT
        (drop / _filer(filer)).mkdir(parents=True, exist_ok=True)
        fates[_write(drop / _filer(filer), filer, turn, standard)] += 1
    # what a correction replaces does not stay in force
    corrections = sum(1 for place in drop.glob("*/*") if place.name.endswith("correction"))
    fates.subtract(accepted=corrections)
    fates["superseded"] = corrections
    return fates


def drop(prepared: Path, into: Home) -> None:
    """Put all of them into a home's inboxes at once."""
    ready = into.root / "ready"
    shutil.copytree(prepared, ready)
    for folder in sorted(ready.iterdir()):
        for entry in sorted(folder.iterdir()):
            os.rename(entry, into.inbox / folder.name / entry.name)
    shutil.rmtree(ready)


def _write(place: Path, filer: int, turn: int, standard: Standard) -> str:
    """One more filing of an institution: of each four the second is what its number makes of it, maybe of the
    one before; the others are good.
    """
    kind = ("plain", "correction", "rejected", "zip", "again", "unreadable")[filer % 6] if turn % 4 == 1 else "plain"
    before = place / f"{turn - 1:02} plain"
    if kind == "unreadable":
        (place / f"{turn:02} unreadable.zip").write_bytes(b"no archive %d" % turn)
        return "unreadable"
    if kind == "again":
        shutil.copytree(before, place / f"{turn:02} again")
        return "again"
    told = turn - 1 if kind == "correction" else turn
    period = PERIODS[told % len(PERIODS)]
    replaces = f"{_filer(filer)}-{period}-{turn:04}-{content_digest(before)[:8]}" if kind == "correction" else None
    filing = SyntheticFiling(
        f"{turn:02} {kind}",
        _filer(filer),
        period,
        {NOTICE: [_row(filer, told, kind)]},
        form="zip" if kind == "zip" else "folder",
        sequence=turn + 1,
        replaces=replaces,
    )
    contents = contents_of(standard, filing)
    if isinstance(contents, bytes):
        (place / filing.entry).write_bytes(contents)
    else:
        (place / filing.entry).mkdir()
        for name, content in contents.items():
            (place / filing.entry / name).write_bytes(content)
    return "rejected" if kind == "rejected" else "accepted"


def _row(filer: int, turn: int, kind: str) -> dict[str, str | None]:
    changes = BROKEN_TIE if kind == "rejected" else {"weighted_age_years": "42.00"} if kind == "correction" else {}
    day = f"{PERIODS[turn % len(PERIODS)]}-13"
    return sale_notice(
        notice_id=f"{_filer(filer)}-{turn}",
        announced_date=day,
        registration_deadline_at=f"{day[:-2]}24 17:00:00",
        bid_date=f"{day[:-2]}27",
        free_bid_start_at=f"{day[:-2]}27 09:30:00",
        free_bid_end_at=f"{day[:-2]}27 10:30:00",
        seller_name=_name(filer),
        seller_uscc="",
        project_code=f"{_filer(filer)}-2026-{turn + 1:03}",
        package_name=f"{_name(filer)}关于2026年第{turn + 1}期个人不良贷款（个人消费贷款）转让项目",
        **changes,
    )


def _filer(number: int) -> str:
    return f"XSCS{number + 1:02}"


def _name(number: int) -> str:
    return f"虚设第{number + 1}消费金融有限公司"
