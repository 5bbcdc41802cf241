"""What institutions are told of filings that are due, late or missing, and that it was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(120), primary_key=True),
        sa.Column("institution_id", sa.String(64), nullable=False),
        sa.Column("planned_at", sa.DateTime, nullable=False),
        sa.Column("recipients", sa.String(400)),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "notice_obligations",
        sa.Column("institution_id", sa.String(64), primary_key=True),
        sa.Column("period", sa.String(16), primary_key=True),
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("stage", sa.String(16), primary_key=True),
        sa.Column("notice_id", sa.String(120), sa.ForeignKey("notices.notice_id"), nullable=False),
    )
    op.create_index("ix_notice_obligations_notice_id", "notice_obligations", ["notice_id"])
    op.create_table(
        "notice_deliveries",
        sa.Column("notice_id", sa.String(120), sa.ForeignKey("notices.notice_id"), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
