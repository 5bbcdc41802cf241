"""Institutions drop filings over SFTP: each is locked into its inbox, and nothing is taken in before it is whole."""

import asyncio
import datetime
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from expectations.spec import load_standard
from ingest import receive, registry
from ingest.check import check_path
from ingest.paths import Home
from ingest.synthetic_files import SyntheticFiling, folder_contents

FILER, OTHER = "SLXJ01", "SLYH02"
PASSWORDS = {FILER: "one", OTHER: "two"}
MANIFEST = "filing.json"


class Account(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return PASSWORDS.get(username) == password


@asynccontextmanager
async def sftp_server(inbox: Path) -> AsyncIterator[int]:
    """A server on loopback whose users see nothing but `inbox/<user>`; gives its port."""

    def rooted(channel: asyncssh.SSHServerChannel) -> asyncssh.SFTPServer:
        root = inbox / channel.get_extra_info("username")
        root.mkdir(parents=True, exist_ok=True)
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(root))

    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=Account, server_host_keys=[key], sftp_factory=rooted)
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def client(port: int, user: str = FILER, encoding: str | None = "utf-8") -> AsyncIterator[asyncssh.SFTPClient]:
    """What a bank's SFTP program does; without an encoding, names are the bytes that it sends."""
    connecting = asyncssh.connect(
        "127.0.0.1", port, username=user, password=PASSWORDS[user], known_hosts=None, client_keys=None, config=None
    )
    async with connecting as connection, connection.start_sftp_client(path_encoding=encoding) as sftp:
        yield sftp


def over_sftp(home: Home, story: Callable[[int], Awaitable[None]]) -> None:
    """Run a story of one or more clients against a server over the home's inbox."""

    async def main() -> None:
        async with sftp_server(home.inbox) as port:
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


def test_no_one_leaves_their_own_inbox(npl_home: Home, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")

    async def story(port: int) -> None:
        async with client(port, OTHER) as other:
            await put(other, "theirs.zip.part", b"theirs")
        async with client(port) as sftp:
            await put(sftp, f"/../../{OTHER}.zip.part", b"mine")
            assert set(await sftp.listdir("/../..")) == {".", "..", f"{OTHER}.zip.part"}
            for way in (f"../{OTHER}/theirs.zip.part", f"/{OTHER}", str(tmp_path / "secret.txt")):
                with pytest.raises(asyncssh.SFTPNoSuchFile):
                    await sftp.stat(way)
            await sftp.symlink(str(tmp_path / "secret.txt"), "link")
            with pytest.raises(asyncssh.SFTPError):
                async with sftp.open("link", "rb") as file:
                    await file.read()

    over_sftp(npl_home, story)
    assert (npl_home.inbox / FILER / f"{OTHER}.zip.part").read_bytes() == b"mine"
    assert [path.name for path in (npl_home.inbox / OTHER).iterdir()] == ["theirs.zip.part"]
    assert taken() == ["unreadable"]  # the link: refused, never followed


def test_a_wrong_password_opens_nothing(npl_home: Home) -> None:
    async def story(port: int) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1", port, username=FILER, password="two", known_hosts=None, client_keys=None, config=None
            )

    over_sftp(npl_home, story)


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
