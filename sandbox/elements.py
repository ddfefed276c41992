"""Block elements: what each kind must have, and how long it may be.

Not imitated: confirm dialogs' own limits, external data sources, workflow buttons, and the contents of
rich text inputs. An element kind that Slack has and that is absent here is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.payload import Payload

Fault = tuple[str, str]  # (JSON pointer, what is wrong)

BUTTON_LIKE = {"button", "icon_button", "feedback_buttons"}
_SELECTS = {"users_select", "conversations_select", "channels_select"}
_PLAIN_INPUTS = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
_PICKERS = {"datepicker", "timepicker", "datetimepicker"}
_CHOICES = {"static_select", "multi_static_select", "overflow", "radio_buttons", "checkboxes"}

IN_SECTION = _SELECTS | _PICKERS | _CHOICES | {"button", "image"}
IN_ACTIONS = _SELECTS | _PICKERS | _CHOICES | {"button"}
IN_INPUT = _SELECTS | _PICKERS | _PLAIN_INPUTS | (_CHOICES - {"overflow"})
IN_CONTEXT_ACTIONS = {"feedback_buttons", "icon_button"}


@dataclass(frozen=True)
class Choices:
    most: int
    longest_value: int


_LIMITS = {
    "static_select": Choices(100, 150),
    "multi_static_select": Choices(100, 150),
    "overflow": Choices(5, 150),
    "radio_buttons": Choices(10, 150),
    "checkboxes": Choices(10, 150),
}


def text_faults(
    value: object, pointer: str, longest: int, *, plain_only: bool = False, required: bool = True
) -> Iterator[Fault]:
    if value is None and not required:
        return
    if not isinstance(value, dict):
        yield pointer, "missing required field: text object"
        return
    kind = value.get("type")
    if kind not in ("plain_text", "mrkdwn") or (plain_only and kind != "plain_text"):
        yield f"{pointer}/type", "must be plain_text" if plain_only else "must be plain_text or mrkdwn"
    yield from string_faults(value.get("text"), f"{pointer}/text", longest)


def string_faults(value: object, pointer: str, longest: int, *, required: bool = True) -> Iterator[Fault]:
    if value is None and not required:
        return
    if not isinstance(value, str):
        yield pointer, "must be a string"
    elif required and not value:
        yield pointer, "must be more than 0 characters"
    elif len(value) > longest:
        yield pointer, f"must be less than {longest + 1} characters"


def element_faults(element: object, pointer: str, allowed: set[str]) -> Iterator[Fault]:
    if not isinstance(element, dict):
        yield pointer, "must be an object"
        return
    kind = str(element.get("type"))
    if kind not in allowed:
        yield f"{pointer}/type", f"unsupported type: {kind}"
        return
    yield from string_faults(element.get("action_id"), f"{pointer}/action_id", 255, required=False)
    if kind in ("button", "icon_button"):
        yield from _button_faults(element, pointer)
    elif kind == "feedback_buttons":
        yield from _feedback_faults(element, pointer)
    elif kind == "image":
        yield from string_faults(element.get("alt_text"), f"{pointer}/alt_text", 2000)
    elif kind in _CHOICES:
        yield from _choice_faults(element, pointer, _LIMITS[kind])
    elif kind in _PLAIN_INPUTS:
        yield from _input_faults(element, pointer)
    yield from text_faults(element.get("placeholder"), f"{pointer}/placeholder", 150, plain_only=True, required=False)


def _button_faults(element: Payload, pointer: str) -> Iterator[Fault]:
    yield from text_faults(element.get("text"), f"{pointer}/text", 75, plain_only=True)
    yield from string_faults(element.get("value"), f"{pointer}/value", 2000, required=False)
    yield from string_faults(element.get("url"), f"{pointer}/url", 3000, required=False)
    label = element.get("accessibility_label")
    yield from string_faults(label, f"{pointer}/accessibility_label", 75, required=False)
    if element["type"] == "button" and element.get("style", "primary") not in ("primary", "danger"):
        yield f"{pointer}/style", "must be primary or danger"
    if element["type"] == "icon_button" and element.get("icon") != "trash":
        yield f"{pointer}/icon", "must be trash"


def _feedback_faults(element: Payload, pointer: str) -> Iterator[Fault]:
    for name in ("positive_button", "negative_button"):
        button = element.get(name)
        if not isinstance(button, dict):
            yield f"{pointer}/{name}", f"missing required field: {name}"
            continue
        yield from text_faults(button.get("text"), f"{pointer}/{name}/text", 75, plain_only=True)
        yield from string_faults(button.get("value"), f"{pointer}/{name}/value", 2000)
        label = button.get("accessibility_label")
        yield from string_faults(label, f"{pointer}/{name}/accessibility_label", 75, required=False)


def _choice_faults(element: Payload, pointer: str, limits: Choices) -> Iterator[Fault]:
    options = all_options(element)
    if not 1 <= len(options) <= limits.most:
        yield f"{pointer}/options", f"must have between 1 and {limits.most} items"
    for index, option in enumerate(options):
        place = f"{pointer}/options/{index}"
        if not isinstance(option, dict):
            yield place, "must be an object"
            continue
        yield from text_faults(option.get("text"), f"{place}/text", 75)
        yield from string_faults(option.get("value"), f"{place}/value", limits.longest_value)
        yield from text_faults(option.get("description"), f"{place}/description", 75, required=False)


def all_options(element: Payload) -> list[Payload]:
    """The options of a choice, those in groups included."""
    groups = [element, *_list(element.get("option_groups"))]
    return [option for group in groups if isinstance(group, dict) for option in _list(group.get("options"))]


def _list(value: object) -> list[Payload]:
    return value if isinstance(value, list) else []


def _input_faults(element: Payload, pointer: str) -> Iterator[Fault]:
    for name, lowest in (("min_length", 0), ("max_length", 1)):
        value = element.get(name, lowest)
        if not isinstance(value, int) or not lowest <= value <= 3000:
            yield f"{pointer}/{name}", f"must be between {lowest} and 3000"
    initial = element.get("initial_value")
    yield from string_faults(initial, f"{pointer}/initial_value", 3000, required=False)
