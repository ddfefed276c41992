"""what a run replaces, the hash of an adapter's configuration, and corrections in the prompt of an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("adapters", sa.Column("config_sha256", sa.String(), nullable=True))
    op.add_column("runs", sa.Column("replaces_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_runs_replaces_id"), "runs", "adapters", ["replaces_id"], ["id"])
    op.execute("UPDATE runs SET replaces_id = parent_id")  # a run went on from what was live
    op.create_table(
        "patches",
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_patches_answer_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_patches_case_id")),
        sa.PrimaryKeyConstraint("answer_id", "case_id", name=op.f("pk_patches")),
    )
    op.create_index(op.f("ix_patches_case_id"), "patches", ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_table("patches")
    op.drop_constraint(op.f("fk_runs_replaces_id"), "runs", type_="foreignkey")
    op.drop_column("runs", "replaces_id")
    op.drop_column("adapters", "config_sha256")
