"""Log lines: one a line, with the event's values."""

import logging

from cli.logs import EventFormatter


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
