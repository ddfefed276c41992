"""the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_created_at"), "deliveries", ["created_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_subject", "events", ["subject", "subject_id", "id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "paraphrasing",
                "building",
                "training",
                "probing",
                "deploying",
                "live",
                "rejected",
                "failed",
                "cancelled",
                name="run_status",
            ),
            nullable=False,
        ),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("base_model", sa.String(), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decision", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("cancel_requested_by", sa.String(), nullable=True),
        sa.Column("channel_id", sa.String(), nullable=True),
        sa.Column("message_ts", sa.String(), nullable=True),
        sa.Column("announced", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_persona", "runs", ["persona", "id"], unique=False)
    op.create_index(
        "uq_runs_one_active",
        "runs",
        ["persona"],
        unique=True,
        postgresql_where=sa.text(
            "status IN ('building', 'deploying', 'paraphrasing', 'probing', 'queued', 'training')"
        ),
    )
    op.create_table(
        "adapters",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("candidate", "canary", "live", "retired", "rejected", name="adapter_status"),
            nullable=False,
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("base_model", sa.String(), nullable=False),
        sa.Column("base_fingerprint", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("live_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["adapters.id"], name=op.f("fk_adapters_parent_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_adapters_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adapters")),
        sa.UniqueConstraint("name", name=op.f("uq_adapters_name")),
        sa.UniqueConstraint("persona", "version", name=op.f("uq_adapters_persona_version")),
        sa.UniqueConstraint("run_id", name=op.f("uq_adapters_run_id")),
    )
    op.create_index(
        "uq_adapters_one_live", "adapters", ["persona"], unique=True, postgresql_where=sa.text("status = 'live'")
    )
    op.create_table(
        "datasets",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_datasets_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("run_id", name=op.f("uq_datasets_run_id")),
    )
    # runs and adapters point at one another
    op.create_foreign_key("fk_runs_parent_id", "runs", "adapters", ["parent_id"], ["id"])
    op.create_table(
        "answers",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("thread_ts", sa.String(), nullable=False),
        sa.Column("question_ts", sa.String(), nullable=False),
        sa.Column("asker_id", sa.String(), nullable=False),
        sa.Column("asker_team_id", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("status", sa.Enum("pending", "answered", "stopped", "failed", name="answer_status"), nullable=False),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("adapter_id", sa.BigInteger(), nullable=True),
        sa.Column("served_name", sa.String(), nullable=True),
        sa.Column("base_model", sa.String(), nullable=True),
        sa.Column("sampling", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("first_token_ms", sa.Double(), nullable=True),
        sa.Column("total_ms", sa.Double(), nullable=True),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=True),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("apologised", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_answers_adapter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
        sa.UniqueConstraint(
            "team_id", "channel_id", "question_ts", name=op.f("uq_answers_team_id_channel_id_question_ts")
        ),
    )
    op.create_index(op.f("ix_answers_adapter_id"), "answers", ["adapter_id"], unique=False)
    op.create_index(
        "ix_answers_pending", "answers", ["id"], unique=False, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_index("ix_answers_thread", "answers", ["team_id", "channel_id", "thread_ts", "question_ts"], unique=False)
    op.create_table(
        "reports",
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("adapter_id", sa.BigInteger(), nullable=True),
        sa.Column("results", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_reports_adapter_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_reports_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_adapter", "reports", ["adapter_id", "id"], unique=False)
    op.create_index(op.f("ix_reports_run_id"), "reports", ["run_id"], unique=False)
    op.create_table(
        "answer_messages",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_answer_messages_answer_id")),
        sa.PrimaryKeyConstraint("team_id", "channel_id", "ts", name=op.f("pk_answer_messages")),
    )
    op.create_index(op.f("ix_answer_messages_answer_id"), "answer_messages", ["answer_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("persona", sa.String(), nullable=False),
        sa.Column("answer_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "flagged",
                "corrected",
                "approved",
                "training",
                "mended",
                "unmended",
                "rejected",
                "withdrawn",
                name="case_status",
            ),
            nullable=False,
        ),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("bad_answer", sa.String(), nullable=True),
        sa.Column("correction", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("flagged_by", sa.String(), nullable=False),
        sa.Column("corrected_by", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("adapter_id", sa.BigInteger(), nullable=True),
        sa.Column("announce", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["adapter_id"], ["adapters.id"], name=op.f("fk_cases_adapter_id")),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_cases_answer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_adapter_id"), "cases", ["adapter_id"], unique=False)
    op.create_index("ix_cases_status", "cases", ["persona", "status", "id"], unique=False)
    op.create_index("ix_cases_unannounced", "cases", ["id"], unique=False, postgresql_where=sa.text("announce"))
    op.create_index(
        "uq_cases_open_answer",
        "cases",
        ["answer_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('rejected', 'withdrawn')"),
    )
    op.create_table(
        "votes",
        sa.Column("answer_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("value", sa.Enum("up", "down", name="vote_value"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name=op.f("fk_votes_answer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_votes")),
        sa.UniqueConstraint("answer_id", "team_id", "user_id", name=op.f("uq_votes_answer_id_team_id_user_id")),
    )
    op.create_table(
        "dataset_rows",
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_dataset_rows_case_id")),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_rows_dataset_id")),
        sa.PrimaryKeyConstraint("dataset_id", "position", name=op.f("pk_dataset_rows")),
    )
    op.create_index(op.f("ix_dataset_rows_case_id"), "dataset_rows", ["case_id"], unique=False)
    op.create_table(
        "run_cases",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_run_cases_case_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_cases_run_id")),
        sa.PrimaryKeyConstraint("run_id", "case_id", name=op.f("pk_run_cases")),
    )
    op.create_index(op.f("ix_run_cases_case_id"), "run_cases", ["case_id"], unique=False)
    op.create_table(
        "variants",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("generator", sa.String(), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("rejected_because", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_variants_case_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_variants_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
        sa.UniqueConstraint("case_id", "text", name=op.f("uq_variants_case_id_text")),
    )
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'events are only ever added'; END $$
    """)
    op.execute("""
        CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)


def downgrade() -> None:
    op.drop_constraint("fk_runs_parent_id", "runs")
    op.drop_table("variants")
    op.drop_index(op.f("ix_run_cases_case_id"), table_name="run_cases")
    op.drop_table("run_cases")
    op.drop_index(op.f("ix_dataset_rows_case_id"), table_name="dataset_rows")
    op.drop_table("dataset_rows")
    op.drop_table("votes")
    op.drop_index(
        "uq_cases_open_answer", table_name="cases", postgresql_where=sa.text("status NOT IN ('rejected', 'withdrawn')")
    )
    op.drop_index("ix_cases_unannounced", table_name="cases", postgresql_where=sa.text("announce"))
    op.drop_index("ix_cases_status", table_name="cases")
    op.drop_index(op.f("ix_cases_adapter_id"), table_name="cases")
    op.drop_table("cases")
    op.drop_index(op.f("ix_answer_messages_answer_id"), table_name="answer_messages")
    op.drop_table("answer_messages")
    op.drop_index(op.f("ix_reports_run_id"), table_name="reports")
    op.drop_index("ix_reports_adapter", table_name="reports")
    op.drop_table("reports")
    op.drop_index("ix_answers_thread", table_name="answers")
    op.drop_index("ix_answers_pending", table_name="answers", postgresql_where=sa.text("status = 'pending'"))
    op.drop_index(op.f("ix_answers_adapter_id"), table_name="answers")
    op.drop_table("answers")
    op.drop_table("datasets")
    op.drop_index("uq_adapters_one_live", table_name="adapters", postgresql_where=sa.text("status = 'live'"))
    op.drop_table("adapters")
    op.drop_index(
        "uq_runs_one_active",
        table_name="runs",
        postgresql_where=sa.text(
            "status IN ('building', 'deploying', 'paraphrasing', 'probing', 'queued', 'training')"
        ),
    )
    op.drop_index("ix_runs_persona", table_name="runs")
    op.drop_table("runs")
    op.drop_index("ix_events_subject", table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_deliveries_created_at"), table_name="deliveries")
    op.drop_table("deliveries")
    op.execute("DROP FUNCTION refuse_change()")
    for name in ("adapter_status", "answer_status", "case_status", "run_status", "vote_value"):
        op.execute(f"DROP TYPE {name}")
