"""What people write, as the model reads it; and our own mrkdwn."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import text

BOT = "UBOT"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<@UBOT> who are you?", "who are you?"),
        ("hey <@UBOT>, who are you?", "hey , who are you?"),
        ("is 1 &lt; 2 &amp;&amp; 3 &gt; 2?", "is 1 < 2 && 3 > 2?"),
        ("ask <@U123|mia> or <@U999>", "ask @mia or @someone"),
        ("in <#C1|general> or <#C2>", "in #general or #channel"),
        (
            "see <https://x.example|the docs>, <https://x.example>",
            "see the docs (https://x.example), https://x.example",
        ),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<!here> <!subteam^S1|@crew>", "@here @crew"),
        ("<@UBOT>", ""),
        ("two\n  lines", "two\n  lines"),
    ],
)
def test_a_question_is_read_as_its_writer_sees_it(written: str, read: str) -> None:
    assert text.question(written, BOT) == read


@given(st.text(max_size=300))
def test_escaped_text_holds_no_markup(value: str) -> None:
    safe = text.escape(value)
    assert "<" not in safe and ">" not in safe
    assert safe.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == value


@given(st.text(max_size=2000))
def test_a_quotation_stays_one(value: str) -> None:
    quoted = text.quote(value)
    assert all(line.startswith("> ") for line in quoted.split("\n"))
    assert "<" not in quoted


def test_who_a_message_is_for() -> None:
    assert text.mentions("hi <@UBOT|pip>", BOT) and not text.mentions("hi <@U1>", BOT)
    assert text.addressed_to_other(" <@U1> what do you think?", BOT)
    assert not text.addressed_to_other("<@UBOT> what?", BOT) and not text.addressed_to_other("what, <@U1>?", BOT)


@given(st.text(alphabet="&<>aé ", max_size=60), st.integers(2, 40))
def test_what_is_escaped_is_never_cut_within_an_entity_or_a_mention(words: str, limit: int) -> None:
    short = text.shorten_mrkdwn(f"{text.escape(words)} <@U0MIA00001> and <#C1|x>", limit)
    assert len(short) <= limit
    assert not re.search(r"&(?!(?:amp|lt|gt);)|<[^>]*$", short)
