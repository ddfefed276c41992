"""pictures by their file, so that one can replace another and be deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("pk_pictures"), "pictures", type_="primary")
    op.create_primary_key(op.f("pk_pictures"), "pictures", ["file_id"])
    op.add_column("pictures", sa.Column("subject", sa.String(), nullable=True))
    op.add_column("pictures", sa.Column("shows", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("pictures", sa.Column("replaced_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    shown = sa.text("replaced_at IS NULL")
    op.create_index("uq_pictures_shown_digest", "pictures", ["digest"], unique=True, postgresql_where=shown)


def downgrade() -> None:
    op.drop_index("uq_pictures_shown_digest", table_name="pictures")
    op.execute("DELETE FROM pictures WHERE replaced_at IS NOT NULL")
    op.drop_column("pictures", "replaced_at")
    op.drop_column("pictures", "shows")
    op.drop_column("pictures", "subject")
    op.drop_constraint(op.f("pk_pictures"), "pictures", type_="primary")
    op.create_primary_key(op.f("pk_pictures"), "pictures", ["digest"])
