"""YAML that was parsed before: most of what it takes to load the standard is the parser's time.

What a folder's files hold is kept as JSON in its `__pycache__`, under the digest of all their bytes: a file that is
changed, added or removed makes another digest, and then what was kept is not looked at. JSON holds values and no code,
so whoever can write there can do no more than whoever can write the files themselves.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_NAME = "parsed.json"


def recall(folder: Path, digest: str) -> dict[str, Any] | None:
    """What was kept for this digest, by file name; dates come back as text, as people write them. Else null."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_place(folder).read_bytes())
        if kept["digest"] == digest:
            return dict(kept["files"])
    return None


def keep(folder: Path, digest: str, files: Mapping[str, Any]) -> None:
    """Keep what valid files hold, whole or not at all; a folder that is not ours to write goes without."""
    text = json.dumps({"digest": digest, "files": files}, ensure_ascii=False, default=str)
    place = _place(folder)
    with contextlib.suppress(OSError, UnicodeEncodeError):
        content = text.encode()
        place.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            os.replace(temporary, place)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


def _place(folder: Path) -> Path:
    return folder / "__pycache__" / FILE_NAME
