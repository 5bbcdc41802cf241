"""An institution is taken in by one command, which changes nothing that was registered and can be run again."""

import csv
import dataclasses
import datetime

import pytest
from typer.testing import CliRunner

from ingest import register
from ingest.cli import app
from ingest.errors import UsageError
from ingest.onboard import Newcomer, onboard
from ingest.paths import Home, sftp_keys_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIRv5QpJm1n7bQv0pPsJm1n7bQv0pPsJm1n7bQv0pPs desk"
BANK = Newcomer(
    "XGYH09",
    datetime.date(2026, 10, 1),
    name_zh="虚构新开银行股份有限公司",
    institution_type="CB",
    province_code="330000",
    public_key=KEY,
    mailbox="desk@xgyh09.example",
)


@pytest.fixture(autouse=True)
def fresh_registers(npl_home: Home) -> None:
    register.forget()


def rows_of(home: Home, name: str) -> list[dict[str, str]]:
    with (home.register / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_new_bank_is_registered_owes_filings_and_can_sign_in(npl_home: Home) -> None:
    done = onboard(BANK)
    assert register.find_institution("虚构新开银行股份有限公司", datetime.date(2026, 11, 1)) == "XGYH09"
    assert {each.period for each in done.owed} >= {"2026-10", "2026-12"}
    assert {each.institution_id for each in done.owed} == {"XGYH09"}
    assert sftp_keys_of("XGYH09").read_text() == KEY + "\n"
    assert register.mailboxes() == {"XGYH09": "desk@xgyh09.example"}
    assert (npl_home.inbox / "XGYH09").is_dir()
    assert (npl_home.outbox / "XGYH09").is_dir()
    assert len(done.written) == 6


def test_a_second_time_changes_nothing(npl_home: Home) -> None:
    onboard(BANK)
    before = {path: path.read_bytes() for path in npl_home.root.rglob("*") if path.is_file()}
    assert onboard(BANK).written == ()
    assert {path: path.read_bytes() for path in npl_home.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("known", ["ICBC", "LAMC-BJ-GUOTONG"])
def test_one_that_we_know_only_joins(npl_home: Home, known: str) -> None:
    done = onboard(Newcomer(known, datetime.date(2026, 11, 1)))
    assert not (npl_home.register / "institutions.csv").exists()
    assert [row["institution_id"] for row in rows_of(npl_home, "participation.csv")] == [known]
    assert done.owed


def test_another_row_and_another_key_stand_beside_the_first(npl_home: Home) -> None:
    onboard(BANK)
    onboard(dataclasses.replace(BANK, institution_id="XGYH10", name_zh="虚构又开银行股份有限公司"))
    onboard(Newcomer("XGYH09", datetime.date(2026, 12, 1), public_key=KEY.replace("desk", "second")))
    assert [row["institution_id"] for row in rows_of(npl_home, "institutions.csv")] == ["XGYH09", "XGYH10"]
    assert len(sftp_keys_of("XGYH09").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"institution_id": "../XGYH09"},
        {"institution_id": "ICBC"},
        {"institution_type": "NOT"},
        {"province_code": "999999"},
        {"name_zh": ""},
        {"name_zh": "中国工商银行股份有限公司"},
        {"public_key": "no key"},
        {"public_key": f"{KEY}\n{KEY}"},
        {"mailbox": "desk at example"},
    ],
    ids=str,
)
def test_what_cannot_be_is_told_and_nothing_is_written(npl_home: Home, change: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        onboard(dataclasses.replace(BANK, **change))
    assert not [path for path in npl_home.root.rglob("*") if path.is_file()]
    assert register.institution("XGYH09") is None


def test_the_command_tells_what_it_wrote_and_what_is_owed(npl_home: Home) -> None:
    told = CliRunner().invoke(
        app,
        ["onboard", "XGYH09", "--since", "2026-10-01", "--name", BANK.name_zh, "--type", "CB", "--province", "330000"],
    )
    assert told.exit_code == 0
    assert "institutions.csv" in told.stdout
    assert "应报 owes: 2026-10" in told.stdout
    again = CliRunner().invoke(app, ["onboard", "XGYH09", "--since", "2026-10-01"])
    assert "Everything stands there" in again.stdout
