"""The JSON objects of the wire. They stay plain dicts: apps may put any further key into them."""

from typing import Any, TypeAlias

Payload: TypeAlias = dict[str, Any]
