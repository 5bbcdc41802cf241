"""A big file of text as UTF-8: where it lies, or decoded into a file of its own; never held in memory."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.read.encoding import PIECE, UTF8, Content, decode_into


@dataclass(frozen=True)
class StoredText:
    """Both read where they are looked at: the `content` as filed, and its `text` as UTF-8 without byte order mark."""

    content: Content
    text: Content
    encoding: str
    has_mark: bool


@contextmanager
def stored_text(path: Path, file: str, told: str | None, spool: Path) -> Iterator[StoredText]:
    """The text of a file, for as long as this lasts; `told` is the encoding that the manifest names.

    Raises:
        FilingError: as `decode`.
    """
    decoded = spool / f"{path.name}.text"
    with _mapped(path) as content, decoded.open("w+b") as target:
        start, encoding = decode_into(content, file, told, target)
        if start and encoding == UTF8:
            for position in range(start, len(content), PIECE):
                target.write(content[position : position + PIECE])
        target.flush()
        if start == 0 and encoding == UTF8:
            yield StoredText(content, content, encoding, False)
        else:
            with _mapped(decoded) as text:
                yield StoredText(content, text, encoding, start > 0)
    decoded.unlink()


@contextmanager
def _mapped(path: Path) -> Iterator[Content]:
    """A file as bytes that are read where they are looked at."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        # not closed here: whoever looks at it last, an error's traceback perhaps, lets it go
        yield mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
