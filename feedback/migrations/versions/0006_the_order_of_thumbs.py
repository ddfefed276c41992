"""When a thumb was given or taken back, and an index for what somebody has done lately."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_actor", "events", ["actor", "created_at"])
    op.add_column("votes", sa.Column("acted_at", sa.Float(), nullable=True))
    thumb = postgresql.ENUM("up", "down", name="vote_value", create_type=False)
    op.create_table(
        "withdrawals",
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("value", thumb, nullable=False),
        sa.Column("acted_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_withdrawals_answer_id")),
        sa.PrimaryKeyConstraint("answer_id", "team_id", "user_id", "value", name=op.f("pk_withdrawals")),
    )


def downgrade() -> None:
    op.drop_table("withdrawals")
    op.drop_column("votes", "acted_at")
    op.drop_index("ix_events_actor", table_name="events")
