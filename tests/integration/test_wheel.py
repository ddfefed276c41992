"""The wheel is whole: every file of the packages that git knows is in it."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "cli", "feedback", "local", "sandbox", "serving", "trainer")


def test_the_wheel_has_every_file_of_the_packages(tmp_path: Path) -> None:
    """Built from a copy, because a build leaves folders behind."""
    source = tmp_path / "source"
    wanted = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    kept = [path for path in wanted if "__pycache__" not in path.parts]
    for path in (*kept, ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE", ROOT / "settings.py"):
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    build = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*build, "--no-build-isolation", "--no-index", "--wheel-dir", tmp_path, source],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {str(path.relative_to(ROOT)) for path in kept} - names == set()
