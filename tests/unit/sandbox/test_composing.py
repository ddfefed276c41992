import html

from hypothesis import given
from hypothesis import strategies as st

from sandbox.composing import command_text, compose
from sandbox.directory import DEFAULT_WORKSPACE, Directory, load_directory
from sandbox.visible import visible_text

DIRECTORY: Directory = load_directory(DEFAULT_WORKSPACE, "Echo")


def composed(typed: str) -> str:
    return compose(typed, DIRECTORY)[0]


def test_everything_that_is_not_a_token_is_escaped() -> None:
    assert composed("1 < 2 & 3 > 2 <b>") == "1 &lt; 2 &amp; 3 &gt; 2 &lt;b&gt;"


def test_people_and_channels_become_tokens() -> None:
    assert composed("hi @mia, see #general") == "hi <@U0MIA00001>, see <#C0GENERAL1>"
    assert composed("<@U0MIA00001|mia> <#C0GENERAL1>") == "<@U0MIA00001> <#C0GENERAL1>"
    assert composed("@here") == "<!here>"


def test_a_typed_link_cannot_bring_its_own_label() -> None:
    assert composed("https://bad.example|good") == "<https://bad.example>|good"


def test_a_name_of_nobody_is_text() -> None:
    assert composed("@nobody #nowhere <@U0NOBODY00>") == "@nobody #nowhere &lt;@U0NOBODY00&gt;"
    assert composed("mail me@mia.example") == "mail me@mia.example"


def test_links_are_marked_without_their_full_stop() -> None:
    assert composed("see https://a.example/x?y=1&z=2.") == "see <https://a.example/x?y=1&amp;z=2>."


def test_code_stays_as_typed() -> None:
    assert composed("`@mia https://a.example`") == "`@mia https://a.example`"


def test_a_command_names_people_by_token_or_by_name() -> None:
    assert command_text("ask @mia <now>", DIRECTORY, should_escape=True) == "ask <@U0MIA00001|mia> &lt;now&gt;"
    assert command_text("ask <@U0MIA00001> <now>", DIRECTORY, should_escape=False) == "ask @mia <now>"


@given(st.text(max_size=80))
def test_what_is_typed_can_be_read_back(typed: str) -> None:
    """Nothing a person types is lost, and nothing he types becomes a token that he did not mean."""
    text, block = compose(typed, DIRECTORY)
    if not any(sign in typed for sign in "@#") and "http" not in typed and "<!" not in typed:
        assert html.unescape(text) == html.unescape(html.escape(typed, quote=False))
        assert "<" not in text
        assert visible_text([block]) == typed


@given(st.text("<>@#!&|hereUC0MIA1 `", max_size=40))
def test_every_angle_bracket_belongs_to_a_known_token(typed: str) -> None:
    text = composed(typed)
    for piece in text.split("<")[1:]:
        assert piece.startswith(("@U0", "#C0", "!here>"))
