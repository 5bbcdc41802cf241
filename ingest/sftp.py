"""The SFTP drop: each institution sees its own `inbox` and, to read only, its own `outbox`, and nothing else.

An institution signs in with its id and one of the public keys in `keys/sftp/institutions/<institution>` (OpenSSH's
format of authorized keys; an operator may add and remove lines at any time). There are no passwords. The server's own
key is made at the first start and kept beside them. No account of the operating system, no shell and no forwarding
stand behind it, so it needs no root.
"""

import asyncio
import logging
import os
import posixpath
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from ingest.manifest import IDENTIFIER_PATTERN
from ingest.paths import home, sftp_host_key, sftp_keys_of, write_private

log = logging.getLogger(__name__)

INBOX, OUTBOX = b"inbox", b"outbox"


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port (which the system chooses for port 0)."""
    server = await asyncssh.listen(
        host,
        port,
        server_factory=_Account,
        server_host_keys=[_host_key()],
        sftp_factory=_Drop,
        allow_scp=False,
        login_timeout=60,
        keepalive_interval=60,
    )
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


async def serve(host: str, port: int) -> None:
    """Serve until the process is stopped."""
    async with serving(host, port) as bound:
        log.info("SFTP on %s port %d", host, bound)
        await asyncio.Event().wait()


def _host_key() -> asyncssh.SSHKey:
    place = sftp_host_key()
    if not place.exists():
        write_private(place, asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return asyncssh.read_private_key(place)


class _Account(asyncssh.SSHServer):
    """Who may sign in."""

    def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
        self._connection = connection

    def begin_auth(self, username: str) -> bool:
        keys = sftp_keys_of(username) if re.fullmatch(IDENTIFIER_PATTERN, username) else None
        if keys is not None and keys.is_file():
            self._connection.set_authorized_keys(str(keys))
        return True  # it must prove who it is, whoever it says it is

    def password_auth_supported(self) -> bool:
        return False

    def auth_completed(self) -> None:
        log.info("SFTP: %s signed in", self._connection.get_extra_info("username"))


class _Drop(asyncssh.SFTPServer):
    """The two folders of the institution that has signed in. Names that begin outside them begin in the inbox."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        institution = channel.get_extra_info("username")
        self._roots = {INBOX: home().inbox / institution, OUTBOX: home().outbox / institution}
        # the outbox comes with the first answer: here it may be mounted read-only
        self._roots[INBOX].mkdir(parents=True, exist_ok=True)
        super().__init__(channel)

    # Where a name leads.

    def map_path(self, path: bytes) -> bytes:
        zone, rest = _split(path)
        if not zone:
            return os.fsencode(self._roots[INBOX])  # of the root only its attributes are ever asked
        if zone not in self._roots:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return posixpath.join(os.fsencode(self._roots[zone]), rest)

    def realpath(self, path: bytes) -> bytes:
        # by its text alone: there are no links in the inbox, and where the zones lie is nobody's business
        return posixpath.normpath(posixpath.join(b"/" + INBOX, path))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if _split(path)[0]:
            async for name in super().scandir(path):
                yield name
            return
        for each, root in ((b".", self._roots[INBOX]), (b"..", self._roots[INBOX]), *self._roots.items()):
            if root.is_dir():
                yield asyncssh.SFTPName(each, attrs=asyncssh.SFTPAttrs.from_local(root.stat()))

    # What changes something: in the inbox alone.

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & ~asyncssh.FXF_READ:
            _in_inbox(path)
        return super().open(path, pflags, attrs)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        _in_inbox(path)  # the later protocols ask for finer rights than anyone needs here
        return super().open56(path, desired_access, flags, attrs)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        _in_inbox(path)
        return super().setstat(path, attrs)

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        _in_inbox(path)
        return super().lsetstat(path, attrs)

    def remove(self, path: bytes) -> Any:
        _in_inbox(path)
        return super().remove(path)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        _in_inbox(path)
        return super().mkdir(path, attrs)

    def rmdir(self, path: bytes) -> Any:
        _in_inbox(path)
        return super().rmdir(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        _in_inbox(oldpath, newpath)
        return super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        _in_inbox(oldpath, newpath)
        return super().posix_rename(oldpath, newpath)

    def symlink(self, oldpath: bytes, newpath: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("no links")

    def link(self, oldpath: bytes, newpath: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("no links")


def _split(path: bytes) -> tuple[bytes, bytes]:
    """(zone, what follows) of a name as the institution writes it; a zone of nothing is the root above the zones."""
    whole = posixpath.normpath(posixpath.join(b"/" + INBOX, path)).lstrip(b"/")
    zone, _, rest = whole.partition(b"/")
    return zone, rest


def _in_inbox(*paths: bytes) -> None:
    for path in paths:
        zone, rest = _split(path)
        # the platform's own names begin with a point, and the zone itself is not theirs to remove
        if zone != INBOX or not rest or rest.startswith(b"."):
            raise asyncssh.SFTPPermissionDenied("收件目录之外不可写 / only the inbox can be written")
