"""The same bytes can be decided anew by a replay, under an id of their own; and who approved the replay."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
    else:
        op.add_column("filings", sa.Column("replay_id", sa.String(64), nullable=False, server_default=""))
        op.drop_constraint("filings_folder_sha256_key", "filings", type_="unique")
        op.create_unique_constraint(None, "filings", ["folder", "sha256", "replay_id"])
    op.create_table(
        "replays",
        sa.Column("replay_id", sa.String(64), primary_key=True),
        sa.Column("plan_sha256", sa.String(64), nullable=False),
        sa.Column("standard_sha256", sa.String(64), nullable=False),
        sa.Column("approved_by", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )


def _make_anew() -> None:
    """SQLite can't change a constraint. The others' rows point at this table's: that is checked once it is filled."""
    op.execute("pragma defer_foreign_keys = on")
    op.execute("create table filings_before as select * from filings")
    op.drop_table("filings")
    columns = (
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
    )
    op.create_table(
        "filings",
        *columns,
        sa.Column("replay_id", sa.String(64), nullable=False, server_default=""),
        sa.UniqueConstraint("folder", "sha256", "replay_id"),
    )
    names = ", ".join(column.name for column in columns)
    op.execute(f"insert into filings ({names}) select {names} from filings_before")
    op.drop_table("filings_before")
