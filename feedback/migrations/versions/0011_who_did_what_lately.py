"""An index for what somebody has done lately."""

from alembic import op

revision = "0011"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_actor", "events", ["actor", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_events_actor", table_name="events")
