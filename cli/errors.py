"""What goes wrong by a user's doing, or by the world's, in one line and an exit status; everything else is a bug and
keeps its traceback."""

import errno
from typing import Any

from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError, ProgrammingError

from bot.boot import BotSetupError
from cli.user_error import UserError
from feedback.adapters import NothingToRollBack
from feedback.cases import CorrectionError
from feedback.experiments import NoExperiment
from feedback.queue import QueueUnavailable
from feedback.runs import RunRefused
from feedback.states import IllegalMove
from feedback.yaml_model import YamlFileError
from local.home import HomeInUse
from local.model import ModelError
from local.ports import PortTaken
from local.processes import PartFailed
from local.stack import Stopped
from serving.base import BaseModelError
from serving.errors import ServingError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


KNOWN = (
    UserError,
    BaseModelError,
    BotSetupError,
    CorrectionError,
    HomeInUse,
    IllegalMove,
    ModelError,
    NoExperiment,
    NothingToRollBack,
    OSError,
    OperationalError,
    PartFailed,
    PortTaken,
    ProgrammingError,
    QueueUnavailable,
    RedisError,
    RunRefused,
    ServingError,
    Stopped,
    ValidationError,
    YamlFileError,
)


OF_THE_TRAINER = frozenset({"pydantic_monty", "rapidfuzz", "scipy", "ville"})  # what the bot's install does not have


def known(error: BaseException) -> bool:
    """Whether ``explain`` has a line for it."""
    if isinstance(error, ModuleNotFoundError):
        return error.name in OF_THE_TRAINER
    return isinstance(error, KNOWN)


def explain(error: BaseException) -> str:
    """The line for a known error."""
    match error:
        case Stopped():
            return "stopped"
        case ValidationError():
            return "; ".join(_wrong_setting(dict(wrong)) for wrong in error.errors(include_url=False))
        case OperationalError():
            reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
            return f"PostgreSQL cannot be reached: {reason}. Start it, or set MEND_DATABASE__URL."
        case ProgrammingError() if "does not exist" in str(error.orig):  # UndefinedTable
            return "The database has no tables yet. Start `mend bot` or `mend worker`, which make them."
        case RedisError():
            return f"The queue cannot be reached: {error}. Start it, or set MEND_REDIS__URL."
        case ModuleNotFoundError():
            return f"This command needs the trainer's packages, and {error.name} is not installed: make setup"
        case OSError() if error.errno == errno.ENOSPC:
            return f"The disk is full{_at(error)}. Make room and start again."
        case _:
            return str(error) or type(error).__name__


def status(error: BaseException) -> int:
    """The exit status for a known error."""
    if isinstance(error, Stopped):
        return INTERRUPTED
    return WRONG_USE if isinstance(error, (UserError, ValidationError, YamlFileError)) else FAILED


def _wrong_setting(wrong: dict[str, Any]) -> str:
    if not wrong["loc"]:  # of settings that do not go together; the message names them
        return str(wrong["msg"])
    name = "MEND_" + "__".join(str(part) for part in wrong["loc"]).upper()
    return f"{name}: {wrong['msg']}"


def _at(error: OSError) -> str:
    return f" at {error.filename}" if error.filename else ""
