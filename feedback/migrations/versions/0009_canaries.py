"""canaries: experiments, and the arm of each answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ACTIVE = ("building", "deploying", "paraphrasing", "probing", "queued", "training")
ENDED = ("live", "rejected", "failed", "cancelled")
STATUSES = ("queued", "paraphrasing", "building", "training", "probing", "deploying", *ENDED)


def upgrade() -> None:
    # A value of an enum cannot be used in the transaction that adds it.
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE run_status ADD VALUE IF NOT EXISTS 'canary' BEFORE 'live'")
    op.drop_index("uq_runs_one_active", table_name="runs")
    _index_active_runs(("building", "canary", *ACTIVE[1:]))
    op.create_index("ix_votes_down", "votes", ["created_at"], postgresql_where=sa.text("value = 'down'"))
    op.create_table(
        "experiments",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("adapter_id", sa.BigInteger(), nullable=False),
        sa.Column("live_id", sa.BigInteger(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("told", sa.String(), nullable=True),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_experiments_adapter_id")),
        sa.ForeignKeyConstraint(["live_id"], ["adapters.id"], name=op.f("fk_experiments_live_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_experiments_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
        sa.UniqueConstraint("run_id", name=op.f("uq_experiments_run_id")),
    )
    running, untold = sa.text("ended_at IS NULL"), sa.text("told IS DISTINCT FROM 'ended'")
    op.create_index("uq_experiments_one_running", "experiments", ["persona"], unique=True, postgresql_where=running)
    op.create_index("ix_experiments_untold", "experiments", ["id"], postgresql_where=untold)
    op.create_table(
        "assignments",
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("experiment_id", sa.BigInteger(), nullable=False),
        sa.Column("arm", sa.Enum("live", "canary", name="arm"), nullable=False),
        sa.Column("opener", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_assignments_answer_id")),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiments.id"], name=op.f("fk_assignments_experiment_id")),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_experiment", "assignments", ["experiment_id", "answer_id"])


def downgrade() -> None:
    op.drop_table("assignments")
    op.execute("DROP TYPE arm")
    op.drop_table("experiments")
    op.drop_index("ix_votes_down", table_name="votes")
    # An enum cannot lose a value, so it is made anew; a run whose canary is out was stopped with it.
    op.execute("UPDATE adapters SET status = 'retired' WHERE status = 'canary'")
    op.execute(
        "UPDATE cases SET status = 'approved' WHERE status = 'training' AND id IN (SELECT case_id FROM run_cases"
        " JOIN runs ON runs.id = run_id WHERE runs.status = 'canary')"
    )
    op.drop_index("uq_runs_one_active", table_name="runs")
    op.execute("UPDATE runs SET status = 'cancelled', finished_at = now() WHERE status = 'canary'")
    op.execute("ALTER TYPE run_status RENAME TO run_status_with_canary")
    op.execute(f"CREATE TYPE run_status AS ENUM ({_quoted(STATUSES)})")
    op.execute("ALTER TABLE runs ALTER COLUMN status TYPE run_status USING status::text::run_status")
    op.execute("DROP TYPE run_status_with_canary")
    _index_active_runs(ACTIVE)


def _index_active_runs(statuses: tuple[str, ...]) -> None:
    where = sa.text(f"status IN ({_quoted(statuses)})")
    op.create_index("uq_runs_one_active", "runs", ["persona"], unique=True, postgresql_where=where)


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
