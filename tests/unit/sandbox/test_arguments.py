import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.arguments import STRUCTURED, Arguments, decode_arguments
from sandbox.errors import ApiError

FORM = "application/x-www-form-urlencoded"
names = st.text("abcdefgh_", min_size=1, max_size=8).filter(lambda name: name not in STRUCTURED)


def test_query_form_and_json_are_merged_and_the_body_wins() -> None:
    query = [("channel", "C1"), ("text", "old")]
    assert decode_arguments(query, FORM, b"text=new&team_id=T1") == {"channel": "C1", "text": "new", "team_id": "T1"}
    assert decode_arguments(query, "application/json;charset=utf-8", b'{"text": "new"}')["text"] == "new"


def test_structured_arguments_are_decoded_from_text() -> None:
    blocks = [{"type": "divider"}]
    assert decode_arguments([("blocks", json.dumps(blocks))], FORM, b"") == {"blocks": blocks}
    assert decode_arguments([("chunks", "[]")], FORM, b"") == {"chunks": []}


def test_a_text_that_looks_like_json_stays_text() -> None:
    assert decode_arguments([("text", '{"a": 1}')], FORM, b"")["text"] == '{"a": 1}'


def test_null_counts_as_absent() -> None:
    assert decode_arguments([], "application/json", b'{"text": null}') == {}


@pytest.mark.parametrize(("body", "error"), [(b"{", "invalid_json"), (b"[1]", "json_not_object")])
def test_a_broken_json_body_is_refused(body: bytes, error: str) -> None:
    with pytest.raises(ApiError, match=error):
        decode_arguments([], "application/json", body)


@given(st.dictionaries(names, st.text(max_size=30), max_size=5))
def test_the_three_forms_mean_the_same(values: dict[str, str]) -> None:
    by_query = decode_arguments(list(values.items()), "", b"")
    by_form = decode_arguments([], FORM, urlencode(values).encode())
    by_json = decode_arguments([], "application/json; charset=utf-8", json.dumps(values).encode())
    assert by_query == by_form == by_json == values


@given(st.binary(max_size=200), st.sampled_from(["application/json", FORM, "", "text/plain"]))
def test_any_body_is_decoded_or_refused_with_a_code(body: bytes, content_type: str) -> None:
    try:
        assert isinstance(decode_arguments([], content_type, body), dict)
    except ApiError as error:
        assert error.code in ("invalid_json", "json_not_object", "invalid_form_data")


def test_flags_and_numbers_are_read_from_text() -> None:
    args = Arguments({"a": "1", "b": "0", "c": "true", "d": "false", "limit": "5"})
    assert [args.flag(name) for name in "abcde"] == [True, False, True, False, False]
    assert args.number("limit", 1) == 5
    assert args.number("absent", 7) == 7


def test_a_missing_argument_has_the_callers_error() -> None:
    with pytest.raises(ApiError, match="channel_not_found"):
        Arguments({}).text("channel", "channel_not_found")
