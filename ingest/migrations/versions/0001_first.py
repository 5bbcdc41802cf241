"""The registry as the platform's first release made it.

Only what a registry held then: tables and columns that came later are later migrations. There is no way back: rows are
never removed, and who needs the old registry restores it from the backup taken before the upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

AMOUNT = sa.String(40)  # CNY as text, exact in every database
COUNTS = ("asked_count", "nd1_count", "nd2_4_count", "nd5_count", "hidden_count", "blank_count", "unexplained_count")


def upgrade() -> None:
    op.create_table(
        "filings",
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
        sa.UniqueConstraint("folder", "sha256"),
    )
    op.create_table(
        "filing_states",
        sa.Column("state_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("filing_id", sa.String(120), sa.ForeignKey("filings.filing_id"), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("detail", sa.String(400)),
    )
    op.create_index("ix_filing_states_filing_id", "filing_states", ["filing_id"])
    op.create_table(
        "decisions",
        _filing(),
        sa.Column("verdict", sa.String(24), nullable=False),
        sa.Column("standard_version", sa.String(16), nullable=False),
        sa.Column("standard_sha256", sa.String(64), nullable=False),
        sa.Column("report_sha256", sa.String(64), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("rows_filed", "rows_accepted", "rows_held")),
        *(
            sa.Column(name, AMOUNT, nullable=False)
            for name in ("principal_filed_cny", "principal_accepted_cny", "principal_held_cny")
        ),
    )
    op.create_table(
        "log_entries",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("filing_id", sa.String(120), sa.ForeignKey("filings.filing_id"), nullable=False, unique=True),
        sa.Column("leaf", sa.Text, nullable=False),
    )
    op.create_table(
        "log_nodes",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.Text, nullable=False),
    )
    op.create_table(
        "rule_results",
        _filing(),
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("rule_id", sa.String(32), primary_key=True),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("category", sa.String(24), nullable=False),
        sa.Column("rows_judged", sa.BigInteger, nullable=False),
        sa.Column("violations", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "completeness",
        _filing(),
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("field_name", sa.String(64), primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("rows_filed", *COUNTS)),
    )
    op.create_table(
        "findings",
        _filing(),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("rule_id", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
    )
    op.create_table(
        "answers",
        _filing(),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("reason_code", sa.String(32), nullable=False),
    )


def _filing() -> sa.Column[str]:
    return sa.Column("filing_id", sa.String(120), sa.ForeignKey("filings.filing_id"), primary_key=True)
