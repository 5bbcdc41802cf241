"""Institutions drop filings over SFTP, each into its own folder, and nothing is taken in before it is whole."""

import asyncio
import datetime
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from expectations.spec import load_standard
from ingest import receive, registry
from ingest.check import check_path
from ingest.paths import Home, sftp_host_key, sftp_keys_of, write_bytes
from ingest.sftp import serving
from ingest.synthetic_files import SyntheticFiling, folder_contents

FILER, OTHER = "SLXJ01", "SLYH02"
KEYS = {institution: asyncssh.generate_private_key("ssh-ed25519") for institution in (FILER, OTHER)}
MANIFEST = "filing.json"


@asynccontextmanager
async def client(port: int, user: str = FILER, encoding: str | None = "utf-8") -> AsyncIterator[asyncssh.SFTPClient]:
    """What a bank's SFTP program does; without an encoding, names are the bytes that it sends."""
    async with (
        signed_in(port, user, KEYS[user]) as connection,
        connection.start_sftp_client(path_encoding=encoding) as sftp,
    ):
        yield sftp


def signed_in(port: int, user: str, *keys: asyncssh.SSHKey, **more: Any) -> Any:
    return asyncssh.connect(
        "127.0.0.1", port, username=user, client_keys=[*keys] or None, known_hosts=None, config=None, **more
    )


@pytest.fixture(autouse=True)
def keys(npl_home: Home) -> None:
    """Both institutions have handed in a public key."""
    for institution, key in KEYS.items():
        write_bytes(sftp_keys_of(institution), key.export_public_key())


def over_sftp(home: Home, story: Callable[[int], Awaitable[None]]) -> None:
    """Run a story of one or more clients against the platform's own server."""

    async def main() -> None:
        async with serving("127.0.0.1", 0) as port:
            await asyncio.wait_for(story(port), timeout=60)

    asyncio.run(main())


async def put(sftp: asyncssh.SFTPClient, name: str | bytes, content: bytes) -> None:
    async with sftp.open(name, "wb") as file:
        await file.write(content)


def files() -> dict[str, bytes]:
    """A good filing: `filing.json` and a CSV with a Chinese name."""
    row = load_standard().example_row("package_notice")
    filing = SyntheticFiling("march", institution=FILER, period="2026-03", tables={"package_notice": [row]})
    found = folder_contents(load_standard(), filing)
    assert sorted(found) == [MANIFEST, "资产包公告.csv"]
    return found


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files().items():
            archive.writestr(name, content)
    return buffer.getvalue()


def taken() -> list[str]:
    """Take in what is whole; the verdict on each filing that is new, as `npl check` gives it."""
    before = {record.filing_id for record in registry.all_filings()}
    receive.receive_waiting()
    new = [record for record in registry.all_filings() if record.filing_id not in before]
    return [check_path(receive.landed_entry(record.sha256), load_standard()).verdict for record in new]


def test_a_zip_is_taken_when_its_sender_has_renamed_it(npl_home: Home) -> None:
    async def story(port: int) -> None:
        async with client(port) as sftp:
            await put(sftp, "三月.zip.part", zipped())
            assert taken() == []
            await sftp.rename("三月.zip.part", "三月.zip")
            assert taken() == ["accepted"]
            assert [name for name in await sftp.listdir(".") if not name.startswith(".")] == []

    over_sftp(npl_home, story)
    assert [record.name for record in registry.all_filings()] == ["三月.zip"]


def test_a_zip_that_is_sent_under_its_own_name_is_left_until_its_last_byte(npl_home: Home) -> None:
    content = zipped()

    async def story(port: int) -> None:
        async with client(port) as sftp, sftp.open("march.zip", "wb") as file:
            for start in range(0, len(content), 500):
                assert taken() == []
                await file.write(content[start : start + 500])
        assert taken() == ["accepted"]

    over_sftp(npl_home, story)


@pytest.mark.parametrize("order", [["资产包公告.csv", MANIFEST], [MANIFEST, "资产包公告.csv"]])
def test_a_folder_is_taken_when_every_file_that_its_manifest_names_is_there(npl_home: Home, order: list[str]) -> None:
    async def story(port: int) -> None:
        async with client(port) as sftp:
            await sftp.mkdir("三月")
            for name in order:
                assert taken() == []
                await put(sftp, f"三月/{name}.filepart", files()[name])
                assert taken() == []
                await sftp.rename(f"三月/{name}.filepart", f"三月/{name}")
            assert taken() == ["accepted"]

    over_sftp(npl_home, story)


def test_a_manifest_that_is_half_written_is_waited_for(npl_home: Home) -> None:
    content = files()[MANIFEST]

    async def story(port: int) -> None:
        async with client(port) as sftp:
            await sftp.mkdir("march")
            await put(sftp, "march/资产包公告.csv", files()["资产包公告.csv"])
            async with sftp.open(f"march/{MANIFEST}", "wb") as file:
                await file.write(content[:100])
                assert taken() == []
                await file.write(content[100:])
            assert taken() == ["accepted"]

    over_sftp(npl_home, story)


def test_an_upload_that_was_given_up_is_told_after_a_while(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(port: int) -> None:
        async with client(port) as sftp:
            await sftp.mkdir("march")
            await put(sftp, "march/资产包公告.csv.part", b"half")
            await put(sftp, "march.zip", zipped()[:-10])
            await put(sftp, "april.zip.part", zipped()[:-10])

    over_sftp(npl_home, story)
    now = registry.utc_now()
    for minutes, expected in ((9, []), (11, ["unreadable", "unreadable"]), (100_000, [])):
        later = now + datetime.timedelta(minutes=minutes)
        with monkeypatch.context() as patch:
            patch.setattr(registry, "utc_now", lambda: later)  # noqa: B023
            assert taken() == expected
    assert [path.name for path in (npl_home.inbox / FILER).iterdir()] == ["april.zip.part"]


def test_no_one_leaves_their_own_folders(npl_home: Home, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")

    async def story(port: int) -> None:
        async with client(port, OTHER) as other:
            await put(other, "theirs.zip.part", b"theirs")
        async with client(port) as sftp:
            assert set(await sftp.listdir("/../..")) == {".", "..", "inbox"}
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await sftp.listdir("/outbox")  # nothing was answered yet
            for way in (f"../{OTHER}/theirs.zip.part", f"/inbox/../../inbox/{OTHER}", str(tmp_path / "secret.txt")):
                with pytest.raises(asyncssh.SFTPNoSuchFile):
                    await sftp.stat(way)
            for target in (str(tmp_path / "secret.txt"), "march.zip"):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await sftp.symlink(target, "another")
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await sftp.link(target, "another")
            for name in ("../new.zip", "/new.zip", "/outbox/new.zip", ".lock", "/tmp/new.zip", "/"):
                with pytest.raises(asyncssh.SFTPError):
                    await put(sftp, name, b"mine")
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.mkdir(name)
            for zone in ("/inbox", "/outbox"):
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.rmdir(zone)

    over_sftp(npl_home, story)
    assert list((npl_home.inbox / FILER).iterdir()) == []
    assert [path.name for path in (npl_home.inbox / OTHER).iterdir()] == ["theirs.zip.part"]


def test_the_answer_is_fetched_from_the_outbox_and_cannot_be_changed(npl_home: Home) -> None:
    answer = npl_home.answer(FILER, "march") / "report.json"
    write_bytes(answer, b"{}")
    write_bytes(npl_home.answer(OTHER, "march") / "report.json", b"theirs")

    async def story(port: int) -> None:
        async with client(port) as sftp:
            assert await sftp.getcwd() == "/inbox"
            assert set(await sftp.listdir("/")) == {".", "..", "inbox", "outbox"}
            assert set(await sftp.listdir("/outbox")) == {".", "..", "march"}
            async with sftp.open("/outbox/march/report.json", "rb") as file:
                assert await file.read() == b"{}"
            for change in (
                sftp.remove("/outbox/march/report.json"),
                sftp.rename("/outbox/march/report.json", "report.json"),
                sftp.posix_rename("/outbox/march", "/outbox/april"),
                sftp.chmod("/outbox/march/report.json", 0),
                sftp.truncate("/outbox/march/report.json", 0),
                sftp.rmdir("/outbox/march"),
            ):
                with pytest.raises(asyncssh.SFTPError):
                    await change
            for mode in ("wb", "ab", "r+b", "xb"):
                with pytest.raises(asyncssh.SFTPError):
                    async with sftp.open("/outbox/march/report.json", mode) as file:
                        await file.write(b"changed")

    over_sftp(npl_home, story)
    assert answer.read_bytes() == b"{}"


def test_only_a_key_that_was_handed_in_opens_anything(npl_home: Home) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519")

    async def story(port: int) -> None:
        for user, key, password in (
            (FILER, stranger, None),
            (FILER, KEYS[OTHER], None),
            ("SLYH99", KEYS[FILER], None),
            (f"../{FILER}", KEYS[FILER], None),
            ("", KEYS[FILER], None),
            (FILER, stranger, "password"),
        ):
            with pytest.raises(asyncssh.PermissionDenied):
                await signed_in(port, user, key, password=password)
        async with signed_in(port, FILER, KEYS[FILER]) as connection:
            for refused in (connection.run("id"), connection.open_connection("127.0.0.1", port)):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await refused

    over_sftp(npl_home, story)


def test_a_key_that_was_taken_back_opens_nothing_any_more(npl_home: Home) -> None:
    async def story(port: int) -> None:
        async with client(port) as sftp:
            await sftp.listdir(".")
        sftp_keys_of(FILER).write_bytes(KEYS[OTHER].export_public_key())
        with pytest.raises(asyncssh.PermissionDenied):
            await signed_in(port, FILER, KEYS[FILER])

    over_sftp(npl_home, story)


def test_an_id_with_hyphens_signs_in_as_any_other(npl_home: Home) -> None:
    manager = "LAMC-BJ-GUOTONG"
    write_bytes(sftp_keys_of(manager), KEYS[OTHER].export_public_key())

    async def story(port: int) -> None:
        async with signed_in(port, manager, KEYS[OTHER]) as connection, connection.start_sftp_client() as sftp:
            await put(sftp, "march.zip.part", b"half")

    over_sftp(npl_home, story)
    assert [path.name for path in (npl_home.inbox / manager).iterdir()] == ["march.zip.part"]


def test_the_server_proves_itself_by_the_same_key_after_a_restart(npl_home: Home) -> None:
    seen = []

    async def story(port: int) -> None:
        async with signed_in(port, FILER, KEYS[FILER]) as connection:
            seen.append(connection.get_server_host_key().export_public_key())

    over_sftp(npl_home, story)
    over_sftp(npl_home, story)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert sftp_host_key().stat().st_mode & 0o077 == 0


def test_names_that_a_chinese_windows_sends_are_read(npl_home: Home) -> None:
    manifest = json.loads(files()[MANIFEST])
    # its first two bytes happen to be UTF-8 as well
    manifest["tables"][0]["file"] = "模型公告.csv"

    async def story(port: int) -> None:
        async with client(port, encoding=None) as sftp:
            folder = "三月".encode("gbk")
            await sftp.mkdir(folder)
            await put(sftp, folder + b"/" + "模型公告.csv".encode("gbk"), files()["资产包公告.csv"])
            await put(sftp, folder + b"/" + MANIFEST.encode(), json.dumps(manifest).encode())
            await put(sftp, "四月.zip".encode("gbk"), zipped())
            await put(sftp, "五月.xlsx.part".encode("gbk"), b"")

    over_sftp(npl_home, story)
    assert sorted(taken()) == ["accepted", "accepted"]
    assert sorted(record.name for record in registry.all_filings()) == ["三月", "四月.zip"]
