"""The registry's tables. Rows are only ever added; a filing's present state is its last row in `filing_states`."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa


class Amount(sa.TypeDecorator[Decimal]):
    """CNY, exact in every database: SQLite would keep a number as a float, so it is text."""

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> str | None:
        return None if value is None else f"{value:.2f}"

    def process_result_value(self, value: str | None, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


metadata = sa.MetaData()

filings = sa.Table(
    "filings",
    metadata,
    sa.Column("filing_id", sa.String(120), primary_key=True),
    sa.Column("folder", sa.String(64), nullable=False),
    sa.Column("name", sa.String(400), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("institution_id", sa.String(64), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("period", sa.String(16)),
    sa.Column("sequence", sa.Integer),
    sa.Column("kind", sa.String(16)),
    sa.Column("replaces", sa.String(120)),
    sa.Column("received_at", sa.DateTime, nullable=False),
    # empty: as filed; else the replay that decided the same bytes anew
    sa.Column("replay_id", sa.String(64), nullable=False, server_default=""),
    sa.UniqueConstraint("folder", "sha256", "replay_id"),
)
states = sa.Table(
    "filing_states",
    metadata,
    sa.Column("state_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), nullable=False, index=True),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("detail", sa.String(400)),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("verdict", sa.String(24), nullable=False),
    sa.Column("standard_version", sa.String(16), nullable=False),
    sa.Column("standard_sha256", sa.String(64), nullable=False),
    sa.Column("report_sha256", sa.String(64), nullable=False),
    sa.Column("rows_filed", sa.BigInteger, nullable=False),
    sa.Column("rows_accepted", sa.BigInteger, nullable=False),
    sa.Column("rows_held", sa.BigInteger, nullable=False),
    # over the tables that name a principal; what a package's notice, transfer and loans say of it is all counted
    sa.Column("principal_filed_cny", Amount, nullable=False, default=Decimal(0)),
    sa.Column("principal_accepted_cny", Amount, nullable=False, default=Decimal(0)),
    sa.Column("principal_held_cny", Amount, nullable=False, default=Decimal(0)),
)
log_entries = sa.Table(
    "log_entries",
    metadata,
    # from 0 without gaps: the place of a decision in the Merkle log, and the order in which decisions were taken
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), nullable=False, unique=True),
    sa.Column("leaf", sa.Text, nullable=False),
)
log_nodes = sa.Table(
    "log_nodes",
    metadata,
    # hex SHA-256 of every complete subtree of the log that ends with this position, the leaf's own first: derived from
    # the leaves, so that a proof is looked up and not computed over all of them
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.Text, nullable=False),
)
rule_results = sa.Table(
    "rule_results",
    metadata,
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("rule_id", sa.String(32), primary_key=True),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("category", sa.String(24), nullable=False),
    sa.Column("rows_judged", sa.BigInteger, nullable=False),
    sa.Column("violations", sa.BigInteger, nullable=False),
)
completeness = sa.Table(
    "completeness",
    metadata,
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("field_name", sa.String(64), primary_key=True),
    sa.Column("rows_filed", sa.BigInteger, nullable=False),
    sa.Column("asked_count", sa.BigInteger, nullable=False),
    sa.Column("nd1_count", sa.BigInteger, nullable=False),
    sa.Column("nd2_4_count", sa.BigInteger, nullable=False),
    sa.Column("nd5_count", sa.BigInteger, nullable=False),
    sa.Column("hidden_count", sa.BigInteger, nullable=False),
    sa.Column("blank_count", sa.BigInteger, nullable=False),
    sa.Column("unexplained_count", sa.BigInteger, nullable=False),
)
findings = sa.Table(
    "findings",
    metadata,
    # what the report lists (bounded per rule), so that a later filing's findings can be called open, fixed or new
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("rule_id", sa.String(32), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
)
answers = sa.Table(
    "answers",
    metadata,
    # a filer's reason for a warning, with the filing that brought it
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("reason_code", sa.String(32), nullable=False),
)
notices = sa.Table(
    "notices",
    metadata,
    # what an institution is told of filings due or missing, as it was worded: sent again it is the same to the byte
    sa.Column("notice_id", sa.String(120), primary_key=True),
    sa.Column("institution_id", sa.String(64), nullable=False),
    sa.Column("planned_at", sa.DateTime, nullable=False),
    # mailboxes by comma as they were then; null: only the outbox tells
    sa.Column("recipients", sa.String(400)),
    sa.Column("subject", sa.String(400), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
notice_obligations = sa.Table(
    "notice_obligations",
    metadata,
    # each stage of each obligation is told once: the key is that promise
    sa.Column("institution_id", sa.String(64), primary_key=True),
    sa.Column("period", sa.String(16), primary_key=True),
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("stage", sa.String(16), primary_key=True),
    sa.Column("notice_id", sa.ForeignKey("notices.notice_id"), nullable=False, index=True),
)
notice_deliveries = sa.Table(
    "notice_deliveries",
    metadata,
    sa.Column("notice_id", sa.ForeignKey("notices.notice_id"), primary_key=True),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
)
replays = sa.Table(
    "replays",
    metadata,
    # who let which plan be carried out; what came of it are the filings that name the replay
    sa.Column("replay_id", sa.String(64), primary_key=True),
    sa.Column("plan_sha256", sa.String(64), nullable=False),
    sa.Column("standard_sha256", sa.String(64), nullable=False),
    sa.Column("approved_by", sa.String(120), nullable=False),
    sa.Column("reason", sa.String(400), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
