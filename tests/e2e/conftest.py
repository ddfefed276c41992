"""A home for demos that has the small model already; making that is tested in tests/integration."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def new_home(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which only the small model's checkpoint is there already (tests/integration makes it anew)."""
    home = tmp_path_factory.mktemp("mend")
    shutil.copytree(base_model, home / "model")
    return home
