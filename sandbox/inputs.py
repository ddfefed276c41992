"""What a person chose or typed in block elements: the state that Slack reports, its client's own checks. Pure.

Not imitated: input dispatch while typing, file inputs, rich text inputs.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.elements import all_options
from sandbox.payload import Payload

Values = dict[str, dict[str, Any]]
MISSING = "Please complete this required field."
_SINGLE = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}


class ChoiceError(ValueError):
    """A person cannot choose that; the message says why."""


def stateful_elements(blocks: Sequence[Payload]) -> Iterator[tuple[Payload, Payload]]:
    """(block, element) for every element that holds a value."""
    for block in blocks:
        candidates = [block.get("element"), block.get("accessory"), *(block.get("elements") or ())]
        for element in candidates:
            if isinstance(element, dict) and element_state(element, None):
                yield block, element


def element_state(element: Payload, value: Any) -> Payload:
    """The element's entry in `state.values`; empty for an element that holds no value. None keeps the initial one."""
    kind = element.get("type")
    if kind in _TYPED:
        text = element.get("initial_value") if value is None else str(value)
        return {"type": kind, "value": text or None}
    if kind in ("static_select", "radio_buttons"):
        chosen = element.get("initial_option") if value is None else _option(element, value)
        return {"type": kind, "selected_option": chosen}
    if kind in ("checkboxes", "multi_static_select"):
        if value is None:
            return {"type": kind, "selected_options": element.get("initial_options") or []}
        values = value if isinstance(value, list) else [value]
        return {"type": kind, "selected_options": [_option(element, item) for item in values]}
    if kind in _SINGLE:
        key = _SINGLE[str(kind)]
        initial = element.get(key.replace("selected", "initial"))
        return {"type": kind, key: initial if value is None else value}
    return {}


def _option(element: Payload, value: Any) -> Payload | None:
    if value == "":
        return None
    for option in all_options(element):
        if option["value"] == value:
            return option
    raise ChoiceError(f"{element.get('action_id')} has no option {value!r}")


def state_values(blocks: Sequence[Payload], given: Values) -> Values:
    state: Values = {}
    known = set()
    for block, element in stateful_elements(blocks):
        block_id, action_id = block["block_id"], element["action_id"]
        known.add((block_id, action_id))
        value = given.get(block_id, {}).get(action_id)
        state.setdefault(block_id, {})[action_id] = element_state(element, value)
    for block_id, actions in given.items():
        for action_id in actions:
            if (block_id, action_id) not in known:
                raise ChoiceError(f"there is no input {block_id!r} / {action_id!r}")
    return state


def input_errors(blocks: Sequence[Payload], state: Values) -> dict[str, str]:
    """What Slack's client refuses before it asks the app, by block id."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        entry = state[block["block_id"]][element["action_id"]]
        value = next((item for key, item in entry.items() if key != "type"), None)
        if not value:
            if not block.get("optional", False):
                errors[block["block_id"]] = MISSING
        elif element["type"] == "plain_text_input":
            errors.update(_length_error(block["block_id"], element, value))
    return errors


def _length_error(block_id: str, element: Payload, value: str) -> dict[str, str]:
    if len(value) < element.get("min_length", 0):
        return {block_id: f"Please enter at least {element['min_length']} characters."}
    if len(value) > element.get("max_length", 3000):
        return {block_id: f"Please enter no more than {element.get('max_length', 3000)} characters."}
    return {}


def clicked_action(blocks: Sequence[Payload], action_id: str, block_id: str | None, value: Any) -> Payload:
    """The entry of `actions` for a click on, or a choice in, one element."""
    for block in blocks:
        candidates = [block.get("element"), block.get("accessory"), *(block.get("elements") or ())]
        for element in candidates:
            if not isinstance(element, dict) or element.get("action_id") != action_id:
                continue
            if block_id in (None, block["block_id"]):
                return {**_action(element, value), "action_id": action_id, "block_id": block["block_id"]}
    raise ChoiceError(f"there is no element with action_id {action_id!r}")


def _action(element: Payload, value: Any) -> Payload:
    kind = element["type"]
    if kind == "feedback_buttons":
        return _feedback_action(element, value)
    if kind in ("button", "icon_button"):
        kept = ("type", "text", "value", "style", "url", "icon")
        return {key: element[key] for key in kept if key in element}
    if value is None:
        raise ChoiceError(f"{element.get('action_id')}: choose a value")
    if kind == "overflow":
        return {"type": kind, "selected_option": _option(element, value)}
    return element_state(element, value)


def _feedback_action(element: Payload, value: Any) -> Payload:
    """`value` is `positive`, `negative`, or the value of one of the two buttons."""
    for name in ("positive", "negative"):
        button = element[f"{name}_button"]
        if value in (name, button["value"]):
            return {"type": "feedback_buttons", "value": button["value"], "text": button["text"]}
    raise ChoiceError(f"feedback must be positive or negative, not {value!r}")
