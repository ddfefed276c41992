"""Each line of vLLM's error table, with the words that vLLM 0.32 uses, and the error it becomes."""

from typing import Any

import pytest

from serving.errors import (
    AdapterLoadError,
    AdapterNotServed,
    Meaning,
    PromptTooLong,
    RequestRefused,
    ServingError,
    ServingUnavailable,
    as_error,
    meaning,
    message_of,
)

URL = "http://a:8000"
ROWS: list[tuple[int, str, Meaning, type[ServingError]]] = [
    (404, "The model `x` does not exist. Valid aliases: base.", Meaning.NOT_SERVED, AdapterNotServed),
    (400, "LoRA adapter 'x' was found but could not be loaded.", Meaning.BROKEN_ADAPTER, AdapterLoadError),
    (400, "The lora adapter 'x' has already been loaded. If you want", Meaning.ALREADY_LOADED, AdapterLoadError),
    (404, "The lora adapter 'x' cannot be found.", Meaning.NOT_LOADED, AdapterNotServed),
    (500, "LoRA rank 32 is greater than max_lora_rank 16.", Meaning.RANK_TOO_LARGE, AdapterLoadError),
    (500, "vLLM does not yet support DoRA.", Meaning.UNSUPPORTED_OPTION, AdapterLoadError),
    (
        500,
        "vLLM only supports modules_to_save being either None or",
        Meaning.UNSUPPORTED_OPTION,
        AdapterLoadError,
    ),
    (500, "Adapter bias is not supported.", Meaning.UNSUPPORTED_OPTION, AdapterLoadError),
    (500, "vLLM does not support init_lora_weights='pissa'.", Meaning.UNSUPPORTED_OPTION, AdapterLoadError),
    (500, "The size of tensor a (576) must match b (896)", Meaning.OTHER_BASE, AdapterLoadError),
    (500, "expected target modules in ['q'] but received ['c_attn']", Meaning.OTHER_BASE, AdapterLoadError),
    (500, "Error: incomplete metadata, file not fully covered", Meaning.HALF_WRITTEN, AdapterLoadError),
    (500, "/a/x doesn't contain tensors", Meaning.HALF_WRITTEN, AdapterLoadError),
    (500, "Missing required configuration fields: {'r'}", Meaning.HALF_WRITTEN, AdapterLoadError),
    (404, "Loading lora x failed: No adapter found for /a/x", Meaning.NOT_ON_REPLICA, AdapterLoadError),
    (400, "Out of range float values are not JSON compliant", Meaning.POISONED, ServingUnavailable),
    (500, "EngineCore encountered an issue. See stack trace", Meaning.ENGINE_DEAD, ServingUnavailable),
    (503, "", Meaning.ENGINE_DEAD, ServingUnavailable),
    (500, "cannot schedule new futures after shutdown", Meaning.DRAINING, ServingUnavailable),
    (400, "This model's maximum context length is 2048 tokens.", Meaning.TOO_LONG, PromptTooLong),
    (400, "max_tokens=4000 cannot be greater than max_model_len=2048.", Meaning.TOO_LONG, PromptTooLong),
    (401, "Unauthorized", Meaning.WRONG_KEY, RequestRefused),
    (429, "slow down", Meaning.OVERLOADED, ServingUnavailable),
    (500, "something new", Meaning.UNKNOWN, ServingUnavailable),
    (400, "something new", Meaning.UNKNOWN, RequestRefused),
]


@pytest.mark.parametrize(("status", "words", "expected", "kind"), ROWS)
def test_each_row_has_one_meaning_and_one_error(
    status: int, words: str, expected: Meaning, kind: type[ServingError]
) -> None:
    assert meaning(status, words) is expected
    error = as_error(URL, "pip-v1-0a1b2c3d", status, {"error": {"message": words, "code": status}})
    assert type(error) is kind
    assert str(error)


@pytest.mark.parametrize(("status", "words", "expected", "kind"), [row for row in ROWS if row[3] is ServingUnavailable])
def test_an_unavailable_server_is_named(status: int, words: str, expected: Meaning, kind: type[ServingError]) -> None:
    assert URL in str(as_error(URL, "x", status, words))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "a", "code": 400}}, "a"),
        ({"message": "a", "type": "T"}, "a"),
        ({"error": "Unauthorized"}, "Unauthorized"),
        ("plain", "plain"),
        (None, "None"),
    ],
)
def test_words_are_found_in_every_form_of_body(body: Any, words: str) -> None:
    assert message_of(body) == words


def test_a_load_error_carries_its_reason() -> None:
    assert AdapterLoadError("rank too large").reason == "rank too large"
