import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.composing import escape
from sandbox.derived import derived_block


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a &lt;b&gt;", [{"type": "text", "text": "a <b>"}]),
        ("<@U1|mia> hi", [{"type": "user", "user_id": "U1"}, {"type": "text", "text": " hi"}]),
        ("<#C1>", [{"type": "channel", "channel_id": "C1"}]),
        ("<!here>", [{"type": "broadcast", "range": "here"}]),
        ("<https://a.example|a &amp; b>", [{"type": "link", "url": "https://a.example", "text": "a & b"}]),
        ("<mailto:a@b.example>", [{"type": "link", "url": "mailto:a@b.example"}]),
        ("<unknown>", [{"type": "text", "text": "<unknown>"}]),
    ],
)
def test_tokens_become_elements(text: str, elements: list[dict[str, str]]) -> None:
    block = derived_block(text, "1.234567")
    assert block["elements"] == [{"type": "rich_text_section", "elements": elements}]
    assert block["block_id"] == "234567"


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    [section] = derived_block(escape(text), "1.1")["elements"]
    assert "".join(element["text"] for element in section["elements"]) == text
