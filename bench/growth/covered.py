"""Which functions that take a session were asked something, so that none is left out without a word."""

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from types import CodeType, FunctionType

from sqlalchemy.orm import Session

import bot
import feedback
from serving import routing

# What a run's own functions cost is in the seconds of a run, and none of it grows with the record.
_OF_A_RUN = "by the numbers of one run or adapter, when a checkpoint is not the last word"
LEFT_OUT: dict[str, str] = {
    "feedback.adapters.all_of_run": _OF_A_RUN,
    "feedback.adapters.reject": _OF_A_RUN,
    "feedback.adapters.take_up": _OF_A_RUN,
    "feedback.reports.of_candidates": _OF_A_RUN,
    "feedback.datasets.from_base": _OF_A_RUN,
    "feedback.runs.leave_out": "by the number of a case that is too long, in a run",
    "feedback.cases.settle_again": "writes to one case, at the end of a run that teaches again",
    "feedback.cases.announced": "writes to one case by its number; the bot uses reviews.told",
    "feedback.experiments.start": "writes one row, at the end of a run",
}


@dataclass(frozen=True)
class Coverage:
    """By their full names: functions that were called, those that need not be, and those that were forgotten."""

    asked: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()


def coverage(seen: set[CodeType]) -> Coverage:
    """What was gone through, of all that there is."""
    there = dict(_functions())
    asked = sorted(name for name, function in there.items() if function.__code__ in seen)
    others = there.keys() - set(asked)
    return Coverage(
        asked=tuple(asked),
        left_out={name: why for name, why in LEFT_OUT.items() if name in others},
        forgotten=tuple(sorted(others - LEFT_OUT.keys())),
    )


def _functions() -> Iterator[tuple[str, FunctionType]]:
    modules = [
        import_module(f"{room.__name__}.{one.name}")
        for room in (feedback, bot)
        for one in pkgutil.iter_modules(room.__path__)
    ]
    for module in (*modules, routing):
        for name, function in vars(module).items():
            if (
                isinstance(function, FunctionType)
                and function.__module__ == module.__name__
                and not name.startswith("_")
            ):
                first = next(iter(inspect.signature(function).parameters.values()), None)
                if first is not None and first.annotation is Session:
                    yield f"{module.__name__}.{name}", function
