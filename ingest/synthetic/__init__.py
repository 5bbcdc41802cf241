"""Invented filings: the small demo set of a first run, and whole markets whose true figures are known beforehand.

`demo` is what `npl run` files on an empty home and the examples in `examples/`, `demo_tapes` the part of it that is
filed loan by loan. For `npl generate`, `world` draws who
sells what to whom, `filings` says what each institution hands in and what must come of it, `rows` puts a fact into the
standard's words, `truth` adds the figures up from the world alone, `market` writes it all to a folder.
"""

from ingest.synthetic.demo import (
    BIG_FILING_ROWS,
    EXAMPLES_FOLDER,
    HELD_ISSUE,
    NOTICE,
    TRANSFER,
    Package,
    demo_filings,
    example_files,
    example_filings,
    notice_row,
    transfer_row,
    write_demo_correction,
    write_demo_filings,
)

__all__ = [
    "BIG_FILING_ROWS",
    "EXAMPLES_FOLDER",
    "HELD_ISSUE",
    "NOTICE",
    "TRANSFER",
    "Package",
    "demo_filings",
    "example_files",
    "example_filings",
    "notice_row",
    "transfer_row",
    "write_demo_correction",
    "write_demo_filings",
]
