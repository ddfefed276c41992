"""Alembic's entry point. An advisory lock lets several processes start at once; the first one migrates."""

from alembic import context
from sqlalchemy import create_engine, text

from feedback.models import Base

LOCK = 0x6D656E64  # "mend" in ASCII

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
    connection.commit()
engine.dispose()
