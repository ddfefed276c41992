"""other ways to ask of a case, the base model's own answers, and when a case was practised."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_answers",
        sa.Column("base_fingerprint", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("rejected_because", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_answers")),
        sa.UniqueConstraint("base_fingerprint", "asked", name=op.f("uq_own_answers_base_fingerprint_asked")),
    )
    op.add_column("cases", sa.Column("wordings", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index("ix_dataset_rows_case_id_dataset_id", "dataset_rows", ["case_id", "dataset_id"])
    op.drop_index("ix_dataset_rows_case_id", table_name="dataset_rows")


def downgrade() -> None:
    op.create_index("ix_dataset_rows_case_id", "dataset_rows", ["case_id"])
    op.drop_index("ix_dataset_rows_case_id_dataset_id", table_name="dataset_rows")
    op.drop_column("cases", "wordings")
    op.drop_table("own_answers")
