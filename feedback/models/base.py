"""What every table is made with."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Enum, Identity, MetaData, func
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, Any]


class Base(DeclarativeBase):
    """Declarative base; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own interface)
        datetime: TIMESTAMP(timezone=True),
        Json: JSONB(none_as_null=True),  # None is "not known", not the JSON text null
        list[Json]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        int: BigInteger,
    }


def enum_of(kind: type[StrEnum], name: str) -> Enum:
    """A PostgreSQL enum of a state's values."""
    return Enum(kind, name=name, values_callable=lambda members: [member.value for member in members])


def quoted(statuses: frozenset[Any]) -> str:
    """Statuses as a list in SQL, for the condition of an index."""
    return ", ".join(f"'{status}'" for status in sorted(statuses))


class Row:
    """What most tables have: a number, and when the row was made."""

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
