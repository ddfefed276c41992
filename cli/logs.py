"""Log lines of every process: time, level, module, the event's name and its values, then the sentence."""

import logging
from datetime import UTC, datetime

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
QUIET = ("httpx", "httpx2", "httpcore", "httpcore2", "alembic", "slack_bolt", "slack_sdk", "rq", "openai", "asyncio")
"""Libraries whose INFO lines tell what Mend's own events tell already."""


class EventFormatter(logging.Formatter):
    """``extra={"action": "adapter_loaded", "adapter": name}`` becomes ``adapter_loaded adapter=<name>``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback after it where there is one."""
        extra = {name: value for name, value in vars(record).items() if name not in PLAIN}
        action = extra.pop("action", None)
        values = " ".join(f"{name}={_shown(value)}" for name, value in extra.items())
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        head = " ".join(filter(None, [f"{time}Z", record.levelname, record.name, action, values]))
        lines = [f"{head}: {_one_line(record.getMessage())}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)


def set_up(level: str) -> None:
    """Log to standard error, which the supervisor of ``mend demo`` puts into a file for each part."""
    handler = logging.StreamHandler()
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def _shown(value: object) -> str:
    text = _one_line(str(value))
    return f'"{text}"' if " " in text or not text else text


def _one_line(text: str) -> str:
    """A message cannot pretend to be a second log line."""
    return text.replace("\r", "\\r").replace("\n", "\\n")
