"""The embedded default: PostgreSQL, Valkey, the small model and every part of Mend as processes of one machine."""
