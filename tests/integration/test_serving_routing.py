"""Which name answers, read from the record on a real PostgreSQL."""

from pathlib import Path

from feedback import adapters
from feedback.database import Database
from feedback.models import Adapter
from feedback.states import AdapterStatus
from serving.routing import Route, route
from tests.unit.serving.factories import make_settings


def make_adapter(name: str, version: int, status: AdapterStatus) -> Adapter:
    return Adapter(
        persona="pip",
        version=version,
        name=name,
        status=status,
        base_model="/models/base",
        base_fingerprint="f",
        sha256="0" * 64,
        rank=8,
    )


def test_the_base_model_answers_until_an_adapter_is_live(db: Database, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, device="cuda")
    with db.begin() as session:
        session.add(make_adapter("pip-v1-00000000", 1, AdapterStatus.CANDIDATE))
        session.flush()
        assert route(session, "pip", settings) == Route(None, "base")


def test_the_live_adapter_answers_its_own_persona_only(db: Database, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, device="cuda")
    with db.begin() as session:
        old = make_adapter("pip-v1-00000000", 1, AdapterStatus.LIVE)
        new = make_adapter("pip-v2-11111111", 2, AdapterStatus.CANDIDATE)
        session.add_all([old, new])
        session.flush()
        assert route(session, "pip", settings) == Route(old.id, old.name)
        adapters.promote(session, new, by="worker", why="gate")
        assert route(session, "pip", settings) == Route(new.id, new.name)
        assert route(session, "zoe", settings) == Route(None, "base")
