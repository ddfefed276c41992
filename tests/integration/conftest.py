"""What the stories of a run share."""

from pathlib import Path

import pytest

from feedback.database import Database
from tests.integration.trainer_parts import Workshop, make_workshop


@pytest.fixture
def shop(db: Database, tmp_path: Path) -> Workshop:
    """A worker's context on stand-ins, and a real PostgreSQL."""
    return make_workshop(tmp_path, db)
