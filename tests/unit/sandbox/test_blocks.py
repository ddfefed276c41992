from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.blocks import block_faults, with_ids
from sandbox.visible import visible_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "options", "element", "rows", "value", "action_id"]),
            inner | st.sampled_from(["section", "actions", "button", "static_select", "input", "table", "plain_text"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Press"), "action_id": "press", **fields}


def section(text: str = "hello") -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def feedback(positive: str = "Good") -> dict[str, Any]:
    buttons = {
        "type": "feedback_buttons",
        "action_id": "vote",
        "positive_button": {"text": plain(positive), "value": "up"},
        "negative_button": {"text": plain("Bad"), "value": "down"},
    }
    return {"type": "context_actions", "elements": [buttons]}


def faults(*blocks: object, surface: str = "message") -> list[str]:
    return block_faults(list(blocks), surface=surface, ready_files=frozenset({"F1"}))


@pytest.mark.parametrize(
    "block",
    [
        section(),
        {"type": "header", "text": plain("Title")},
        {"type": "divider"},
        {"type": "markdown", "text": "**bold**"},
        {"type": "context", "elements": [plain("small")]},
        {"type": "actions", "elements": [button()]},
        feedback(),
        {"type": "image", "alt_text": "a chart", "slack_file": {"id": "F1"}},
        {"type": "image", "alt_text": "a chart", "image_url": "https://example.com/chart.png"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x" * 3000}]},
        {"type": "input", "label": plain("Words"), "element": {"type": "plain_text_input", "action_id": "words"}},
    ],
)
def test_a_good_block_has_no_faults(block: dict[str, Any]) -> None:
    assert faults(block) == []


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ({"type": "hologram"}, "unsupported type: hologram [json-pointer:/blocks/0/type]"),
        (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "a"}}, "must be plain_text"),
        ({"type": "header", "text": plain("x" * 151)}, "must be less than 151 characters"),
        ({"type": "actions", "elements": []}, "must have between 1 and 25 items"),
        ({"type": "actions", "elements": [button(text=plain("x" * 76))]}, "must be less than 76 characters"),
        ({"type": "actions", "elements": [button(value="x" * 2001)]}, "must be less than 2001 characters"),
        ({"type": "actions", "elements": [button(), button()]}, "action_id 'press' already exists"),
        ({"type": "actions", "elements": [{"type": "plain_text_input"}]}, "unsupported type: plain_text_input"),
        (feedback("x" * 76), "must be less than 76 characters"),
        ({"type": "context_actions", "elements": [{"type": "feedback_buttons"}]}, "missing required field"),
        ({"type": "image", "alt_text": "a", "slack_file": {"id": "F2"}}, "invalid slack file"),
        ({"type": "image", "alt_text": "a", "image_url": "http://127.0.0.1/a.png"}, "downloading image failed"),
        ({"type": "image", "slack_file": {"id": "F1"}}, "must be a string"),
        (
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "x" * 3001}]},
            "must be less than 3001 characters",
        ),
        ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters"),
        ({"type": "input", "label": plain("a"), "element": button()}, "unsupported type: button"),
        ("section", "must be an object"),
    ],
)
def test_a_bad_block_is_named_with_its_place(block: object, fault: str) -> None:
    assert any(fault in found for found in faults(block)), faults(block)


def test_messages_hold_fifty_blocks_and_views_a_hundred() -> None:
    assert faults(*[section()] * 50) == []
    assert "no more than 50 items allowed [51 items found]" in faults(*[section()] * 51)[0]
    assert faults(*[section()] * 51, surface="modal") == []


def test_markdown_is_limited_in_total() -> None:
    half = {"type": "markdown", "text": "x" * 7000}
    assert "in total" in faults(half, half)[0]


def test_some_blocks_belong_to_messages_only() -> None:
    assert "unsupported type: context_actions" in faults(feedback(), surface="modal")[0]


def test_a_repeated_block_id_is_refused() -> None:
    assert "already exists" in faults({**section(), "block_id": "a"}, {**section(), "block_id": "a"})[0]


def test_missing_ids_are_added_and_given_ones_are_kept() -> None:
    named = with_ids([{"type": "actions", "block_id": "row", "elements": [button(), {"type": "button"}]}, section()])
    assert named[0]["block_id"] == "row"
    assert named[0]["elements"][0]["action_id"] == "press"
    assert named[0]["elements"][1]["action_id"]
    assert named[1]["block_id"]


@given(st.lists(json_values, max_size=4))
def test_any_blocks_are_judged_without_an_exception(blocks: list[Any]) -> None:
    found = block_faults(blocks, surface="message", ready_files=frozenset())
    assert all(fault.startswith("[ERROR] ") for fault in found)


def test_visible_text_is_what_a_reader_sees() -> None:
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "ask "},
                    {"type": "user", "user_id": "U1"},
                    {"type": "link", "url": "https://a.example"},
                ],
            }
        ],
    }
    assert visible_text([rich]) == "ask <@U1>https://a.example"
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}]]}
    shown = visible_text([section("one"), feedback(), table])
    assert shown.split("\n") == ["one", "Good", "Bad", "a", "b"]
    assert "up" not in shown.split("\n")
