"""What a dataset's hash is taken of, for who trains on it and for who looks later whether it is still the same."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from feedback.models import Json


def encoded(rows: Iterable[Sequence[Json]]) -> bytes:
    """The messages of each row as a line; the same rows give the same bytes."""
    lines = (json.dumps({"messages": messages}, ensure_ascii=False, sort_keys=True) for messages in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def of_dataset(rows: Iterable[Sequence[Json]], manifest: Json) -> str:
    """The hash of a dataset's rows and, where its manifest names any, of the general sets beside them."""
    sets = manifest.get("general_sets") or []
    told = json.dumps(sets, ensure_ascii=False, sort_keys=True).encode() if sets else b""
    return hashlib.sha256(encoded(rows) + told).hexdigest()
