"""Releases: what researchers cite. Made by `publish`, found and yanked in `folder`, read by `query`."""

from ingest.release.changes import page as page_of_changes
from ingest.release.compare import compare
from ingest.release.export import export, export_public
from ingest.release.folder import (
    CHANGES_PAGE,
    DATABASE,
    MANIFEST,
    find_release,
    latest,
    list_releases,
    published,
    yank,
    yanked,
)
from ingest.release.publish import publish
from ingest.release.query import open_query, query
from ingest.release.verify import verify

__all__ = [
    "CHANGES_PAGE",
    "DATABASE",
    "MANIFEST",
    "compare",
    "export",
    "export_public",
    "find_release",
    "latest",
    "list_releases",
    "open_query",
    "page_of_changes",
    "publish",
    "published",
    "query",
    "verify",
    "yank",
    "yanked",
]
