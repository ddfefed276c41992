from typing import Any

import pytest

from sandbox.inputs import MISSING, ChoiceError, clicked_action, input_errors, state_values


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def options(*values: str) -> list[dict[str, Any]]:
    return [{"text": plain(value.title()), "value": value} for value in values]


def typed(block_id: str = "words", **element: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "text", **element}
    return {"type": "input", "block_id": block_id, "label": plain("Words"), "element": field}


def chosen(kind: str, block_id: str = "pick", **element: Any) -> dict[str, Any]:
    field = {"type": kind, "action_id": "choice", "options": options("a", "b"), **element}
    return {"type": "input", "block_id": block_id, "label": plain("Pick"), "element": field}


def test_values_take_the_shape_of_their_element() -> None:
    blocks = [typed(), chosen("static_select"), chosen("checkboxes", "many")]
    state = state_values(blocks, {"words": {"text": "hi"}, "pick": {"choice": "b"}, "many": {"choice": ["a"]}})
    assert state["words"]["text"] == {"type": "plain_text_input", "value": "hi"}
    assert state["pick"]["choice"] == {"type": "static_select", "selected_option": options("b")[0]}
    assert state["many"]["choice"] == {"type": "checkboxes", "selected_options": options("a")}


def test_initial_values_stand_until_they_are_changed() -> None:
    blocks = [typed(initial_value="draft"), chosen("radio_buttons", initial_option=options("a")[0])]
    state = state_values(blocks, {})
    assert state["words"]["text"]["value"] == "draft"
    assert state["pick"]["choice"]["selected_option"]["value"] == "a"


def test_a_value_for_an_unknown_input_or_option_is_refused() -> None:
    with pytest.raises(ChoiceError, match="there is no input"):
        state_values([typed()], {"other": {"text": "hi"}})
    with pytest.raises(ChoiceError, match="has no option 'z'"):
        state_values([chosen("static_select")], {"pick": {"choice": "z"}})


def test_the_client_refuses_what_is_missing_too_short_or_too_long() -> None:
    blocks = [typed(), typed("short", min_length=3), typed("long", max_length=2), chosen("static_select")]
    state = state_values(blocks, {"short": {"text": "ab"}, "long": {"text": "abc"}})
    errors = input_errors(blocks, state)
    assert errors["words"] == errors["pick"] == MISSING
    assert "at least 3" in errors["short"]
    assert "no more than 2" in errors["long"]


def test_an_optional_input_may_stay_empty() -> None:
    block = {**typed(), "optional": True}
    assert input_errors([block], state_values([block], {})) == {}


def test_a_click_is_reported_as_its_element_would() -> None:
    button = {"type": "button", "action_id": "press", "text": plain("Press"), "value": "v"}
    blocks = [{"type": "actions", "block_id": "row", "elements": [button]}]
    action = clicked_action(blocks, "press", None, None)
    assert action == {
        "type": "button",
        "text": plain("Press"),
        "value": "v",
        "action_id": "press",
        "block_id": "row",
    }
    with pytest.raises(ChoiceError, match="no element"):
        clicked_action(blocks, "press", "other", None)


@pytest.mark.parametrize("given", ["negative", "down"])
def test_feedback_is_named_by_side_or_by_value(given: str) -> None:
    feedback = {
        "type": "feedback_buttons",
        "action_id": "vote",
        "positive_button": {"text": plain("Good"), "value": "up"},
        "negative_button": {"text": plain("Bad"), "value": "down"},
    }
    blocks = [{"type": "context_actions", "block_id": "row", "elements": [feedback]}]
    action = clicked_action(blocks, "vote", None, given)
    assert (action["type"], action["value"], action["text"]) == ("feedback_buttons", "down", plain("Bad"))
