"""Model output is text: no mention, no disguised link, nothing taken back while it grows."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rotation import MESSAGE_BYTES, closed, cut, size
from bot.sanitising import open_fence, repetition, sanitise

TRICKY = st.lists(
    st.sampled_from(
        ["<", ">", "&", "[", "]", "(", ")", "!", "`", "```", "\n", ":", " ", "a", "[a](http://u)", "![i](x:u)",
         "[a](u)", "<!channel>",
         "<@U1>", "[a]: u", "```py\n", "\n```\n", "](", "][", "\u202e", "\x00", "\r\n", "é", "好"]
    ),
    max_size=40,
).map("".join)  # fmt: skip
TEXT = st.one_of(TRICKY, st.text(max_size=200))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Hello <!channel>", "Hello &lt;!channel>"),
        ("<@U123> and <https://evil|good>", "&lt;@U123> and &lt;https://evil|good>"),
        ("see [my site](https://x.example/a)", "see my site (https://x.example/a)"),
        ("[https://good.example](https://evil.example)", "https://good.example (https://evil.example)"),
        ("[https://x.example](https://x.example)", "https://x.example"),
        ("![a cat](https://x.example/cat.png) there", "a cat there"),
        ("[a [b]](https://evil.example)", "[a [b]] (https://evil.example)"),
        ("[a][1]\n\n[1]: https://evil.example", "[a] [1]\n\n[1] : https://evil.example"),
        ("`f[0](x)` works", "`f[0] (x)` works"),
        ("```\nf[0](x) <b>\n```\n[a](b:c)", "```\nf[0](x) &lt;b>\n```\n[a] (b:c)"),
        ("```\none ```\n[a](http://u)\n```", "```\none ```\na (http://u)\n```"),
        ("``````[a]: u", "``````[a] : u"),
        ("``````\n[a]: u", "``````\n[a] : u"),
        ("a [list] of 3 & <5", "a [list] of 3 & &lt;5"),
        ("abc\u202edef\x07", "abcdef"),
    ],
)
def test_what_is_written_and_what_is_shown(written: str, shown: str) -> None:
    assert sanitise(written) == shown


@given(TEXT)
def test_no_markup_with_power_is_left(raw: str) -> None:
    safe = sanitise(raw)
    assert "<" not in safe
    without_code = re.sub(r"```.*?(```|\Z)", "", safe, flags=re.DOTALL)
    for sign in ("](", "][", "]:"):
        assert sign not in without_code


@given(TEXT, TEXT)
def test_what_was_shown_is_never_taken_back(begun: str, rest: str) -> None:
    if begun.endswith("\r"):
        begun = begun[:-1]
    assert sanitise(begun + rest).startswith(sanitise(begun, final=False))


@given(TEXT)
def test_the_end_shows_what_was_held_back(raw: str) -> None:
    assert sanitise(raw).startswith(sanitise(raw, final=False))


@given(st.text(alphabet="<>&[]()!`\n ab", max_size=60))
def test_token_by_token_gives_the_same_as_all_at_once(raw: str) -> None:
    shown = ""
    for end in range(len(raw) + 1):
        now = sanitise(raw[:end], final=False)
        assert now.startswith(shown)
        shown = now
    assert sanitise(raw).startswith(shown)


@pytest.mark.parametrize(
    "text", ["I am here. " * 40, "a" * 300, "Well.\n" + "No.\n" * 100, "ha " * 100, "> " * 2000, "-" * 400]
)
def test_a_loop_is_found_and_its_first_round_kept(text: str) -> None:
    end = repetition(text)
    assert end is not None and end < len(text) / 4 + 20


@pytest.mark.parametrize(
    "text", ["", "short", "| a | b |\n" + "| - | - |\n" * 3, "-" * 120, "Yes." + "\n" * 400, "na na na na batman",
             "\n".join(f"{n}. The line number {n} is here." for n in range(60))]
)  # fmt: skip
def test_what_is_no_loop_is_left_alone(text: str) -> None:
    assert repetition(text) is None


@given(st.text(alphabet="ab `\n&lt;好", min_size=1, max_size=300), st.integers(10, 60), st.integers(0, 9))
def test_a_cut_fits_and_goes_on(text: str, limit: int, shown: int) -> None:
    if size(text) <= limit:
        return
    end = cut(text, min(shown, limit // 4), limit)
    assert 0 < end <= len(text)
    assert size(text[:end]) <= limit
    assert not (text[:end].endswith(("&", "&l", "&lt")) and text[end:].startswith(("lt;", "t;", ";")) and limit > 12)


def test_code_is_closed_and_opened_again_where_a_message_ends() -> None:
    text = "Look:\n```python\n" + "print('boat')\n" * 1000
    end = cut(text)
    whole, prefix = closed(text[:end])
    assert size(text[:end]) <= MESSAGE_BYTES
    assert whole.endswith("\n```") and open_fence(whole) == ""
    assert prefix == "```python\n" and text[end:].startswith("print")
