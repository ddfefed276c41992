"""Run the function a model wrote against cases, in an interpreter that can reach nothing.

The code runs in pydantic-monty, in a worker process of its own, without files, network or host functions. Its
Python is a subset: a generator function (`yield`), for one, fails with that reason though CPython would run it.
"""

import ast
import math
import re
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic_monty import CollectString, Monty, MontyCrashedError, MontyError, ResourceLimits

SECONDS_PER_CASE = 2.0
MEMORY_BYTES = 32 * 1024 * 1024
MAX_ANSWER_CHARS = 20_000
MAX_BARE_STARTS = 8
MAX_PRINTED_BYTES = 64 * 1024

# An unclosed fence is an answer that ran out of tokens; what there is of it is still looked at.
_FENCED = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
_FIRST_LINE = re.compile(r"^(?:def |from \w|import \w|@\w|\w+ ?= ?\S)", re.MULTILINE)


class SandboxError(RuntimeError):
    """The sandbox itself broke, so nothing can be said about the code."""


@dataclass(frozen=True)
class CodeCase:
    """One call of the function and what it has to return."""

    args: tuple[Any, ...]
    returns: Any


@dataclass(frozen=True)
class CodeVerdict:
    passed: bool
    reason: str


@dataclass(frozen=True)
class _Function:
    name: str
    source: str


def check_code(answer: str, cases: Sequence[CodeCase], *, sandbox: Path | None = None) -> CodeVerdict:
    """Find the function in `answer` and call it with each case, stopping at the first that fails.

    `sandbox` is the interpreter's program, by default the installed one. Code that is wrong, does not parse,
    loops, eats memory or reaches outside gives a failed verdict; `SandboxError` means no verdict.
    """
    if len(answer) > MAX_ANSWER_CHARS:
        return CodeVerdict(False, f"the answer has more than {MAX_ANSWER_CHARS} characters")
    function = _find_function(answer)
    if function is None:
        return CodeVerdict(False, "no Python function found in the answer")
    try:
        with Monty(binary_path=sandbox, request_timeout=SECONDS_PER_CASE * 4) as pool:
            for case in cases:
                problem = _problem_with(function, case, pool)
                if problem is not None:
                    return CodeVerdict(False, problem)
    except MontyCrashedError as crash:
        raise SandboxError(f"the code sandbox crashed: {crash}") from crash
    # No such program: pydantic-monty wraps it in a RuntimeError, or, where it is installed close to the root folder,
    # looks for a parent folder that is not there.
    except (OSError, RuntimeError, IndexError) as broken:
        raise SandboxError(f"the code sandbox does not start: {broken}") from broken
    return CodeVerdict(True, f"{function.name} is right in {len(cases)} cases")


def _problem_with(function: _Function, case: CodeCase, pool: Monty) -> str | None:
    call = f"{function.name}({', '.join(_short(arg) for arg in case.args)})"
    limits: ResourceLimits = {"max_feed_duration_secs": SECONDS_PER_CASE, "max_memory": MEMORY_BYTES}
    try:
        with pool.checkout(limits=limits) as session:
            returned = session.feed_run(
                f"{function.source}\n{function.name}(*mend_args)",
                inputs={"mend_args": list(case.args)},
                print_callback=CollectString(MAX_PRINTED_BYTES),
            )
    except MontyCrashedError as crash:
        if crash.timed_out:  # killed from outside because it never came back: the code's doing
            return f"{call} did not end"
        raise
    except MontyError as failure:
        return f"{call} failed: {_short_text(str(failure))}"
    if not same_value(returned, case.returns):
        return f"{call} returned {_short(returned)}, expected {_short(case.returns)}"
    return None


def _find_function(answer: str) -> _Function | None:
    blocks = [textwrap.dedent(block) for block in _FENCED.findall(answer)]
    blocks += [answer[bare.start() :] for bare in islice(_FIRST_LINE.finditer(answer), MAX_BARE_STARTS)]
    for block in blocks:
        module = _parse(block)
        if module is not None and (function := _function_of(module)) is not None:
            return function
    return None


def _parse(block: str) -> ast.Module | None:
    """The longest run of lines from the top that is Python: prose after bare code is left off."""
    lines = block.split("\n")
    end = len(lines)
    while end > 0:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a model's string is not our warning
                return ast.parse("\n".join(lines[:end]))
        except SyntaxError as broken:
            end = min(end, broken.lineno or end) - 1
        except (ValueError, RecursionError, MemoryError):  # a null byte, or nested beyond reason
            return None
    return None


def _function_of(module: ast.Module) -> _Function | None:
    """The last top-level function that no other one calls, with all that it may need; example calls left out."""
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    if not functions:
        return None
    called = {name for function in functions for name in _names_in(function) if name != function.name}
    wanted = [function for function in functions if function.name not in called] or functions
    kept = [node for node in module.body if not isinstance(node, ast.Expr | ast.If | ast.For | ast.While)]
    kept = [node for node in kept if not (isinstance(node, ast.Assign) and _calls(node, functions))]
    try:
        source = ast.unparse(ast.Module(body=kept, type_ignores=[]))
    except RecursionError:
        return None
    return _Function(wanted[-1].name, source)


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _calls(node: ast.AST, functions: Sequence[ast.FunctionDef]) -> bool:
    return not _names_in(node).isdisjoint(function.name for function in functions)


def same_value(returned: Any, expected: Any) -> bool:
    """Equal as a person would say it: 3 and 3.0 are, 1 and True are not, a tuple stands for a list."""
    if isinstance(returned, bool) or isinstance(expected, bool):
        return returned is expected
    if isinstance(expected, int | float) and isinstance(returned, int | float):
        return math.isclose(returned, expected, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, list | tuple) and isinstance(returned, list | tuple):
        return len(returned) == len(expected) and all(map(same_value, returned, expected))
    if isinstance(expected, dict) and isinstance(returned, dict):
        return returned.keys() == expected.keys() and all(
            same_value(returned[key], value) for key, value in expected.items()
        )
    return type(returned) is type(expected) and bool(returned == expected)


def _short(value: Any) -> str:
    return _short_text(repr(value))


def _short_text(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."
