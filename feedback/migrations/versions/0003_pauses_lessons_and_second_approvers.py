"""pauses, lessons, and the first of two approvers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("first_approved_by", sa.String(), nullable=True))
    op.create_table(
        "pauses",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
        sa.UniqueConstraint("persona", name=op.f("uq_pauses_persona")),
    )
    op.create_table(
        "lessons",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("adapter_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_lessons_adapter_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_lessons_case_id")),
        sa.PrimaryKeyConstraint("case_id", "adapter_id", name=op.f("pk_lessons")),
    )
    op.create_index(op.f("ix_lessons_adapter_id"), "lessons", ["adapter_id"], unique=False)
    op.execute(
        "INSERT INTO lessons (case_id, adapter_id) SELECT id, adapter_id FROM cases WHERE adapter_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_lessons_adapter_id"), table_name="lessons")
    op.drop_table("lessons")
    op.drop_table("pauses")
    op.drop_column("cases", "first_approved_by")
