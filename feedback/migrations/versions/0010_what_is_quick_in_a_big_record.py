"""counts that add up, each arm's numbers at the last look, what runs have had, whose question has a vote; indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_cases_answer": ("cases", ["answer_id"], None),
    "ix_cases_flagged_by": ("cases", ["persona", "flagged_by", "id"], None),
    "ix_cases_corrected_by": ("cases", ["persona", "corrected_by", "id"], None),
    "ix_cases_halfway": ("cases", ["persona", "status"], "first_approved_by IS NOT NULL"),
    "ix_cases_taken_back": ("cases", ["persona", "id"], "taught AND status = 'withdrawn'"),
    "ix_votes_person": ("votes", ["team_id", "user_id", "answer_id"], None),
}


def upgrade() -> None:
    op.create_table(
        "answer_counts",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("adapter_id", sa.BigInteger(), nullable=True),
        sa.Column("answers", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_answer_counts_adapter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_counts")),
    )
    op.create_index(op.f("ix_answer_counts_persona"), "answer_counts", ["persona"])
    op.execute(
        "INSERT INTO answer_counts (persona, adapter_id, answers, down) SELECT persona, adapter_id, count(*), count(*)"
        " FILTER (WHERE EXISTS (SELECT FROM votes WHERE votes.answer_id = answers.id AND value = 'down')) FROM answers"
        " WHERE status IN ('answered', 'stopped') AND NOT EXISTS (SELECT FROM patches WHERE answer_id = answers.id)"
        " GROUP BY persona, adapter_id"
    )
    op.add_column("experiments", sa.Column("tallies", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("cases", sa.Column("taught", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(
        "UPDATE cases SET taught = true WHERE id IN"
        " (SELECT case_id FROM run_cases UNION SELECT case_id FROM dataset_rows WHERE case_id IS NOT NULL)"
    )
    op.add_column("votes", sa.Column("persona", sa.String(), nullable=True))
    op.add_column("votes", sa.Column("asker", sa.String(), nullable=True))
    op.execute(
        "UPDATE votes SET persona = answers.persona, asker = asker_team_id || '/' || asker_id FROM answers"
        " WHERE answers.id = answer_id"
    )
    op.alter_column("votes", "persona", nullable=False)
    op.alter_column("votes", "asker", nullable=False)
    for name, (table, columns, condition) in INDEXES.items():
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, postgresql_where=where)


def downgrade() -> None:
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    op.drop_column("votes", "asker")
    op.drop_column("votes", "persona")
    op.drop_column("cases", "taught")
    op.drop_column("experiments", "tallies")
    op.drop_table("answer_counts")
