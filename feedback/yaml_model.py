"""Read a YAML file that people edit into a pydantic model, and say which line of it is wrong.

PyYAML's plain loader forgets where a value stood and keeps the last of two equal keys without a word,
so the file is read as nodes first: the nodes give the lines and show the doubled keys.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]


class YamlFileError(ValueError):
    """A YAML file cannot be used; the message has one `file:line: field: problem` per problem."""


def read_yaml_model(
    path: Path, model: type[Model], *, error: type[YamlFileError], context: dict[str, Any] | None = None
) -> Model:
    """Read `path` as one `model`; `error` is what the caller's reader is known to raise.

    `context` reaches the model's validators as pydantic's validation context.
    """
    node = _compose(path, error)
    doubled = [f"{path}:{line}: {field}: given twice" for line, field in _doubled_keys(node)]
    if doubled:
        raise error("\n".join(doubled))
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return model.model_validate(values, context=context)
    except ValidationError as invalid:
        problems = [_problem(path, node, one) for one in _own(invalid)]
        raise error("\n".join(problems)) from invalid
    except yaml.YAMLError as broken:  # a value its tag does not fit, e.g. `!!int pip`
        raise error(_syntax_problem(path, broken)) from broken
    except ValueError as unusable:  # a date that does not exist, e.g. 2026-02-31
        raise error(f"{path}: {unusable}") from unusable


def _compose(path: Path, error: type[YamlFileError]) -> yaml.Node:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError as broken:
        raise error(_syntax_problem(path, broken)) from broken
    except UnicodeDecodeError as broken:
        raise error(f"{path}: is not UTF-8 text ({broken.reason} at byte {broken.start})") from broken
    except OSError as unreadable:
        raise error(f"{path}: cannot be read: {unreadable.strerror or unreadable}") from unreadable
    if node is None:
        raise error(f"{path}: is empty")
    return node


def _syntax_problem(path: Path, broken: yaml.YAMLError) -> str:
    mark = getattr(broken, "problem_mark", None)
    place = f"{path}:{mark.line + 1}" if mark is not None else f"{path}"
    return f"{place}: not valid YAML: {getattr(broken, 'problem', None) or broken}"


def _own(invalid: ValidationError) -> list[dict[str, Any]]:
    """The problems, but for a list that is too short only because pydantic has left out what is wrong in it."""
    found: list[dict[str, Any]] = [dict(one) for one in invalid.errors(include_url=False)]
    places: list[Location] = [one["loc"] for one in found]

    def is_for_others(one: dict[str, Any]) -> bool:
        own: Location = one["loc"]
        return one["type"] == "too_short" and any(other != own and other[: len(own)] == own for other in places)

    return [one for one in found if not is_for_others(one)]


def _problem(path: Path, node: yaml.Node, invalid: dict[str, Any]) -> str:
    location: Location = invalid["loc"]
    field = ".".join(str(part) for part in location) or "(file)"
    message = str(invalid["msg"]).removeprefix("Value error, ")
    if invalid["type"] == "string_type" and isinstance(invalid["input"], bool):
        message += "; yes, no, on and off are true and false in YAML: put the word in quotes"
    return f"{path}:{line_of(node, location)}: {field}: {message}"


def line_of(node: yaml.Node, location: Location) -> int:
    """The 1-based line of the value at `location`, or of the nearest part that the file does have."""
    line = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _doubled_keys(node: yaml.Node) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubled_keys(item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _doubled_keys(value)
