"""Installed versions against the pins of pyproject.toml."""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

from cli.checks.finding import Finding, fail, ok, warn

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^;\s]+)\s*(;.*extra.*)?$")


def check() -> Iterator[Finding]:
    """Every pinned package that is installed, and every one that must be."""
    try:
        pins = metadata.requires("mend") or []
    except metadata.PackageNotFoundError:
        yield warn("packages", "Mend itself is not installed, so its pins are unknown", "Run: make setup")
        return
    yield from compare(pins, _installed())


def compare(pins: Iterable[str], installed: Mapping[str, str]) -> Iterator[Finding]:
    """One line for each difference, or one that there is none."""
    checked, wrong = 0, 0
    for name, version, optional in _read(pins):
        found = installed.get(name)
        if found is None and not optional:
            wrong += 1
            yield fail("packages", f"{name} is not installed", "Run: make setup")
        elif found is not None:
            checked += 1
            if found.split("+")[0] != version:
                wrong += 1
                yield warn("packages", f"{name} is {found}, tested with {version}", "Run: make setup")
    if not wrong:
        yield ok("packages", f"{checked} pinned packages are as tested")


def _read(pins: Iterable[str]) -> Iterator[tuple[str, str, bool]]:
    for pin in pins:
        if match := PIN.match(pin):
            yield _name(match[1]), match[2], bool(match[3])


def _installed() -> dict[str, str]:
    return {_name(one.metadata["Name"]): one.version for one in metadata.distributions()}


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
