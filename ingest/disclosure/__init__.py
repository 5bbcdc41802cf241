"""Disclosure control: the public tables, made from the market's so that no figure of one institution can be found out.

docs/disclosure-control.md explains it, docs/adr/0022-disclosure-control.md says why it is done so.
"""

from ingest.disclosure.publish import PUBLIC_SCHEMA, write_public

__all__ = ["PUBLIC_SCHEMA", "write_public"]
