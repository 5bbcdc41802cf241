"""Backups: the registry and every file that it speaks for, kept by content in a folder or an S3-compatible store.

`make` copies a platform that goes on working, `restore` puts it into an empty home and proves it against the log,
`store` is where the bytes lie, `registry_copy` the registry as files. docs/adr/0035-backups.md says why in this order.
"""

from ingest.backup.make import Made, back_up
from ingest.backup.restore import Restored, restore
from ingest.backup.store import BackupStore

__all__ = ["BackupStore", "Made", "Restored", "back_up", "restore"]
