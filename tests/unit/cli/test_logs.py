"""Log lines: one a line, with the event's values."""

import logging

import httpx2
import pytest

from cli.logs import EventFormatter, set_up


def record(message: str, **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": "serving.adapters", "levelname": "INFO", "msg": message, "created": 1.5, **extra}
    )


def test_an_event_shows_its_name_and_values() -> None:
    line = EventFormatter().format(record("loaded", action="adapter_loaded", adapter="pip-v1", seconds=0.25))
    assert line == ("1970-01-01T00:00:01.500Z INFO serving.adapters adapter_loaded adapter=pip-v1 seconds=0.25: loaded")


def test_a_plain_line_stays_plain() -> None:
    assert EventFormatter().format(record("hello")).endswith("INFO serving.adapters: hello")


def test_a_message_cannot_pretend_to_be_a_second_line() -> None:
    line = EventFormatter().format(record("a\nERROR forged", why="two\nlines", empty=""))
    assert "\n" not in line
    assert 'empty=""' in line


def test_a_traceback_follows_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        line = EventFormatter().format(record("failed", exc_info=(type(error), error, error.__traceback__)))
    assert line.splitlines()[-1] == "ValueError: broken"


def test_no_line_for_each_request_to_the_model_server(capsys: pytest.CaptureFixture[str]) -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    try:
        set_up("INFO")
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200))
        with httpx2.Client(transport=transport) as client:
            client.get("http://model.example/health")
        logging.getLogger("bot").info("ours")
    finally:
        root.handlers[:] = before
    assert capsys.readouterr().err.count("\n") == 1
