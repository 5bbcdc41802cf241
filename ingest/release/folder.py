"""The folders of releases: which there are, which is the latest, which were yanked, and what stands in one."""

import json
from pathlib import Path
from typing import Any

from ingest import registry
from ingest.errors import UsageError
from ingest.paths import home, write_text
from ingest.receipts.release_log import CONSISTENCY

MANIFEST = "manifest.json"
DATABASE = "npl.duckdb"
CHECKSUMS = "SHA256SUMS"
CHANGES = "changes.json"
CHANGES_PAGE = "changes.md"
OUTSIDE_THE_MANIFEST = frozenset({MANIFEST, DATABASE, CHECKSUMS, CHANGES, CHANGES_PAGE, CONSISTENCY})
"""What does not follow from the filings alone: DuckDB's random file id, and which release came before."""


def as_json(content: Any) -> str:
    """JSON as all files of a release are written."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest in a release's folder."""
    loaded: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return loaded


def list_releases() -> list[dict[str, Any]]:
    """The manifests of all releases, yanked ones too, oldest first."""
    folders = home().releases.glob(f"*/{MANIFEST}") if home().releases.exists() else ()
    manifests = [manifest_of(path.parent) for path in folders if not path.parent.name.startswith(".")]
    return sorted(manifests, key=lambda manifest: (manifest["as_of"] or "", manifest["release"]))


def find_release(release_id: str | None) -> Path:
    """The folder of a release; of the latest when none is named.

    Raises:
        UsageError: there is no such release.
    """
    if release_id is None:
        release_id = latest()
        if release_id is None:
            raise UsageError(
                "没有可用的发布：尚未运行 npl run，或发布均已撤回。",
                "There is no release to use: `npl run` was not run yet, or all were yanked.",
            )
    folder = home().release(release_id)
    if "/" in release_id or not (folder / MANIFEST).is_file():
        raise UsageError(f"没有发布 {release_id}。", f"There is no release {release_id}.")
    return folder


def latest() -> str | None:
    """The id of the latest release; null when there is none."""
    if not home().latest_release.exists():
        return None
    return str(json.loads(home().latest_release.read_text(encoding="utf-8"))["release"])


def move_latest(release_id: str) -> None:
    """Let `latest.json` name this release, unless it was yanked."""
    if yanked(release_id) is None:
        write_text(home().latest_release, as_json({"release": release_id}))


def yanked(release_id: str) -> dict[str, str] | None:
    """When and why a release was yanked; null when it was not."""
    mark = home().yanked_release(release_id)
    if not mark.exists():
        return None
    told: dict[str, str] = json.loads(mark.read_text(encoding="utf-8"))
    return told


def yank(release_id: str, reason: str) -> str | None:
    """Mark a release as not to be used; return the release that is the latest now, null when none is left.

    The mark stands beside the folder: nothing in a release ever changes, and whoever cited it still finds it. Yanked
    again, it keeps its first mark.

    Raises:
        UsageError: there is no such release, or no reason.
    """
    name = find_release(release_id).name
    if not reason.strip():
        raise UsageError("请说明撤回的原因。", "Say why it is yanked.")
    if yanked(name) is None:
        mark = {"release": name, "reason": reason.strip(), "yanked_at": f"{registry.utc_now():%Y-%m-%dT%H:%M:%SZ}"}
        write_text(home().yanked_release(name), as_json(mark))
    if latest() == name:
        left = [each["release"] for each in list_releases() if yanked(each["release"]) is None]
        if left:
            move_latest(left[-1])
        else:
            home().latest_release.unlink()
    return latest()


def published(inputs: str) -> str | None:
    """The release that was made from these inputs, when publishing them again would change nothing."""
    for manifest in list_releases():
        release_id: str = manifest["release"]
        if manifest["inputs_sha256"] == inputs and (release_id == latest() or yanked(release_id)):
            return release_id
    return None
