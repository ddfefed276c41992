"""how far an adapter that was mixed is on the way from its parent to what was trained."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("adapters", sa.Column("blend", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("adapters", "blend")
