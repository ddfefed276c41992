"""A run may have several candidates: the checkpoints along its way that were probed. They share its version."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("uq_adapters_run_id", "adapters", type_="unique")
    op.drop_constraint("uq_adapters_persona_version", "adapters", type_="unique")
    op.create_index("ix_adapters_run_id", "adapters", ["run_id"])
    # What must never happen twice: one candidate of a run is probed at a time, the others have been passed over.
    op.create_index(
        "uq_adapters_one_candidate", "adapters", ["run_id"], unique=True, postgresql_where="status = 'candidate'"
    )


def downgrade() -> None:
    op.drop_index("uq_adapters_one_candidate", table_name="adapters")
    op.drop_index("ix_adapters_run_id", table_name="adapters")
    op.create_unique_constraint("uq_adapters_persona_version", "adapters", ["persona", "version"])
    op.create_unique_constraint("uq_adapters_run_id", "adapters", ["run_id"])
