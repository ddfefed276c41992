"""How a connection to PostgreSQL is made."""

from feedback.database import connecting


def test_what_the_address_says_of_a_connection_counts() -> None:
    assert connecting("postgresql+psycopg://mend@db/mend")["connect_timeout"] == 5
    said = connecting("postgresql+psycopg://mend@db/mend?connect_timeout=30")
    assert "connect_timeout" not in said and "keepalives" in " ".join(said)
