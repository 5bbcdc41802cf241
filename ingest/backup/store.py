"""Where backups lie: each content once, under its SHA-256, and one manifest a backup that names what belongs to it.

    objects/<first two>/<sha256>      bytes, whatever file they are of
    backups/<id>.json                 written last: what has no manifest is no backup

So the second backup copies only what is new, and a store that cannot rename (S3) does as well as a disk that can.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingest.config import settings
from ingest.errors import StorageError, UsageError
from ingest.paths import temporary_beside

FORMAT = 1
CHUNK = 1 << 20
S3 = "s3://"
BACKUP_ID = re.compile(r"\d{8}T\d{12}Z")


class BackupStore:
    """A folder, or a place in an S3-compatible store (`s3://bucket/prefix`), which the `NPL_S3_*` settings describe.

    Raises:
        UsageError: the target names neither.
        StorageError: it cannot be reached, read or written; every method may raise it.
    """

    def __init__(self, target: str) -> None:
        from pyarrow import fs

        self.target = target
        self._is_local = not target.startswith(S3)
        if self._is_local:
            if "://" in target or not target:
                raise UsageError(
                    f"备份位置应为目录或 {S3}桶/前缀：{target!r}。",
                    f"A backup goes to a folder or to {S3}bucket/prefix, not to {target!r}.",
                )
            self._files, self._root = fs.LocalFileSystem(), str(Path(target).absolute())
        else:
            self._files, self._root = _s3_files(), target.removeprefix(S3).strip("/")

    def put(self, file: io.BufferedReader) -> dict[str, Any]:
        """Keep what an open file holds, unless it is there; return its `sha256` and `bytes`."""
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.seek(0, os.SEEK_END)
        if self._present.get(sha256) != size:  # an object of another size was broken off
            file.seek(0)
            self._write(self._object(sha256), iter(lambda: file.read(CHUNK), b""))
            self._present[sha256] = size
        return {"sha256": sha256, "bytes": size}

    def fetch(self, sha256: str, target: Path, mode: int = 0o666) -> None:
        """Write an object to a file, whole and as it was, or not at all.

        Raises:
            StorageError: it is missing or no longer what its name says.
        """
        temporary = temporary_beside(target)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                for chunk in self._checked(sha256):
                    file.write(chunk)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)

    def is_intact(self, sha256: str) -> bool:
        """Whether an object is there and still is what its name says."""
        try:
            for _ in self._checked(sha256):
                pass
        except StorageError:
            return False
        return True

    def add_manifest(self, backup_id: str, manifest: Mapping[str, Any]) -> None:
        # names of filed files may be no UTF-8: escaped, they come back as they were
        content = json.dumps({"format": FORMAT, "backup": backup_id, **manifest}, indent=1).encode()
        self._write(self._manifest(backup_id), iter([content]))

    def manifest(self, backup_id: str | None = None) -> dict[str, Any]:
        """The manifest of a backup, by default of the newest.

        Raises:
            UsageError: there is no such backup, or it is of a newer program.
        """
        known = self.backups()
        if not known or (backup_id is not None and backup_id not in known):
            missing = backup_id or "*"
            raise UsageError(f"{self.target} 中没有备份 {missing}。", f"There is no backup {missing} in {self.target}.")
        with self._told(), self._files.open_input_stream(self._manifest(backup_id or known[-1])) as stream:
            manifest: dict[str, Any] = json.loads(stream.read())
        if manifest["format"] != FORMAT:
            raise UsageError(
                f"备份格式 {manifest['format']} 需要更新的程序。",
                f"A backup of format {manifest['format']} needs a newer program.",
            )
        return manifest

    def backups(self) -> list[str]:
        """The ids of all backups, oldest first."""
        names = (Path(each.path) for each in self._list("backups"))
        return sorted(path.stem for path in names if path.suffix == ".json" and BACKUP_ID.fullmatch(path.stem))

    @cached_property
    def _present(self) -> dict[str, int]:
        # listed once: asking for each of many small files would cost more than sending them
        return {Path(each.path).name: each.size for each in self._list("objects")}

    def _list(self, folder: str) -> list[Any]:
        from pyarrow import fs

        with self._told():
            found = self._files.get_file_info(
                fs.FileSelector(f"{self._root}/{folder}", recursive=True, allow_not_found=True)
            )
        return [each for each in found if each.is_file]

    def _object(self, sha256: str) -> str:
        return f"{self._root}/objects/{sha256[:2]}/{sha256}"

    def _manifest(self, backup_id: str) -> str:
        return f"{self._root}/backups/{backup_id}.json"

    def _write(self, path: str, chunks: Iterator[bytes]) -> None:
        with self._told():
            if not self._is_local:
                with self._files.open_output_stream(path) as stream:
                    for chunk in chunks:
                        stream.write(chunk)
                return
            temporary = temporary_beside(Path(path))
            try:
                with temporary.open("wb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())  # a backup that a power cut takes along is none
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)

    def _checked(self, sha256: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        with self._told(), self._files.open_input_stream(self._object(sha256)) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != sha256:
            raise StorageError(
                f"备份 {self.target} 中的对象 {sha256} 已损坏。", f"The object {sha256} in {self.target} is damaged."
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"无法读写备份位置 {self.target}：{error}", f"The backup's place {self.target} fails: {error}"
            ) from error


def _s3_files() -> Any:
    from pyarrow import fs

    endpoint = urlsplit(settings().s3_endpoint)
    options = {
        "endpoint_override": endpoint.netloc,
        "scheme": endpoint.scheme,
        "region": settings().s3_region,
        "access_key": settings().s3_access_key,
        "secret_key": settings().s3_secret_key.get_secret_value(),
    }
    # Stores that are not Amazon's refuse the checksum which its client sends unasked, after the body; here the name of
    # an object is its SHA-256, which every reading checks.
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    # What is not set is found as by every S3 client: AWS_* variables, its files, the machine's role. Opened late, a
    # small object costs one request, not three.
    return fs.S3FileSystem(allow_delayed_open=True, **{name: value for name, value in options.items() if value})
